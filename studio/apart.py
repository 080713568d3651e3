"""A module of the studio in a process of its own, so that the memory of a net goes back with it and the server stays quick.

In: the module and its arguments. Out: what it said when it ended badly. It is waited for; what takes long belongs into a job.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def run_apart(module: str, arguments: list[str], patience: float) -> str | None:
    """None if all went well; else the sentence that it ended with, "" if it had none for people.

    Raises subprocess.TimeoutExpired after `patience` seconds.
    """
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=patience,
    )
    if not done.returncode:
        return None
    said = done.stderr.strip().splitlines()
    return said[-1] if done.returncode == 1 and said else ""
