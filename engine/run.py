"""The inner loop of everything that runs a model over a video: the command line, the studio's worker, the Try page.

In: a session and an open source. Out: a generator of `FrameResult`, one per frame that went through the net. Who consumes it
owns progress, storage and cancelling: to stop, stop iterating; the session then holds what was done so far, and
`session.finish()` gives the result of it. While a frame is tracked and consumed, the net sees the next ones and those after
them are decoded. Also here: where, how precisely and with how many threads a net computes.
"""

from collections.abc import Callable, Generator, Iterator
from contextlib import closing, contextmanager
from itertools import islice
from typing import NamedTuple

import numpy as np
import torch

from engine.errors import CtvisError
from engine.pipeline import ahead, side_by_side
from engine.query_decoder import FrameOutput
from engine.session import VideoSession
from engine.tracker import Observation
from engine.tuning import is_compiled
from engine.video import VideoSource

AHEAD = 2  # decoded frames that wait for the net
MOST_AT_ONCE = 4  # batches that the net sees at the same time on a CPU: each takes memory


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
    threads = torch.get_num_threads()
    workers = _at_once(session.model, threads)

    def seen(batch: list[_Prepared]) -> list[FrameOutput]:
        with torch_threads(threads // workers, afterwards=threads):
            return see(session, torch.stack([frame.pixels for frame in batch]), autocast)

    batches = _batches(ahead(_prepare(session, source, start, stop, step), clip + AHEAD), clip)
    with closing(side_by_side(lambda batch: (batch, seen(batch)), batches, workers)) as results:
        for batch, outputs in results:
            for frame, output in zip(batch, outputs, strict=True):
                with torch_threads(
                    1, afterwards=threads
                ):  # tracking is too small to share out; the others are the net's
                    observations = session.track(*output)
                yield FrameResult(frame.ordinal, frame.rgb, observations)


def _prepare(
    session: VideoSession, source: VideoSource, start: int, stop: int | None, step: int
) -> Generator[_Prepared, None, None]:
    for ordinal, rgb in source.frames(start, stop, step):
        yield _Prepared(ordinal, rgb, session.prepare(rgb, ordinal))


def _batches(frames: Generator[_Prepared, None, None], clip: int) -> Generator[list[_Prepared], None, None]:
    with closing(frames):
        while batch := list(islice(frames, clip)):
            yield batch


def _at_once(model: torch.nn.Module, threads: int) -> int:
    """How many batches the net sees at the same time, on as many threads each.

    On a CPU, threads that share a layer wait for each other at its end, and for whatever else the processor does meanwhile;
    frames do not. A compiled net has its number of threads compiled in, and a GPU does one thing after the other.
    """
    if next(model.parameters()).device.type != "cpu" or is_compiled(model):
        return 1
    return max(count for count in range(1, MOST_AT_ONCE + 1) if threads % count == 0)


@contextmanager
def torch_threads(count: int, afterwards: int) -> Iterator[None]:
    """Have torch use so many threads for what the calling thread does; the number afterwards also goes for new threads."""
    torch.get_num_threads()  # the first call in a thread sets its number; made later, it would undo the next line
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(afterwards)


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


def is_emulated(dtype: torch.dtype, device: torch.device) -> bool:
    """Whether the device has no arithmetic of its own in this half precision: it then takes up to some hundred times float32's
    time. That holds for most processors of laptops."""
    if device.type == "cuda":
        return dtype is torch.bfloat16 and not torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu" or dtype not in (torch.bfloat16, torch.float16):
        return False
    if not torch.backends.mkldnn.is_available():
        return True
    bfloat16, float16 = torch.ops.mkldnn._is_mkldnn_bf16_supported, torch.ops.mkldnn._is_mkldnn_fp16_supported
    return not (bfloat16() if dtype is torch.bfloat16 else float16())


def warn_if_emulated(dtype: torch.dtype, device: torch.device, say: Callable[[str], object]) -> None:
    """Tell a person who asked for it."""
    if is_emulated(dtype, device):
        name, place = str(dtype).removeprefix("torch."), "processor" if device.type == "cpu" else "GPU"
        say(
            f"This {place} has no arithmetic in {name}: that will be many times slower than float32. Better leave it out."
        )


def available_devices() -> list[str]:
    """The names of the devices that nets can run on, "cpu" first."""
    gpus = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    return ["cpu", *gpus, *(["mps"] if torch.backends.mps.is_available() else [])]
