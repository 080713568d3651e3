"""`ctvis-studio predict`: find and follow the objects of videos, without the web application.

Writes results.json (YouTube-VIS results form) with results.meta.json beside it, and on demand an overlay video and its frames.
Ctrl-C keeps what is done so far: the files are then valid, and the meta file says "complete": false. With --live the input is a
camera, and `live.py` takes over.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import torch
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from engine import CTVIS, Preset
from engine.errors import CtvisError
from engine.run import pick_device, warn_if_emulated
from engine.session import VideoResult
from engine.tuning import is_compiler_fault, keep_freed_memory, tune
from studio.commands.live import LiveTask, follow_camera
from studio.commands.model_choice import open_chosen
from studio.formats.results import ResultsWriter, write_json
from studio.inputs import Input, list_inputs
from studio.interrupt import stop_requested
from studio.palette import track_color
from studio.prediction import Outputs, Settings, predict_video, write_tracks
from studio.version import studio_version

RESULTS, META, FRAMES = "results.json", "results.meta.json", "frames"
LISTED_TRACKS = 20  # rows of the table at the end
LISTED_SCORE = 0.1  # below this a track is only counted there


console, stderr = Console(highlight=False), Console(stderr=True, highlight=False, soft_wrap=True)


class Matching(StrEnum):
    """How detections choose their tracks."""

    greedy = "greedy"
    hungarian = "hungarian"


class Precision(StrEnum):
    """The number format that the net computes in."""

    float32 = "float32"
    float64 = "float64"
    bfloat16 = "bfloat16"
    float16 = "float16"


def predict(
    inputs: Annotated[
        list[str],
        typer.Argument(metavar="INPUT...", help="Video file, folder or pattern of images, or YouTube-VIS json."),
    ],
    model: Annotated[str, typer.Option(help="Name of a model, or a checkpoint file.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for the results; made if it is not there. Needed unless --live.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="Preset of a checkpoint that does not carry its own.")] = None,
    images: Annotated[
        Path | None, typer.Option(help="With a YouTube-VIS json: the folder its file names start from.")
    ] = None,
    frame_step: Annotated[int, typer.Option(min=1, help="Run every Nth frame; the others get no masks.")] = 1,
    short_edge: Annotated[
        int | None,
        typer.Option(min=32, help="Shorter edge of the frames inside the net, in pixels, instead of the model's own."),
    ] = None,
    score_threshold: Annotated[
        float | None,
        typer.Option(min=0, max=1, help="Leave out what scores below. Default: all results, and 0.3 in the overlay."),
    ] = None,
    top_k: Annotated[
        int | None, typer.Option(min=1, help="Predictions per video. Default: as many as there are categories.")
    ] = None,
    matching: Annotated[
        Matching | None,
        typer.Option(help="Who joins which track: the surest detection chooses first, or the best pairs overall."),
    ] = None,
    min_length: Annotated[
        int | None, typer.Option(min=1, help="Leave out tracks that are seen in fewer frames.")
    ] = None,
    max_absence_seconds: Annotated[
        float | None, typer.Option(min=0, help="How long a track may be out of sight, instead of the model's frames.")
    ] = None,
    class_aware_nms: Annotated[
        bool, typer.Option("--class-aware-nms", help="Only masks of one category are duplicates of each other.")
    ] = False,
    one_label: Annotated[
        bool, typer.Option("--one-label", help="Every track once, as its likeliest category.")
    ] = False,
    device: Annotated[
        str | None, typer.Option(help="cpu, cuda, cuda:1, mps. Default: the GPU if there is one.")
    ] = None,
    dtype: Annotated[Precision, typer.Option(help="Number format that the net computes in.")] = Precision.float32,
    clip: Annotated[int, typer.Option(min=1, help="Frames that the net sees at once; tracking is one by one.")] = 1,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the net first: minutes of work that long videos earn back.")
    ] = False,
    overlay: Annotated[bool, typer.Option("--overlay", help="Also write NAME.mp4 with the tracks painted on.")] = False,
    save_frames: Annotated[
        bool, typer.Option("--save-frames", help="Also write the painted frames as images.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace results that are in the folder already.")
    ] = False,
    live: Annotated[
        bool, typer.Option("--live", help="INPUT is a camera: rtsp://…, http://…, /dev/video0, or 'camera'.")
    ] = False,
    seconds: Annotated[float | None, typer.Option(min=0, help="With --live: stop after so long.")] = None,
    record: Annotated[
        bool, typer.Option("--record", help="With --live: also keep what the camera sends, as recording.mkv.")
    ] = False,
    project: Annotated[
        str | None, typer.Option(help="With --live: record, and make that a video of this project.")
    ] = None,
    home: Annotated[
        Path | None, typer.Option(help="Folder of the studio's data: its models, and with --project its videos.")
    ] = None,
) -> None:
    """Find and follow the objects of videos, or of what a camera shows."""
    task = LiveTask.of(inputs, out, seconds, overlay, record, project, home) if live else None
    if out is None and task is None:
        raise typer.BadParameter("name a folder for the results.", param_hint="--out")
    folder = out or Path()
    videos = [] if task else list_inputs(inputs, images)
    files = _Files(folder, overlay, save_frames, len(videos) > 1)
    if task:
        task.prepare(overwrite)
    else:
        _check_places(videos, files, overwrite)
    place = pick_device(device)
    chosen = open_chosen(model, preset, stderr, home)
    asked = _asked(
        matching=matching and matching.value,
        min_length=min_length,
        max_absence_seconds=max_absence_seconds,
        class_aware_nms=class_aware_nms or None,
        one_label=one_label or None,
    )
    net, its_preset = chosen.model, replace(chosen.preset, tracker=replace(chosen.preset.tracker, **asked))
    half = dtype in (Precision.bfloat16, Precision.float16)
    net.to(place, torch.float64 if dtype is Precision.float64 else torch.float32)
    autocast = getattr(torch, dtype.value) if half else None
    warn_if_emulated(getattr(torch, dtype.value), place, stderr.print)
    tune(net, autocast, compiled)
    keep_freed_memory()
    settings = Settings(
        frame_step,
        None if short_edge is None else net.frame_format.at(short_edge),
        score_threshold,
        top_k,
        autocast,
        clip,
    )
    facts = {
        "model": model,
        "preset": its_preset.name,
        "score_threshold": score_threshold,
        "top_k": its_preset.top_k if top_k is None else top_k,
        "tracker": asked,
        "frame_step": frame_step,
        "short_edge": (settings.frame_format or net.frame_format).short_edge,
        "device": str(place),
        "dtype": dtype.value,
        "clip": clip,
        "compile": compiled,
        "version": studio_version(),
    }
    if task:
        return follow_camera(task, net, its_preset, settings, facts)
    reports = _predict_all(net, its_preset, settings, videos, files)
    complete = all(report["complete"] for report in reports) and len(reports) == len(videos)
    done = sum(report["frames_done"] for report in reports)
    write_json(folder / META, {"complete": complete, "frames_done": done, **facts, "videos": reports})
    if not complete:
        stderr.print(
            f"Not everything was done ({done} frames); what was is in {folder / RESULTS}, and {META} says how far."
        )
        raise typer.Exit(1)
    stderr.print(f"Results: {folder / RESULTS}")


def _asked(**options: Any) -> dict[str, Any]:
    """The tracker's options that were given; the others stay as the model has them."""
    return {name: value for name, value in options.items() if value is not None}


