"""Sprites cut out of annotated videos: what there is to compose clips of where no sprite library was built.

In: a YouTube-VIS ground truth and the video files beside it, by default the clips that ship. Out: a `Sprite` per object, as it
looks in the frame that shows most of it; where something hid it there, a piece is missing.
"""

from pathlib import Path

import cv2
import numpy as np

from engine import masks
from engine.categories import YTVIS_2019
from engine.checkpoint import ASSETS
from training.evaluate import category_ids, open_frames
from training.sprites import Sprite
from training.ytvis import Dataset, read_dataset

SHIPPED = ASSETS / "clips"


def shipped_cut_outs() -> list[Sprite]:
    return cut_outs(read_dataset(SHIPPED / "annotations.json"), SHIPPED)


def cut_outs(truth: Dataset, images: Path) -> list[Sprite]:
    """One sprite per object whose category is one of YouTube-VIS 2019's, in the order of the ground truth."""
    labels = {number: label for label, number in enumerate(category_ids(YTVIS_2019, truth))}
    known = [instance for instance in truth.instances if instance.category_id in labels and any(instance.areas)]
    sprites = []
    for video in truth.videos.values():
        with open_frames(video, images) as source:
            for instance in (it for it in known if it.video_id == video.id):
                frame = int(np.argmax([area or 0 for area in instance.areas]))
                if code := instance.segmentations[frame]:
                    sprites.append(cut_out(source.frame(frame), masks.decode(code), labels[instance.category_id]))
    return sprites


def cut_out(rgb: np.ndarray, mask: np.ndarray, category: int) -> Sprite:
    """What a mask (H, W) covers of a picture (H, W, 3)."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    opacity = mask[box].astype(np.uint8)[..., None]
    pixels = np.concatenate([rgb[box] * opacity, 255 * opacity], axis=-1)
    framed = cv2.copyMakeBorder(pixels, 2, 2, 2, 2, cv2.BORDER_CONSTANT)  # so that resizing softens the outer edge too
    return Sprite(framed, category, "cut-out", "cut-out", "")
