"""The online tracker: gives the detections of each frame their track ids.

Per frame: select the queries that show an object, drop duplicates by mask NMS, compare the rest with the memory bank by
bi-softmax, let them choose tracks greedily, best score first, start tracks for those left over. Published thresholds in
`TrackerConfig`. Input: one frame's class logits, mask logits and re-ID embeddings; output: one `Observation` per detection
that has a track. The tracker does not filter or sum up what it puts out: see `output_tracks.py`.
Follows CTVIS (https://arxiv.org/abs/2307.12616) and its reference implementation (MIT), unwanted crashes left out.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.config import TrackerConfig
from engine.masks import RLE
from engine.memory_bank import MemoryBank


@dataclass(frozen=True, eq=False)
class Observation:
    """A track seen in a frame.

    query: which of the frame's queries; score: its best class probability; logits: (K+1,), "no object" last;
    mask: (h, w) logits at stride 4; embed: (C,); rle: the mask at the video's own size, once a `VideoSession` has made it.
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
        self.bank = MemoryBank(self.config.max_absence, self.config.memory_length)
        self.frame = 0  # index of the next frame
        self.next_id = 0

    def step(self, logits: Tensor, masks: Tensor, embeds: Tensor) -> list[Observation]:
        """Track one frame: logits (Q, K+1), masks (Q, h, w), embeds (Q, C). Observations come best score first."""
        scores = class_scores(_at_least_float32(logits))
        kept = select(scores, self.config.select_threshold)
        kept = kept[mask_nms(masks[kept], self.config.nms_threshold)]
        kept_embeds = _at_least_float32(embeds[kept])
        kept_scores = scores[kept].cpu().numpy()

        track_ids = self._match(kept_embeds, kept_scores > self.config.init_threshold)
        for track_id, embed in zip(track_ids, kept_embeds, strict=True):
            if track_id is not None:
                self.bank.remember(track_id, embed, self.frame)
        self.bank.forget(self.frame)
        self.frame += 1

        columns = (track_ids, kept.tolist(), kept_scores.tolist(), logits[kept], masks[kept], embeds[kept])
        return [Observation(*row) for row in zip(*columns, strict=True) if row[0] is not None]

    def _match(self, embeds: Tensor, may_start: NDArray[np.bool_]) -> list[int | None]:
        """A track id for each of embeds (N, C), best score first; None for what neither joins nor may start a track."""
        track_ids: list[int | None] = [None] * len(embeds)
        if len(self.bank) and len(embeds):
            similarity = bisoftmax(embeds, self.bank.embeds).cpu().numpy()
            observed = np.array(self.bank.observed, dtype=similarity.dtype)
            threshold = self.config.match_threshold
            choices = choose_tracks(similarity, observed if self.config.frame_weight else None, threshold)
            ids = self.bank.ids
            track_ids = [None if choice is None else ids[choice] for choice in choices]
        for place in np.flatnonzero(may_start):
            if track_ids[place] is None:
                track_ids[place] = self.next_id
                self.next_id += 1
        return track_ids

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on with the next frame: plain numbers and CPU tensors."""
        return {"frame": self.frame, "next_id": self.next_id, "bank": self.bank.state_dict()}

    def load_state_dict(self, state: dict[str, Any], device: torch.device | str = "cpu") -> None:
        """Go on where the tracker that `state` was taken from stood; its detections will come on this device."""
        self.frame, self.next_id = state["frame"], state["next_id"]
        self.bank.load_state_dict(state["bank"], device)


def class_scores(logits: Tensor) -> Tensor:
    """Best class probability of each query, "no object" (the last class) left out: (Q, K+1) -> (Q,)."""
    return logits.softmax(-1)[:, :-1].amax(-1)


def select(scores: Tensor, threshold: float) -> Tensor:
    """Indices of the queries above the threshold, or of the best one if there is none; best score first."""
    order = scores.argsort(descending=True, stable=True)
    above = int((scores > threshold).sum())
    return order[: max(above, 1)]


def mask_nms(masks: Tensor, threshold: float) -> Tensor:
    """Which of masks (N, h, w) to keep, better ones first: (N,) bool. A mask goes if it overlaps a better kept one."""
    inside = (masks.sigmoid() > 0.5).flatten(1).float()
    intersection = inside @ inside.T  # whole numbers, exact in float32
    area = inside.sum(1)
    union = area[:, None] + area[None, :] - intersection
    overlaps = ((intersection + 1e-6) / (union + 1e-6) > threshold).cpu().numpy()

    keep = np.ones(len(overlaps), dtype=bool)
    for place in range(len(overlaps)):
        if keep[place]:
            keep[place + 1 :] &= ~overlaps[place, place + 1 :]
    return torch.from_numpy(keep).to(masks.device)


def bisoftmax(embeds: Tensor, memories: Tensor) -> Tensor:
    """Similarity of detections (N, C) to tracks (M, C), agreed on from both sides: (N, M) in 0..1."""
    similarity = embeds @ memories.T
    return (similarity.softmax(1) + similarity.softmax(0)) / 2


def choose_tracks(similarity: NDArray, observed: NDArray | None, threshold: float) -> list[int | None]:
    """Row by row, the track (column) that a detection takes from those still free; None if none is similar enough.

    similarity: (N, M); observed: (M,) frames in which each track was seen, or None not to weight by them.
    """
    similarity = similarity.copy()
    threshold = similarity.dtype.type(threshold)  # compared in the precision of the similarities
    choices: list[int | None] = []
    for row in similarity:
        weighted = row if observed is None else weight_by_length(row, observed, threshold)
        best = int(weighted.argmax())
        if weighted[best] > threshold:
            choices.append(best)
            similarity[:, best] = 0  # taken
        else:
            choices.append(None)
    return choices


def weight_by_length(row: NDArray, observed: NDArray, threshold: float) -> NDArray:
    """Where two or more tracks are similar enough, prefer the one seen more often. row, observed: (M,)."""
    competing = row > threshold
    if competing.sum() < 2:
        return row
    return row * np.where(competing, observed, observed[competing].mean())


def _at_least_float32(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
