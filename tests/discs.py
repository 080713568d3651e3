"""A tiny data set in YouTube-VIS form: discs of known colours that move, as pictures with exact masks."""

import json
from pathlib import Path

import cv2
import numpy as np

from engine import masks

HEIGHT, WIDTH = 120, 160
COLOURS = {1: (0, 0, 255), 2: (0, 255, 0)}  # BGR of the categories "red" and "green"


def write_discs(folder: Path, lengths: tuple[int, ...] = (6, 1), truth: str = "gt.json") -> Path:
    """A video with a red and a green disc per length, in folders 1, 2, ...; returns the ground truth."""
    videos, annotations = [], []
    for video, length in enumerate(lengths, start=1):
        names = [f"{video}/{t}.png" for t in range(length)]
        videos.append({"id": video, "width": WIDTH, "height": HEIGHT, "length": length, "file_names": names})
        pictures = np.full((length, HEIGHT, WIDTH, 3), 60, np.uint8)
        for category, colour in reversed(COLOURS.items()):
            codes = [masks.encode(disc(video, category, t)) for t in range(length)]
            for t in range(length):
                pictures[t][disc(video, category, t).astype(bool)] = colour
            annotations.append(
                {"id": len(annotations) + 1, "video_id": video, "category_id": category, "segmentations": codes}
            )
        for t, name in enumerate(names):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(folder / name), pictures[t])
    categories = [{"id": 1, "name": "red"}, {"id": 2, "name": "green"}]
    (folder / truth).write_text(json.dumps({"videos": videos, "categories": categories, "annotations": annotations}))
    return folder / truth


def disc(video: int, category: int, t: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    cv2.circle(mask, (40 + 60 * (category - 1) + 2 * t, 50 + 5 * video), 22, 1, -1)
    return mask
