"""Operations that take longer than a request may: what was asked for, beside the job that does it.

A person's request goes by its own name (`request`), so that it is found again however often it arrives. What the operations are,
and who does them, is said elsewhere (`review/`, `jobs/operating.py`).
"""

from sqlite_utils import Database

from studio.store import jobs, library
from studio.store.database import Row, insert, one
from studio.store.errors import Conflict, NotFound

ASKED = """
    select o.*, json_extract(o.body, '$.op') as op, j.state, j.video_id, j.error
    from long_operations o join jobs j on j.id = o.job_id
"""


def add(database: Database, video_id: int, user: str, body: str, request: str, seen: int | None) -> int:
    """Ask the worker for an operation, given as JSON. Returns its job."""
    video = library.video(database, video_id)
    references = {"project_id": video["project_id"], "video_id": video_id}
    job = jobs.add_job(database, "operation", frames_total=video["length"], **references)
    unseen = seen if seen != video["rev"] else None
    values = {"job_id": job["id"], "request": request, "user": user, "body": body, "seen": unseen}
    insert(database, "long_operations", values)
    return int(job["id"])


def of_job(database: Database, job_id: int) -> Row:
    """What a job is to do: request, user, op, body, seen, video_id."""
    found = one(database, f"{ASKED} where o.job_id = ?", (job_id,))
    if found is None:
        raise NotFound(f"Job {job_id} is no operation.")
    return found


def of_request(database: Database, video_id: int, request: str) -> int | None:
    """The job that does what a request asked for, if it waits or runs; None if the request is new, or done.

    Raises Conflict where the operation failed or was cancelled: who asks for it again gives it another name.
    """
    found = one(database, f"{ASKED} where j.video_id = ? and o.request = ? order by o.job_id desc", (video_id, request))
    if found is None or found["state"] == "done":
        return None
    if found["state"] in ("failed", "cancelled"):
        raise Conflict(found["error"] or "This was cancelled before it was done.")
    return int(found["job_id"])


def under_way(database: Database, video_id: int) -> list[Row]:
    """The operations on a video that wait or run, oldest first, as `of_job` gives them."""
    sql = f"{ASKED} where j.video_id = ? and j.state in ('queued', 'running') order by j.id"
    return list(database.query(sql, (library.video(database, video_id)["id"],)))
