"""Tracking a video again from its stored detections, without the net.

`retrack(detections, config)` gives the `VideoResult` that running the model with that config would give, to the bit, as far as
the stored detections reach (`Picked.check` refuses what lies beyond). What a person corrected may go in as anchors: the
detection under an anchor gets the anchor's track id, and its embedding is what that track looks like from then on.
In: packed frames (`detections.py`). Pictures are not looked at. Following one object from one frame: `propagate.py`.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.anchors import Anchor, by_frame, find_anchored
from engine.candidates import above, without_duplicates
from engine.config import TrackerConfig
from engine.detections import FrameDetections, decode_frame
from engine.errors import DataError
from engine.masks import RLE
from engine.result import ResultBuilder, VideoResult
from engine.tracker import Tracker


@dataclass(frozen=True)
class Tracked:
    """A track seen in a frame. query: which of the net's queries it is; rle: its mask at the size of the video.

    recorded: the track that this detection was given when the net ran, None if it was given none.
    """

    track_id: int
    query: int
    score: float
    rle: RLE
    recorded: int | None


def retrack(
    detections: Iterable[bytes],
    config: TrackerConfig | None = None,
    anchors: Iterable[Anchor] = (),
    rejected: Collection[int] = (),
    top_k: int | None = None,
    keep_ids: bool = False,
    spool: bool = True,
    fps: float | None = None,
) -> VideoResult:
    """The result of a video from its frames' packed detections, in order. Arguments: see `Retracker`."""
    retracker = Retracker(config, anchors, rejected, top_k, keep_ids, spool, fps)
    for blob in detections:
        retracker.step(blob)
    return retracker.finish()


class Retracker:
    """Tracks one video again, frame by frame; for callers that store what comes as it comes.

    Anchors and rejected tracks are named by the ids that a person saw. So where there are any, or with `keep_ids`, tracks
    keep the ids that they had when the net ran: a new track gets the id that its first detection had then, unless an
    earlier track has it; then one from `fresh_ids` on. Otherwise tracks are counted from 0, as a run of the net would.
    """

    def __init__(
        self,
        config: TrackerConfig | None = None,
        anchors: Iterable[Anchor] = (),
        rejected: Collection[int] = (),
        top_k: int | None = None,
        keep_ids: bool = False,
        spool: bool = True,
        fps: float | None = None,
        fresh_ids: int = 0,
    ):
        """config, top_k, spool, fps: as for a `VideoSession`. rejected: ids of tracks that a person threw away: they keep
        the detections that they had when the net ran, so that these go to no other, and are no part of the result."""
        self.config = (config or TrackerConfig()).at_rate(fps)
        self.top_k = top_k or self.config.top_k
        self.tracker = Tracker(self.config)
        self.rejected = frozenset(rejected)
        self.anchors = by_frame(anchors)
        self.missed: list[Anchor] = []
        self._named = {anchor.track_id for group in self.anchors.values() for anchor in group} | self.rejected
        self._keep_ids = keep_ids or bool(self._named)
        self._used: set[int] = set()
        self._next_id = max(self._named | {fresh_ids - 1}) + 1
        self._spool = spool
        self._output: ResultBuilder | None = None  # once the size of the video is known

    def step(self, blob: bytes) -> list[Tracked]:
        """The tracks in the next frame, best score first."""
        stored = decode_frame(blob)
        output = self._checked_output(stored)
        places, bound = self._picked(stored)

        def new_id(row: int) -> int:
            return self._name(stored.track_ids[places[row]])

        reserved = [anchor.track_id for anchor in self.anchors.get(stored.frame, ())]
        self._used.update(reserved)
        naming = new_id if self._keep_ids else None
        track_ids = self.tracker.assign(stored.candidates.take(places), bound, reserved, naming, self.rejected)
        seen = [
            (track_id, place)
            for track_id, place in zip(track_ids, places.tolist(), strict=True)
            if track_id is not None and track_id not in self.rejected
        ]
        found = stored.candidates
        output.add_frame(stored.frame, [(i, found.logits[place], stored.masks[place]) for i, place in seen])
        return [
            Tracked(
                i,
                int(found.queries[place]),
                float(found.scores[place]),
                stored.masks[place].rle,
                stored.track_ids[place],
            )
            for i, place in seen
        ]

    def finish(self) -> VideoResult:
        """The result of the frames so far."""
        output = self._output or ResultBuilder((0, 0), self.config, self._spool)
        return output.result(self.tracker.frame, self.top_k, tuple(self.missed))

    def _checked_output(self, stored: FrameDetections) -> ResultBuilder:
        """Where this frame's tracks go; DataError if it is not the next frame of this video, or was picked too strictly."""
        stored.picked.check(self.config)
        if stored.frame != self.tracker.frame:
            raise DataError(
                f"The stored detections of frame {self.tracker.frame} are missing: frame {stored.frame} came in its place. "
                "Give every frame, in order."
            )
        if self._output is None:
            self._output = ResultBuilder(stored.size, self.config, self._spool, self._named - self.rejected)
        if stored.size != self._output.size:
            raise DataError(f"The stored detections of frame {stored.frame} are of another video than those before.")
        return self._output

    def _picked(self, stored: FrameDetections) -> tuple[NDArray[np.int64], dict[int, int]]:
        """The places of the detections to track, and which of these (by row) has which track id by a person's word."""
        places = pick(stored, self.config)
        anchors = self.anchors.get(stored.frame, ())
        if not anchors and self.rejected.isdisjoint(stored.track_ids):
            return places, {}
        # An anchor may also bring back what this config does not pick.
        others = np.setdiff1d(np.arange(len(stored.candidates)), places)
        anchored = under(anchors, stored, places) if anchors else {}
        left = [anchor for anchor in anchors if anchor not in anchored.values()]
        anchored |= under(left, stored, others) if left else {}
        self.missed += [anchor for anchor in anchors if anchor not in anchored.values()]
        told = {place: anchor.track_id for place, anchor in anchored.items()}
        for place in places.tolist() if self.rejected else ():
            recorded = stored.track_ids[place]
            if recorded in self.rejected and place not in told and recorded not in told.values():
                told[place] = recorded
        places = np.union1d(places, np.array(list(told), np.int64))
        return places, {int(np.searchsorted(places, place)): track_id for place, track_id in told.items()}

    def _name(self, recorded: int | None) -> int:
        """The id of a new track whose first detection had the recorded id when the net ran."""
        if recorded is None or recorded in self._used:
            recorded, self._next_id = self._next_id, self._next_id + 1
        self._used.add(recorded)
        self._next_id = max(self._next_id, recorded + 1)
        return recorded


def pick(stored: FrameDetections, config: TrackerConfig) -> NDArray[np.int64]:
    """The places of the detections that a tracker with this config looks at."""
    candidates = stored.candidates
    selected = np.arange(min(max(above(candidates.scores, config.select_threshold), 1), len(candidates)))
    return selected[without_duplicates(candidates.take(selected), config)]


def under(anchors: Collection[Anchor], stored: FrameDetections, places: NDArray[np.int64]) -> dict[int, Anchor]:
    """The anchors by the place of the detection under them, one of `places`."""
    rles = [stored.masks[place].rle for place in places]
    return {int(places[row]): anchor for row, anchor in find_anchored(list(anchors), rles, stored.size).items()}
