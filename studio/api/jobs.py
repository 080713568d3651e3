"""Routes of the jobs: the line they stand in, how far each is, and what a person can do with one."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, ConfigDict

from studio.api.context import InStudio
from studio.jobs.again import cancel, job_log, retry
from studio.store import job_line, jobs

router = APIRouter(prefix="/jobs", tags=["jobs"])

State = Literal["running", "queued", "paused", "failed", "cancelled", "done"]


class Job(BaseModel):
    """model: the one that runs, or that comes of it; parent: the one it comes of."""

    model_config = ConfigDict(protected_namespaces=())

    id: int
    kind: str
    title: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    paused: bool
    progress: float
    message: str
    frames_done: int
    frames_total: int
    fps: float | None
    seconds_left: float | None
    error: str | None
    project_id: int | None
    video_id: int | None
    run_id: int | None
    export_id: int | None
    finetune_id: int | None
    project: str | None
    video: str | None
    model: str | None
    parent: str | None
    created_at: str
    finished_at: str | None


class JobList(BaseModel):
    """counts: how many jobs of the kind there are in each state, listed or not."""

    jobs: list[Job]
    counts: dict[State, int]


class Place(BaseModel):
    to: Literal["first", "up", "down", "last"]


class Log(BaseModel):
    lines: list[str]


@router.get("", response_model=JobList)
def list_jobs(
    studio: InStudio,
    state: State | None = None,
    kind: str | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    offset: Annotated[int, Query(ge=0)] = 0,
) -> Any:
    """What runs, what waits in its turn, what is paused, then what is over, the latest first."""
    with studio.store.reading() as database:
        found = job_line.listed(database, limit, offset, state, kind)
        return {"jobs": found, "counts": job_line.counts(database, kind)}


@router.get("/{job_id}", response_model=Job)
def get_job(studio: InStudio, job_id: int) -> Any:
    """A job and how far it is."""
    return jobs.job(studio.store.database, job_id)


@router.post("/{job_id}/cancel", response_model=Job)
def cancel_job(studio: InStudio, job_id: int) -> Any:
    """Ask a job to stop; it keeps what it has. 409 if it is over."""
    return cancel(studio.store, job_id)


@router.post("/{job_id}/retry", response_model=Job)
def retry_job(studio: InStudio, job_id: int) -> Any:
    """Do a job that failed, was cancelled or paused once more; 409 if it is not over."""
    job = retry(studio.store, job_id)
    studio.queue.put(job)
    return job


@router.post("/{job_id}/move", response_model=Job)
def move_job(studio: InStudio, job_id: int, body: Place) -> Any:
    """Change the place of a waiting job in its line; 409 if it does not wait."""
    with studio.store.transaction() as database:
        return job_line.move(database, job_id, body.to)


@router.get("/{job_id}/log", response_model=Log)
def get_job_log(studio: InStudio, job_id: int) -> Any:
    """The last lines that a job left behind."""
    return {"lines": job_log(studio.home, jobs.job(studio.store.database, job_id))}
