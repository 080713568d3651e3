"""Scores as pictures: precision against recall, AP by category, what each kind of error costs.

In: what training/ measured. Out: png files in a folder, made with matplotlib without a screen.
"""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from engine.errors import DataError
from training.metrics import IOU_THRESHOLDS, RECALL_POINTS, Score
from training.track_errors import ErrorReport

MOST_CATEGORIES = 40  # bars in one picture, the most frequent ones
INK, BAR, PRICE = "#334155", "#2563eb", "#c2410c"


def draw_plots(folder: Path, score: Score, errors: ErrorReport | None) -> list[Path]:
    """The files that were drawn; the folder is made if need be."""
    drawn = {"precision_recall.png": _curves(score), "categories.png": _categories(score)}
    if errors is not None:
        drawn["errors.png"] = _errors(errors)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, figure in drawn.items():
            figure.savefig(folder / name, dpi=150)
    except OSError as error:
        raise DataError(f"{folder} cannot be written to: {error.strerror}.") from error
    return [folder / name for name in drawn]


def _curves(score: Score) -> Figure:
    """Precision at each recall, the mean over the categories that have objects, for every second IoU threshold."""
    figure, axes = _canvas(6.4, 4.8)
    precision = score.precision[..., 0, -1]  # (T, R, K)
    measured = precision[0, 0] > -1
    shades = np.linspace(1, 0.25, len(IOU_THRESHOLDS))
    for t in range(0, len(IOU_THRESHOLDS), 2):
        mean = precision[t][:, measured].mean(1) if measured.any() else np.zeros(len(RECALL_POINTS))
        label = f"IoU {IOU_THRESHOLDS[t]:.2f}: {100 * mean.mean():.1f}"
        axes.plot(RECALL_POINTS, mean, color=BAR, alpha=shades[t], linewidth=1.8, label=label)
    axes.set(xlabel="recall", ylabel="precision", xlim=(0, 1), ylim=(0, 1.02), title="Precision and recall of tracks")
    axes.legend(title="area, %", frameon=False)
    return figure


def _categories(score: Score) -> Figure:
    rows = sorted((row for row in score.categories if row.instances), key=lambda row: -row.instances)[:MOST_CATEGORIES]
    rows.sort(key=lambda row: row.ap)
    figure, axes = _canvas(6.4, 1.2 + 0.24 * max(len(rows), 1))
    places = np.arange(len(rows))
    axes.barh(places, [100 * row.ap50 for row in rows], color=BAR, alpha=0.3, label="AP50")
    axes.barh(places, [100 * row.ap for row in rows], color=BAR, label="AP")
    axes.set_yticks(places, [f"{row.category.name} ({row.instances})" for row in rows])
    axes.set(xlabel="%", xlim=(0, 100), title="By category (number of objects)")
    axes.legend(frameon=False, loc="lower right")
    return figure


def _errors(report: ErrorReport) -> Figure:
    kinds = [kind for kind, _ in sorted(report.price.items(), key=lambda item: item[1])]
    figure, axes = _canvas(6.4, 3.4)
    bars = axes.barh(kinds, [100 * report.price[kind] for kind in kinds], color=PRICE)
    axes.bar_label(bars, [f" {100 * report.price[kind]:.1f}  ({report.counts[kind]})" for kind in kinds], color=INK)
    axes.set(
        xlabel="AP50 that mending it alone would add, % (how many)",
        title=f"Why tracks do not score: AP50 {100 * report.ap50:.1f}",
    )
    axes.set_xlim(0, max(1.0, 130 * max(report.price.values())))
    return figure


def _canvas(width: float, height: float) -> tuple[Figure, Axes]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = figure.subplots()
    axes.spines[["top", "right"]].set_visible(False)
    axes.tick_params(colors=INK)
    return figure, axes
