"""What a step of training takes, with and without activation checkpointing: memory and time, each in a process of its own.

    python benchmarks/checkpointing.py [--preset ytvis_2019_r50] [--frames 4] [--size 256x448] [--dtype off]

Memory is the step's peak above what the process had with the net and its optimiser made, in MB.
"""

import argparse
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

STEP = "import sys; from benchmarks.checkpointing import step; step(*sys.argv[1:])"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="ytvis_2019_r50")
    parser.add_argument("--frames", default="4", help="of one clip")
    parser.add_argument("--size", default="256x448", help="height x width of a frame")
    parser.add_argument("--dtype", default="off", choices=("off", "bfloat16"))
    options = parser.parse_args()
    print(f"{options.preset}, one clip of {options.frames} frames of {options.size}, autocast {options.dtype}")
    for checkpointing in ("no", "yes"):
        arguments = [options.preset, options.frames, options.size, options.dtype, checkpointing]
        done = subprocess.run([sys.executable, "-c", STEP, *arguments], check=True, capture_output=True, text=True)
        print(f"  checkpointing {checkpointing}: {done.stdout.strip()}")


def step(name: str, length: str, size: str, dtype: Any, checkpointing: str) -> None:
    """Run in a process of its own: two steps, of which the second is timed."""
    import torch

    from engine import build_model, find_preset
    from training.clip_batch import ClipBatch, ClipTarget
    from training.config import TrainConfig
    from training.criterion import Criterion
    from training.loop import Run, take_step

    torch.manual_seed(0)
    preset = find_preset(name)
    run = Run(build_model(preset).train(), TrainConfig(autocast=dtype, checkpointing=checkpointing == "yes"))
    frames, (height, width) = int(length), map(int, size.split("x"))
    masks = torch.zeros(3, frames, height, width, dtype=torch.bool)
    for number in range(3):
        masks[number, :, 40 * number : 40 * number + 60, 30:200] = True
    pictures = torch.randint(0, 256, (1, frames, 3, height, width), dtype=torch.uint8)
    batch = ClipBatch(pictures, [ClipTarget(torch.tensor([0, 1, 2]), masks)])
    criterion, before = Criterion(len(preset.categories)), _resident()
    take_step(run, batch, criterion)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    began = time.perf_counter()
    take_step(run, batch, criterion)
    print(f"{peak - before:.0f} MB, {time.perf_counter() - began:.1f} s")


def _resident() -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


if __name__ == "__main__":
    main()
