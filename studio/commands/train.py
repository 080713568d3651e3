"""`ctvis-studio train`: the published recipe, or a part of it, on the published data sets or on one's own.

What is trained on comes from the published folders (--data) or from files (--train, --images); the loop is training/train.py. This
puts both together, prints, keeps a log, and starts in every process of `torchrun`. A folder of a run goes on where it was.
"""

import json
import os
import time
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import typer
from rich.console import Console
from torch import distributed

from engine import CTVIS, Preset, build_model
from engine.backbone_weights import fill_backbone
from engine.build import find_preset
from engine.checkpoint import fill, fill_from_coco, read_weights
from engine.errors import ConfigError, DataError
from engine.presets import with_backbone
from engine.run import pick_device, warn_if_emulated
from studio.commands.train_log import TrainLog
from studio.interrupt import stop_requested
from training.annotation_index import AnnotationIndex, index_of
from training.dataset_clips import ClipShape, DatasetClips, Source, source_of
from training.evaluate import category_ids, evaluate_model
from training.layouts import has_coco, train_set
from training.recipes import Recipe, recipe_for
from training.samples import validation_samples
from training.settings import changed
from training.train import Pace, Validation
from training.train import train as run_training
from training.ytvis import read_dataset

Json = dict[str, Any]
JUDGING = timedelta(days=1)  # for which the other processes wait at most, while the first one scores


