"""A batch of clips and the losses a CTVIS net makes on it.

In: frames of B clips of T frames with their instances; out: the weighted sum to minimise and the single terms to plot. A clip of
one frame (T = 1) trains segmentation alone; from two on, the re-ID loss ties the frames together.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine import CTVIS, FrameOutput
from training import contrastive
from training.config import TrainConfig
from training.contrastive import contrastive_loss
from training.criterion import Criterion
from training.doubt import Doubt, unjudged
from training.matcher import Match, Matcher, Target, at_least_float32, matched_queries

RIVAL_OVERLAP = 0.3  # IoU from which a query's mask is a look at the same instance
RIVAL_SCORE = 0.05  # class probability from which a tracker would look at a query


@dataclass(frozen=True)
class ClipTarget:
    """The n instances of one clip. An instance that is not seen in a frame has an empty mask there."""

    labels: Tensor  # (n,) int64 category indices from 0
    masks: Tensor  # (n, T, H, W) bool
    doubt: Doubt | None = None  # regions (T, H, W) and whole (T,), where the frames were not annotated as a whole

    @property
    def visible(self) -> Tensor:
        """(T, n) bool"""
        return self.masks.flatten(2).any(dim=-1).t()


@dataclass(frozen=True)
class ClipBatch:
    """frames: (B, T, 3, H, W) uint8 RGB; one target per clip."""

    frames: Tensor
    targets: list[ClipTarget]


@dataclass(frozen=True)
class ClipLoss:
    """`total` is what training minimises; `terms` are unweighted numbers of the last decoder layer, for the eye."""

    total: Tensor
    terms: dict[str, float]


def clip_loss(model: CTVIS, batch: ClipBatch, criterion: Criterion, config: TrainConfig | None = None) -> ClipLoss:
    """Runs the net on every frame of the batch and compares. config: what it says of the re-ID loss; None: as published."""
    config = config or TrainConfig()
    outputs = model.layer_outputs(batch.frames.flatten(0, 1))  # frames of a clip lie together: (B*T, ...)
    targets = frame_targets(batch, model.frame_format.divisor)
    losses = criterion(outputs, targets)
    total, terms = losses.total, dict(losses.final)
    if batch.frames.shape[1] > 1:
        again = _matched_again(outputs[-1], batch, criterion.points) if config.second_matching else None
        embeds, valid, query = _tracks(outputs[-1], losses.matching, again, batch)
        kept = rivals(outputs[-1], losses.matching, targets) if config.rivals_only else None
        kept = None if kept is None else kept.unflatten(0, batch.frames.shape[:2]).transpose(0, 1)
        reid = contrastive_loss(
            embeds, valid, query, config.recipe, config.positive, config.noise, kept, config.miscount
        )
        weighted = contrastive.WEIGHTS["reid"] * reid.reid + contrastive.WEIGHTS["reid_aux"] * reid.aux
        total = total + config.reid_weight * weighted
        terms |= {"reid": reid.reid, "reid_aux": reid.aux}
    return ClipLoss(total, {name: value.item() for name, value in terms.items()})


@torch.no_grad()
def rivals(output: FrameOutput, matching: Sequence[Match], targets: Sequence[Target] = ()) -> Tensor:
    """(N, Q) bool: queries that say something and look at no instance that another query of the frame was matched to, nor
    at what is in doubt: that may be the very same instance."""
    inside = (output.masks.flatten(2) > 0).float()  # (N, Q, h*w)
    shared = inside @ inside.transpose(1, 2)
    area = inside.sum(-1)
    overlap = shared / (area[:, :, None] + area[:, None] - shared).clamp(min=1)
    beside = [(iou[:, match.queries] < RIVAL_OVERLAP).all(-1) for iou, match in zip(overlap, matching, strict=True)]
    found = torch.stack(beside) & (output.logits.softmax(-1)[..., :-1].amax(-1) > RIVAL_SCORE)
    for frame, target in enumerate(targets):
        if target.doubt is not None:
            found[frame] &= ~unjudged(output.masks[frame], target.doubt)
    return found


def frame_targets(batch: ClipBatch, divisor: int) -> list[Target]:
    """The visible instances of every frame, on the padded canvas that the net sees, clip by clip."""
    height, width = batch.frames.shape[-2:]
    padding = (0, -width % divisor, 0, -height % divisor)

    def doubt(clip: ClipTarget, frame: int) -> Doubt | None:
        if clip.doubt is None:
            return None
        ignored, rejected, whole = (part[frame] for part in clip.doubt)
        return Doubt(F.pad(ignored, padding), F.pad(rejected, padding), whole)

    return [
        Target(clip.labels[visible], F.pad(clip.masks[visible, frame], padding), doubt(clip, frame))
        for clip in batch.targets
        for frame, visible in enumerate(clip.visible)
    ]


@torch.no_grad()
def _matched_again(output: FrameOutput, batch: ClipBatch, points: int) -> list[Match]:
    """As the released code finds the queries of its re-ID loss: from other points, among all instances of the clip, so that
    absent ones take queries too, and without the padding of the frames, so that points of padded frames do not lie alike."""
    length = batch.frames.shape[1]
    targets = [Target(clip.labels, clip.masks[:, frame]) for clip in batch.targets for frame in range(length)]
    return Matcher(points=points)(at_least_float32(output.logits), at_least_float32(output.masks), targets)


def _tracks(
    output: FrameOutput, matching: Sequence[Match], again: Sequence[Match] | None, batch: ClipBatch
) -> tuple[Tensor, Tensor, Tensor]:
    """What the re-ID loss wants: embeds (T, B, Q, C), valid (T, B, N), query (T, B, N), N the largest clip's instances.

    matching: of the visible instances of each frame; again: of all instances of its clip, to be used instead."""
    clips, length = batch.frames.shape[:2]
    most = max(len(clip.labels) for clip in batch.targets)
    valid = torch.zeros(length, clips, most, dtype=torch.bool, device=output.embeds.device)
    query = torch.zeros(length, clips, most, dtype=torch.int64, device=output.embeds.device)
    for index, clip in enumerate(batch.targets):
        frames = slice(index * length, (index + 1) * length)
        if again is None:
            queries, matched = matched_queries(matching[frames], clip.visible)
        else:
            queries, matched = matched_queries(again[frames], torch.ones_like(clip.visible))
        query[:, index, : len(clip.labels)] = queries
        valid[:, index, : len(clip.labels)] = matched & clip.visible
    return output.embeds.unflatten(0, (clips, length)).transpose(0, 1), valid, query
