"""Frames as the net was trained to see them: resized in pixels, before any tensor.

The published path: PIL's bilinear filter on uint8 RGB, the shorter edge to a given length unless the longer one would
exceed its limit. Normalising and padding are the model's part.
"""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.config import FrameFormat


def resized_size(size: tuple[int, int], frame_format: FrameFormat) -> tuple[int, int]:
    """(H, W) of a frame of `size` (H, W) once resized with its aspect kept."""
    scale = frame_format.short_edge / min(size)
    if max(size) * scale > frame_format.max_edge:
        scale = frame_format.max_edge / max(size)
    height, width = (max(1, int(edge * scale + 0.5)) for edge in size)
    return height, width


def resize(rgb: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    """A frame (H, W, 3) at `size` (H, W)."""
    if rgb.shape[:2] == size:
        return rgb
    height, width = size
    return np.array(Image.fromarray(rgb).resize((width, height), Image.Resampling.BILINEAR))
