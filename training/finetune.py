"""Fine-tuning: a net, what people verified, a folder. A generator of events that can be stopped, or killed, at any moment.

The folder holds all there is of a run: `state.pt` (everything to go on with, always a whole one) and `best.safetensors` with its
.json (the net that judged best so far, or the last one where nothing is held out). Called again with the same folder, it goes on
from the last checkpoint, and ends with the net that it would have made undisturbed. Where weights, states or curves are kept
for people, and who starts it, is the caller's part.
"""

import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch

from engine import CTVIS, Preset, save_checkpoint
from engine.errors import CtvisError
from training.clip_batch import ClipBatch, ClipTarget
from training.criterion import Criterion
from training.doubt import Doubt
from training.evaluate import plain_name
from training.events import Kept, Trained, count_broken
from training.finetune_clips import TaughtClips
from training.finetune_config import FinetuneConfig
from training.finetune_data import TaughtSet
from training.finetune_model import adapt, blended, known_categories
from training.finetune_score import judge, samples
from training.finetune_sureness import say_as_surely
from training.loop import Run, take_step
from training.optim import set_rate
from training.samples import Sampled

LOG_SECONDS = 1.0
SAVE_SECONDS = 60.0
ASKED = 6  # batches by which a net is asked how sure it is of new categories


class StorageFault(CtvisError):
    """Something cannot be written. The last checkpoint is whole, so the run can go on from it when that is mended."""


@dataclass(frozen=True)
class Judged:
    """The score on the held-out videos; at step 0 that of the net to do better than."""

    step: int
    score: dict[str, Any]
    best: bool


@dataclass(frozen=True)
class Ended:
    """The last event. why: all steps are done, it got no better any more, or it was stopped and can go on.

    before, after: the score of the net to do better than, and of the one that is kept, made at `best_step`; None where nothing is
    held out.
    """

    step: int
    why: Literal["done", "early", "stopped"]
    best_step: int
    before: dict[str, Any] | None
    after: dict[str, Any] | None

    @property
    def worse(self) -> bool:
        """Whether the new net is worse on what is held out than the one in use."""
        return bool(self.before and self.after and self.after["AP"] < self.before["AP"])


Event = Trained | Judged | Sampled | Kept | Ended


def best_weights(folder: Path) -> Path:
    return folder / "best.safetensors"


def finetune(
    parent: CTVIS,
    preset: Preset,
    name: str,
    taught: TaughtSet,
    pictures: Path,
    config: FinetuneConfig,
    folder: Path,
    should_stop: Callable[[], bool] = lambda: False,
    in_use: Callable[[], tuple[CTVIS, Preset]] | None = None,
) -> Iterator[Event]:
    """Trains a child of `parent`, on its device, for the categories of what is taught; its preset will be called `name`.

    in_use: gives the net that the child is to do better than, asked once; None: that is the parent."""
    folder.mkdir(parents=True, exist_ok=True)
    new = _new_categories(parent, preset, taught)
    clips = TaughtClips(taught, pictures, config, preset.frame.max_edge, new)
    model, child = adapt(parent, preset, taught.categories, taught.taught_labels, name)
    start = deepcopy(model).eval()
    run = Run(model.train(), config.for_training())
    made = _Made(start, run, config, clips, new)
    criterion = _criterion(parent, preset, taught, run.config.points)
    state = folder / "state.pt"
    if state.exists():
        run.load(state)
    notes = run.notes
    if "before" not in notes:
        before = judge(*(in_use() if in_use else (parent, preset)), taught, pictures, should_stop)
        notes |= {"before": before, "best": None, "stale": 0}
        if should_stop():
            yield Ended(run.step, "stopped", 0, None, None)
            return
        _keep(run, state)
        yield Kept(run.step)
    if run.step == 0:
        if notes["before"]:
            yield Judged(0, notes["before"], True)
        if config.sample_steps:
            yield Sampled(0, samples(start, child, taught, pictures))
    meter, saved = _Meter(config), time.monotonic()
    while run.step < config.steps and not _is_stale(notes, config):
        if should_stop():
            _keep(run, state)
            yield Kept(run.step)
            yield Ended(run.step, "stopped", _best_step(notes), notes["before"], _best_score(notes))
            return
        meter.count(*_step(run, clips, criterion))
        if meter.is_due or run.step == config.steps:
            yield meter.read(run.step)
        judging = run.step % config.validate_steps == 0 or run.step == config.steps
        sampling = config.sample_steps and run.step % config.sample_steps == 0
        if judging or sampling:
            net = made.net()
        if judging:
            yield from _judge(run, net, child, taught, pictures, folder)
        if judging or time.monotonic() - saved > SAVE_SECONDS:
            _keep(run, state)
            saved = time.monotonic()
            yield Kept(run.step)
        if sampling:
            yield Sampled(run.step, samples(net, child, taught, pictures))
        meter.restart()
    why: Literal["done", "early"] = "done" if run.step >= config.steps else "early"
    yield Ended(run.step, why, _best_step(notes), notes["before"], _best_score(notes))


