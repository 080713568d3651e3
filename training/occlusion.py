"""How much of an object is hidden, and average precision by that, for data sets annotated as OVIS is.

In: a Dataset whose instances say per frame "no_occlusion", "slight_occlusion" or "severe_occlusion". Out: a Score per level.
The words count 0, 1/4 and 3/4; an object is as occluded as the more occluded half of its frames is on average: up to 1/4
slightly, up to 1/2 moderately, above heavily. After the OVIS paper (Qi et al., IJCV 2022); its server's own code was not at
hand to compare with, so these figures are for comparing runs with each other.
"""

from collections.abc import Sequence

import numpy as np

from engine.errors import DataError
from training.metrics import Score, evaluate
from training.ytvis import Dataset, Instance, Result

WEIGHTS = {"no_occlusion": 0.0, "slight_occlusion": 0.25, "severe_occlusion": 0.75}
LEVELS = {"slightly": (0.0, 0.25), "moderately": (0.25, 0.5), "heavily": (0.5, 1.0)}  # above, up to


def occlusion_of(instance: Instance) -> float | None:
    """0..0.75, or None if the file does not say."""
    words = [word for word in instance.occlusion if word is not None]
    unknown = set(words) - set(WEIGHTS)
    if unknown:
        raise DataError(f'"{min(unknown)}" is no level of occlusion; they are {", ".join(WEIGHTS)}.')
    if not words:
        return None
    weights = np.sort([WEIGHTS[word] for word in words])[::-1]
    return float(weights[: (len(weights) + 1) // 2].mean())


def level_of(instance: Instance) -> str | None:
    occlusion = occlusion_of(instance)
    if occlusion is None:
        return None
    return next(level for level, (_, most) in LEVELS.items() if occlusion <= most)


def evaluate_by_occlusion(dataset: Dataset, results: Sequence[Result]) -> dict[str, Score]:
    """The score on the objects of each level; empty if the file knows no occlusion."""
    if not any(instance.occlusion for instance in dataset.instances):
        return {}

    def score(level: str) -> Score:
        return evaluate(dataset, results, counts=lambda instance: level_of(instance) == level)

    return {level: score(level) for level in LEVELS}
