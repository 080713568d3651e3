"""`ctvis-studio dataset ...`: data sets in YouTube-VIS form checked, split, converted, composed and looked at.

The work itself is in training/ (dataset_check, dataset_split, coco, synthesize) and studio/formats/gallery.py; this reads and
writes files and prints. Files are written whole or not at all.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress, track
from rich.table import Table

from engine.errors import CtvisError, DataError
from studio.formats.gallery import Gallery
from training.coco import TARGETS, coco_to_ytvis
from training.dataset_check import Fault, find_faults
from training.dataset_split import split_dataset
from training.evaluate import open_frames
from training.synthesize import Wanted
from training.synthesize import synthesize as write_composited
from training.ytvis import read_dataset, read_video_list

app = typer.Typer(
    help="Check, split, convert, compose and look at data sets in YouTube-VIS form.", no_args_is_help=True
)

File = Annotated[Path, typer.Argument(help="ground truth, YouTube-VIS json")]
Images = Annotated[Path | None, typer.Option("--images", help="the folder that its file names start from")]


@app.command()
def validate(
    file: File,
    images: Images = None,
    most: Annotated[int, typer.Option("--most", min=1, help="faults of a kind to print")] = 10,
    as_json: Annotated[Path | None, typer.Option("--json", help="also write all faults to this file")] = None,
) -> None:
    """Name every fault of a ground truth with its place. Exit code 1 if there are any."""
    console = Console(highlight=False, soft_wrap=True)
    counts: Counter[str] = Counter()
    faults: list[Fault] = []
    for fault in find_faults(file, images):
        counts[fault.kind] += 1
        if as_json:
            faults.append(fault)
        if counts[fault.kind] <= most:
            console.print(f"[yellow]{fault.kind}[/yellow]  {escape(fault.place)}: {escape(fault.text)}")
    if as_json:
        _write(as_json, [fault._asdict() for fault in faults])
    if not counts:
        dataset = read_dataset(file)
        seen = f"{len(dataset.videos)} videos, {len(dataset.instances)} objects, {len(dataset.categories)} categories"
        console.print(f"{file.name} is in order: {seen}.", markup=False)
        return
    table = Table("kind of fault", "how many")
    for kind, count in counts.most_common():
        table.add_row(kind, str(count))
    console.print(table)
    raise typer.Exit(1)


@app.command()
def split(
    file: File,
    share: Annotated[float, typer.Option("--share", help="of the videos that go into the second part")] = 0.2,
    seed: Annotated[int, typer.Option("--seed", help="another seed, another split")] = 0,
    out: Annotated[
        Path | None, typer.Option("--out", help="folder for train.json and val.json; beside FILE if left out")
    ] = None,
) -> None:
    """Cut a ground truth in two by whole videos, categories balanced."""
    parts = split_dataset(_checked(file), share, seed)
    folder = out or file.parent
    names = "train.json", "val.json"
    if file.resolve() in [(folder / name).resolve() for name in names]:
        raise DataError(f"{file} would be written over. Give another folder with --out.")
    for name, part in zip(names, parts, strict=True):
        _write(folder / name, part)
        print(f"{folder / name}: {len(part['videos'])} videos, {len(part['annotations'])} objects")


@app.command()
def coco2ytvis(
    file: Annotated[Path, typer.Argument(help="COCO instances, json")],
    to: Annotated[str, typer.Option("--to", help=f"whose categories: {', '.join(TARGETS)} (2022 has those of 2021)")],
    out: Annotated[Path, typer.Option("--out", help="the file to write")],
) -> None:
    """COCO images as videos of one frame under a video data set's categories, for joint training."""
    converted = coco_to_ytvis(_read(file), to)
    _write(out, converted)
    print(f"{out}: {len(converted['videos'])} images, {len(converted['annotations'])} objects")


@app.command()
def synthesize(
    folder: Annotated[Path, typer.Argument(help="folder to make, with train.json, val.json and their pictures")],
    hard: Annotated[
        bool, typer.Option("--hard", help="look-alikes that cross, hide each other, leave and come back")
    ] = False,
    train: Annotated[int, typer.Option("--train", min=0, help="clips to train on")] = Wanted.train,
    val: Annotated[int, typer.Option("--val", min=0, help="clips to score on")] = Wanted.val,
    length: Annotated[int, typer.Option("--length", help="frames of a clip")] = Wanted.length,
    height: Annotated[int, typer.Option("--height", help="of a frame, in pixels")] = Wanted.size[0],
    width: Annotated[int, typer.Option("--width", help="of a frame, in pixels")] = Wanted.size[1],
    seed: Annotated[int, typer.Option("--seed", min=0, help="another seed, other clips")] = Wanted.seed,
    library: Annotated[
        Path | None,
        typer.Option("--library", help="sprites and scenes of training.sources instead of the objects that ship"),
    ] = None,
) -> None:
    """Compose clips with exact ground truth, to try out training and evaluation on."""
    wanted = Wanted(train, val, (height, width), length, hard, seed)
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task("Composing", total=train + val)
        counts = write_composited(folder, wanted, library, lambda: progress.advance(task))
    for part, (clips, objects) in counts.items():
        print(f"{folder / part}.json: {clips} clips, {objects} objects")


@app.command()
def browse(
    file: File,
    images: Annotated[Path, typer.Option("--images", help="the folder that its file names start from")],
    out: Annotated[Path, typer.Option("--out", help="folder for index.html and the clips")],
    videos: Annotated[
        Path | None, typer.Option("--videos", help="only these: a file with their ids or folders")
    ] = None,
    most: Annotated[int, typer.Option("--most", min=1, help="how many videos at most")] = 50,
) -> None:
    """Draw the videos with their masks, and a page to look through them that opens in any browser."""
    dataset = read_dataset(file)
    chosen = read_video_list(videos, dataset) if videos else set(dataset.videos)
    shown = [video for video in dataset.videos.values() if video.id in chosen][:most]
    gallery = Gallery(out, file.name, dataset)
    console = Console(stderr=True)
    for video in track(shown, "Drawing", console=console):
        try:
            with open_frames(video, images) as source:
                gallery.add(video, source)
        except CtvisError as error:
            console.print(f"Left out: {error}", style="yellow", markup=False)
    print(gallery.write(len(chosen)))


def _checked(file: Path) -> dict[str, Any]:
    """The parsed file, once it is known to be readable as a ground truth."""
    content = _read(file)
    read_dataset(content)
    return content


def _read(file: Path) -> Any:
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{file} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise DataError(f"{file} is not valid JSON ({error}).") from error


def _write(file: Path, content: Any) -> None:
    partial = file.with_name(f"{file.name}.partial")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial.write_text(json.dumps(content), encoding="utf-8")
        partial.replace(file)
    except OSError as error:
        raise DataError(f"{file} cannot be written: {error.strerror}.") from error