def seconds_per_step(parent: CTVIS, preset: Preset, config: FinetuneConfig, steps: int = 2) -> float:
    """What a step takes here: the mean of a few on noise, after one that warms up. Trains a copy; the parent stays as it is."""
    everything = range(len(preset.categories))
    model, _ = adapt(parent, preset, preset.categories, everything, preset.name)
    run, criterion = (
        Run(model.train(), config.for_training()),
        Criterion(len(preset.categories), config.for_training().points),
    )
    height, width = config.short_edge, min(preset.frame.max_edge, 16 * round(config.short_edge * 16 / 9 / 16))
    frames = torch.randint(0, 256, (config.clips, config.length, 3, height, width), dtype=torch.uint8)
    masks = torch.zeros(2, config.length, height, width, dtype=torch.bool)
    masks[0, :, : height // 2, : width // 2] = masks[1, :, height // 2 :, width // 2 :] = True
    targets = [ClipTarget(torch.zeros(2, dtype=torch.int64), masks) for _ in range(config.clips)]
    batch = _on(ClipBatch(frames, targets), next(parent.parameters()).device)
    with torch.random.fork_rng():
        take_step(run, batch, criterion)
        started = time.monotonic()
        for _ in range(steps):
            take_step(run, batch, criterion)
    return (time.monotonic() - started) / steps


@dataclass(frozen=True)
class _Made:
    """What a run would end with if it ended now: `blend` of the way from the net that it began with to what it has trained,
    and as sure of the new categories as that."""

    start: CTVIS
    run: Run
    config: FinetuneConfig
    clips: TaughtClips
    new: set[int]

    def net(self) -> CTVIS:
        trained = self.run.averaged
        net = blended(self.start, trained, self.config.blend).eval()
        if self.new and self.config.blend < 1:
            say_as_surely(net, deepcopy(trained).eval(), self.new, self.shown)
        return net

    @cached_property
    def shown(self) -> list[ClipBatch]:
        """What was taught, in batches that no step draws."""
        device = next(self.start.parameters()).device
        return [_on(self.clips.batch(self.config.steps + number), device) for number in range(ASKED)]


class _Meter:
    """Means of losses, and the pace."""

    def __init__(self, config: FinetuneConfig) -> None:
        self.config = config
        self.sums: dict[str, list[float]] = defaultdict(list)
        self.rate, self.steps, self.seconds = 0.0, 0, 0.0
        self.restart()

    @property
    def is_due(self) -> bool:
        return self.seconds >= LOG_SECONDS

    def restart(self) -> None:
        """Count time from here: what was done since the last step was not training."""
        self._since = time.monotonic()

    def count(self, losses: dict[str, float], rate: float) -> None:
        for name, value in losses.items():
            if np.isfinite(value):
                self.sums[name].append(value)
        self.rate, self.steps = rate, self.steps + 1
        self.seconds += time.monotonic() - self._since

    def read(self, step: int) -> Trained:
        pace = self.seconds / max(1, self.steps)
        losses = {name: sum(values) / len(values) for name, values in self.sums.items()}
        speed = self.config.frames_per_step / pace if pace else 0.0
        found = Trained(step, losses, self.rate, speed, pace * (self.config.steps - step))
        self.sums.clear()
        self.steps, self.seconds = 0, 0.0
        return found


def _step(run: Run, clips: TaughtClips, criterion: Criterion) -> tuple[dict[str, float], float]:
    """One step; all that is random in it follows from the seed and its number."""
    torch.manual_seed(1_000_003 * run.config.seed + run.step)
    rate = set_rate(run.optimizer, run.progress, run.config)
    batch = _on(clips.batch(run.step), next(run.model.parameters()).device)
    losses = take_step(run, batch, criterion)
    count_broken(run, losses)
    run.update_average()
    run.step += 1
    return losses, rate


def _judge(run: Run, net: CTVIS, preset: Preset, taught: TaughtSet, pictures: Path, folder: Path) -> Iterator[Judged]:
    """Scores the net and keeps it if none was better; where nothing is held out the last one is the best."""
    score, notes = judge(net, preset, taught, pictures), run.notes
    best = score is None or notes["best"] is None or score["AP"] >= notes["best"]["score"]["AP"]
    if best:
        improved = notes["best"] is None or score is None or score["AP"] > notes["best"]["score"]["AP"]
        notes["stale"] = 0 if improved else notes["stale"] + 1
        notes["best"] = {"step": run.step, "score": score}
        with _writing(folder, run.step):
            save_checkpoint(net, preset, best_weights(folder), notes={"step": run.step, "score": score})
    else:
        notes["stale"] += 1
    if score is not None:
        yield Judged(run.step, score, best)


def _is_stale(notes: dict[str, Any], config: FinetuneConfig) -> bool:
    return bool(config.patience and notes["stale"] >= config.patience)


def _best_step(notes: dict[str, Any]) -> int:
    return int(notes["best"]["step"]) if notes["best"] else 0


def _best_score(notes: dict[str, Any]) -> dict[str, Any] | None:
    return notes["best"]["score"] if notes["best"] else None


def _keep(run: Run, state: Path) -> None:
    with _writing(state.parent, run.step):
        run.save(state)


@contextmanager
def _writing(folder: Path, step: int) -> Iterator[None]:
    """Turns whatever stops a file from being written into a sentence; half-written files are removed, to make room."""
    try:
        yield
    except (OSError, RuntimeError) as fault:
        cause = fault if isinstance(fault, OSError) else fault.__context__
        if not isinstance(cause, OSError):
            raise
        for partial in folder.glob("*.partial"):
            with suppress(OSError):
                partial.unlink()
        raise StorageFault(
            f"Step {step} cannot be written to {folder}: {cause.strerror}. Make room there, then resume: "
            "it goes on from the last checkpoint."
        ) from fault


def _new_categories(parent: CTVIS, preset: Preset, taught: TaughtSet) -> set[int]:
    """Places of those that are taught and that the parent does not say."""
    known = known_categories(parent, preset)
    return {label for label in taught.taught_labels if plain_name(taught.categories[label].name) not in known}


def _criterion(parent: CTVIS, preset: Preset, taught: TaughtSet, points: int) -> Criterion:
    """Categories that nobody knows or teaches take no part, so that they stay silent."""
    known = known_categories(parent, preset)
    trained = [
        place in taught.taught_labels or plain_name(category.name) in known
        for place, category in enumerate(taught.categories)
    ]
    return Criterion(len(taught.categories), points, trained=torch.tensor(trained))


def _on(batch: ClipBatch, device: torch.device) -> ClipBatch:
    def moved(target: ClipTarget) -> ClipTarget:
        doubt = target.doubt and Doubt(*(part.to(device) for part in target.doubt))
        return ClipTarget(target.labels.to(device), target.masks.to(device), doubt)

    return ClipBatch(batch.frames.to(device), [moved(target) for target in batch.targets])
