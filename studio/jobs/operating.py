"""The job that does an operation of the review page which takes longer than a request may.

It is planned from the newest state of the video and is one transaction, so a kill leaves nothing of it behind and the next worker
begins anew. A person's other edits go on meanwhile; what they say comes first (`review/log.py`).
"""

from pydantic import TypeAdapter

from studio.api.operation_bodies import AnyOperation
from studio.jobs.progress import Progress
from studio.review import log
from studio.settings import Home
from studio.store import Row, Store, jobs, long_operations

BODY: TypeAdapter[AnyOperation] = TypeAdapter(AnyOperation)


def operate(store: Store, home: Home, job: Row) -> None:
    """Do the job from the beginning."""
    asked = long_operations.of_job(store.database, job["id"])
    operation = BODY.validate_json(asked["body"]).operation()
    beside = Store(
        store.path
    )  # the operation's own connection sees one moment: neither does it hear, nor could it tell
    progress = Progress(beside, job, job["frames_total"])

    def patience(done: int, total: int) -> bool:
        progress.total = total
        progress.advance(done - progress.done, "")
        return True

    try:
        who = (asked["user"], operation, asked["request"], asked["seen"])
        log.perform(store, asked["video_id"], *who, rehearse=True, patience=patience)
    finally:
        beside.close()
    with store.transaction() as database:
        jobs.finish(database, job["id"])