@dataclass(frozen=True)
class _Files:
    """Where the files of each video go."""

    folder: Path
    overlay: bool
    frames: bool
    several: bool

    def of(self, name: str) -> Outputs:
        frames = self.folder / FRAMES / name if self.several else self.folder / FRAMES
        return Outputs(self.folder / f"{name}.mp4" if self.overlay else None, frames if self.frames else None)


def _predict_all(
    model: CTVIS, preset: Preset, settings: Settings, videos: list[Input], files: _Files
) -> list[dict[str, Any]]:
    """Run the videos one after the other, until the user asks to stop. Gives what the meta file says of each one begun."""
    reports: list[dict[str, Any]] = []
    with stop_requested() as stop, ResultsWriter(files.folder / RESULTS) as writer:
        for video in videos:
            if stop():
                break
            report = {"id": video.video_id, "name": video.name, "complete": False, "frames_done": 0}
            reports.append(report)
            try:
                report.update(_predict_one(model, preset, settings, video, files.of(video.name), writer, stop))
            except CtvisError as error:
                if len(videos) == 1:
                    raise
                stderr.print(f"[red]{escape(str(error))}[/red]")  # the other videos are not to suffer for this one
                report["error"] = str(error)
    return reports


def _predict_one(
    model: CTVIS,
    preset: Preset,
    settings: Settings,
    video: Input,
    outputs: Outputs,
    writer: ResultsWriter,
    stop: Callable[[], bool],
) -> dict[str, Any]:
    with video.open() as source:
        known = source.warning
        if known:
            stderr.print(f"[yellow]Note: {escape(known)}[/yellow]")
        planned = len(range(0, source.length, settings.frame_step))
        with _progress(video.name, planned) as advance:
            try:
                result = predict_video(model, preset, source, settings, outputs, advance, stop)
            except torch.OutOfMemoryError as error:
                raise CtvisError(
                    f"There is not enough GPU memory for {source.width}x{source.height} frames at this size. "
                    "Give a smaller --short-edge, a smaller --clip, --dtype float16, or --device cpu."
                ) from error
            except OSError as error:
                raise CtvisError(
                    f"The pictures of {video.name} cannot be written: {error.strerror or error}."
                ) from error
            except RuntimeError as error:
                if is_compiler_fault(error):
                    raise CtvisError("The net could not be compiled here. Do without --compile.") from error
                raise
        if source.warning and source.warning != known:  # some things show only while the video is read
            stderr.print(f"[yellow]Note: {escape(source.warning)}[/yellow]")
        write_tracks(writer, video.video_id, result, preset, settings, source.length)
        _print_tracks(video.name, result, preset, settings)
        return {
            "complete": result.length == planned,
            "frames_done": result.length,
            "length": source.length,
            "width": source.width,
            "height": source.height,
            "warning": source.warning,
        }


