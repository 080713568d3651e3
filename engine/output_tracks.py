"""The tracks that a video's result consists of, as running sums.

Takes every frame's observations and the measures of their masks at the video's size, drops what the noise filter calls
noise, and at the end gives each track's class, its score, and the best (track, category) pairs of the video. It keeps a
few numbers per track and no mask, so it does not grow with the length of the video; who keeps the masks looks at
`TrackSummary.first_frame`.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from engine.config import TrackerConfig


@dataclass(frozen=True)
class Prediction:
    """One entry of a video's result: a track as one category (0-based). The same track may come under several."""

    track_id: int
    category: int
    score: float


@dataclass(frozen=True, eq=False)
class TrackSummary:
    """One track of the result.

    Its output reaches from first_frame to last_frame (0-based, both seen) and was observed in so many frames. What the noise
    filter dropped lies before first_frame, and is no part of it. logits: (K+1,) mean over the observed frames;
    category: the likeliest, 0-based; score: its probability x the mean confidence of the pixels inside the masks.
    """

    first_frame: int
    last_frame: int
    observed: int
    logits: Tensor
    category: int
    score: float


@dataclass
class _Sums:
    """What is kept of a track: frame indices, and sums over the frames it was observed in."""

    first_frame: int
    last_frame: int
    logits: NDArray[np.float64]  # (K+1,)
    observed: int = 0
    confidence: float = 0.0
    area: int = 0

    @property
    def mean_logits(self) -> Tensor:
        return torch.from_numpy(self.logits / self.observed)

    @property
    def quality(self) -> float:
        """Mean confidence of the pixels inside the masks of all frames."""
        return self.confidence / (self.area + 1e-6)


class OutputTracks:
    """Running sums per track id, in the order in which the tracks' outputs began."""

    def __init__(self, config: TrackerConfig, certain: Iterable[int] = ()):
        """certain: ids of tracks that a person vouched for; they are never noise, and never too short."""
        self.config = config
        self.certain = frozenset(certain)
        self.sums: dict[int, _Sums] = {}
        self._doubtful: set[int] = set()  # so short that they may yet turn out to be noise

    def add(self, frame: int, track_id: int, logits: ArrayLike, confidence: float, area: int) -> None:
        """Note an observation: class logits (K+1,), sum of the sigmoids inside the mask and its area in the video's pixels."""
        row = np.asarray(logits, np.float64)
        sums = self.sums.get(track_id)
        if sums is None:
            sums = self.sums[track_id] = _Sums(frame, frame, np.zeros_like(row))
            self._doubtful.add(track_id)
        sums.last_frame = frame
        sums.logits += row
        sums.observed += 1
        sums.confidence += confidence
        sums.area += area
        if sums.observed >= self.config.filter_observed or track_id in self.certain:
            self._doubtful.discard(track_id)

    def end_frame(self, frame: int) -> list[int]:
        """The noise filter, once all observations of the frame are in. Returns the ids of the tracks it dropped."""
        if frame <= self.config.filter_after:
            return []
        latest = frame - self.config.filter_absent
        dropped = sorted(track_id for track_id in self._doubtful if self.sums[track_id].last_frame <= latest)
        for track_id in dropped:
            del self.sums[track_id]
        self._doubtful.difference_update(dropped)
        return dropped

    def summaries(self) -> dict[int, TrackSummary]:
        """Each track so far as its likeliest category, those that may prove too short included."""
        return {track_id: _summary(sums) for track_id, sums in self.sums.items()}

    def summary(self, track_id: int) -> TrackSummary | None:
        """One track so far as its likeliest category; None for what is no output track."""
        return _summary(self.sums[track_id]) if track_id in self.sums else None

    def results(self) -> dict[int, TrackSummary]:
        """Each track that is long enough as its likeliest category."""
        return {track_id: _summary(sums) for track_id, sums in self._long_enough().items()}

    def _long_enough(self) -> dict[int, _Sums]:
        least = self.config.min_length
        return {i: sums for i, sums in self.sums.items() if sums.observed >= least or i in self.certain}

    def take(self, track_ids: Iterable[int]) -> dict[int, TrackSummary]:
        """The summaries of these tracks, which are then forgotten."""
        taken = {track_id: _summary(self.sums.pop(track_id)) for track_id in sorted(track_ids)}
        self._doubtful.difference_update(taken)
        return taken

    def predictions(self, top_k: int | None = None) -> list[Prediction]:
        """The `top_k` likeliest (track, category) pairs, likeliest first; by default as many as there are categories.

        As published, they are chosen by class probability alone; the quality of the masks then enters the score.
        """
        tracks = self._long_enough()
        if not tracks:
            return []
        track_ids = list(tracks)
        probabilities = class_probabilities(torch.stack([sums.mean_logits for sums in tracks.values()]))  # (M, K)
        categories = probabilities.shape[1]
        pairs = probabilities.numel()
        if self.config.one_label:
            likeliest = probabilities == probabilities.amax(1, keepdim=True)
            probabilities, pairs = probabilities.where(likeliest, -1), len(tracks)
        best = probabilities.flatten().topk(min(categories if top_k is None else top_k, pairs))
        places = [divmod(place, categories) for place in best.indices.tolist()]
        return [
            Prediction(track_ids[row], category, probability * tracks[track_ids[row]].quality)
            for (row, category), probability in zip(places, best.values.tolist(), strict=True)
        ]

    def state_dict(self) -> dict[int, dict[str, Any]]:
        """Plain numbers and CPU tensors."""
        return {i: {**asdict(sums), "logits": torch.from_numpy(sums.logits.copy())} for i, sums in self.sums.items()}

    def load_state_dict(self, state: dict[int, dict[str, Any]]) -> None:
        """Become what `state` was taken from."""
        self.sums = {i: _Sums(**{**values, "logits": values["logits"].numpy().copy()}) for i, values in state.items()}
        least = self.config.filter_observed
        self._doubtful = {i for i, sums in self.sums.items() if sums.observed < least and i not in self.certain}


def class_probabilities(logits: Tensor) -> Tensor:
    """(..., K+1) logits, "no object" last, to (..., K) probabilities of the categories; they sum to less than 1."""
    return logits.softmax(-1)[..., :-1]


def _summary(sums: _Sums) -> TrackSummary:
    probability, category = class_probabilities(sums.mean_logits).max(-1)
    score = float(probability) * sums.quality
    return TrackSummary(sums.first_frame, sums.last_frame, sums.observed, sums.mean_logits, int(category), score)
