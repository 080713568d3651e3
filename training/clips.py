"""Training samples for the demo model: batches of single frames and of clips, drawn without end from a sprite library.

In: the folder that `training.sources` builds. Out: `ClipBatch`. Two modes:
"single" (T = 1: half drawn sprites, a quarter photo cut-outs, a quarter annotated photos with objects pasted in) and
"clip" (moving composites; pseudo-videos: an annotated photo under a moving camera, often with objects pasted in).

    loader = DataLoader(ClipBatches(library, "clip", batch_size=2, length=5, seed=step), batch_size=None, num_workers=1)
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch.utils.data import IterableDataset, get_worker_info

from training.backgrounds import Scene, load_scenes, random_texture
from training.clip_batch import ClipBatch, ClipTarget
from training.sprites import Sprite, load_sprites
from training.synthetic import Clip, compose

Mode = Literal["single", "clip"]
SIZES = ((160, 256), (192, 320), (192, 256), (224, 384), (256, 192))  # (height, width) of a batch
CROWD = (0.2, 0.3, 0.25, 0.15, 0.1)  # how probable one to five sprites are
CLIP_CROWD = (0.05, 0.2, 0.3, 0.25, 0.2)  # telling objects apart wants several
MAX_INSTANCES = 12  # a photo with more annotated objects than this is a crowd that a small model cannot hold


@dataclass(frozen=True)
class Cast:
    """Sprites by category, drawn ones and photo cut-outs apart, and the occluders."""

    drawn: dict[int, list[Sprite]]
    photo: dict[int, list[Sprite]]
    occluders: list[Sprite]

    @classmethod
    def of(cls, sprites: Sequence[Sprite]) -> "Cast":
        cast = cls({}, {}, [sprite for sprite in sprites if sprite.category is None])
        for sprite in sprites:
            if sprite.category is not None:
                (cast.photo if sprite.is_photo else cast.drawn).setdefault(sprite.category, []).append(sprite)
        return cast

    def pick(self, rng: np.random.Generator, photo: bool, category: int | None = None) -> Sprite:
        """A sprite of the category (a random one, people twice as often), of the other style where this one has none."""
        if category is None:
            categories = sorted({*self.drawn, *self.photo})
            category = categories[max(0, int(rng.integers(-1, len(categories))))]
        first, second = (self.photo, self.drawn) if photo else (self.drawn, self.photo)
        pool = first.get(category) or second[category]
        return pool[rng.integers(len(pool))]


class ClipSampler:
    """Draws clips; holds the library in memory and no state besides."""

    def __init__(self, sprites: Sequence[Sprite], scenes: Sequence[Scene]) -> None:
        self.cast = Cast.of(sprites)
        self.plain = [scene for scene in scenes if not scene.labels]
        self.annotated = [scene for scene in scenes if 0 < len(scene.labels) <= MAX_INSTANCES]

    def single(self, rng: np.random.Generator, size: tuple[int, int]) -> Clip:
        """One frame (T = 1)."""
        draw = rng.random()
        if draw < 0.25 and self.annotated:
            return self.over_photo(rng, size, 1, 1.0)
        return self.composite(rng, size, 1, 1.0, photo_share=1.0 if draw < 0.5 else 0.1)

    def clip(self, rng: np.random.Generator, size: tuple[int, int], length: int) -> Clip:
        """A clip of `length` frames, one to ten imagined frames apart: mostly near, now and then a leap that only looks bridge."""
        stride = float(np.exp(rng.uniform(0, np.log(10))))
        if rng.random() < 0.35 and self.annotated:
            return self.over_photo(rng, size, length, stride)
        return self.composite(rng, size, length, stride, photo_share=0.4, crowd=CLIP_CROWD)

    def composite(
        self,
        rng: np.random.Generator,
        size: tuple[int, int],
        length: int,
        stride: float,
        photo_share: float,
        degrade: bool = True,
        crowd: tuple[float, ...] = CROWD,
    ) -> Clip:
        """One to five sprites, at times two of a kind, and up to two occluders over a scene without objects of its own."""
        count = int(rng.choice([1, 2, 3, 4, 5], p=crowd))
        players = self.players(rng, count, photo_share)
        return compose(rng, self.scene(rng), players, size, length, stride, degrade)

    def over_photo(self, rng: np.random.Generator, size: tuple[int, int], length: int, stride: float) -> Clip:
        """An annotated photo under a moving camera, with up to two sprites pasted in."""
        scene = self.annotated[rng.integers(len(self.annotated))]
        players = self.players(rng, int(rng.choice([0, 1, 2], p=[0.4, 0.35, 0.25])), 0.6)
        return compose(rng, scene, players, size, length, stride)

    def players(self, rng: np.random.Generator, count: int, photo_share: float) -> list[Sprite]:
        """`count` sprites and zero to two occluders, in random order from back to front."""
        chosen: list[Sprite] = []
        for _ in range(count):
            photo = bool(rng.random() < photo_share)
            if chosen and rng.random() < 0.25:
                twin = chosen[rng.integers(len(chosen))]
                same = rng.random() < 0.5
                chosen.append(twin if same else self.cast.pick(rng, photo, twin.category))
            else:
                chosen.append(self.cast.pick(rng, photo))
        if self.cast.occluders and count:
            for _ in range(rng.choice([0, 1, 2], p=[0.6, 0.3, 0.1])):
                chosen.append(self.cast.occluders[rng.integers(len(self.cast.occluders))])
        return [chosen[index] for index in rng.permutation(len(chosen))]

    def scene(self, rng: np.random.Generator) -> Scene:
        if not self.plain or rng.random() < 0.2:
            return random_texture(rng, (240, 400))
        return self.plain[rng.integers(len(self.plain))]


class ClipBatches(IterableDataset[ClipBatch]):
    """Endless batches whose clips share one size; each loader worker draws its own stream from (`seed`, worker)."""

    def __init__(
        self,
        library: Path,
        mode: Mode,
        batch_size: int,
        length: int = 1,
        sizes: Sequence[tuple[int, int]] = SIZES,
        seed: int = 0,
    ) -> None:
        self.sampler = ClipSampler(load_sprites(library, "train"), load_scenes(library, "train"))
        self.mode, self.batch_size, self.length, self.sizes, self.seed = mode, batch_size, length, tuple(sizes), seed

    def __iter__(self) -> Iterator[ClipBatch]:
        worker = get_worker_info()
        rng = np.random.default_rng([self.seed, worker.id if worker else 0])
        while True:
            size = self.sizes[rng.integers(len(self.sizes))]
            yield collate([self.draw(rng, size) for _ in range(self.batch_size)])

    def draw(self, rng: np.random.Generator, size: tuple[int, int]) -> Clip:
        """One clip with at least one object: a random crop of a photo may show none."""
        while True:
            clip = (
                self.sampler.single(rng, size) if self.mode == "single" else self.sampler.clip(rng, size, self.length)
            )
            if len(clip.labels):
                return clip


def collate(clips: Sequence[Clip]) -> ClipBatch:
    """Stacks clips of one size and length into tensors."""
    frames = torch.from_numpy(np.stack([clip.frames for clip in clips])).permute(0, 1, 4, 2, 3).contiguous()
    targets = [ClipTarget(torch.from_numpy(clip.labels), torch.from_numpy(clip.masks)) for clip in clips]
    return ClipBatch(frames, targets)
