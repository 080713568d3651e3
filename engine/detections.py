"""What the net saw in one frame, packed: enough to track the video again without the net.

`encode_frame(FrameDetections) -> bytes` and `decode_frame(bytes)`; a store keeps one blob per frame. All that tracking
computes with is kept exactly (logits, embeddings, scores, the cells that masks share), and so are the masks at the size of
the video with their measures. So re-tracking with the same settings gives the same result to the bit. All but the lower
bytes of the floats, which are as good as random, is deflated. It neither tracks nor looks at pictures: see `retrack.py`.
"""

import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import DTypeLike, NDArray

from engine.candidates import Candidates
from engine.config import TrackerConfig
from engine.errors import DataError
from engine.masks import RLE
from engine.video_masks import Size, VideoMask

MAGIC, VERSION = b"CTVD", 1
_PREFIX = struct.Struct("<4sHI")  # magic, version, CRC-32 of all that follows
# frame, height, width | detections N, logits K + 1, channels C | bytes a float | NMS done, by class | select and NMS thresholds
_HEADER = struct.Struct("<III HHH B ?? dd")
_NO_TRACK = -1


@dataclass(frozen=True)
class Picked:
    """How stored detections were picked. A re-tracking can only pick among them.

    select_threshold: their score exceeds it (or is the frame's best); nms_threshold: the NMS they survived, None for none.
    """

    select_threshold: float
    nms_threshold: float | None
    class_aware_nms: bool = False

    @classmethod
    def by(cls, config: TrackerConfig, before_nms: bool = False) -> "Picked":
        """As a tracker with this config picks them."""
        if before_nms:
            return cls(config.select_threshold, None)
        return cls(config.select_threshold, config.nms_threshold, config.class_aware_nms)

    def check(self, config: TrackerConfig) -> None:
        """Raise DataError if a tracker with this config would pick detections that were not stored."""
        faults = []
        if config.select_threshold < self.select_threshold:
            faults.append(
                f"select_threshold {config.select_threshold:g}, but only what exceeds {self.select_threshold:g}"
            )
        if self.nms_threshold is not None:
            if config.nms_threshold > self.nms_threshold:
                faults.append(f"nms_threshold {config.nms_threshold:g}, but only what survived {self.nms_threshold:g}")
            if config.class_aware_nms and not self.class_aware_nms:
                faults.append("NMS within categories, but only what survived NMS across them")
        if faults:
            raise DataError(f"Tracking again is asked for with {faults[0]} was stored. Run the model again with it.")


@dataclass(frozen=True, eq=False)
class FrameDetections:
    """The N detections of one frame, best score first.

    frame: its index in the run, 0-based; size: (H, W) of the video; masks: (N,) at that size; track_ids: (N,) the track that
    each was given when the net ran, None where it was given none.
    """

    frame: int
    size: Size
    picked: Picked
    candidates: Candidates
    masks: list[VideoMask]
    track_ids: list[int | None]


def encode_frame(detections: FrameDetections) -> bytes:
    """Pack a frame. Its floats must be float32 or float64, all the same."""
    picked, candidates = detections.picked, detections.candidates
    count, width = candidates.logits.shape
    header = _HEADER.pack(
        detections.frame,
        *detections.size,
        count,
        width,
        candidates.embeds.shape[1],
        candidates.embeds.itemsize,
        picked.nms_threshold is not None,
        picked.class_aware_nms,
        picked.select_threshold,
        picked.nms_threshold or 0.0,
    )
    floats = np.concatenate([values.ravel() for values in (candidates.scores, candidates.logits, candidates.embeds)])
    bytes_ = np.frombuffer(_bytes(floats, candidates.embeds.dtype), np.uint8).reshape(-1, candidates.embeds.itemsize)
    counts = [mask.rle["counts"].encode("ascii") for mask in detections.masks]
    rest = [
        bytes_[:, -1].tobytes(),  # signs and exponents
        _bytes(candidates.queries, np.uint16),
        _bytes([_NO_TRACK if i is None else i for i in detections.track_ids], np.int32),
        _bytes([mask.confidence for mask in detections.masks], np.float64),
        _bytes([mask.area for mask in detections.masks], np.uint32),
        _bytes([len(code) for code in counts], np.uint32),
        _bytes(candidates.shared[_triangle(count)], np.uint32),
        *counts,
    ]
    body = header + bytes_[:, :-1].tobytes() + zlib.compress(b"".join(rest))
    return _PREFIX.pack(MAGIC, VERSION, zlib.crc32(body)) + body


