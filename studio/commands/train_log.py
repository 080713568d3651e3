"""What a training tells, kept and printed: log.jsonl, TensorBoard's files where it is installed, pictures, and lines to read."""

import json
import time
from itertools import groupby
from pathlib import Path
from typing import Any

from rich.console import Console

from studio.finetune.pictures import write_picture
from studio.formats.samples import draw_strip
from training.events import Trained
from training.samples import Sampled
from training.train import Event, Judged


class TrainLog:
    """writes: False in all but the first process of a run."""

    def __init__(self, folder: Path, console: Console, writes: bool) -> None:
        self.folder, self.console, self.writes = folder, console, writes
        self._board = _tensorboard(folder) if writes else None

    def tell(self, event: Event) -> None:
        if not self.writes:
            return
        if isinstance(event, Sampled):
            self._draw(event)
        elif isinstance(event, Trained | Judged):
            self._note(event.step, _numbers(event))
            self.console.print(_line(event))

    def close(self) -> None:
        if self._board is not None:
            self._board.close()

    def _note(self, step: int, numbers: dict[str, float]) -> None:
        with (self.folder / "log.jsonl").open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, "time": time.time(), **numbers}) + "\n")
        if self._board is not None:
            for name, value in numbers.items():
                self._board.add_scalar(name, value, step)

    def _draw(self, event: Sampled) -> None:
        (self.folder / "pictures").mkdir(exist_ok=True)
        for video, samples in groupby(event.samples, lambda sample: sample.video):
            strip = draw_strip(list(samples))
            write_picture(self.folder / "pictures" / f"{video}_{event.step:06d}.jpg", strip)
            if self._board is not None:
                self._board.add_image(f"video {video}", strip, event.step, dataformats="HWC")


def _numbers(event: Trained | Judged) -> dict[str, float]:
    if isinstance(event, Judged):
        return {f"val/{name}": value for name, value in event.score.stats.items()}
    losses = {f"loss/{name}": value for name, value in event.losses.items()}
    return losses | {"learning_rate": event.learning_rate, "frames_per_second": event.frames_per_second}


def _line(event: Trained | Judged) -> str:
    if isinstance(event, Judged):
        best = ", the best so far" if event.best else ""
        return f"step {event.step}: AP {100 * event.score.stats['AP']:.1f}{best}"
    losses = " ".join(f"{name} {value:.3f}" for name, value in event.losses.items())
    left = f"{event.frames_per_second:.1f} frames/s, {event.seconds_left / 60:.0f} min left"
    return f"step {event.step}: {losses}  {left}"


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))
