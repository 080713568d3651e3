"""Training on annotated data sets: a net, its batches, a folder. A generator of events that can be stopped or killed at any moment.

The folder holds all there is of a run: `state.pt` (everything to go on with, always whole), `best.safetensors` (the net that scored
best on the validation set so far, where there is one) and `last.safetensors`, each with its .json. Called again with the same
folder, a run goes on from its last checkpoint; on the same machine it ends with the weights of an unbroken one. Under
`torchrun` every process calls it; the first one writes and judges, while the others wait at the next step. What is trained on is
`dataset_clips.py`; recipes are `recipes.py`.
"""

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.utils.data import DataLoader

from engine import CTVIS, Preset, save_checkpoint
from training.clip_batch import ClipBatch, ClipTarget
from training.config import TrainConfig
from training.criterion import Criterion
from training.dataset_clips import DatasetClips
from training.events import Kept, Trained, count_broken
from training.loading import begin_worker
from training.loop import Run, take_step
from training.metrics import Score
from training.optim import set_rate
from training.samples import Sample, Sampled


@dataclass(frozen=True)
class Judged:
    """The score on the validation set. best: better than all before, and kept."""

    step: int
    score: Score
    best: bool


Event = Trained | Judged | Sampled | Kept


@dataclass(frozen=True)
class Pace:
    """How often things happen: events every `log` steps, checkpoints after `save_minutes`, the score every `judge` steps (0: only
    at the end), pictures every `sample` steps, at the beginning and at the end (0: never)."""

    log: int = 20
    save_minutes: float = 5.0
    judge: int = 0
    sample: int = 0
    workers: int = 2


@dataclass(frozen=True)
class Validation:
    """What is done with validation data. judge: scores a net; look: what it finds in some frames, for pictures."""

    judge: Callable[[CTVIS], Score]
    look: Callable[[CTVIS], list[Sample]] | None = None


def train(
    model: CTVIS,
    preset: Preset,
    clips: DatasetClips,
    config: TrainConfig,
    folder: Path,
    pace: Pace,
    validation: Validation | None = None,
    should_stop: Callable[[], bool] = lambda: False,
) -> Iterator[Event]:
    """Trains `model` on its device for `config.steps`, which must be given."""
    steps = config.steps
    if steps is None:
        raise ValueError("a run on data sets ends after a number of steps")
    folder.mkdir(parents=True, exist_ok=True)
    run = Run(model.train(), config)
    state = folder / "state.pt"
    if state.exists():
        run.load(state)
    criterion = Criterion(len(preset.categories), points=config.points)
    batches = iter(_loader(clips, run.step, pace.workers))
    sums: dict[str, list[float]] = defaultdict(list)
    if run.step == 0:
        yield from _look(run, validation, pace)
    saved = told = time.monotonic()
    while run.step < steps and not _all_agree(should_stop(), model):
        losses, rate = _step(run, next(batches), criterion)
        for name, value in losses.items():
            sums[name].append(value)
        if run.step % pace.log == 0 or run.step == steps:
            seconds = (time.monotonic() - told) / max(1, len(sums["total"]))
            speed = clips.shape.clips * clips.shape.frames / seconds
            yield Trained(run.step, _means(sums), rate, speed, seconds * (steps - run.step))
            sums.clear()
            told = time.monotonic()
        due = run.step == steps or bool(pace.judge and run.step % pace.judge == 0)
        if validation and due and _is_first():
            yield _judge(run, preset, validation, folder)
            told = time.monotonic()
        if run.step == steps or (pace.sample and run.step % pace.sample == 0):
            yield from _look(run, validation, pace)
        if _is_first() and ((validation and due) or time.monotonic() - saved > 60 * pace.save_minutes):
            run.save(state)
            yield Kept(run.step)
            saved = time.monotonic()
    if _is_first():
        run.save(state)
        yield Kept(run.step)
        save_checkpoint(run.averaged, preset, folder / "last.safetensors", notes={"step": run.step})


def _loader(clips: DatasetClips, step: int, workers: int) -> DataLoader[ClipBatch]:
    """The batches from a step on, in order."""
    return DataLoader(
        clips,
        sampler=range(step, len(clips)),
        batch_size=None,
        num_workers=workers,
        prefetch_factor=2 if workers else None,
        worker_init_fn=begin_worker,
    )


def _step(run: Run, batch: ClipBatch, criterion: Criterion) -> tuple[dict[str, float], float]:
    """One step; all that is random in it follows from the seed and its number."""
    torch.manual_seed(1_000_003 * run.config.seed + run.step)
    rate = set_rate(run.optimizer, run.progress, run.config)
    losses = take_step(run, on_device(batch, next(run.model.parameters()).device), criterion)
    count_broken(run, losses)
    run.update_average()
    run.step += 1
    return losses, rate


def _means(sums: dict[str, list[float]]) -> dict[str, float]:
    """Of what are numbers; a loss that never was one is left out."""
    finite = {name: [value for value in values if math.isfinite(value)] for name, values in sums.items()}
    return {name: sum(values) / len(values) for name, values in finite.items() if values}


def _judge(run: Run, preset: Preset, validation: Validation, folder: Path) -> Judged:
    """Scores the net and keeps it if none was better."""
    with _evaluating(run) as model:
        score = validation.judge(model)
    best = score.stats["AP"] >= run.notes.get("best", -1.0)
    if best:
        run.notes["best"] = score.stats["AP"]
        notes: dict[str, Any] = {"step": run.step, "stats": dict(score.stats)}
        save_checkpoint(run.averaged, preset, folder / "best.safetensors", notes=notes)
    return Judged(run.step, score, best)


def _look(run: Run, validation: Validation | None, pace: Pace) -> Iterator[Sampled]:
    if validation and validation.look and pace.sample and _is_first():
        with _evaluating(run) as model:
            samples = validation.look(model)
        yield Sampled(run.step, samples)


@contextmanager
def _evaluating(run: Run) -> Iterator[CTVIS]:
    try:
        yield run.averaged.eval()
    finally:
        run.model.train()


def on_device(batch: ClipBatch, device: torch.device) -> ClipBatch:
    if device.type == "cpu":
        return batch
    targets = [ClipTarget(target.labels.to(device), target.masks.to(device)) for target in batch.targets]
    return ClipBatch(batch.frames.to(device, non_blocking=True), targets)


def _is_first() -> bool:
    return not (distributed.is_available() and distributed.is_initialized()) or distributed.get_rank() == 0


def _all_agree(stop: bool, model: CTVIS) -> bool:
    """Whether any process wants to stop: all must leave the loop at the same step."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return stop
    wish = torch.tensor(float(stop), device=next(model.parameters()).device)
    distributed.all_reduce(wish)
    return bool(wish)
