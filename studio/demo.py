"""The demo project: the clips that ship with the program, in a project with the demo model's categories.

`ensure_demo(home)` makes it at the first start of a home, and never again unless asked: a person may remove it.
"""

import hashlib
import os
import shutil
from pathlib import Path

from engine import PRESETS
from studio.jobs.importing import video_facts
from studio.jobs.queue import JobQueue
from studio.settings import Home
from studio.store import Row, Store, jobs, library, one

NAME = "Demo"
CLIPS = Path(__file__).resolve().parent.parent / "assets" / "clips"


def ensure_demo(home: Home, again: bool = False, clips: Path = CLIPS) -> None:
    """Make the demo project in a new home; with `again`, in any home that has none. Its videos are imported by the worker."""
    store = Store(home.create().database)
    try:
        if one(store.database, "select 1 from projects where name = ?", (NAME,)) or not (again or _is_new(store)):
            return
        queued = _make_demo(home, store, sorted(clips.glob("*.mp4")))
    finally:
        store.close()
    queue = JobQueue(home)
    for job in queued:
        queue.put(job)


def _make_demo(home: Home, store: Store, clips: list[Path]) -> list[Row]:
    """The project in one transaction, so that a start that is broken off leaves none. Returns the import jobs."""
    queued = []
    with store.transaction() as database:
        project = library.add_project(database, NAME)
        for category in PRESETS["demo"].categories:
            library.add_category(database, project["id"], category.name, category.id)
        for clip in clips:
            checksum = _copy_into(home, clip)
            values = {"name": clip.stem, "path": f"{checksum}{clip.suffix}", "sha256": checksum, **video_facts(clip)}
            video = library.add_video(database, project["id"], **values)
            queued.append(jobs.add_job(database, "import", project_id=project["id"], video_id=video["id"]))
    return queued


def _copy_into(home: Home, clip: Path) -> str:
    """Copy a clip to the media folder under its checksum, whole or not at all. Returns the checksum."""
    checksum = hashlib.sha256(clip.read_bytes()).hexdigest()
    partial = home.temporary / f"{checksum}.partial"
    shutil.copyfile(clip, partial)
    os.replace(partial, home.media / f"{checksum}{clip.suffix}")
    return checksum


def _is_new(store: Store) -> bool:
    """Whether the home never had a project."""
    return one(store.database, "select 1 from sqlite_sequence where name = 'projects'") is None
