"""How fast training starts on many annotations, and what a loader worker needs to hold them.

    python benchmarks/annotations.py [--annotations 100000] [--workers 4]

Makes a COCO file and a YouTube-VIS file of that many masks, and opens each in processes of their own: without an index, with it,
and in workers that read every frame. Memory is what a worker has for itself beside what it shares with the others, in MB.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

HEIGHT, WIDTH, FRAMES = 480, 640, 30
OPEN = "import sys; from benchmarks.annotations import opened; opened(*sys.argv[1:])"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotations", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder, rng = Path(name), np.random.default_rng(0)
        for kind, content in (("coco", coco), ("ytvis", ytvis)):
            file = folder / f"{kind}.json"
            file.write_text(json.dumps(content(rng, options.annotations)))
            size = file.stat().st_size / 2**20
            print(f"{kind}: {options.annotations} masks, {size:.0f} MB of json")
            for start in ("first", "second"):
                print(f"  {start} start:", _run(kind, file, folder / "cache", 0))
            print(f"  {options.workers} workers:", _run(kind, file, folder / "cache", options.workers))


def _run(kind: str, file: Path, cache: Path, workers: int) -> str:
    arguments = [kind, str(file), str(cache), str(workers)]
    done = subprocess.run([sys.executable, "-c", OPEN, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


def opened(kind: str, file: str, cache: str, workers: str) -> None:
    """Run in a process of its own: prints how long the index takes, or what workers need that read all of it."""
    from training.annotation_index import index_of

    began = time.perf_counter()
    index = index_of(Path(file), Path(cache), as_coco="ytvis_2019" if kind == "coco" else None)
    seconds = time.perf_counter() - began
    if not int(workers):
        print(f"{seconds:.3f} s, {len(index)} videos")
        return
    from torch.utils.data import DataLoader

    loader: Any = DataLoader(_Everything(index), batch_size=None, num_workers=int(workers), sampler=range(int(workers)))
    for before, after, masks in loader:
        print(f"[{before:.0f} MB, after reading {masks} masks {after:.0f} MB]", end=" ")


class _Everything:
    """Item n: a worker's own memory before and after it reads every frame, and how many masks these showed."""

    def __init__(self, index: Any) -> None:
        self.index = index

    def __len__(self) -> int:
        return 1

    def __getitem__(self, _: int) -> tuple[float, float, int]:
        before, masks = own_memory(), 0
        for place in range(len(self.index)):
            for frame in range(len(self.index.videos[place].file_names)):
                masks += len(self.index.frame(place, frame))
        return before, own_memory(), masks


def own_memory() -> float:
    """Of this process alone, MB."""
    lines = Path(f"/proc/{os.getpid()}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_")) / 1024


def coco(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Outlines of 20 points, eight in a picture."""
    pictures = range(1, -(-count // 8) + 1)
    angles = np.linspace(0, 2 * np.pi, 20, endpoint=False)
    annotations = []
    for number in range(count):
        centre, radius = rng.uniform((60, 60), (WIDTH - 60, HEIGHT - 60)), rng.uniform(10, 50, 20)
        outline = centre + radius[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        annotations.append(
            {"id": number, "image_id": number // 8 + 1, "category_id": 1, "iscrowd": 0, "area": 1.0}
            | {"segmentation": [outline.round(1).ravel().tolist()], "bbox": [0, 0, 1, 1]}
        )
    images = [{"id": n, "width": WIDTH, "height": HEIGHT, "file_name": f"{n:012d}.jpg"} for n in pictures]
    return {"images": images, "annotations": annotations, "categories": [{"id": 1, "name": "person"}]}


def ytvis(rng: np.random.Generator, count: int) -> dict[str, Any]:
    """Two objects in each video of 30 frames, as compressed RLE."""
    from engine import masks

    shapes = []
    rows, columns = np.ogrid[:HEIGHT, :WIDTH]
    for _ in range(50):
        y, x, radius = rng.uniform((60, 60, 10), (HEIGHT - 60, WIDTH - 60, 50))
        shapes.append(masks.encode(((rows - y) ** 2 + (columns - x) ** 2 < radius**2).astype(np.uint8)))
    videos = range(1, -(-count // (2 * FRAMES)) + 1)
    names = {n: [f"{n:08x}/{t:05d}.jpg" for t in range(FRAMES)] for n in videos}
    return {
        "videos": [
            {"id": n, "width": WIDTH, "height": HEIGHT, "length": FRAMES, "file_names": names[n]} for n in videos
        ],
        "categories": [{"id": 1, "name": "person"}],
        "annotations": [
            {"id": 2 * n + k, "video_id": n, "category_id": 1, "iscrowd": 0}
            | {"segmentations": [shapes[rng.integers(len(shapes))] for _ in range(FRAMES)]}
            for n in videos
            for k in range(2)
        ],
    }


if __name__ == "__main__":
    main()