def decode_frame(blob: bytes) -> FrameDetections:
    """Unpack a frame; a blob that is damaged, or of a later version, is a DataError."""
    body = _checked(blob)
    frame, height, width, count, classes, channels, itemsize, has_nms, by_class, select, nms = _HEADER.unpack_from(body)
    lower = _Reader(body, _HEADER.size)
    bytes_ = np.empty((count * (1 + classes + channels), itemsize), np.uint8)
    bytes_[:, :-1] = lower.read("u1", bytes_[:, :-1].size).reshape(len(bytes_), itemsize - 1)
    rest = _Reader(zlib.decompress(body[lower.place :]))
    bytes_[:, -1] = rest.read("u1", len(bytes_))  # signs and exponents
    scores, logits, embeds = np.split(bytes_.reshape(-1).view(f"<f{itemsize}"), [count, count * (1 + classes)])
    queries = rest.read("<u2", count).astype(np.int64)
    track_ids = rest.read("<i4", count).tolist()
    confidences, areas, lengths = (rest.read(kind, count).tolist() for kind in ("<f8", "<u4", "<u4"))
    shared = np.zeros((count, count), np.int64)
    rows, columns = _triangle(count)
    shared[rows, columns] = shared[columns, rows] = rest.read("<u4", len(rows))
    codes: list[RLE] = [{"size": [height, width], "counts": rest.text(length)} for length in lengths]
    return FrameDetections(
        frame,
        (height, width),
        Picked(select, nms if has_nms else None, by_class),
        Candidates(queries, scores, logits.reshape(count, classes), embeds.reshape(count, channels), shared),
        [VideoMask(*measures) for measures in zip(codes, areas, confidences, strict=True)],
        [None if track_id == _NO_TRACK else track_id for track_id in track_ids],
    )


def _checked(blob: bytes) -> memoryview:
    """What follows the prefix of a blob that is whole."""
    if len(blob) >= _PREFIX.size:
        magic, version, checksum = _PREFIX.unpack_from(blob)
        if magic == MAGIC and version > VERSION:
            raise DataError(
                "The stored detections were written by a later version of this program. Update it, or run the model again."
            )
        body = memoryview(blob)[_PREFIX.size :]
        if magic == MAGIC and zlib.crc32(body) == checksum:
            return body
    raise DataError("The stored detections of a frame are damaged. Run the model on this video again.")


class _Reader:
    """Arrays and texts that lie one after the other."""

    def __init__(self, data: bytes | memoryview, place: int = 0):
        self.data, self.place = data, place

    def read(self, kind: str, count: int) -> NDArray:
        values = np.frombuffer(self.data, kind, count, self.place)
        self.place += values.nbytes
        return values

    def text(self, length: int) -> str:
        self.place += length
        return str(self.data[self.place - length : self.place], "ascii")


def _bytes(values: NDArray | list, kind: DTypeLike) -> bytes:
    """Little-endian."""
    return np.ascontiguousarray(values, np.dtype(kind).newbyteorder("<")).tobytes()


@lru_cache(maxsize=256)
def _triangle(count: int) -> tuple[NDArray, NDArray]:
    """Rows and columns of the lower triangle, diagonal included, of (count, count)."""
    return np.tril_indices(count)
