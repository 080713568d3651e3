"""What a person said about objects in single frames, and which of the model's detections they meant.

An `Anchor` is a mask drawn or confirmed by a person with the identity of the object. `find_anchored` pairs a frame's anchors
with its detections by mask overlap. What follows from it for the tracks is decided in `retrack.py`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from engine import masks
from engine.errors import DataError
from engine.masks import RLE
from engine.video_masks import Size

LEAST_OVERLAP = 0.5  # mask IoU from which on a detection is taken to be the anchor's object


@dataclass(frozen=True)
class Anchor:
    """This object, in this frame, is that track. frame: index in the run, 0-based; mask: at the size of the video."""

    frame: int
    mask: RLE
    track_id: int


def by_frame(anchors: Iterable[Anchor]) -> dict[int, list[Anchor]]:
    """Anchors by frame. DataError if two of a frame give one track two masks."""
    frames: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        group = frames.setdefault(anchor.frame, [])
        if anchor in group:
            continue
        if any(other.track_id == anchor.track_id for other in group):
            raise DataError(
                f"Two anchors give track {anchor.track_id} different masks in frame {anchor.frame}. Give one."
            )
        group.append(anchor)
    return frames


def find_anchored(anchors: Sequence[Anchor], detections: Sequence[RLE], size: Size) -> dict[int, Anchor]:
    """The anchors of one frame by the place of the detection that overlaps each best; the others are left out.

    detections: their masks, at the video's size (H, W), as the anchors'. Where two anchors lie on one detection, it goes to
    the one that it overlaps more.
    """
    for anchor in anchors:
        if tuple(anchor.mask["size"]) != tuple(size):
            height, width = anchor.mask["size"]
            raise DataError(
                f"The anchor of track {anchor.track_id} in frame {anchor.frame} has a mask of {width}x{height} pixels, "
                f"but the video has {size[1]}x{size[0]}. Give masks at the size of the video."
            )
    overlaps = masks.iou([anchor.mask for anchor in anchors], list(detections))
    found: dict[int, Anchor] = {}
    while overlaps.size and overlaps.max() >= LEAST_OVERLAP:
        row, place = divmod(int(overlaps.argmax()), len(detections))
        found[place] = anchors[row]
        overlaps[row] = overlaps[:, place] = 0
    return found
