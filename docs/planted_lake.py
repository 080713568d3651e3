"""The clip "lake" with the tracks of its annotations and five errors planted in them, to try the review page and to show it.

`planted_home(folder)` makes a home folder whose project "Lake" holds the clip. Planted, by frame: dog and person change places
from 38 on; the airplane's track ends when it leaves, and another one goes on when it returns; the boat is lost in 20 to 22 and
almost three times too large in 50 to 52; a track of six frames on nothing.
"""

import json
import shutil
from pathlib import Path

import cv2
import numpy as np

from engine.masks import RLE, decode, encode
from studio.jobs.worker import perform
from studio.settings import Home
from studio.store import Store, jobs, library, runs

CLIPS = Path(__file__).resolve().parent.parent / "assets" / "clips"
Track = dict[int, RLE]  # masks by frame


def planted_home(folder: Path) -> tuple[Home, int, dict[str, Track]]:
    """The home, the video's id, and the true tracks by category."""
    home = Home(folder).create()
    truth = json.loads((CLIPS / "annotations.json").read_text())
    video = next(entry for entry in truth["videos"] if entry["file_names"][0].startswith("lake/"))
    names = {category["id"]: category["name"] for category in truth["categories"]}
    true = {
        names[it["category_id"]]: {t: rle for t, rle in enumerate(it["segmentations"]) if rle}
        for it in truth["annotations"]
        if it["video_id"] == video["id"]
    }
    (clip,) = CLIPS.glob("lake.*")
    shutil.copy(clip, home.media / clip.name)
    store = Store(home.database)
    with store.transaction() as database:
        project = library.add_project(database, "Lake")["id"]
        categories = {name: library.add_category(database, project, name)["id"] for name in sorted(true)}
        facts = {"bytes": clip.stat().st_size, "width": video["width"], "height": video["height"]}
        row = library.add_video(
            database, project, name="lake", path=clip.name, length=video["length"], fps=15.0, **facts
        )
        job = jobs.add_job(database, "import", video_id=row["id"])["id"]
    perform(store, home, job)
    with store.transaction() as database:
        run = runs.add_run(database, row["id"], "demo", {"score_threshold": 0.3})["id"]
        tracks = planted(true)
        estimates = {
            number: runs.TrackEstimate(categories[name], score, min(masks))
            for number, (name, score, masks) in enumerate(tracks)
        }
        predictions = [
            runs.Prediction(number, t, masks[t]["counts"], score)
            for t in range(video["length"])
            for number, (_, score, masks) in enumerate(tracks)
            if t in masks
        ]
        runs.commit_window(database, run, video["length"], predictions, estimates, b"")
        runs.close_run(database, run, "done")
    store.close()
    return home, int(row["id"]), true


def planted(true: dict[str, Track]) -> list[tuple[str, float, Track]]:
    """Category, score and masks of each predicted track."""
    dog, person, airplane, boat = (true[name] for name in ("dog", "person", "airplane", "boat"))
    swapped = [
        {t: (b if t >= 38 else a)[t] for t in range(75) if t in (b if t >= 38 else a)}
        for a, b in ((dog, person), (person, dog))
    ]
    lost = {t: grown(rle) if 50 <= t <= 52 else rle for t, rle in boat.items() if not 20 <= t <= 22}
    noise = {t: blot(decode(boat[0]).shape, t) for t in range(60, 66)}
    return [
        ("dog", 0.93, swapped[0]),
        ("person", 0.95, swapped[1]),
        ("airplane", 0.91, {t: rle for t, rle in airplane.items() if t <= 30}),
        ("airplane", 0.88, {t: rle for t, rle in airplane.items() if t > 30}),
        ("boat", 0.9, lost),
        ("boat", 0.34, noise),
    ]


def grown(rle: RLE) -> RLE:
    return encode(cv2.dilate(decode(rle).astype(np.uint8), np.ones((31, 31), np.uint8)))


def blot(shape: tuple[int, ...], t: int) -> RLE:
    mask = np.zeros(shape, np.uint8)
    cv2.ellipse(mask, (560 + t - 60, 300), (22, 14), 10, 0, 360, 1, -1)
    return encode(mask)
