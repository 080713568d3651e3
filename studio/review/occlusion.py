"""What lies over what: the pixels that other tracks show in a frame, and over whose masks the planned ones lie.

Reads what is shown; changes nothing. Nobody knows depth here: in front is what a person says is in front.
"""

from collections import defaultdict
from collections.abc import Collection

import numpy as np

from engine.masks import RLE, BoolMask, area, decode, iou, union
from studio.review import view
from studio.review.cells import Range
from studio.review.plan import Scene
from studio.store.database import Row

TOUCHING = 0.02  # of the smaller mask: where two things only touch, their masks share about as much


def others(scene: Scene, tracks: Collection[int], frame: int, front: Collection[int] | None = None) -> BoolMask:
    """Where tracks other than these show a mask in a frame, bool (H, W). front: only those of them, None: any."""
    shown = view.masks(scene.database, scene.video["id"], frame, frame + 1)
    found = [
        _rle(scene, mask) for mask in shown if mask["track"] not in tracks and (front is None or mask["track"] in front)
    ]
    return decode(union(found)) if found else np.zeros(scene.size, bool)


def covered(scene: Scene, frames: Range) -> list[int]:
    """The tracks over whose masks the planned ones in these frames lie, by more than where things touch."""
    planned: dict[int, list[RLE]] = defaultdict(list)
    own: set[int] = set()
    for track, frame, counts in scene.database.execute("select track_id, frame, counts from planned"):
        own.add(track)
        if counts is not None:
            planned[frame].append({"size": list(scene.size), "counts": counts})
    found: set[int] = set()
    for mask in view.masks(scene.database, scene.video["id"], frames.start, frames.stop):
        if mask["track"] in own or mask["track"] in found:
            continue
        if any(_shared(drawn, _rle(scene, mask)) > TOUCHING for drawn in planned[mask["frame"]]):
            found.add(mask["track"])
    return sorted(found)


def _shared(one: RLE, other: RLE) -> float:
    """The part of the smaller mask that both cover."""
    ratio = float(iou([one], [other])[0, 0])
    if not ratio:
        return 0.0
    areas = area(one), area(other)
    return ratio / (1 + ratio) * sum(areas) / min(areas)


def _rle(scene: Scene, mask: Row) -> RLE:
    return {"size": list(scene.size), "counts": mask["counts"]}
