"""The segmentation losses of Mask2Former: class, mask and dice, for every layer of the query decoder.

In: the outputs of the decoder's layers for N frames and the N frames' targets. Out: Losses, which also holds the last
layer's matching for the re-ID loss. Frames are independent here; what ties them together over time is
training.contrastive.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import DataError
from training.doubt import unjudged
from training.losses import binary_cross_entropy, dice_loss, sample_points, uncertain_points
from training.matcher import Match, Matcher, Target, at_least_float32

WEIGHTS: Mapping[str, float] = {"class": 2.0, "mask": 5.0, "dice": 5.0}
LEFT_ALONE = -100  # as a query's wanted class: it takes no part


class LayerOutput(Protocol):
    """What one decoder layer says of N frames; engine.model.FrameOutput is one."""

    @property
    def logits(self) -> Tensor: ...  # (N, Q, K+1), the last class is "no object"

    @property
    def masks(self) -> Tensor: ...  # (N, Q, h, w) logits


@dataclass(frozen=True)
class Losses:
    """Unweighted scalars by name: `terms` summed over the layers, `final` of the last layer alone (plot these)."""

    terms: dict[str, Tensor]
    final: dict[str, Tensor]
    matching: list[Match]
    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)

    @property
    def total(self) -> Tensor:
        """The weighted sum, which training minimises."""
        return torch.stack([self.weights[name] * value for name, value in self.terms.items()]).sum()


@dataclass(frozen=True)
class Criterion:
    """The settings of the losses; the defaults are the published ones.

    points: how many a mask is compared on; small nets on a CPU do with 2,048.
    trained: (K,) bool, categories that the data covers; the others' logits take no part. None trains all.
    """

    num_classes: int
    points: int = 12544
    no_object_weight: float = 0.1
    oversample: float = 3.0
    importance: float = 0.75
    trained: Tensor | None = None
    weights: Mapping[str, float] = field(default_factory=lambda: WEIGHTS)

    def __call__(
        self, layers: Sequence[LayerOutput], targets: Sequence[Target], generator: torch.Generator | None = None
    ) -> Losses:
        """layers: one output per decoder layer, the final one last; targets: one per frame."""
        self._check(layers[-1], targets)
        matcher = Matcher(points=self.points)
        count = _mean_over_processes(sum(len(target.labels) for target in targets), layers[-1].logits.device)
        per_layer: list[dict[str, Tensor]] = []
        for layer in layers:
            logits, masks = self._trained_only(at_least_float32(layer.logits)), at_least_float32(layer.masks)
            matching = matcher(logits, masks, targets, generator)
            losses = {"class": self._class_loss(logits, masks, targets, matching)}
            losses["mask"], losses["dice"] = self._mask_losses(masks, targets, matching, max(count, 1.0), generator)
            per_layer.append(losses)
        terms = {name: torch.stack([losses[name] for losses in per_layer]).sum() for name in per_layer[-1]}
        return Losses(terms, per_layer[-1], matching, self.weights)

    def _trained_only(self, logits: Tensor) -> Tensor:
        if self.trained is None:
            return logits
        trained = self.trained.to(logits.device)
        return logits.masked_fill(~F.pad(trained, (0, 1), value=True), -torch.inf)  # "no object" is always trained

    def _class_loss(
        self, logits: Tensor, masks: Tensor, targets: Sequence[Target], matching: Sequence[Match]
    ) -> Tensor:
        """Cross-entropy over all queries; an unmatched query should say "no object", unless the target is in doubt."""
        wanted = torch.full(logits.shape[:2], self.num_classes, dtype=torch.int64, device=logits.device)
        for frame, (target, match) in enumerate(zip(targets, matching, strict=True)):
            if target.doubt is not None:
                wanted[frame, unjudged(masks[frame], target.doubt)] = LEFT_ALONE
            wanted[frame, match.queries] = target.labels[match.targets]
        if bool((wanted == LEFT_ALONE).all()):
            return logits.nan_to_num(neginf=0.0).sum() * 0.0
        weights = logits.new_ones(self.num_classes + 1)
        weights[-1] = self.no_object_weight
        return F.cross_entropy(logits.flatten(0, 1), wanted.flatten(), weights, ignore_index=LEFT_ALONE)

    def _mask_losses(
        self,
        masks: Tensor,
        targets: Sequence[Target],
        matching: Sequence[Match],
        count: float,
        generator: torch.Generator | None,
    ) -> tuple[Tensor, Tensor]:
        """Mask and dice loss of the matched pairs of all frames, sampled together; `count` masks share the sum."""
        frames = torch.cat([torch.full_like(match.queries, frame) for frame, match in enumerate(matching)])
        if len(frames) == 0:
            return masks.sum() * 0.0, masks.sum() * 0.0  # keeps every parameter in the graph, as DDP wants
        predicted = masks[frames, torch.cat([match.queries for match in matching])]  # (M, h, w)
        truth = torch.cat([target.masks[match.targets] for target, match in zip(targets, matching, strict=True)])
        points = uncertain_points(predicted, self.points, self.oversample, self.importance, generator)
        point_truth = sample_points(truth[:, None].to(predicted), points)[:, 0]
        point_logits = sample_points(predicted[:, None], points)[:, 0]
        mask = binary_cross_entropy(point_logits, point_truth).sum() / count
        return mask, dice_loss(point_logits, point_truth).sum() / count

    def _check(self, output: LayerOutput, targets: Sequence[Target]) -> None:
        frames, _, classes = output.logits.shape
        if (frames, classes) != (len(targets), self.num_classes + 1):
            raise ValueError(
                f"logits {tuple(output.logits.shape)} do not fit {len(targets)} targets, {self.num_classes} classes"
            )
        height, width = output.masks.shape[-2:]
        for target in targets:
            if target.masks.shape[-2] * width != target.masks.shape[-1] * height:
                raise ValueError(
                    f"target masks of {tuple(target.masks.shape[-2:])} do not cover the same canvas as predictions of "
                    f"{(height, width)}; pad them as the frames are padded"
                )
        labels = torch.cat([target.labels for target in targets])
        known = torch.ones(self.num_classes, dtype=torch.bool) if self.trained is None else self.trained.cpu()
        for label in labels.unique().tolist():
            if not (0 <= label < self.num_classes and known[label]):
                raise DataError(
                    f"A training target has category index {label}, which is not among the trained categories; "
                    "leave such instances out or add the category to the trained ones."
                )


def _mean_over_processes(count: int, device: torch.device) -> float:
    """The number of instances per process, averaged over the processes of a distributed run."""
    if not (torch.distributed.is_available() and torch.distributed.is_initialized()):
        return float(count)
    total = torch.tensor(float(count), device=device)
    torch.distributed.all_reduce(total)
    return total.item() / torch.distributed.get_world_size()
