"""What is not known of an annotated frame, and which queries are therefore left alone.

In: regions of a frame and what the queries' masks cover. Out: which queries, unless matched to an instance, take no part in
the class loss and are nobody's rivals. A frame that was annotated as a whole has no doubt; then every unmatched query is to
say "no object", as published.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

SHARE = 0.5  # of a query's mask that lies in a region: then it looks at what is there


class Doubt(NamedTuple):
    """The doubts about one frame, or with a leading axis T about the frames of a clip. Over the canvas of the targets' masks."""

    ignored: Tensor  # (H, W) bool: something is there, nobody said what
    rejected: Tensor  # (H, W) bool: no object is there, somebody said
    whole: Tensor  # () bool: whether all else that is no instance is background; otherwise nothing is known of it


@torch.no_grad()
def unjudged(masks: Tensor, doubt: Doubt) -> Tensor:
    """masks (Q, h, w) logits of one frame -> (Q,) bool: queries that must not be told to be nothing."""
    inside = (masks > 0).float()
    area = inside.sum((1, 2)).clamp(min=1)
    ignored, rejected = ((inside * _small(region, masks)).sum((1, 2)) / area for region in doubt[:2])
    return (rejected < SHARE) & (~doubt.whole | (ignored >= SHARE))


def _small(region: Tensor, masks: Tensor) -> Tensor:
    return F.interpolate(region[None, None].to(masks), masks.shape[-2:], mode="area")[0]