@contextmanager
def _progress(name: str, frames: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Speed(), TimeRemainingColumn())
    with Progress(*columns, console=stderr) as progress:
        task = progress.add_task(escape(name), total=frames)
        yield lambda frame: progress.advance(task)


class _Speed(ProgressColumn):
    """Frames per second, once there are some."""

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} frames/s" if task.speed else "", style="dim")


def _print_tracks(name: str, result: VideoResult, preset: Preset, settings: Settings) -> None:
    """The tracks of a video, best first; frames are counted in the video's own."""
    threshold = LISTED_SCORE if settings.score_threshold is None else settings.score_threshold
    ranked = sorted(result.tracks.items(), key=lambda item: -item[1].score)
    listed = [(track_id, track) for track_id, track in ranked if track.score >= threshold][:LISTED_TRACKS]
    table = Table(title=f"Tracks of {escape(name)}", title_justify="left")
    table.add_column("id", justify="right")
    table.add_column("category")
    for heading in ("score", "first frame", "last frame", "frames seen"):
        table.add_column(heading, justify="right")
    for track_id, track in listed:
        numbers = (track.first_frame * settings.frame_step, track.last_frame * settings.frame_step, track.observed)
        category = escape(preset.categories[track.category].name)
        swatch = f"[{track_color(track_id)}]\u25a0[/] {track_id}"
        table.add_row(swatch, category, f"{track.score:.2f}", *(str(number) for number in numbers))
    console.print(table)
    if len(ranked) > len(listed):
        console.print(f"and {len(ranked) - len(listed)} weaker tracks", style="dim")


def _check_places(videos: list[Input], files: _Files, overwrite: bool) -> None:
    """Make the folder; refuse to write over a video that is to be read, and over earlier files unless told to."""
    targets = [files.folder / RESULTS]
    for video in videos:
        targets += [place for place in files.of(video.name) if place is not None]
    for target in targets:
        if any(video.place == target.resolve() for video in videos):
            raise CtvisError(f"'{target}' would be written over while it is read. Give another folder with --out.")
        if not overwrite and (target.is_file() or (target.is_dir() and any(target.iterdir()))):
            raise CtvisError(
                f"'{target}' is there already. Give another folder with --out, or --overwrite to replace it."
            )
    try:
        files.folder.mkdir(parents=True, exist_ok=True)
        (files.folder / META).unlink(missing_ok=True)
    except OSError as error:
        raise CtvisError(f"The folder '{files.folder}' cannot be written: {error.strerror}.") from error
