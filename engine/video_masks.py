"""From the net's mask logits to masks at the size of the video.

The published path is two bilinear resizes with a crop between them: stride 4 -> padded frame -> (crop) resized frame ->
video. Both are linear and act on each axis alone, so together they are one matrix per axis, and a mask is
rows @ logits @ columns^T > 0. A pixel can only be inside where one of the cells it is mixed from is, hence the product
is made for a window around those cells.
Input: logits (N, h, w) on the net's stride-4 grid. Output: RLE, area and confidence of each mask.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from engine import masks
from engine.masks import RLE

STRIDE = 4  # pixels of the padded frame per cell of the mask grid

Size = tuple[int, int]  # height, width


@dataclass(frozen=True)
class VideoMask:
    """One mask at the size of the video; `confidence` is the sum of the sigmoids of the pixels inside it."""

    rle: RLE
    area: int
    confidence: float


class VideoMasks:
    """Brings mask logits to the size of one video.

    grid: (h, w) of the net's masks, padding included; resized: (H, W) of the frame that went into the net, without padding;
    size: (H, W) of the video.
    """

    def __init__(self, grid: Size, resized: Size, size: Size, dtype: torch.dtype, device: torch.device):
        self.size = size
        self.rows, self.columns = (
            _Axis(_axis_weights(cells, pixels, length).to(dtype).to(device))
            for cells, pixels, length in zip(grid, resized, size, strict=True)
        )

    def __call__(self, logits: Tensor) -> list[VideoMask]:
        """logits: (N, h, w)."""
        inside = _positive(logits)  # (N, h, w)
        spans = zip(_spans(inside.any(2)), _spans(inside.any(1)), strict=True)
        windows = [self._window(mask, *span) for mask, span in zip(logits, spans, strict=True)]
        return _collect(windows, self.size)

    def _window(self, logits: Tensor, rows: Size, columns: Size) -> "_Window":
        """The mask of logits (h, w) whose positive cells lie within these first and last rows and columns."""
        (top, bottom), y_cells = self.rows.reach(*rows)
        (left, right), x_cells = self.columns.reach(*columns)
        along_x = self.columns.weights[left:right, x_cells] @ logits[y_cells, x_cells].T
        values = along_x @ self.rows.weights[top:bottom, y_cells].T  # (w, h): x first, as an RLE runs
        inside = _positive(values)
        # Minus infinity adds nothing: to look for the pixels inside would take longer than all the rest.
        return _Window(left, top, inside, F.threshold(values, 0, -math.inf, inplace=True).sigmoid_().sum())


@dataclass(frozen=True)
class _Window:
    """A piece of the video frame that holds a whole mask."""

    left: int
    top: int
    inside: Tensor  # (w, h) bool
    confidence: Tensor  # scalar


class _Axis:
    """One axis of the resize: `weights` (pixels, cells) says how much each cell counts in each pixel."""

    def __init__(self, weights: Tensor):
        self.weights = weights
        touched = (weights > 0).cpu().numpy()
        self.first_cell = touched.argmax(1)  # of each pixel; never decreases along the axis, nor does last_cell
        self.last_cell = touched.shape[1] - 1 - touched[:, ::-1].argmax(1)

    def reach(self, first: int, last: int) -> tuple[tuple[int, int], slice]:
        """The pixels [start, stop) that the cells first..last count in, and all the cells those pixels are mixed from."""
        start = int(np.searchsorted(self.last_cell, first, side="left"))
        stop = int(np.searchsorted(self.first_cell, last, side="right"))
        if start >= stop:  # no such cells, or only cells in the padding
            return (0, 0), slice(0, 0)
        return (start, stop), slice(int(self.first_cell[start]), int(self.last_cell[stop - 1]) + 1)


def _axis_weights(cells: int, pixels: int, length: int) -> Tensor:
    """Both resizes of one axis as a matrix (length, cells), by sending the unit vectors through them."""
    units = torch.eye(cells, dtype=torch.float64)[None]
    padded = F.interpolate(units, size=cells * STRIDE, mode="linear", align_corners=False)
    return F.interpolate(padded[..., :pixels], size=length, mode="linear", align_corners=False)[0].T


def _positive(values: Tensor) -> Tensor:
    """Where the values, at least float32, exceed zero; by numpy on a CPU, since torch takes ten times as long there."""
    return torch.from_numpy(np.greater(values.numpy(), 0)) if values.device.type == "cpu" else values > 0


def _spans(occupied: Tensor) -> list[Size]:
    """First and last occupied place of each row of (N, n) bool; (n, -1) where there is none."""
    places: NDArray[np.bool_] = occupied.cpu().numpy()
    length = places.shape[1]
    first = np.where(places.any(1), places.argmax(1), length)
    last = np.where(places.any(1), length - 1 - places[:, ::-1].argmax(1), -1)
    return list(zip(first.tolist(), last.tolist(), strict=True))


def _collect(windows: list[_Window], size: Size) -> list[VideoMask]:
    """Windows to RLEs, with one copy from the device for all of them."""
    if not windows:
        return []
    pixels = torch.cat([window.inside.flatten() for window in windows]).cpu().numpy()
    confidences = torch.stack([window.confidence for window in windows]).tolist()
    ends = np.cumsum([window.inside.numel() for window in windows])
    collected = []
    for window, flat, confidence in zip(windows, np.split(pixels, ends[:-1]), confidences, strict=True):
        rle = masks.encode_window(flat.reshape(window.inside.shape), window.left, window.top, size)
        collected.append(VideoMask(rle, int(np.count_nonzero(flat)), confidence))
    return collected
