"""A module of the studio in a process of its own, so that the memory of a net goes back with it and the server stays quick.

In: the module and its arguments. Out: what it said when it ended badly. It is waited for; what takes long belongs into a job.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

TICK_SECONDS = 0.2
ROOT = Path(__file__).resolve().parents[1]


def run_apart(
    module: str, arguments: list[str], patience: float, tick: Callable[[], None] = lambda: None
) -> str | None:
    """None if all went well; else the sentence that it ended with, "" if it had none for people.

    `tick` is called again and again meanwhile; what it raises ends the process. Raises subprocess.TimeoutExpired after `patience`
    seconds.
    """
    command = [sys.executable, "-m", module, *arguments]
    nothing = subprocess.DEVNULL
    with subprocess.Popen(
        command, cwd=ROOT, text=True, stdin=nothing, stdout=nothing, stderr=subprocess.PIPE
    ) as process:
        try:
            said = _last_words(process, patience, tick)
        except BaseException:
            process.kill()
            raise
    if not process.returncode:
        return None
    return said[-1] if process.returncode == 1 and said else ""


def _last_words(process: "subprocess.Popen[str]", patience: float, tick: Callable[[], None]) -> list[str]:
    until = time.monotonic() + patience
    while True:
        try:
            return process.communicate(timeout=TICK_SECONDS)[1].strip().splitlines()
        except subprocess.TimeoutExpired:
            if time.monotonic() > until:
                raise
            tick()
