"""`ctvis-studio evaluate`: scores a results file, or a model, against a YouTube-VIS ground truth.

To be registered as the command `evaluate` (`app.command()(evaluate)`). Prints one table of the overall numbers and one
of the categories, with the settings they depend on. Faults of the input are CtvisErrors, which the command line prints.
"""

import json as json_format
from pathlib import Path
from typing import Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from engine.errors import DataError
from studio.commands.model_choice import open_chosen
from training.evaluate import evaluate_model
from training.metrics import SETTINGS, Score
from training.metrics import evaluate as score_results
from training.ytvis import oddities, read_dataset, read_results


def evaluate(
    gt: Annotated[Path, typer.Option("--gt", help="ground truth, YouTube-VIS json")],
    results: Annotated[Path | None, typer.Option("--results", help="results json to score; needs no model")] = None,
    model: Annotated[str | None, typer.Option("--model", help="model name or file: predict first, then score")] = None,
    preset: Annotated[str | None, typer.Option("--preset", help="preset of a published checkpoint")] = None,
    images: Annotated[
        Path | None, typer.Option("--images", help="with --model: folder of the ground truth's videos")
    ] = None,
    json: Annotated[Path | None, typer.Option("--json", help="also write the numbers to this file")] = None,
) -> None:
    """Score a results file, or a model, against a YouTube-VIS ground truth."""
    console = Console()
    if results is not None and model is None:
        dataset = read_dataset(gt)
        found = read_results(results, dataset)
        score = score_results(dataset, found)
        for remark in oddities(found):
            console.print(f"Note: {remark}", style="yellow")
    elif model is not None and images is not None and results is None:
        chosen = open_chosen(model, preset, Console(stderr=True, highlight=False, soft_wrap=True))
        with console.status("Predicting") as status:
            score, _ = evaluate_model(
                chosen.model,
                chosen.preset,
                gt,
                images,
                on_video=lambda _, done, of: status.update(f"Predicted {done} of {of} videos"),
            )
    else:
        raise DataError("Give either --results FILE, or --model NAME with --images FOLDER.")
    print_score(console, score)
    if json is not None:
        try:
            json.write_text(json_format.dumps(score.to_json(), indent=1), encoding="utf-8")
        except OSError as error:
            raise DataError(f"{json} cannot be written: {error.strerror}.") from error
        console.print(f"Written to {json}", markup=False)


def print_score(console: Console, score: Score) -> None:
    """Overall numbers, categories and settings; percent as in the literature, a dash where nothing could be
    measured."""
    overall = Table(title="YouTube-VIS score, %", title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in score.stats:
        overall.add_column(name, justify="right")
    overall.add_row(*(_percent(value) for value in score.stats.values()))
    console.print(overall)

    rows = Table(title="By category, %", title_justify="left")
    rows.add_column("category")
    for name in ("AP", "AP50", "instances", "predicted"):
        rows.add_column(name, justify="right")
    for row in score.categories:
        if row.instances or row.tracks:
            rows.add_row(
                escape(row.category.name), _percent(row.ap), _percent(row.ap50), str(row.instances), str(row.tracks)
            )
    console.print(rows)
    console.print(f"Settings: {SETTINGS}.", style="dim")


def _percent(value: float) -> str:
    return "-" if value < 0 else f"{100 * value:.1f}"
