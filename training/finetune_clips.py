"""Clips to fine-tune on: the frames of a snapshot as they are, and compositions with cut-outs of their objects.

In: a `TaughtSet` and the folder of its pictures. Out: `ClipBatch`es; the one of a step follows from the seed and the step alone, so
a run that was killed goes on with the same. Categories are drawn by the square root of how often they are there, so rare ones come
more often than their share. Regions that are ignored or rejected go along as instances of labels of their own until the end, where
they become the target's doubt; what moves, crops or covers them does not need to know. Categories that the net does not know yet
have a share of their own, however many known ones there are beside them.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np
import torch

from engine.errors import DataError
from training.backgrounds import Scene
from training.clip_batch import ClipBatch, ClipTarget
from training.doubt import Doubt
from training.finetune_config import FinetuneConfig
from training.finetune_data import TaughtSet, TaughtVideo, decoded, read_frame
from training.motion import random_camera
from training.sprites import Sprite
from training.synthetic import Clip, clip_from_ids, compose, degraded

IGNORED, REJECTED = -2, -3  # labels of regions
MOST_TRACKS = 250  # of one frame: ids are bytes
WINDOW = 10  # taught frames to each side, among which a clip's others are chosen
CUT_OUTS, LEAST_AREA = 6, 100  # of a track, pixels of one
SIZES = (0.85, 1.0, 1.0, 1.15)  # of a batch, beside the frame size that was asked for
REJECTED_WEIGHT = 0.5  # of frames that are known for what is not in them, beside a category's
LEAST_NEW = 1 / 3  # of what is drawn, for the categories that are new together

Place = tuple[TaughtVideo, int]


class TaughtClips:
    """Draws batches; keeps the cut-outs in memory, and reads frames when it needs them."""

    def __init__(
        self, taught: TaughtSet, pictures: Path, config: FinetuneConfig, longest: int = 1333, new: Collection[int] = ()
    ) -> None:
        """longest: of a frame's edges, in pixels. new: the labels that the net does not know yet."""
        self.pictures, self.config, self.longest = pictures, config, longest
        pools = _pools(taught)
        self.pools = list(pools.values())
        if not taught.taught_labels:
            raise DataError("No verified mask teaches anything. Verify masks in videos that are not held out.")
        self.weights = shares({label: _weight(pool) for label, pool in pools.items()}, new)
        self.cut_outs = cut_outs(taught, pictures)
        self.cut_out_weights = shares(dict.fromkeys(self.cut_outs, 1.0), new)

    def batch(self, step: int) -> ClipBatch:
        """The batch of a step; its clips share one size."""
        rng = np.random.default_rng([self.config.seed, step])
        anchors = [self._anchor(rng) for _ in range(self.config.clips)]
        size = self._size(rng, anchors[0][0])
        clips, targets = [], []
        for anchor in anchors:
            composed = bool(self.cut_outs) and rng.random() < self.config.composed
            clip, whole = (self.composed if composed else self.filmed)(rng, anchor, size)
            clips.append(clip.frames)
            targets.append(as_target(clip, whole))
        frames = torch.from_numpy(np.stack(clips)).permute(0, 1, 4, 2, 3).contiguous()
        return ClipBatch(frames, targets)

    def filmed(self, rng: np.random.Generator, anchor: Place, size: tuple[int, int]) -> tuple[Clip, np.ndarray]:
        """Frames of the video near the anchor, forwards or backwards, seen by a moving camera or as a whole."""
        video, place = anchor
        near = [p for p in range(len(video.ordinals)) if p != place and abs(p - place) <= WINDOW]
        others = rng.permutation(near)[: self.config.length - 1].tolist()
        repeated = [place] * (self.config.length - len(others))  # a frame alone stands still but for the camera
        places = sorted([*others, *repeated], reverse=bool(rng.random() < 0.5))
        tracks = [t for t in range(len(video.tracks)) if any(video.tracks[t].codes[p] for p in places)][:MOST_TRACKS]
        flip, camera = rng.random() < 0.5, None
        frames, ids = np.empty((len(places), *size, 3), np.uint8), np.empty((len(places), *size), np.uint8)
        for t, p in enumerate(places):
            image, owners = self.frame(video, p, tracks)
            if flip:
                image, owners = image[:, ::-1], owners[:, ::-1]
            if camera is None:
                camera = _camera(rng, owners.shape, size, len(places))
            matrix, extent = camera[t], size[::-1]
            frames[t] = cv2.warpAffine(image, matrix, extent, flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REFLECT_101)
            ids[t] = cv2.warpAffine(owners, matrix, extent, flags=cv2.INTER_NEAREST)
        clip = clip_from_ids(frames, ids, _labels(video, tracks))
        if rng.random() < 0.5:
            clip = Clip(degraded(rng, clip.frames), clip.masks, clip.labels)
        return clip, np.array([video.whole[p] for p in places])

    def composed(self, rng: np.random.Generator, anchor: Place, size: tuple[int, int]) -> tuple[Clip, np.ndarray]:
        """The anchor under a moving camera, with one to three cut-outs on their ways across it."""
        video, place = anchor
        tracks = [t for t in range(len(video.tracks)) if video.tracks[t].codes[place]][:MOST_TRACKS]
        image, ids = self.frame(video, place, tracks)
        scene = Scene(image, ids, tuple(_labels(video, tracks).tolist()), "", "")
        pools = list(self.cut_outs.values())
        cast = []
        for _ in range(rng.integers(1, 4)):
            pool = pools[rng.choice(len(pools), p=self.cut_out_weights)]
            cast.append(pool[rng.integers(len(pool))])
        stride = float(np.exp(rng.uniform(0, np.log(6))))
        clip = compose(rng, scene, cast, size, self.config.length, stride, degrade=rng.random() < 0.5)
        return clip, np.full(self.config.length, video.whole[place])

    def frame(self, video: TaughtVideo, place: int, tracks: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
        """A picture and whose its pixels are, uint8 (h, w): 1 ignored, 2 rejected, then the tracks in order; 0 nobody's."""
        image = read_frame(self.pictures, video.video.file_names[place])
        size = (image.shape[0], image.shape[1])
        ids = np.zeros(size, np.uint8)
        layers = [(1, video.ignored), (2, video.rejected)]
        for number, codes in [(number, codes) for number, layer in layers for codes in layer]:
            if code := codes[place]:
                ids[decoded(code, size)] = number
        for number, track in enumerate(tracks, start=3):
            if code := video.tracks[track].codes[place]:
                ids[decoded(code, size)] = number
        return image, ids

    def _anchor(self, rng: np.random.Generator) -> Place:
        pool = self.pools[rng.choice(len(self.pools), p=self.weights)][0]
        return pool[rng.integers(len(pool))]

    def _size(self, rng: np.random.Generator, video: TaughtVideo) -> tuple[int, int]:
        """Height and width of a batch: the video's own aspect, in steps of 16 pixels."""
        short = max(32.0, self.config.short_edge * SIZES[rng.integers(len(SIZES))])
        scale = min(short / min(video.size), self.longest / max(video.size))
        height, width = (max(32, 16 * round(edge * scale / 16)) for edge in video.size)
        return height, width


def shares(weights: Mapping[int, float], new: Collection[int]) -> np.ndarray:
    """How often each label is drawn, in the order of `weights`: by its weight, the new ones together at least LEAST_NEW of all."""
    found = np.array(list(weights.values())) / max(sum(weights.values()), 1e-9)
    is_new = np.isin(list(weights), list(new))
    share = found[is_new].sum()
    if 0 < share < LEAST_NEW:
        found = np.where(is_new, found * LEAST_NEW / share, found * (1 - LEAST_NEW) / (1 - share))
    return found


def as_target(clip: Clip, whole: np.ndarray) -> ClipTarget:
    """The instances of a clip, and its regions as doubt. whole: bool (T,)."""
    instances = clip.labels >= 0
    ignored, rejected = (torch.from_numpy(clip.masks[clip.labels == label].any(0)) for label in (IGNORED, REJECTED))
    doubt = Doubt(ignored, rejected, torch.from_numpy(whole))
    return ClipTarget(torch.from_numpy(clip.labels[instances]), torch.from_numpy(clip.masks[instances]), doubt)


def cut_outs(taught: TaughtSet, pictures: Path) -> dict[int, list[Sprite]]:
    """The verified objects by label, in the order of labels: a few looks at each track, as sprites."""
    found: dict[int, list[Sprite]] = defaultdict(list)
    for video in taught.teaching:
        for track in video.tracks:
            seen = [place for place, code in enumerate(track.codes) if code]
            picked = np.unique(np.linspace(0, len(seen) - 1, min(CUT_OUTS, len(seen))).astype(int))
            for place in (seen[index] for index in picked):
                code = track.codes[place]
                image = read_frame(pictures, video.video.file_names[place])
                mask = decoded(code, image.shape[:2]) if code else np.zeros(image.shape[:2], bool)
                if mask.sum() >= LEAST_AREA:
                    found[track.label].append(_cut_out(image, mask, track.label))
    return dict(sorted(found.items()))


def picture_size(video: tuple[int, int], config: FinetuneConfig, longest: int = 1333) -> tuple[int, int]:
    """Height and width in which a teaching frame is to be kept: half as large again as the net sees it, for crops."""
    short = min(round(1.5 * config.short_edge), min(video))
    scale = min(1.0, short / min(video), 1.5 * longest / max(video))
    return max(1, round(video[0] * scale)), max(1, round(video[1] * scale))


def _cut_out(image: np.ndarray, mask: np.ndarray, label: int) -> Sprite:
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    box = slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)
    alpha = mask[box].astype(np.uint8)[..., None]
    pixels = np.concatenate([image[box] * alpha, 255 * alpha], axis=-1)
    framed = cv2.copyMakeBorder(pixels, 2, 2, 2, 2, cv2.BORDER_CONSTANT)
    return Sprite(framed, label, "stamp", "", "")


