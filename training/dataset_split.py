"""A YouTube-VIS ground truth cut in two by whole videos, with each category's objects shared out as the videos are.

In: the parsed json, a share and a seed. Out: two of the same form, every annotation with its video, the list of categories in both.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np

from engine.errors import DataError


def split_dataset(content: Mapping[str, Any], share: float, seed: int = 0) -> tuple[dict[str, Any], dict[str, Any]]:
    """The larger part, and the part with `share` (0..1) of the videos, at least one.

    Videos come in an order drawn by `seed`; the next one to go to the second part is always the one that brings its numbers of
    objects per category nearest to that share of all, rare categories counting as much as frequent ones.
    """
    ids = [video["id"] for video in content["videos"]]
    if not 0 < share < 1:
        raise DataError(f"The share is {share:g}; it must lie between 0 and 1.")
    if len(ids) < 2:
        raise DataError("There are fewer than two videos; a video stays whole, so there is nothing to split.")
    objects = _objects(content, ids)  # (V, K)
    total = objects.sum(0)
    aim, chosen = share * total, np.zeros(len(ids), dtype=bool)
    order = np.random.default_rng(seed).permutation(len(ids))
    for _ in range(min(max(1, round(share * len(ids))), len(ids) - 1)):
        far = (np.abs(aim - objects) / np.maximum(total, 1)).sum(1)
        best = order[np.where(chosen, np.inf, far)[order].argmin()]
        chosen[best] = True
        aim = aim - objects[best]
    second = {video for video, taken in zip(ids, chosen, strict=True) if taken}
    return _part(content, set(ids) - second), _part(content, second)


def _objects(content: Mapping[str, Any], ids: list[Any]) -> np.ndarray:
    """How many objects of each category each video has, (V, K)."""
    rows = {video: row for row, video in enumerate(ids)}
    columns = {category["id"]: column for column, category in enumerate(content["categories"])}
    objects = np.zeros((len(rows), len(columns)))
    for annotation in content["annotations"]:
        objects[rows[annotation["video_id"]], columns[annotation["category_id"]]] += 1
    return objects


def _part(content: Mapping[str, Any], ids: set[Any]) -> dict[str, Any]:
    return {
        **content,
        "videos": [video for video in content["videos"] if video["id"] in ids],
        "annotations": [annotation for annotation in content["annotations"] if annotation["video_id"] in ids],
    }
