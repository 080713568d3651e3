"""The picture of a track in lists: which of its masks shows it best, and that part of the frame.

`best_mask` reads the database and no pixels; `crop` is a pure function on pixels.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.masks import bbox, decode
from studio.review import moments, suggestions, view
from studio.store import Row, Store
from studio.store.errors import NotFound

MARGIN = 0.12  # of the box's longer edge, on every side
DIMMED = 0.45  # brightness of what does not belong to the track
SHAPES = (0.5, 2.0)  # width / height of the picture, at least and at most


def best_mask(store: Store, video: Row, track_id: int) -> Row:
    """The mask that shows a track best, as `view.mask` gives it: the largest verified one, else large and sure."""
    view.track(store.database, video["id"], track_id)
    suggestions.complete(store, video)
    with store.reading() as database:
        frames = moments.best_frames(moments.shown(database, video["id"], track_id))
        found = view.mask(database, video["id"], track_id, frames[track_id]) if frames else None
    if found is None:
        raise NotFound(f"Track {track_id} has no mask, so there is no picture of it.")
    return found


def height_needed(video: Row, mask: Row, height: int) -> int:
    """The height of the frame from which a portrait of `height` pixels loses nothing, at most the video's own."""
    _, top, _, bottom = _window(video, mask)
    return min(video["height"], -(-height * video["height"] // (bottom - top)))


def crop(picture: NDArray[np.uint8], video: Row, mask: Row, height: int) -> NDArray[np.uint8]:
    """The part of a frame (H, W, 3), at whatever scale, that shows a mask, `height` pixels high; what is not of it is dimmed."""
    left, top, right, bottom = _window(video, mask)
    scale = picture.shape[0] / video["height"]
    ys, xs = (
        slice(round(a * scale), max(round(a * scale) + 1, round(b * scale))) for a, b in ((top, bottom), (left, right))
    )
    part = picture[ys, xs]
    size = (max(1, round(height * part.shape[1] / part.shape[0])), height)
    method = cv2.INTER_AREA if height < part.shape[0] else cv2.INTER_CUBIC
    part = np.asarray(cv2.resize(part, size, interpolation=method), np.float32)
    inside = decode({"size": [video["height"], video["width"]], "counts": mask["counts"]})[top:bottom, left:right]
    weight = cv2.resize(inside.astype(np.float32), size, interpolation=cv2.INTER_AREA)[..., None]
    return np.asarray(part * (DIMMED + (1 - DIMMED) * np.clip(weight, 0, 1)), np.uint8)


def _window(video: Row, mask: Row) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in pixels of the video: the mask's box with a margin, neither very wide nor very high."""
    x, y, width, height = bbox({"size": [video["height"], video["width"]], "counts": mask["counts"]})
    margin = MARGIN * max(width, height) + 1
    narrowest, widest = SHAPES
    wide = max(width + 2 * margin, narrowest * (height + 2 * margin))
    high = max(height + 2 * margin, wide / widest)
    left, top = x + width / 2 - wide / 2, y + height / 2 - high / 2
    return (
        max(0, int(left)),
        max(0, int(top)),
        min(video["width"], int(left + wide) + 1),
        min(video["height"], int(top + high) + 1),
    )
