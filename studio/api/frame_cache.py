"""Frames of videos as JPEG, by exact ordinal: from what is kept ready on disk, and else decoded from the file.

Frames up to the ready height cost one read and no decoding once the worker has prepared them (`frame_store.py`). Safe to call
from many threads.
"""

import threading
import time

from studio.api.frame_readers import JpegCache, Readers
from studio.frame_store import FrameStore, ready_height
from studio.jpeg import Picture, decode, encode, scale
from studio.settings import Home
from studio.store import Row

ASK_SECONDS = 10.0  # between two wishes to prepare one video


class FrameCache:
    """The frames of all videos of a home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.ready = FrameStore(home.frames, home.frames_limit)
        self.made = JpegCache(home.frame_cache)
        self._readers = Readers(home, self.made)
        self._asked: dict[int, float] = {}
        self._lock = threading.Lock()

    def jpeg(self, video: Row, frame: int, height: int | None = None) -> bytes:
        """Frame `frame` of a video row, scaled down to `height` pixels if that is less than its own."""
        height = min(height or video["height"], video["height"])
        return self.ready_jpeg(video, frame, height) or self._readers.jpeg(video, frame, height)

    def ready_jpeg(self, video: Row, frame: int, height: int) -> bytes | None:
        """The same, if it takes no decoding of the video; None otherwise."""
        full = ready_height(video["height"])
        if height == full and (kept := self.ready.read(video["id"], frame)) is not None:
            return kept
        key = (video["id"], frame, height)
        if (known := self.made.get(key)) is not None:
            self._readers.passed(video, frame, height)
            return known
        if height < full and (kept := self.ready.read(video["id"], frame)) is not None:
            return self.made.put(key, encode(decode(kept, height, full), height))
        return None

    def picture(self, video: Row, frame: int, height: int) -> Picture:
        """A frame at `height` pixels, at most the video's own, RGB (H, W, 3)."""
        full = ready_height(video["height"])
        if height <= full and (kept := self.ready.read(video["id"], frame)) is not None:
            return scale(decode(kept, height, full), height)
        return self._readers.picture(video, frame, height)

    def near_picture(self, video: Row, frame: int, height: int) -> Picture:
        """As `picture`, of the frame at or before `frame` that is decoded without any other."""
        return self._readers.picture(video, frame, height, exact=False)

    def is_ready(self, video: Row, frame: int, height: int) -> bool:
        """Whether a frame of that height is kept ready."""
        return height <= ready_height(video["height"]) and self.ready.has(video["id"], frame)

    def wants(self, video: Row, frame: int) -> bool:
        """Note that somebody looks at a frame. Whether its video's frames should be prepared now."""
        self.ready.look(video["id"], frame)
        if self.home.frames_limit == 0 or self.ready.has(video["id"], frame):
            return False
        with self._lock:
            now = time.monotonic()
            due = now - self._asked.get(video["id"], -ASK_SECONDS) >= ASK_SECONDS
            if due:
                self._asked[video["id"]] = now
            return due

    def forget(self, video_id: int) -> None:
        """Let go of a video's file and of its pictures."""
        self._readers.forget(video_id)
        self.made.forget(video_id)
        self._asked.pop(video_id, None)
