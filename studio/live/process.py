"""The process of one live session: `python -m studio.live.process --home DIR --model NAME --recording FILE`.

Reads JPEG frames from standard input, follows what they show, answers each on standard output (see `wire.py`), and keeps the
frames as an mp4. It ends when its input does, so it never outlives the web process. It leaves half of the cores to others.
"""

import argparse
import os
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

import cv2
import numpy as np
import torch

from engine.errors import CtvisError, DataError
from engine.run import pick_device
from engine.tuning import keep_freed_memory, tune
from studio.formats.overlay import OverlayWriter
from studio.jobs.models import find_model
from studio.live.follower import Follower, Seen
from studio.live.wire import JpegFrame, receive_frame, send_answer
from studio.palette import track_color
from studio.prediction import Settings
from studio.settings import Home
from studio.store import Store


def serve_frames(follower: Follower, recording: "Recording", frames: IO[bytes], answers: IO[bytes]) -> None:
    """Answer every frame until there are no more."""
    while (frame := receive_frame(frames)) is not None:
        try:
            rgb = decode_jpeg(frame)
            seen = follower.step(rgb, frame.seconds)
        except CtvisError as error:
            send_answer(answers, {"error": str(error)})
            continue
        follower.take_ended()  # nobody asks for them here; taking them is what bounds the session
        send_answer(answers, {"tracks": [_view(one) for one in seen], "recorded": recording.seconds})
        recording.write(rgb, frame.seconds)  # after the answer, which it need not delay


def decode_jpeg(frame: JpegFrame) -> np.ndarray:
    """The picture, uint8 RGB (H, W, 3)."""
    bgr = cv2.imdecode(np.frombuffer(frame.jpeg, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if bgr is None:
        raise DataError("The frame is no whole JPEG: send it again.")
    return np.ascontiguousarray(bgr[..., ::-1])


def _view(one: Seen) -> dict[str, Any]:
    return {
        "track": one.track_id,
        "category": one.category.name,
        "score": round(one.score, 4),
        "color": track_color(one.track_id),
        **one.rle,
    }


class Recording:
    """The frames as an mp4, up to `limit` bytes; `seconds` says how much of the session it holds."""

    def __init__(self, path: Path, limit: int) -> None:
        self.seconds = 0.0
        self._writer = OverlayWriter(path, fps=10, endless=True)
        self._limit = limit
        self._first: float | None = None

    def write(self, rgb: np.ndarray, seconds: float) -> None:
        if self._writer.size > self._limit:
            return
        self._first = seconds if self._first is None else self._first
        self._writer.write(rgb, seconds)
        self.seconds = seconds - self._first

    def close(self) -> None:
        self._writer.close()


def main(arguments: list[str] | None = None) -> int:
    """0 when the input has ended, 1 if the model cannot run."""
    parser = argparse.ArgumentParser(prog="studio.live.process", description="One live session of one studio.")
    parser.add_argument("--home", type=Path, required=True, help="the studio's home folder")
    parser.add_argument("--model", required=True, help="the name of a model")
    parser.add_argument("--recording", type=Path, required=True, help="the mp4 to write")
    parser.add_argument("--limit", type=int, required=True, help="bytes of the recording")
    parser.add_argument("--score-threshold", type=float, help="what scores below is left out")
    options = parser.parse_args(arguments)
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # whatever a library prints goes to the log
    torch.set_num_threads(max(1, (os.cpu_count() or 2) // 2))
    try:
        follower = load(options)
    except CtvisError as error:
        send_answer(answers, {"error": str(error)})
        return 1
    with ExitStack() as stack:
        recording = Recording(options.recording, options.limit)
        stack.callback(recording.close)
        send_answer(answers, {"ready": True})
        serve_frames(follower, recording, sys.stdin.buffer, answers)
    return 0


def load(options: argparse.Namespace) -> Follower:
    """The model that was asked for, ready to follow."""
    home = Home(options.home)
    store = Store(home.database)
    try:
        model, preset = find_model(home, store.database, options.model).load()
    finally:
        store.close()
    tune(model.to(pick_device()))
    keep_freed_memory()
    return Follower(model, preset, Settings(score_threshold=options.score_threshold))


if __name__ == "__main__":
    sys.exit(main())
