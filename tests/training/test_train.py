"""Training on data sets: a killed run ends as an unbroken one, processes share a step, and the best net is kept."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from engine import build_model
from engine.checkpoint import load_model
from tests.discs import write_discs
from tests.nets import tiny_preset
from training.annotation_index import index_of
from training.augmentation import Augmentation
from training.clip_batch import ClipBatch, ClipTarget
from training.config import TrainConfig
from training.criterion import Criterion
from training.dataset_clips import ClipShape, DatasetClips, source_of
from training.events import Diverged, Trained
from training.loop import Run, divided, take_step
from training.metrics import Score
from training.train import Judged, Pace, train

ROOT = Path(__file__).parents[2]
TINY = tiny_preset(backbone="efficientnet_lite0")
STEPS = 6


@pytest.fixture(scope="module")
def discs(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("discs")
    write_discs(folder, (5, 4))
    index_of(folder / "gt.json", folder / "cache")
    return folder


def clips_of(discs: Path, steps: int) -> DatasetClips:
    index = index_of(discs / "gt.json", discs / "cache")
    source = source_of(index, discs, index.categories, reach=2)
    return DatasetClips([source], ClipShape(1, 2), Augmentation().at_scale(0.2), steps, (124.0, 116.0, 104.0))


def start(discs: Path, out: Path, pause: float, launcher: tuple[str, ...] = ()) -> subprocess.Popen:
    command = [
        sys.executable,
        *launcher,
        "-m",
        "tests.training.train_discs",
        str(discs),
        str(out),
        str(STEPS),
        str(pause),
    ]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)


def losses_of(process: subprocess.Popen) -> dict[int, dict[str, float]]:
    told = [json.loads(line) for line in process.communicate(timeout=240)[0].splitlines()]
    assert process.returncode == 0
    return {line.pop("step"): line for line in told}


def test_a_run_killed_at_any_step_ends_as_an_unbroken_one(discs, tmp_path):
    whole = losses_of(start(discs, tmp_path / "whole", 0))
    assert sorted(whole) == list(range(1, STEPS + 1))
    broken = start(discs, tmp_path / "broken", 0.3)
    assert broken.stdout is not None
    seen: dict[int, dict[str, float]] = {}
    while len(seen) < 3:  # somewhere in the fourth step, or in writing the third one's checkpoint
        line = json.loads(broken.stdout.readline())
        seen[line.pop("step")] = line
    time.sleep(0.1)
    broken.send_signal(signal.SIGKILL)
    broken.wait()
    rest = losses_of(start(discs, tmp_path / "broken", 0))
    assert min(rest) > 1, "it went on instead of beginning anew"
    for step, losses in {**seen, **rest}.items():
        assert losses == pytest.approx(whole[step], rel=1e-4, abs=1e-5), f"step {step}"
    first, second = (load_model(tmp_path / run / "last.safetensors")[0] for run in ("whole", "broken"))
    for name, tensor in first.state_dict().items():
        torch.testing.assert_close(second.state_dict()[name], tensor, rtol=1e-4, atol=1e-5, msg=name)


def moving(clips: int, hue: int) -> ClipBatch:
    frames = torch.zeros(clips, 2, 3, 64, 64, dtype=torch.uint8)
    masks = torch.zeros(1, 2, 64, 64, dtype=torch.bool)
    for t in range(2):
        masks[:, t, 16:48, 8 + 8 * t : 40 + 8 * t] = True
        frames[:, t, hue, 16:48, 8 + 8 * t : 40 + 8 * t] = 255
    return ClipBatch(frames, [ClipTarget(torch.tensor([hue]), masks) for _ in range(clips)])


GRADIENTS = """
import sys, torch
from torch import distributed
from engine import build_model
from tests.nets import tiny_preset
from tests.training.test_train import moving
from training.config import TrainConfig
from training.criterion import Criterion
from training.loop import Run, take_step
torch.set_num_threads(1)
distributed.init_process_group("gloo")
torch.manual_seed(0)
run = Run(build_model(tiny_preset(backbone="efficientnet_lite0")).eval(), TrainConfig(points=64, clip_norm=1e9, learning_rate=0.0))
torch.manual_seed(5)
take_step(run, moving(1, distributed.get_rank()), Criterion(2, points=64))
if distributed.get_rank() == 0:
    torch.save({name: p.grad for name, p in run.model.named_parameters()}, sys.argv[1])