def _labels(video: TaughtVideo, tracks: Sequence[int]) -> np.ndarray:
    return np.array([IGNORED, REJECTED, *(video.tracks[track].label for track in tracks)], np.int64)


def _camera(rng: np.random.Generator, scene: tuple[int, ...], size: tuple[int, int], length: int) -> np.ndarray:
    """Matrices (T, 2, 3): half of the clips see the whole picture, as at inference."""
    if rng.random() < 0.5:
        scale = max(size[0] / scene[0], size[1] / scene[1])
        offset = (np.array(size[::-1]) - scale * np.array(scene[1::-1])) / 2
        return np.repeat(np.array([[[scale, 0, offset[0]], [0, scale, offset[1]]]]), length, axis=0)
    return random_camera(rng, np.arange(length, dtype=float), (scene[0], scene[1]), size, rng.uniform(0, 0.7))


def _pools(taught: TaughtSet) -> dict[int, tuple[list[Place], float]]:
    """Frames by what they are drawn for: a label, or the absence of something, with a factor on their weight."""
    found: dict[int, list[Place]] = defaultdict(list)
    for video in taught.teaching:
        for place in range(len(video.ordinals)):
            labels = {track.label for track in video.tracks if track.codes[place]}
            empty = not labels or any(codes[place] for codes in video.rejected)
            for label in labels | ({REJECTED} if empty else set()):
                found[label].append((video, place))
    return {label: (places, REJECTED_WEIGHT if label == REJECTED else 1.0) for label, places in found.items()}


def _weight(pool: tuple[list[Place], float]) -> float:
    places, factor = pool
    return factor * float(np.sqrt(len(places)))
