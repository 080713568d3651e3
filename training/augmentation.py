"""How a training clip is looked at: cut, scaled, mirrored and, for pseudo-videos, turned and moved along.

In: the size of the pictures, the length of the clip, a random generator. Out: a matrix per frame (T, 2, 3), source pixel -> clip
pixel, both (x, y) from the centre of the first pixel, and the size of the clip. `looked_at` applies one to a picture or mask. All
steps are linear, so each frame is sampled once. Numbers are the published ones (mappers and configs of CTVIS, MIT).
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from training.motion import chain

Size = tuple[int, int]  # height, width
Matrices = NDArray[np.float64]


@dataclass(frozen=True)
class Augmentation:
    """Lengths in pixels. One choice of each holds for a whole clip; only a pseudo-video's window and angle change in it.

    The defaults are as published; the last two are not part of it."""

    short_edges: tuple[int, ...] = tuple(range(320, 641, 32))
    max_edge: int = 768
    crop_chance: float = 0.5
    crop_from: tuple[int, ...] = (400, 500, 600)  # short edge of the picture that is cut from
    crop_edges: tuple[int, int] = (384, 600)  # least and greatest edge of the cut
    flip_chance: float = 0.5
    turn: float = 15.0  # degrees to each side, pseudo-videos
    turn_centre: tuple[float, float] = (0.4, 0.6)  # of the picture's edges
    moving_window: bool = (
        False  # a video's cut moves too: the released code draws a way for it, and stays at its beginning
    )
    paste_chance: float = 0.0  # of a pseudo-video to get objects of another picture pasted in, see copy_paste.py

    def at_scale(self, factor: float) -> "Augmentation":
        """The same for nets that see frames of another size; edges stay divisible by 2."""

        def scaled(edge: int) -> int:
            return max(32, 2 * round(edge * factor / 2))

        return replace(
            self,
            short_edges=tuple(map(scaled, self.short_edges)),
            max_edge=scaled(self.max_edge),
            crop_from=tuple(map(scaled, self.crop_from)),
            crop_edges=(scaled(self.crop_edges[0]), scaled(self.crop_edges[1])),
        )


def video_matrices(rng: np.random.Generator, size: Size, length: int, how: Augmentation) -> tuple[Matrices, Size]:
    """For frames of a video: the same for all of them, unless its window is to move."""
    matrices, size = _cut(rng, size, length if how.moving_window else 1, how)
    return _scaled_and_flipped(rng, np.broadcast_to(matrices, (length, 2, 3)), size, how)


def image_matrices(rng: np.random.Generator, size: Size, length: int, how: Augmentation) -> tuple[Matrices, Size]:
    """For a picture that becomes a pseudo-video: a window that moves over it, and an angle that grows or shrinks."""
    matrices, size = _cut(rng, size, length, how)
    matrices, size = _scaled_and_flipped(rng, np.broadcast_to(matrices, (length, 2, 3)), size, how)
    angles = np.sort(rng.uniform(-how.turn, how.turn, length))[:: rng.choice([1, -1])]
    centre = rng.uniform(*how.turn_centre, 2) * size[::-1]
    turns = [cv2.getRotationMatrix2D((float(centre[0]), float(centre[1])), float(angle), 1.0) for angle in angles]
    return chain(np.stack(turns), matrices), size


def looked_at(picture: np.ndarray, matrix: NDArray[np.float64], size: Size, nearest: bool = False) -> np.ndarray:
    """A picture (H, W, 3) or mask (H, W), uint8, through a matrix; black where there is nothing. nearest: mix no values."""
    zoom = float(np.sqrt(abs(np.linalg.det(matrix[:, :2]))))
    if zoom < 0.6 and not nearest:  # sampled as it is, fine patterns would flicker
        small = cv2.resize(picture, None, fx=zoom, fy=zoom, interpolation=cv2.INTER_AREA)
        matrix = chain(matrix, _scaling(picture.shape[1] / small.shape[1], picture.shape[0] / small.shape[0]))
        picture = small
    flags = cv2.INTER_NEAREST if nearest else cv2.INTER_LINEAR
    return cv2.warpAffine(picture, matrix, (size[1], size[0]), flags=flags)


def _cut(rng: np.random.Generator, size: Size, windows: int, how: Augmentation) -> tuple[Matrices, Size]:
    """At times: the picture scaled, and a window of it, or windows (T) from one place to another."""
    if rng.random() >= how.crop_chance:
        return _identity(), size
    scale = rng.choice(how.crop_from) / min(size)
    height, width = (round(edge * scale) for edge in size)
    least, greatest = how.crop_edges
    cut = tuple(int(rng.integers(min(edge, least), min(edge, greatest) + 1)) for edge in (height, width))
    room = np.array([width - cut[1], height - cut[0]])
    ends = np.floor(rng.random((2, 2)) * (room + 1))
    way = np.linspace(ends[0], ends[1], windows).round() if windows > 1 else ends[:1]
    matrices = np.repeat(_scaling(width / size[1], height / size[0])[None], windows, axis=0)
    matrices[:, :, 2] -= way
    return matrices, (cut[0], cut[1])


def _scaled_and_flipped(
    rng: np.random.Generator, matrices: Matrices, size: Size, how: Augmentation
) -> tuple[Matrices, Size]:
    scale = rng.choice(how.short_edges) / min(size)
    scale = min(scale, how.max_edge / max(size))
    scaled = max(1, round(size[0] * scale)), max(1, round(size[1] * scale))
    last = _scaling(scaled[1] / size[1], scaled[0] / size[0])
    if rng.random() < how.flip_chance:
        last = chain(np.array([[-1.0, 0, scaled[1] - 1], [0, 1, 0]]), last)
    return chain(last, matrices), scaled


def _identity() -> Matrices:
    return np.array([[[1.0, 0, 0], [0, 1, 0]]])


def _scaling(x: float, y: float) -> NDArray[np.float64]:
    """Edges on edges: the centre of the first pixel lies half a pixel inside."""
    return np.array([[x, 0, (x - 1) / 2], [0, y, (y - 1) / 2]])
