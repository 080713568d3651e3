"""A video file as a numbered sequence of upright RGB pictures.

`VideoFile` is the `VideoSource` (engine/video.py) of everything that PyAV decodes: picture n is the nth picture that
decoding the whole file would show, whether it is reached by iteration or by random access. Rotation and mirroring in the
file's metadata are applied; pixels are never stretched. Two pictures, and what the decoder itself holds back, are in memory
at a time. In a damaged stretch, what the decoder makes up for lost data may depend on where it started.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from engine.decoding import Decoder, KeyPicture
from engine.errors import VideoError
from engine.frame_index import FrameIndex, build_index


class VideoFile:
    """`width` and `height` in pixels as shown, `fps` pictures per second on average, `pts` seconds per picture or None.

    `warning` is None, or a sentence on what part of the file cannot be read. `frame` may be called from any thread; every
    iteration opens the file anew, so iterations and `frame` do not disturb each other.
    """

    def __init__(self, path: str | Path, index: FrameIndex | None = None) -> None:
        """`index` spares the indexing where the caller kept the `.index` of an earlier opening of the same file."""
        self.path = Path(path)
        self.name = self.path.stem
        self.index = index or build_index(self.path)
        self._decoder = Decoder(self.path)
        stream = self._decoder.stream
        self.pts = (
            None if self.index.pts is None else [float(ticks * stream.time_base) for ticks in self.index.pts.tolist()]
        )
        self.fps = _frames_per_second(self.pts, stream)
        first = next(self._decoder.pictures())
        self._coded_size = first.width, first.height
        self.height, self.width = _upright(np.empty((first.height, first.width, 3), np.uint8), first).shape[:2]
        self._lock = threading.Lock()
        self._next = self.length  # the ordinal that `_walk` will show next
        self._walk: Iterator[tuple[int, av.VideoFrame]] = iter(())

    @property
    def length(self) -> int:
        return self.index.length

    def __len__(self) -> int:
        return self.length

    @property
    def warning(self) -> str | None:
        if not self.index.damaged:
            return None
        announced = f" of {self.index.announced}" if self.index.announced > self.length else ""
        return f"'{self.path.name}' is damaged or incomplete: {self.length}{announced} pictures can be read."

    def frame(self, ordinal: int) -> np.ndarray:
        """Picture `ordinal` (0-based): uint8 RGB (height, width, 3)."""
        if not 0 <= ordinal < self.length:
            raise VideoError(f"'{self.path.name}' has the frames 0 to {self.length - 1}; there is no frame {ordinal}.")
        with self._lock:
            start = self.index.starts(ordinal)[0]
            if not self._next <= ordinal or self._next < self._ordinal(start):
                self._walk, self._next = _walk(self._decoder, self.index, ordinal), ordinal
            for number, picture in self._walk:
                self._next = number + 1
                if number == ordinal:
                    return self._to_rgb(picture, VideoReformatter())
        raise VideoError(f"Frame {ordinal} of '{self.path.name}' cannot be decoded any more. Has the file changed?")

    def frames(self, start: int = 0, stop: int | None = None, step: int = 1) -> Iterator[tuple[int, np.ndarray]]:
        """Every `step`th picture of [start, stop) as (ordinal, uint8 RGB (height, width, 3)), decoded one after the other."""
        stop = self.length if stop is None else min(stop, self.length)
        if start >= stop:
            return
        decoder, reformatter = Decoder(self.path), VideoReformatter()
        try:
            for ordinal, picture in _walk(decoder, self.index, start):
                if ordinal >= stop:
                    return
                if (ordinal - start) % step == 0:
                    yield ordinal, self._to_rgb(picture, reformatter)
        finally:
            decoder.close()

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        return self.frames()

    def close(self) -> None:
        with self._lock:
            self._walk, self._next = iter(()), self.length
            self._decoder.close()

    def __enter__(self) -> "VideoFile":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ordinal(self, start: KeyPicture | None) -> int:
        return 0 if start is None or self.index.pts is None else int(np.searchsorted(self.index.pts, start.pts))

    def _to_rgb(self, picture: av.VideoFrame, reformatter: VideoReformatter) -> np.ndarray:
        # A stream may change its picture size half-way; the first size holds for all.
        width, height = self._coded_size
        return _upright(reformatter.reformat(picture, width, height, "rgb24").to_ndarray(), picture)


def _walk(decoder: Decoder, index: FrameIndex, start: int) -> Iterator[tuple[int, av.VideoFrame]]:
    """(ordinal, picture) for each ordinal from `start` on, decoded from as near as possible."""
    if index.pts is None:
        yield from ((ordinal, picture) for ordinal, picture in enumerate(decoder.pictures()) if ordinal >= start)
        return
    for key in index.starts(start):
        found = False
        for ordinal, picture in _numbered(decoder.pictures(key), index.pts, start):
            found = True
            yield ordinal, picture
        if found:
            return


def _numbered(pictures: Iterator[av.VideoFrame], pts: np.ndarray, start: int) -> Iterator[tuple[int, av.VideoFrame]]:
    """Number pictures by their timestamps. Where damage inside the file has cost a picture, the one before stands in for it.

    Yields nothing if no picture at or before `start` comes: decoding must then start farther back.
    """
    shown: av.VideoFrame | None = None
    ordinal = start
    for picture in pictures:
        while ordinal < len(pts) and picture.pts > pts[ordinal]:
            if shown is None:
                return
            yield ordinal, shown
            ordinal += 1
        if ordinal == len(pts):
            return
        shown = picture
        if picture.pts == pts[ordinal]:
            yield ordinal, picture
            ordinal += 1
    if shown is not None:
        yield from ((missing, shown) for missing in range(ordinal, len(pts)))


def _upright(rgb: np.ndarray, picture: av.VideoFrame) -> np.ndarray:
    """Turn (by 90 degrees) and mirror as the display matrix says: [[a, b, ..], [c, d, ..], ..], x' = ax + cy, y' = bx + dy."""
    side_data: Any = picture.side_data.get("DISPLAYMATRIX")
    if side_data is None:
        return rgb
    (a, b, _), (c, d, _), _ = np.frombuffer(side_data, np.int32).reshape(3, 3).tolist()
    turned = abs(b) > abs(a)
    x_from, y_from = (c, b) if turned else (a, d)
    rgb = rgb.transpose(1, 0, 2) if turned else rgb
    return np.ascontiguousarray(rgb[:: -1 if y_from < 0 else 1, :: -1 if x_from < 0 else 1])


def _frames_per_second(pts: list[float] | None, stream: av.VideoStream) -> float:
    if pts is not None and len(pts) > 1:
        return (len(pts) - 1) / (pts[-1] - pts[0])
    return float(stream.average_rate or stream.guessed_rate or 25)
