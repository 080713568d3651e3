"""What `--model` of a command means: a checkpoint file, or the name of a model that ships, was added, or was trained here."""

from pathlib import Path

from rich.console import Console
from rich.markup import escape

from engine.config import Preset
from engine.errors import CheckpointError
from engine.recognise import Recognised, recognise
from studio.commands.home import default_home
from studio.jobs.models import ModelFile, models
from studio.settings import Home
from studio.store import Store
from studio.store.errors import NotFound


def open_chosen(model: str, preset: str | None, stderr: Console, home: Path | None = None) -> Recognised:
    """The net. What is at random in it, where it is only a start for training, is said on `stderr`."""
    path, stored = _place(model, Home(home or default_home()))
    found = recognise(path, preset or stored)
    if found.untrained:
        stderr.print(
            f"[yellow]Warning: {escape(model)} is a start for training: {escape(' and '.join(found.untrained))} are random, "
            "so expect nothing of its results.[/yellow]"
        )
    return found


def installed(home: Home) -> dict[str, ModelFile]:
    """The models of a home folder by name, which need not exist; it is not made."""
    if not home.database.is_file():
        return models(home, None)
    store = Store(home.database)
    try:
        return models(home, store.database)
    finally:
        store.close()


def _place(model: str, home: Home) -> tuple[Path, Preset | None]:
    path = Path(model)
    if path.is_file():
        return path, None
    known = installed(home)
    if model not in known and path.is_dir():
        raise CheckpointError(f"{path} is a folder. Name the checkpoint file in it.")
    if model not in known:
        raise NotFound(
            f'There is no checkpoint file and no model "{model}". Models: {", ".join(known) or "none"}; '
            "`ctvis-studio models list` shows them."
        )
    return known[model].path, known[model].stored_preset
