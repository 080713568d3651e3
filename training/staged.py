"""The four composited clips that the studio ships, staged by hand: who walks where, before whom, and how the camera pans.

In: the library that `training.sources` builds. Out: (name, `Clip`) of 640 x 360 at 15 frames per second, without noise.
Only MIT, OFL, CC0, public domain and CC-BY material is let in. In three clips known sprites act in scenes that training
never saw; in "strangers" the sprites are held out as well.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.errors import DataError
from training.backgrounds import Scene, load_scenes
from training.motion import affine, curve
from training.sprites import Sprite, load_sprites
from training.synthetic import Actor, Clip, render, shrink_sprite, soft_edged

SHIPPABLE = ("MIT", "OFL-1.1", "CC0-1.0", "public domain", "CC-BY-2.0")
SIZE = (360, 640)  # height, width
FRAME_RATE = 15

Point = tuple[float, float]


@dataclass(frozen=True)
class Role:
    """A sprite's part. `path`: places in the frame as shares of its width and height, at even steps of time."""

    sprite: str
    height: float  # of the frame's height
    path: tuple[Point, ...]
    flip: bool = False
    step: float = 0.0  # frames per step of its walk; 0: glides
    grows: float = 1.0  # its size at the end, as a multiple of its size at the beginning


@dataclass(frozen=True)
class Script:
    """A clip: `roles` back to front; `view` is the camera's path: (x, y) of its centre as shares of its free play."""

    name: str
    scene: str
    length: int
    roles: tuple[Role, ...]
    view: tuple[Point, ...] = ((0.5, 0.5),)
    zoom: float = 1.15


SCRIPTS = (
    Script(  # the plane leaves on the right and comes back on the left; the walker passes before the dog
        "lake",
        "photo-china",
        75,
        (
            Role("emoji3d-1f6eb", 0.2, ((0.5, 0.18), (0.85, 0.14), (1.25, 0.1), (-0.25, 0.3), (0.1, 0.25), (0.4, 0.2))),
            Role("emoji3d-26f5", 0.26, ((0.62, 0.52), (0.68, 0.525), (0.72, 0.52)), grows=1.15),
            Role("emoji3d-1f415", 0.3, ((0.12, 0.84), (0.45, 0.83), (0.75, 0.84)), flip=True, step=7),
            Role("emoji3d-1f6b6-1f3fd", 0.46, ((0.85, 0.74), (0.5, 0.75), (0.2, 0.74)), step=11),
        ),
        view=((0.2, 0.6), (0.8, 0.6)),
    ),
    Script(  # the duck leaves at the bottom right and comes back; the cat passes before the rabbit
        "table",
        "photo-coffee",
        70,
        (
            Role("emoji3d-1f407", 0.36, ((0.4, 0.7), (0.42, 0.68), (0.4, 0.7)), step=20),
            Role("emoji3d-1f986", 0.26, ((0.75, 0.3), (0.95, 0.5), (1.2, 0.6), (1.2, 0.5), (0.85, 0.3), (0.65, 0.28))),
            Role("emoji3d-1f408", 0.42, ((-0.05, 0.62), (0.3, 0.66), (0.6, 0.66), (0.8, 0.7)), flip=True, step=8),
        ),
        zoom=1.05,
    ),
    Script(  # two cars of different make and a truck pass each other; the runner comes in late and crosses behind the truck
        "launchpad",
        "photo-rocket",
        80,
        (
            Role("emoji3d-1f3c3-200d-2640-fe0f", 0.34, ((1.2, 0.74), (0.95, 0.74), (0.55, 0.74), (0.14, 0.75)), step=8),
            Role("emoji3d-1f697", 0.24, ((0.7, 0.78), (0.35, 0.78), (-0.2, 0.78), (-0.2, 0.8), (0.2, 0.8))),
            Role("emoji3d-1f69a", 0.4, ((1.0, 0.76), (0.75, 0.77), (0.5, 0.77), (0.3, 0.78)), grows=1.1),
            Role("emoji3d-1f695", 0.27, ((0.05, 0.88), (0.4, 0.88), (0.85, 0.88)), flip=True, grows=1.1),
        ),
        view=((0.5, 0.9), (0.5, 0.6)),
    ),
    Script(  # held-out sprites; the duck passes before the elephant, leaves on the left and comes back
        "strangers",
        "photo-flower",
        75,
        (
            Role("noto-1f418", 0.5, ((0.3, 0.6), (0.36, 0.6), (0.42, 0.6)), step=14),
            Role("noto-1f992", 0.6, ((0.85, 0.5), (0.8, 0.52), (0.78, 0.5)), step=18),
            Role("noto-1f986", 0.24, ((0.65, 0.8), (0.35, 0.76), (-0.2, 0.75), (-0.2, 0.75), (0.15, 0.8))),
            Role("noto-1f408", 0.34, ((1.15, 0.8), (0.9, 0.8), (0.66, 0.78)), step=8),
        ),
        view=((0.3, 0.5), (0.7, 0.5)),
    ),
)


