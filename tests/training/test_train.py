"""Training on data sets: a killed run ends as an unbroken one, processes share a step, and the best net is kept."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from engine import Preset, build_model
from engine.checkpoint import load_model
from tests.discs import write_discs
from tests.nets import tiny_preset
from tests.training import train_discs
from training.annotation_index import index_of
from training.augmentation import Augmentation
from training.clip_batch import ClipBatch, ClipTarget
from training.config import TrainConfig
from training.criterion import Criterion
from training.dataset_clips import ClipShape, DatasetClips, source_of
from training.events import Diverged, Trained
from training.loop import Run, divided, take_step
from training.metrics import Score
from training.samples import Sampled, validation_samples
from training.train import Judged, Pace, Validation, train
from training.ytvis import read_dataset

ROOT = Path(__file__).parents[2]
TINY = tiny_preset(backbone="efficientnet_lite0")
FREE = TrainConfig(clip_norm=1e9)
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


def losses_of(discs: Path, out: Path) -> dict[int, dict[str, float]]:
    """A run in this process, as the one that is killed computes: on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return {event.step: event.losses for event in train_discs.events(discs, out, STEPS) if event}
    finally:
        torch.set_num_threads(threads)


def test_a_run_killed_at_any_step_ends_as_an_unbroken_one(discs, tmp_path):
    arguments = [str(discs), str(tmp_path / "broken"), str(STEPS), "0.3"]
    command = [sys.executable, "-m", "tests.training.train_discs", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    broken = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env=environment)
    whole = losses_of(discs, tmp_path / "whole")
    assert sorted(whole) == list(range(1, STEPS + 1))
    assert broken.stdout is not None
    seen: dict[int, dict[str, float]] = {}
    while len(seen) < 3:  # somewhere in the fourth step, or in writing the third one's checkpoint
        line = json.loads(broken.stdout.readline())
        seen[line.pop("step")] = line
    time.sleep(random.uniform(0, 0.2))
    broken.send_signal(signal.SIGKILL)
    assert broken.wait() == -signal.SIGKILL
    rest = losses_of(discs, tmp_path / "broken")
    assert min(rest) > 1, "it went on instead of beginning anew"
    for step, losses in [*seen.items(), *rest.items()]:
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


def gradients_of(config: TrainConfig, *batches: ClipBatch, preset: Preset = TINY) -> list[dict[str, torch.Tensor]]:
    """Of steps one after the other on a fresh net, which stays as it is."""
    torch.manual_seed(0)
    run = Run(build_model(preset).eval(), replace(config, points=64, learning_rate=0.0))
    torch.manual_seed(5)
    found = []
    for batch in batches:
        take_step(run, batch, Criterion(2, points=64))
        found.append({name: p.grad for name, p in run.model.named_parameters() if p.grad is not None})
    return found


def test_a_step_in_parts_has_the_mean_of_their_gradients():
    first, second = moving(1, 0), moving(1, 1)
    both = ClipBatch(torch.cat([first.frames, second.frames]), first.targets + second.targets)
    assert [len(part.targets) for part in divided(both, 5)] == [1, 1]
    (shared,) = gradients_of(replace(FREE, accumulate=2), both)
    parts = gradients_of(FREE, first, second)
    for name, gradient in shared.items():
        torch.testing.assert_close(gradient, (parts[0][name] + parts[1][name]) / 2, rtol=1e-4, atol=1e-6, msg=name)


def test_the_norm_of_the_whole_gradient_is_cut():
    def norm(gradients: dict[str, torch.Tensor]) -> float:
        return torch.stack([gradient.norm() for gradient in gradients.values()]).norm().item()

    (free,), (cut,) = gradients_of(FREE, moving(1, 0)), gradients_of(replace(FREE, clip_norm=0.01), moving(1, 0))
    assert norm(free) > 0.1 and norm(cut) == pytest.approx(0.01, rel=1e-3)
    for name, gradient in cut.items():  # all parts by the same factor
        torch.testing.assert_close(gradient, free[name] * (0.01 / norm(free)), rtol=1e-2, atol=1e-9, msg=name)


