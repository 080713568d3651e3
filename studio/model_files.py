"""A model as one file to take away: the studio's own pair of files in a zip, or a `.pth` for the reference implementation.

The pair is packed at once, and whoever asked for it removes it. The `.pth` needs the net, so a process of its own writes it, for a
job (`jobs/model_export.py`); it stays for a day. Either is made in the folder for half-written files, under a name that is cleared
away at the next start. `unzipped_pair` is the way back.
"""

import hashlib
import json
import os
import shutil
import subprocess
import time
import uuid
import zipfile
from collections.abc import Callable
from pathlib import Path

from engine.checkpoint import notes_beside
from studio.apart import run_apart
from studio.jobs.models import ModelFile
from studio.settings import Home
from studio.store.errors import Conflict, Invalid

PATIENCE = 1800.0  # seconds
KEPT_SECONDS = 86_400
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


def unzipped_pair(file: Path, folder: Path) -> Path:
    """The .safetensors of a zip as `zipped_pair` makes it, with its .json, in `folder`; any other file as it is."""
    if not zipfile.is_zipfile(file):
        return file
    with zipfile.ZipFile(file) as archive:
        pair = [entry for entry in archive.infolist() if Path(entry.filename).suffix in (".safetensors", ".json")]
        if sorted(Path(entry.filename).suffix for entry in pair) != [".json", ".safetensors"]:
            return file  # PyTorch's own files are zips, too
        place = folder / Path(file.name).with_suffix(".safetensors")
        for entry in pair:
            with archive.open(entry) as packed, place.with_suffix(Path(entry.filename).suffix).open("wb") as out:
                shutil.copyfileobj(packed, out)
    return place


def published_form(home: Home, file: ModelFile) -> Path:
    """Where the model's `.pth` for the reference implementation lies once `write_published` has made it."""
    preset = file.preset
    if preset is not None and preset.model.backbone not in REFERENCE_BACKBONES:
        raise Invalid(
            f'The reference implementation has no backbone "{preset.model.backbone}", so "{file.name}" cannot be had as .pth.'
        )
    key = hashlib.sha256(f"{file.path.resolve()} {file.path.stat().st_mtime_ns}".encode()).hexdigest()[:16]
    return home.exports / "models" / f"{key}.pth"


def write_published(home: Home, file: ModelFile, tick: Callable[[], None]) -> None:
    """Make the `.pth`; what `tick` raises ends it. Those of yesterday go."""
    clear_published(home)
    place, path = published_form(home, file), _place(home, "pth")
    names = ["models", "export", file.name, "--format", "ctvis", "--out", str(path), "--home", str(home.root.resolve())]
    try:
        wrong = run_apart("studio.cli", names, PATIENCE, tick)
        if wrong is not None:
            raise Conflict(wrong or f'"{file.name}" could not be written as .pth.')
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, place)
    except subprocess.TimeoutExpired:
        raise Conflict(f'"{file.name}" was not written within {PATIENCE:.0f} seconds. Try again later.') from None
    except OSError as fault:
        raise Conflict(f'"{file.name}" cannot be written to {place.parent}: {fault.strerror}.') from fault
    finally:
        for left in path.parent.glob(f"{path.name}*"):
            left.unlink()


def clear_published(home: Home) -> None:
    """Remove the `.pth` files that were made a day ago or longer: whoever asks for one again gets it made again."""
    for path in (home.exports / "models").glob("*.pth"):
        if time.time() - path.stat().st_mtime > KEPT_SECONDS:
            path.unlink(missing_ok=True)


def _place(home: Home, suffix: str) -> Path:
    return home.temporary.resolve() / f"upload-model-{uuid.uuid4().hex}.{suffix}"
