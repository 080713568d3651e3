"""The jobs table: long work as people see it, and what decides which of it is (re)started.

The queue only wakes the worker up; a job runs when `claim` says so. In which order jobs are done, and the list of them, is told by
`job_line.py`. Nothing here does the work.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from studio.store.database import Row, insert, one
from studio.store.errors import Conflict, NotFound

JOBS = """
    select j.*, coalesce(v.name, p.name, json_extract(j.asked, '$.name'), '') as title, p.name as project, v.name as video,
      coalesce(r.model, f.name, json_extract(j.asked, '$.name')) as model, f.parent
    from jobs j left join videos v on v.id = j.video_id left join projects p on p.id = coalesce(j.project_id, v.project_id)
      left join runs r on r.id = j.run_id left join finetunes f on f.id = j.finetune_id
"""
FINISHED = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"


def add_job(database: Database, kind: str, *, frames_total: int = 0, **references: int) -> Row:
    """A new queued job. `references`: project_id, video_id, run_id, export_id, finetune_id."""
    values = {"kind": kind, "state": "queued", "frames_total": frames_total, **references}
    return _to_the_end(database, insert(database, "jobs", values))


def add_model_job(database: Database, kind: str, asked: Mapping[str, Any]) -> Row:
    """A new queued job that works on a model. asked: what it is to do, with the model's `name`."""
    values = {"kind": kind, "state": "queued", "asked": json.dumps(asked)}
    return _to_the_end(database, insert(database, "jobs", values))


def asked(found: Row) -> dict[str, Any]:
    """What a job that works on a model is to do."""
    return dict(json.loads(found["asked"]))


def ask_for(database: Database, job_id: int, asked: Mapping[str, Any]) -> None:
    """Note what such a job is to do from now on."""
    database.execute("update jobs set asked = ? where id = ?", (json.dumps(asked), job_id))


def job(database: Database, job_id: int) -> Row:
    """One job; `progress` in [0, 1] is derived, `title` names the video or project it is about, `model` is the name of the one that
    runs or that comes of it, with its `parent`."""
    found = one(database, f"{JOBS} where j.id = ?", (job_id,))
    if found is None:
        raise NotFound(f"There is no job {job_id}.")
    return with_progress(found)


def job_of(database: Database, **reference: int) -> Row | None:
    """The latest job for a run_id, export_id, finetune_id or video_id."""
    ((column, value),) = reference.items()
    found = one(database, f"{JOBS} where j.{column} = ? order by j.id desc", (value,))
    return found and with_progress(found)


def prepare_frames(database: Database, video: Row) -> Row | None:
    """Queue the job that prepares a video's frames, again if it is done; None if it waits or runs, or was stopped by a person or a
    fault."""
    found = one(database, "select id, state from jobs where kind = 'frames' and video_id = ?", (video["id"],))
    if found is None:
        return add_job(database, "frames", project_id=video["project_id"], video_id=video["id"])
    if found["state"] != "done":
        return None
    database.execute("update jobs set state = 'queued', attempts = 0, finished_at = null where id = ?", (found["id"],))
    return _to_the_end(database, found["id"])


def under_way(database: Database, project_id: int, video_id: int | None = None) -> Row | None:
    """A job that waits or runs in a project; with `video_id`, on that video or on the project as a whole.

    What nobody asked for is none: clearing away, and preparing frames, which ends by itself when its video goes.
    """
    sql = f"""
        {JOBS} where j.project_id = :project and j.state in ('queued', 'running')
          and j.kind not in ('remove', 'frames')
          and (:video is null or j.video_id is null or j.video_id = :video) order by j.state desc, j.id
    """
    return one(database, sql, {"project": project_id, "video": video_id})


def with_progress(row: Row) -> Row:
    """A row with `progress`, 0 to 1."""
    if row["state"] == "done":
        return row | {"progress": 1.0}
    return row | {"progress": row["frames_done"] / row["frames_total"] if row["frames_total"] else 0.0}


def queued(database: Database) -> list[Row]:
    """The jobs that wait for their turn, in order; those that a person paused wait for that person."""
    return list(database.query("select * from jobs where state = 'queued' and not paused order by position"))


def requeue_stale(database: Database) -> None:
    """Queue again what a worker left running when it died, and removals that failed: nobody sees those to ask for them again.

    Only the one live worker may call it, before it starts anything.
    """
    database.execute("update jobs set state = 'queued', fps = null, seconds_left = null where state = 'running'")
    database.execute("update jobs set state = 'queued', attempts = 0 where kind = 'remove' and state = 'failed'")


def claim(database: Database, job_id: int) -> Row | None:
    """Start a queued job; None if it is not there to be started (cancelled, or started before)."""
    taken = database.execute(
        "update jobs set state = 'running', attempts = attempts + 1, heartbeat = ? "
        "where id = ? and state = 'queued' and not paused",
        (time.time(), job_id),
    )
    return job(database, job_id) if taken.rowcount else None


def progress(
    database: Database,
    job_id: int,
    done: int,
    total: int,
    *,
    message: str = "",
    fps: float | None = None,
    kept: bool = False,
) -> None:
    """Note how far a running job is, in frames or what it counts. kept: what was done so far would survive the worker's death."""
    left = (total - done) / fps if fps else None
    database.execute(
        """
        update jobs set frames_done = ?, frames_total = ?, message = ?, fps = ?, seconds_left = ?, heartbeat = ?,
          attempts = case when ? then 0 else attempts end
        where id = ?
        """,
        (done, total, message, fps, left, time.time(), kept, job_id),
    )


def finish(database: Database, job_id: int, state: str = "done", message: str = "") -> None:
    """End a job as "done" or "cancelled"."""
    sql = f"update jobs set state = ?, message = ?, seconds_left = null, finished_at = {FINISHED} where id = ?"
    database.execute(sql, (state, message, job_id))


def fail(database: Database, job_id: int, error: str) -> None:
    """End a job with the sentence that says why."""
    sql = f"update jobs set state = 'failed', error = ?, seconds_left = null, finished_at = {FINISHED} where id = ?"
    database.execute(sql, (error, job_id))


def cancel(database: Database, job_id: int) -> Row:
    """Ask a job to stop. A queued one stops at once; a running one after the frame it is at, and it keeps what it has."""
    found = job(database, job_id)
    if found["state"] not in ("queued", "running"):
        raise Conflict(f"Job {job_id} is over already ({found['state']}).")
    database.execute("update jobs set cancel = 1, paused = 0 where id = ?", (job_id,))
    if found["state"] == "queued":
        finish(database, job_id, "cancelled", "cancelled before it started")
    return job(database, job_id)


def queue_again(database: Database, job_id: int) -> Row:
    """Put a job that failed or was cancelled at the end of those that wait."""
    found = job(database, job_id)
    if found["state"] not in ("failed", "cancelled"):
        raise Conflict(f"Job {job_id} cannot be done again: it is {found['state']}.")
    sql = """
        update jobs set state = 'queued', paused = 0, cancel = 0, attempts = 0, error = null, message = '',
          fps = null, seconds_left = null, finished_at = null
        where id = ?
    """
    database.execute(sql, (job_id,))
    return _to_the_end(database, job_id)


def _to_the_end(database: Database, job_id: int) -> Row:
    database.execute("update jobs set position = (select max(position) + 1 from jobs) where id = ?", (job_id,))
    return job(database, job_id)


def is_cancelled(database: Database, job_id: int) -> bool:
    """Whether a person asked the job to stop, or removed it."""
    found = one(database, "select cancel from jobs where id = ?", (job_id,))
    return found is None or bool(found["cancel"])
