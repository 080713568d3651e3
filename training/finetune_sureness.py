"""How surely a net says categories that it has just learnt.

A net that stands half-way between its parent and what was trained (finetune_model.py) finds new objects and ranks them well, but
says their category faintly: its row of the class head has come half the way only, and so have the queries. One number of each new
category puts that right, the bias of its row. Masks, the order of a category's own scores, and the rows of others stay as they are.
"""

from collections.abc import Collection, Sequence

import torch

from engine import CTVIS
from training.clip_batch import ClipBatch, frame_targets
from training.matcher import Matcher, at_least_float32

POINTS = 2048  # that masks are matched on


@torch.no_grad()
def say_as_surely(net: CTVIS, trained: CTVIS, categories: Collection[int], batches: Sequence[ClipBatch]) -> None:
    """Shifts the biases of these rows of the net's class head, so that on the objects of the batches it gives each category the
    odds that the trained net gives it, in the mean of their logarithms. Categories that no batch shows stay as they are."""
    wanted, found = (mean_log_odds(each, batches) for each in (trained, net))
    for category in set(categories) & set(found):
        net.query_decoder.class_embed.bias[category] += wanted[category] - found[category]


@torch.no_grad()
def mean_log_odds(net: CTVIS, batches: Sequence[ClipBatch]) -> dict[int, float]:
    """By category: the logarithm of the odds that the query which shows an object gives its category, in the mean."""
    matcher, generator = Matcher(points=POINTS), torch.Generator().manual_seed(0)
    odds: dict[int, list[float]] = {}
    for batch in batches:
        output = net.layer_outputs(batch.frames.flatten(0, 1))[-1]
        logits, targets = at_least_float32(output.logits), frame_targets(batch, net.frame_format.divisor)
        for frame, match in enumerate(matcher(logits, at_least_float32(output.masks), targets, generator)):
            labels = targets[frame].labels[match.targets]
            for category, row in zip(labels.tolist(), logits[frame, match.queries], strict=True):
                others = torch.cat([row[:category], row[category + 1 :]]).logsumexp(0)
                odds.setdefault(category, []).append(float(row[category] - others))
    return {category: sum(each) / len(each) for category, each in odds.items()}
