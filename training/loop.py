"""The training loop: a net, a source of batches, a folder. Resumable at any moment.

`train` writes `state.pt` (everything to go on with) every few minutes and at the end, and says what happens through
`on_event`. It knows neither datasets nor screens, and never evaluates: that is `evaluate.py`.
"""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import distributed, nn

from engine import CTVIS
from training.checkpointing import recompute_blocks
from training.clip_batch import ClipBatch, clip_loss
from training.config import TrainConfig
from training.criterion import Criterion
from training.optim import make_optimizer, parameters_of, set_rate


@dataclass(frozen=True)
class TrainEvent:
    """Told every `log_steps`: means since the last event. `frames_per_second` counts training frames."""

    step: int
    progress: float  # 0..1
    seconds: float  # spent in all, over every resumption
    learning_rate: float
    frames_per_second: float
    losses: dict[str, float]


class Run:
    """What a run must remember to go on: weights, their average, the optimiser, how far it is, and free notes (plain values)."""

    def __init__(self, model: CTVIS, config: TrainConfig) -> None:
        self.model, self.config = model, config
        self.optimizer = make_optimizer(model, config)
        self.average = deepcopy(model).requires_grad_(False) if config.average else None
        if config.checkpointing:
            recompute_blocks(model)
        self.step, self.seconds = 0, 0.0
        self.notes: dict[str, Any] = {}

    @property
    def averaged(self) -> CTVIS:
        """The net as it is to be used: the averaged one, if there is one."""
        return self.average or self.model

    @property
    def progress(self) -> float:
        if self.config.minutes is not None:
            return self.seconds / (60 * self.config.minutes)
        assert self.config.steps is not None
        return self.step / self.config.steps

    def save(self, path: Path) -> None:
        state = {
            "model": self.model.state_dict(),
            "average": self.average.state_dict() if self.average else None,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
            "seconds": self.seconds,
            "random": torch.get_rng_state(),
            "notes": self.notes,
        }
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)

    def load(self, path: Path) -> None:
        state = torch.load(path, map_location="cpu", weights_only=True)
        self.model.load_state_dict(state["model"])
        if self.average:
            self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        self.step, self.seconds = state["step"], state["seconds"]
        self.notes = state.get("notes", {})

    def update_average(self) -> None:
        """An exponential mean of the weights that starts fast, so that it does not remember the first, random ones."""
        if self.average is None:
            return
        decay = min(self.config.average, (1 + self.step) / (10 + self.step))
        pairs = zip(self.average.parameters(), self.model.parameters(), strict=True)
        with torch.no_grad():
            for mean, now in pairs:
                mean.lerp_(now, 1 - decay)


def train(
    model: CTVIS,
    next_batch: Callable[[float], ClipBatch],
    criterion: Criterion,
    config: TrainConfig,
    folder: Path,
    on_event: Callable[[TrainEvent], None] = lambda event: None,
    should_stop: Callable[[], bool] = lambda: False,
) -> CTVIS:
    """Trains until the config's end, or until `should_stop`; goes on from `folder/state.pt` if it is there.

    next_batch: progress (0..1) -> a batch. Returns the averaged net (the last one where `config.average` is 0).
    """
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(config.seed)
    run = Run(model.train(), config)
    state = folder / "state.pt"
    if state.exists():
        run.load(state)
    saved = told = time.monotonic()
    frames, sums = 0, defaultdict[str, list[float]](list)
    while run.progress < 1 and not should_stop():
        started = time.monotonic()
        learning_rate = set_rate(run.optimizer, run.progress, config)
        batch = next_batch(run.progress)
        losses = take_step(run, batch, criterion)
        run.update_average()
        run.step += 1
        run.seconds += time.monotonic() - started
        frames += batch.frames.shape[0] * batch.frames.shape[1]
        for name, value in losses.items():
            sums[name].append(value)
        if run.step % config.log_steps == 0:
            speed = frames / (time.monotonic() - told)
            means = {name: sum(values) / len(values) for name, values in sums.items()}
            on_event(TrainEvent(run.step, run.progress, run.seconds, learning_rate, speed, means))
            told, frames = time.monotonic(), 0
            sums.clear()
        if time.monotonic() - saved > 60 * config.save_minutes:
            run.save(state)
            saved = time.monotonic()
    run.save(state)
    return run.averaged.eval()


def take_step(run: Run, batch: ClipBatch, criterion: Criterion) -> dict[str, float]:
    """One step of the optimiser on a batch; none where the gradient is not finite. Returns the losses and the gradient's norm."""
    parts = divided(batch, run.config.accumulate)
    told: dict[str, float] = defaultdict(float)
    run.optimizer.zero_grad(set_to_none=True)
    for part in parts:
        with torch.autocast(batch.frames.device.type, torch.bfloat16, enabled=run.config.autocast == "bfloat16"):
            loss = clip_loss(run.model, part, criterion, run.config)
        (loss.total / len(parts)).backward()
        for name, value in {"total": loss.total.item(), **loss.terms}.items():
            told[name] += value / len(parts)
    parameters = parameters_of(run.optimizer)
    average_gradients(parameters)
    norm = nn.utils.clip_grad_norm_(parameters, run.config.clip_norm)
    if torch.isfinite(norm):  # one broken batch must not ruin hours of work
        run.optimizer.step()
    return told | {"gradient_norm": norm.item()}


def divided(batch: ClipBatch, parts: int) -> list[ClipBatch]:
    """The batch in at most so many parts of whole clips."""
    size = -(-len(batch.targets) // parts)
    pieces = range(0, len(batch.targets), size)
    return [ClipBatch(batch.frames[start : start + size], batch.targets[start : start + size]) for start in pieces]


def average_gradients(parameters: Sequence[nn.Parameter]) -> None:
    """Over the processes of a distributed run; a parameter that took no part in a process counts as zero there."""
    if not (distributed.is_available() and distributed.is_initialized()):
        return
    gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in parameters]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    flat /= distributed.get_world_size()
    for parameter, part in zip(parameters, flat.split([p.numel() for p in parameters]), strict=True):
        parameter.grad = part.view_as(parameter).clone()
