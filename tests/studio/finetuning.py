"""A little studio whose videos are verified, and fine-tunings in it, for tests of what comes of them."""

from pathlib import Path
from typing import Any

from engine import load_model
from studio.finetune.start import start
from studio.jobs.models import find_model, models
from studio.jobs.queue import JobQueue
from studio.review import log, verification
from studio.settings import Home
from studio.store import Row, Store, finetunes, library, runs
from studio.store import models as table
from tests.studio.library import square
from tests.studio.processes import tiny_model
from tests.videos import make_video, numbered_frames

LENGTH, HEIGHT, WIDTH = 6, 48, 80
SETTINGS = {
    "steps": 8, "short_edge": 64, "clips": 1, "length": 2, "validate_steps": 2, "sample_steps": 4, "trained": "decoder",
    "learning_rate": 1e-5, "patience": 0,
}  # fmt: skip


def new_studio(folder: Path, videos: int = 4) -> tuple[Home, Store, int]:
    """A project of little videos with a cat each, all masks of which are verified."""
    home = Home(folder).create()
    tiny_model(home)
    store = Store(home.database)
    with store.transaction() as database:
        project = library.add_project(database, "Cats & dogs")["id"]
        category = library.add_category(database, project, "cat")["id"]
    for number in range(videos):
        make_video(home.media / f"{number}.mp4", numbered_frames(LENGTH, HEIGHT, WIDTH, start=10 * number))
        with store.transaction() as database:
            facts = {"bytes": 1, "width": WIDTH, "height": HEIGHT, "length": LENGTH, "fps": 25.0, "sha256": str(number)}
            video = library.add_video(database, project, name=f"clip {number}", path=f"{number}.mp4", **facts)
            database.execute("update videos set state = 'ready' where id = ?", (video["id"],))
            run = runs.add_run(database, video["id"], "tiny", {"score_threshold": 0.0})
            masks = [runs.Prediction(1, frame, square(4 * frame, 8, 20, HEIGHT, WIDTH), 0.5) for frame in range(LENGTH)]
            runs.commit_window(database, run["id"], LENGTH, masks, {1: runs.TrackEstimate(category, 0.9)}, b"state")
            runs.close_run(database, run["id"], "done")
        log.perform(store, video["id"], "ann", verification.verify(None))
    return home, store, project


def press(home: Home, store: Store, project: int, **settings: Any) -> Row:
    found = start(store, home, project, "ann", model="tiny", settings=SETTINGS | settings)
    JobQueue(home).put(found["job"])
    return found


def state_of(store: Store, found: Row) -> Row:
    return finetunes.finetune(store.database, found["id"])


def over(store: Store, found: Row) -> Row | None:
    now = state_of(store, found)
    return now if now["state"] in ("done", "failed", "cancelled", "paused") else None


def check_models(home: Home, store: Store) -> None:
    """Every model that has a row can be loaded, and no other has appeared."""
    rows = table.models(store.database)
    for row in rows:
        load_model(find_model(home, store.database, row["name"]).path)
    assert set(models(home, store.database)) == {"demo", "tiny", *(row["name"] for row in rows)}
