"""Point sampling and the mask losses, as PointRend and Mask2Former define them.

Masks are compared on random points instead of on pixels: M masks, P points each. Points are (x, y) in [0, 1] over the
whole (padded) canvas, so a predicted mask at stride 4 and a target at full size need no resizing. Nothing here knows of
matching, layers or weights.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def sample_points(maps: Tensor, points: Tensor) -> Tensor:
    """Values of maps (N, C, H, W) at points (N, P, 2), (x, y) in [0, 1], bilinear -> (N, C, P)."""
    grid = 2.0 * points[:, None] - 1.0  # grid_sample counts from -1 to 1
    return F.grid_sample(maps, grid, mode="bilinear", padding_mode="zeros", align_corners=False)[:, :, 0]


@torch.no_grad()
def uncertain_points(
    mask_logits: Tensor,
    count: int,
    oversample: float = 3.0,
    importance: float = 0.75,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Points for mask_logits (M, h, w) -> (M, count, 2): a share `importance` near logit 0, the rest anywhere.

    PointRend (https://arxiv.org/abs/1912.08193), section 3.1: the uncertain ones are the best of `oversample` times
    `count` candidates.
    """
    masks, device, dtype = len(mask_logits), mask_logits.device, mask_logits.dtype
    candidates = torch.rand(masks, int(count * oversample), 2, generator=generator, device=device, dtype=dtype)
    distance = sample_points(mask_logits[:, None], candidates)[:, 0].abs()
    uncertain = int(count * importance)
    nearest = distance.topk(uncertain, dim=1, largest=False, sorted=False).indices
    chosen = candidates.gather(1, nearest[..., None].expand(-1, -1, 2))
    anywhere = torch.rand(masks, count - uncertain, 2, generator=generator, device=device, dtype=dtype)
    return torch.cat([chosen, anywhere], dim=1)


def binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross-entropy of logits (M, P) against targets (M, P) in [0, 1] -> (M,)."""
    return F.binary_cross_entropy_with_logits(logits, targets, reduction="none").mean(-1)


def dice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """1 - Dice coefficient, both sides smoothed by one, of logits (M, P) against targets (M, P) -> (M,)."""
    inside = logits.sigmoid()
    return 1 - (2 * (inside * targets).sum(-1) + 1) / (inside.sum(-1) + targets.sum(-1) + 1)


def pairwise_binary_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """binary_cross_entropy of every pair: logits (..., Q, P), targets (..., n, P) -> (..., Q, n)."""
    # -t log s(x) - (1 - t) log(1 - s(x)) = softplus(x) - t x: one matrix product instead of two.
    return (F.softplus(logits).sum(-1)[..., None] - logits @ targets.transpose(-1, -2)) / logits.shape[-1]


def pairwise_dice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """dice_loss of every pair: logits (..., Q, P), targets (..., n, P) -> (..., Q, n)."""
    inside = logits.sigmoid()
    overlap = inside @ targets.transpose(-1, -2)
    return 1 - (2 * overlap + 1) / (inside.sum(-1)[..., None] + targets.sum(-1)[..., None, :] + 1)
