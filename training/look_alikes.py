"""Clips whose objects are hard to tell apart: look-alikes that cross, hide each other, leave and come back.

In: sprites, scenes and a numpy Generator; the same seed gives the same clip. Out: a `Clip`. Two to four actors are one sprite
with a slight cast of colour and a slightly different size, at times with a stranger among them. They play musical chairs: the seats
stand in a row, at each beat everybody takes another one, and one waits outside the frame. Rendering is `training.synthetic`.
"""

from collections.abc import Sequence

import numpy as np

from training.backgrounds import Scene, random_texture
from training.motion import affine, curve, random_camera, swing
from training.sprites import Sprite
from training.synthetic import Actor, Clip, degraded, render, shrink_sprite, soft_edged

BEAT = 9  # frames from seat to seat
HEIGHTS = (0.3, 0.42)  # of the frame's short side: the geometric mean of an actor's width and height
CASTS = (0.1, 0.2)  # how much stronger or weaker the colour channels of a look-alike are


def look_alikes(
    rng: np.random.Generator, sprites: Sequence[Sprite], scenes: Sequence[Scene], size: tuple[int, int], length: int
) -> Clip:
    """`length` frames of `size` (height, width). sprites: of known categories; without scenes the background is a texture."""
    objects = [sprite for sprite in sprites if sprite.category is not None]
    alike = int(rng.integers(2, 5))
    cast = [objects[rng.integers(len(objects))]] * alike
    if alike < 4 and rng.random() < 0.4:
        cast.append(objects[rng.integers(len(objects))])
    scene = scenes[int(rng.integers(len(scenes)))] if scenes else random_texture(rng, (240, 400))
    times = np.arange(length, dtype=float)
    camera = random_camera(rng, times, scene.image.shape[:2], size, max(0.0, rng.uniform(-0.5, 1)))
    height, flip = rng.uniform(*HEIGHTS), bool(rng.random() < 0.5)
    paths = musical_chairs(rng, len(cast), 2 + length // BEAT)
    colours = colour_casts(rng, len(cast))
    actors = [
        _actor(rng, sprite, colour, path * size[::-1], times, height * min(size), flip)
        for sprite, colour, path in zip(cast, colours, paths, strict=True)
    ]
    clip = render(scene, camera, actors, size)
    return Clip(degraded(rng, clip.frames), clip.masks, clip.labels)


def musical_chairs(rng: np.random.Generator, players: int, beats: int) -> np.ndarray:
    """Places (players, beats, 2) as shares of the frame's width and height. All sit in the frame at the first and last beat; in
    between one is outside, another one each time. Nobody keeps a seat."""
    seats = np.linspace(0.16, 0.84, players)
    order = rng.permutation(players)
    outside = rng.permutation(players)
    places = np.empty((players, beats, 2))
    for beat in range(beats):
        places[:, beat] = np.stack([seats[order], rng.uniform(0.48, 0.62, players)], axis=-1)
        if 0 < beat < beats - 1:
            leaves = outside[beat % players]
            places[leaves, beat, 0] = -0.35 if order[leaves] < players / 2 else 1.35
        order = (order + rng.integers(1, players)) % players if players > 2 else order[::-1]
    return places


def colour_casts(rng: np.random.Generator, count: int) -> np.ndarray:
    """Factors of the colour channels (count, 3), as far from each other in hue as can be."""
    hues = rng.uniform(0, 2 * np.pi) + 2 * np.pi * np.arange(count) / count
    return 1 + rng.uniform(*CASTS) * np.cos(hues[:, None] - 2 * np.pi * np.arange(3) / 3)


def _actor(
    rng: np.random.Generator,
    sprite: Sprite,
    colour: np.ndarray,
    places: np.ndarray,
    times: np.ndarray,
    height: float,
    flip: bool,
) -> Actor:
    """places: (beats, 2) in pixels."""
    rows, columns = sprite.pixels.shape[:2]
    scale = height * rng.uniform(0.94, 1.06) / np.sqrt(rows * columns) * np.exp(swing(rng, times, 0.06))
    tilt, shear = swing(rng, times, 0.12), swing(rng, times, 0.06)
    placement = affine(scale, tilt, shear, curve(times, places), (columns / 2, rows / 2), flip)
    pixels, placement = shrink_sprite(sprite.pixels, placement, float(scale.max()))
    plain = pixels.copy()
    plain[..., :3] = np.clip(pixels[..., :3] * (255.0 / np.maximum(pixels[..., 3:], 1)) * colour, 0, 255)
    return Actor(soft_edged(plain, 0.6), placement, sprite.category)
