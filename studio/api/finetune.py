"""Routes of fine-tuning: what would be taught, starting it, watching it, pausing it, and
what to correct next. The models that come of it are in `models.py`."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import Field
from starlette.responses import FileResponse

from studio.api.context import InStudio, Studio, User
from studio.api.model_schemas import Curves, Schema, Summary, curves
from studio.finetune.next_frames import next_frames
from studio.finetune.speed import measure_apart
from studio.finetune.start import overview, start
from studio.jobs.again import cancel
from studio.jobs.finetune import sample_path
from studio.jobs.models import runnable_models
from studio.store import Row, finetunes, library
from studio.store.errors import NotFound
from training.finetune_config import settings_help

router = APIRouter(tags=["fine-tuning"])


class FinetuneSummary(Schema):
    id: int
    project_id: int
    parent: str
    name: str
    state: Literal["queued", "running", "paused", "done", "failed", "cancelled"]
    step: int
    steps: int
    job: int
    message: str
    error: str | None
    seconds_left: float | None
    result: dict[str, Any] | None
    created_at: str
    finished_at: str | None


class FinetuneList(Schema):
    finetunes: list[FinetuneSummary]


class Overview(Schema):
    """model: that it begins with; in_use: that the new one is compared with; settings: proposed, `help` has a sentence on each;
    seconds_per_step and seconds: as measured here, null if nobody did."""

    model: str
    in_use: str
    name: str
    models: list[str]
    summary: Summary
    settings: dict[str, float | int | str]
    help: dict[str, str]
    seconds_per_step: float | None
    seconds: float | None
    finetunes: list[FinetuneSummary]


class FinetuneRequest(Schema):
    """All may be left out. settings: those that are to differ from the proposed ones."""

    model: str | None = None
    name: str | None = None
    settings: dict[str, float | int | str] = Field(default_factory=dict)


class Measured(Schema):
    model: str | None = None
    settings: dict[str, float | int | str] = Field(default_factory=dict)


class FinetuneDetail(FinetuneSummary, Curves):
    """A fine-tuning with its settings and curves."""

    settings: dict[str, float | int | str]
    help: dict[str, str]
    snapshot: str


class NextFrame(Schema):
    """worth: 0..1, of what is most in doubt and least familiar in the frame."""

    video: int
    video_name: str
    frame: int
    worth: float
    reason: str


class NextFrames(Schema):
    frames: list[NextFrame]


@router.get("/projects/{project_id}/finetune", response_model=Overview)
def show_overview(studio: InStudio, project_id: int, model: str | None = None) -> Any:
    """What a fine-tuning would be taught, the settings that are proposed for it, and the ones there were."""
    return _overview(studio, project_id, model)


@router.post("/projects/{project_id}/finetune", response_model=FinetuneSummary, status_code=202)
def start_finetune(studio: InStudio, user: User, project_id: int, body: FinetuneRequest) -> Any:
    """Fine-tune on what is verified now; 409 if that is nothing. Others wait for the one that runs."""
    found = start(studio.store, studio.home, project_id, user, body.model, body.name, body.settings)
    studio.queue.put(found["job"])
    return _view(found)


@router.get("/projects/{project_id}/finetunes", response_model=FinetuneList)
def list_finetunes(studio: InStudio, project_id: int) -> Any:
    """The fine-tunings of a project, newest first."""
    with studio.store.reading() as database:
        return {"finetunes": [_view(row) for row in finetunes.finetunes(database, project_id)]}


@router.post("/projects/{project_id}/finetune/measure", response_model=Overview)
def measure_speed(studio: InStudio, project_id: int, body: Measured) -> Any:
    """Measure what a training step takes on this machine, which takes some seconds; the overview then has the time to expect of
    the given settings."""
    library.project(studio.store.database, project_id)
    shown = overview(studio.store, studio.home, project_id, body.model, body.settings)  # refuses what makes no sense
    model = str(shown["model"])
    measure_apart(studio.home, project_id, model, body.settings)
    return _overview(studio, project_id, model, body.settings)


@router.get("/projects/{project_id}/next", response_model=NextFrames)
def show_next(studio: InStudio, project_id: int, count: Annotated[int, Query(ge=1, le=100)] = 12) -> Any:
    """The frames whose correction would teach most, the best first, each with the reason; no net is run."""
    with studio.store.snapshot() as database:
        return {"frames": [asdict(found) for found in next_frames(database, project_id, count)]}


@router.get("/finetunes/{finetune_id}", response_model=FinetuneDetail)
def show_finetune(studio: InStudio, finetune_id: int) -> Any:
    """How a fine-tuning stands, with its curves."""
    with studio.store.reading() as database:
        found = finetunes.finetune(database, finetune_id)
        shown = _view(found) | curves(studio.home, database, found)
    return shown | {"help": settings_help(), "settings": found["config"], "snapshot": found["snapshot"]}


@router.get("/finetunes/{finetune_id}/samples/{step}/{number}.jpg", response_class=FileResponse)
def get_sample(studio: InStudio, finetune_id: int, step: int, number: int) -> FileResponse:
    """What the net found after a step in one of a few frames."""
    finetunes.finetune(studio.store.database, finetune_id)
    path = sample_path(studio.home, finetune_id, step, number)
    if not path.is_file():
        raise NotFound(f"Fine-tuning {finetune_id} has no picture {number} of step {step}.")
    return FileResponse(path, media_type="image/jpeg")


@router.post("/finetunes/{finetune_id}/pause", response_model=FinetuneSummary)
def pause_finetune(studio: InStudio, finetune_id: int) -> Any:
    """Put it aside after the step that it is at."""
    with studio.store.transaction() as database:
        return _view(finetunes.ask_to_pause(database, finetune_id))


@router.post("/finetunes/{finetune_id}/resume", response_model=FinetuneSummary)
def resume_finetune(studio: InStudio, finetune_id: int) -> Any:
    """Let one that is paused, failed or cancelled go on from its last checkpoint."""
    with studio.store.transaction() as database:
        found = finetunes.go_on(database, finetune_id)
    studio.queue.put(found["job"])
    return _view(found)


@router.post("/finetunes/{finetune_id}/cancel", response_model=FinetuneSummary)
def cancel_finetune(studio: InStudio, finetune_id: int) -> Any:
    """End it without a model."""
    found = finetunes.finetune(studio.store.database, finetune_id)
    cancel(studio.store, found["job"]["id"])
    return _view(finetunes.finetune(studio.store.database, finetune_id))


def _overview(
    studio: Studio, project_id: int, model: str | None, settings: dict[str, float | int | str] | None = None
) -> dict[str, Any]:
    with studio.store.reading() as database:
        past = [_view(row) for row in finetunes.finetunes(database, project_id)]
        names = list(runnable_models(studio.home, database))
    return overview(studio.store, studio.home, project_id, model, settings) | {"models": names, "finetunes": past}


def _view(found: Row) -> dict[str, Any]:
    columns = ("id", "project_id", "parent", "name", "state", "step", "result", "created_at", "finished_at")
    job = found["job"]
    told = {"job": job["id"], "message": job["message"], "error": job["error"], "seconds_left": job["seconds_left"]}
    return {column: found[column] for column in columns} | told | {"steps": found["config"]["steps"]}
