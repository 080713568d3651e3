"""`ctvis-studio train`: the published recipe, or a part of it, on the published data sets or on one's own.

What is trained on comes from the published folders (--data) or from files (--train, --images); the loop is training/train.py. This
puts both together, prints, keeps a log, and starts in every process of `torchrun`. A folder of a run goes on where it was.
"""

import json
import os
import time
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import typer
from rich.console import Console
from torch import distributed

from engine import CTVIS, Preset, build_model
from engine.build import find_preset
from engine.checkpoint import fill, fill_from_coco, read_weights
from engine.errors import ConfigError, DataError
from engine.run import pick_device
from studio.interrupt import stop_requested
from training.annotation_index import AnnotationIndex, index_of
from training.coco import coco_to_ytvis
from training.config import TrainConfig
from training.dataset_clips import ClipShape, DatasetClips, Source, source_of
from training.evaluate import evaluate_model
from training.events import Kept, Trained
from training.layouts import has_coco, train_set
from training.metrics import Score
from training.recipes import Recipe, recipe_for
from training.train import Event, Judged, Pace
from training.train import train as run_training

Json = dict[str, Any]


def train(
    preset: Annotated[str, typer.Option("--preset", help="what to train: ytvis_2019_r50, ovis_swin_l, demo, ...")],
    out: Annotated[Path, typer.Option("--out", help="folder of the run; one that was begun goes on")],
    weights: Annotated[
        Path | None,
        typer.Option("--weights", help="start: Mask2Former's COCO model, or a checkpoint of the same preset"),
    ] = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="folder of the data sets; $CTVIS_DATASETS if left out")
    ] = None,
    truth: Annotated[
        Path | None, typer.Option("--train", help="own data instead: ground truth, YouTube-VIS json")
    ] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="with --train: the folder its file names start from")
    ] = None,
    coco: Annotated[
        Path | None, typer.Option("--coco", help="COCO instances for pseudo-videos; found in --data if it is there")
    ] = None,
    coco_images: Annotated[Path | None, typer.Option("--coco-images", help="with --coco: its pictures")] = None,
    joint: Annotated[bool, typer.Option("--joint/--no-joint", help="pseudo-videos from COCO beside the videos")] = True,
    validation: Annotated[Path | None, typer.Option("--val", help="ground truth to score on, YouTube-VIS json")] = None,
    val_images: Annotated[Path | None, typer.Option("--val-images", help="with --val; --images if left out")] = None,
    steps: Annotated[int | None, typer.Option("--steps", min=1, help="steps; as published if left out")] = None,
    batch: Annotated[int | None, typer.Option("--batch", min=1, help="clips in a step, over all processes")] = None,
    frames: Annotated[int | None, typer.Option("--frames", min=1, help="frames in a clip")] = None,
    accumulate: Annotated[int, typer.Option("--accumulate", min=1, help="parts of a step, to need less memory")] = 1,
    learning_rate: Annotated[float | None, typer.Option("--learning-rate", min=0, help="of a whole step")] = None,
    recipe: Annotated[
        Literal["reference", "paper"],
        typer.Option("--recipe", help="re-ID loss as in the released code, or in the paper"),
    ] = "reference",
    schedule: Annotated[
        Literal["steps", "cosine"], typer.Option("--schedule", help="how the learning rate falls")
    ] = "steps",
    clip_norm: Annotated[float, typer.Option("--clip-norm", help="greatest norm of the gradient")] = 0.01,
    average: Annotated[
        float, typer.Option("--average", min=0, max=0.99999, help="decay of averaged weights; 0: none")
    ] = 0.0,
    autocast: Annotated[
        Literal["off", "bfloat16"], typer.Option("--dtype", help="half precision where it is safe")
    ] = "off",
    points: Annotated[int, typer.Option("--points", min=1, help="points of a mask that the losses look at")] = 12_544,
    judge: Annotated[int, typer.Option("--judge", min=0, help="steps between two scores; 0: only at the end")] = 0,
    workers: Annotated[int, typer.Option("--workers", min=0, help="processes that read pictures")] = 2,
    save_minutes: Annotated[float, typer.Option("--save-minutes", min=0, help="minutes between two checkpoints")] = 5.0,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    device: Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...")] = None,
) -> None:
    """Train a model on annotated videos. Under torchrun: on many GPUs."""
    rank, world = _join_processes()
    console = Console(stderr=True, highlight=False, soft_wrap=True, quiet=rank > 0)
    base = find_preset(preset)
    published = recipe_for(base)
    clips_in_step = batch or published.batch
    if clips_in_step % world:
        raise ConfigError(f"--batch {clips_in_step} cannot be shared evenly by {world} processes.")
    config = replace(
        published.train,
        steps=steps or published.train.steps,
        learning_rate=learning_rate or published.train.learning_rate,
        recipe=recipe,
        schedule=schedule,
        clip_norm=clip_norm,
        average=average,
        autocast=autocast,
        points=points,
        accumulate=accumulate,
        seed=seed,
    )
    own, sources = _sources(base, published, data, (truth, images), (coco, coco_images) if joint else None)
    model = _started(own, weights, console).to(_device(device, rank))
    shape = ClipShape(clips_in_step // world, frames or published.frames)
    clips = DatasetClips(
        sources, shape, published.augmentation, config.steps or 0, own.frame.mean, seed=seed, rank=rank, world=world
    )
    _refuse_other_run(out, _fingerprint(own, config, clips_in_step, shape))
    scorer = None if validation is None else _scorer(own, validation, val_images or images)
    videos = sum(len(source.index) for source in sources)
    console.print(
        f"{own.name}: {config.steps} steps of {clips_in_step} clips of {shape.frames} frames, from {videos} videos and pictures."
    )
    log = _Log(out, console, rank == 0)
    began = time.monotonic()
    with stop_requested() as is_asked:
        pace = Pace(20, save_minutes, judge, workers)
        for event in run_training(model, own, clips, config, out, pace, scorer, is_asked):
            log.tell(event)
    if is_asked():
        console.print(f"Stopped. The same command goes on from here. ({time.monotonic() - began:.0f} s)")
    else:
        console.print(f"Done in {time.monotonic() - began:.0f} s: {out / 'last.safetensors'}", markup=False)


def _sources(
    base: Preset,
    published: Recipe,
    data: Path | None,
    named: tuple[Path | None, Path | None],
    coco: tuple[Path | None, Path | None] | None,
) -> tuple[Preset, list[Source]]:
    """What to draw clips from, and the preset with the categories of one's own data where these are not the preset's.

    named, coco: annotations and pictures as the options name them; coco None: no pseudo-videos.
    """
    truth, images = named
    if (truth is None) != (images is None):
        raise DataError("--train and --images belong together: annotations, and the folder of their pictures.")
    if truth is not None and images is not None:
        index, pictures = index_of(truth), images
        own = _with_categories(base, index)
    else:
        located = train_set(published.dataset, data)
        index, pictures, own = index_of(located.truth), located.pictures, base
    sources = [source_of(index, pictures, own.categories, published.reach, 1 - published.coco_share)]
    if coco is not None:
        found = _coco(coco, published.dataset, data, truth is None)
        if found is not None:
            sources.append(source_of(*found, own.categories, 0, published.coco_share))
    return own, sources


def _coco(
    named: tuple[Path | None, Path | None], dataset: str, data: Path | None, look: bool
) -> tuple[AnnotationIndex, Path] | None:
    """COCO under the data set's categories, from the files that were named or, if `look`, where it lies beside the data set."""
    truth, pictures = named
    if (truth is None) != (pictures is None):
        raise DataError("--coco and --coco-images belong together: instances, and the folder of their pictures.")
    if truth is None or pictures is None:
        if not (look and has_coco(data)):
            return None
        located = train_set("coco", data)
        truth, pictures = located.truth, located.pictures
    target = "ytvis_2021" if dataset == "ytvis_2022" else dataset
    try:
        content = json.loads(truth.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{truth} cannot be read as COCO instances: {error}.") from error
    return index_of(coco_to_ytvis(content, target)), pictures


def _with_categories(base: Preset, index: AnnotationIndex) -> Preset:
    """The preset itself if it knows all categories of the data by name, else one with the data's."""
    names = {category.name for category in base.categories}
    if {category.name for category in index.categories} <= names:
        return base
    return replace(base, model=replace(base.model, num_classes=len(index.categories)), categories=index.categories)


def _started(preset: Preset, weights: Path | None, console: Console) -> CTVIS:
    """The net with what the start gives it; says what stays random."""
    torch.manual_seed(0)  # the same in every process
    model = build_model(preset)
    if weights is None:
        console.print(
            "No --weights: the net starts at random, which takes far longer than the published recipe.", style="yellow"
        )
        return model
    state = read_weights(weights)
    if "query_decoder.class_embed.weight" in state and state.keys() == model.state_dict().keys():
        same = all(state[name].shape == tensor.shape for name, tensor in model.state_dict().items())
        fresh = fill(model, state, weights.name) if same else fill_from_coco(model, state, weights.name)
    else:
        fresh = fill_from_coco(model, state, weights.name)
    if fresh:
        console.print(f"At random: {', '.join(sorted(fresh))}.", markup=False)
    return model


def _scorer(preset: Preset, truth: Path, images: Path | None) -> Any:
    if images is None:
        raise DataError("--val needs the folder of its pictures: --val-images.")
    return partial(_score, preset, truth, images)


def _score(preset: Preset, truth: Path, images: Path, model: CTVIS) -> Score:
    return evaluate_model(model, preset, truth, images)[0]


def _fingerprint(preset: Preset, config: TrainConfig, batch: int, shape: ClipShape) -> Json:
    """What must stay the same for a run to go on."""
    return {"preset": preset.to_dict(), "train": asdict(config), "batch": batch, "frames": shape.frames}


def _refuse_other_run(out: Path, fingerprint: Json) -> None:
    file = out / "run.json"
    text = json.dumps(fingerprint, indent=1)
    if not file.exists():
        try:
            out.mkdir(parents=True, exist_ok=True)
            file.write_text(text, encoding="utf-8")
        except OSError as error:
            raise DataError(f"{out} cannot be written to: {error.strerror}.") from error
    elif json.loads(file.read_text(encoding="utf-8")) != json.loads(text):
        raise ConfigError(
            f"{out} holds a run with other settings (see {file.name} there). Give the same ones to go on, or another --out."
        )


class _Log:
    """log.jsonl in the run's folder, TensorBoard's files beside it where it is installed, and lines for the console."""

    def __init__(self, folder: Path, console: Console, writes: bool) -> None:
        self.file, self.console, self.writes = folder / "log.jsonl", console, writes
        self.board = _tensorboard(folder) if writes else None

    def tell(self, event: Event) -> None:
        if isinstance(event, Kept) or not self.writes:
            return
        numbers = _numbers(event)
        with self.file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": event.step, "time": time.time(), **numbers}) + "\n")
        if self.board is not None:
            for name, value in numbers.items():
                self.board.add_scalar(name, value, event.step)
        if isinstance(event, Judged):
            best = ", the best so far" if event.best else ""
            self.console.print(f"step {event.step}: AP {100 * event.score.stats['AP']:.1f}{best}")
        else:
            losses = " ".join(f"{name} {value:.3f}" for name, value in event.losses.items())
            self.console.print(
                f"step {event.step}: {losses}  {event.frames_per_second:.1f} frames/s, {event.seconds_left / 60:.0f} min left"
            )


def _numbers(event: Trained | Judged) -> dict[str, float]:
    if isinstance(event, Judged):
        return {f"val/{name}": value for name, value in event.score.stats.items()}
    losses = {f"loss/{name}": value for name, value in event.losses.items()}
    return losses | {"learning_rate": event.learning_rate, "frames_per_second": event.frames_per_second}


def _tensorboard(folder: Path) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return None
    return SummaryWriter(str(folder / "tensorboard"))


def _join_processes() -> tuple[int, int]:
    """Rank and number of the processes that torchrun started; 0 and 1 without it."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1 and not distributed.is_initialized():
        distributed.init_process_group("nccl" if torch.cuda.is_available() else "gloo")
    return (distributed.get_rank(), world) if world > 1 else (0, 1)


def _device(name: str | None, rank: int) -> torch.device:
    local = int(os.environ.get("LOCAL_RANK", rank))
    if name is None and torch.cuda.is_available() and distributed.is_initialized():
        torch.cuda.set_device(local)
        return torch.device("cuda", local)
    return pick_device(name)
