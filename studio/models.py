"""Adding models to a studio and taking them away again.

`add_model` reads a checkpoint of any known form, checks it against its preset and stores it in the project's own form, so that
what runs later has no pickle in it. Everything is made in the folder for half-written files first: a model is there whole or not
at all. `remove_model` is refused while runs refer to the model.
"""

import hashlib
import os
import re
import uuid
from pathlib import Path

from engine.checkpoint import save_checkpoint
from engine.config import Preset
from engine.errors import CtvisError
from engine.recognise import UNTRAINED, Recognised, recognise
from studio.jobs.models import ModelFile, find_model, models
from studio.settings import Home
from studio.store import Store
from studio.store import models as table
from studio.store.errors import Conflict, Invalid

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SUFFIXES = (".safetensors", ".json")  # of a model's two files


def add_model(
    store: Store, home: Home, file: Path, name: str, preset: str | Preset | None = None, source: str | None = None
) -> Recognised:
    """Store the checkpoint `file` under `name`; `source` is where it came from, by default the file itself."""
    check_free(store, home, name)
    found = recognise(file, preset)
    checksum, came_from = _sha256(file), source or str(file.resolve())
    draft = home.temporary / f"model-{uuid.uuid4().hex}.safetensors"
    notes = {"source": came_from, "sha256": checksum, UNTRAINED: list(found.untrained)}
    try:
        save_checkpoint(found.model, found.preset, draft, notes=notes)
        with store.transaction() as database:
            table.add_model(
                database,
                name,
                f"{name}.safetensors",
                found.preset.to_dict(),
                sha256=checksum,
                source=came_from,
                untrained=found.untrained,
            )
            for suffix in reversed(SUFFIXES):  # the weights last: they are what makes it a model
                os.replace(draft.with_suffix(suffix), home.models / f"{name}{suffix}")
    except OSError as fault:
        raise CtvisError(f'"{name}" cannot be stored in {home.models}: {fault.strerror}.') from fault
    finally:
        for left in home.temporary.glob(f"{draft.stem}.*"):
            left.unlink()
    return found


def check_free(store: Store, home: Home, name: str) -> None:
    """Raise a sentence unless a model may be called so: the name is that of its files, too."""
    if not NAME.fullmatch(name):
        raise Invalid(
            f'A model cannot be called "{name}". Use letters, digits, dots, dashes and underscores, at most 100: --name NAME.'
        )
    if name.lower() in {known.lower() for known in models(home, store.database)}:  # some disks do not tell a from A
        raise Conflict(f'There is a model "{name}" already. Give another name with --name, or remove that one first.')


def plain_name(file: str) -> str:
    """The name that a model has after its file, as far as it can be one."""
    stem = re.sub(r"\.(safetensors|pth|pt|pkl|bin)$", "", file, flags=re.IGNORECASE)
    return re.sub(r"[^A-Za-z0-9._-]+", "_", stem).strip("._-")[:100] or "model"


def remove_model(store: Store, home: Home, name: str) -> ModelFile:
    """Take a model and its files away."""
    found = find_model(home, store.database, name)
    if found.ships:
        raise Conflict(f'"{name}" is part of the program and cannot be removed.')
    with store.transaction() as database:
        table.remove_model(database, name)
        if found.path.parent == home.models:  # what lies elsewhere was never the studio's own
            for suffix in SUFFIXES:
                found.path.with_suffix(suffix).unlink(missing_ok=True)
    return found


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
