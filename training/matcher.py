"""Which query answers for which instance: the bipartite matching of Mask2Former.

In: one layer's class and mask logits for N frames, and the N frames' targets. Out: a Match per frame. The cost of a
pair is 2 * (-class probability) + 5 * mask cross-entropy + 5 * dice, the masks read at random points that all masks of
a frame share. No gradient passes through it, and it knows nothing of losses. Costs that are no numbers count as very high: some
matching comes out, and it is the loss that then says what is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor

from training.doubt import Doubt
from training.losses import pairwise_binary_cross_entropy, pairwise_dice_loss, sample_points

HOPELESS = 1e9  # takes the place of a cost that is no number


class Target(NamedTuple):
    """The n instances visible in one frame."""

    labels: Tensor  # (n,) int64 category indices from 0
    masks: Tensor  # (n, H, W) bool or 0..1 float, over the same padded canvas as the network's masks
    doubt: Doubt | None = None  # where the frame was not annotated as a whole


class Match(NamedTuple):
    """One frame's matching: target targets[i] belongs to query queries[i]; queries ascend."""

    queries: Tensor  # (m,) int64
    targets: Tensor  # (m,) int64, m = min(n, Q)


@dataclass(frozen=True)
class Matcher:
    class_cost: float = 2.0
    mask_cost: float = 5.0
    dice_cost: float = 5.0
    points: int = 12544

    @torch.no_grad()
    def __call__(
        self, logits: Tensor, masks: Tensor, targets: Sequence[Target], generator: torch.Generator | None = None
    ) -> list[Match]:
        """logits (N, Q, K+1), masks (N, Q, h, w) logits, N targets -> N matches."""
        costs = self.costs(logits, masks, targets, generator).cpu().nan_to_num(HOPELESS, HOPELESS, HOPELESS)
        matches = []
        for frame, target in enumerate(targets):
            queries, instances = linear_sum_assignment(costs[frame, :, : len(target.labels)])
            matches.append(
                Match(torch.as_tensor(queries, device=logits.device), torch.as_tensor(instances, device=logits.device))
            )
        return matches

    def costs(
        self, logits: Tensor, masks: Tensor, targets: Sequence[Target], generator: torch.Generator | None = None
    ) -> Tensor:
        """Costs (N, Q, n), n the most instances of a frame; a frame uses its own instances' columns only."""
        frames, most = len(targets), max((len(target.labels) for target in targets), default=0)
        if most == 0:
            return logits.new_zeros(frames, logits.shape[1], 0)
        with torch.autocast(logits.device.type, enabled=False):
            logits, masks = at_least_float32(logits), at_least_float32(masks)
            counts = torch.tensor([len(target.labels) for target in targets], device=logits.device)
            present = torch.arange(most, device=logits.device) < counts[:, None]  # (N, n)
            labels = torch.zeros(frames, most, dtype=torch.int64, device=logits.device)
            labels[present] = torch.cat([target.labels for target in targets])

            points = torch.rand(frames, self.points, 2, generator=generator, device=masks.device, dtype=masks.dtype)
            at_points = sample_points(masks, points)  # (N, Q, P)
            instance_masks = torch.cat([target.masks for target in targets])[:, None].to(masks)  # (sum n, 1, H, W)
            truth = masks.new_zeros(frames, most, self.points)
            truth[present] = sample_points(instance_masks, points.repeat_interleave(counts, dim=0))[:, 0]

            probabilities = logits.softmax(-1)
            class_cost = -probabilities.gather(2, labels[:, None].expand(-1, logits.shape[1], -1))
            return (
                self.class_cost * class_cost
                + self.mask_cost * pairwise_binary_cross_entropy(at_points, truth)
                + self.dice_cost * pairwise_dice_loss(at_points, truth)
            )


def at_least_float32(values: Tensor) -> Tensor:
    """Half precision widened to float32; float64 stays."""
    return values.to(torch.promote_types(values.dtype, torch.float32))


def matched_queries(matches: Sequence[Match], visible: Tensor) -> tuple[Tensor, Tensor]:
    """Matches as a table over a clip's instances, for the re-ID loss.

    visible (F, N) bool: instance n of the clip is seen in frame f; frame f's Target lists exactly those, in order.
    Returns the query of each instance (F, N) int64, 0 where it has none, and whether it has one (F, N) bool.
    """
    queries = torch.zeros(visible.shape, dtype=torch.int64, device=visible.device)
    matched = torch.zeros_like(visible)
    for frame, match in enumerate(matches):
        instances = visible[frame].nonzero()[:, 0][match.targets.to(visible.device)]
        queries[frame, instances] = match.queries.to(visible.device)
        matched[frame, instances] = True
    return queries, matched
