"""Does consistent training keep identities better? The demo net, taught in four ways on clips of look-alikes, and scored.

Run: `python benchmarks/consistent_training.py FOLDER`. It composes the clips (`dataset synthesize --hard`), trains every way with
every seed, scores each net on clips that it never saw, and prints the table of docs/training.md. All results lie in
FOLDER/results.json after each run; what is there is not done again, and a run that was killed goes on. `--runs 1` ends after one.

All start with the shipped weights and a re-ID head made anew (by seed). Backbone and pixel decoder stay as they are, so what they
say of each frame is computed once, for all runs. Steps, frames in a step, learning rate and data are the same; what differs is how
the frames are drawn and what the re-ID loss compares (`WAYS`). Frame-only nets have no head to train: their queries themselves are
what tracks are told apart by.
"""

import argparse
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import mean, stdev
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from engine import CTVIS, Preset, build_model, find_preset, load_checkpoint, masks, save_checkpoint
from engine.checkpoint import ASSETS, load_model
from engine.memory_bank import MemoryBank
from engine.pixel_decoder import PixelFeatures
from training.annotation_index import index_of
from training.augmentation import Augmentation
from training.config import TrainConfig
from training.dataset_clips import ClipShape, DatasetClips, source_of
from training.evaluate import evaluate_model, open_frames
from training.events import Trained
from training.matcher import Matcher, Target
from training.synthesize import Wanted, synthesize
from training.tracking_metrics import tracking_score
from training.train import Pace, train
from training.ytvis import read_dataset, read_results

CLIPS = Wanted(train=100, val=20, size=(128, 224), length=24, hard=True, seed=6)
FIGURES = ("AP", "AP50", "idf1", "switches", "ass_a", "det_a", "told_apart", "told_apart_again")


@dataclass(frozen=True)
class Way:
    """shape: clips and frames of a step, the same number of frames in all; reid: fields of TrainConfig."""

    what: str
    shape: ClipShape
    reid: dict[str, Any] = field(default_factory=dict)


WAYS = {
    "a": Way("single frames, no re-ID loss", ClipShape(16, 1)),
    "b": Way("key-reference pairs", ClipShape(8, 2), {"positive": "last", "second_matching": True}),
    "c": Way("consistent: long clips, bank, momentum", ClipShape(2, 8), {"second_matching": True}),
    "d": Way("c as the paper has it, with noise", ClipShape(2, 8), {"recipe": "paper", "noise": 0.05}),
}


def main() -> None:
    options = _options()
    folder: Path = options.folder
    if not (folder / "clips").exists():
        synthesize(folder / "clips", CLIPS)
    if not (folder / "features.pt").exists():
        keep_features(folder)
    results = _read(folder / "results.json")
    for way, seed in [] if options.table else _missing(results, options)[: options.runs]:
        results[f"{way}{seed}"] = run(folder, way, seed, options.steps)
        (folder / "results.partial").write_text(json.dumps(results, indent=1))
        (folder / "results.partial").replace(folder / "results.json")
    print(table(results))


def run(folder: Path, way: str, seed: int, steps: int) -> dict[str, float]:
    """Trains one net and scores it."""
    out = folder / f"{way}{seed}"
    preset = small_frames(find_preset("demo"))
    model = start(preset, seed)
    look_up_features(model, folder / "features.pt")
    for event in _training(model, folder / "clips", preset, WAYS[way], seed, steps, out):
        if isinstance(event, Trained):
            losses = " ".join(f"{name} {value:.3f}" for name, value in event.losses.items())
            print(f"{way}{seed} step {event.step} {event.frames_per_second:.1f} frames/s {losses}", flush=True)
    model, preset = load_model(out / "last.safetensors")
    if way == "a":
        hand_through(model.query_decoder.reid_embed)
        save_checkpoint(model, preset, out / "last.safetensors")
    look_up_features(model, folder / "features.pt")
    return {"steps": steps, **score(folder / "clips", model.eval(), preset)}


def _training(model: CTVIS, clips: Path, preset: Preset, way: Way, seed: int, steps: int, out: Path) -> Iterator[Any]:
    config = TrainConfig(
        steps=steps,
        learning_rate=3e-4,
        schedule="cosine",
        warmup=0.02,
        frozen=("backbone.", "pixel_decoder."),
        clip_norm=1.0,
        average=0.99,
        points=1024,
        seed=seed,
        **way.reid,
    )
    whole = Augmentation(short_edges=(CLIPS.size[0],), max_edge=max(CLIPS.size), crop_chance=0.0, flip_chance=0.0)
    index = index_of(clips / "train.json")
    source = source_of(index, clips / "train" / "JPEGImages", preset.categories, reach=20)
    batches = DatasetClips([source], way.shape, whole, steps, preset.frame.mean, seed)
    return train(model, preset, batches, config, out, Pace(log=50, workers=0))


def start(preset: Preset, seed: int) -> CTVIS:
    """The shipped net with a re-ID head that has learnt nothing."""
    model = build_model(preset)
    load_checkpoint(model, ASSETS / "demo.safetensors")
    torch.manual_seed(seed)
    model.query_decoder.reid_embed.load_state_dict(build_model(preset).query_decoder.reid_embed.state_dict())
    return model


