"""The numbers of a training run. The defaults are the published recipe's; `minutes` makes it fit a machine instead."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class TrainConfig:
    """Learning rates are for the whole batch. Times are wall-clock."""

    steps: int | None = 16_000  # optimiser steps; None where `minutes` ends the run
    minutes: float | None = (
        None  # the schedule then follows the time spent, since a fixed count misses on a busy machine
    )
    learning_rate: float = 1e-4
    schedule: Literal["steps", "cosine"] = "steps"  # "steps": x0.1 at 3/8 and 3/4 of the run, as published
    warmup: float = 0.0  # share of the run in which the rate rises linearly
    backbone_factor: float = 0.1  # the backbone's share of the learning rate
    frozen: tuple[str, ...] = ()  # beginnings of parameter names that stay as they are
    weight_decay: float = 0.05  # not on norms and embeddings
    clip_norm: float = 0.01  # largest norm of the whole gradient
    average: float = 0.0  # decay per step of the averaged weights; 0 keeps the last ones
    recipe: Literal["reference", "paper"] = "reference"  # of the re-ID loss, see contrastive.py; with it the next five
    positive: Literal["coin", "last", "momentum"] = "coin"  # recipe "reference": latest embedding, memory, or either
    miscount: bool = True  # recipe "reference": drop the items that the released code drops by a miscount
    noise: float = 0.0  # probability that an absent instance's memory takes in a stranger
    second_matching: bool = False  # queries by a matching of their own, as the released code has it
    rivals_only: bool = False  # recipe "paper": only queries that inference would keep are negatives
    reid_weight: float = 1.0  # factor on the published weights of the re-ID losses
    accumulate: int = 1  # parts in which a process's clips of a step go through the net, to need less memory
    autocast: Literal["off", "bfloat16"] = "off"  # what is safe in half precision runs in it; weights stay float32
    checkpointing: bool = (
        False  # blocks compute again what gradients need, instead of keeping it: the same, slower, smaller
    )
    points: int = 12_544  # per mask in the mask losses
    save_minutes: float = 5.0
    log_steps: int = 20
    seed: int = 0
