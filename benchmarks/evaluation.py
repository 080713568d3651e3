"""YouTube-VIS AP as it is computed here against merging run-length codes in Python, pair by pair and frame by frame.

Run: `python benchmarks/evaluation.py [--videos 200] [--frames 36]`. Makes ground truth and results of blobs that wander (640x360,
five objects and twelve tracks a video, three categories). The slow sides are measured on twenty of the videos, in turns with
ours: merging in Python alone, and by two calls of pycocotools for each pair and frame, as the official tool does. All three
must give the same IoUs.
"""

import argparse
import time
from collections.abc import Sequence

import numpy as np
from pycocotools import mask as coco

from engine import masks
from engine.config import Category
from engine.masks import RLE
from training.metrics import evaluate, track_ious
from training.ytvis import Dataset, Instance, Result, Video

HEIGHT, WIDTH = 360, 640
OBJECTS, TRACKS, CATEGORIES = 5, 12, 3
TARGET = 20  # times as fast as merging in Python

Tracks = Sequence[Sequence[RLE]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=int, default=200)
    parser.add_argument("--frames", type=int, default=36)
    arguments = parser.parse_args()
    dataset, results = scene(arguments.videos, arguments.frames)
    seconds = dict.fromkeys(WAYS, 0.0)
    videos = list(dataset.videos)[:: max(1, len(dataset.videos) // 20)]
    for video in videos:
        pairs = [
            (
                [r.segmentations for r in results if (r.video_id, r.category_id) == (video, category)],
                [i.segmentations for i in dataset.instances if (i.video_id, i.category_id) == (video, category)],
            )
            for category in dataset.categories
        ]
        found = []
        for name, way in WAYS.items():
            began = time.perf_counter()
            found.append([way(*pair) for pair in pairs])
            seconds[name] += time.perf_counter() - began
        for other in found[1:]:
            assert all(np.allclose(a, b, atol=1e-12) for a, b in zip(found[0], other, strict=True)), "they do not agree"
    began = time.perf_counter()
    score = evaluate(dataset, results)
    print(
        f"{arguments.videos} videos of {arguments.frames} frames: AP {score.stats['AP']:.4f} "
        f"in {time.perf_counter() - began:.2f} s"
    )
    for name, spent in seconds.items():
        print(
            f"IoU of tracks, {name}: {1000 * spent / len(videos):.1f} ms a video, {spent / seconds['ours']:.1f} x ours"
        )
    ratio = seconds["merging in Python"] / seconds["ours"]
    print(f"target: {TARGET} x as fast as merging in Python: {'reached' if ratio >= TARGET else 'MISSED'}")


def scene(videos: int, frames: int) -> tuple[Dataset, list[Result]]:
    rng = np.random.default_rng(0)
    instances, results = [], []
    for video in range(1, videos + 1):
        paths = [wander(rng, frames) for _ in range(OBJECTS)]
        labels = rng.integers(1, CATEGORIES + 1, OBJECTS)
        for path, label in zip(paths, labels, strict=True):
            shown = tuple(blob(x, y) for x, y in path)
            instances.append(Instance(video, int(label), shown, tuple(float(masks.area(rle)) for rle in shown)))
        for _ in range(TRACKS):
            which = rng.integers(OBJECTS)
            noisy = paths[which] + rng.normal(0, 12, (frames, 2))
            results.append(Result(video, int(labels[which]), float(rng.random()), tuple(blob(x, y) for x, y in noisy)))
    known = {i: Video(i, WIDTH, HEIGHT, frames) for i in range(1, videos + 1)}
    return Dataset(
        known, {i: Category(i, f"category {i}") for i in range(1, CATEGORIES + 1)}, tuple(instances)
    ), results


def wander(rng: np.random.Generator, frames: int) -> np.ndarray:
    return rng.uniform((80, 80), (WIDTH - 80, HEIGHT - 80)) + np.cumsum(rng.normal(0, 4, (frames, 2)), 0)


def blob(x: float, y: float) -> RLE:
    """An ellipse with a bite, whose runs are of all lengths."""
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    inside = ((columns - x) / 70) ** 2 + ((rows - y) / 50) ** 2 < 1 + 0.2 * np.sin(columns / 5)
    return masks.encode(inside)


def merged_by_pycocotools(tracks: Tracks, instances: Tracks) -> np.ndarray:
    """The official tool's loop: for every pair and frame two merges and their areas."""
    ious = np.zeros((len(tracks), len(instances)))
    for d, track in enumerate(tracks):
        for g, instance in enumerate(instances):
            shared = union = 0.0
            for ours, theirs in zip(track, instance, strict=True):
                shared += coco.area(coco.merge([ours, theirs], True))
                union += coco.area(coco.merge([ours, theirs], False))
            ious[d, g] = shared / union
    return ious


def merged_in_python(tracks: Tracks, instances: Tracks) -> np.ndarray:
    """The same without any library: runs are read from the strings and walked along side by side."""
    ious = np.zeros((len(tracks), len(instances)))
    runs = [[[read_runs(rle["counts"]) for rle in track] for track in side] for side in (tracks, instances)]
    for d, track in enumerate(runs[0]):
        for g, instance in enumerate(runs[1]):
            counts = [walk(ours, theirs) for ours, theirs in zip(track, instance, strict=True)]
            ious[d, g] = sum(shared for shared, _ in counts) / sum(union for _, union in counts)
    return ious


def read_runs(counts: str) -> list[int]:
    runs: list[int] = []
    value = shift = 0
    for character in counts:
        code = ord(character) - 48
        value |= (code & 31) << shift
        shift += 5
        if not code & 32:
            if code & 16:
                value -= 1 << shift
            runs.append(value + (runs[-2] if len(runs) > 2 else 0))
            value = shift = 0
    return runs


def walk(first: list[int], second: list[int]) -> tuple[int, int]:
    """Pixels in both and in either."""
    shared = union = 0
    i = j = 0
    left, right = first[0], second[0]
    while True:
        step = min(left, right)
        shared += step * (i & 1 and j & 1)
        union += step * (i & 1 or j & 1)
        left, right = left - step, right - step
        if not left:
            i += 1
            if i == len(first):
                return shared, union
            left = first[i]
        if not right:
            j += 1
            if j == len(second):
                return shared, union
            right = second[j]


WAYS = {
    "ours": track_ious,
    "merging by pycocotools": merged_by_pycocotools,
    "merging in Python": merged_in_python,
}


if __name__ == "__main__":
    main()
