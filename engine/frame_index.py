"""The index of a video file: which pictures a decoder shows, when, and at which of them decoding may start.

In: a path. Out: a `FrameIndex`; the picture with ordinal n (from 0, in the order of showing) has the timestamp
`pts[n]`. Reading packets without decoding them is cheap, and in most codecs one packet is one picture, so the sorted
timestamps of the packets are the pictures. That rule is checked against real decoding at both ends of the file; where it
fails, or cannot be relied on, the whole file is decoded once instead. No pixels are kept.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from zipfile import BadZipFile

import av
import numpy as np
from av.error import FFmpegError

from engine.decoding import Decoder, KeyPicture, open_container
from engine.errors import VideoError

# One packet, one shown picture. Not so in VP8 (hidden pictures) and MPEG-2 (fields, missing times), which are decoded once.
PICTURE_PER_PACKET = {
    "h264",
    "hevc",
    "av1",
    "vp9",
    "mpeg4",
    "mjpeg",
    "png",
    "gif",
    "apng",
    "ffv1",
    "prores",
    "dnxhd",
    "rawvideo",
}
# Each picture is painted over the one before, whatever the container says about key pictures.
ALWAYS_FROM_START = {"gif", "apng"}
CHECKED_PICTURES = 32  # at the beginning; at the end, everything from the last key picture on


@dataclass(frozen=True)
class FrameIndex:
    """The pictures of a video file; timestamps in ticks of the stream's time base.

    `pts` rises strictly, or is None where the file has no usable timestamps: it can then only be decoded from the
    beginning. `announced` is the number of pictures that the file's header claims, 0 if it claims none; `damaged` says
    that part of the file is unreadable.
    """

    length: int
    pts: np.ndarray | None  # (length,) int64
    keys: tuple[KeyPicture, ...]  # by rising pts
    announced: int = 0
    damaged: bool = False

    def starts(self, ordinal: int) -> list[KeyPicture | None]:
        """Where to start decoding to show a picture: the nearest key picture, the one before it, the file's beginning."""
        if self.pts is None or ordinal == 0:
            return [None]
        before = [key for key in self.keys if key.pts <= self.pts[ordinal]]
        return [*reversed(before[-2:]), None]

    def save(self, path: Path) -> None:
        """Write the index to a file, to be `load`ed in the place of indexing again."""
        keys = np.array(self.keys, np.int64).reshape(-1, 2)
        facts = np.array([self.length, self.announced, self.damaged, self.pts is not None], np.int64)
        times = np.empty(0, np.int64) if self.pts is None else self.pts
        with path.open("wb") as file:
            np.savez(file, facts=facts, pts=times, keys=keys)

    @classmethod
    def load(cls, path: Path) -> "FrameIndex":
        """The index that `save` wrote. Raises OSError where there is no file, ValueError where it holds no whole index."""
        try:
            with np.load(path, allow_pickle=False) as saved:
                facts, pts, keys = saved["facts"].tolist(), saved["pts"], saved["keys"].tolist()
        except (BadZipFile, EOFError, KeyError) as error:
            raise ValueError(f"'{path}' holds no whole index.") from error
        length, announced, damaged, timed = facts
        pictures = tuple(KeyPicture(*key) for key in keys)
        return cls(length, pts if timed else None, pictures, announced, bool(damaged))


def build_index(path: Path, tick: Callable[[], None] = lambda: None) -> FrameIndex:
    """Index a video file. `tick` is called again and again meanwhile; what it raises ends the work.

    Raises `VideoError` where not one picture can be decoded.
    """
    index = _index_by_packets(path, tick)
    if index.pts is None or not _agrees_with_decoder(path, index):
        index = _index_by_decoding(path, index, tick)
    if index.length == 0:
        raise VideoError(
            f"'{path}' has a video track, but not one picture of it can be decoded. Copy or convert it again."
        )
    return index


def _index_by_packets(path: Path, tick: Callable[[], None]) -> FrameIndex:
    pts: list[int] = []
    keys: set[KeyPicture] = set()
    count, damaged, reliable, end = 0, False, True, 0.0
    container, stream = open_container(path)
    with container:
        codec = stream.codec_context.codec.canonical_name
        announced = stream.frames
        try:
            for packet in container.demux():
                tick()
                if packet.pts is not None:
                    end = max(end, float((packet.pts + (packet.duration or 0)) * packet.time_base))
                if packet.size == 0 or packet.stream_index != stream.index:
                    continue
                count += 1
                damaged |= packet.is_corrupt
                if packet.pts is None:
                    reliable = False
                    continue
                if packet.is_keyframe:
                    keys.add(KeyPicture(packet.pts, packet.pts if packet.dts is None else min(packet.pts, packet.dts)))
                if not packet.is_discard:  # an edit list hides the others, though shown pictures may need them
                    pts.append(packet.pts)
        except FFmpegError:
            damaged = True
        # Matroska writes its duration at the beginning and does not complain where it breaks off.
        breaks_off = "matroska" in container.format.name and (container.duration or 0) / av.time_base > end + 0.05
    shown = np.array(sorted(pts), dtype=np.int64)
    reliable = reliable and codec in PICTURE_PER_PACKET and bool((np.diff(shown) > 0).all())
    return FrameIndex(
        length=len(shown),
        pts=shown if reliable else None,
        keys=() if codec in ALWAYS_FROM_START else tuple(sorted(keys)),
        announced=announced,
        damaged=damaged or announced > count or breaks_off,
    )


def _agrees_with_decoder(path: Path, index: FrameIndex) -> bool:
    """Whether decoding shows just the listed pictures at the beginning, and from the last key picture to the end."""
    assert index.pts is not None
    decoder = Decoder(path)
    try:
        first = [picture.pts for picture in islice(decoder.pictures(), CHECKED_PICTURES)]
        if first != index.pts[:CHECKED_PICTURES].tolist() or not first:
            return False
        last_start = index.starts(index.length - 1)[0]
        last = [picture.pts for picture in decoder.pictures(last_start)]
        return last == index.pts[-len(last) :].tolist() and not decoder.faults
    finally:
        decoder.close()


def _index_by_decoding(path: Path, packets: FrameIndex, tick: Callable[[], None]) -> FrameIndex:
    decoder = Decoder(path)
    pts: list[int | None] = []
    try:
        for picture in decoder.pictures():
            tick()
            pts.append(picture.pts)
    finally:
        decoder.close()
    times = np.array([ticks for ticks in pts if ticks is not None], dtype=np.int64)
    usable = len(times) == len(pts) and bool((np.diff(times) > 0).all())
    return FrameIndex(
        length=len(pts),
        pts=times if usable else None,
        keys=packets.keys if usable else (),
        announced=packets.announced,
        damaged=packets.damaged or bool(decoder.faults),
    )