def test_half_precision_is_near_and_weights_stay_whole():
    (whole,), (half,) = (gradients_of(replace(FREE, autocast=kind), moving(1, 0)) for kind in ("off", "bfloat16"))
    name = "query_decoder.class_embed.weight"
    assert half[name].dtype == torch.float32
    assert not torch.equal(half[name], whole[name])
    assert torch.nn.functional.cosine_similarity(half[name].flatten(), whole[name].flatten(), dim=0) > 0.99


@pytest.mark.parametrize("backbone", ["resnet50", "efficientnet_lite0", "vit_tiny_patch16_224"])
def test_blocks_that_compute_again_give_the_same_gradients_from_less_memory(backbone):
    kept: list[int] = []

    def pack(tensor: torch.Tensor) -> torch.Tensor:
        kept[-1] += tensor.nbytes
        return tensor

    found = []
    for checkpointing in (False, True):
        kept.append(0)
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            config, preset = replace(FREE, checkpointing=checkpointing), tiny_preset(backbone=backbone)
            found += gradients_of(config, moving(1, 0), preset=preset)
    assert found[0].keys() == found[1].keys()
    for name, gradient in found[0].items():
        torch.testing.assert_close(found[1][name], gradient, rtol=1e-4, atol=1e-6, msg=name)
    assert kept[1] < 0.7 * kept[0]


def test_the_average_of_weights_follows_slowly_and_is_what_is_kept(discs, tmp_path):
    run = Run(build_model(TINY), TrainConfig(average=0.5))
    name, weight = next(iter(run.model.named_parameters()))
    first = weight.detach().clone()
    with torch.no_grad():
        weight += 1.0
    run.step = 1000  # past its fast start
    run.update_average()
    torch.testing.assert_close(run.averaged.get_parameter(name), first + 0.5)
    config = TrainConfig(steps=2, learning_rate=1e-2, clip_norm=1.0, points=64, average=0.9)
    model = build_model(TINY)
    list(train(model, TINY, clips_of(discs, 2), config, tmp_path, Pace(workers=0)))
    kept = load_model(tmp_path / "last.safetensors")[0].state_dict()
    state = torch.load(tmp_path / "state.pt", weights_only=True)
    heads = "query_decoder.class_embed.weight"
    assert torch.equal(kept[heads], state["average"][heads]) and not torch.equal(kept[heads], state["model"][heads])


def score_of(ap: float) -> Score:
    return Score({"AP": ap}, (), torch.zeros(0).numpy(), torch.zeros(0).numpy())


def test_the_best_net_is_kept_and_the_last_one_too(discs, tmp_path):
    aps = iter([0.2, 0.5, 0.3])
    config = TrainConfig(steps=3, learning_rate=1e-3, clip_norm=1.0, points=64)
    pace = Pace(log=1, judge=1, workers=0)
    judged_by = Validation(lambda _: score_of(next(aps)))
    events = list(train(build_model(TINY), TINY, clips_of(discs, 3), config, tmp_path, pace, judged_by))
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
    with pytest.raises(Diverged, match="no numbers for 20 steps in a row"):
        list(train(model, TINY, clips_of(discs, 40), config, tmp_path, Pace(workers=0)))


def test_pictures_of_what_the_net_finds_come_at_the_beginning_in_between_and_at_the_end(discs, tmp_path):
    dataset = read_dataset(discs / "gt.json")
    look = partial(validation_samples, preset=TINY, dataset=dataset, images=discs)
    config = TrainConfig(steps=3, learning_rate=1e-3, clip_norm=1.0, points=64)
    pace, judged_by = Pace(log=1, sample=2, workers=0), Validation(lambda _: score_of(0.1), look)
    told = train(build_model(TINY), TINY, clips_of(discs, 3), config, tmp_path, pace, judged_by)
    sampled = [event for event in told if isinstance(event, Sampled)]
    assert [event.step for event in sampled] == [0, 2, 3]
    assert [(sample.video, sample.ordinal) for sample in sampled[0].samples] == [
        (1, 0),
        (1, 2),
        (1, 4),
        (2, 0),
        (2, 1),
        (2, 3),
    ]
