"""The inner loop of everything that runs a model over a video: the command line, the studio's worker, the Try page.

In: a session and an open source. Out: a generator of `FrameResult`, one per frame that went through the net. Who consumes it
owns progress, storage and cancelling: to stop, stop iterating; the session then holds what was done so far, and
`session.finish()` gives the result of it. Also here: where and how precisely a net computes.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from engine.errors import CtvisError
from engine.session import VideoSession
from engine.tracker import Observation
from engine.video import VideoSource


class FrameResult(NamedTuple):
    """ordinal: of the frame in the source, 0-based. rgb: uint8 (H, W, 3). observations: the tracks seen in it."""

    ordinal: int
    rgb: np.ndarray
    observations: list[Observation]


def segment_video(
    session: VideoSession,
    source: VideoSource,
    start: int = 0,
    stop: int | None = None,
    step: int = 1,
    autocast: torch.dtype | None = None,
) -> Iterator[FrameResult]:
    """Run every `step`th frame of [start, stop) through the session, whose own count is of the frames it is given.

    `autocast`: torch.bfloat16 or torch.float16 lets the net do in it what is safe in it; the weights keep their precision.
    """
    for ordinal, rgb in source.frames(start, stop, step):
        yield FrameResult(ordinal, rgb, step_frame(session, rgb, autocast))


@torch.inference_mode()
def step_frame(session: VideoSession, rgb: np.ndarray, autocast: torch.dtype | None = None) -> list[Observation]:
    """The tracks seen in the session's next frame, uint8 (H, W, 3), with the net in half precision if `autocast` says so."""
    if autocast is None:
        return session.step(rgb)
    frames = session.prepare(rgb)[None]
    with torch.autocast(frames.device.type, autocast):
        output = session.model(frames)
    # Tracking compares small differences: it is done in full precision.
    return session.track(output.logits[0].float(), output.masks[0].float(), output.embeds[0].float())


def pick_device(name: str | None = None) -> torch.device:
    """The named device ("cpu", "cuda", "cuda:1", "mps"); by default the GPU if there is one."""
    if name is None:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device).item()
    except (RuntimeError, AssertionError, NotImplementedError, ValueError) as error:
        raise CtvisError(
            f"The device '{name}' cannot be used here. Available: {', '.join(available_devices())}."
        ) from error
    return device


def available_devices() -> list[str]:
    """The names of the devices that nets can run on, "cpu" first."""
    gpus = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return ["cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])]
