"""A studio with a real video whose tracks go along given paths, for tests that plant errors and look at what becomes of them.

Paths are squares by frame: (left, top, edge). The frames show their number; the tracks are as a model would leave them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.masks import decode, encode
from studio.jobs.worker import perform
from studio.review import view
from studio.settings import Home
from studio.store import Store, jobs, library, runs
from tests.videos import make_video, numbered_frames

HEIGHT, WIDTH, LENGTH = 180, 320, 70
Squares = Mapping[int, tuple[int, int, int]]


def steady(
    frames: range, x: int = 30, y: int = 60, pace: float = 0.5, edge: int = 30
) -> dict[int, tuple[int, int, int]]:
    return {t: (round(x + pace * t), y, edge) for t in frames}


def square(left: int, top: int, edge: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top : top + edge, left : left + edge] = True
    return mask


@dataclass
class Library:
    """The home folder of a studio and its database; `video(paths)` makes a new video in it."""

    home: Home
    store: Store

    @classmethod
    def new(cls, folder: Path) -> "Library":
        home = Home(folder / "home").create()
        make_video(home.media / "clip.mp4", numbered_frames(LENGTH, HEIGHT, WIDTH), options={"g": "9"})
        return cls(home, Store(home.database))

    def video(self, paths: Sequence[Squares], name: str = "clip.mp4") -> tuple[int, list[int]]:
        """A video of its own project with these tracks: its id, and theirs."""
        with self.store.transaction() as database:
            project = library.add_project(database, f"Project {len(library.projects(database)) + 1}")["id"]
            dog = library.add_category(database, project, "dog")["id"]
            library.add_category(database, project, "cat")
            facts = {"bytes": 1, "width": WIDTH, "height": HEIGHT, "length": LENGTH, "fps": 25.0}
            clip = str(self.home.media / "clip.mp4")
            video = library.add_video(database, project, name=name, path=clip, **facts)["id"]
            job = jobs.add_job(database, "import", video_id=video)["id"]
        perform(self.store, self.home, job)
        with self.store.transaction() as database:
            run = runs.add_run(database, video, "demo", {"score_threshold": 0.3})["id"]
            masks = [
                runs.Prediction(k, t, encode(square(*path[t]))["counts"], 0.9)
                for t in range(LENGTH)
                for k, path in enumerate(paths)
                if t in path
            ]
            estimates = {k: runs.TrackEstimate(dog, 0.9, min(path)) for k, path in enumerate(paths)}
            runs.commit_window(database, run, LENGTH, masks, estimates, b"")
            runs.close_run(database, run, "done")
            rows = database.execute("select id from tracks where run_id = ? order by number", (run,)).fetchall()
        return int(video), [int(track) for (track,) in rows]

    def mask(self, video: int, track: int, frame: int) -> np.ndarray | None:
        """The mask as the database shows it."""
        shown = view.mask(self.store.database, video, track, frame)
        return None if shown is None else decode({"size": [HEIGHT, WIDTH], "counts": shown["counts"]})

    def all_masks(self, video: int) -> set[tuple[Any, ...]]:
        return {(m["track"], m["frame"], m["counts"]) for m in view.masks(self.store.database, video, 0, LENGTH)}