def train(
    preset: Annotated[str, typer.Option("--preset", help="what to train: ytvis_2019_r50, ovis_swin_l, demo, ...")],
    out: Annotated[Path, typer.Option("--out", help="folder of the run; one that was begun goes on")],
    weights: Annotated[
        Path | None,
        typer.Option("--weights", help="start: Mask2Former's COCO model, or a checkpoint of the same preset"),
    ] = None,
    backbone: Annotated[
        str | None, typer.Option("--backbone", help="in place of the preset's: resnet50, swin_l or any of timm")
    ] = None,
    backbone_weights: Annotated[
        Path | None,
        typer.Option("--backbone-weights", help="instead of --weights: the backbone alone, as trained on ImageNet"),
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
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="any other number of the recipe, as NAME=VALUE; docs/training.md has them"),
    ] = None,
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
    checkpointing: Annotated[
        bool,
        typer.Option(
            "--checkpointing", help="compute again what gradients need: less memory, slower, the same weights"
        ),
    ] = False,
    judge: Annotated[int, typer.Option("--judge", min=0, help="steps between two scores; 0: only at the end")] = 0,
    pictures: Annotated[
        int,
        typer.Option("--pictures", min=0, help="with --val: steps between pictures of what the model finds; 0: none"),
    ] = 500,
    workers: Annotated[int, typer.Option("--workers", min=0, help="processes that read pictures")] = 2,
    save_minutes: Annotated[float, typer.Option("--save-minutes", min=0, help="minutes between two checkpoints")] = 5.0,
    seed: Annotated[int, typer.Option("--seed")] = 0,
    device: Annotated[str | None, typer.Option("--device", help="cpu, cuda, cuda:1, ...")] = None,
) -> None:
    """Train a model on annotated videos. Under torchrun: on many GPUs."""
    rank, world = _join_processes()
    console = Console(stderr=True, highlight=False, soft_wrap=True, quiet=rank > 0)
    base = find_preset(preset) if backbone is None else with_backbone(find_preset(preset), backbone)
    published = recipe_for(base, recipe)
    config = replace(
        published.train,
        steps=steps or published.train.steps,
        learning_rate=learning_rate or published.train.learning_rate,
        schedule=schedule,
        clip_norm=clip_norm,
        average=average,
        autocast=autocast,
        points=points,
        accumulate=accumulate,
        checkpointing=checkpointing,
        seed=seed,
    )
    chosen = replace(published, batch=batch or published.batch, frames=frames or published.frames, train=config)
    chosen = changed(chosen, settings or ())
    config = chosen.train
    if chosen.batch % world:
        raise ConfigError(f"--batch {chosen.batch} cannot be shared evenly by {world} processes.")
    own, sources = _sources(base, chosen, data, (truth, images), (coco, coco_images) if joint else None)
    place = _device(device, rank)
    if config.autocast != "off":
        warn_if_emulated(getattr(torch, config.autocast), place, console.print)
    model = _started(own, weights, backbone_weights, console).to(place)
    shape = ClipShape(chosen.batch // world, chosen.frames)
    clips = DatasetClips(
        sources, shape, chosen.augmentation, config.steps or 0, own.frame.mean, config.seed, rank, world, chosen.mixed
    )
    if rank == 0:
        _refuse_other_run(out, _fingerprint(own, chosen))
    judged = None if validation is None else _validation(own, validation, val_images or images)
    videos = sum(len(source.index) for source in sources)
    console.print(
        f"{own.name}: {config.steps} steps of {chosen.batch} clips of {shape.frames} frames, from {videos} videos and pictures."
    )
    log = TrainLog(out, console, rank == 0)
    began = time.monotonic()
    with stop_requested() as is_asked:
        pace = Pace(20, save_minutes, judge, pictures, workers)
        for event in run_training(model, own, clips, config, out, pace, judged, is_asked):
            log.tell(event)
    log.close()
    if world > 1:
        distributed.destroy_process_group()
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
    return index_of(truth, as_coco=target), pictures


def _with_categories(base: Preset, index: AnnotationIndex) -> Preset:
    """The preset itself if it knows all categories of the data by name, else one with the data's."""
    names = {category.name for category in base.categories}
    if {category.name for category in index.categories} <= names:
        return base
    return replace(base, model=replace(base.model, num_classes=len(index.categories)), categories=index.categories)


def _started(preset: Preset, weights: Path | None, backbone: Path | None, console: Console) -> CTVIS:
    """The net with what the start gives it; says what stays random."""
    if weights is not None and backbone is not None:
        raise ConfigError("--weights holds the backbone's weights too: give either it or --backbone-weights.")
    torch.manual_seed(0)  # the same in every process
    model = build_model(preset)
    if backbone is not None:
        fill_backbone(model, backbone)
        console.print(f"The backbone starts with {backbone.name}, all else at random.", markup=False)
        return model
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


def _validation(preset: Preset, truth: Path, images: Path | None) -> Validation:
    if images is None:
        raise DataError("--val needs the folder of its pictures: --val-images.")
    dataset = read_dataset(truth)
    category_ids(preset.categories, dataset)  # refuses data of other categories now instead of hours later
    return Validation(
        lambda model: evaluate_model(model, preset, truth, images)[0],
        lambda model: validation_samples(model, preset, dataset, images),
    )


def _fingerprint(preset: Preset, recipe: Recipe) -> Json:
    """What must stay the same for a run to go on. Checkpointing changes nothing but time and memory."""
    whole = replace(recipe, train=replace(recipe.train, checkpointing=False))
    return {"preset": preset.to_dict(), "recipe": asdict(whole)}


def _refuse_other_run(out: Path, fingerprint: Json) -> None:
    file, partial = out / "run.json", out / "run.json.partial"
    text = json.dumps(fingerprint, indent=1)
    if not file.exists():
        try:
            out.mkdir(parents=True, exist_ok=True)
            partial.write_text(text, encoding="utf-8")
            partial.replace(file)
        except OSError as error:
            raise DataError(f"{out} cannot be written to: {error.strerror}.") from error
    elif json.loads(file.read_text(encoding="utf-8")) != json.loads(text):
        raise ConfigError(
            f"{out} holds a run with other settings (see {file.name} there). Give the same ones to go on, or another --out."
        )


def _join_processes() -> tuple[int, int]:
    """Rank and number of the processes that torchrun started; 0 and 1 without it."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1 and not distributed.is_initialized():
        backend = "nccl" if torch.cuda.is_available() else "gloo"
        distributed.init_process_group(backend, timeout=JUDGING)
    return (distributed.get_rank(), world) if world > 1 else (0, 1)


def _device(name: str | None, rank: int) -> torch.device:
    local = int(os.environ.get("LOCAL_RANK", rank))
    if name is None and torch.cuda.is_available() and distributed.is_initialized():
        torch.cuda.set_device(local)
        return torch.device("cuda", local)
    return pick_device(name)
