"""`ctvis-studio export`: a project's annotations as files, without the web application.

Writes what the review page shows at this moment: `annotations.json` (YouTube-VIS), or a zip with the frames beside it. May run
while the studio serves the same home.
"""

import os
import tempfile
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress

from studio.commands.home import default_home
from studio.formats.cut import MOST_CLIP, MOST_EVERY, Cut
from studio.jobs.exporting import frames_to_write, write_project
from studio.settings import Home
from studio.store import Store, library
from studio.store.errors import NotFound


def export(
    project: Annotated[str, typer.Option(help="Name of the project.")],
    out: Annotated[Path, typer.Option(help="The file to write: a .json, or a .zip.")],
    home: Annotated[Path | None, typer.Option(help="Folder of the studio's data.")] = None,
    frames: Annotated[bool, typer.Option("--frames", help="Put the frames into the zip.")] = False,
    every: Annotated[int, typer.Option(min=1, max=MOST_EVERY, help="Keep one of so many frames.")] = 1,
    clip: Annotated[
        int | None,
        typer.Option(min=2, max=MOST_CLIP, help="Cut longer videos into clips of at most so many frames."),
    ] = None,
) -> None:
    """Export a project as a YouTube-VIS dataset."""
    if out.suffix not in (".json", ".zip") or (frames and out.suffix != ".zip"):
        raise typer.BadParameter(
            "give the name of a .json file, or of a .zip file, which alone can hold frames", param_hint="--out"
        )
    place = Home(home or default_home())
    if not place.database.is_file():
        raise NotFound(f"There is no studio in '{place.root}'. Give its folder with --home.")
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".export-", dir=out.parent) as folder:
        _write(place, project, Path(folder), frames, Cut(every, clip))
        os.replace(Path(folder) / ("file.zip" if out.suffix == ".zip" else "annotations.json"), out)
    Console(highlight=False).print(f"Wrote {escape(str(out))}")


def _write(home: Home, project: str, folder: Path, frames: bool, cut: Cut) -> None:
    store = Store(home.database)
    try:
        with store.snapshot() as database, Progress(transient=True) as progress:
            found = library.project_named(database, project)
            task = progress.add_task("Exporting", total=frames_to_write(database, found["id"], frames))

            def advance(count: int, message: str) -> None:
                progress.update(task, advance=count, description=escape(message))

            write_project(database, home, found["id"], folder, frames, cut, advance)
    finally:
        store.close()
