"""What a person can still do with a job that is over or under way: cancel it, have it done again, read what it said."""

from pathlib import Path

from sqlite_utils import Database

from studio.settings import Home
from studio.store import Row, Store, finetunes, jobs, runs
from studio.store.errors import Conflict

LONGEST_LOG = 2 * 1024**2  # bytes of the end of a log that are looked through
MOST_LINES = 500
STOPPED = "It was cancelled. Try again on the page Jobs, or delete it."  # said of a video whose import was


def cancel(store: Store, job_id: int) -> Row:
    """Ask a job to stop; what it keeps, and what it was to bring about, is marked so. 409 if it is over."""
    with store.transaction() as database:
        job = jobs.cancel(database, job_id)
        if job["state"] == "cancelled":
            close(database, job, "cancelled", STOPPED)
        return job


def close(database: Database, job: Row, state: str, reason: str) -> None:
    """Mark what a job was to bring about as "failed" or "cancelled". What it has stored so far stays."""
    if job["kind"] == "run":
        runs.close_run(database, job["run_id"], state)
    if job["kind"] == "finetune":
        finetunes.close(database, job["finetune_id"], state)
    if job["kind"] == "import":
        database.execute("update videos set state = 'failed', error = ? where id = ?", (reason, job["video_id"]))


def retry(store: Store, job_id: int) -> Row:
    """Queue a job that failed or was cancelled once more; a fine-tuning goes on from its checkpoint. Wake the worker yourself."""
    with store.transaction() as database:
        job = jobs.job(database, job_id)
        if job["finetune_id"] is not None:
            return finetunes.go_on(database, job["finetune_id"])["job"]  # type: ignore[no-any-return]
        if job["kind"] == "run" and runs.run(database, job["run_id"])["frames_done"]:
            raise Conflict("What this run found so far is kept and shown. Start a new run of the video instead.")
        job = jobs.queue_again(database, job_id)
        if job["kind"] == "run":
            database.execute("update runs set state = 'queued', finished_at = null where id = ?", (job["run_id"],))
        if job["kind"] == "import":
            database.execute("update videos set state = 'importing', error = null where id = ?", (job["video_id"],))
        return job


def job_log(home: Home, job: Row) -> list[str]:
    """The last lines that a job left: in its own log, and in the worker's where that speaks of it."""
    own = home.finetunes / str(job["finetune_id"]) / "log.txt" if job["finetune_id"] is not None else None
    found = _lines(own) if own else []
    about = f"job {job['id']} "
    return [*found, *(line for line in _lines(home.worker_log) if about in line)][-MOST_LINES:]


def _lines(path: Path) -> list[str]:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - LONGEST_LOG))
            return file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
