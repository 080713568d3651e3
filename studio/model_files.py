"""A model as one file to take away: the studio's own pair of files in a zip, or a `.pth` for the reference implementation.

The `.pth` needs the net, so a process of its own writes it: the server never holds one. Either file is made in the folder for
half-written files, under a name that is cleared away at the next start; whoever asked for it removes it.
"""

import json
import subprocess
import uuid
import zipfile
from pathlib import Path

from engine.checkpoint import notes_beside
from studio.apart import run_apart
from studio.jobs.models import ModelFile
from studio.settings import Home
from studio.store.errors import Conflict, Invalid

PATIENCE = 300.0  # seconds
REFERENCE_BACKBONES = ("resnet50", "swin_l")  # that the reference implementation has


def zipped_pair(home: Home, file: ModelFile) -> Path:
    """NAME.safetensors and NAME.json, from which `models add` makes the same model on another machine."""
    preset = file.preset
    if file.path.suffix != ".safetensors" or preset is None or not file.path.is_file():
        raise Conflict(f'"{file.name}" is not stored in the studio\'s own form: add it again from the file it came in.')
    path = _place(home, "zip")
    try:
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:  # weights do not shrink
            archive.write(file.path, f"{file.name}.safetensors")
            description = {"preset": preset.to_dict(), "notes": notes_beside(file.path)}
            archive.writestr(f"{file.name}.json", json.dumps(description, indent=1))
    except OSError as fault:
        path.unlink(missing_ok=True)
        raise Conflict(f'"{file.name}" cannot be packed in {path.parent}: {fault.strerror}.') from fault
    return path


def published_form(home: Home, file: ModelFile) -> Path:
    """A `.pth` with the names of the reference implementation."""
    preset = file.preset
    if preset is not None and preset.model.backbone not in REFERENCE_BACKBONES:
        raise Invalid(
            f'The reference implementation has no backbone "{preset.model.backbone}", so "{file.name}" cannot be had as .pth.'
        )
    path = _place(home, "pth")
    names = ["models", "export", file.name, "--format", "ctvis", "--out", str(path), "--home", str(home.root.resolve())]
    try:
        wrong = run_apart("studio.cli", names, PATIENCE)
    except subprocess.TimeoutExpired:
        path.unlink(missing_ok=True)
        raise Conflict(f'"{file.name}" was not written within {PATIENCE:.0f} seconds. Try again later.') from None
    if wrong is not None:
        path.unlink(missing_ok=True)
        raise Conflict(wrong or f'"{file.name}" could not be written as .pth.')
    return path


def _place(home: Home, suffix: str) -> Path:
    return home.temporary.resolve() / f"upload-model-{uuid.uuid4().hex}.{suffix}"
