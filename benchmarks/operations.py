"""How long operations of the review page take to be acknowledged: a swap, a merge, a verification and their undo, on many masks.

    python benchmarks/operations.py [--masks 5000] [--tracks 2] [--size 1080 1920]

Makes a studio in a temporary folder with tracks of so many masks in all, does each operation and prints milliseconds, from the call
to the commit on disk. Then it looks for suspicious moments once and prints that time too.
"""

import argparse
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from engine.masks import encode
from studio.review import identity, log, suggestions, tracks, verification, view
from studio.settings import Home
from studio.store import Store, library, runs

Result = TypeVar("Result")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--masks", type=int, default=5000, help="masks in all")
    parser.add_argument("--tracks", type=int, default=2, help="tracks, at least 2; each is in every frame")
    parser.add_argument("--size", type=int, nargs=2, default=(1080, 1920), metavar=("H", "W"))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Home(Path(folder)).create().database)
        video = fill(store, options.masks // options.tracks, options.tracks, tuple(options.size))
        measure(store, video)


def fill(store: Store, frames: int, number: int, size: tuple[int, int]) -> int:
    """A video whose `number` tracks are in all its frames; returns its id."""
    height, width = size
    rows, columns = np.ogrid[:height, :width]
    disc = (columns - width // 2) ** 2 + (rows - height // 2) ** 2 < (height // 6) ** 2
    codes = [encode(np.roll(disc, (7 * k, 13 * k), (0, 1)))["counts"] for k in range(16)]
    with store.transaction() as database:
        project = library.add_project(database, "Benchmark")["id"]
        dog = library.add_category(database, project, "dog")["id"]
        facts = {"bytes": 1, "width": width, "height": height, "length": frames, "fps": 25.0}
        video = library.add_video(database, project, name="benchmark", path="benchmark.mp4", **facts)["id"]
        run = runs.add_run(database, video, "demo", {"score_threshold": 0.3})["id"]
        estimates = {k: runs.TrackEstimate(dog, 0.9) for k in range(number)}
        for start in range(0, frames, 16):
            stop = min(start + 16, frames)
            window = [
                runs.Prediction(k, t, codes[(k + t) % 16], 0.9) for t in range(start, stop) for k in range(number)
            ]
            runs.commit_window(database, run, stop, window, estimates, b"")
        runs.close_run(database, run, "done")
    return int(video)


def measure(store: Store, video: int) -> None:
    """Do and undo each operation."""
    first, second, *_ = (track["id"] for track in view.tracks(store.database, video))
    length = library.video(store.database, video)["length"]
    operations = {
        "swap": identity.swap(first, second, 0),
        "merge, keep first": identity.merge(first, [second], "first"),
        "move half to a new track": identity.move([first], 0, length // 2, None),
        "split": identity.split([first, second], length // 2),
        "verify everything": verification.verify(None),
        "delete a range": tracks.delete([first, second], 1, length - 1),
    }
    print(f"{'operation':28}{'masks':>8}{'preview':>10}{'do':>8}{'undo':>8}{'redo':>8}   milliseconds")
    for name, operation in operations.items():
        _, before = timed(partial(log.preview, store, video, operation))
        applied, do = timed(partial(log.perform, store, video, "benchmark", operation))
        _, back = timed(partial(log.undo, store, video, "benchmark"))
        _, again = timed(partial(log.redo, store, video, "benchmark"))
        log.undo(store, video, "benchmark")
        print(f"{name:28}{applied.masks:8}{before:10.0f}{do:8.0f}{back:8.0f}{again:8.0f}")
    queue, spent = timed(lambda: suggestions.queue(store, video))
    print(f"suspicious moments: {len(queue['suggestions'])} found in {spent:.0f} ms")
    _, spent = timed(lambda: (view.timeline(store.database, video), verification.progress(store.database, video)))
    print(f"timeline and progress: {spent:.0f} ms")


def timed(work: Callable[[], Result]) -> tuple[Result, float]:
    """What the work gives, and milliseconds."""
    began = time.perf_counter()
    result = work()
    return result, 1000 * (time.perf_counter() - began)


if __name__ == "__main__":
    main()
