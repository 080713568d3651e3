"""How far a job is, as the job itself tells it, and the news that a person wants it to stop.

A job reports as often as it likes; the table hears of it now and then. Whoever reports may be told to stop by `Cancelled`, which
ends the job (`worker.py`). What is counted, frames or bytes, is the job's affair.
"""

import time

from studio.store import Row, Store, jobs

REPORT_SECONDS = 0.3


class Cancelled(Exception):
    """A person stopped the job."""


class Progress:
    """Tells the jobs table how far a job is, and notices when it is to stop."""

    def __init__(self, store: Store, job: Row, total: int = 0) -> None:
        self.store, self.job, self.total, self.done = store, job, total, 0
        self._due, self._said = time.monotonic(), ""

    def advance(self, count: int, message: str) -> None:
        """Count so many more of `total` as done. Raises Cancelled."""
        self.done += count
        self.report(message, self.done, self.total)

    def report(self, message: str, done: int = 0, total: int = 0) -> None:
        """Say how far it is; at once where the message is another one. Raises Cancelled."""
        if message == self._said and time.monotonic() < self._due:
            return
        self._due, self._said = time.monotonic() + REPORT_SECONDS, message
        if jobs.is_cancelled(self.store.database, self.job["id"]):
            raise Cancelled
        jobs.progress(self.store.database, self.job["id"], done, total, message=message)
