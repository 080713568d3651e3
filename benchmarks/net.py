"""The net alone, the way a video is run: for benchmarks, to compare whole predictions and single frames with.

`seconds_of_net` sends prepared frames through `segment_video` itself, with a session that neither resizes nor tracks anything.
"""

import time
from collections.abc import Iterator

import torch
from torch import Tensor

from engine import CTVIS
from engine.run import segment_video


class PreparedVideo:
    """Frames (T, 3, H, W) as the net wants them, as the source and as the session of a run."""

    def __init__(self, model: CTVIS, pixels: Tensor) -> None:
        self.model, self.pixels = model, pixels

    def frames(self, start: int, stop: int | None, step: int) -> Iterator[tuple[int, int]]:
        """Numbers of frames, in the place of their pictures."""
        return ((number, number) for number in range(len(self.pixels))[start:stop:step])

    def prepare(self, number: int, ordinal: int) -> Tensor:
        return self.pixels[number]

    def track(self, *output: Tensor) -> list:
        return []


def seconds_of_net(model: CTVIS, pixels: Tensor, autocast: torch.dtype | None = None, clip: int = 1) -> float:
    """What the net takes for prepared frames (T, 3, H, W), several of them at a time where `segment_video` does so."""
    video = PreparedVideo(model, pixels)
    start = time.perf_counter()
    for _ in segment_video(video, video, autocast=autocast, clip=clip):  # type: ignore[arg-type]
        pass
    return time.perf_counter() - start
