"""What a net found in a frame, painted on it: the pictures beside a training's curves."""

from collections.abc import Sequence

import cv2
import numpy as np

from studio.formats.overlay import DrawnTrack, draw_overlay
from training.samples import Sample

STRIP_HEIGHT = 240  # pixels


def draw_sample(sample: Sample) -> np.ndarray:
    """The frame, uint8 (H, W, 3), with its objects, each in its track's colour."""
    tracks = [
        DrawnTrack(found.track + 1, found.mask, (found.category.replace("_", " "), f"{found.score:.0%}"))
        for found in sample.objects
    ]
    return draw_overlay(sample.rgb, tracks)


def draw_strip(samples: Sequence[Sample]) -> np.ndarray:
    """Frames of one video side by side, small."""
    return np.concatenate([_small(draw_sample(sample)) for sample in samples], axis=1)


def _small(picture: np.ndarray) -> np.ndarray:
    width = max(1, round(picture.shape[1] * STRIP_HEIGHT / picture.shape[0]))
    return cv2.resize(picture, (width, STRIP_HEIGHT), interpolation=cv2.INTER_AREA)
