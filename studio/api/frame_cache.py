"""Frames of videos as JPEG, by exact ordinal.

One reader per video stays open with the last few decoded pictures, so that frames asked for slightly out of order cost no seek;
encoded frames are kept up to a number of bytes. Safe to call from many threads; a video decodes one frame at a time.
"""

import threading
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.video import VideoSource, open_video
from studio.settings import Home
from studio.store import Row

Picture = NDArray[np.uint8]

OPEN_VIDEOS = 4
RECENT_PICTURES = 12
RECENT_BYTES = 48 * 1024**2
NEAR = 8  # frames that are decoded in passing rather than sought
QUALITY = 90


class FrameCache:
    """The frames of all videos of a home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._lock = threading.Lock()
        self._readers: OrderedDict[int, Reader] = OrderedDict()
        self._encoded: OrderedDict[tuple[int, int, int], bytes] = OrderedDict()
        self._bytes = 0

    def jpeg(self, video: Row, frame: int, height: int | None = None) -> bytes:
        """Frame `frame` of a video row, scaled down to `height` pixels if that is less than its own."""
        key = (video["id"], frame, min(height or video["height"], video["height"]))
        with self._lock:
            if key in self._encoded:
                self._encoded.move_to_end(key)
                return self._encoded[key]
        jpeg = encode(self.picture(video, frame), key[2])
        with self._lock:
            if key not in self._encoded:
                self._encoded[key] = jpeg
                self._bytes += len(jpeg)
            while self._bytes > self.home.frame_cache and len(self._encoded) > 1:
                self._bytes -= len(self._encoded.popitem(last=False)[1])
        return jpeg

    def picture(self, video: Row, frame: int) -> Picture:
        """Frame `frame` of a video row, RGB (H, W, 3)."""
        return self._reader(video).picture(frame)

    def forget(self, video_id: int) -> None:
        """Let go of a video's file and of its pictures."""
        with self._lock:
            self._readers.pop(video_id, None)
            for key in [key for key in self._encoded if key[0] == video_id]:
                self._bytes -= len(self._encoded.pop(key))

    def _reader(self, video: Row) -> "Reader":
        with self._lock:
            if video["id"] not in self._readers:
                self._readers[video["id"]] = Reader(self.home.media_path(video["path"]))
            self._readers.move_to_end(video["id"])
            while len(self._readers) > OPEN_VIDEOS:
                self._readers.popitem(
                    last=False
                )  # not closed: a thread may be reading; the file closes with the last reference
            return self._readers[video["id"]]


class Reader:
    """One video, opened when it is first needed, and its last decoded pictures."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._source: VideoSource | None = None
        self._recent: OrderedDict[int, Picture] = OrderedDict()
        self._next = 0  # the frame after the one decoded last

    def picture(self, frame: int) -> Picture:
        """The picture of a frame, with the ones on the way to it kept too if it is near."""
        with self._lock:
            if frame not in self._recent:
                self._source = self._source or open_video(self.path)
                first = self._next if self._next <= frame < self._next + NEAR else frame
                for ordinal in range(first, frame + 1):
                    self._keep(ordinal, self._source.frame(ordinal))
            return self._recent[frame]

    def _keep(self, frame: int, picture: Picture) -> None:
        self._recent[frame] = picture
        self._next = frame + 1
        if len(self._recent) > max(1, min(RECENT_PICTURES, RECENT_BYTES // picture.nbytes)):
            self._recent.popitem(last=False)


def encode(picture: Picture, height: int) -> bytes:
    """A picture (H, W, 3) as JPEG of `height` pixels, with its aspect kept."""
    if height < picture.shape[0]:
        width = max(1, round(picture.shape[1] * height / picture.shape[0]))
        picture = np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return jpeg.tobytes()
