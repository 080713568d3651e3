"""Writes a data set of composited clips with exact ground truth, in YouTube-VIS form and in the folders of YouTube-VIS.

In: how many clips of what kind, and a seed; the same seed gives the same clips. Out: `train.json`, `train/JPEGImages/`, `val.json`
and `val/JPEGImages/` in a folder that is there as a whole or not at all. Clips are composed of the objects of the shipped clips
over drawn textures, or of a library made by `training.sources`; its held-out sprites and scenes then make the second part.
"""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import DataError
from training.backgrounds import Scene, load_scenes
from training.clips import ClipSampler
from training.clipset import STRIDE, ClipWriter
from training.cut_outs import shipped_cut_outs
from training.look_alikes import look_alikes
from training.sprites import Sprite, load_sprites
from training.synthetic import Clip

LEAST_EDGE = 64


@dataclass(frozen=True)
class Wanted:
    """train, val: numbers of clips. size: height, width. hard: look-alikes that cross, hide each other, leave and return."""

    train: int = 60
    val: int = 20
    size: tuple[int, int] = (192, 320)
    length: int = 30
    hard: bool = False
    seed: int = 0


def synthesize(
    folder: Path, wanted: Wanted, library: Path | None = None, on_clip: Callable[[], None] = lambda: None
) -> dict[str, tuple[int, int]]:
    """Returns the numbers of clips and objects of each part that was wanted."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise DataError(f"{folder} is there already. Give a folder that is new or empty.")
    if min(wanted.size) < LEAST_EDGE or wanted.length < 2:
        raise DataError(f"A clip has at least 2 frames, and a frame at least {LEAST_EDGE} pixels to each side.")
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f"{folder.name}.", dir=folder.parent) as partial:
            made = Path(partial) / folder.name
            parts = [("train", wanted.train), ("val", wanted.val)]
            counts = {
                part: _write(made, part, count, wanted, material, on_clip)
                for (part, count), material in zip(parts, _materials(library), strict=True)
                if count
            }
            if folder.exists():
                folder.rmdir()
            shutil.move(made, folder)
    except OSError as error:
        raise DataError(f"{folder} cannot be written: {error.strerror}.") from error
    return counts


Material = tuple[list[Sprite], list[Scene]]


def _materials(library: Path | None) -> list[Material]:
    """For each part."""
    if library is None:
        return [(shipped_cut_outs(), [])] * 2
    return [(load_sprites(library, split), load_scenes(library, split)) for split in ("train", "heldout")]


def _write(
    folder: Path, part: str, count: int, wanted: Wanted, material: Material, on_clip: Callable[[], None]
) -> tuple[int, int]:
    writer = ClipWriter(folder / part / "JPEGImages")
    for number in range(count):
        rng = np.random.default_rng([wanted.seed, part == "val", number])
        writer.add_pictures(f"{number:04d}", _clip(rng, wanted, material))
        on_clip()
    kind = "hard" if wanted.hard else "plain"
    writer.save(f"{kind} composited clips, seed {wanted.seed}", folder / f"{part}.json")
    return len(writer.videos), len(writer.annotations)


def _clip(rng: np.random.Generator, wanted: Wanted, material: Material) -> Clip:
    """One clip with at least one object."""
    sprites, scenes = material
    plain = [scene for scene in scenes if not scene.labels]
    while True:
        if wanted.hard:
            clip = look_alikes(rng, sprites, plain, wanted.size, wanted.length)
        else:
            clip = ClipSampler(sprites, plain).composite(rng, wanted.size, wanted.length, STRIDE, photo_share=0.4)
        if len(clip.labels):
            return clip
