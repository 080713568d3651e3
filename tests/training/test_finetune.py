"""Fine-tuning a net: it learns what was verified, can be stopped or killed anywhere, and says how it compares with its parent."""

import random
import time
from collections.abc import Callable
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path

import numpy as np
import pytest
import torch

from engine import load_model
from tests.training.finetune_run import CONFIG, PRESET, begin, events, parent, prepare
from training.events import Diverged, Kept, Trained
from training.finetune import Ended, Judged, best_weights, seconds_per_step
from training.finetune_config import FinetuneConfig
from training.samples import Sampled


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that nobody stopped."""
    folder = tmp_path_factory.mktemp("undisturbed")
    prepare(folder)
    ended = list(events(folder))[-1]
    assert isinstance(ended, Ended) and ended.why == "done"
    return folder


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return torch.load(folder / "run" / "state.pt", weights_only=True)["average"]  # type: ignore[no-any-return]


def same(one: Path, other: Path) -> None:
    found, expected = weights(other), weights(one)
    assert found.keys() == expected.keys()
    for name, tensor in expected.items():
        torch.testing.assert_close(found[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


def last(told: Connection) -> str:
    """The last thing that a process told."""
    text = ""
    with suppress(EOFError):
        while True:
            text = told.recv()
    return text


def stop_after(calls: int) -> Callable[[], bool]:
    asked = iter(range(calls + 1))
    return lambda: next(asked) == calls


def test_a_run_tells_all_there_is_to_know_and_leaves_a_net_for_the_projects_categories(tmp_path: Path) -> None:
    prepare(tmp_path)
    told = list(events(tmp_path))
    assert [event.step for event in told if isinstance(event, Judged)] == [0, 3, 6, 9, 12]
    assert [event.step for event in told if isinstance(event, Sampled)] == [0, 6, 12]
    trained = [event for event in told if isinstance(event, Trained)]
    assert trained[-1].step == CONFIG.steps and trained[-1].seconds_left == 0
    assert all(event.frames_per_second > 0 and event.learning_rate > 0 for event in trained)
    assert {"total", "class", "mask", "dice", "reid"} <= trained[0].losses.keys()
    assert any(isinstance(event, Kept) for event in told)
    ended = told[-1]
    assert isinstance(ended, Ended) and ended.before and ended.after
    assert list(ended.after["categories"]) == ["cat"]
    _, preset = load_model(best_weights(tmp_path / "run"))
    assert [category.name for category in preset.categories] == ["dog", "cat"] and preset.name == "child"


def test_the_loss_falls(tmp_path: Path) -> None:
    prepare(tmp_path, held_out=False)
    config = CONFIG.changed({"steps": 60, "trained": "no backbone", "sample_steps": 0, "validate_steps": 60})
    losses = [event.losses["total"] for event in events(tmp_path, config) if isinstance(event, Trained)]
    assert losses[-1] < 0.8 * losses[0], losses


def test_a_run_that_was_paused_ends_as_if_it_had_not_been(undisturbed: Path, tmp_path: Path) -> None:
    prepare(tmp_path)
    for calls in (5, 6):
        ended = list(events(tmp_path, should_stop=stop_after(calls)))[-1]
        assert isinstance(ended, Ended) and ended.why == "stopped"
    list(events(tmp_path))
    same(undisturbed, tmp_path)


def test_a_run_killed_at_ten_random_moments_is_always_resumable_and_ends_the_same(
    undisturbed: Path, tmp_path: Path
) -> None:
    prepare(tmp_path)
    choose = random.Random(5)
    for _ in range(10):
        process, told = begin(tmp_path)
        for _ in range(choose.randrange(1, 4)):  # after some event, and then a little later
            with suppress(EOFError):
                told.recv()
        time.sleep(choose.random() * 0.15)
        process.kill()
        process.join()
        state = tmp_path / "run" / "state.pt"
        if state.exists():
            assert 0 <= torch.load(state, weights_only=True)["step"] <= CONFIG.steps
        if best_weights(tmp_path / "run").exists():
            load_model(best_weights(tmp_path / "run"))
    assert isinstance(list(events(tmp_path))[-1], Ended)
    same(undisturbed, tmp_path)


def test_what_cannot_be_written_is_said_and_the_last_checkpoint_stays(undisturbed: Path, tmp_path: Path) -> None:
    prepare(tmp_path)
    list(events(tmp_path, should_stop=stop_after(4)))
    kept = (tmp_path / "run" / "state.pt").read_bytes()
    process, told = begin(tmp_path, most=100_000)
    process.join()
    assert "File too large. Make room there, then resume" in last(told)
    assert (tmp_path / "run" / "state.pt").read_bytes() == kept
    assert not list((tmp_path / "run").glob("*.partial"))
    list(events(tmp_path))
    same(undisturbed, tmp_path)


def test_losses_that_are_no_numbers_end_the_run_with_advice(tmp_path: Path) -> None:
    prepare(tmp_path, held_out=False)
    model = parent()
    with torch.no_grad():
        model.query_decoder.mask_embed[0].weight.fill_(np.nan)
    config = CONFIG.changed({"steps": 100, "sample_steps": 0, "validate_steps": 100})
    with pytest.raises(Diverged, match="lower learning rate"):
        list(events(tmp_path, config, model=model))


def test_without_held_out_videos_the_last_net_is_kept_and_nothing_is_claimed(tmp_path: Path) -> None:
    prepare(tmp_path, held_out=False)
    ended = list(events(tmp_path))[-1]
    assert isinstance(ended, Ended)
    assert (ended.before, ended.after, ended.worse, ended.best_step) == (None, None, False, CONFIG.steps)
    assert best_weights(tmp_path / "run").exists()


def test_training_stops_early_when_it_gets_no_better(tmp_path: Path) -> None:
    prepare(tmp_path)
    config = CONFIG.changed({"steps": 60, "validate_steps": 1, "patience": 2, "learning_rate": 1e-7, "sample_steps": 0})
    ended = list(events(tmp_path, config))[-1]
    assert isinstance(ended, Ended) and ended.why == "early" and ended.step < 60


def test_a_child_that_is_worse_than_its_parent_is_called_so() -> None:
    assert Ended(9, "done", 9, {"AP": 0.5}, {"AP": 0.4}).worse
    assert not Ended(9, "done", 9, {"AP": 0.5}, {"AP": 0.5}).worse


def test_the_speed_of_a_step_is_measured_and_leaves_the_parent_as_it_is() -> None:
    model = parent()
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    small = seconds_per_step(model, PRESET, FinetuneConfig(short_edge=64, clips=1, length=1), steps=2)
    large = seconds_per_step(model, PRESET, FinetuneConfig(short_edge=128, clips=4, length=3), steps=2)
    assert 0 < small < large
    for name, tensor in model.state_dict().items():
        assert torch.equal(tensor, before[name])
