"""The training loop: it learns, it can be stopped anywhere and goes on, and it touches only what it may."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from engine import CTVIS, Category, build_model
from tests.nets import tiny_preset
from training.clip_batch import ClipBatch, ClipTarget, clip_loss
from training.config import TrainConfig
from training.criterion import Criterion
from training.loop import TrainEvent, train
from training.optim import rate

TINY = tiny_preset(backbone="efficientnet_lite0")
CONFIG = TrainConfig(steps=8, learning_rate=1e-3, clip_norm=1.0, points=64, log_steps=2, recipe="paper")
CRITERION = Criterion(2, points=64)


def square_batch(length: int = 2) -> ClipBatch:
    """Two clips of a bright square on black that moves to the right."""
    frames = torch.zeros(2, length, 3, 64, 64, dtype=torch.uint8)
    masks = torch.zeros(1, length, 64, 64, dtype=torch.bool)
    for time in range(length):
        frames[:, time, :, 16:48, 8 + 8 * time : 40 + 8 * time] = 255
        masks[:, time, 16:48, 8 + 8 * time : 40 + 8 * time] = True
    return ClipBatch(frames, [ClipTarget(torch.tensor([1]), masks)] * 2)


@pytest.fixture
def model() -> CTVIS:
    torch.manual_seed(0)
    return build_model(TINY)


def stop_after(steps: int) -> Callable[[], bool]:
    calls = iter(range(steps + 1))
    return lambda: next(calls) == steps


def test_the_loss_falls(model: CTVIS, tmp_path: Path) -> None:
    events: list[TrainEvent] = []
    train(model, lambda progress: square_batch(), CRITERION, CONFIG, tmp_path, events.append)
    assert events[-1].step == 8
    assert events[-1].losses["total"] < 0.9 * events[0].losses["total"]
    assert {"class", "mask", "dice", "reid", "reid_aux"} <= events[0].losses.keys()


def test_a_run_stopped_in_the_middle_ends_as_if_it_had_not_been(tmp_path: Path) -> None:
    def run(folder: Path, should_stop: Callable[[], bool]) -> CTVIS:
        torch.manual_seed(0)
        return train(
            build_model(TINY), lambda progress: square_batch(), CRITERION, CONFIG, folder, should_stop=should_stop
        )

    whole = run(tmp_path / "whole", lambda: False)
    run(tmp_path / "halves", stop_after(3))
    resumed = run(tmp_path / "halves", lambda: False)
    for name, tensor in whole.state_dict().items():
        torch.testing.assert_close(resumed.state_dict()[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


def test_frozen_parts_stay_and_the_rest_moves(model: CTVIS, tmp_path: Path) -> None:
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    config = TrainConfig(steps=1, learning_rate=1e-2, clip_norm=1.0, points=64, frozen=("backbone.",))
    after = train(model, lambda progress: square_batch(), CRITERION, config, tmp_path).state_dict()
    moved = {name for name, tensor in after.items() if not torch.equal(tensor, before[name])}
    assert moved and not any(name.startswith("backbone.") for name in moved)


def test_a_clip_whose_object_leaves_and_one_without_objects_can_be_trained_on(model: CTVIS) -> None:
    batch = square_batch(3)
    batch.targets[0].masks[:, 1] = False
    empty = ClipTarget(torch.zeros(0, dtype=torch.int64), torch.zeros(0, 3, 64, 64, dtype=torch.bool))
    for targets in ([batch.targets[0], empty], [empty, empty]):
        for second in (False, True):
            config = TrainConfig(second_matching=second)
            loss = clip_loss(model, ClipBatch(batch.frames, targets), CRITERION, config)
            loss.total.backward()
            assert torch.isfinite(loss.total)


def test_a_net_of_one_category_is_trained_on_one_clip(tmp_path: Path) -> None:
    batch = square_batch()
    single = ClipBatch(batch.frames[:1], [ClipTarget(torch.tensor([0]), batch.targets[0].masks)])
    events: list[TrainEvent] = []
    model = build_model(tiny_preset((Category(1, "square"),), backbone="efficientnet_lite0"))
    train(model, lambda progress: single, Criterion(1, points=64), CONFIG, tmp_path, events.append)
    assert events[-1].losses["total"] < 0.9 * events[0].losses["total"]


def test_the_published_schedule_drops_twice_and_the_cosine_ends_low() -> None:
    published, cosine = TrainConfig(), TrainConfig(schedule="cosine", warmup=0.1)
    assert [rate(progress, published) for progress in (0.0, 0.374, 0.376, 0.76)] == pytest.approx([1, 1, 0.1, 0.01])
    assert rate(0.0, cosine) == 0
    assert rate(0.1, cosine) > 0.9
    assert rate(1.0, cosine) == pytest.approx(0.01)
