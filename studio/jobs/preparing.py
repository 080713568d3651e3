"""The job that makes a video's frames ready to be shown: decoded once, in order, and kept as JPEG (`frame_store.py`).

It runs after the import, beside everything else and with less right to the processor, so review begins at once from the file
itself. It begins where somebody looks, and moves when they do. A kill costs the pack in the making. The job ends when all frames
are kept, or as many as there is room for; looking elsewhere then starts it again.
"""

import logging
import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import islice

from engine.video import VideoSource
from studio.frame_store import PACK, FrameStore, ready_height
from studio.jpeg import encode
from studio.settings import Home
from studio.sources import open_source
from studio.store import Row, Store, jobs, library

LEAST_NICE = 19

log = logging.getLogger("studio.worker")


def prepare_frames(store: Store, home: Home, job: Row) -> None:
    """Do the job, from the beginning or from where an earlier worker stood: in a thread that gives way, and ends with it."""
    with ThreadPoolExecutor(1, "frames", initializer=give_way) as thread, closing(Store(store.path)) as own:
        thread.submit(_do, own, home, job).result()


def _do(store: Store, home: Home, job: Row) -> None:
    frames = FrameStore(home.frames, home.frames_limit)
    frames.remove_others({row[0] for row in store.database.execute("select id from videos")})
    video = library.video(store.database, job["video_id"])
    frames.begin(video["id"])
    with open_source(home, video) as source:
        state = _prepare(store, frames, job, video, source)
    with store.transaction() as database:
        jobs.finish(database, job["id"], state)


def give_way() -> None:
    """Let other threads go first, to this one's end. Where a thread has no such number of its own, all stay as they are."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LEAST_NICE)


def _prepare(store: Store, frames: FrameStore, job: Row, video: Row, source: VideoSource) -> str:
    """Make packs until none is missing or none has its place any more. Returns the state in which the job ends."""
    reader = PackReader(source, ready_height(video["height"]))
    made, began = 0, time.monotonic()
    while (pack := frames.next_missing(video["id"], video["length"])) is not None:
        if jobs.is_cancelled(store.database, job["id"]):
            return "cancelled"
        jpegs = reader.read(pack)
        try:
            if not frames.write(video["id"], pack, jpegs):
                break
        except FileNotFoundError:
            return "cancelled"  # the video was deleted this moment
        made += len(jpegs)
        fps = made / (time.monotonic() - began)
        done = min(len(frames.kept(video["id"])) * PACK, video["length"])
        with store.transaction() as database:
            jobs.progress(database, job["id"], done, video["length"], fps=fps, kept=True)
    return "done"


class PackReader:
    """The frames of a source pack by pack; packs that follow each other are decoded in one go."""

    def __init__(self, source: VideoSource, height: int) -> None:
        self.source = source
        self.height = height
        self._next = -1  # the pack that `_frames` is at
        self._frames: Iterator[bytes] = iter(())

    def read(self, pack: int) -> list[bytes]:
        """The JPEGs of a pack, as many as the video has."""
        if pack != self._next:
            walk = self.source.frames(pack * PACK, height=self.height)
            self._frames = (encode(rgb) for _, rgb in walk)
        self._next = pack + 1
        return list(islice(self._frames, PACK))
