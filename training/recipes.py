"""The published recipes: what to train each preset on, with which clips, and for how long (configs of CTVIS, MIT).

In: a preset. Out: a `Recipe`, plain numbers. Where the data lie is `layouts.py`; the loop is `loop.py`. For presets that were not
published (`demo`, own ones) the recipe of YouTube-VIS 2019 with ResNet-50 holds, scaled to the size of frames they see.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from engine.config import Preset
from training.augmentation import Augmentation
from training.config import TrainConfig

SHORT_EDGE = 480  # of the frames that the published numbers are for


@dataclass(frozen=True)
class Recipe:
    """dataset: a name of layouts.py. batch: clips of a step, over all processes. reach: frames to each side of a clip's first
    choice. coco_share: of the steps that see pseudo-videos, where COCO is at hand. mixed: videos and pseudo-videos in one
    batch, which the released code never has (its loader keeps one queue for all data sets)."""

    dataset: str
    batch: int = 16
    frames: int = 10
    reach: int = 20
    coco_share: float = 0.4
    mixed: bool = False
    augmentation: Augmentation = field(default_factory=Augmentation)
    train: TrainConfig = field(default_factory=TrainConfig)


# COCO to video: 1 to 1.5 (2019), 1 to 0.8 (2021), 1 to 0.75 (OVIS)
_COCO_SHARE = {"ytvis_2019": 1 / 2.5, "ytvis_2021": 1 / 1.8, "ytvis_2022": 1 / 1.8, "ovis": 1 / 1.75}

# beside where the negatives come from; 0.001 is the released code's number, where noise is switched on there
_REID: dict[str, dict[str, Any]] = {"reference": {"second_matching": True}, "paper": {"noise": 0.001}}


def recipe_for(preset: Preset, kind: Literal["reference", "paper"] = "reference") -> Recipe:
    """The published recipe of a preset, or the nearest one. kind: as the code was released, or as the paper describes it."""
    dataset = next((name for name in _COCO_SHARE if preset.name.startswith(name)), "ytvis_2019")
    ovis = dataset == "ovis"
    frames, reach = (10, 15 if ovis else 20)
    if preset.model.backbone == "swin_l":
        frames, reach = (6, 10) if ovis else (8, 16)
    scaled = Augmentation().at_scale(preset.frame.short_edge / SHORT_EDGE)
    train = TrainConfig(recipe=kind, **_REID[kind])
    return Recipe(
        dataset, frames=frames, reach=reach, coco_share=_COCO_SHARE[dataset], augmentation=scaled, train=train
    )
