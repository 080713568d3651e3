"""The queue between the web process and the worker: Huey on a SQLite file of its own.

It only carries the ids of jobs; whether one runs, and what it is, stands in the jobs table. Inference has a queue to itself,
so that a video can be imported or a project exported while a model runs for hours; preparing frames has one too, for it may take
long and nobody waits for its end. So has fine-tuning: one trains, the others wait, and videos can still be run.
"""

from collections.abc import Callable

from huey import SqliteHuey

from studio.settings import Home
from studio.store import Row

QUEUES = ("library", "inference", "training", "frames")
QUEUE_OF = {
    "run": "inference",
    "finetune": "training",
    "frames": "frames",
}  # by the kind of the job; all others: "library"


class JobQueue:
    """Puts jobs in the queue and, in the worker, hands their ids to `perform`."""

    def __init__(self, home: Home, perform: Callable[[int], None] | None = None) -> None:
        def wake(job_id: int) -> None:
            if perform is None:
                raise RuntimeError("this process only puts jobs in the queue")
            perform(job_id)

        self.hueys = {name: SqliteHuey(name, filename=str(home.queue), results=False) for name in QUEUES}
        self._tasks = {name: huey.task(name="wake")(wake) for name, huey in self.hueys.items()}

    def put(self, job: Row) -> None:
        """Wake the worker for a job. Twice does no harm."""
        self._tasks[QUEUE_OF.get(job["kind"], "library")](job["id"])

    def refill(self, jobs: list[Row]) -> None:
        """Forget what the queue holds and put these jobs in."""
        for huey in self.hueys.values():
            huey.storage.flush_queue()
        for job in jobs:
            self.put(job)

    @property
    def is_empty(self) -> bool:
        return not any(huey.pending_count() for huey in self.hueys.values())
