"""A fine-tuning of a tiny net on a tiny snapshot, as a program that a test can kill: FOLDER [largest file in bytes]."""

import json
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from engine import CTVIS, build_model
from engine.errors import CtvisError
from tests.nets import tiny_preset
from tests.training.test_finetune_data import tiny_snapshot
from training.finetune import Event, finetune
from training.finetune_config import FinetuneConfig
from training.finetune_data import read_taught

PRESET = tiny_preset(backbone="efficientnet_lite0")
CONFIG = FinetuneConfig(
    steps=12,
    learning_rate=1e-3,
    trained="decoder",
    short_edge=64,
    clips=1,
    length=2,
    validate_steps=3,
    sample_steps=6,
    patience=0,
)


def parent() -> CTVIS:
    torch.manual_seed(0)
    return build_model(PRESET)


def prepare(folder: Path, held_out: bool = True) -> dict[str, Any]:
    """The snapshot and its pictures in `folder`."""
    snapshot = tiny_snapshot(folder / "frames", held_out=held_out)
    (folder / "snapshot.json").write_text(json.dumps(snapshot))
    return snapshot


def events(
    folder: Path,
    config: FinetuneConfig = CONFIG,
    should_stop: Callable[[], bool] = lambda: False,
    model: CTVIS | None = None,
) -> Iterator[Event]:
    taught = read_taught("snapshot.json", json.loads((folder / "snapshot.json").read_text()))
    return finetune(model or parent(), PRESET, "child", taught, folder / "frames", config, folder / "run", should_stop)


if __name__ == "__main__":
    torch.set_num_threads(1)
    if len(sys.argv) > 2:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), int(sys.argv[2])))
    try:
        for event in events(Path(sys.argv[1])):
            print(type(event).__name__, event.step, flush=True)
    except CtvisError as error:
        print(error)
        sys.exit(1)
