"""What a whole prediction costs on top of the net: decoding, resizing, tracking, masks at the video's size, writing.

Run: `python benchmarks/predict.py [--frames 300] [--dtype float32] [--clip 1] [--overlay] [--model FILE]`. Makes a video of
1280x720 and runs it the way `ctvis-studio predict` does; against that, the net alone on the same frames, prepared beforehand:
in the same way (on a CPU, several frames side by side), and frame by frame with all threads. They take turns of TURN frames, so
that all meet the same machine. Without --model the R50 net has random weights, whose tracks are like noise: more of them than
in a real video, and larger. Times are wall-clock; with the CPU time beside them a busy machine shows.
"""

import argparse
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import torch
from net import seconds_of_net

from engine import CTVIS, Preset, build_model, find_preset, load_model
from engine.run import see
from engine.session import VideoSession
from engine.tuning import keep_freed_memory, tune
from engine.video import open_video
from studio.formats.results import ResultsWriter
from studio.prediction import Outputs, Settings, predict_video, write_tracks

SIZE = (720, 1280)
FPS = 25
TURN = 50  # frames that either side does before the other goes on
TARGET = 0.08


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=300)
    parser.add_argument("--dtype", default="float32", choices=["float32", "bfloat16"])
    parser.add_argument("--clip", type=int, default=1, help="frames that the net sees at once, in both cases")
    parser.add_argument("--overlay", action="store_true", help="also write the painted video")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="torch's threads")
    parser.add_argument("--model", help="a checkpoint or a known name")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    model, preset = load_model(arguments.model) if arguments.model else random_model()
    autocast = None if arguments.dtype == "float32" else torch.bfloat16
    tune(model, autocast)
    settings = Settings(autocast=autocast, clip=arguments.clip)
    watches = {name: Watch() for name in ("net frame by frame", "net", "whole")}
    tracks = 0
    with tempfile.TemporaryDirectory() as folder:
        for part, count in enumerate(turns(arguments.frames)):
            video = make_video(Path(folder) / f"part{part}.mp4", part * TURN, count)
            pixels = prepared(model, video)
            if not part:
                net_alone(model, pixels[:10], settings)  # warms up
            with watches["net frame by frame"]:
                net_alone(model, pixels, settings)
            with watches["net"]:
                seconds_of_net(model, pixels, autocast, settings.clip)
            with watches["whole"]:
                tracks += whole_prediction(model, preset, video, settings, arguments.overlay)
    print(
        f"{arguments.frames} frames of {SIZE[1]}x{SIZE[0]}, {arguments.dtype}, clips of {arguments.clip}, "
        f"{arguments.threads} threads, {tracks} tracks"
    )
    for name, watch in watches.items():
        print(f"{name:18} {watch.wall(arguments.frames):7.1f} ms a frame, {watch.cpu(arguments.frames):7.1f} ms of CPU")
    cost = watches["whole"].seconds / watches["net"].seconds - 1
    print(f"whole against net: {cost:+.1%}; target at most {TARGET:+.0%}: {'reached' if cost <= TARGET else 'missed'}")


class Watch:
    """Adds up what happens under it."""

    def __init__(self) -> None:
        self.seconds = self.cpu_seconds = 0.0

    def __enter__(self) -> None:
        self._began = time.perf_counter(), time.process_time()

    def __exit__(self, *error: object) -> None:
        self.seconds += time.perf_counter() - self._began[0]
        self.cpu_seconds += time.process_time() - self._began[1]

    def wall(self, frames: int) -> float:
        """Milliseconds a frame."""
        return 1000 * self.seconds / frames

    def cpu(self, frames: int) -> float:
        """Milliseconds a frame of all threads together."""
        return 1000 * self.cpu_seconds / frames


def turns(frames: int) -> Iterator[int]:
    """The lengths of the parts."""
    for start in range(0, frames, TURN):
        yield min(TURN, frames - start)


def random_model() -> tuple[CTVIS, Preset]:
    torch.manual_seed(0)
    return build_model("ytvis_2019_r50"), find_preset("ytvis_2019_r50")


def make_video(path: Path, start: int, count: int) -> Path:
    """Textured frames in which a few discs and boxes move, from frame `start` on."""
    height, width = SIZE
    random = np.random.default_rng(0)
    ground = cv2.resize(random.integers(60, 200, (height // 16, width // 16, 3), np.uint8), (width, height))
    shapes = random.uniform(0, 1, (8, 4))  # x, y, speed, size of each
    colors = random.integers(0, 256, (8, 3)).tolist()
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=FPS, options={"preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = Fraction(1, FPS)
        for number in range(count):
            frame = np.roll(ground, start + number, axis=1)
            for index, (x, y, speed, size) in enumerate(shapes):
                radius = int(30 + 90 * size)
                centre = int((x * width + (1 + 5 * speed) * (start + number)) % width), int(y * height)
                if index % 2:
                    cv2.circle(frame, centre, radius, colors[index], -1)
                else:
                    corner = centre[0] + radius, centre[1] + radius
                    cv2.rectangle(frame, centre, corner, colors[index], -1)
            picture = av.VideoFrame.from_ndarray(frame, format="rgb24")
            picture.pts, picture.time_base = number, Fraction(1, FPS)
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))
    return path


def prepared(model: CTVIS, video: Path) -> torch.Tensor:
    """All frames of the video as the net wants them."""
    session = VideoSession(model, SIZE, spool=False)
    with open_video(video) as source:
        return torch.stack([session.prepare(rgb) for _, rgb in source])


def net_alone(model: CTVIS, pixels: torch.Tensor, settings: Settings) -> None:
    """The net with all threads on one clip after the other."""
    session = VideoSession(model, SIZE, spool=False)
    for frames in pixels.split(settings.clip):
        see(session, frames, settings.autocast)


def whole_prediction(model: CTVIS, preset: Preset, video: Path, settings: Settings, overlay: bool) -> int:
    """From opening the file to its finished results; the number of tracks."""
    outputs = Outputs(overlay=video.with_suffix(".overlay.mp4") if overlay else None)
    with ExitStack() as stack:
        source = stack.enter_context(open_video(video))
        writer = stack.enter_context(ResultsWriter(video.with_suffix(".json")))
        result = predict_video(model, preset, source, settings, outputs, lambda frame: None, lambda: False)
        write_tracks(writer, 1, result, preset, settings, source.length)
    return len(result.tracks)


if __name__ == "__main__":
    main()
