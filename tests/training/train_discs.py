"""A small run that a test can kill or compare with: `python -m tests.training.train_discs DATA OUT STEPS PAUSE`.

Trains the tiny net on discs, keeps a checkpoint after every step, and prints the losses of each as JSON. PAUSE: seconds after
each event. Under torchrun each process draws its own clips, as `ctvis-studio train` does.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import distributed

from engine import build_model
from tests.nets import tiny_preset
from training.annotation_index import index_of
from training.augmentation import Augmentation
from training.config import TrainConfig
from training.dataset_clips import ClipShape, DatasetClips, source_of
from training.events import Trained
from training.train import Pace, train

CONFIG = TrainConfig(learning_rate=1e-3, clip_norm=1.0, points=64, average=0.9)


def events(data: Path, out: Path, steps: int, rank: int = 0, world: int = 1) -> Iterator[Trained | None]:
    """What is told of each step, and None for all else."""
    torch.manual_seed(0)
    preset = tiny_preset(backbone="efficientnet_lite0")
    index = index_of(data / "gt.json", data / "cache")
    sources = [source_of(index, data, index.categories, reach=2)]
    how = Augmentation().at_scale(0.2)
    clips = DatasetClips(sources, ClipShape(1, 2), how, steps, (124.0, 116.0, 104.0), rank=rank, world=world)
    config = TrainConfig(**{**CONFIG.__dict__, "steps": steps})
    for event in train(build_model(preset), preset, clips, config, out, Pace(log=1, save_minutes=0, workers=1)):
        yield event if isinstance(event, Trained) else None


def main() -> None:
    data, out, steps, pause = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    torch.set_num_threads(1)
    rank, world = 0, int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1:
        distributed.init_process_group("gloo")
        rank = distributed.get_rank()
    for event in events(data, out, steps, rank, world):
        if event and rank == 0:
            print(json.dumps({"step": event.step, **event.losses}), flush=True)
        time.sleep(pause)


if __name__ == "__main__":
    main()
