"""How well the queue of suspicious moments finds errors that are known: recall and precision on composited clips.

    python benchmarks/suspicions.py [--clips 20] [--length 120] [--seed 0]

Objects of random shape move, hide each other, leave and come back as in training's clips; their true tracks get errors planted, one
of each kind per clip where the clip has room for it. A track that changes places, breaks or ends gets no second error of these
kinds, which would give its masks another number. A planted error is found if a suggestion names one of its tracks within three
frames of it. What the queue says besides is counted against it, even where an object really did vanish behind another.
"""

import argparse
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from engine.masks import BoolMask, encode
from studio.review import suggestions
from studio.settings import Home
from studio.store import Store, library, runs
from training.backgrounds import random_texture
from training.sprites import Sprite
from training.synthetic import compose

SIZE = (192, 320)
NEAR = 3  # frames
Tracks = dict[int, dict[int, BoolMask]]  # masks by track number and frame


@dataclass(frozen=True)
class Planted:
    """An error: its kind, the tracks that show it, and where."""

    kind: str
    tracks: tuple[int, ...]
    frame: int


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=20)
    parser.add_argument("--length", type=int, default=120, help="frames of a clip")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    planted, found, said, right, ranked = Counter(), Counter(), Counter(), Counter(), Counter()  # type: ignore[var-annotated]
    for clip in range(options.clips):
        rng = np.random.default_rng([options.seed, clip])
        tracks, categories = true_tracks(rng, options.length)
        errors = plant_errors(rng, tracks, categories, options.length)
        queue = suggested(tracks, categories, options.length)
        for error in errors:
            planted[error.kind] += 1
            found[error.kind] += any(matches(error, entry) for entry in queue)
        for place, entry in enumerate(queue):
            hit = any(matches(error, entry) for error in errors)
            said[entry["kind"]] += 1
            right[entry["kind"]] += hit
            if place < len(errors):
                ranked["said"] += 1
                ranked["right"] += hit
    print(f"{'planted error':20}{'planted':>8}{'found':>8}{'recall':>9}")
    for kind in [*sorted(planted), "all"]:
        n, k = (planted.total(), found.total()) if kind == "all" else (planted[kind], found[kind])
        print(f"{kind:20}{n:8}{k:8}{k / max(n, 1):9.2f}")
    print(f"\n{'suggestion':20}{'said':>8}{'right':>8}{'precision':>11}")
    for kind in [*sorted(said), "all"]:
        n, k = (said.total(), right.total()) if kind == "all" else (said[kind], right[kind])
        print(f"{kind:20}{n:8}{k:8}{k / max(n, 1):11.2f}")
    print(f"\nthe worst, as many as were planted: {ranked['right'] / max(ranked['said'], 1):.2f} of them right")


def true_tracks(rng: np.random.Generator, length: int) -> tuple[Tracks, dict[int, int]]:
    """What is visible of three to six objects of two categories in a composited clip."""
    cast = [blob(rng, int(rng.integers(2))) for _ in range(rng.integers(3, 7))]
    clip = compose(rng, random_texture(rng, SIZE), cast, SIZE, length, stride=1.0, degrade=False)
    tracks = {k: {t: mask for t, mask in enumerate(masks) if mask.any()} for k, masks in enumerate(clip.masks)}
    return tracks, {k: int(label) for k, label in enumerate(clip.labels)}


def blob(rng: np.random.Generator, category: int) -> Sprite:
    """A sprite with a wavy outline."""
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    waves = sum(rng.normal(0, 0.12 / n) * np.cos(n * angles + rng.uniform(0, 6.3)) for n in range(2, 6))
    radius = 40 * np.clip(1 + waves, 0.4, 1.6)
    points = np.stack([64 + radius * np.cos(angles), 64 + rng.uniform(0.6, 1) * radius * np.sin(angles)], axis=1)
    pixels = np.zeros((128, 128, 4), np.uint8)
    cv2.fillPoly(pixels, [np.rint(points).astype(np.int32)], (200, 120, 60, 255))
    return Sprite(pixels, category, "drawn", "blob", "")


def plant_errors(rng: np.random.Generator, tracks: Tracks, categories: dict[int, int], length: int) -> list[Planted]:
    """Change the tracks, one error of each kind after the other. Returns what was planted."""
    errors: list[Planted] = []
    for plant in PLANTS:
        renamed = {k for error in errors for k in error.tracks} if plant in (break_one, lose) else set()
        free = {k: masks for k, masks in tracks.items() if k not in renamed}
        errors += plant(rng, free, categories, length)
        tracks.update(free)
    return errors


