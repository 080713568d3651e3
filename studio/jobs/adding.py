"""The job that adds a model: fetched if it lies on the web, checked against its preset, stored in the studio's own form.

What it is to do stands in the job's row (`asked`): `name`, `preset` (None: guessed), `source` (a file, or an address until that is
fetched), `origin` (where it came from, as people know it), `own` (the file is the studio's, to be removed). A file that is sound is
kept where only its name or preset was said wrongly, and where a person stopped the job: another try begins with it. A killed
worker's download goes on where it broke off.
"""

from pathlib import Path
from typing import Any

from sqlite_utils import Database

from engine.errors import CtvisError
from engine.recognise import Recognised
from studio.download import is_address
from studio.jobs.progress import Progress
from studio.model_sources import discard, fetched
from studio.models import UNDECIDED, left_at_random
from studio.models import add_model as store_model
from studio.settings import Home
from studio.store import Row, Store, jobs

MEGABYTE = 1e6


def add_model(store: Store, home: Home, job: Row) -> None:
    """Do the job from the beginning, or from the file that an earlier worker fetched."""
    asked, progress = jobs.asked(job), Progress(store, job)
    if is_address(asked["source"]):
        asked |= _fetch(home, asked, progress)
        jobs.ask_for(store.database, job["id"], asked)
    file = Path(asked["source"])

    def finish(database: Database, found: Recognised) -> None:
        jobs.finish(database, job["id"], message=f"Preset {found.preset.name}. {left_at_random(found)}")

    try:
        store_model(store, home, file, asked["name"], asked["preset"], asked["origin"], progress.report, finish)
    except UNDECIDED:
        raise
    except CtvisError:
        _forget(asked, file)
        raise
    _forget(asked, file)


def _fetch(home: Home, asked: dict[str, Any], progress: Progress) -> dict[str, Any]:
    def tell(done: int, total: int | None) -> None:
        of_all = f" of {total / MEGABYTE:.1f}" if total else ""
        progress.report(f"Downloading: {done / MEGABYTE:.1f}{of_all} MB", done, total or 0)

    file, _ = fetched(asked["source"], home, tell)
    return {"source": str(file), "own": True}


def _forget(asked: dict[str, Any], file: Path) -> None:
    if asked["own"]:
        discard(file)
