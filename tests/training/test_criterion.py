"""Matching and segmentation losses: Mask2Former's numbers, sound on empty frames, deaf to untrained categories."""

from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.errors import DataError
from tests.golden import golden_path
from training.criterion import WEIGHTS, Criterion
from training.losses import (
    binary_cross_entropy,
    dice_loss,
    pairwise_binary_cross_entropy,
    pairwise_dice_loss,
    sample_points,
    uncertain_points,
)
from training.matcher import Match, Matcher, Target, matched_queries


class Output(NamedTuple):
    logits: Tensor
    masks: Tensor


@pytest.fixture(scope="module")
def golden() -> tuple[Output, list[Target], dict]:
    arrays = dict(np.load(golden_path("criterion.npz")))
    tensors = {name: torch.from_numpy(value) for name, value in arrays.items() if value.dtype.kind != "U"}
    targets = [Target(tensors[f"target_labels_{i}"], tensors[f"target_masks_{i}"]) for i in range(3)]
    return Output(tensors["pred_logits"], tensors["pred_masks"]), targets, arrays


def test_the_matching_is_the_references(golden):
    output, targets, arrays = golden
    matching = Matcher()(output.logits, output.masks, targets)
    assert str([[match.queries.tolist(), match.targets.tolist()] for match in matching]) == str(arrays["matching"])


def test_the_mean_of_fifty_draws_is_the_references(golden):
    output, targets, arrays = golden
    criterion, generator = Criterion(num_classes=40), torch.Generator().manual_seed(1)
    draws = [criterion([output], targets, generator).terms for _ in range(50)]
    mean = np.array([[draw[name].item() for name in ("class", "mask", "dice")] for draw in draws]).mean(0)
    error = arrays["loss_std"] / np.sqrt(50)
    assert (np.abs(mean - arrays["loss_mean"]) < 3 * error + 1e-6).all()


def test_every_layer_is_supervised_and_the_last_one_matches(golden):
    output, targets, _ = golden
    wrong = Output(output.logits.flip(1), output.masks.flip(1))
    criterion = Criterion(num_classes=40, points=256)
    both, last = criterion([wrong, output], targets), criterion([output], targets)
    assert [m.queries.tolist() for m in both.matching] == [m.queries.tolist() for m in last.matching]
    assert both.terms["class"].item() == pytest.approx(2 * last.terms["class"].item(), rel=1e-5)
    assert both.final["class"] == last.terms["class"]
    assert both.total.item() == pytest.approx(sum(WEIGHTS[name] * value.item() for name, value in both.terms.items()))


def test_a_perfect_prediction_costs_almost_nothing():
    labels, masks = torch.tensor([3, 1]), torch.zeros(2, 32, 48, dtype=torch.bool)
    masks[0, :16], masks[1, 16:] = True, True
    logits = torch.full((1, 5, 5), -20.0)
    logits[0, [4, 0], labels], logits[0, [1, 2, 3], 4] = 20.0, 20.0
    predicted = torch.full((1, 5, 8, 12), -20.0)
    predicted[0, 4, :4], predicted[0, 0, 4:] = 20.0, 20.0
    losses = Criterion(num_classes=4, points=512, importance=0.0)([Output(logits, predicted)], [Target(labels, masks)])
    assert [losses.matching[0].queries.tolist(), losses.matching[0].targets.tolist()] == [[0, 4], [1, 0]]
    assert losses.terms["class"] < 1e-6
    assert losses.terms["dice"] < 0.1  # points on the shared edge fall between the two


def test_frames_without_instances_teach_only_no_object():
    logits, masks = torch.randn(2, 6, 5, requires_grad=True), torch.randn(2, 6, 8, 12, requires_grad=True)
    nothing = Target(torch.zeros(0, dtype=torch.int64), torch.zeros(0, 32, 48, dtype=torch.bool))
    losses = Criterion(num_classes=4)([Output(logits, masks)], [nothing, nothing])
    losses.total.backward()
    assert losses.terms["mask"] == losses.terms["dice"] == 0
    assert masks.grad is not None and masks.grad.abs().max() == 0
    assert (logits.grad[..., 4] < 0).all() and (logits.grad[..., :4] > 0).all()


