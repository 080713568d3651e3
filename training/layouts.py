"""Where the published data sets lie: the folders that CTVIS and detectron2 expect.

In: a data set's name and a root folder, by default $CTVIS_DATASETS, else $DETECTRON2_DATASETS. Out: the files, or a DataError
that says what is missing and where it should be. YouTube-VIS 2022 shares the training set of 2021.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from engine.errors import DataError


@dataclass(frozen=True)
class Located:
    """A ground truth and the folder that its file names start from."""

    truth: Path
    pictures: Path


# relative to the root: the ground truth, the pictures
_TRAIN = {
    "ytvis_2019": ("ytvis_2019/train.json", "ytvis_2019/train/JPEGImages"),
    "ytvis_2021": ("ytvis_2021/train.json", "ytvis_2021/train/JPEGImages"),
    "ytvis_2022": ("ytvis_2022/train.json", "ytvis_2022/train/JPEGImages"),
    "ovis": ("ovis/annotations/train.json", "ovis/train"),
    "coco": ("coco/annotations/instances_train2017.json", "coco/train2017"),
}


def train_set(name: str, root: Path | None = None) -> Located:
    """The training part of a data set, COCO's as published."""
    folder = datasets_root(root)
    if name == "ytvis_2022" and not (folder / _TRAIN[name][0]).exists():
        name = "ytvis_2021"
    truth, pictures = (folder / part for part in _TRAIN[name])
    for missing in (path for path in (truth, pictures) if not path.exists()):
        raise DataError(
            f"{missing} is missing. {name} should have its annotations at {truth} and its pictures in {pictures}."
        )
    return Located(truth, pictures)


def has_coco(root: Path | None = None) -> bool:
    return all((datasets_root(root) / part).exists() for part in _TRAIN["coco"])


def datasets_root(root: Path | None = None) -> Path:
    named = os.environ.get("CTVIS_DATASETS") or os.environ.get("DETECTRON2_DATASETS")
    if root is None and named is None:
        raise DataError(
            "Say where the data sets are: set CTVIS_DATASETS to the folder that holds ytvis_2019, ovis or coco, or give --data."
        )
    return root or Path(named or "")
