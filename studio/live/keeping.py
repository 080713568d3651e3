"""Making a recording a video of a project, from outside the studio's web process.

The studio need not run: its worker imports the video when it next does.
"""

import shutil
import uuid
from pathlib import Path

from studio.api.context import Studio
from studio.api.frame_cache import FrameCache
from studio.api.library import add_received
from studio.api.uploads import ReceivedFile
from studio.jobs.importing import sha256
from studio.jobs.queue import JobQueue
from studio.settings import Home
from studio.store import Row, Store, library, one
from studio.version import studio_version


def keep_recording(home: Home, project: str, recording: Path, name: str) -> Row:
    """Copy a recording into the studio of `home`, as the video `name` of a project that is made if it is not there."""
    store = Store(home.create().database)
    try:
        copy = home.temporary / f"upload-{uuid.uuid4().hex}{recording.suffix}"
        shutil.copyfile(recording, copy)
        studio = Studio(home, store, JobQueue(home), FrameCache(home), studio_version())
        with store.transaction() as database:
            found = one(database, "select * from projects where name = ?", (project,))
            found = found or library.add_project(database, project)
        received = ReceivedFile(copy, f"{name}{recording.suffix}", sha256(copy))
        return add_received(studio, found["id"], received)[0]
    finally:
        store.close()
