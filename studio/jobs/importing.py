"""The job that takes a video in: its checksum, the times of its frames, and a thumbnail. Another job then prepares its frames.

`video_facts` is what the web process asks of a file before it accepts it; everything that reads the whole file happens here.
Nothing is kept of an import that was stopped; the file stays, so that the import can be tried again.
"""

import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.frame_index import build_index
from engine.image_folder import is_image
from engine.video import VideoSource, open_video
from studio.jobs.progress import Progress
from studio.jobs.queue import JobQueue
from studio.settings import Home
from studio.sources import keep_index
from studio.store import Row, Store, jobs, library
from studio.store.errors import Conflict

THUMBNAIL_WIDTH, THUMBNAIL_QUALITY = 400, 82
CHUNK = 1024**2


def video_facts(path: Path) -> dict[str, Any]:
    """What a video row says of a file: bytes, width, height, length, fps. Raises VideoError if it is no readable video."""
    with open_video(path) as source:
        facts = {"width": source.width, "height": source.height, "length": source.length, "fps": source.fps}
    return facts | {"bytes": sum(file.stat().st_size for file in _files(path))}


def import_video(store: Store, home: Home, job: Row) -> None:
    """Complete the row of a new video and make it ready."""
    video = library.video(store.database, job["video_id"])
    path = home.media_path(video["path"])
    progress = Progress(store, job)
    checksum = video["sha256"] or sha256(path, lambda done: progress.report("Reading the file", done, video["bytes"]))
    with _opened(path, lambda: progress.report("Looking for its frames")) as source:
        pts = None if source.pts is None else np.asarray(source.pts, "<f8").tobytes()
        write_thumbnail(source.frame(source.length // 2), home.thumbnails / f"{video['id']}.jpg")
        keep_index(home, video, source)
        warning = source.warning
    with store.transaction() as database:
        twin = library.find_video(database, video["project_id"], sha256=checksum)
        if twin is not None and twin["id"] != video["id"]:
            raise Conflict(f'The project has this video already: it is "{twin["name"]}".')
        sql = "update videos set sha256 = ?, pts = ?, state = 'ready', error = ? where id = ?"
        database.execute(sql, (checksum, pts, warning, video["id"]))
        jobs.finish(database, job["id"], message=warning or "")
        frames = jobs.prepare_frames(database, video)
    if frames is not None:
        JobQueue(home).put(frames)


def _opened(path: Path, tick: Callable[[], None]) -> VideoSource:
    """As `open_video`, which for a large file takes a while; what `tick` raises ends it."""
    is_video = path.is_file() and not is_image(path)
    return open_video(path, index=build_index(path, tick) if is_video else None)


def sha256(path: Path, advance: Callable[[int], None] = lambda done: None) -> str:
    """Of a file's bytes; of a folder, of the names and bytes of its files in order. `advance` hears how many bytes are read."""
    digest, done = hashlib.sha256(), 0
    for file in _files(path):
        if path.is_dir():
            digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as handle:
            while chunk := handle.read(CHUNK):
                digest.update(chunk)
                done += len(chunk)
                advance(done)
    return digest.hexdigest()


def write_thumbnail(rgb: NDArray[np.uint8], path: Path) -> None:
    """A small JPEG of a frame (H, W, 3)."""
    height, width = rgb.shape[:2]
    scale = min(1.0, THUMBNAIL_WIDTH / width)
    small = cv2.resize(rgb, (max(1, round(width * scale)), max(1, round(height * scale))), interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(
        ".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, THUMBNAIL_QUALITY]
    )
    partial = path.with_suffix(".partial")
    partial.write_bytes(jpeg.tobytes())
    os.replace(partial, path)


def _files(path: Path) -> Iterator[Path]:
    if path.is_dir():
        yield from sorted(child for child in path.iterdir() if child.is_file())
    else:
        yield path
