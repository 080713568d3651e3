"""`ctvis-studio models`: the models of a studio. List, add, look at, export, remove.

`list` shows what is installed and the model zoo, `add` takes a checkpoint file or its address on the web. The names work wherever a
model is named: `predict`, `evaluate`, the studio's pages, the HTTP interface.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table
from safetensors import safe_open

from engine.build import find_preset
from engine.checkpoint import export_published, save_checkpoint
from engine.config import Preset
from engine.errors import CheckpointError, CtvisError
from engine.recognise import UNTRAINED
from studio.commands.home import default_home
from studio.commands.model_choice import installed, open_chosen
from studio.download import is_address
from studio.jobs.models import ModelFile
from studio.model_files import REFERENCE_BACKBONES
from studio.model_sources import discard, fetched
from studio.models import UNDECIDED, add_model, check_free, left_at_random, plain_name, remove_model
from studio.settings import Home
from studio.store import Row, Store
from studio.store import models as table
from studio.store.errors import NotFound
from studio.zoo import ZOO

app = typer.Typer(no_args_is_help=True, help="List, add, look at, export and remove models.")
console, stderr = Console(highlight=False), Console(stderr=True, highlight=False, soft_wrap=True)

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of the studio's data.")]
ModelName = Annotated[str, typer.Argument(metavar="NAME", help="Name of a model.")]


class Form(StrEnum):
    """The form that a model is exported in."""

    ctvis = "ctvis"
    safetensors = "safetensors"


@app.command("list")
def list_models(home: HomeOption = None) -> None:
    """The installed models, and the model zoo: what others published and where it is to be had."""
    own = Table(title="Installed", title_justify="left")
    for heading in ("name", "preset", "backbone", "categories", "kind"):
        own.add_column(heading, justify="right" if heading == "categories" else "left", overflow="fold")
    for file in installed(Home(home or default_home())).values():
        own.add_row(*(escape(text) for text in (file.name, *_net(file), _kind(file))))
    console.print(own)

    zoo = Table(title="Model zoo: published by others", title_justify="left")
    for heading in ("for preset", "dataset", "backbone", "AP, %", "figure", "file"):
        zoo.add_column(heading, justify="right" if heading == "AP, %" else "left", no_wrap=heading == "for preset")
    sources = list(dict.fromkeys(entry.source for entry in ZOO if entry.source))
    places = list(dict.fromkeys(entry.place for entry in ZOO))
    for entry in ZOO:
        ap = "" if entry.ap is None else f"{entry.ap:.1f}"
        source = f"({sources.index(entry.source) + 1})" if entry.source else ""
        zoo.add_row(entry.fits, entry.dataset, entry.backbone, ap, source, f"({places.index(entry.place) + 1})")
    console.print(zoo)
    for heading, texts in (("figure", sources), ("file", places)):
        for number, text in enumerate(texts, 1):
            console.print(f"{heading} ({number}): {text}", soft_wrap=True)
    console.print("Add one with: ctvis-studio models add FILE --preset PRESET", style="dim")


def _net(file: ModelFile) -> tuple[str, str, str]:
    """Preset, backbone and number of categories, as far as the file says."""
    try:
        preset = file.preset
    except CheckpointError:
        preset = None
    return (preset.name, preset.model.backbone, str(len(preset.categories))) if preset else ("", "", "")


def _kind(file: ModelFile) -> str:
    if not file.path.is_file():
        return "its file is missing"
    if file.untrained:
        return "start for training"
    return "ships with the program" if file.ships else ""


@app.command()
def add(
    source: Annotated[
        str, typer.Argument(metavar="FILE|URL", help="Checkpoint: .pth, .pkl, or .safetensors with .json.")
    ],
    preset: Annotated[str | None, typer.Option(help="Preset, where the file leaves it open.")] = None,
    name: Annotated[str | None, typer.Option(help="What to call the model. Default: as the file.")] = None,
    home: HomeOption = None,
) -> None:
    """Add a model: check a checkpoint against its preset and keep it."""
    with _store(Home(home or default_home()).create()) as (place, store):
        if name:  # what was said wrongly is said so before anything is fetched
            check_free(store, place, name)
        if preset:
            find_preset(preset)
        with _local(source, place) as file:
            chosen = name or plain_name(file.name)
            with stderr.status("Reading the checkpoint"):
                found = add_model(store, place, file, chosen, preset, source if is_address(source) else None)
        row = table.model_named(store.database, chosen)
    console.print(f'Added "{escape(chosen)}" ({found.preset.name}, sha256 {row["sha256"]}).', soft_wrap=True)
    console.print(escape(left_at_random(found)), soft_wrap=True)


@contextmanager
def _local(source: str, home: Home) -> Iterator[Path]:
    """The file itself; of an address, a download that goes again, unless it is sound and only its preset was not said."""
    if not is_address(source):
        yield Path(source).expanduser()
        return
    file = _fetched(source, home)
    try:
        yield file
    except UNDECIDED as fault:
        raise CtvisError(f"{fault} The download is kept as {file}.") from fault
    except BaseException:
        discard(file)
        raise
    discard(file)


def _fetched(url: str, home: Home) -> Path:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=stderr, transient=True) as progress:
        task = progress.add_task("Downloading", total=None)
        file, note = fetched(url, home, lambda done, total: progress.update(task, completed=done, total=total))
    if note:
        stderr.print(f"[yellow]Note: {escape(note[0].lower() + note[1:])}[/yellow]")
    return file


@app.command()
def info(name: ModelName, home: HomeOption = None) -> None:
    """What is known of a model."""
    place = Home(home or default_home())
    file = _installed(place, name)
    row, videos = _row(place, name)
    facts = {"file": str(file.path), "size": _size(file.path)}
    if file.preset:
        facts |= _preset_facts(file.preset)
    if file.untrained:
        facts["kind"] = f"start for training: {' and '.join(file.untrained)} are random"
    facts |= {key: row[key] for key in ("parent", "snapshot", "source", "sha256", "created_at") if row and row[key]}
    facts["runs"] = ", ".join(videos) or "none"
    for key, value in facts.items():
        console.print(f"{key.replace('_at', ''):12}{escape(value)}", soft_wrap=True, highlight=False)


def _preset_facts(preset: Preset) -> dict[str, str]:
    net = preset.model
    return {
        "preset": preset.name,
        "net": f"{net.backbone}, {net.num_queries} queries of width {net.hidden_dim}, {net.decoder_layers} decoder layers",
        "frames": f"short edge {preset.frame.short_edge}, long edge at most {preset.frame.max_edge} pixels",
        "categories": f"{len(preset.categories)}: {', '.join(category.name for category in preset.categories)}",
    }


def _size(path: Path) -> str:
    if not path.is_file():
        return "the file is missing"
    if path.suffix != ".safetensors":
        return f"{path.stat().st_size / 1e6:.1f} MB"
    with safe_open(path, "pt") as file:
        count = sum(math.prod(file.get_slice(key).get_shape()) for key in file.keys())  # noqa: SIM118 - no mapping
    return f"{path.stat().st_size / 1e6:.1f} MB, {count / 1e6:.1f} M numbers"


@app.command()
def remove(name: ModelName, home: HomeOption = None) -> None:
    """Remove a model that no run refers to."""
    place = Home(home or default_home())
    _installed(place, name)
    with _store(place.create()) as (_, store):
        remove_model(store, place, name)
    console.print(f'Removed "{escape(name)}".')


@app.command()
def export(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a model, or a checkpoint file.")],
    out: Annotated[Path, typer.Option(help="The file to write: .pth for ctvis, .safetensors for safetensors.")],
    format: Annotated[
        Form, typer.Option(help="ctvis: for the reference implementation; safetensors: ours, with a .json beside it.")
    ] = Form.ctvis,
    preset: Annotated[str | None, typer.Option(help="Preset of a file that does not carry its own.")] = None,
    home: HomeOption = None,
) -> None:
    """Write a model as a file that others can read."""
    suffix = ".pth" if format is Form.ctvis else ".safetensors"
    if out.suffix != suffix:
        raise typer.BadParameter(f"give the name of a {suffix} file", param_hint="--out")
    if out.exists() or (format is Form.safetensors and out.with_suffix(".json").exists()):
        raise CtvisError(f"'{out}' is there already. Give another name with --out.")
    found = open_chosen(name, preset, stderr, home)
    backbone = found.preset.model.backbone
    if format is Form.ctvis and backbone not in REFERENCE_BACKBONES:
        raise CtvisError(f'The reference has no backbone "{backbone}". Export "{name}" with --format safetensors.')
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if format is Form.ctvis:
            export_published(found.model, out)
        else:
            save_checkpoint(found.model, found.preset, out, notes={UNTRAINED: list(found.untrained)})
    except OSError as fault:
        raise CtvisError(f"'{out}' cannot be written: {fault.strerror}.") from fault
    console.print(f"Wrote {escape(str(out))}", soft_wrap=True)


def _installed(home: Home, name: str) -> ModelFile:
    known = installed(home)
    if name not in known:
        raise NotFound(f'There is no model "{name}". Models: {", ".join(known)}.')
    return known[name]


def _row(home: Home, name: str) -> tuple[Row | None, list[str]]:
    """The model's row, if it has one, and the videos it ran on."""
    if not home.database.is_file():
        return None, []
    with _store(home) as (_, store):
        rows = {row["name"]: row for row in table.models(store.database)}
        return rows.get(name), table.uses(store.database, name)


@contextmanager
def _store(home: Home) -> Iterator[tuple[Home, Store]]:
    store = Store(home.database)
    try:
        yield home, store
    finally:
        store.close()
