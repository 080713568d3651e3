"""Scores as tables on the console, in percent as in the literature; a dash where there was nothing to measure.

In: what training/ measured. Out: printed text. The same numbers as JSON come from the scores themselves.
"""

from collections.abc import Mapping

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from training.metrics import SETTINGS, Score
from training.track_errors import KINDS, ErrorReport
from training.tracking_metrics import TrackingScore


def print_score(console: Console, score: Score) -> None:
    """Overall numbers, categories and settings."""
    overall = _table("YouTube-VIS score, %", *score.stats)
    overall.add_row(*(percent(value) for value in score.stats.values()))
    console.print(overall)

    rows = Table(title="By category, %", title_justify="left")
    rows.add_column("category")
    for name in ("AP", "AP50", "instances", "predicted"):
        rows.add_column(name, justify="right")
    for row in score.categories:
        if row.instances or row.tracks:
            numbers = (percent(row.ap), percent(row.ap50), str(row.instances), str(row.tracks))
            rows.add_row(escape(row.category.name), *numbers)
    console.print(rows)
    console.print(f"Settings: {SETTINGS}.", style="dim")


def print_groups(console: Console, title: str, scores: Mapping[str, Score]) -> None:
    """The overall numbers of several groups of videos or objects, a line each."""
    names = next(iter(scores.values())).stats
    table = _table(title, "", *names)
    for group, score in scores.items():
        table.add_row(group, *(percent(value) for value in score.stats.values()))
    console.print(table)


def print_tracking(console: Console, score: TrackingScore) -> None:
    rates = {
        "HOTA": score.hota,
        "DetA": score.det_a,
        "AssA": score.ass_a,
        "IDF1": score.idf1,
        "MOTA": score.mota,
    }
    counts = {
        "identity switches": score.switches,
        "fragments": score.fragments,
        "objects": score.objects,
        "tracks": score.tracks,
    }
    table = _table("How identities are kept, %", *rates, *counts)
    table.add_row(*(f"{100 * value:.1f}" for value in rates.values()), *map(str, counts.values()))
    console.print(table)
    console.print(
        f"Of tracks that score at least {score.least_score:g}, one category each; masks count as the same from IoU .50 "
        "(HOTA: .05:.05:.95); summed over all videos and categories.",
        style="dim",
    )


def print_errors(console: Console, report: ErrorReport) -> None:
    table = Table(title="Why tracks do not score", title_justify="left")
    table.add_column("error")
    for name in ("how many", "AP50 it costs"):
        table.add_column(name, justify="right")
    table.add_column("what it means")
    for kind, meaning in KINDS.items():
        table.add_row(kind, str(report.counts[kind]), percent(report.price[kind]), meaning)
    console.print(table)
    console.print(
        f"AP50 is {percent(report.ap50)}. A price is what mending one kind alone would add; prices do not add up.",
        style="dim",
    )


def percent(value: float) -> str:
    return "-" if value < 0 else f"{100 * value:.1f}"


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for name in columns:
        table.add_column(name, justify="right" if name else "left")
    return table
