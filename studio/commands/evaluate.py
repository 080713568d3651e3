"""`ctvis-studio evaluate`: scores a results file, or a model, against a YouTube-VIS ground truth.

To be registered as the command `evaluate` (`app.command()(evaluate)`). What is measured is in training/; how it is laid out in
score_tables.py and, as pictures, formats/score_plots.py. Faults of the input are CtvisErrors, which the command line prints.
"""

import json as json_format
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

import torch
import typer
from rich.console import Console

from engine import CTVIS, Preset
from engine.errors import DataError
from engine.recognise import Recognised
from engine.run import pick_device, warn_if_emulated
from engine.tuning import keep_freed_memory, tune
from studio.commands import score_tables
from studio.commands.model_choice import open_chosen
from training.evaluate import predict_dataset
from training.metrics import Score
from training.metrics import evaluate as score_results
from training.occlusion import evaluate_by_occlusion
from training.track_errors import ErrorReport, error_report
from training.tracking_metrics import LEAST_SCORE, TrackingScore
from training.tracking_metrics import tracking_score as score_tracking
from training.ytvis import Dataset, Result, oddities, read_dataset, read_results, read_video_list


def evaluate(
    gt: Annotated[Path, typer.Option("--gt", help="ground truth, YouTube-VIS json")],
    results: Annotated[Path | None, typer.Option("--results", help="results json to score; needs no model")] = None,
    model: Annotated[str | None, typer.Option("--model", help="model name or file: predict first, then score")] = None,
    preset: Annotated[str | None, typer.Option("--preset", help="preset of a published checkpoint")] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="with --model: folder of the ground truth's videos")
    ] = None,
    short_edge: Annotated[
        int | None,
        typer.Option("--short-edge", min=32, help="with --model: of the frames, in pixels; its own by default"),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", help="with --model: cpu, cuda, cuda:1, mps; by default the GPU if there is one"),
    ] = None,
    dtype: Annotated[
        Literal["float32", "bfloat16", "float16"],
        typer.Option("--dtype", help="with --model: what the net computes in"),
    ] = "float32",
    long_videos: Annotated[
        Path | None,
        typer.Option(
            "--long-videos",
            help="YouTube-VIS 2022: the long videos, as a json or as lines of ids; the score is then the mean of short and long",
        ),
    ] = None,
    tracking: Annotated[
        bool, typer.Option("--tracking", help="also how identities are kept: HOTA, IDF1, MOTA, identity switches")
    ] = False,
    tracking_score: Annotated[
        float,
        typer.Option("--tracking-score", min=0, max=1, help="with --tracking: tracks that score less are left out"),
    ] = LEAST_SCORE,
    errors: Annotated[
        bool, typer.Option("--errors", help="also why tracks do not score, and what each reason costs")
    ] = False,
    plots: Annotated[
        Path | None, typer.Option("--plots", help="folder for pictures: curves of precision and recall, bars")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="also write the numbers to this file")] = None,
) -> None:
    """Score a results file, or a model, against a YouTube-VIS ground truth."""
    console = Console()
    dataset, found = _found(console, gt, results, model, preset, images, _Computing(short_edge, device, dtype))
    for remark in oddities(found):
        console.print(f"Note: {remark}", style="yellow")
    report = _Report(
        score=score_results(dataset, found),
        halves=_halves(dataset, found, long_videos),
        occlusion=evaluate_by_occlusion(dataset, found),
        tracking=score_tracking(dataset, found, tracking_score) if tracking else None,
        errors=error_report(dataset, found) if errors or plots else None,
    )
    report.print(console)
    if plots is not None:
        from studio.formats.score_plots import draw_plots  # matplotlib takes its time, and few ask for pictures

        for file in draw_plots(plots, report.score, report.errors):
            console.print(f"Drawn: {file}", markup=False)
    if json is not None:
        _write(json, report.to_json())
        console.print(f"Written to {json}", markup=False)


