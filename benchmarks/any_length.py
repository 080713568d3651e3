"""That memory and time per frame do not grow with the length of a video: the whole `predict` path with a stub for the net.

Run: `python benchmarks/any_length.py [--lengths 200,2000,20000] [--model demo] [--plot FILE.png]`. Draws a 640x360 video of each
length (coloured boxes that wander, come and go), predicts it in a process of its own as `ctvis-studio predict` does, results
file included, and prints peak memory, milliseconds a frame in the first and last tenth, and the sizes of the files. The stub
finds the boxes by their colours, so tracker, memory bank, masks and results do all their work; a real model takes its place
with `--model`, and sees in the boxes what it will. The plot needs matplotlib.
"""

import argparse
import json
import multiprocessing
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import pairwise
from multiprocessing.connection import Connection
from pathlib import Path

import av
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from engine.checkpoint import load_model
from engine.config import Category, FrameFormat, ModelConfig, Preset
from engine.query_decoder import FrameOutput
from engine.video import open_video
from studio.formats.results import ResultsWriter
from studio.prediction import Outputs, Settings, predict_video, write_tracks

WIDTH, HEIGHT = 640, 360
COLOURS = [(230, 40, 40), (40, 200, 60), (50, 80, 230), (220, 210, 50), (200, 60, 210), (60, 210, 220)]
MEMORY_BOUND = 1.10  # times the memory of the shortest video
MARKS = 50  # points of the curve of each video


class ColourNet(torch.nn.Module):
    """One query per colour: its mask is where the colour is, its class the colour's number, its embedding the colour."""

    frame_format = FrameFormat(short_edge=192, max_edge=448)

    def __init__(self) -> None:
        super().__init__()
        self.colours = torch.nn.Parameter(torch.tensor(COLOURS, dtype=torch.float32), requires_grad=False)

    def forward(self, frames: Tensor) -> FrameOutput:
        height, width = frames.shape[-2:]
        padded = F.pad(frames.to(self.colours), (0, -width % 32, 0, -height % 32))
        cells = F.avg_pool2d(padded, 4)  # (N, 3, h, w)
        distance = (cells[:, None] - self.colours[None, :, :, None, None]).norm(dim=2)  # (N, Q, h, w)
        sure = 6 * torch.eye(len(COLOURS), len(COLOURS) + 1)
        nothing = 12 * torch.eye(len(COLOURS) + 1)[-1]
        hidden = (distance.amin((2, 3)) > 60)[..., None]
        embeds = (self.colours - 128).expand(len(frames), -1, -1) / 30
        return FrameOutput(torch.where(hidden, nothing, sure), (70 - distance) / 10, embeds)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lengths", default="200,2000,20000", help="frames of each video, the shortest first")
    parser.add_argument("--model", help="a model by name or file, in place of the stub")
    parser.add_argument("--plot", type=Path, help="also draw memory and time against the frame (png, svg or pdf)")
    arguments = parser.parse_args()
    lengths = sorted(int(length) for length in arguments.lengths.split(","))
    runs = []
    with tempfile.TemporaryDirectory() as folder:
        for length in lengths:
            runs.append(measure(draw_video(Path(folder) / f"{length}.mp4", length), Path(folder), arguments.model))
            print(describe(runs[-1], runs[0]), flush=True)
    if arguments.plot:
        plot(runs, arguments.plot)


def draw_video(path: Path, length: int) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"preset": "ultrafast", "crf": "18"})
        stream.width, stream.height, stream.pix_fmt = WIDTH, HEIGHT, "yuv444p"
        for rgb in pictures(length):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(rgb, format="rgb24")))
        container.mux(stream.encode(None))
    return path


