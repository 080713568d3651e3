"""The worker process: `python -m studio.jobs.worker --home DIR`.

Takes jobs from the queue and does them, one of each line (`store/job_line.py`) at a time. It may be killed at any moment: a job
commits what it has in whole steps, and the next worker queues again whatever was left running. So there is no shutting down in
order; stopping is exiting. One home has one worker, whoever starts it.
"""

import argparse
import logging
import os
import signal
import sqlite3
import sys
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path

from huey.consumer import Consumer

from engine.errors import CtvisError
from studio.jobs.adding import add_model
from studio.jobs.again import STOPPED, close
from studio.jobs.drawing import draw_video
from studio.jobs.exporting import write_export
from studio.jobs.finetune import run_finetune
from studio.jobs.full_disk import SENTENCE, insist, is_full, keep_room
from studio.jobs.importing import import_video
from studio.jobs.inference import run_model
from studio.jobs.model_export import export_model
from studio.jobs.operating import operate
from studio.jobs.preparing import prepare_frames
from studio.jobs.progress import Cancelled
from studio.jobs.queue import JobQueue
from studio.jobs.removing import clear_away
from studio.settings import Home
from studio.store import Row, Store, job_line, jobs

KINDS: dict[str, Callable[[Store, Home, Row], None]] = {
    "import": import_video,
    "frames": prepare_frames,
    "run": run_model,
    "finetune": run_finetune,
    "export": write_export,
    "overlay": draw_video,
    "operation": operate,
    "remove": clear_away,
    "add_model": add_model,
    "export_model": export_model,
}
MAX_ATTEMPTS = 3
SWEEP_SECONDS = 20.0  # how often the jobs table is searched for jobs that never reached the queue
LOCK_SECONDS = 30.0  # how long a worker waits for the one before it to be gone

log = logging.getLogger("studio.worker")


def work_off(store: Store, home: Home, line: str) -> None:
    """Do the jobs of a line in their turn until none waits."""
    while (job_id := job_line.next_in_line(store.database, line)) is not None:
        perform(store, home, job_id)


def perform(store: Store, home: Home, job_id: int) -> None:
    """Do one job to its end, whatever the end is."""
    job = insist(home, lambda: claim(store, job_id))
    if job is None:
        return
    if job["attempts"] > MAX_ATTEMPTS:
        died = f"The worker process died {MAX_ATTEMPTS} times in a row on this job; see {home.worker_log}."
        insist(home, lambda: end(store, job, "failed", died))
        return
    try:
        KINDS[job["kind"]](store, home, job)
    except Cancelled:
        insist(home, lambda: end(store, job, "cancelled", STOPPED))
    except Exception as fault:
        error = reason(home, job, fault)
        insist(home, lambda: end(store, job, "failed", error))


def claim(store: Store, job_id: int) -> Row | None:
    """Start a job; None if it is not there to be started."""
    with store.transaction() as database:
        return jobs.claim(database, job_id)


def reason(home: Home, job: Row, fault: Exception) -> str:
    """Why a job failed, as a sentence; what is not meant for people goes to the log."""
    if isinstance(fault, CtvisError):
        return str(fault)
    if is_full(home, fault):
        return SENTENCE.format("try again")
    log.error("job %d (%s) failed", job["id"], job["kind"], exc_info=fault)
    return f"Internal error in job {job['id']}; see {home.worker_log}."


def end(store: Store, job: Row, state: str, sentence: str) -> None:
    """Mark a job, and what it was to bring about, as "failed" or "cancelled"."""
    with store.transaction() as database:
        if state == "failed":
            jobs.fail(database, job["id"], sentence)
        else:
            jobs.finish(database, job["id"], state)
        close(database, job, state, sentence)


def take_lock(home: Home, seconds: float | None = None) -> sqlite3.Connection | None:
    """Hold a lock until the process ends, however it ends; None if another process keeps it for so many seconds.

    SQLite's file locks do this the same way on every system.
    """
    connection = sqlite3.connect(
        home.worker_lock, timeout=LOCK_SECONDS if seconds is None else seconds, isolation_level=None
    )
    try:
        connection.execute("begin exclusive")
    except sqlite3.OperationalError:
        connection.close()
        return None
    return connection


def work(home: Home, stopped: threading.Event) -> None:
    """Start the consumers and look after the queue until `stopped`."""
    store = insist(home, lambda: Store(home.database))
    queue = insist(home, lambda: JobQueue(home, partial(work_off, store, home)))
    insist(home, lambda: jobs.requeue_stale(store.database))
    insist(home, lambda: queue.refill(jobs.queued(store.database)))
    for huey in queue.hueys.values():
        Consumer(huey, workers=1, periodic=False, initial_delay=0.05, max_delay=0.25).start()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal; the server decides when to stop
    signal.signal(signal.SIGTERM, lambda *_: stopped.set())
    keep_room(home)
    log.info("worker %d serves %s", os.getpid(), home.root)
    while not stopped.wait(SWEEP_SECONDS):
        keep_room(home)
        waiting = jobs.queued(store.database)
        if waiting and queue.is_empty:
            insist(home, lambda: queue.refill(jobs.queued(store.database)))


def watch_parent(stopped: threading.Event) -> None:
    """Stop when the other end of standard input is closed: the process that started this one has ended."""
    sys.stdin.buffer.read()
    stopped.set()


def main(arguments: list[str] | None = None) -> int:
    """0 when stopped, 3 if another worker keeps the home."""
    parser = argparse.ArgumentParser(prog="studio.jobs.worker", description="Does the jobs of one studio.")
    parser.add_argument("--home", type=Path, required=True, help="the studio's home folder")
    parser.add_argument("--frames-limit", type=int, help="bytes of frames that are kept ready on disk")
    parser.add_argument("--with-parent", action="store_true", help="stop when standard input is closed")
    options = parser.parse_args(arguments)
    limit = Home.frames_limit if options.frames_limit is None else options.frames_limit
    home = Home(options.home, frames_limit=limit).create()
    format = "%(asctime)s %(levelname)s %(name)s: %(message)s"
    logging.basicConfig(level=logging.INFO, format=format, filename=home.worker_log)
    logging.getLogger("huey").setLevel(logging.WARNING)
    stopped = threading.Event()
    if options.with_parent:
        threading.Thread(target=watch_parent, args=(stopped,), daemon=True).start()
    lock = take_lock(home)
    if lock is None:
        log.error("another worker already serves %s", home.root)
        return 3
    work(home, stopped)
    os._exit(0)  # without waiting for the job that is running: its last commit is what counts


if __name__ == "__main__":
    sys.exit(main())