@dataclass(frozen=True)
class _Computing:
    """How a net is to see the videos."""

    short_edge: int | None
    device: str | None
    dtype: str

    def prepared(self, chosen: Recognised, stderr: Console) -> tuple[CTVIS, Preset, torch.dtype | None]:
        """The net made ready there, its preset with the size of its frames, and the half precision it runs under."""
        place, dtype = pick_device(self.device), getattr(torch, self.dtype)
        warn_if_emulated(dtype, place, stderr.print)
        autocast = None if dtype is torch.float32 else dtype
        tune(chosen.model.to(place), autocast)
        keep_freed_memory()
        preset, edge = chosen.preset, self.short_edge
        return chosen.model, preset if edge is None else replace(preset, frame=preset.frame.at(edge)), autocast


@dataclass(frozen=True)
class _Report:
    """All that was measured. halves: of the short and of the long videos, where these were told apart."""

    score: Score
    halves: dict[str, Score]
    occlusion: dict[str, Score]
    tracking: TrackingScore | None
    errors: ErrorReport | None

    def print(self, console: Console) -> None:
        score_tables.print_score(console, self.score)
        if self.halves:
            score_tables.print_groups(console, "Short and long videos, %", self.halves)
            console.print(f"YouTube-VIS 2022's AP, the mean of both: {score_tables.percent(self._mean_of_halves())}")
        if self.occlusion:
            score_tables.print_groups(console, "By occlusion, %", self.occlusion)
        if self.tracking:
            score_tables.print_tracking(console, self.tracking)
        if self.errors:
            score_tables.print_errors(console, self.errors)

    def to_json(self) -> dict[str, Any]:
        content = self.score.to_json()
        if self.halves:
            content["halves"] = {name: dict(score.stats) for name, score in self.halves.items()}
            content["mean_of_halves_AP"] = self._mean_of_halves()
        if self.occlusion:
            content["occlusion"] = {name: dict(score.stats) for name, score in self.occlusion.items()}
        if self.tracking:
            content["tracking"] = self.tracking.to_json()
        if self.errors:
            content["errors"] = self.errors.to_json()
        return content

    def _mean_of_halves(self) -> float:
        return sum(score.stats["AP"] for score in self.halves.values()) / len(self.halves)


def _found(
    console: Console,
    gt: Path,
    results: Path | None,
    model: str | None,
    preset: str | None,
    images: Path | None,
    computing: _Computing,
) -> tuple[Dataset, list[Result]]:
    """The ground truth and what is to be scored: read, or predicted first."""
    if results is not None and model is None:
        dataset = read_dataset(gt)
        return dataset, read_results(results, dataset)
    if model is None or images is None or results is not None:
        raise DataError("Give either --results FILE, or --model NAME with --images FOLDER.")
    stderr = Console(stderr=True, highlight=False, soft_wrap=True)
    net, its_preset, autocast = computing.prepared(open_chosen(model, preset, stderr), stderr)
    dataset = read_dataset(gt)
    with console.status("Predicting") as status:
        entries = predict_dataset(
            net,
            its_preset,
            dataset,
            images,
            on_video=lambda _, done, of: status.update(f"Predicted {done} of {of} videos"),
            autocast=autocast,
        )
    return dataset, read_results(entries, dataset)


def _halves(dataset: Dataset, found: Sequence[Result], long_videos: Path | None) -> dict[str, Score]:
    if long_videos is None:
        return {}
    long = read_video_list(long_videos, dataset)
    short = set(dataset.videos) - long
    if not short:
        raise DataError(f"{long_videos} names all videos of the ground truth, so none is left as a short one.")
    return {"short": score_results(dataset, found, short), "long": score_results(dataset, found, long)}


def _write(path: Path, content: dict[str, Any]) -> None:
    try:
        path.write_text(json_format.dumps(content, indent=1), encoding="utf-8")
    except OSError as error:
        raise DataError(f"{path} cannot be written: {error.strerror}.") from error
