"""Videos in a library, for tests of frames: a file goes in, jobs are done, numbers painted into the pictures come out."""

import io
from pathlib import Path

import numpy as np
from PIL import Image

from studio.jobs.importing import video_facts
from studio.jobs.worker import perform
from studio.settings import Home
from studio.store import Row, Store, jobs, library
from tests.videos import read_number


def add_video(store: Store, path: Path) -> Row:
    """A video row for a file or folder that stays where it is, with its import in the jobs table."""
    with store.transaction() as database:
        known = store.database.execute("select id from projects").fetchone()
        project = known[0] if known else library.add_project(database, "Project")["id"]
        video = library.add_video(database, project, name=path.stem, path=str(path), **video_facts(path))
        jobs.add_job(database, "import", project_id=project, video_id=video["id"])
    return video


def do_jobs(store: Store, home: Home, *kinds: str) -> None:
    """Do the jobs that wait, of some kinds or all, and those that they bring about."""
    while waiting := [job for job in jobs.queued(store.database) if not kinds or job["kind"] in kinds]:
        for job in waiting:
            perform(store, home, job["id"])


def number(jpeg: bytes) -> int:
    """The number painted into a JPEG of a `numbered_frames` video."""
    return read_number(pixels(jpeg))


def pixels(jpeg: bytes) -> np.ndarray:
    """A JPEG as RGB (H, W, 3)."""
    return np.asarray(Image.open(io.BytesIO(jpeg)))
