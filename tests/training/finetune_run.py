"""A fine-tuning of a tiny net on a tiny snapshot, in a process that a test can kill or give little room."""

import json
import multiprocessing
import resource
import signal
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
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


def begin(folder: Path, most: int = resource.RLIM_INFINITY) -> tuple[BaseProcess, Connection]:
    """A process that tells the names of the events, and last the sentence if it fails. most: bytes of a file that it may write.

    It is forked from one that has imported everything already, so that it begins at once.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "timm"])
    told, telling = context.Pipe(duplex=False)
    process = context.Process(target=_run, args=(folder, most, telling), daemon=True)
    process.start()
    telling.close()
    return process, told


def _run(folder: Path, most: int, telling: Connection) -> None:
    torch.set_num_threads(1)
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
    try:
        for event in events(folder):
            telling.send(type(event).__name__)
    except CtvisError as error:
        telling.send(str(error))
