"""The sprite library: RGBA cut-outs of objects, each of one category, and of things of no category (occluders).

In: the `index.json` and the PNG files that `training.sources` writes. Out: `Sprite` records with their pixels in memory.
It knows nothing of where a sprite will be placed; `training.synthetic` does that.
"""

import json
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from engine.errors import DataError

cv2.setNumThreads(0)  # OpenCV's own threads deadlock in forked data loader workers

PHOTO_KINDS = ("stamp", "coco")


@dataclass(frozen=True)
class Sprite:
    """A cut-out object."""

    pixels: np.ndarray  # uint8 (h, w, 4) RGBA, colour premultiplied by opacity
    category: int | None  # 0-based place among the YouTube-VIS 2019 categories; None for an occluder
    kind: str  # emoji3d, noto, stamp or coco
    name: str
    licence: str

    @property
    def is_photo(self) -> bool:
        return self.kind in PHOTO_KINDS


def read_index(library: Path) -> dict:
    """The library's index: `categories` (names), `sprites` and `scenes` (entries, files relative to the library)."""
    file = library / "index.json"
    if not file.exists():
        raise DataError(
            f"{library} holds no index.json: build the sprite library with `python -m training.sources` first."
        )
    return json.loads(file.read_text())


def load_sprites(library: Path, split: str) -> list[Sprite]:
    """Reads the sprites of one split ("train" or "heldout"), occluders included."""
    sprites = []
    for entry in read_index(library)["sprites"]:
        if entry["split"] == split:
            file = library / entry["file"]
            pixels = cv2.imread(str(file), cv2.IMREAD_UNCHANGED)
            if pixels is None or pixels.ndim != 3 or pixels.shape[2] != 4:
                raise DataError(f"{file} is not an RGBA picture: build the sprite library again.")
            rgba = cv2.cvtColor(pixels, cv2.COLOR_BGRA2RGBA)
            framed = cv2.copyMakeBorder(
                rgba, 2, 2, 2, 2, cv2.BORDER_CONSTANT
            )  # so that resizing softens the outer edge too
            premultiplied = cv2.cvtColor(framed, cv2.COLOR_RGBA2mRGBA)
            sprites.append(Sprite(premultiplied, entry["category"], entry["kind"], file.stem, entry["licence"]))
    return sprites
