"""Frames of which not all is known: nothing is learnt from what nobody judged."""

from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from engine import FrameOutput, build_model
from tests.nets import tiny_preset
from tests.training.test_loop import square_batch
from training.clip_batch import ClipBatch, ClipTarget, clip_loss, rivals
from training.config import TrainConfig
from training.criterion import Criterion
from training.doubt import Doubt, unjudged
from training.matcher import Match, Target

NOTHING = torch.zeros(0, dtype=torch.int64)


class Output(NamedTuple):
    logits: Tensor
    masks: Tensor


def region(left: int, right: int) -> Tensor:
    """A stripe of a frame of 16 x 16 pixels, bool (16, 16)."""
    found = torch.zeros(16, 16, dtype=torch.bool)
    found[:, left:right] = True
    return found


def looking_at(*stripes: tuple[int, int]) -> Tensor:
    """Mask logits (Q, 4, 4) of queries that see one stripe each."""
    return torch.stack([torch.where(region(*stripe)[::4, ::4], 5.0, -5.0) for stripe in stripes])


def doubt(ignored: Tensor, rejected: Tensor, whole: bool) -> Doubt:
    return Doubt(ignored, rejected, torch.tensor(whole))


def test_a_query_on_an_ignored_region_is_left_alone_and_one_beside_it_is_not() -> None:
    masks = looking_at((0, 8), (8, 16), (4, 16))
    assert unjudged(masks, doubt(region(0, 8), region(0, 0), True)).tolist() == [True, False, False]


def test_what_a_person_took_away_is_judged_even_where_others_lie() -> None:
    masks = looking_at((0, 8), (8, 16))
    assert unjudged(masks, doubt(region(0, 16), region(0, 8), True)).tolist() == [False, True]


def test_of_a_frame_that_nobody_looked_at_only_the_rejected_is_judged() -> None:
    masks = looking_at((0, 8), (8, 16))
    assert unjudged(masks, doubt(region(0, 0), region(0, 8), False)).tolist() == [False, True]


@pytest.mark.parametrize("ignored, judged", [((0, 8), [1]), ((0, 0), [0, 1]), ((0, 16), [])])
def test_only_judged_queries_get_a_gradient_from_the_class_loss(ignored: tuple[int, int], judged: list[int]) -> None:
    logits = torch.zeros(1, 2, 3, requires_grad=True)
    masks = looking_at((0, 8), (8, 16))[None]
    target = Target(NOTHING, torch.zeros(0, 16, 16), doubt(region(*ignored), region(0, 0), True))
    loss = Criterion(2, points=16)([Output(logits, masks)], [target]).terms["class"]
    loss.backward()
    assert logits.grad is not None and torch.isfinite(loss)
    assert logits.grad[0].abs().sum(-1).nonzero()[:, 0].tolist() == judged


def test_an_instance_in_an_ignored_region_is_still_learnt() -> None:
    logits, masks = torch.zeros(1, 1, 3, requires_grad=True), looking_at((0, 8))[None]
    target = Target(torch.tensor([1]), region(0, 8)[None], doubt(region(0, 16), region(0, 0), True))
    Criterion(2, points=16)([Output(logits, masks)], [target]).terms["class"].backward()
    assert logits.grad is not None and logits.grad[0, 0, 1] < 0


def test_what_is_in_doubt_is_no_rival() -> None:
    output = FrameOutput(torch.zeros(1, 2, 3), looking_at((0, 8), (8, 16))[None], torch.zeros(1, 2, 4))
    target = Target(NOTHING, torch.zeros(0, 16, 16), doubt(region(0, 8), region(0, 0), True))
    assert rivals(output, [Match(NOTHING, NOTHING)], [target]).tolist() == [[False, True]]


def test_a_clip_without_doubt_has_the_same_loss_as_one_whose_doubts_are_empty() -> None:
    torch.manual_seed(0)
    model, batch = build_model(tiny_preset()), square_batch()
    nowhere = torch.zeros(2, 64, 64, dtype=torch.bool)
    empty = Doubt(nowhere, nowhere, torch.ones(2, dtype=torch.bool))
    doubted = ClipBatch(batch.frames, [ClipTarget(t.labels, t.masks, empty) for t in batch.targets])
    losses, config = [], TrainConfig(recipe="paper", rivals_only=True)
    for each in (batch, doubted):
        torch.manual_seed(1)
        losses.append(clip_loss(model, each, Criterion(2, points=64), config).total.item())
    assert losses[0] == pytest.approx(losses[1])
