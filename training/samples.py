"""What a net finds in a few frames, for the eye: beside the losses of a run.

In: a net, and frames of annotated videos. Out: `Sample`s, frames with the objects found in them. They are drawn elsewhere.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from engine import CTVIS, Preset
from engine import masks as rle
from engine.session import VideoSession
from training.evaluate import open_frames
from training.ytvis import Dataset

VIDEOS, FRAMES = 3, 3  # of a validation set that are shown, and of each of these
SHOWN_SCORE = 0.3  # of an object in a picture


class Found(NamedTuple):
    """An object in a picture. track: the same in all frames of a video; mask: bool (H, W)."""

    track: int
    category: str
    score: float
    mask: np.ndarray


@dataclass(frozen=True, eq=False)
class Sample:
    """A frame, uint8 RGB (H, W, 3), and what the net finds in it. video: its number in the data."""

    video: int
    ordinal: int
    rgb: np.ndarray
    objects: list[Found]


@dataclass(frozen=True, eq=False)
class Sampled:
    """An event of a run: pictures of this step, frames of a video one after the other."""

    step: int
    samples: list[Sample]


def validation_samples(model: CTVIS, preset: Preset, dataset: Dataset, images: Path) -> list[Sample]:
    """A few frames of a few videos, always the same ones, from the beginning of each to its end."""
    videos = list(dataset.videos.values())
    samples = []
    for place in _spread(len(videos), VIDEOS):
        video = videos[place]
        with open_frames(video, images) as source:
            session = VideoSession(
                model, (video.height, video.width), preset.tracker, frame_format=preset.frame, fps=source.fps
            )
            for ordinal in _spread(video.length, FRAMES):
                rgb = source.frame(ordinal)
                samples.append(Sample(video.id, ordinal, rgb, find_objects(session, preset, rgb)))
    return samples


def find_objects(session: VideoSession, preset: Preset, rgb: np.ndarray) -> list[Found]:
    """The likely objects in the session's next frame."""
    objects = []
    for seen in session.step(rgb):
        score, label = torch.as_tensor(seen.logits).softmax(-1)[:-1].max(-1)
        if score >= SHOWN_SCORE and seen.rle is not None:
            category = preset.categories[int(label)].name
            objects.append(Found(seen.track_id, category, float(score), rle.decode(seen.rle)))
    return objects


def _spread(count: int, most: int) -> list[int]:
    """At most so many numbers from 0 to count - 1, evenly."""
    return np.unique(np.linspace(0, count - 1, min(most, count)).astype(int)).tolist()
