"""What any run tells while it trains, and how it ends when nothing can be learned any more."""

from dataclasses import dataclass

import numpy as np

from engine.errors import CtvisError
from training.loop import Run

BROKEN_STEPS = 20  # in a row, after which there is no hope


class Diverged(CtvisError):
    """The losses are no numbers any more. The last checkpoint is sound."""


@dataclass(frozen=True)
class Trained:
    """Means since the last one. frames_per_second: of training, in this process; seconds_left: of training, without judging."""

    step: int
    losses: dict[str, float]
    learning_rate: float
    frames_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Kept:
    """A checkpoint of this step is on disk."""

    step: int


def count_broken(run: Run, losses: dict[str, float]) -> None:
    """Notes in the run how many steps in a row had no gradient; Diverged when they are too many."""
    run.notes["broken"] = 0 if np.isfinite(losses["gradient_norm"]) else run.notes.get("broken", 0) + 1
    if run.notes["broken"] >= BROKEN_STEPS:
        raise Diverged(
            f"The losses were no numbers for {BROKEN_STEPS} steps in a row, up to step {run.step}. "
            f"Start again with a lower learning rate; it was {run.config.learning_rate:g}."
        )
