"""`ctvis-studio jobs`: all long work of a studio. List it, order it, cancel it, read its log, have it done again.

May run while the studio serves the same home. What is queued here is done by the studio's worker, when one runs.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from studio.commands.home import default_home
from studio.jobs import again
from studio.jobs.queue import JobQueue
from studio.settings import Home
from studio.store import Row, Store, job_line
from studio.store import jobs as table
from studio.store.errors import NotFound

app = typer.Typer(
    no_args_is_help=True, help="List, order, cancel and retry the long work of a studio, and read its log."
)
console = Console(highlight=False)

HomeOption = Annotated[Path | None, typer.Option("--home", help="Folder of the studio's data.")]
JobNumber = Annotated[int, typer.Argument(metavar="JOB", help="Number of a job.")]


@app.command("list")
def list_jobs(
    home: HomeOption = None,
    limit: Annotated[int, typer.Option(help="How many.")] = 30,
    open_only: Annotated[bool, typer.Option("--open", help="Only what waits or runs.")] = False,
) -> None:
    """What runs, what waits in its turn, what is paused, then what is over, the latest first."""
    with _store(home) as (_, store):
        rows = job_line.listed(store.database, limit)
    shown = Table()
    for heading in ("job", "kind", "of", "state", "done", "left", "message"):
        shown.add_column(heading, justify="right" if heading in ("job", "done", "left") else "left", overflow="fold")
    for row in rows:
        if not open_only or row["state"] in ("queued", "running"):
            state = "paused" if row["paused"] else "waiting" if row["state"] == "queued" else row["state"]
            said = row["error"] or row["message"]
            shown.add_row(
                str(row["id"]), row["kind"], escape(row["title"]), state, _done(row), _left(row), escape(said)
            )
    console.print(shown)


@app.command()
def cancel(job: JobNumber, home: HomeOption = None) -> None:
    """Ask a job to stop; it keeps what it has."""
    with _store(home) as (_, store):
        row = again.cancel(store, job)
    console.print(f"Job {job} is {row['state'] if row['state'] == 'cancelled' else 'asked to stop'}.")


@app.command()
def retry(job: JobNumber, home: HomeOption = None) -> None:
    """Do a job that failed, was cancelled or paused once more; a fine-tuning goes on from its last checkpoint."""
    with _store(home) as (place, store):
        JobQueue(place).put(again.retry(store, job))
    console.print(f"Job {job} is waiting for its turn.")


@app.command()
def move(
    job: JobNumber,
    to: Annotated[str, typer.Argument(metavar="WHERE", help="first, up, down or last, among those that wait.")],
    home: HomeOption = None,
) -> None:
    """Change the place of a waiting job in its line."""
    with _store(home) as (_, store), store.transaction() as database:
        job_line.move(database, job, to)
    console.print(f"Job {job} is moved.")


@app.command()
def log(job: JobNumber, home: HomeOption = None) -> None:
    """The last lines that a job left behind."""
    with _store(home) as (place, store):
        for line in again.job_log(place, table.job(store.database, job)):
            console.print(escape(line), soft_wrap=True)


def _done(row: Row) -> str:
    return f"{row['progress']:.0%}"


def _left(row: Row) -> str:
    seconds = row["seconds_left"]
    return "" if seconds is None else f"{seconds / 60:.0f} min" if seconds >= 90 else f"{seconds:.0f} s"


@contextmanager
def _store(home: Path | None) -> Iterator[tuple[Home, Store]]:
    place = Home(home or default_home())
    if not place.database.is_file():
        raise NotFound(f"There is no studio in '{place.root}'. Give its folder with --home.")
    store = Store(place.database)
    try:
        yield place, store
    finally:
        store.close()
