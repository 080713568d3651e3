"""Clips to train on, drawn from annotated data sets: frames of videos, and pseudo-videos made of single pictures.

In: `Source`s, indexes with the folders of their pictures. Out: `ClipBatch`es; the batch of a step follows from the seed and the
step alone, whoever makes it, so a run that was killed goes on with the same. As published, a clip is a frame and others drawn
with replacement from those near it, in their order; all clips of a batch come from one data set, unless they are to be `mixed`.
Clips of a batch that differ in size are padded at the right and below with the mean colour, which is what the net pads with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import torch
from torch.utils.data import Dataset as TorchDataset

from engine import masks
from engine.config import Category
from engine.errors import DataError
from training.annotation_index import AnnotationIndex
from training.augmentation import Augmentation, Matrices, Size, image_matrices, looked_at, video_matrices
from training.clip_batch import ClipBatch, ClipTarget
from training.copy_paste import Clip, with_pasted
from training.evaluate import plain_name

LEAST_AREA = 1  # pixels of an instance in a frame, below which it is not there


@dataclass(frozen=True)
class Source:
    """A data set to draw from. pictures: where its file names start; labels: the net's category of each of the index's, or None for
    one to leave out; reach: how many frames a clip's others may be away; share: of the batches, in relation to other sources."""

    index: AnnotationIndex
    pictures: Path
    labels: tuple[int | None, ...]
    reach: int
    share: float = 1.0


class ClipShape(NamedTuple):
    """clips in a batch, and frames in a clip."""

    clips: int
    frames: int


def source_of(
    index: AnnotationIndex, pictures: Path, categories: Sequence[Category], reach: int, share: float = 1.0
) -> Source:
    """A source for a net with these categories, paired by name. DataError if they have none in common."""
    places = {plain_name(category.name): place for place, category in enumerate(categories)}
    labels = tuple(places.get(plain_name(category.name)) for category in index.categories)
    if not any(label is not None for label in labels):
        raise DataError(
            "The data set and the net have no category name in common. Name a preset with the data set's categories."
        )
    return Source(index, pictures, labels, reach, share)


def near(rng: np.random.Generator, length: int, frames: int, reach: int) -> list[int]:
    """Which frames of a video make a clip, in their order: one of all, the others of those at most `reach` away, with
    replacement."""
    middle = int(rng.integers(length))
    first, last = max(0, middle - reach), min(length - 1, middle + reach)
    others = [frame for frame in range(first, last + 1) if frame != middle] or [middle]
    return sorted([middle, *rng.choice(others, frames - 1).tolist()])


class DatasetClips(TorchDataset[ClipBatch]):
    """Item s is the batch of step s, of process `rank` of `world`. For a DataLoader with batch_size=None."""

    def __init__(
        self,
        sources: Sequence[Source],
        shape: ClipShape,
        how: Augmentation,
        steps: int,
        mean: tuple[float, float, float],
        seed: int = 0,
        rank: int = 0,
        world: int = 1,
        mixed: bool = False,
    ) -> None:
        """mean: the colour that is padded with, RGB 0..255; mixed: each clip of a batch may come from another source."""
        self.sources, self.shape, self.how, self.steps, self.mean = tuple(sources), shape, how, steps, mean
        self.seed, self.rank, self.world, self.mixed = seed, rank, world, mixed
        shares = np.array([source.share for source in self.sources])
        self._chances = shares / shares.sum()

    def __len__(self) -> int:
        return self.steps

    def __getitem__(self, step: int) -> ClipBatch:
        rng = np.random.default_rng([self.seed, step, self.rank])
        source = self._source(rng)
        clips = [self.clip(rng, self._source(rng) if self.mixed and n else source) for n in range(self.shape.clips)]
        return padded(clips, self.mean)

    def _source(self, rng: np.random.Generator) -> Source:
        return self.sources[rng.choice(len(self.sources), p=self._chances)]

    def clip(self, rng: np.random.Generator, source: Source) -> Clip:
        """Of any video of the source; a picture may get objects of another one."""
        clip, from_picture = self._view(rng, source)
        if from_picture and self.how.paste_chance and rng.random() < self.how.paste_chance:
            return with_pasted(rng, clip, self._view(rng, source)[0])
        return clip

    def _view(self, rng: np.random.Generator, source: Source) -> tuple[Clip, bool]:
        """A clip, and whether it was made of a single picture."""
        video = int(rng.integers(len(source.index)))
        entry = source.index.videos[video]
        size = entry.height, entry.width
        from_picture = len(entry.file_names) == 1
        if from_picture:
            frames = [0] * self.shape.frames
            matrices, cut = image_matrices(rng, size, self.shape.frames, self.how)
        else:
            frames = near(rng, len(entry.file_names), self.shape.frames, source.reach)
            matrices, cut = video_matrices(rng, size, self.shape.frames, self.how)
        clip = _pictures(source, video, frames, matrices, cut), _target(source, video, frames, matrices, cut)
        return clip, from_picture