def test_untrained_categories_take_no_part(golden):
    output, targets, _ = golden
    trained = torch.zeros(40, dtype=torch.bool)
    trained[[3, 4, 32, 34]] = True
    logits = output.logits.clone().requires_grad_()
    torch.manual_seed(0)  # of the points that matching looks at
    losses = Criterion(40, points=256, trained=trained)([Output(logits, output.masks)], targets)
    losses.terms["class"].backward()
    assert logits.grad[..., :40][..., ~trained].abs().max() == 0
    assert logits.grad[..., :40][..., trained].abs().min() > 0
    few = [Target(torch.tensor([3, 4, 32, 34]).eq(t.labels[:, None]).int().argmax(1), t.masks) for t in targets]
    torch.manual_seed(0)
    alone = Criterion(4, points=256)([Output(output.logits[..., [3, 4, 32, 34, 40]], output.masks)], few)
    assert losses.terms["class"].item() == pytest.approx(alone.terms["class"].item(), rel=1e-6)


def test_a_target_of_an_untrained_category_is_refused(golden):
    output, targets, _ = golden
    with pytest.raises(DataError, match="category index 3"):
        Criterion(40, trained=torch.arange(40) != 3)([output], targets)


def test_targets_that_are_not_padded_like_the_frames_are_refused(golden):
    output, targets, _ = golden
    cropped = [Target(t.labels, t.masks[:, :120]) for t in targets]
    with pytest.raises(ValueError, match="same canvas"):
        Criterion(40)([output], cropped)


def test_more_instances_than_queries_leave_the_rest_unmatched():
    masks = torch.rand(5, 16, 16) < 0.5
    match = Matcher(points=64)(torch.randn(1, 3, 4), torch.randn(1, 3, 4, 4), [Target(torch.arange(5) % 3, masks)])[0]
    assert match.queries.tolist() == [0, 1, 2]
    assert len(set(match.targets.tolist())) == 3


def test_numbers_that_are_none_leave_the_matching_of_the_others():
    logits, predicted = torch.zeros(2, 3, 2), torch.full((2, 3, 8, 8), -9.0)
    predicted[:, 1, :4] = 9.0
    logits[:, 0], predicted[0, 2] = float("nan"), float("inf")
    predicted[1] = float("nan")
    masks = torch.zeros(1, 32, 32, dtype=torch.bool)
    masks[0, :16] = True
    matches = Matcher(points=64)(logits, predicted, [Target(torch.tensor([0]), masks)] * 2)
    assert matches[0].queries.tolist() == [1]
    assert len(matches[1].queries) == 1  # any, as nothing is known


def test_the_matching_is_given_back_per_instance_of_the_clip():
    visible = torch.tensor([[True, False, True], [False, True, False], [True, True, True]])
    matches = [
        Match(torch.tensor([2, 7]), torch.tensor([1, 0])),
        Match(torch.tensor([5]), torch.tensor([0])),
        Match(torch.tensor([1, 3]), torch.tensor([2, 0])),  # two queries for three instances
    ]
    queries, matched = matched_queries(matches, visible)
    assert queries.tolist() == [[7, 0, 2], [0, 5, 0], [3, 0, 1]]
    assert matched.tolist() == [[True, False, True], [False, True, False], [True, False, True]]


def test_the_cost_of_a_pair_is_its_loss():
    logits, truth = torch.randn(4, 50, dtype=torch.float64), (torch.rand(3, 50) < 0.3).double()
    for pairwise, single in ((pairwise_binary_cross_entropy, binary_cross_entropy), (pairwise_dice_loss, dice_loss)):
        expected = torch.stack([single(logits, truth[n].expand(4, 50)) for n in range(3)], dim=1)
        torch.testing.assert_close(pairwise(logits, truth), expected)


def test_points_are_read_at_pixel_centres_as_x_then_y():
    maps = torch.arange(12.0).reshape(1, 1, 3, 4)
    points = torch.tensor([[[0.125, 0.5], [0.875, 1 / 6], [0.25, 0.5]]])  # pixels (0, 1), (3, 0), halfway (0..1, 1)
    torch.testing.assert_close(sample_points(maps, points), torch.tensor([[[4.0, 3.0, 4.5]]]))


def test_uncertain_points_gather_where_the_mask_changes():
    ramp = torch.linspace(-10, 10, 64).expand(2, 64, 64)  # zero at x = 0.5
    points = uncertain_points(ramp, 400, generator=torch.Generator().manual_seed(0))
    near = ((points[..., 0] - 0.5).abs() < 0.13).float().mean()
    assert points.shape == (2, 400, 2)
    assert 0.75 < near < 0.9  # a quarter of the candidates lies there and fills the 75%; the rest is spread evenly
