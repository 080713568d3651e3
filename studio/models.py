"""Adding models to a studio, naming them and taking them away again.

`add_model` reads a checkpoint of any known form, checks it against its preset and stores it in the project's own form, so that
what runs later has no pickle in it. Everything is made in the folder for half-written files first: a model is there whole or not
at all, and its row is what makes it one: files without a row, left by a kill in the middle, lie where nobody looks for models, and
the next try puts its own in their place. `place_child` does the same for a model that was fine-tuned here. `remove_model` is
refused while something needs the model.
"""

import hashlib
import os
import re
import shutil
import uuid
from collections.abc import Callable, Collection
from itertools import count
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from engine.checkpoint import preset_beside, save_checkpoint
from engine.config import Preset
from engine.errors import CheckpointError, CtvisError
from engine.recognise import UNTRAINED, PresetUnclear, Recognised, recognise
from studio.jobs.models import ModelFile, find_model, models
from studio.model_sources import unpacked
from studio.settings import Home
from studio.store import Row, Store
from studio.store import models as table
from studio.store.errors import Conflict, Invalid
from training.finetune import StorageFault

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
SUFFIXES = (".safetensors", ".json")  # of a model's two files
SNAPSHOT = ".snapshot.json"  # of what a fine-tuned one was taught
UNDECIDED = (PresetUnclear, Conflict, Invalid)  # the file is sound, but its preset or its name was said wrongly, or not
ADDED, CHILDREN = "added", "children"  # the folders of added and fine-tuned models: they are found by their rows alone


def add_model(
    store: Store,
    home: Home,
    file: Path,
    name: str,
    preset: str | Preset | None = None,
    source: str | None = None,
    tell: Callable[[str], None] = lambda message: None,
    finish: Callable[[Database, Recognised], None] = lambda database, found: None,
) -> Recognised:
    """Store the checkpoint `file` under `name`; `source` is where it came from, by default the file itself.

    `tell` hears what is being done; what it raises ends the work. `finish` writes down what is done with the model's row.
    """
    check_free(store, home, name)
    tell("Reading the checkpoint")
    with unpacked(file, home) as checkpoint:
        found = recognise(checkpoint, preset)
    checksum, came_from = _sha256(file), source or str(file.resolve())
    tell("Storing it in the studio's own form")
    draft = home.temporary / f"model-{uuid.uuid4().hex}.safetensors"
    notes = {"source": came_from, "sha256": checksum, UNTRAINED: list(found.untrained)}
    try:
        save_checkpoint(found.model, found.preset, draft, notes=notes)
        tell("Giving it its place")
        with store.transaction() as database:
            table.add_model(
                database,
                name,
                path := _free_file(database, name),
                found.preset.to_dict(),
                sha256=checksum,
                source=came_from,
                untrained=found.untrained,
            )
            finish(database, found)
            place = home.models / path
            place.parent.mkdir(exist_ok=True)
            for suffix in SUFFIXES:
                os.replace(draft.with_suffix(suffix), place.with_suffix(suffix))
    except OSError as fault:
        raise CtvisError(f'"{name}" cannot be stored in {home.models}: {fault.strerror}.') from fault
    finally:
        for left in home.temporary.glob(f"{draft.stem}.*"):
            left.unlink()
    return found


def left_at_random(found: Recognised) -> str:
    """What of an added model did not come from its file, as a sentence."""
    if not found.untrained:
        return "Nothing is left at random: every tensor came from the file."
    return f"Left at random: {' and '.join(found.untrained)}. It is a start for training, not a model to use."


def place_child(
    database: Database, home: Home, finetune: Row, weights: Path, snapshot: Path, metrics: dict[str, Any]
) -> Row:
    """Give a fine-tuned net its place and its row: the files first. Inside a transaction; done again after a kill, it is done once.

    weights: the net's file, which moves, with its .json beside it. snapshot: what it was taught, which is copied beside it.
    """
    path = f"{CHILDREN}/{finetune['id']}.safetensors"
    place = home.models / path
    try:
        place.parent.mkdir(exist_ok=True)
        shutil.copyfile(snapshot, place.with_suffix(SNAPSHOT))
        for suffix in reversed(SUFFIXES):
            if weights.with_suffix(suffix).exists():
                os.replace(weights.with_suffix(suffix), place.with_suffix(suffix))
    except OSError as fault:
        raise StorageFault(
            f"The new model cannot be stored in {place.parent}: {fault.strerror}. Make room, then resume."
        ) from fault
    preset = preset_beside(place)
    if preset is None:
        raise CheckpointError(f"{place.name} does not say which net it is.")
    name = free_name(home, database, finetune["name"])
    return table.add_child(database, finetune, name, path, preset.to_dict(), sha256=_sha256(place), metrics=metrics)


def free_name(home: Home, database: Database, wish: str, taken: Collection[str] = ()) -> str:
    """The wish, or the wish with the first number behind it that no model has. taken: names that are gone, too."""
    known = {name.lower() for name in [*models(home, database), *taken]}
    names = (wish if number == 1 else f"{wish}-{number}" for number in count(1))
    return next(name for name in names if name.lower() not in known)


def rename_model(store: Store, home: Home, name: str, new: str) -> Row:
    """Give a model another name, everywhere it is spoken of."""
    if find_model(home, store.database, name).ships:
        raise Conflict(f'"{name}" is part of the program and keeps its name.')
    if new.lower() != name.lower():
        check_free(store, home, new)
    with store.transaction() as database:
        return table.rename(database, name, new)


def taught_snapshot(home: Home, row: Row) -> Path | None:
    """What a fine-tuned model was taught, as a file; None where it was not fine-tuned here."""
    path = (home.models / row["path"]).with_suffix(SNAPSHOT)
    return path if row["snapshot"] and path.is_file() else None


def check_free(store: Store, home: Home, name: str) -> None:
    """Raise a sentence unless a model may be called so: the name is that of its files, too."""
    if not NAME.fullmatch(name):
        raise Invalid(
            f'A model cannot be called "{name}". Use letters, digits, dots, dashes and underscores, at most 100.'
        )
    if name.lower() in {known.lower() for known in models(home, store.database)}:  # some disks do not tell a from A
        raise Conflict(f'There is a model "{name}" already. Give another name, or remove that one first.')


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
    if not found.path.is_relative_to(home.models):  # it was never the studio's own
        return found
    with store.transaction() as database:  # nobody takes its place meanwhile
        if all(home.models / row["path"] != found.path for row in table.models(database)):
            for suffix in (*SUFFIXES, SNAPSHOT):
                found.path.with_suffix(suffix).unlink(missing_ok=True)
    return found


def _free_file(database: Database, name: str) -> str:
    """A place for a model's file that no row has. One that was renamed keeps its file, so that of its old name may be taken."""
    taken = {row["path"].lower() for row in table.models(database)}
    places = (f"{ADDED}/{name}{'' if number == 1 else f'-{number}'}.safetensors" for number in count(1))
    return next(place for place in places if place.lower() not in taken)


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
