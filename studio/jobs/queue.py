"""The queue between the web process and the worker: Huey on a SQLite file of its own.

It only wakes the worker for a line of jobs; which job's turn it is stands in the jobs table (`store/job_line.py`).
Inference has a line to itself, so that a video can be imported or a project exported while a model runs for hours; preparing
frames has one too, for it may take long and nobody waits for its end. So has fine-tuning: one trains, the others wait, and
videos can still be run.
"""

from collections.abc import Callable
from functools import partial

from huey import SqliteHuey

from studio.settings import Home
from studio.store import Row
from studio.store.job_line import LINES, line_of


class JobQueue:
    """Wakes the worker and, in the worker, calls `work_off` with the line whose jobs wait."""

    def __init__(self, home: Home, work_off: Callable[[str], None] | None = None) -> None:
        def wake(line: str) -> None:
            if work_off is None:
                raise RuntimeError("this process only puts jobs in the queue")
            work_off(line)

        self.hueys = {line: SqliteHuey(line, filename=str(home.queue), results=False) for line in LINES}
        self._wake = {line: partial(huey.task(name="wake")(wake), line) for line, huey in self.hueys.items()}

    def put(self, job: Row) -> None:
        """Wake the worker for a job. Twice does no harm."""
        self._wake[line_of(job["kind"])]()

    def refill(self, jobs: list[Row]) -> None:
        """Forget what the queue holds, and wake the worker for these jobs."""
        for huey in self.hueys.values():
            huey.storage.flush_queue()
        for line in {line_of(job["kind"]) for job in jobs}:
            self._wake[line]()

    @property
    def is_empty(self) -> bool:
        return not any(huey.pending_count() for huey in self.hueys.values())