distributed.destroy_process_group()
"""


def test_two_processes_have_the_gradients_of_one(tmp_path):
    (tmp_path / "gradients.py").write_text(GRADIENTS)
    command = [sys.executable, "-m", "torch.distributed.run", "--nproc_per_node=2", "--standalone"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}
    script = [str(tmp_path / "gradients.py"), str(tmp_path / "shared.pt")]
    subprocess.run([*command, *script], cwd=ROOT, env=environment, check=True, timeout=240, capture_output=True)
    torch.manual_seed(0)
    run = Run(build_model(TINY).eval(), TrainConfig(points=64, clip_norm=1e9, learning_rate=0.0, accumulate=2))
    parts = [moving(1, 0), moving(1, 1)]
    gradients: dict[str, torch.Tensor] = {}
    for part in parts:  # each as its process sees it, from the same random points
        torch.manual_seed(5)
        take_step(run, part, Criterion(2, points=64))
        for name, parameter in run.model.named_parameters():
            assert parameter.grad is not None
            gradients[name] = gradients.get(name, 0) + parameter.grad / len(parts)
    shared = torch.load(tmp_path / "shared.pt", weights_only=True)
    for name, gradient in gradients.items():
        torch.testing.assert_close(shared[name], gradient, rtol=1e-4, atol=1e-6, msg=name)


def test_a_step_in_parts_has_the_mean_of_their_gradients():
    torch.manual_seed(0)
    run = Run(build_model(TINY).eval(), TrainConfig(points=64, clip_norm=1e9, learning_rate=0.0, accumulate=2))
    batch = moving(2, 1)
    assert [len(part.targets) for part in divided(batch, 2)] == [1, 1]
    assert [len(part.targets) for part in divided(batch, 5)] == [1, 1]
    torch.manual_seed(5)
    told = take_step(run, batch, Criterion(2, points=64))
    assert torch.isfinite(torch.tensor(told["total"]))
    assert all(p.grad is not None for p in run.model.parameters() if p.requires_grad)


def score_of(ap: float) -> Score:
    return Score({"AP": ap}, (), torch.zeros(0).numpy(), torch.zeros(0).numpy())


def test_the_best_net_is_kept_and_the_last_one_too(discs, tmp_path):
    aps = iter([0.2, 0.5, 0.3])
    config = TrainConfig(steps=3, learning_rate=1e-3, clip_norm=1.0, points=64)
    pace = Pace(log=1, judge=1, workers=0)
    events = list(
        train(build_model(TINY), TINY, clips_of(discs, 3), config, tmp_path, pace, lambda _: score_of(next(aps)))
    )
    judged = [event for event in events if isinstance(event, Judged)]
    assert [(event.step, event.best) for event in judged] == [(1, True), (2, True), (3, False)]
    best, last = (json.loads((tmp_path / f"{name}.json").read_text())["notes"]["step"] for name in ("best", "last"))
    assert (best, last) == (2, 3)


def test_a_run_that_is_asked_to_stop_goes_on_where_it_was(discs, tmp_path):
    config = TrainConfig(steps=4, learning_rate=1e-3, clip_norm=1.0, points=64)
    asked = iter([False, False, True])
    first = list(
        train(
            build_model(TINY),
            TINY,
            clips_of(discs, 4),
            config,
            tmp_path,
            Pace(log=1, workers=0),
            None,
            lambda: next(asked),
        )
    )
    second = list(train(build_model(TINY), TINY, clips_of(discs, 4), config, tmp_path, Pace(log=1, workers=0)))
    steps = [[event.step for event in events if isinstance(event, Trained)] for events in (first, second)]
    assert steps == [[1, 2], [3, 4]]


def test_losses_that_are_no_numbers_end_the_run_in_a_sentence(discs, tmp_path):
    model = build_model(TINY)
    with torch.no_grad():
        next(iter(model.query_decoder.parameters())).fill_(float("nan"))
    config = TrainConfig(steps=40, learning_rate=1e-3, clip_norm=1.0, points=16)
    with pytest.raises((Diverged, ValueError)):
        list(train(model, TINY, clips_of(discs, 40), config, tmp_path, Pace(workers=0)))
