"""A library to measure the review page on: videos that are drawn on the spot, with tracks as a model would have left them.

`make_library(home)` writes three videos into the home's media folder and their rows and masks through the store's own functions:
"street" (1920x1080, 10 objects in every frame, one key picture in 250), "archive" (320x180, 20,000 frames, 300 tracks, two of
2,500 frames each) and "cinema" (3840x2160, 3 objects). What the worker does with them is left to the worker.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np

from engine.masks import encode
from studio.jobs.importing import video_facts
from studio.settings import Home
from studio.store import Store, jobs, library, runs

WINDOW = 256  # frames whose masks are stored at once
SHAPES = 24  # different masks per object, used in turn


@dataclass(frozen=True)
class Film:
    """What a video is like. `presence`: the frames (start, stop) of each track."""

    name: str
    size: tuple[int, int]  # height, width
    length: int
    presence: tuple[tuple[int, int], ...]
    radius: float  # of the objects, in parts of the height


def films(long_frames: int = 20_000, tracks: int = 300) -> list[Film]:
    """The three videos."""
    pair = [(0, 2500), (0, 2500)]
    room = long_frames - 400
    others = [(k * room // (tracks - 2), k * room // (tracks - 2) + 400) for k in range(tracks - 2)]
    return [
        Film("street", (1080, 1920), 300, ((0, 300),) * 10, 0.11),
        Film("archive", (180, 320), long_frames, (*pair, *others), 0.1),
        Film("cinema", (2160, 3840), 60, ((0, 60),) * 3, 0.15),
    ]


def make_library(home: Home, wanted: list[Film]) -> None:
    """Put the videos into a home, each with an import job and a finished run."""
    store = Store(home.create().database)
    with store.transaction() as database:
        project = library.add_project(database, "Benchmark")["id"]
        category = library.add_category(database, project, "dog")["id"]
        library.add_category(database, project, "cat")
    for film in wanted:
        path = home.media / f"{film.name}.mp4"
        write_video(path, film)
        with store.transaction() as database:
            facts = video_facts(path)
            video = library.add_video(database, project, name=film.name, path=path.name, **facts)["id"]
            jobs.add_job(database, "import", project_id=project, video_id=video)
            run = runs.add_run(database, video, "demo", {"score_threshold": 0.3})["id"]
        write_tracks(store, run, film, category)
    store.close()


def write_video(path: Path, film: Film) -> None:
    """A file with two pictures between key pictures and one key picture in 250, as cameras and the web have them."""
    options = {"g": "250", "keyint_min": "250", "sc_threshold": "0", "bf": "2", "preset": "superfast", "crf": "21"}
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream("libx264", rate=25, options=options)
        stream.height, stream.width, stream.pix_fmt = *film.size, "yuv420p"
        for number, rgb in enumerate(pictures(film)):
            frame = av.VideoFrame.from_ndarray(rgb, format="rgb24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))


def pictures(film: Film) -> Iterator[np.ndarray]:
    """Frames with texture, the objects on them and their number in a corner."""
    height, width = film.size
    noise = np.random.default_rng(1).integers(0, 255, (height // 4, width // 4 + 64, 3), dtype=np.uint8)
    ground = cv2.resize(cv2.GaussianBlur(noise, (0, 0), 2), (width + 256, height), interpolation=cv2.INTER_CUBIC)
    for frame in range(film.length):
        rgb = np.ascontiguousarray(ground[:, frame % 256 : frame % 256 + width])
        for track, (start, stop) in enumerate(film.presence):
            if start <= frame < stop:
                cv2.fillPoly(rgb, [outline(film, track, frame)], ((50 * track) % 255, 200 - (30 * track) % 200, 90))
        cv2.putText(rgb, str(frame), (width // 40, height // 6), cv2.FONT_HERSHEY_SIMPLEX, height / 360, (255,) * 3, 2)
        yield rgb


def outline(film: Film, track: int, frame: int) -> np.ndarray:
    """The border of an object (N, 1, 2), x and y in pixels: a star that wobbles and goes round."""
    height, width = film.size
    turn = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    phase = 2 * np.pi * (frame % SHAPES) / SHAPES
    radius = film.radius * height * (1 + 0.16 * np.sin(7 * turn + phase) + 0.06 * np.sin(19 * turn - phase))
    x = width * (0.1 + 0.8 * ((track * 0.37) % 1)) + 0.05 * width * np.cos(phase) + radius * np.cos(turn)
    y = height * (0.2 + 0.6 * ((track * 0.61) % 1)) + 0.05 * height * np.sin(phase) + radius * np.sin(turn)
    return np.stack([x, y], -1).round().astype(np.int32)[:, None]


def write_tracks(store: Store, run: int, film: Film, category: int) -> None:
    """The masks of all tracks, some frames at a time, as a worker stores them."""
    codes = {}
    for track in range(len(film.presence)):
        for shape in range(SHAPES):
            mask = np.zeros(film.size, np.uint8)
            cv2.fillPoly(mask, [outline(film, track, shape)], 1)
            codes[track, shape] = encode(mask)["counts"]
    estimates = {k: runs.TrackEstimate(category, 0.95 - 0.002 * k, start) for k, (start, _) in enumerate(film.presence)}
    for start in range(0, film.length, WINDOW):
        stop = min(start + WINDOW, film.length)
        window = [
            runs.Prediction(k, t, codes[k, t % SHAPES], 0.9 - 0.001 * (t % 50))
            for t in range(start, stop)
            for k, (first, after) in enumerate(film.presence)
            if first <= t < after
        ]
        with store.transaction() as database:
            runs.commit_window(database, run, stop, window, estimates, b"")
    with store.transaction() as database:
        runs.close_run(database, run, "done")
