"""Following one object from a frame in which a person marked it, forwards or backwards, from stored detections.

`propagate` yields, frame by frame, the detection that carries the object on, and how clearly. Everything else that the model
saw in the anchor's frame is followed too, as rivals that may claim a detection. Where there are none, bi-softmax finds anything
alike, so what the object takes must also look like it. In: packed frames (`detections.py`).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from engine.anchors import Anchor
from engine.config import TrackerConfig
from engine.detections import FrameDetections, decode_frame
from engine.errors import DataError
from engine.masks import RLE
from engine.matching import WAYS, bisoftmax
from engine.memory_bank import directions
from engine.retrack import pick, under
from engine.tracker import Tracker

# The least cosine between a detection and the memory of the object. With the demo model on its clips 99 of 100 detections of one
# track exceed 0.7 from frame to frame, and 95 exceed 0.4 after ten frames; three quarters of those of other objects stay below 0.2.
LEAST_LIKENESS = 0.4
_OBJECT = -1  # the followed object's id in the bank; rivals count from 0


class Blobs(Protocol):
    """The packed frames of a video by frame index: a list, or a look into a store."""

    def __getitem__(self, frame: int, /) -> bytes: ...


@dataclass(frozen=True)
class Carried:
    """What became of the object in a frame. rle: its mask at the size of the video, None where it is not seen.

    query: which of the net's queries it is; similarity: of its embedding to the memory of the object, 0..1; margin: by how
    much that exceeds the best of what competed: other detections for the object, other objects for the detection.
    """

    frame: int
    rle: RLE | None = None
    query: int | None = None
    similarity: float = 0.0
    margin: float = 0.0


def propagate(
    detections: Blobs, anchor: Anchor, stop_frame: int, config: TrackerConfig | None = None
) -> Iterator[Carried]:
    """The anchor's object in each frame from the one next to the anchor's to stop_frame, which may lie before it.

    Ends early where the object has been unseen for so long that the tracker would let go of it. DataError if no detection
    lies under the anchor.
    """
    tracker = Tracker(config)
    stored, places = _frame(detections, anchor.frame, tracker.config)
    anchored = under([anchor], stored, places) or under([anchor], stored, np.arange(len(stored.candidates)))
    if not anchored:
        raise DataError(f"The model saw nothing under the mask in frame {anchor.frame}, so there is nothing to follow.")
    places = np.union1d(places, np.array(list(anchored)))
    tracker.assign(stored.candidates.take(places), {int(np.searchsorted(places, place)): _OBJECT for place in anchored})

    direction = 1 if stop_frame > anchor.frame else -1
    for frame in range(anchor.frame + direction, stop_frame + direction, direction):
        if _OBJECT not in tracker.bank.ids:
            return
        stored, places = _frame(detections, frame, tracker.config)
        candidates = stored.candidates.take(places)
        similarity = bisoftmax(candidates.embeds, tracker.bank.embeds) if len(places) else np.zeros((0, 0))
        column = tracker.bank.ids.index(_OBJECT)
        row, told, taken = _choose(tracker, candidates.embeds, similarity, column)
        tracker.assign(candidates, told, taken)
        if row is None:
            yield Carried(frame)
            continue
        place = int(places[row])
        best = float(similarity[row, column])
        margin = best - _runner_up(similarity, row, column)
        yield Carried(frame, stored.masks[place].rle, int(candidates.queries[row]), best, margin)


def _choose(
    tracker: Tracker, embeds: NDArray, similarity: NDArray, column: int
) -> tuple[int | None, dict[int, int], tuple[int, ...]]:
    """The detection (row) that is the object: the tracker's choice if it looks like it. With what the tracker is to be told."""
    config = tracker.config
    observed = tracker.bank.observed if config.frame_weight else None
    choices = WAYS[config.matching](similarity, observed, config.match_threshold)
    if column not in choices:
        return None, {}, ()
    likeness = directions(embeds) @ directions(tracker.bank.embeds[column])
    row = choices.index(column)
    if likeness[row] >= LEAST_LIKENESS:
        return row, {}, ()
    left = [row for row, choice in enumerate(choices) if choice is None and likeness[row] >= LEAST_LIKENESS]
    if not left:
        return None, {}, (_OBJECT,)
    best = max(left, key=lambda row: float(similarity[row, column]))
    return best, {best: _OBJECT}, ()


def _frame(detections: Blobs, frame: int, config: TrackerConfig) -> tuple[FrameDetections, NDArray[np.int64]]:
    stored = decode_frame(detections[frame])
    stored.picked.check(config)
    if stored.frame != frame:
        raise DataError(f"The stored detections of frame {stored.frame} were given as those of frame {frame}.")
    return stored, pick(stored, config)


def _runner_up(similarity: NDArray, row: int, column: int) -> float:
    """The greatest similarity in the same row or column, the entry itself left out; 0 if there is no other."""
    rivals = np.concatenate([np.delete(similarity[row], column), np.delete(similarity[:, column], row)])
    return float(rivals.max(initial=0.0))
