"""A video file as a numbered sequence of upright RGB pictures.

`VideoFile` is the `VideoSource` (engine/video.py) of everything that PyAV decodes: picture n is the nth picture that
decoding the whole file would show, whether it is reached by iteration or by random access. Rotation and mirroring in the
file's metadata are applied; pixels are never stretched. Two pictures, and what the decoder itself holds back, are in memory
at a time. In a damaged stretch, what the decoder makes up for lost data may depend on where it started.
"""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from engine.decoding import Decoder, KeyPicture
from engine.errors import VideoError
from engine.frame_index import FrameIndex, build_index


class VideoFile:
    """`width` and `height` in pixels as shown, `fps` pictures per second on average, `pts` seconds per picture or None.

    `warning` is None, or a sentence on what part of the file cannot be read, or is shown at another size, as far as is known
    by then. `frame` may be called from any thread; every
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
        self._coded_size = (
            first.width,
            first.height,
        )  # a stream may change its picture size; the first one holds for all
        self._size_changes = False  # as far as was read
        self._orientation = _orientation(first)
        shown = (first.width, first.height) if self._orientation.transposed else (first.height, first.width)
        self.height, self.width = shown
        self._lock = threading.Lock()
        self._reformatter = VideoReformatter()
        self._next = self.length  # the ordinal that `_walk` will show next
        self._walk: Iterator[tuple[int, av.VideoFrame]] = iter(())

    @property
    def length(self) -> int:
        return self.index.length

    def __len__(self) -> int:
        return self.length

    @property
    def warning(self) -> str | None:
        notes = []
        if self.index.damaged:
            announced = f" of {self.index.announced}" if self.index.announced > self.length else ""
            notes.append(f"'{self.path.name}' is damaged or incomplete: {self.length}{announced} pictures can be read.")
        if self._size_changes:
            notes.append(
                f"The pictures of '{self.path.name}' change their size: all are shown at {self.width}x{self.height}."
            )
        return " ".join(notes) or None

    def frame(self, ordinal: int, height: int | None = None) -> np.ndarray:
        """Picture `ordinal` (0-based): uint8 RGB (height, width, 3), scaled down to `height` pixels if that is given."""
        if not 0 <= ordinal < self.length:
            raise VideoError(f"'{self.path.name}' has the frames 0 to {self.length - 1}; there is no frame {ordinal}.")
        with self._lock:
            start = self.index.starts(ordinal)[0]
            if not self._next <= ordinal or self._next < self._ordinal(start):
                self._walk, self._next = _walk(self._decoder, self.index, ordinal), ordinal
            for number, picture in self._walk:
                self._next = number + 1
                if number == ordinal:
                    return self._to_rgb(picture, self._reformatter, height)
        raise VideoError(f"Frame {ordinal} of '{self.path.name}' cannot be decoded any more. Has the file changed?")

    def frames(
        self, start: int = 0, stop: int | None = None, step: int = 1, height: int | None = None
    ) -> Iterator[tuple[int, np.ndarray]]:
        """Every `step`th picture of [start, stop) as (ordinal, picture as by `frame`), decoded one after the other."""
        stop = self.length if stop is None else min(stop, self.length)
        if start >= stop:
            return
        decoder, reformatter = Decoder(self.path), VideoReformatter()
        try:
            for ordinal, picture in _walk(decoder, self.index, start):
                if ordinal >= stop:
                    return
                if (ordinal - start) % step == 0:
                    yield ordinal, self._to_rgb(picture, reformatter, height)
        finally:
            decoder.close()

    def __iter__(self) -> Iterator[tuple[int, np.ndarray]]:
        return self.frames()

    def decodes_from(self, ordinal: int) -> int:
        """The key picture at or before picture `ordinal`: where decoding starts to show that one."""
        return self._ordinal(self.index.starts(ordinal)[0])

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

    def _to_rgb(self, picture: av.VideoFrame, reformatter: VideoReformatter, height: int | None) -> np.ndarray:
        self._size_changes |= (picture.width, picture.height) != self._coded_size
        if height is None or height >= self.height:
            rgb = reformatter.reformat(picture, *self._coded_size, "rgb24")
        else:
            size = scaled_size(self.width, self.height, height)
            coded = size[::-1] if self._orientation.transposed else size
            rgb = reformatter.reformat(picture, *coded, "rgb24", interpolation="AREA")
        return self._orientation.apply(rgb.to_ndarray())


def scaled_size(width: int, height: int, wanted: int) -> tuple[int, int]:
    """(width, height) of a picture scaled to `wanted` pixels of height with its aspect kept."""
    return max(1, round(width * wanted / height)), wanted


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


class Orientation(NamedTuple):
    """How pictures are to be shown: first turned over the diagonal (rows become columns), then mirrored."""

    transposed: bool = False
    upside_down: bool = False
    left_right: bool = False

    def apply(self, rgb: np.ndarray) -> np.ndarray:
        """A picture (H, W, 3) as it is to be shown."""
        shown = rgb.transpose(1, 0, 2) if self.transposed else rgb
        return np.ascontiguousarray(shown[:: -1 if self.upside_down else 1, :: -1 if self.left_right else 1])


def _orientation(picture: av.VideoFrame) -> Orientation:
    """From the display matrix, [[a, b, ..], [c, d, ..], ..] with x' = ax + cy and y' = bx + dy, for turns by 90 degrees.

    Asked of one picture only: PyAV's side data keep the picture that they belong to alive until the next garbage collection.
    """
    side_data: Any = picture.side_data.get("DISPLAYMATRIX")
    if side_data is None:
        return Orientation()
    (a, b, _), (c, d, _), _ = np.frombuffer(side_data, np.int32).reshape(3, 3).tolist()
    if abs(b) > abs(a):
        return Orientation(True, upside_down=b < 0, left_right=c < 0)
    return Orientation(False, upside_down=d < 0, left_right=a < 0)


def _frames_per_second(pts: list[float] | None, stream: av.VideoStream) -> float:
    if pts is not None and len(pts) > 1:
        return (len(pts) - 1) / (pts[-1] - pts[0])
    return float(stream.average_rate or stream.guessed_rate or 25)
