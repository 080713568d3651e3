"""How long it takes to use again what the model saw: candidates under a pixel, accepting one, carrying a mask, tracking again.

    python benchmarks/again.py [--frames 3000] [--objects 8] [--seen 24]

Makes a studio in a temporary folder whose video was seen by an imaginary net (128 channels, 40 categories, so many detections a
frame, of which the first are objects that are lost now and then). Prints milliseconds, from the call to the answer or to the
commit on disk, until what takes longer is left to the worker, and for how long others cannot write meanwhile; kilobytes a frame;
how many frames a preview reaches in its time.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from engine.candidates import Candidates
from engine.config import Category, TrackerConfig
from engine.detections import FrameDetections, Picked, encode_frame
from engine.masks import RLE, area, encode
from engine.tracker import Tracker
from engine.video_masks import VideoMask
from studio.api.long_operations import PREVIEW_SECONDS, Postponed, at_once, until
from studio.review import candidates, carrying, log, retrack_preview, retracking, view
from studio.review.plan import Plan, Scene
from studio.settings import Home
from studio.store import Row, Store, detections, library, runs
from studio.store.detections import Tracking

HEIGHT, WIDTH, CHANNELS, CLASSES = 360, 640, 128, 40
WINDOW = 16  # frames in a transaction
Result = TypeVar("Result")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--frames", type=int, default=3000)
    parser.add_argument("--objects", type=int, default=8, help="real ones, each seen in nine frames of ten")
    parser.add_argument("--seen", type=int, default=24, help="detections in a frame; what is no object is noise")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Home(Path(folder)).create().database)
        video = fill(store, options.frames, options.objects, options.seen)
        (size,) = store.database.execute("select avg(length(blob)) from detections").fetchone()
        print(f"{options.frames} frames, {options.seen} detections each, {size / 1024:.1f} KB a frame")
        measure(store, video)


def fill(store: Store, frames: int, objects: int, seen: int) -> Row:
    """The video with its run."""
    rng = np.random.default_rng(0)
    looks = rng.normal(size=(seen, CHANNELS)).astype(np.float32)
    masks = discs(rng, 64)
    tracker, sums = Tracker(TrackerConfig()), {}
    with store.transaction() as database:
        project = library.add_project(database, "Benchmark")["id"]
        dog = library.add_category(database, project, "dog")["id"]
        facts = {"bytes": 1, "width": WIDTH, "height": HEIGHT, "length": frames, "fps": 25.0}
        video = library.add_video(database, project, name="benchmark", path="benchmark.mp4", **facts)
        run = runs.add_run(database, video["id"], "demo", {"score_threshold": 0.3})["id"]
        names = tuple(Category(k + 1, "dog" if k == 0 else f"category {k}") for k in range(CLASSES))
        detections.begin(database, run, Tracking(tracker.config, names))
        for start in range(0, frames, WINDOW):
            window, blobs = [], []
            for frame in range(start, min(start + WINDOW, frames)):
                found, shown = frame_of(rng, looks, masks, objects, seen)
                ids = tracker.assign(found)
                picked = Picked.by(tracker.config, before_nms=True)
                blobs.append(encode_frame(FrameDetections(frame, (HEIGHT, WIDTH), picked, found, shown, ids)))
                for track, mask, score in zip(ids, shown, found.scores.tolist(), strict=True):
                    if track is not None:
                        sums.setdefault(track, (frame, 0.9 if score > 0.5 else 0.1))
                        window.append(runs.Prediction(track, frame, mask.rle["counts"], score))
            estimates = {track: runs.TrackEstimate(dog, score, first) for track, (first, score) in sums.items()}
            runs.commit_window(database, run, min(start + WINDOW, frames), window, estimates, b"", blobs)
        runs.close_run(database, run, "done")
    return library.video(store.database, video["id"])


def discs(rng: np.random.Generator, count: int) -> list[VideoMask]:
    """Masks to draw from."""
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    codes: list[RLE] = [
        encode((columns - rng.uniform(0, WIDTH)) ** 2 + (rows - rng.uniform(0, HEIGHT)) ** 2 < rng.uniform(20, 90) ** 2)
        for _ in range(count)
    ]
    return [VideoMask(code, area(code), 0.9 * area(code)) for code in codes]


def frame_of(
    rng: np.random.Generator, looks: NDArray, masks: list[VideoMask], objects: int, seen: int
) -> tuple[Candidates, list[VideoMask]]:
    """What the net saw in a frame: sure of the objects that are there, hardly of the rest."""
    scores = np.where(np.arange(seen) < objects, rng.uniform(0.6, 0.95, seen), rng.uniform(0.011, 0.05, seen))
    scores[:objects] = np.where(rng.random(objects) < 0.9, scores[:objects], 0.01)
    order = np.argsort(-scores)[: np.count_nonzero(scores > 0.01)]
    logits = np.zeros((len(order), CLASSES + 1), np.float32)
    logits[:, 0] = 3
    embeds = looks[order] + 0.3 * rng.normal(size=(len(order), CHANNELS)).astype(np.float32)
    chosen = [masks[place] for place in rng.integers(0, len(masks), len(order))]
    shared = np.diag([mask.area // 16 for mask in chosen]).astype(np.int64)
    return Candidates(order, scores[order].astype(np.float32), logits, embeds, shared), chosen


def measure(store: Store, video: Row) -> None:
    """Time everything once, undone in between, so that all start from the same state."""
    name, middle = video["id"], video["length"] // 2
    database = store.database
    spots = [(x, y) for x in range(40, WIDTH, 80) for y in range(40, HEIGHT, 80)]
    timed(
        "candidates, per pixel", lambda: [candidates.under(database, name, middle, x, y) for x, y in spots], len(spots)
    )
    free = next(row for row in seen_at(database, video, middle, spots) if row["track"] is None)
    accept = partial(carrying.accept, middle, free["query"])
    do(store, video, "accept, a fainter object through the whole video", accept)
    sure = max(view.masks(database, name, middle, middle + 1), key=lambda mask: mask["score"])
    track = sure["track"]
    do(store, video, "propagate to the end", partial(carrying.carry, track, middle, video["length"]))
    config = retracking.with_settings(TrackerConfig(), {"match_threshold": 0.5, "init_threshold": 0.2})
    made = timed("preview", lambda: retracking.change(database, video, config, until(PREVIEW_SECONDS)))
    timed("its words and spans", lambda: (retrack_preview.words(made), retrack_preview.spans(made)))
    print(f"the preview reached {made.frames} frames: {retrack_preview.words(made)}")
    again = partial(retracking.retrack, {"match_threshold": 0.5, "init_threshold": 0.2})
    do(store, video, "track again", again)


def seen_at(database: object, video: Row, frame: int, spots: list[tuple[int, int]]) -> Iterator[Row]:
    """The candidates of a frame under some pixels."""
    for x, y in spots:
        yield from candidates.under(database, video["id"], frame, x, y)  # type: ignore[arg-type]


def do(store: Store, video: Row, what: str, operation: Callable[[], log.Operation]) -> None:
    """Do an operation as a request would, and as the worker does; take it back."""
    timed(f"{what}: acknowledged", lambda: try_at_once(store, video, operation()))
    known, rehearsed = operation(), 0.0

    def planned(scene: Scene) -> Plan:
        nonlocal rehearsed
        plan, rehearsed = known(scene), rehearsed or time.perf_counter()
        return plan

    applied = timed(f"{what}: done", lambda: log.perform(store, video["id"], "ann", planned, rehearse=True))
    print(f"{1000 * (time.perf_counter() - rehearsed):9.1f} ms    of which others cannot write")
    print(f"  {applied.summary}: {applied.masks} masks")
    timed("  undo", lambda: log.undo(store, video["id"], "ann"))


def try_at_once(store: Store, video: Row, operation: log.Operation) -> None:
    """As much of an operation as a request does before it leaves it to the worker."""
    try:
        log.perform(store, video["id"], "ann", operation, rehearse=True, patience=at_once())
    except Postponed:
        return
    log.undo(store, video["id"], "ann")


def timed(what: str, work: Callable[[], Result], times: int = 1) -> Result:
    """Do it and print how long it took."""
    began = time.perf_counter()
    result = work()
    print(f"{1000 * (time.perf_counter() - began) / times:9.1f} ms  {what}")
    return result


if __name__ == "__main__":
    main()