def staged_clips(library: Path) -> Iterator[tuple[str, Clip]]:
    """Renders the scripts one by one; refuses material that may not be passed on."""
    sprites = {sprite.name: sprite for split in ("train", "heldout") for sprite in load_sprites(library, split)}
    scenes = {scene.name: scene for scene in load_scenes(library, "heldout")}
    for script in SCRIPTS:
        scene, cast = scenes[script.scene], [sprites[role.sprite] for role in script.roles]
        refuse_closed(script.name, [scene, *cast])
        yield script.name, perform(script, scene, cast)


def refuse_closed(clip: str, materials: Sequence[Scene | Sprite]) -> None:
    closed = [material for material in materials if material.licence not in SHIPPABLE]
    if closed:
        names = ", ".join(f"{material.name} ({material.licence or 'no licence named'})" for material in closed)
        raise DataError(f"{clip} shows {names}, which may not be shipped: use {', '.join(SHIPPABLE)} only.")


def perform(script: Script, scene: Scene, cast: list[Sprite]) -> Clip:
    camera = panning(script, scene.image.shape[:2])
    actors = [acting(role, sprite, script.length) for role, sprite in zip(script.roles, cast, strict=True)]
    return render(scene, camera, actors, SIZE)


def panning(script: Script, scene: tuple[int, int]) -> np.ndarray:
    """The camera's matrices (T, 2, 3) from the scene (height, width) to the frame."""
    height, width = SIZE
    zoom = script.zoom * max(height / scene[0], width / scene[1])
    room = np.array([scene[1] - width / zoom, scene[0] - height / zoom])
    view = curve(np.arange(script.length), np.array(script.view) * room)
    linear = np.repeat(zoom * np.eye(2)[None], script.length, axis=0)
    return np.concatenate([linear, -zoom * view[..., None]], axis=-1)


def acting(role: Role, sprite: Sprite, length: int) -> Actor:
    """Puts the sprite on its path; who walks rocks from side to side and bobs."""
    height, width = sprite.pixels.shape[:2]
    times = np.arange(length, dtype=float)
    scale = role.height * SIZE[0] / height * curve(times, np.array([1.0, role.grows]))
    phase = 2 * np.pi * times / role.step if role.step else np.zeros(length)
    path = curve(times, np.array(role.path)) * (SIZE[1], SIZE[0])
    path[:, 1] -= 0.02 * role.height * SIZE[0] * np.abs(np.sin(phase))
    placement = affine(scale, 0.05 * np.sin(phase), 0.04 * np.sin(phase), path, (width / 2, height / 2), role.flip)
    pixels, placement = shrink_sprite(sprite.pixels, placement, float(scale.max()))
    plain = pixels.copy()
    plain[..., :3] = np.minimum(255, pixels[..., :3] * (255.0 / np.maximum(pixels[..., 3:], 1)))
    return Actor(soft_edged(plain, 0.5), placement, sprite.category)
