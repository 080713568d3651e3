"""The tracks that a video's result consists of, as running sums.

Takes every frame's observations and the measures of their masks at the video's size, drops what the noise filter calls
noise, and at the end gives each track's class, its score, and the best (track, category) pairs of the video. It keeps a
few numbers per track and no mask, so it does not grow with the length of the video; who keeps the masks looks at
`TrackSummary.first_frame`.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import torch
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
    logits: Tensor  # (K+1,) float64 on the CPU
    observed: int = 0
    confidence: float = 0.0
    area: int = 0

    @property
    def mean_logits(self) -> Tensor:
        return self.logits / self.observed

    @property
    def quality(self) -> float:
        """Mean confidence of the pixels inside the masks of all frames."""
        return self.confidence / (self.area + 1e-6)


class OutputTracks:
    """Running sums per track id, in the order in which the tracks' outputs began."""

    def __init__(self, config: TrackerConfig):
        self.config = config
        self.sums: dict[int, _Sums] = {}

    def add(self, frame: int, track_id: int, logits: Tensor, confidence: float, area: int) -> None:
        """Note an observation: class logits (K+1,), sum of the sigmoids inside the mask and its area in the video's pixels."""
        logits = logits.detach().cpu().double()
        sums = self.sums.setdefault(track_id, _Sums(frame, frame, torch.zeros_like(logits)))
        sums.last_frame = frame
        sums.logits = sums.logits + logits
        sums.observed += 1
        sums.confidence += confidence
        sums.area += area

    def end_frame(self, frame: int) -> list[int]:
        """The noise filter, once all observations of the frame are in. Returns the ids of the tracks it dropped."""
        if frame <= self.config.filter_after:
            return []
        dropped = [track_id for track_id, sums in self.sums.items() if self._is_noise(sums, frame)]
        for track_id in dropped:
            del self.sums[track_id]
        return dropped

    def _is_noise(self, sums: _Sums, frame: int) -> bool:
        absent = frame - sums.last_frame
        return absent >= self.config.filter_absent and sums.observed < self.config.filter_observed

    def summaries(self) -> dict[int, TrackSummary]:
        """Each track as its likeliest category."""
        return {track_id: _summary(sums) for track_id, sums in self.sums.items()}

    def take(self, track_ids: Iterable[int]) -> dict[int, TrackSummary]:
        """The summaries of these tracks, which are then forgotten."""
        return {track_id: _summary(self.sums.pop(track_id)) for track_id in sorted(track_ids)}

    def predictions(self, top_k: int | None = None) -> list[Prediction]:
        """The `top_k` likeliest (track, category) pairs, likeliest first; by default as many as there are categories.

        As published, they are chosen by class probability alone; the quality of the masks then enters the score.
        """
        if not self.sums:
            return []
        track_ids = list(self.sums)
        probabilities = class_probabilities(torch.stack([sums.mean_logits for sums in self.sums.values()]))  # (M, K)
        categories = probabilities.shape[1]
        count = min(categories if top_k is None else top_k, probabilities.numel())
        best = probabilities.flatten().topk(count)
        pairs = [divmod(place, categories) for place in best.indices.tolist()]
        return [
            Prediction(track_ids[row], category, probability * self.sums[track_ids[row]].quality)
            for (row, category), probability in zip(pairs, best.values.tolist(), strict=True)
        ]

    def state_dict(self) -> dict[int, dict[str, Any]]:
        """Plain numbers and CPU tensors."""
        return {track_id: asdict(sums) for track_id, sums in self.sums.items()}

    def load_state_dict(self, state: dict[int, dict[str, Any]]) -> None:
        """Become what `state` was taken from."""
        self.sums = {track_id: _Sums(**values) for track_id, values in state.items()}


def class_probabilities(logits: Tensor) -> Tensor:
    """(..., K+1) logits, "no object" last, to (..., K) probabilities of the categories; they sum to less than 1."""
    return logits.softmax(-1)[..., :-1]


def _summary(sums: _Sums) -> TrackSummary:
    probability, category = class_probabilities(sums.mean_logits).max(-1)
    score = float(probability) * sums.quality
    return TrackSummary(sums.first_frame, sums.last_frame, sums.observed, sums.mean_logits, int(category), score)
