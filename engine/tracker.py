"""The online tracker: gives the detections of each frame their track ids.

Per frame: pick the queries that show an object (`candidates.py`), compare them with the memory bank, let them choose tracks
(`matching.py`), start tracks for those left over. Published thresholds in `TrackerConfig`. Input: one frame's class
logits, mask logits and re-ID embeddings; output: one `Observation` per detection that has a track. The tracker does not
filter or sum up what it puts out: see `output_tracks.py`.
Follows CTVIS (https://arxiv.org/abs/2307.12616) and its reference implementation (MIT), unwanted crashes left out.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from engine.candidates import Candidates, find_candidates, without_duplicates
from engine.config import TrackerConfig
from engine.errors import ConfigError
from engine.masks import RLE
from engine.matching import WAYS, bisoftmax
from engine.memory_bank import MemoryBank


@dataclass(frozen=True, eq=False)
class Observation:
    """A track seen in a frame.

    query: which of the frame's queries; score: its best class probability; logits: (K+1,), "no object" last;
    mask: (h, w) logits at stride 4; embed: (C,); rle: the mask at the video's own size, once a `VideoSession` has made it.
    The three tensors are views of what the net put out: to keep one for long, keep a copy.
    """

    track_id: int
    query: int
    score: float
    logits: Tensor
    mask: Tensor
    embed: Tensor
    rle: RLE | None = None


class Tracker:
    """Tracks the objects of one video. Call `step` for every frame, in order."""

    def __init__(self, config: TrackerConfig | None = None):
        self.config = config or TrackerConfig()
        if self.config.max_absence_seconds is not None:
            raise ConfigError(
                "The tracker counts frames: turn max_absence_seconds into frames with config.at_rate(fps)."
            )
        self.bank = MemoryBank(self.config.max_absence, self.config.memory_length)
        self.frame = 0  # index of the next frame
        self.next_id = 0

    def step(self, logits: Tensor, masks: Tensor, embeds: Tensor) -> list[Observation]:
        """Track one frame: logits (Q, K+1), masks (Q, h, w), embeds (Q, C). Observations come best score first."""
        found, kept = self.pick(logits, masks, embeds)
        candidates = found.take(kept)
        rows = zip(self.assign(candidates), candidates.queries.tolist(), candidates.scores.tolist(), strict=True)
        return [
            Observation(track_id, query, score, logits[query], masks[query], embeds[query])
            for track_id, query, score in rows
            if track_id is not None
        ]

    def pick(self, logits: Tensor, masks: Tensor, embeds: Tensor) -> tuple[Candidates, NDArray[np.bool_]]:
        """A frame's candidates, and which of them are no duplicates: what `assign` is to be given."""
        found = find_candidates(logits, masks, embeds, self.config.select_threshold)
        return found, without_duplicates(found, self.config)

    def assign(
        self,
        candidates: Candidates,
        bound: Mapping[int, int] | None = None,
        taken: Collection[int] = (),
        new_id: Callable[[int], int] | None = None,
        nobody: Collection[int] = (),
    ) -> list[int | None]:
        """Track the next frame: a track id for each candidate; None for what neither joins nor may start a track.

        What a person said of the frame (see `retrack.py`): `bound` is the track id that the candidate at a place has,
        whatever it resembles; no other candidate gets that id, nor one in `taken`. Where the tracker would have found the
        same by itself, these change nothing; where not, the memory of the track is replaced by what it was overruled
        with. A track that loses its candidate to another one so, and finds none in its place, had followed the wrong
        object: it takes over that other one's memory (unless that one is `nobody`), so that a word on one of two mixed-up
        tracks puts both right. `new_id` names the track that the candidate at a place starts; by default they are counted
        from 0.
        """
        told = dict(bound or {})
        reserved = {*told.values(), *taken}
        track_ids = self._join(candidates.embeds)
        found = {place: track_ids[place] for place in told}
        if found != told or any(i in reserved for place, i in enumerate(track_ids) if place not in told):
            track_ids = self._join(candidates.embeds, told, reserved)
            mistaken = [
                (loser, right)
                for place, right in told.items()
                if (loser := found[place]) is not None and loser not in {*reserved, *track_ids} and right not in nobody
            ]
            for loser, right in mistaken:
                self.bank.give_up(loser, right)
            if mistaken:
                track_ids = self._join(candidates.embeds, told, reserved)
        may_start = candidates.scores > candidates.scores.dtype.type(self.config.init_threshold)
        for place in np.flatnonzero(may_start).tolist():
            if track_ids[place] is None:
                track_ids[place] = new_id(place) if new_id else self._count()
        self._remember(candidates.embeds, track_ids, [place for place in told if found[place] != told[place]])
        self.frame += 1
        return track_ids

    def _join(
        self, embeds: NDArray, told: Mapping[int, int] | None = None, reserved: Collection[int] = ()
    ) -> list[int | None]:
        """The known track that each of embeds (N, C) joins, best score first, if any."""
        track_ids: list[int | None] = [None] * len(embeds)
        if len(self.bank) and len(embeds):
            similarity = bisoftmax(embeds, self.bank.embeds)
            if told or reserved:
                similarity[list(told or ())] = 0
                similarity[:, np.isin(self.bank.ids, list(reserved))] = 0
            observed = self.bank.observed if self.config.frame_weight else None
            choices = WAYS[self.config.matching](similarity, observed, self.config.match_threshold)
            track_ids = [None if choice is None else self.bank.ids[choice] for choice in choices]
        for place, track_id in (told or {}).items():
            track_ids[place] = track_id
        return track_ids

    def _remember(self, embeds: NDArray, track_ids: list[int | None], overruled: list[int]) -> None:
        seen = [place for place, track_id in enumerate(track_ids) if track_id is not None and place not in overruled]
        self.bank.remember([i for place in seen if (i := track_ids[place]) is not None], embeds[seen], self.frame)
        for place in overruled:
            if (track_id := track_ids[place]) is not None:
                self.bank.overwrite(track_id, embeds[place], self.frame)
        self.bank.forget(self.frame)

    def _count(self) -> int:
        self.next_id += 1
        return self.next_id - 1

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on with the next frame: plain numbers and CPU tensors."""
        return {"frame": self.frame, "next_id": self.next_id, "bank": self.bank.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the tracker that `state` was taken from stood."""
        self.frame, self.next_id = state["frame"], state["next_id"]
        self.bank.load_state_dict(state["bank"])
