"""Scenes that sprites are pasted on: photos and wallpapers, some with annotated objects, and procedural textures.

In: the `index.json` and the pictures that `training.sources` writes. Out: `Scene` records. A scene's own objects stay
ground truth under whatever is pasted over them, so a photo with people does not teach that people are background.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from engine.errors import DataError
from training.sprites import read_index

cv2.setNumThreads(0)


@dataclass(frozen=True)
class Scene:
    """A picture and its annotated objects: `ids` says whose a pixel is (1-based, 0 = nobody's)."""

    image: np.ndarray  # uint8 (h, w, 3) RGB
    ids: np.ndarray  # uint8 (h, w)
    labels: tuple[int, ...]  # 0-based categories, one per object
    name: str
    licence: str


def plain_scene(image: np.ndarray, name: str, licence: str = "") -> Scene:
    """A scene without objects of its own."""
    return Scene(image, np.zeros(image.shape[:2], np.uint8), (), name, licence)


def load_scenes(library: Path, split: str) -> list[Scene]:
    """Reads the scenes of one split ("train" or "heldout")."""
    scenes = []
    for entry in read_index(library)["scenes"]:
        if entry["split"] == split:
            image = read_picture(library / entry["file"], cv2.IMREAD_COLOR)
            scene = plain_scene(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), Path(entry["file"]).stem, entry["licence"])
            if entry["ids"]:
                ids = read_picture(library / entry["ids"], cv2.IMREAD_UNCHANGED)
                scene = Scene(scene.image, ids, tuple(entry["labels"]), scene.name, scene.licence)
            scenes.append(scene)
    return scenes


def read_picture(file: Path, flag: int) -> np.ndarray:
    picture = cv2.imread(str(file), flag)
    if picture is None:
        raise DataError(f"{file} cannot be read as a picture: build the sprite library again.")
    return picture


def random_texture(rng: np.random.Generator, size: tuple[int, int]) -> Scene:
    """A procedural scene of `size` (height, width): smooth colour noise, a gradient, stripes or a checkerboard, with grain."""
    height, width = size
    first, second = rng.integers(0, 256, (2, 3)).astype(np.float32)
    mix = MIXES[rng.integers(len(MIXES))](rng, height, width)[..., None]
    image = first * (1 - mix) + second * mix
    if rng.random() < 0.6:  # large colour blotches on top
        blotches = rng.integers(0, 256, (rng.integers(2, 7), rng.integers(2, 9), 3)).astype(np.float32)
        image = 0.6 * image + 0.4 * cv2.resize(blotches, (width, height), interpolation=cv2.INTER_CUBIC)
    image += rng.standard_normal((height, width, 1), np.float32) * rng.uniform(0, 12)
    return plain_scene(np.clip(image, 0, 255).astype(np.uint8), "texture")


def cloud_mix(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Noise of several octaves in 0..1, float32 (height, width)."""
    total = np.zeros((height, width), np.float32)
    cells = int(rng.integers(2, 5))
    for octave in range(5):
        shape = (cells << octave, (cells << octave) * width // height)
        noise = rng.random(shape, dtype=np.float32)
        total += cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC) * rng.uniform(0.4, 0.7) ** octave
    return stretched(total)


def stretched(values: np.ndarray) -> np.ndarray:
    """Scaled to 0..1."""
    return (values - values.min()) / max(float(np.ptp(values)), 1e-6)


def plane_coordinate(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    """Distance along a random direction, in picture heights, float32 (height, width)."""
    angle = rng.uniform(0, 2 * np.pi)
    x = np.arange(width, dtype=np.float32) / height
    y = np.arange(height, dtype=np.float32)[:, None] / height
    return (x * np.cos(angle) + y * np.sin(angle)).astype(np.float32)


def gradient_mix(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    return stretched(plane_coordinate(rng, height, width))


def stripe_mix(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    wave = np.sin(plane_coordinate(rng, height, width) * rng.uniform(8, 80))
    return np.clip(0.5 + wave * rng.uniform(0.3, 3), 0, 1)


def checker_mix(rng: np.random.Generator, height: int, width: int) -> np.ndarray:
    step = int(rng.integers(height // 16, height // 3))
    return ((np.arange(width) // step + np.arange(height)[:, None] // step) % 2).astype(np.float32)


MIXES = (cloud_mix, gradient_mix, stripe_mix, checker_mix)
