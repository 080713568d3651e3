"""A disk without room: what a job can still say of it, and how it waits, instead of dying of it.

The database lies on the same disk, so not even the end of a job can be written down there. Some room is kept back for that in a
file of its own (`Home.reserve`): it is given up when it is needed, and taken again once there is room. Where that does not do, what
is to be written waits.
"""

import errno
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from studio.settings import Home

Result = TypeVar("Result")

RESERVE = 1024**2  # bytes; a few pages of the database are enough
WAIT_SECONDS = 2.0
SENTENCE = "The disk is full. Make room on it, then {}."


def is_full(home: Home, fault: BaseException) -> bool:
    """Whether this was raised because the home's disk, or one's share of it, has no room."""
    if isinstance(fault, OSError):
        return fault.errno in (errno.ENOSPC, errno.EDQUOT)
    if not isinstance(fault, sqlite3.OperationalError):
        return False
    kind = fault.sqlite_errorcode & 0xFF
    short = shutil.disk_usage(home.root).free < RESERVE  # SQLite calls a log that cannot grow an input or output error
    return kind == sqlite3.SQLITE_FULL or (kind in (sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN) and short)


def keep_room(home: Home) -> None:
    """Take the room that is kept back, unless that is so already or there is none."""
    if home.reserve.exists():
        return
    try:
        with home.reserve.open("xb") as file:
            file.write(bytes(RESERVE))
    except OSError:
        with suppress(OSError):
            home.reserve.unlink()


def insist(home: Home, write: Callable[[], Result]) -> Result:
    """Do what writes to the database even if the disk is full: in the room that is kept back, or as soon as there is some."""
    while True:
        try:
            return write()
        except (sqlite3.OperationalError, OSError) as fault:
            if not is_full(home, fault):
                raise
        if home.reserve.exists():
            home.reserve.unlink()
        else:
            time.sleep(WAIT_SECONDS)
