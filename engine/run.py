"""The inner loop of everything that runs a model over a video: the command line, the studio's worker, the Try page.

In: a session and an open source. Out: a generator of `FrameResult`, one per frame that went through the net. Who consumes it
owns progress, storage and cancelling: to stop, stop iterating; the session then holds what was done so far, and
`session.finish()` gives the result of it. While a frame is tracked and consumed, the net sees the next ones and those after
them are decoded. Also here: where and how precisely a net computes.
"""

from collections.abc import Generator
from contextlib import closing
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch

from engine.errors import CtvisError
from engine.pipeline import ahead
from engine.query_decoder import FrameOutput
from engine.session import VideoSession
from engine.tracker import Observation
from engine.video import VideoSource

AHEAD = 2  # frames that wait, decoded or seen by the net, beside those in work


class FrameResult(NamedTuple):
    """ordinal: of the frame in the source, 0-based. rgb: uint8 (H, W, 3). observations: the tracks seen in it."""

    ordinal: int
    rgb: np.ndarray
    observations: list[Observation]


class _Prepared(NamedTuple):
    """A decoded frame, and as the net wants it: (3, H, W)."""

    ordinal: int
    rgb: np.ndarray
    pixels: torch.Tensor


class _Seen(NamedTuple):
    """A frame, and what the net says of it: logits (Q, K+1), masks (Q, h, w), embeds (Q, C)."""

    ordinal: int
    rgb: np.ndarray
    output: FrameOutput


def segment_video(
    session: VideoSession,
    source: VideoSource,
    start: int = 0,
    stop: int | None = None,
    step: int = 1,
    autocast: torch.dtype | None = None,
    clip: int = 1,
) -> Generator[FrameResult, None, None]:
    """Run every `step`th frame of [start, stop) through the session, whose own count is of the frames it is given.

    `autocast`: torch.bfloat16 or torch.float16 lets the net do in it what is safe in it.
    `clip`: how many frames the net sees at once. They are tracked one by one all the same.
    """
    prepared = ahead(_prepare(session, source, start, stop, step), clip + AHEAD)
    seen = ahead(_see(session, prepared, autocast, clip), AHEAD)
    with closing(seen):
        for ordinal, rgb, output in seen:
            yield FrameResult(ordinal, rgb, session.track(*output))


def _prepare(
    session: VideoSession, source: VideoSource, start: int, stop: int | None, step: int
) -> Generator[_Prepared, None, None]:
    for ordinal, rgb in source.frames(start, stop, step):
        yield _Prepared(ordinal, rgb, session.prepare(rgb))


def _see(
    session: VideoSession, frames: Generator[_Prepared, None, None], autocast: torch.dtype | None, clip: int
) -> Generator[_Seen, None, None]:
    with closing(frames):
        while batch := list(islice(frames, clip)):
            outputs = see(session, torch.stack([frame.pixels for frame in batch]), autocast)
            yield from (_Seen(*frame[:2], output) for frame, output in zip(batch, outputs, strict=True))


@torch.inference_mode()
def see(session: VideoSession, frames: torch.Tensor, autocast: torch.dtype | None = None) -> list[FrameOutput]:
    """What the session's net says of each of prepared frames (N, 3, H, W), as `session.track` takes it."""
    if autocast is None:
        output = session.model(frames)
    else:
        with torch.autocast(frames.device.type, autocast):
            output = session.model(frames)
        # Tracking compares small differences: it is done in full precision.
        output = FrameOutput(*(tensor.float() for tensor in output))
    return [FrameOutput(*parts) for parts in zip(*output, strict=True)]


def step_frame(session: VideoSession, rgb: np.ndarray, autocast: torch.dtype | None = None) -> list[Observation]:
    """The tracks seen in the session's next frame, uint8 (H, W, 3), with the net in half precision if `autocast` says so."""
    (output,) = see(session, session.prepare(rgb)[None], autocast)
    return session.track(*output)


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
