"""Real processes for the tests: a worker or a server on a home folder, a tiny real model, and waiting for what they do."""

import multiprocessing
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import TypeVar

import httpx
import torch

from engine import Category, FrameFormat, ModelConfig, Preset, TrackerConfig, build_model, save_checkpoint
from studio.jobs.worker import main
from studio.settings import Home

T = TypeVar("T")
ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = os.environ | {"OMP_NUM_THREADS": "1"}
SERVER = """
import sys, uvicorn
from pathlib import Path
from typing import TypeVar
from studio.api import create_api
from studio.settings import Home
from studio.store import Store
from fastapi import FastAPI
home = Home(Path(sys.argv[1])).create()
app = FastAPI()
app.mount("/api/v1", create_api(home, Store(home.database)))
uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
"""


def tiny_model(home: Home, name: str = "tiny") -> None:
    """A real CTVIS net with random weights, in the home's models folder. It finds things, though not what they are."""
    config = ModelConfig(
        "efficientnet_lite0",
        num_classes=2,
        num_queries=5,
        hidden_dim=32,
        mask_dim=16,
        embed_dim=8,
        encoder_layers=1,
        encoder_ffn=32,
        decoder_layers=1,
        decoder_ffn=32,
    )
    categories = (Category(3, "cat"), Category(7, "dog"))
    tracker = TrackerConfig(
        nms_threshold=0.95, match_threshold=0.05, max_absence=3
    )  # random embeddings are hardly alike
    preset = Preset(name, config, categories, FrameFormat(short_edge=64), tracker)
    torch.manual_seed(3)
    save_checkpoint(build_model(preset), preset, home.models / f"{name}.safetensors")


def wait_for(look: Callable[[], T | None], seconds: float = 120, every: float = 0.01) -> T:
    """What `look` finds once it finds something."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(every)
    raise AssertionError(f"it did not happen within {seconds} seconds")


@contextmanager
def worker(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process; killed at the end."""
    with _process("-m", "studio.jobs.worker", "--home", str(home.root)) as process:
        yield process


@contextmanager
def forked_worker(home: Home) -> Iterator[BaseProcess]:
    """The same, forked from a process that has imported everything already, so that it begins at once."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["studio.jobs.worker", "timm"])
    process = context.Process(target=_work, args=(str(home.root),), daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


def _work(home: str) -> None:
    torch.set_num_threads(1)
    main(["--home", home])


@contextmanager
def server(home: Home) -> Iterator[tuple[subprocess.Popen[bytes], httpx.Client]]:
    """A server process that answers, and a client of its API; killed at the end."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with _process("-c", SERVER, str(home.root), str(port)) as process, httpx.Client() as client:
        client.base_url = httpx.URL(f"http://127.0.0.1:{port}/api/v1")

        def answers() -> bool:
            assert process.poll() is None, "the server ended"
            try:
                return client.get("/health").status_code == 200
            except httpx.TransportError:
                return False

        wait_for(answers)
        yield process, client


@contextmanager
def _process(*arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, env=ENVIRONMENT)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
