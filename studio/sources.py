"""Opening the video of a row of the library, without indexing its file again.

The import keeps the index of a video file beside its prepared frames; it holds as long as the file's size and time do.
"""

import os
from pathlib import Path

from engine.frame_index import FrameIndex
from engine.video import VideoSource, open_video
from engine.video_file import VideoFile
from studio.frame_store import FrameStore
from studio.settings import Home
from studio.store import Row


def open_source(home: Home, video: Row) -> VideoSource:
    """The source of a video row. Raises VideoError where the file is gone or unreadable."""
    path = home.media_path(video["path"])
    return open_video(path, index=_kept_index(home, video, path))


def keep_index(home: Home, video: Row, source: VideoSource) -> None:
    """Keep the index of a video that was just opened. Folders of images have none."""
    if isinstance(source, VideoFile):
        folder = FrameStore(home.frames, home.frames_limit).begin(video["id"])
        partial = folder / "index.partial"
        source.index.save(partial)
        os.replace(partial, folder / _index_name(home.media_path(video["path"])))


def _kept_index(home: Home, video: Row, path: Path) -> FrameIndex | None:
    try:
        return FrameIndex.load(home.frames / str(video["id"]) / _index_name(path))
    except (OSError, ValueError):
        return None


def _index_name(path: Path) -> str:
    """Of the index of a file as it is now."""
    facts = path.stat()
    return f"index-{facts.st_size}-{facts.st_mtime_ns}.npz"