def swap_two(rng: np.random.Generator, tracks: Tracks, categories: dict[int, int], length: int) -> list[Planted]:
    """Two objects change places and stay so."""
    frame = int(rng.integers(length // 4, 3 * length // 4))
    present = [k for k in sorted(tracks) if frame in tracks[k] and frame - 1 in tracks[k]]
    if len(present) < 2:
        return []
    a, b = (int(k) for k in rng.choice(present, 2, replace=False))
    for t in range(frame, length):
        masks = tracks[a].pop(t, None), tracks[b].pop(t, None)
        for track, mask in ((b, masks[0]), (a, masks[1])):
            if mask is not None:
                tracks[track][t] = mask
    return [Planted("switch", (a, b), frame)]


def break_one(rng: np.random.Generator, tracks: Tracks, categories: dict[int, int], length: int) -> list[Planted]:
    """A track ends and goes on under another number after a gap of some frames."""
    place = middle(rng, tracks, room=20)
    if place is None:
        return []
    track, frame = place
    other, gap = max(categories) + 1, int(rng.integers(1, 8))
    tracks[other] = {t: tracks[track].pop(t) for t in sorted(tracks[track]) if t >= frame}
    for t in range(frame, frame + gap):
        tracks[other].pop(t, None)
    categories[other] = categories[track]
    return [Planted("broken track", (track, other), frame - 1)]


def drop_frames(rng: np.random.Generator, tracks: Tracks, categories: dict[int, int], length: int) -> list[Planted]:
    """An object is missed in one to three frames."""
    place = middle(rng, tracks, room=10)
    if place is None:
        return []
    track, frame = place
    for t in range(frame, frame + int(rng.integers(1, 4))):
        tracks[track].pop(t, None)
    return [Planted("missed frames", (track,), frame)]


def leak(rng: np.random.Generator, tracks: Tracks, categories: dict[int, int], length: int) -> list[Planted]:
    """A mask spills over its surroundings in one frame."""
    place = middle(rng, tracks, room=10)
    if place is None:
        return []
    track, frame = place
    mask = tracks[track][frame]
    edge = max(5, int(1.2 * np.sqrt(mask.sum()))) | 1
    tracks[track][frame] = cv2.dilate(mask.astype(np.uint8), np.ones((edge, edge), np.uint8)).astype(bool)
    return [Planted("spilt mask", (track,), frame)]


def stray(rng: np.random.Generator, tracks: Tracks, categories: dict[int, int], length: int) -> list[Planted]:
    """A mask lies elsewhere in one frame."""
    place = middle(rng, tracks, room=10)
    if place is None:
        return []
    track, frame = place
    shift = rng.integers(60, 130, 2) * rng.choice([-1, 1], 2)
    tracks[track][frame] = np.roll(tracks[track][frame], shift, (0, 1))
    return [Planted("stray mask", (track,), frame)]


def ghost(rng: np.random.Generator, tracks: Tracks, categories: dict[int, int], length: int) -> list[Planted]:
    """A track of a few frames where nothing is."""
    frame, number = int(rng.integers(5, length - 5)), max(categories) + 1
    x, y = rng.integers(20, SIZE[1] - 50), rng.integers(20, SIZE[0] - 50)
    mask = np.zeros(SIZE, bool)
    mask[y : y + 30, x : x + 30] = True
    tracks[number] = {frame + t: mask for t in range(int(rng.integers(1, 5)))}
    categories[number] = int(rng.integers(2))
    return [Planted("ghost", (number,), frame)]


def lose(rng: np.random.Generator, tracks: Tracks, categories: dict[int, int], length: int) -> list[Planted]:
    """A track ends though the object stays."""
    place = middle(rng, tracks, room=25)
    if place is None:
        return []
    track, frame = place
    tracks[track] = {t: mask for t, mask in tracks[track].items() if t < frame}
    return [Planted("lost object", (track,), frame - 1)]


Plant = Callable[[np.random.Generator, Tracks, dict[int, int], int], list[Planted]]
PLANTS: tuple[Plant, ...] = (swap_two, break_one, lose, drop_frames, leak, stray, ghost)


def middle(rng: np.random.Generator, tracks: Tracks, room: int) -> tuple[int, int] | None:
    """A track and a frame of it with `room` frames of the track on either side."""
    places = [
        (track, t)
        for track, masks in sorted(tracks.items())
        for t in masks
        if all(t + step in masks for step in (-room, -1, 1, room))
    ]
    return places[rng.integers(len(places))] if places else None


def suggested(tracks: Tracks, categories: dict[int, int], length: int) -> list[dict]:
    """The queue for these tracks, with their numbers in the place of the store's ids."""
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Home(Path(folder)).create().database)
        with store.transaction() as database:
            project = library.add_project(database, "Benchmark")["id"]
            names = [library.add_category(database, project, name)["id"] for name in ("dog", "cat")]
            facts = {"bytes": 1, "width": SIZE[1], "height": SIZE[0], "length": length, "fps": 25.0}
            video = library.add_video(database, project, name="clip", path="clip.mp4", **facts)["id"]
            run = runs.add_run(database, video, "demo", {"score_threshold": 0.0})["id"]
            masks = [
                runs.Prediction(k, t, encode(mask)["counts"], 0.9)
                for k, found in tracks.items()
                for t, mask in found.items()
            ]
            masks.sort(key=lambda mask: mask.frame)
            estimates = {
                k: runs.TrackEstimate(names[categories[k]], 0.9, min(found)) for k, found in tracks.items() if found
            }
            runs.commit_window(database, run, length, masks, estimates, b"")
            runs.close_run(database, run, "done")
            numbers: NDArray[np.int64] = np.array(
                database.execute("select id, number from tracks where run_id = ?", (run,)).fetchall()
            )
        known = {int(track): int(number) for track, number in numbers}
        queue = suggestions.queue(store, video)["suggestions"]
        store.close()
        return [entry | {"track": known[entry["track"]], "other": known.get(entry["other"])} for entry in queue]


def matches(error: Planted, entry: dict) -> bool:
    """Whether a suggestion tells of this error."""
    near = entry["frame"] - NEAR <= error.frame <= entry["stop"] - 1 + NEAR
    return near and bool({entry["track"], entry["other"]} & set(error.tracks))


if __name__ == "__main__":
    main()
