"""How much faster the compiled deformable attention is than its torch body, measured in turns within one run.

Run: `python benchmarks/op.py [--threads 2] [--rounds 7]`. Prints the median milliseconds of both and their ratio, forward
and backward, for one layer of the full model on a 480x864 frame and of the demo model on a 192x320 one. Times are the
op's alone; where no kernel was built, only the torch body is timed.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import torch

from engine import ops

# name -> (levels, heads, channels a head); every position of every level is a query with 4 points a level
CASES = {
    "full model, 480x864": (((60, 108), (30, 54), (15, 27)), 8, 32),
    "demo model, 192x320": (((24, 40), (12, 20), (6, 10)), 8, 16),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2, help="torch's threads")
    parser.add_argument("--rounds", type=int, default=7, help="timed calls of each; their median counts")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    print(f"kernel: {ops.active_kernel('cpu')}, torch {torch.__version__}, {arguments.threads} threads")
    for name, (levels, heads, channels) in CASES.items():
        inputs = frame_inputs(levels, heads, channels)
        grad = torch.randn(1, inputs[0].shape[1], heads * channels)
        report(f"{name}, forward", ops._torch_forward, ops._op, inputs, arguments.rounds)
        report(f"{name}, backward", ops._torch_backward, ops._backward_op, (grad, *inputs), arguments.rounds)


def frame_inputs(levels: tuple[tuple[int, int], ...], heads: int, channels: int, points: int = 4) -> tuple:
    """One picture's inputs as an encoder layer makes them: each query samples within some pixels of its own place."""
    torch.manual_seed(0)
    centres = torch.cat([pixel_centres(h, w) for h, w in levels])  # (Q, 2) as (x, y)
    queries = len(centres)
    sizes = torch.tensor([(w, h) for h, w in levels]).view(-1, 1, 2)
    offsets = 2 * torch.randn(1, queries, heads, len(levels), points, 2) / sizes
    weights = torch.randn(1, queries, heads, len(levels) * points).softmax(-1).view(offsets.shape[:-1])
    value = torch.randn(1, queries, heads, channels)
    return value, [size for level in levels for size in level], centres.view(1, queries, 1, 1, 1, 2) + offsets, weights


def pixel_centres(height: int, width: int) -> torch.Tensor:
    y, x = torch.meshgrid((torch.arange(height) + 0.5) / height, (torch.arange(width) + 0.5) / width, indexing="ij")
    return torch.stack([x, y], dim=-1).flatten(0, 1)


def report(name: str, body: Callable, op: Callable, inputs: tuple, rounds: int) -> None:
    functions = [body, op] if ops.active_kernel("cpu") != "torch" else [body]
    times: list[list[float]] = [[] for _ in functions]
    for _ in range(rounds + 1):
        for function, seconds in zip(functions, times, strict=True):
            start = time.perf_counter()
            function(*inputs)
            seconds.append(time.perf_counter() - start)
    medians = [1000 * statistics.median(seconds[1:]) for seconds in times]  # the first call warms up
    line = f"{name:32} torch body {medians[0]:7.1f} ms"
    if len(medians) == 2:
        line += f"   kernel {medians[1]:7.2f} ms   {medians[0] / medians[1]:5.1f}x"
    print(line)


if __name__ == "__main__":
    main()
