"""What can be done to the pixels of a mask: pure functions from masks to masks.

masks: bool (H, W), coordinates x, y in pixels, the middle of the first pixel at (0, 0). The work is done in a window around the
mask, so its cost goes with the object and not with the picture. Nothing here knows of videos, tracks or the store.
"""

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from engine.masks import BoolMask

Window = tuple[slice, slice]
Point = tuple[float, float]


def fill_holes(mask: BoolMask) -> BoolMask:
    """The mask with everything that it encloses."""
    return _within(mask, 1, ndimage.binary_fill_holes)


def remove_specks(mask: BoolMask, smallest: int) -> BoolMask:
    """Without the connected parts (corners connect) of fewer than `smallest` pixels, except the largest of them."""

    def work(window: BoolMask) -> BoolMask:
        _, parts, facts, _ = cv2.connectedComponentsWithStats(window.astype(np.uint8), connectivity=8)
        areas = facts[:, cv2.CC_STAT_AREA].copy()
        areas[0] = 0  # the background
        keep = (areas >= smallest) | (np.arange(len(areas)) == areas.argmax())
        keep[0] = False
        return keep[parts]

    return _within(mask, 0, work)


def grow(mask: BoolMask, radius: float) -> BoolMask:
    """With all pixels that lie within `radius` of it."""
    return _within(mask, int(np.ceil(radius)), lambda window: ndimage.distance_transform_edt(~window) <= radius)


def shrink(mask: BoolMask, radius: float) -> BoolMask:
    """Without the pixels that lie within `radius` of its outside; beyond the picture's border nothing is outside."""

    def work(window: BoolMask) -> BoolMask:
        return window if window.all() else ndimage.distance_transform_edt(window) > radius

    return _within(mask, 1, work)


def smooth(mask: BoolMask, radius: float) -> BoolMask:
    """With an outline whose bends are about `radius` wide at least: blurred and cut at one half."""
    if radius <= 0:
        return mask.copy()
    blurred = _within(
        mask, int(np.ceil(2 * radius)), lambda window: ndimage.gaussian_filter(window.astype(np.float32), radius) >= 0.5
    )
    return blurred if blurred.any() else mask.copy()  # a thing finer than the radius would vanish


def move_and_scale(mask: BoolMask, dx: float, dy: float, scale: float = 1.0) -> BoolMask:
    """Scaled about the middle of its box, then moved by dx to the right and dy down; what leaves the picture is cut off."""
    window = box(mask)
    if window is None:
        return mask.copy()
    rows, columns = window
    middle_x, middle_y = (columns.start + columns.stop - 1) / 2, (rows.start + rows.stop - 1) / 2
    height, width = mask.shape
    # Every pixel looks back at the one that it comes from.
    x = np.rint((np.arange(width) - dx - middle_x) / scale + middle_x).astype(int)
    y = np.rint((np.arange(height) - dy - middle_y) / scale + middle_y).astype(int)
    seen_x = np.flatnonzero((x >= columns.start) & (x < columns.stop))
    seen_y = np.flatnonzero((y >= rows.start) & (y < rows.stop))
    moved = np.zeros_like(mask)
    moved[np.ix_(seen_y, seen_x)] = mask[np.ix_(y[seen_y], x[seen_x])]
    return moved


def interpolate(first: BoolMask, last: BoolMask, fractions: Sequence[float]) -> Iterator[BoolMask]:
    """The masks on the way from `first` (fraction 0) to `last` (fraction 1), neither of them empty.

    Both are laid on one another by their centres of mass; between their signed distances to the outline goes a straight line, whose
    zero is the outline in between; the centre moves along a straight line too.
    """
    # Half pixels are rounded up on either side, so that equal shapes lie on one another exactly.
    centers = [np.floor(np.array(ndimage.center_of_mass(mask)) + 0.5).astype(int) for mask in (first, last)]
    windows = [box(mask) or (slice(0, 0), slice(0, 0)) for mask in (first, last)]
    corners = [
        np.array([[part.start, part.stop] for part in window]) - center[:, None]
        for window, center in zip(windows, centers, strict=True)
    ]
    low = np.minimum(corners[0][:, 0], corners[1][:, 0]) - 1
    high = np.maximum(corners[0][:, 1], corners[1][:, 1]) + 1
    distances = [
        _signed_distance(_cut(mask, center + low, high - low))
        for mask, center in zip((first, last), centers, strict=True)
    ]
    for fraction in fractions:
        between = (1 - fraction) * distances[0] + fraction * distances[1] > 0
        center = np.rint(centers[0] + fraction * (centers[1] - centers[0])).astype(int)
        yield _paste(between, center + low, first.shape)


def from_box(size: tuple[int, int], left: float, top: float, right: float, bottom: float) -> BoolMask:
    """The pixels of a picture of `size` (H, W) whose middle lies in a box; right and bottom are exclusive."""
    height, width = size
    mask = np.zeros(size, dtype=bool)
    x, y = np.arange(width), np.arange(height)
    mask[np.ix_((y >= top - 0.5) & (y < bottom - 0.5), (x >= left - 0.5) & (x < right - 0.5))] = True
    return mask


def from_polygons(size: tuple[int, int], polygons: Sequence[Sequence[Point]]) -> BoolMask:
    """The pixels of a picture of `size` (H, W) inside polygons or on their outline; what lies in two of them is a hole."""
    picture = np.zeros(size, dtype=np.uint8)
    shift = 4  # bits behind the point
    points = [np.rint(np.array(polygon) * (1 << shift)).astype(np.int32) for polygon in polygons]
    cv2.fillPoly(picture, points, 1, shift=shift)
    return picture.astype(bool)


def box(mask: BoolMask) -> Window | None:
    """The rows and columns that a mask covers; None if it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)


def _within(mask: BoolMask, margin: int, work: Callable[[BoolMask], BoolMask]) -> BoolMask:
    """`work` done in a window around the mask; `margin` pixels more where the picture has them."""
    window = box(mask)
    if window is None:
        return mask.copy()
    wide = tuple(slice(max(part.start - margin, 0), part.stop + margin) for part in window)
    result = np.zeros_like(mask)
    result[wide] = work(mask[wide])
    return result


def _signed_distance(mask: BoolMask) -> NDArray[np.float64]:
    """Distance of every pixel to the outline, above 0 inside and below outside. The mask touches no border."""
    return ndimage.distance_transform_edt(mask) - ndimage.distance_transform_edt(~mask) + np.where(mask, -0.5, 0.5)


def _cut(mask: BoolMask, corner: NDArray[np.int64], shape: NDArray[np.int64]) -> BoolMask:
    """A piece of a mask; what lies beyond the picture is empty."""
    piece = np.zeros(tuple(shape), dtype=bool)
    begin, end = np.maximum(corner, 0), np.minimum(corner + shape, mask.shape)
    (top, left), (bottom, right) = begin - corner, end - corner
    piece[top:bottom, left:right] = mask[begin[0] : end[0], begin[1] : end[1]]
    return piece


def _paste(piece: BoolMask, corner: NDArray[np.int64], shape: tuple[int, ...]) -> BoolMask:
    """A piece of a mask in a picture; what lies beyond the picture is cut off."""
    mask = np.zeros(shape, dtype=bool)
    begin, end = np.maximum(corner, 0), np.minimum(corner + piece.shape, shape)
    if (end > begin).all():
        (top, left), (bottom, right) = begin - corner, end - corner
        mask[begin[0] : end[0], begin[1] : end[1]] = piece[top:bottom, left:right]
    return mask
