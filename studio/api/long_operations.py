"""What may take longer than a request: how long it is waited for, and how the rest is left to the worker.

Following an object or tracking again takes a third of a millisecond a frame, redrawing a mask some milliseconds. Of a short video
that is done before the answer; what goes on for longer becomes a job, and the answer (202) says which.
"""

import time
import uuid
from typing import Literal

from pydantic import BaseModel

from studio.api.context import Studio
from studio.review.plan import Patience
from studio.store import Row, jobs, long_operations

AT_ONCE_SECONDS = 0.2  # that an operation may take before it becomes a job
PREVIEW_SECONDS = 1.5  # that a preview may take; of a longer video it shows the first frames


class Underway(BaseModel):
    """An operation that goes on as a job. The same request with the same `Idempotency-Key` answers as usual once that is done."""

    job: int
    op: str
    user: str
    state: Literal["queued", "running", "done", "failed", "cancelled"]
    progress: float


class UnderwayList(BaseModel):
    operations: list[Underway]


class Postponed(Exception):
    """It takes too long for a request."""


def until(seconds: float) -> Patience:
    """Patience that ends after so many seconds with what there is by then."""
    end = time.monotonic() + seconds
    return lambda done, total: time.monotonic() < end


def at_once() -> Patience:
    """Patience that raises Postponed where an operation is not done at once."""
    end = time.monotonic() + AT_ONCE_SECONDS

    def patience(done: int, total: int) -> bool:
        if done < total and time.monotonic() >= end:
            raise Postponed
        return True

    return patience


def is_left_to_worker(studio: Studio, video_id: int, request: str | None) -> bool:
    """Whether a job does this request already. Raises Conflict if it failed or was cancelled."""
    return request is not None and long_operations.of_request(studio.store.database, video_id, request) is not None


def leave_to_worker(
    studio: Studio, video_id: int, user: str, body: str, request: str | None, seen: int | None
) -> Underway:
    """Make an operation, given as JSON, a job; if the request came before, it is the same one."""
    name = request or uuid.uuid4().hex
    with studio.store.transaction() as database:
        job = long_operations.of_request(database, video_id, name)
        if job is None:
            job = long_operations.add(database, video_id, user, body, name, seen)
        underway = _view(jobs.job(database, job), long_operations.of_job(database, job))
    studio.queue.put(jobs.job(studio.store.database, job))
    return underway


def under_way(studio: Studio, video_id: int) -> list[Underway]:
    """The operations on a video that wait or run."""
    with studio.store.reading() as database:
        found = long_operations.under_way(database, video_id)
        return [_view(jobs.job(database, asked["job_id"]), asked) for asked in found]


def _view(job: Row, asked: Row) -> Underway:
    return Underway(job=job["id"], op=asked["op"], user=asked["user"], state=job["state"], progress=job["progress"])
