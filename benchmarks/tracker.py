"""What a frame costs apart from the net: picking queries, mask NMS, matching and the memory bank; and re-tracking.

Run: `python benchmarks/tracker.py [--threads 2] [--frames 100]`. 100 queries of a 480x864 frame (masks 120x216, 40 categories,
256 channels), in three scenes: ten objects and 90 queries that see nothing; a hundred objects; noise, where every query is
kept and each two masks share a third of their cells. Prints medians in milliseconds, the issue's bound beside them, and how
many frames a second `retrack` does with the ten objects, video masks and result included.
"""

import argparse
import statistics
import time
from collections.abc import Iterator
from itertools import cycle, islice
from types import SimpleNamespace

import torch
from torch import Tensor

from engine.config import FrameFormat
from engine.retrack import retrack
from engine.session import VideoSession
from engine.tracker import Tracker

QUERIES, CATEGORIES, CHANNELS, GRID, SIZE = 100, 40, 256, (120, 216), (480, 864)
BOUND, RETRACK_BOUND = 3.0, 500  # milliseconds a frame, frames a second
PREPARED = 12  # frames in memory, shown over and over
Frame = tuple[Tensor, Tensor, Tensor]  # logits (Q, K + 1), masks (Q, h, w), embeds (Q, C)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2, help="torch's threads")
    parser.add_argument("--frames", type=int, default=100, help="frames to track of each scene")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"torch {torch.__version__}, {arguments.threads} threads, {QUERIES} queries; bound {BOUND} ms")
    for name, frames in (("10 objects", seen(10)), ("100 objects", seen(100)), ("noise", noise())):
        report(name, list(islice(frames, PREPARED)), arguments.frames)
    report_retracking(list(islice(seen(10), PREPARED)), 5 * arguments.frames)


def seen(objects: int) -> Iterator[Frame]:
    """Frames in which as many queries see wandering round objects, and the others nothing."""
    generator = torch.Generator().manual_seed(0)
    looks = torch.randn(QUERIES, CHANNELS, generator=generator)
    places = torch.rand(QUERIES, 2, generator=generator) * torch.tensor(GRID)
    rows, columns = torch.arange(GRID[0])[:, None], torch.arange(GRID[1])
    while True:
        places = places + torch.randn(QUERIES, 2, generator=generator)
        top, left = places.T[:, :, None, None]
        logits = torch.randn(QUERIES, CATEGORIES + 1, generator=generator)
        logits[objects:, -1] += 12
        masks = 12 - ((rows - top) ** 2 + (columns - left) ** 2).sqrt()
        yield logits, masks, looks + 0.3 * torch.randn(QUERIES, CHANNELS, generator=generator)


def noise() -> Iterator[Frame]:
    generator = torch.Generator().manual_seed(0)
    shapes = (QUERIES, CATEGORIES + 1), (QUERIES, *GRID), (QUERIES, CHANNELS)
    while True:
        logits, masks, embeds = (torch.randn(shape, generator=generator) for shape in shapes)
        yield logits, masks, embeds


def report(name: str, frames: list[Frame], count: int) -> None:
    tracker, picking, assigning = Tracker(), [], []
    for logits, masks, embeds in islice(cycle(frames), count):
        start = time.perf_counter()
        found, kept = tracker.pick(logits, masks, embeds)
        picked = time.perf_counter()
        tracker.assign(found.take(kept))
        picking.append(picked - start)
        assigning.append(time.perf_counter() - picked)
    both = [sum(pair) for pair in zip(picking, assigning, strict=True)]
    pick, assign, total = (1000 * statistics.median(seconds) for seconds in (picking, assigning, both))
    print(
        f"{name:12} {int(kept.sum()):4} kept, {len(tracker.bank):4} tracks   pick and NMS {pick:6.2f} ms   "
        f"match and remember {assign:6.2f} ms   together {total:6.2f} ms   {'held' if total <= BOUND else 'MISSED'}"
    )


def report_retracking(frames: list[Frame], count: int) -> None:
    blobs: list[bytes] = []
    net = SimpleNamespace(frame_format=FrameFormat())  # the session is given what a net would say
    session = VideoSession(net, SIZE, spool=False, detections=blobs.append)  # type: ignore[arg-type]
    for arrays in islice(cycle(frames), count):
        session.track(*arrays)
    start = time.perf_counter()
    result = retrack(blobs)
    rate = count / (time.perf_counter() - start)
    kilobytes = statistics.mean(map(len, blobs)) / 1000
    print(
        f"retrack      {count} frames, {len(result.tracks)} tracks, {kilobytes:.1f} KB a frame   {rate:.0f} frames/s   "
        f"{'held' if rate >= RETRACK_BOUND else 'MISSED'} ({RETRACK_BOUND} frames/s)"
    )


if __name__ == "__main__":
    main()
