"""A small studio on disk for the tests: a store with a project, a video row and predictions, without any video file."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.masks import encode
from studio.settings import Home
from studio.store import Row, Store, library, runs

HEIGHT, WIDTH, LENGTH = 12, 16, 40


def square(x: int, y: int, edge: int = 3, height: int = HEIGHT, width: int = WIDTH) -> str:
    """The compressed counts of a filled square."""
    mask = np.zeros((height, width), bool)
    mask[y : y + edge, x : x + edge] = True
    return encode(mask)["counts"]


def new_store(folder: Path) -> Store:
    return Store(Home(folder / "home").create().database)


def new_video(store: Store, length: int = LENGTH, name: str = "clip", project: int | None = None) -> Row:
    """A ready video row in a project with the categories dog and cat."""
    with store.transaction() as database:
        if project is None:
            project = library.add_project(database, f"Project of {name}")["id"]
            library.add_category(database, project, "dog")
            library.add_category(database, project, "cat")
        facts = {"bytes": 1, "width": WIDTH, "height": HEIGHT, "length": length, "fps": 25.0}
        video = library.add_video(database, project, name=name, path=f"{name}.mp4", **facts)
        database.execute("update videos set state = 'ready' where id = ?", (video["id"],))
    return video


def predict(
    store: Store,
    video: Row,
    presence: Mapping[int, range],
    scores: Mapping[int, float] | None = None,
    threshold: float = 0.3,
) -> dict[int, int]:
    """A finished run in which track number k is in the frames presence[k]. Returns the row ids of the tracks by number."""
    with store.transaction() as database:
        run = runs.add_run(database, video["id"], "demo", {"score_threshold": threshold})
        category = library.categories(database, video["project_id"])[0]["id"]
        estimates = {
            k: runs.TrackEstimate(category, (scores or {}).get(k, 0.9), frames[0]) for k, frames in presence.items()
        }
        masks = [
            runs.Prediction(k, frame, square(frame % 10, k % 9), 0.5)
            for frame in range(video["length"])
            for k, frames in presence.items()
            if frame in frames
        ]
        runs.commit_window(database, run["id"], video["length"], masks, estimates, b"state")
        runs.close_run(database, run["id"], "done")
        return dict(database.execute("select number, id from tracks where run_id = ?", (run["id"],)).fetchall())
