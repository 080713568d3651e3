"""Composes clips with exact ground truth: sprites that move, hide each other, leave and come back, seen by a moving camera.

In: a `Scene`, the cast (sprites, back to front) and a numpy Generator; the same seed gives the same clip. Out: a `Clip`.
A pixel belongs to the topmost object whose opacity there is above one half; occluders belong to nobody and hide what is below them.
It does not choose sprites or scenes (`training.clips`) and does not write files (`training.clipset`).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from training.backgrounds import Scene
from training.motion import affine, chain, inverse, random_camera, random_path, swing
from training.sprites import Sprite

cv2.setNumThreads(0)

MIN_AREA = 16  # pixels; a smaller sliver of an object counts as hidden
SMALLEST, LARGEST = 0.11, 0.8  # of the frame's short side: the geometric mean of a sprite's width and height


@dataclass(frozen=True)
class Clip:
    """`frames`: uint8 (T, H, W, 3) RGB. `masks`: bool (N, T, H, W), what is visible. `labels`: int64 (N,), 0-based categories."""

    frames: np.ndarray
    masks: np.ndarray
    labels: np.ndarray

    @property
    def visible(self) -> np.ndarray:
        """bool (N, T): whether the object shows in the frame."""
        return np.asarray(self.masks.any(axis=(2, 3)))


@dataclass(frozen=True)
class Actor:
    """A sprite on its way: `pixels` float32 (h, w, 4) premultiplied RGBA 0..255; `placement` (T, 2, 3) takes them to the frame."""

    pixels: np.ndarray
    placement: np.ndarray
    category: int | None


def compose(
    rng: np.random.Generator,
    scene: Scene,
    cast: Sequence[Sprite],
    size: tuple[int, int],
    length: int,
    stride: float = 1.0,
    degrade: bool = True,
) -> Clip:
    """Renders `length` frames of `size` (height, width); `stride` is the number of imagined frames from one to the next."""
    times = stride * np.arange(length)
    restless = rng.uniform(0.5, 1) if scene.labels else max(0.0, rng.uniform(-0.5, 1))
    camera = random_camera(rng, times, scene.image.shape[:2], size, restless)
    actors: list[Actor] = []
    starts: list[np.ndarray] = []
    for sprite in cast:
        start = free_place(rng, starts, size)
        starts.append(start)
        actors.append(random_actor(rng, sprite, start, times, camera, size))
    clip = render(scene, camera, actors, size)
    return Clip(degraded(rng, clip.frames), clip.masks, clip.labels) if degrade else clip


def render(scene: Scene, camera: np.ndarray, actors: Sequence[Actor], size: tuple[int, int]) -> Clip:
    """Draws the actors, back to front, over what the camera (T, 2, 3) sees of the scene."""
    length, extent = len(camera), (size[1], size[0])
    image, camera = shrink_scene(scene.image, camera)
    ids_camera = chain(camera, scaling(image.shape[1] / scene.ids.shape[1], image.shape[0] / scene.ids.shape[0]))
    frames = np.empty((length, *size, 3), np.uint8)
    ids = np.empty((length, *size), np.uint8)
    for t in range(length):
        frames[t] = cv2.warpAffine(image, camera[t], extent, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        ids[t] = cv2.warpAffine(scene.ids, ids_camera[t], extent, flags=cv2.INTER_NEAREST)
        for number, actor in enumerate(actors, start=len(scene.labels) + 1):
            paste(frames[t], ids[t], actor, t, 0 if actor.category is None else number)
    labels = [*scene.labels, *(-1 if actor.category is None else actor.category for actor in actors)]
    return clip_from_ids(frames, ids, np.array(labels, np.int64))


def clip_from_ids(frames: np.ndarray, ids: np.ndarray, labels: np.ndarray) -> Clip:
    """Splits the id maps (T, H, W) into one mask per object; slivers count as hidden and objects that never show are left out."""
    areas = np.stack([np.bincount(frame.ravel(), minlength=len(labels) + 1)[1:] for frame in ids], axis=1)  # (N, T)
    shown = areas >= MIN_AREA
    kept = np.flatnonzero(shown.any(axis=1))
    masks = np.zeros((len(kept), *ids.shape), bool)
    for row, number in enumerate(kept):
        for t in np.flatnonzero(shown[number]):
            np.equal(ids[t], number + 1, out=masks[row, t])
    return Clip(frames, masks, labels[kept])


def free_place(rng: np.random.Generator, taken: list[np.ndarray], size: tuple[int, int]) -> np.ndarray:
    """A random (x, y) in the frame: of three the one farthest from the places already taken."""
    places = rng.uniform(0.08, 0.92, (3, 2)) * (size[1], size[0])
    if not taken:
        return places[0]
    distances = np.linalg.norm(places[:, None] - np.stack(taken), axis=-1).min(axis=1)
    return places[distances.argmax()]


def random_actor(
    rng: np.random.Generator,
    sprite: Sprite,
    start: np.ndarray,
    times: np.ndarray,
    camera: np.ndarray,
    size: tuple[int, int],
) -> Actor:
    """Gives the sprite a size, a path and a look; half of the actors stand in the scene, half move with the camera."""
    height, width = sprite.pixels.shape[:2]
    duration = times[-1] - times[0]
    share = SMALLEST + (LARGEST - SMALLEST) * rng.random() ** 1.5  # more small ones than large ones
    scale = share * min(size) / np.sqrt(height * width)
    scales = scale * np.exp(swing(rng, times, min(0.4, 0.02 * duration)))
    tilt = rng.normal(0, 0.1) + swing(rng, times, min(0.25, 0.015 * duration))
    shear = rng.normal(0, 0.06) + swing(rng, times, min(0.12, 0.02 * duration))
    path = random_path(rng, times, start, size, scale * max(height, width) / 2)
    placement = affine(scales, tilt, shear, path, (width / 2, height / 2), bool(rng.random() < 0.5))
    if rng.random() < 0.5:
        placement = chain(chain(camera, inverse(camera[0])[None]), placement)
    pixels, placement = shrink_sprite(sprite.pixels, placement, float(scales.max()))
    feather = rng.uniform(0, 0.9) if not sprite.is_photo else rng.uniform(0.4, 1.0)
    return Actor(soft_edged(tinted(rng, pixels), feather), placement, sprite.category)


def shrink_sprite(pixels: np.ndarray, placement: np.ndarray, scale: float) -> tuple[np.ndarray, np.ndarray]:
    """Shrinks a sprite that is never shown larger than `scale`, so that sampling it does not alias; adapts the placement."""
    height, width = (max(2, round(side * min(1.0, scale))) for side in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return small, chain(placement, scaling(pixels.shape[1] / width, pixels.shape[0] / height))


def scaling(x: float, y: float) -> np.ndarray:
    """The affine matrix (1, 2, 3) that multiplies x and y."""
    return np.array([[[x, 0, 0], [0, y, 0]]], float)


def tinted(rng: np.random.Generator, pixels: np.ndarray) -> np.ndarray:
    """Premultiplied RGBA to plain RGBA with a mild jitter of hue, saturation, contrast and brightness."""
    opacity = pixels[..., 3:]
    rgb = cv2.convertScaleAbs(pixels[..., :3] * (255.0 / np.maximum(opacity, 1)))
    hsv = cv2.cvtColor(rgb, cv2.COLOR_RGB2HSV)
    hsv[..., 0] = (hsv[..., 0].astype(np.int16) + int(rng.normal(0, 5))) % 180
    hsv[..., 1] = np.clip(hsv[..., 1] * rng.uniform(0.6, 1.2), 0, 255)
    rgb = cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB) * rng.uniform(0.65, 1.2) + rng.uniform(-15, 25)
    return np.concatenate([np.clip(rgb, 0, 255).astype(np.uint8), opacity], axis=-1)


def soft_edged(pixels: np.ndarray, feather: float) -> np.ndarray:
    """Plain RGBA to premultiplied float32 RGBA, its opacity blurred by `feather` pixels towards the inside."""
    opacity = pixels[..., 3].astype(np.float32)
    if feather > 0.3:
        opacity = np.minimum(opacity, cv2.GaussianBlur(opacity, (0, 0), feather) * 1.15)
    return np.concatenate([pixels[..., :3] * (opacity / 255)[..., None], opacity[..., None]], axis=-1, dtype=np.float32)


def shrink_scene(image: np.ndarray, camera: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Shrinks a scene that is far larger than its crop, so that sampling it does not alias; adapts the camera."""
    zoom = np.sqrt(np.abs(np.linalg.det(camera[:, :, :2]))).max()
    if zoom > 0.8:
        return image, camera
    height, width = (max(2, round(side * zoom)) for side in image.shape[:2])
    small = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return small, chain(camera, scaling(image.shape[1] / width, image.shape[0] / height))