def pictures(length: int) -> Iterator[np.ndarray]:
    """Boxes on grey, (360, 640, 3) uint8. Each is gone for a while now and then, longer than the bank remembers."""
    for frame in range(length):
        rgb = np.full((HEIGHT, WIDTH, 3), 120, np.uint8)
        for number, colour in enumerate(COLOURS):
            if (frame // 50 + number) % 7:
                x = int((0.5 + 0.4 * np.sin(frame / 37 + 2 * number)) * (WIDTH - 110))
                y = 58 * number + int(5 * np.cos(frame / 11 + number))
                rgb[max(y, 0) : y + 50, x : x + 110] = colour
        yield rgb


def measure(video: Path, folder: Path, model: str | None) -> dict:
    """Predict in a fresh process, so that its peak memory is its own."""
    context = multiprocessing.get_context("spawn")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=predict, args=(video, folder / f"{video.stem}.json", model, sender))
    process.start()
    sender.close()
    try:
        run = receiver.recv()
    except EOFError:
        raise SystemExit("The prediction broke off; its error is above.") from None
    process.join()
    return run


def stub() -> tuple[ColourNet, Preset]:
    categories = tuple(Category(number + 1, f"colour {number}") for number in range(len(COLOURS)))
    return ColourNet(), Preset("colours", ModelConfig("none", len(COLOURS)), categories, ColourNet.frame_format)


def predict(video: Path, results: Path, model: str | None, sender: Connection) -> None:
    """What `ctvis-studio predict` does with one video; sends the curve of time and memory."""
    torch.set_num_threads(2)
    net, preset = load_model(model) if model else stub()
    curve: list[tuple[int, float, float]] = []  # frames done, seconds, megabytes at the most so far
    with open_video(video) as source, ResultsWriter(results) as writer:
        pace = max(1, source.length // MARKS)
        began = time.perf_counter()

        def on_frame(ordinal: int) -> None:
            if (ordinal + 1) % pace == 0:
                curve.append((ordinal + 1, time.perf_counter() - began, peak_memory()))

        result = predict_video(net, preset, source, Settings(), Outputs(), on_frame, lambda: False)
        write_tracks(writer, 1, result, preset, Settings(), source.length)
        length, tracks = source.length, len(result.tracks)
    sender.send(
        {
            "length": length,
            "tracks": tracks,
            "curve": curve,
            "peak": peak_memory(),  # writing the results included
            "seconds": time.perf_counter() - began,
            "results": results.stat().st_size / 1e6,
            "whole": isinstance(json.loads(results.read_text()[:2] + "]"), list),
        }
    )


def peak_memory() -> float:
    """Megabytes of this process at its largest so far."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak / 1e3


def pace_of(curve: list[tuple[int, float, float]]) -> list[tuple[int, float]]:
    """(frames done, milliseconds a frame since the mark before)."""
    return [
        (frame, 1000 * (now - before) / (frame - earlier)) for (earlier, before, _), (frame, now, _) in pairwise(curve)
    ]


def describe(run: dict, shortest: dict) -> str:
    paces = [milliseconds for _, milliseconds in pace_of(run["curve"])]
    tenth = max(1, len(paces) // 10)
    first, last = statistics.median(paces[:tenth]), statistics.median(paces[-tenth:])
    ratio = run["peak"] / shortest["peak"]
    return (
        f"{run['length']:7} frames   {run['tracks']:5} tracks   peak {run['peak']:6.0f} MB ({ratio:.3f} x, "
        f"{'held' if ratio <= MEMORY_BOUND else 'MISSED'})   ms/frame: first tenth {first:.2f}, last tenth {last:.2f}   "
        f"{run['seconds']:.0f} s, results {run['results']:.1f} MB"
    )


def plot(runs: list[dict], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (memory, pace) = pyplot.subplots(2, 1, figsize=(8, 6), sharex=True, layout="constrained")
    for run in runs:
        label = f"{run['length']} frames"
        memory.plot([mark[0] for mark in run["curve"]], [mark[2] for mark in run["curve"]], label=label)
        pace.plot(*zip(*pace_of(run["curve"]), strict=True), label=label)
    memory.set(ylabel="peak memory (MB)", ylim=(0, 1.2 * max(run["peak"] for run in runs)))
    pace.set(ylabel="time per frame (ms)", xlabel="frames done", xscale="log", ylim=(0, None))
    memory.legend()
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    main()
