"""What "Fine-tune on corrections" shows before it starts, and what it does when it is pressed.

It begins with the model that the project had before it taught any (`origin.py`). `overview` says what would be taught and proposes
settings; the time that it expects is steps times what a step was measured to take on this machine, and nothing where nobody
measured. `start` keeps the snapshot, gives videos their roles and queues the job.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from safetensors import SafetensorError, safe_open
from sqlite_utils import Database

from engine.config import Preset
from engine.errors import CtvisError
from studio.finetune.origin import origin
from studio.finetune.roles import keep_roles
from studio.finetune.snapshot import Snapshot, build_snapshot, given_roles, snapshot_hash, write_snapshot
from studio.finetune.summary import summarise, verified_frames
from studio.jobs.finetune import finetune_folder
from studio.jobs.models import ModelFile, find_runnable
from studio.models import NAME, check_free, free_name, plain_name
from studio.settings import Home
from studio.store import Row, Store, finetunes, library
from studio.store import models as table
from studio.store.errors import Conflict, Invalid
from training.finetune_config import FinetuneConfig, propose, settings_help
from training.finetune_model import SILENT

PROGRAMS_OWN = "demo"  # the model of projects that chose none
CLASS_BIAS = "query_decoder.class_embed.bias"


def default_model(database: Database, project_id: int) -> str:
    """The model that a project's runs begin with."""
    return table.default(database, project_id) or PROGRAMS_OWN


@dataclass(frozen=True)
class Plan:
    """What a fine-tuning would do. model: that it begins with; in_use: the project's, which the new one is compared with."""

    model: str
    in_use: str
    snapshot: Snapshot
    summary: dict[str, Any]
    config: FinetuneConfig


def plan(
    home: Home, database: Database, project_id: int, model: str | None, settings: Mapping[str, Any] | None
) -> Plan:
    """model: None for the one that the project had before it taught any; `settings` go before the proposed ones."""
    snapshot, in_use = build_snapshot(database, project_id), table.default(database, project_id)
    model = model or origin(home, database, project_id, in_use or PROGRAMS_OWN, verified_frames(snapshot))
    file = find_runnable(home, database, model)
    summary = summarise(snapshot, spoken_categories(file))
    config = proposal(database, model, _preset(file), summary).changed(settings or {})
    return Plan(model, in_use or model, snapshot, summary, config)


def overview(
    store: Store,
    home: Home,
    project_id: int,
    model: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """What a fine-tuning would be taught, and the settings that suit it. model, settings: as for `plan`."""
    with store.snapshot() as database:
        planned = plan(home, database, project_id, model, settings)
        config, summary = planned.config, planned.summary
        speed = finetunes.speeds(database, planned.model).get(config.shape)
        name = _name(database, home, library.project(database, project_id)["name"])
    return {
        "model": planned.model,
        "in_use": planned.in_use,
        "name": name,
        "summary": summary,
        "settings": config.to_dict(),
        "help": settings_help(),
        "seconds_per_step": speed,
        "seconds": None if speed is None else speed * config.steps,
    }


def proposal(database: Database, model: str, preset: Preset, summary: Mapping[str, Any]) -> FinetuneConfig:
    """Settings for this material; in half precision where that was measured to be faster."""
    new = sum(1 for category in summary["categories"] if category["masks"] and not category["known"])
    config = propose(preset, summary["frames"] - summary["held_out"]["frames"], new)
    half, speeds = replace(config, autocast="bfloat16"), finetunes.speeds(database, model)
    faster = half.shape in speeds and config.shape in speeds and speeds[half.shape] < speeds[config.shape]
    return half if faster else config


def start(
    store: Store,
    home: Home,
    project_id: int,
    user: str,
    model: str | None = None,
    name: str | None = None,
    settings: Mapping[str, Any] | None = None,
) -> Row:
    """Queue a fine-tuning on what is verified at this moment; `settings` go before the proposed ones. Wake the worker yourself."""
    with store.snapshot() as database:
        project = library.project(database, project_id)
        planned = plan(home, database, project_id, model, settings)
    if not planned.summary["ready"]:
        raise Conflict(planned.summary["warnings"][0])
    if name is not None:
        check_free(store, home, name)
    with store.transaction() as database:
        chosen = name or _name(database, home, project["name"])
        if chosen in finetunes.reserved_names(database):
            raise Conflict(f'Another fine-tuning is about to make a model "{chosen}". Choose another name.')
        keep_roles(database, given_roles(planned.snapshot))
        names = finetunes.Names(planned.model, planned.in_use, chosen)
        hashed, config = snapshot_hash(planned.snapshot), planned.config.to_dict()
        found = finetunes.add_finetune(database, project_id, names, config, hashed, planned.summary, user)
        _keep(home, found, planned.snapshot)
    return found


def spoken_categories(file: ModelFile) -> list[str]:
    """The categories that a model says, without those that it was silenced on."""
    names = [category.name for category in _preset(file).categories]
    try:
        with safe_open(file.path, "pt") as tensors:
            bias = tensors.get_tensor(CLASS_BIAS).tolist()
    except (SafetensorError, OSError):
        return names
    return [name for name, value in zip(names, bias, strict=False) if value > SILENT]


def _preset(file: ModelFile) -> Preset:
    preset = file.preset
    if preset is None:
        raise Invalid(f'"{file.name}" does not say which net it is, so it cannot be fine-tuned.')
    return preset


def _name(database: Database, home: Home, project: str) -> str:
    """A name for the next model of a project."""
    wish = plain_name(project)
    return free_name(home, database, wish if NAME.fullmatch(wish) else "model", finetunes.reserved_names(database))


def _keep(home: Home, found: Row, snapshot: Snapshot) -> None:
    folder = finetune_folder(home, found["id"])
    shutil.rmtree(folder, ignore_errors=True)  # of a number that was never given out
    try:
        folder.mkdir(parents=True)
        write_snapshot(snapshot, folder / "snapshot.json")
    except OSError as fault:
        raise CtvisError(f"The snapshot cannot be written to {folder}: {fault.strerror}.") from fault
