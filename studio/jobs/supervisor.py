"""Keeps a worker process alive beside the server.

`WorkerProcess(home)` starts `studio.jobs.worker`, starts it again when it dies, and stops it. The worker in turn stops when this
process ends, for it holds the other end of its standard input.
"""

import subprocess
import sys
import threading
import time
from pathlib import Path

from studio.settings import Home

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0  # seconds before a worker that died is started again
HEALTHY_SECONDS = 60.0  # a worker that lived this long starts the pauses anew
ROOT = Path(__file__).resolve().parents[2]


class WorkerProcess:
    """One worker, always running between `start` and `stop`. A context manager."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.process: subprocess.Popen[bytes] | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._supervise, name="worker-supervisor", daemon=True)

    def start(self) -> None:
        self.home.create()
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Ask the worker to stop by closing its input; kill it if it has not after some seconds."""
        self._stopped.set()
        process = self.process
        if process is not None:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                process.kill()
        self._thread.join(seconds)

    def __enter__(self) -> "WorkerProcess":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _supervise(self) -> None:
        pause = FIRST_PAUSE
        while not self._stopped.is_set():
            started = time.monotonic()
            self._run_once()
            pause = FIRST_PAUSE if time.monotonic() - started > HEALTHY_SECONDS else min(2 * pause, LONGEST_PAUSE)
            self._stopped.wait(pause)

    def _run_once(self) -> None:
        home = ["--home", str(self.home.root.resolve()), "--frames-limit", str(self.home.frames_limit)]
        command = [sys.executable, "-m", "studio.jobs.worker", *home, "--with-parent"]
        with self.home.worker_log.open("ab") as log:  # what a crash prints; the worker appends its own lines
            self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, cwd=ROOT)
        self.process.wait()
