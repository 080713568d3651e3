"""The job that clears away what a person deleted: the rows of a removed video or project, and then the files that were theirs.

Rows go first, and the file of a row never before the row itself, so a kill leaves at most a file that nobody uses. The job's own
row goes with what it removes; a worker that died begins again where rows are left. Files outside the home are never touched.
"""

import shutil
import time
from pathlib import Path

from studio.frame_store import FrameStore
from studio.jobs.drawing import overlay_path
from studio.settings import Home
from studio.store import Row, Store, one, removal

WINDOW = 32  # frames whose masks go in one transaction; they lie side by side, for they were written together
PAUSE_SECONDS = 0.01  # for others who write to have their turn


def clear_away(store: Store, home: Home, job: Row) -> None:
    """Do the job, from the beginning or from where an earlier worker stood."""
    if job["video_id"] is not None:
        _clear_video(store, home, job["video_id"])
    else:
        _clear_project(store, home, job["project_id"])


def _clear_project(store: Store, home: Home, project_id: int) -> None:
    for (video_id,) in store.database.execute("select id from videos where project_id = ?", (project_id,)).fetchall():
        _clear_video(store, home, video_id)
    exports = store.database.execute("select id from exports where project_id = ?", (project_id,)).fetchall()
    finetunes = store.database.execute("select id from finetunes where project_id = ?", (project_id,)).fetchall()
    with store.transaction() as database:
        database.execute("delete from projects where id = ?", (project_id,))
    for (export_id,) in exports:
        shutil.rmtree(home.exports / str(export_id), ignore_errors=True)
    for (finetune_id,) in finetunes:
        shutil.rmtree(home.finetunes / str(finetune_id), ignore_errors=True)


def _clear_video(store: Store, home: Home, video_id: int) -> None:
    (length,) = store.database.execute("select length from videos where id = ?", (video_id,)).fetchone()
    for start in range(0, length, WINDOW):
        with store.transaction() as database:
            removal.delete_masks(database, video_id, start, start + WINDOW)
        time.sleep(PAUSE_SECONDS)
    with store.transaction() as database:
        (stored,) = database.execute("delete from videos where id = ? returning path", (video_id,)).fetchone()
    (home.thumbnails / f"{video_id}.jpg").unlink(missing_ok=True)
    overlay_path(home, video_id).unlink(missing_ok=True)
    FrameStore(home.frames, home.frames_limit).remove(video_id)
    _remove_media(store, home, stored)


def _remove_media(store: Store, home: Home, stored: str) -> None:
    """Remove a file of the media folder that no video uses any more; one that lies elsewhere is its owner's."""
    if Path(stored).is_absolute():
        return
    with store.transaction() as database:  # while it lasts nobody can add a video with the same file
        if one(database, "select 1 from videos where path = ?", (stored,)) is None:
            (home.media / stored).unlink(missing_ok=True)
