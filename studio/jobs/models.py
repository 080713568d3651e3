"""Which models can run, by name: those that ship with the program, those in the home folder, and those in the models table.

A name is only ever looked up in this list, so no request can make the studio open a file of its choice.
"""

import json
from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from engine import CTVIS, Preset, load_model
from engine.checkpoint import ASSETS
from studio.settings import Home
from studio.store.errors import NotFound


@dataclass(frozen=True)
class ModelFile:
    """A model that can run. preset: for files that do not carry their own."""

    name: str
    path: Path
    preset: Preset | None = None

    def load(self) -> tuple[CTVIS, Preset]:
        """The net and its preset."""
        return load_model(self.path, self.preset)


def models(home: Home, database: Database) -> dict[str, ModelFile]:
    """All models by name; the table goes before the home folder, and that before the shipped ones."""
    files = [*sorted(ASSETS.glob("*.safetensors")), *sorted(home.models.glob("*.safetensors"))]
    found = {path.stem: ModelFile(path.stem, path) for path in files}
    for row in database.query("select name, path, preset from models order by id"):
        preset = Preset.from_dict(json.loads(row["preset"])) if row["preset"] else None
        found[row["name"]] = ModelFile(row["name"], home.models / row["path"], preset)
    return found


def find_model(home: Home, database: Database, name: str) -> ModelFile:
    """The model called `name`."""
    known = models(home, database)
    if name not in known:
        raise NotFound(f'There is no model "{name}". Models: {", ".join(known) or "none"}.')
    return known[name]
