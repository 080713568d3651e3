"""Which models there are, by name: those that ship with the program, those in the home folder, and those in the models table.

A name is only ever looked up in this list, so no request can make the studio open a file of its choice. A model that is a start
for training can be found here, but not run: half of it is random.
"""

from dataclasses import dataclass
from pathlib import Path

from sqlite_utils import Database

from engine import CTVIS, Preset, load_model
from engine.checkpoint import ASSETS, preset_beside
from engine.errors import CheckpointError
from engine.recognise import untrained
from studio.settings import Home
from studio.store import models as table
from studio.store.errors import Invalid, NotFound


@dataclass(frozen=True)
class ModelFile:
    """A model's file. stored_preset: for files that do not carry their own."""

    name: str
    path: Path
    stored_preset: Preset | None = None

    @property
    def preset(self) -> Preset | None:
        """What the net is like; None where nobody has said."""
        return self.stored_preset or preset_beside(self.path)

    @property
    def untrained(self) -> tuple[str, ...]:
        """What of the net is at random, in words; empty for a model that can run, as far as its file can be read."""
        try:
            return untrained(self.path)
        except CheckpointError:
            return ()

    @property
    def ships(self) -> bool:
        """Whether it is part of the program."""
        return self.path.parent == ASSETS

    def load(self) -> tuple[CTVIS, Preset]:
        """The net and its preset."""
        return load_model(self.path, self.stored_preset)


def models(home: Home, database: Database | None) -> dict[str, ModelFile]:
    """All models by name; the table goes before the home folder, and that before the shipped ones."""
    rows = table.models(database) if database is not None else []
    named = {home.models / row["path"] for row in rows}  # under the names that the table gives them
    files = [*sorted(ASSETS.glob("*.safetensors")), *sorted(home.models.glob("*.safetensors"))]
    found = {path.stem: ModelFile(path.stem, path) for path in files if path not in named}
    for row in rows:
        preset = Preset.from_dict(row["preset"]) if row["preset"] else None
        found[row["name"]] = ModelFile(row["name"], home.models / row["path"], preset)
    return found


def runnable_models(home: Home, database: Database) -> dict[str, ModelFile]:
    """The models that can run."""
    return {name: file for name, file in models(home, database).items() if not file.untrained}


def find_model(home: Home, database: Database, name: str) -> ModelFile:
    """The model called `name`."""
    known = models(home, database)
    if name not in known:
        raise NotFound(f'There is no model "{name}". Models: {", ".join(known) or "none"}.')
    return known[name]


def find_runnable(home: Home, database: Database, name: str) -> ModelFile:
    """The model called `name`, which can run."""
    found = find_model(home, database, name)
    if found.untrained:
        raise Invalid(
            f'"{name}" is a start for training: {" and ".join(found.untrained)} are random in it. Train it, or choose another.'
        )
    return found
