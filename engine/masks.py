"""Masks as run-length codes.

An RLE is COCO's compressed form, {"size": [height, width], "counts": str}: runs of zeros and ones by turns, down the
columns, the first run counting zeros. Everything here turns masks into RLEs and back, or measures them without decoding.
It knows nothing of videos, tracks or nets; `video_masks.py` brings a net's mask logits to the size of the video.
"""

from collections.abc import Sequence
from typing import TypedDict

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pycocotools import mask as coco

from engine.errors import DataError

BoolMask = NDArray[np.bool_]

MEASURED = 255  # masks at once; pycocotools counts them in a byte when it asks for their areas


class RLE(TypedDict):
    """A compressed run-length code. `size` is [height, width] in pixels."""

    size: list[int]
    counts: str


def encode(mask: ArrayLike) -> RLE:
    """The RLE of one mask (H, W), bool or 0/1."""
    return encode_many(np.asarray(mask)[None])[0]


def encode_many(masks: ArrayLike) -> list[RLE]:
    """The RLEs of masks (N, H, W), bool or 0/1."""
    columns = np.asfortranarray(np.asarray(masks).astype(bool).transpose(1, 2, 0), dtype=np.uint8)
    return [_rle(code) for code in coco.encode(columns)]


def encode_window(window: BoolMask, left: int, top: int, size: tuple[int, int]) -> RLE:
    """The RLE of a mask of `size` (H, W) that is empty outside a window, at a cost that goes with the window's width.

    window: (w, h), x first, so that it lies in memory as an RLE runs: down the columns. left, top: its corner in pixels.
    """
    height, width = size
    columns, rows = window.shape
    pitch = min(rows + 1, height)  # one row below the window parts its columns, unless they meet at the frame's edges
    pixels = np.zeros(columns * pitch + 2, dtype=bool)
    pixels[1:-1].reshape(columns, pitch)[:, :rows] = window
    column, row = np.divmod(np.flatnonzero(pixels[1:] != pixels[:-1]), pitch)
    edges = (left + column) * height + top + row
    counts = np.diff(np.concatenate([[0], edges, [height * width]]))
    return from_counts(counts if counts[-1] else counts[:-1], size)


def decode(rle: RLE) -> BoolMask:
    """The mask (H, W) of an RLE."""
    try:
        return coco.decode(rle).astype(bool)
    except ValueError as error:
        raise DataError(f"A mask's run lengths do not fit its size {rle['size']}: the RLE is damaged.") from error


def from_counts(counts: ArrayLike, size: tuple[int, int]) -> RLE:
    """The RLE of plain run lengths, the first one counting zeros; together they must cover `size` (H, W)."""
    runs = np.asarray(counts, dtype=np.int64)
    height, width = size
    if runs.ndim != 1 or (runs < 0).any() or runs.sum() != height * width:
        raise DataError(f"A mask's run lengths cover {runs.sum()} pixels, but the mask has {height} x {width}.")
    return _rle(coco.frPyObjects({"size": [height, width], "counts": runs.tolist()}, height, width))


def to_counts(rle: RLE) -> NDArray[np.int64]:
    """The plain run lengths of an RLE, the first one counting zeros."""
    pixels = decode(rle).ravel(order="F")
    edges = np.flatnonzero(np.diff(pixels, prepend=False))
    return np.diff(edges, prepend=0, append=pixels.size)


def area(rle: RLE) -> int:
    """How many pixels the mask covers."""
    return int(coco.area(rle))


def bbox(rle: RLE) -> tuple[float, float, float, float]:
    """The box around the mask: (x, y, width, height) in pixels; all zeros for an empty mask."""
    x, y, width, height = coco.toBbox(rle).tolist()
    return x, y, width, height


def iou(first: Sequence[RLE], second: Sequence[RLE]) -> NDArray[np.float64]:
    """Intersection over union of every mask of `first` with every mask of `second`: (len(first), len(second))."""
    if not first or not second:
        return np.zeros((len(first), len(second)))
    return np.asarray(coco.iou(list(first), list(second), [0] * len(second)))


def union(rles: Sequence[RLE]) -> RLE:
    """All pixels that any of the masks, which have one size, covers."""
    return _rle(coco.merge(list(rles), intersect=False))


def measure(rles: Sequence[RLE]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Areas (N,) in pixels and boxes (N, 4) as x, y, width, height of many masks at once."""
    if not rles:
        return np.zeros(0, np.int64), np.zeros((0, 4))
    pieces = [list(rles[start : start + MEASURED]) for start in range(0, len(rles), MEASURED)]
    areas = np.concatenate([coco.area(piece) for piece in pieces]).astype(np.int64)
    return areas, np.concatenate([coco.toBbox(piece) for piece in pieces])


def _rle(code: dict) -> RLE:
    """pycocotools gives `counts` as bytes, JSON wants a string."""
    height, width = code["size"]
    return {"size": [int(height), int(width)], "counts": code["counts"].decode("ascii")}
