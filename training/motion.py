"""How things move in a synthetic clip: paths of actors and of the camera, as numbers over time.

In: a numpy Generator and `times`, float (T,), in frames of the imagined footage (a clip of every third frame has 0, 3, 6...).
Out: positions (T, 2) as (x, y) or 2x3 affine matrices (T, 2, 3) on (x, y, 1), in pixels. It draws nothing.
"""

from collections.abc import Callable

import numpy as np
from scipy.interpolate import PchipInterpolator

ACTOR_SPEED = 0.035  # of the frame's short side, per frame
CAMERA_SPEED = 0.02
VISIT_FRAMES = 14  # the least time in which to leave the picture and come back

Path = Callable[[np.random.Generator, np.ndarray, np.ndarray, tuple[int, int], float], np.ndarray]


def curve(times: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """Smooth curve through `knots` (K, ...) spread evenly over the times; no overshoot."""
    if len(knots) == 1 or times[-1] == times[0]:
        return np.repeat(knots[:1], len(times), axis=0)
    return PchipInterpolator(np.linspace(times[0], times[-1], len(knots)), knots, axis=0)(times)


def swing(rng: np.random.Generator, times: np.ndarray, reach: float) -> np.ndarray:
    """A smooth random function of time within -reach..reach, float (T,)."""
    knots = 2 + int((times[-1] - times[0]) / rng.uniform(8, 30))
    return curve(times, rng.uniform(-reach, reach, knots))


def still(
    rng: np.random.Generator, times: np.ndarray, start: np.ndarray, size: tuple[int, int], radius: float
) -> np.ndarray:
    return np.repeat(start[None], len(times), axis=0)


def bounce(
    rng: np.random.Generator, times: np.ndarray, start: np.ndarray, size: tuple[int, int], radius: float
) -> np.ndarray:
    """Straight on at one speed, turned back by the frame's border."""
    angle = rng.uniform(0, 2 * np.pi)
    speed = rng.uniform(0.1, 1) * ACTOR_SPEED * min(size)
    line = start + speed * times[:, None] * (np.cos(angle), 0.6 * np.sin(angle))
    extent = np.array([size[1], size[0]], float)
    return extent - np.abs(line % (2 * extent) - extent)


def wander(
    rng: np.random.Generator, times: np.ndarray, start: np.ndarray, size: tuple[int, int], radius: float
) -> np.ndarray:
    """From place to place at changing speed; may slip out of the picture for a while."""
    leg = rng.uniform(8, 24)
    count = 1 + max(1, round((times[-1] - times[0]) / leg))
    steps = rng.normal(0, ACTOR_SPEED * leg * min(size) / 2, (count, 2))
    extent = np.array([size[1], size[0]], float)
    knots = np.clip(start + np.cumsum(steps, axis=0) - steps[0], -0.1 * extent, 1.1 * extent)
    return curve(times, knots)


def visit(
    rng: np.random.Generator, times: np.ndarray, start: np.ndarray, size: tuple[int, int], radius: float
) -> np.ndarray:
    """Out of the picture on one side and back in: at the same place, or on the other side."""
    height, width = size
    away = width + 1.2 * radius if start[0] > width / 2 else -1.2 * radius
    outside = np.array([away, start[1] + rng.uniform(-0.2, 0.2) * height])
    back = np.array([rng.uniform(0.2, 0.8) * width, rng.uniform(0.2, 0.8) * height])
    legs = [start, outside, outside + np.array([0, rng.uniform(-0.2, 0.2) * height]), back]
    return curve(times, np.array(legs))


def random_path(
    rng: np.random.Generator, times: np.ndarray, start: np.ndarray, size: tuple[int, int], radius: float
) -> np.ndarray:
    """A path of a random kind from `start` (x, y) for an actor of `radius` pixels; float (T, 2)."""
    kinds: list[Path] = [still, bounce, wander, wander]
    if times[-1] - times[0] >= VISIT_FRAMES:
        kinds.append(visit)
    return kinds[rng.integers(len(kinds))](rng, times, start, size, radius)


def affine(
    scale: np.ndarray,
    rotation: np.ndarray,
    shear: np.ndarray,
    position: np.ndarray,
    centre: tuple[float, float],
    flip: bool,
) -> np.ndarray:
    """Matrices (T, 2, 3) that take a sprite's pixels to the frame: `centre` goes to `position`; rotation in radians."""
    cosine, sine = np.cos(rotation), np.sin(rotation)
    mirror = -1.0 if flip else 1.0
    linear = np.stack(
        [
            np.stack([mirror * cosine, shear * cosine - sine], axis=-1),
            np.stack([mirror * sine, shear * sine + cosine], axis=-1),
        ],
        axis=-2,
    )
    linear *= scale[:, None, None]
    return np.concatenate([linear, (position - linear @ np.asarray(centre))[..., None]], axis=-1)


def random_camera(
    rng: np.random.Generator, times: np.ndarray, scene: tuple[int, int], size: tuple[int, int], restless: float
) -> np.ndarray:
    """Matrices (T, 2, 3) from a scene (height, width) to the frame `size`: pan, zoom and a little roll.

    The crop never leaves the scene. `restless` 0..1 is how much the camera moves.
    """
    height, width = size
    duration = times[-1] - times[0]
    roll = rng.uniform(-0.08, 0.08) + restless * swing(rng, times, min(0.1, 0.01 * duration))
    reach_x = width * np.cos(roll) + height * np.abs(np.sin(roll))  # what the turned frame covers, in frame pixels
    reach_y = width * np.abs(np.sin(roll)) + height * np.cos(roll)
    tightest = np.maximum(reach_x / scene[1], reach_y / scene[0])
    zoom = tightest * rng.uniform(1, 1.8) * np.exp(restless * swing(rng, times, min(0.3, 0.015 * duration)))
    zoom = np.maximum(zoom, tightest)
    travel = restless * CAMERA_SPEED * min(size) * duration * rng.uniform(-1, 1, (3, 2)) / zoom.mean()
    room = np.stack(
        [scene[1] - reach_x / zoom, scene[0] - reach_y / zoom], axis=-1
    )  # (T, 2) free play of the crop's centre
    centre = rng.uniform(0, 1, 2) * room.mean(axis=0) + curve(times, np.cumsum(travel, axis=0))
    centre = np.clip(centre, 0, room) + np.stack([reach_x, reach_y], axis=-1) / zoom[:, None] / 2
    cosine, sine = zoom * np.cos(roll), zoom * np.sin(roll)
    linear = np.stack([np.stack([cosine, -sine], axis=-1), np.stack([sine, cosine], axis=-1)], axis=-2)
    offset = np.array([width / 2, height / 2]) - (linear @ centre[..., None])[..., 0]
    return np.concatenate([linear, offset[..., None]], axis=-1)


def chain(outer: np.ndarray, inner: np.ndarray) -> np.ndarray:
    """Matrices (T, 2, 3) that apply `inner` first, then `outer`."""
    linear = outer[..., :2] @ inner[..., :2]
    return np.concatenate([linear, outer[..., :2] @ inner[..., 2:] + outer[..., 2:]], axis=-1)


def inverse(matrix: np.ndarray) -> np.ndarray:
    """Inverse of a (2, 3) affine matrix."""
    linear = np.linalg.inv(matrix[:, :2])
    return np.concatenate([linear, -linear @ matrix[:, 2:]], axis=-1)
