"""`ctvis-studio finetune PROJECT`: fine-tune a model on a project's corrections, as the button does.

Where a studio serves the home its worker does the work and this follows it; otherwise it is done here. Ctrl-C leaves it
paused: it goes on from its last checkpoint with `ctvis-studio jobs retry`, or when the studio starts again.
"""

import threading
import time
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from engine.errors import CtvisError
from studio.commands.home import default_home
from studio.finetune.next_frames import NextFrame, next_frames
from studio.finetune.speed import measure
from studio.finetune.start import overview, start
from studio.interrupt import stop_requested
from studio.jobs.queue import JobQueue
from studio.jobs.worker import perform, take_lock
from studio.settings import Home
from studio.store import Row, Store, finetunes, jobs, library
from studio.store.errors import NotFound

EVERY_SECONDS = 0.5
console, stderr = Console(highlight=False), Console(stderr=True, highlight=False, soft_wrap=True)


def finetune(
    project: Annotated[str, typer.Argument(help="Name of the project.")],
    model: Annotated[
        str | None,
        typer.Option(help="The model to begin with; by default the one that the project had before it taught any."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="A name for the new model.")] = None,
    steps: Annotated[int | None, typer.Option(help="How many steps, instead of the proposed number.")] = None,
    setting: Annotated[
        list[str] | None, typer.Option("--set", help="Any setting, as NAME=VALUE; --show lists them.")
    ] = None,
    show: Annotated[
        bool, typer.Option("--show", help="Only show what would be taught, and the proposed settings.")
    ] = False,
    next_: Annotated[
        bool, typer.Option("--next", help="Only list the frames whose correction would teach most, with the reasons.")
    ] = False,
    home: Annotated[Path | None, typer.Option(help="Folder of the studio's data.")] = None,
) -> None:
    """Fine-tune a model on what is verified in a project."""
    place = Home(home or default_home())
    if not place.database.is_file():
        raise NotFound(f"There is no studio in '{place.root}'. Give its folder with --home.")
    store = Store(place.create().database)
    try:
        found = library.project_named(store.database, project)
        if next_:
            _print_next(next_frames(store.database, found["id"]))
            return
        if overview(store, place, found["id"], model)["summary"]["ready"]:
            with console.status("Measuring a step"):
                measure(store, place, found["id"], model)
        shown = overview(store, place, found["id"], model)
        _print(shown)
        if show:
            return
        settings = _settings(setting or []) | ({"steps": steps} if steps is not None else {})
        started = start(store, place, found["id"], "local", model, name, settings)
        _follow(store, place, started)
    finally:
        store.close()


def _print(shown: dict[str, Any]) -> None:
    summary = shown["summary"]
    console.print(
        f"{summary['frames']} verified frames of {summary['videos']} videos, {summary['masks']} masks; "
        f"{summary['held_out']['frames']} frames held out to judge by."
    )
    table = Table(title="Categories", title_justify="left")
    for heading in ("category", "tracks", "masks", "held out", "known"):
        table.add_column(heading, justify="left" if heading in ("category", "known") else "right")
    for row in summary["categories"]:
        if row["tracks"]:
            numbers = (str(row[column]) for column in ("tracks", "masks", "held_out_masks"))
            table.add_row(escape(row["name"]), *numbers, "yes" if row["known"] else "new")
    console.print(table)
    for warning in summary["warnings"]:
        console.print(f"Note: {escape(warning)}", style="yellow")
    if shown["in_use"] != shown["model"]:
        console.print(f"It is compared with {escape(shown['in_use'])}, which the project uses.")
    settings = Table(title=f"Proposed for {escape(shown['model'])}", title_justify="left", show_header=False)
    for name, value in shown["settings"].items():
        settings.add_row(name, str(value), escape(shown["help"][name]))
    console.print(settings)
    if shown["seconds"] is not None:
        console.print(f"Expected time: {shown['seconds'] / 60:.0f} minutes, without what judging takes.")


def _print_next(frames: list[NextFrame]) -> None:
    if not frames:
        console.print(
            "Nothing is in doubt: no model has run on a video here that teaches, or all its frames are verified."
        )
        return
    table = Table(title="To correct next", title_justify="left")
    for heading in ("video", "frame", "worth", "why"):
        table.add_column(heading, justify="right" if heading in ("frame", "worth") else "left")
    for found in frames:
        table.add_row(escape(found.video_name), str(found.frame), f"{found.worth:.2f}", escape(found.reason))
    console.print(table)


def _settings(given: list[str]) -> dict[str, float | int | str]:
    found: dict[str, float | int | str] = {}
    for text in given:
        name, equals, value = text.partition("=")
        if not equals:
            raise typer.BadParameter(f'"{text}" is not NAME=VALUE', param_hint="--set")
        found[name.strip()] = number_or_text(value.strip())
    return found


def number_or_text(text: str) -> float | int | str:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _follow(store: Store, home: Home, started: Row) -> None:
    """Have it done, here if nobody else does, and show how far it is until it is over."""
    JobQueue(home).put(started["job"])
    lock = take_lock(home, 0.0)
    if lock is not None:  # no worker serves this home
        threading.Thread(target=perform, args=(store, home, started["job"]["id"]), daemon=True).start()
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with stop_requested() as is_asked, Progress(*columns, console=stderr, transient=True) as progress:
        task = progress.add_task("Waiting", total=1.0)
        while not is_asked():
            now = finetunes.finetune(store.database, started["id"])
            progress.update(task, completed=now["job"]["progress"], description=now["job"]["message"] or now["state"])
            if now["state"] in ("done", "failed", "cancelled", "paused"):
                break
            time.sleep(EVERY_SECONDS)
    if is_asked():
        _leave(store, started)
        raise typer.Exit(1)
    if now["state"] == "done":
        console.print(
            f"{escape(now['result']['sentence'])} The model is called {escape(now['result']['model'])}.", soft_wrap=True
        )
        return
    raise CtvisError(now["job"]["error"] or now["job"]["message"] or f"It was {now['state']}.")


def _leave(store: Store, started: Row) -> None:
    with store.transaction() as database:
        if finetunes.finetune(database, started["id"])["state"] in ("queued", "running"):
            finetunes.ask_to_pause(database, started["id"])
    job = started["job"]["id"]
    while jobs.job(store.database, job)["state"] == "running":
        time.sleep(EVERY_SECONDS)
    stderr.print(f"Paused. `ctvis-studio jobs retry {job}` lets it go on.")