@torch.no_grad()
def keep_features(folder: Path) -> None:
    """What the frozen part says of every frame, in half precision, by the frame's content."""
    preset = small_frames(find_preset("demo"))
    model = start(preset, 0).eval()
    kept: dict[str, tuple[Tensor, ...]] = {}
    for part in ("train", "val"):
        for video in read_dataset(folder / "clips" / f"{part}.json").videos.values():
            with open_frames(video, folder / "clips" / part / "JPEGImages") as source:
                frames = torch.stack([torch.from_numpy(rgb).permute(2, 0, 1) for _, rgb in source])
            features = model.features(frames)
            halves = [tensor.half() for tensor in (features.mask_features, *features.levels)]
            kept |= {_key(frame): tuple(tensors) for frame, *tensors in zip(frames, *halves, strict=True)}
    stacked = [torch.stack(tensors) for tensors in zip(*kept.values(), strict=True)]
    torch.save(
        {"places": {key: place for place, key in enumerate(kept)}, "features": stacked}, folder / "features.part"
    )
    (folder / "features.part").replace(folder / "features.pt")


def look_up_features(model: CTVIS, file: Path) -> None:
    """The net no longer computes them. KeyError for a frame that is none of the clips'."""
    kept = torch.load(file, mmap=True, weights_only=True)

    def features(frames: Tensor) -> PixelFeatures:
        places = torch.tensor([kept["places"][_key(frame)] for frame in frames])
        mask_features, *levels = (tensor[places].float() for tensor in kept["features"])
        return PixelFeatures(mask_features, levels)

    model.features = features  # type: ignore[method-assign]


def _key(frame: Tensor) -> str:
    return hashlib.blake2b(frame.to(torch.uint8).numpy().tobytes(), digest_size=12).hexdigest()


@torch.no_grad()
def hand_through(head: nn.Module) -> None:
    """Makes the re-ID head the identity. Its ReLUs pass what is lifted above zero, and the last layer takes the lift off."""
    lift = 50.0
    layers = [layer for layer in head.modules() if isinstance(layer, nn.Linear)]
    for layer, bias in zip(layers, (lift, *(0.0,) * (len(layers) - 2), -lift), strict=True):
        layer.weight.copy_(torch.eye(len(layer.weight)))
        layer.bias.fill_(bias)


def small_frames(preset: Preset) -> Preset:
    return replace(preset, frame=replace(preset.frame, short_edge=CLIPS.size[0], max_edge=max(CLIPS.size)))


def score(clips: Path, model: CTVIS, preset: Preset) -> dict[str, float]:
    truth = read_dataset(clips / "val.json")
    found, entries = evaluate_model(model, preset, clips / "val.json", clips / "val" / "JPEGImages")
    tracking = tracking_score(truth, read_results(entries, truth)).to_json()
    return {name: {**found.stats, **tracking, **told_apart(clips, model, preset)}[name] for name in FIGURES}


@torch.no_grad()
def told_apart(clips: Path, model: CTVIS, preset: Preset) -> dict[str, float]:
    """How many of the objects seen are nearer to their own memory than to that of any other object of the clip, of all and of those
    that were away. The truth says who is who and which query shows whom, so that nothing but the embeddings counts."""
    index = index_of(clips / "val.json")
    labels = source_of(index, clips, preset.categories, reach=0).labels
    right: list[bool] = []
    away: list[bool] = []
    torch.manual_seed(0)
    truth = read_dataset(clips / "val.json")
    for number, video in enumerate(index.videos):
        bank = MemoryBank(len(video.file_names), preset.tracker.memory_length)
        with open_frames(truth.videos[video.id], clips / "val" / "JPEGImages") as source:
            for frame, rgb in source:
                seen = index.frame(number, frame)
                if not seen:
                    continue
                output = model(torch.from_numpy(rgb).permute(2, 0, 1)[None])
                target = Target(
                    torch.tensor([labels[it.label] for it in seen]),
                    torch.from_numpy(np.stack([masks.decode(it.rle) for it in seen])),
                )
                (match,) = Matcher(points=1024)(output.logits, output.masks, [target])
                ids = [seen[place].instance for place in match.targets.tolist()]
                embeds = output.embeds[0, match.queries].numpy()
                known = [place for place, own in enumerate(ids) if own in bank.ids and len(bank) > 1]
                for place in known:
                    nearest = bank.ids[int((bank.embeds @ embeds[place]).argmax())]
                    right.append(nearest == ids[place])
                    if bank.last_frame[bank.ids.index(ids[place])] < frame - 1:
                        away.append(right[-1])
                bank.remember(ids, embeds, frame)
    return {"told_apart": mean(right), "told_apart_again": mean(away)}


def table(results: dict[str, dict[str, float]]) -> str:
    """Means over the seeds, and the standard deviation of a single run."""
    lines = ["| | trained with | runs | " + " | ".join(FIGURES) + " |", "|---|---|---|" + "---|" * len(FIGURES)]
    for name, way in WAYS.items():
        runs = [row for key, row in sorted(results.items()) if key.startswith(name)]
        if runs:
            cells = [_spread([row[figure] for row in runs]) for figure in FIGURES]
            lines.append(f"| {name} | {way.what} | {len(runs)} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _spread(values: list[float]) -> str:
    digits = 3 if max(values) <= 1 else 0
    spread = f" ± {stdev(values):.{digits}f}" if len(values) > 1 else ""
    return f"{mean(values):.{digits}f}{spread}"


def _missing(results: dict[str, Any], options: argparse.Namespace) -> list[tuple[str, int]]:
    """Seed by seed, so that all ways are there early."""
    wanted = [(way, seed) for seed in range(options.seeds) for way in options.ways]
    return [(way, seed) for way, seed in wanted if f"{way}{seed}" not in results]


def _read(file: Path) -> dict[str, dict[str, float]]:
    return json.loads(file.read_text()) if file.exists() else {}


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ways", default="".join(WAYS), help="some of abcd")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--runs", type=int, help="at most so many now")
    parser.add_argument("--table", action="store_true", help="only print what there is")
    return parser.parse_args()


if __name__ == "__main__":
    main()
