"""How close the net comes to what the machine can do: one frame of the R50 net at 480x864, stage by stage.

Run: `python benchmarks/speed.py [--threads 2] [--rounds 7]`. In one run and in turns it measures matrix products in float32
and bfloat16, the frame in both, and deformable attention against its torch body. A net that did nothing but the arithmetic of
a frame, at the speed of the matrix product, would have ratio 1. "side by side" is the time per frame of a video, of which a CPU
sees several frames at a time. Weights are random. Medians are printed.
"""

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from net import seconds_of_net
from op import CASES, frame_inputs

from engine import CTVIS, build_model, ops
from engine.run import is_emulated, see
from engine.session import VideoSession
from engine.tracker import Tracker
from engine.tuning import keep_freed_memory, tune

PRESET = "ytvis_2019_r50"
SIZE = (480, 864)
FRAME_GFLOP = 208  # of the published net for a frame of this size
VIDEO = 4  # frames seen side by side
SIDE = 4096  # of the square matrices
TARGETS = {torch.float32: 1.2, torch.bfloat16: 1.5}
OP_TARGET = 20
STAGES = ("backbone", "pixel decoder", "query decoder", "tracker", "masks")


class Stopwatch:
    """Seconds by name, one list of measurements each."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, list[float]] = defaultdict(list)

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self.seconds[name].append(time.perf_counter() - start)

    def median(self, name: str) -> float:
        return statistics.median(self.seconds[name])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=torch.get_num_threads(), help="torch's threads")
    parser.add_argument("--rounds", type=int, default=7, help="measurements of each; their median counts")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    keep_freed_memory()
    print(f"torch {torch.__version__}, {arguments.threads} threads, {ops.active_kernel('cpu')} kernel")
    emulated = [dtype for dtype in TARGETS if is_emulated(dtype, torch.device("cpu"))]
    subjects = {dtype: (Subject(dtype), Stopwatch()) for dtype in TARGETS if dtype not in emulated}
    for round_ in range(arguments.rounds + 1):
        for subject, watch in subjects.values():
            subject.measure(watch if round_ else Stopwatch())  # the first round warms up
    for dtype, (_, watch) in subjects.items():
        report(dtype, watch)
    for dtype in emulated:
        print(f"\n{str(dtype).removeprefix('torch.')}: not measured, this processor has no arithmetic in it")
    compare_op(arguments.rounds)


class Subject:
    """What is measured in one dtype."""

    def __init__(self, dtype: torch.dtype) -> None:
        torch.manual_seed(0)
        self.autocast = None if dtype == torch.float32 else dtype
        self.model: CTVIS = build_model(PRESET)
        tune(self.model, self.autocast)
        self.matrices = [torch.randn(SIDE, SIDE).to(dtype) for _ in range(2)]
        self.frame = torch.randint(0, 256, (1, 3, *SIZE), dtype=torch.uint8)

    @torch.inference_mode()
    def measure(self, watch: Stopwatch) -> None:
        with watch("product"):
            torch.mm(*self.matrices)
        session, tracker = VideoSession(self.model, SIZE, spool=False), Tracker()
        with watch("net"):
            (output,) = see(session, self.frame, self.autocast)
        with torch.autocast("cpu", self.autocast or torch.bfloat16, enabled=self.autocast is not None):
            with watch("backbone"):
                maps = self.model.backbone(self.model.prepare(self.frame))
            with watch("pixel decoder"):
                features = self.model.pixel_decoder(maps)
            with watch("query decoder"):
                self.model.query_decoder(features)
        with watch("video"):
            seconds_of_net(self.model, self.frame.expand(VIDEO, -1, -1, -1), self.autocast)
        with watch("tracker"):
            tracker.step(*output)
        with watch("tracker and masks"):
            session.track(*output)


def report(dtype: torch.dtype, watch: Stopwatch) -> None:
    rate = 2 * SIDE**3 / 1e9 / watch.median("product")
    least = FRAME_GFLOP / rate
    watch.seconds["masks"] = [max(0.0, watch.median("tracker and masks") - watch.median("tracker"))]
    net, beside, target = watch.median("net"), watch.median("video") / VIDEO, TARGETS[dtype]
    print(f"\n{str(dtype).removeprefix('torch.')}: matrix product {rate:.0f} GFLOP/s")
    for stage in STAGES:
        print(f"  {stage:14} {1000 * watch.median(stage):8.1f} ms")
    for name, seconds in (("whole net", net), ("side by side", beside)):
        print(
            f"  {name:14} {1000 * seconds:8.1f} ms = {seconds / least:.2f} x {FRAME_GFLOP} GFLOP at that rate; ", end=""
        )
        print(f"target {target}: {'reached' if seconds <= target * least else 'missed'}")


def compare_op(rounds: int) -> None:
    name, (levels, heads, channels) = next(iter(CASES.items()))
    inputs = frame_inputs(levels, heads, channels)
    body, kernel = timed(ops._torch_forward, inputs, rounds), timed(ops._op, inputs, rounds)
    print(f"\ndeformable attention, {name}: torch body {1000 * body:.1f} ms, {ops.active_kernel('cpu')} ", end="")
    ratio = body / kernel
    verdict = "reached" if ratio >= OP_TARGET else "missed"
    print(f"{1000 * kernel:.2f} ms, {ratio:.1f} x; target {OP_TARGET}: {verdict}")


def timed(function: Callable, inputs: tuple, rounds: int) -> float:
    """Median seconds of a call, after one that warms up."""
    watch = Stopwatch()
    for _ in range(rounds + 1):
        with watch("call"):
            function(*inputs)
    return statistics.median(watch.seconds["call"][1:])


if __name__ == "__main__":
    main()
