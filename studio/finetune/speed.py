"""How long a training step takes on this machine: measured, in a process of its own, and kept.

`python -m studio.finetune.speed --home DIR --project P --model NAME` measures the settings that would be proposed, or those that
are given, in full precision and, unless the device would only emulate it, in half. The server starts it with `measure_apart`,
for it never runs a net itself.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from engine.errors import CtvisError
from engine.run import is_emulated, pick_device
from studio.apart import run_apart
from studio.finetune.start import overview
from studio.jobs.models import find_runnable
from studio.settings import Home
from studio.store import Store, finetunes
from training.finetune import seconds_per_step
from training.finetune_config import FinetuneConfig

PATIENCE = 120.0  # seconds


def measure(
    store: Store,
    home: Home,
    project_id: int,
    model: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> dict[str, float]:
    """Seconds per step, by the shape of the step, of a fine-tuning as proposed, or with these settings. Runs the net."""
    shown = overview(store, home, project_id, model, settings)
    config = FinetuneConfig(**shown["settings"])
    net, preset = find_runnable(home, store.database, shown["model"]).load()
    device = pick_device()
    net.to(device)
    worth_it = {"off", config.autocast} if is_emulated(torch.bfloat16, device) else {"off", "bfloat16"}
    configs = [replace(config, autocast=autocast) for autocast in sorted(worth_it)]
    found = {each.shape: seconds_per_step(net, preset, each) for each in configs}
    with store.transaction() as database:
        for shape, seconds in found.items():
            finetunes.keep_speed(database, shown["model"], shape, seconds)
    return found


def measure_apart(home: Home, project_id: int, model: str, settings: Mapping[str, Any] | None = None) -> None:
    """The same in a process of its own."""
    names = ["--home", str(home.root.resolve()), "--project", str(project_id), "--model", model]
    names += ["--settings", json.dumps(dict(settings or {}))]
    try:
        wrong = run_apart("studio.finetune.speed", names, PATIENCE)
    except subprocess.TimeoutExpired:
        raise CtvisError(
            f"Two steps took more than {PATIENCE:.0f} seconds here. Choose smaller frames, or another model."
        ) from None
    if wrong is not None:
        raise CtvisError(wrong or "The speed of this machine could not be measured.")


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="studio.finetune.speed", description="Measures training steps.")
    parser.add_argument("--home", type=Path, required=True, help="the studio's home folder")
    parser.add_argument("--project", type=int, required=True, help="the number of a project")
    parser.add_argument("--model", help="the model to train; by default the project's")
    parser.add_argument("--settings", type=json.loads, help="JSON object of those that go before the proposed ones")
    options = parser.parse_args(arguments)
    home = Home(options.home)
    store = Store(home.database)
    try:
        measure(store, home, options.project, options.model, options.settings)
    except CtvisError as error:
        print(error, file=sys.stderr)
        return 1
    finally:
        store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