def paste(frame: np.ndarray, ids: np.ndarray, actor: Actor, t: int, number: int) -> None:
    """Blends the actor into the frame and gives its opaque pixels to `number` (0: nobody); only its bounding box is touched."""
    height, width = actor.pixels.shape[:2]
    corners = actor.placement[t] @ np.array([[0, width, 0, width], [0, 0, height, height], [1, 1, 1, 1]], float)
    left, top = np.maximum(np.floor(corners.min(axis=1)).astype(int) - 1, 0)
    right, bottom = np.minimum(np.ceil(corners.max(axis=1)).astype(int) + 1, (frame.shape[1], frame.shape[0]))
    if left >= right or top >= bottom:
        return
    matrix = actor.placement[t].copy()
    matrix[:, 2] -= (left, top)
    layer = cv2.warpAffine(actor.pixels, matrix, (int(right - left), int(bottom - top)), flags=cv2.INTER_LINEAR)
    opacity = layer[..., 3:]
    below = frame[top:bottom, left:right]
    below[:] = np.clip(below * (1 - opacity / 255) + layer[..., :3], 0, 255)
    ids[top:bottom, left:right][opacity[..., 0] > 127.5] = number


def degraded(rng: np.random.Generator, frames: np.ndarray) -> np.ndarray:
    """What cameras and codecs do, the same over the clip: light and colour cast, blur, sensor noise, JPEG blocks."""
    if rng.random() < 0.5:
        cast = rng.uniform(0.85, 1.15) * rng.uniform(0.94, 1.06, 3)
        table = np.clip(255 * (np.arange(256) / 255)[:, None] ** rng.uniform(0.8, 1.25) * cast, 0, 255).astype(np.uint8)
        frames = np.stack([cv2.LUT(frame, table[None]) for frame in frames])
    blur = rng.uniform(0.4, 1.0) if rng.random() < 0.3 else 0.0
    noise = rng.uniform(1, 7) if rng.random() < 0.4 else 0.0
    quality = int(rng.integers(35, 90)) if rng.random() < 0.35 else 0
    grain = (noise * rng.standard_normal(frames.shape[1:], np.float32)).astype(np.int16)
    for frame in frames:
        if blur:
            cv2.GaussianBlur(frame, (0, 0), blur, dst=frame)
        if noise:  # one field of grain, shifted from frame to frame
            shift = tuple(rng.integers(0, frame.shape[0], 2))
            frame[:] = np.clip(frame + np.roll(grain, shift, axis=(0, 1)), 0, 255)
        if quality:
            coded = cv2.imencode(".jpg", frame[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            frame[:] = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))[..., ::-1]
    return frames