def padded(clips: Sequence[Clip], mean: tuple[float, float, float]) -> ClipBatch:
    """Clips of any sizes on canvases of the largest."""
    height = max(frames.shape[1] for frames, _ in clips)
    width = max(frames.shape[2] for frames, _ in clips)
    canvas = np.empty((len(clips), clips[0][0].shape[0], height, width, 3), np.uint8)
    canvas[:] = np.round(mean).astype(np.uint8)
    targets = []
    for place, (frames, target) in enumerate(clips):
        canvas[place, :, : frames.shape[1], : frames.shape[2]] = frames
        room = (0, width - frames.shape[2], 0, height - frames.shape[1])
        targets.append(ClipTarget(target.labels, torch.nn.functional.pad(target.masks, room)))
    return ClipBatch(torch.from_numpy(canvas).permute(0, 1, 4, 2, 3).contiguous(), targets)


def _pictures(source: Source, video: int, frames: Sequence[int], matrices: Matrices, size: Size) -> np.ndarray:
    entry = source.index.videos[video]
    read: dict[int, np.ndarray] = {}
    for frame in set(frames):
        file = source.pictures / entry.file_names[frame]
        picture = cv2.imread(str(file), cv2.IMREAD_COLOR)
        if picture is None:
            raise DataError(f"{file}, frame {frame} of video {entry.id}, is missing or cannot be read as a picture.")
        if picture.shape[:2] != (entry.height, entry.width):
            raise DataError(
                f"{file} has {picture.shape[1]}x{picture.shape[0]} pixels, the ground truth says {entry.width}x{entry.height}."
            )
        read[frame] = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
    return np.stack([looked_at(read[frame], matrix, size) for frame, matrix in zip(frames, matrices, strict=True)])


def _target(source: Source, video: int, frames: Sequence[int], matrices: Matrices, size: Size) -> ClipTarget:
    """The instances that can be seen in the clip, by their number in the index."""
    found: dict[int, np.ndarray] = {}
    labels: dict[int, int] = {}
    for place, (frame, matrix) in enumerate(zip(frames, matrices, strict=True)):
        for instance, category, rle in source.index.frame(video, frame):
            label = source.labels[category]
            if label is None:
                continue
            mask = looked_at(masks.decode(rle).view(np.uint8), matrix, size, nearest=True)
            if np.count_nonzero(mask) >= LEAST_AREA:
                found.setdefault(instance, np.zeros((len(frames), *size), bool))[place] = mask.astype(bool)
                labels[instance] = label
    numbers = sorted(found)
    stacked = np.stack([found[number] for number in numbers]) if numbers else np.zeros((0, len(frames), *size), bool)
    return ClipTarget(
        torch.tensor([labels[number] for number in numbers], dtype=torch.int64), torch.from_numpy(stacked)
    )
