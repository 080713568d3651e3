"""Data, losses, tracker and score fit together: a net that knows nothing learns two tiny clips by heart.

Two discs of one category cross and hide each other, told apart by their shade alone; a third is of another category. So the score
falls if the loss of classes, masks or embeddings is wrong. The same with real objects, at the length of minutes, is in
docs/training.md, "Trying it out".
"""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import torch

from engine import Category, TrackerConfig, build_model, masks
from tests.nets import tiny_preset
from training.annotation_index import index_of
from training.augmentation import Augmentation
from training.config import TrainConfig
from training.dataset_clips import ClipShape, DatasetClips, source_of
from training.evaluate import evaluate_model
from training.train import Judged, Pace, Validation, train

HEIGHT, WIDTH, LENGTH, RADIUS = 64, 96, 6, 9
STEPS = 90
CATEGORIES = (Category(1, "ball"), Category(2, "plate"))
HEIGHTS = ((20, 30, 50), (40, 30, 14))  # of the discs' middles, per video


def write_crossing(folder: Path) -> Path:
    """Two videos of a ball that goes right, one that goes left before it, and a plate before both; returns the ground truth."""
    videos, annotations = [], []
    for video, heights in enumerate(HEIGHTS, start=1):
        names = [f"{video}/{t}.png" for t in range(LENGTH)]
        videos.append({"id": video, "width": WIDTH, "height": HEIGHT, "length": LENGTH, "file_names": names})
        (folder / str(video)).mkdir()
        seen = np.zeros((LENGTH, HEIGHT, WIDTH), np.uint8)  # number of the disc in front, 0: none
        for t, name in enumerate(names):
            picture = np.full((HEIGHT, WIDTH, 3), 60, np.uint8)
            ways, colours = (14 + 13 * t, 80 - 13 * t, 30 + 5 * t), ((40, 40, 255), (230, 230, 40), (0, 255, 0))
            for number, (x, y, colour) in enumerate(zip(ways, heights, colours, strict=True), start=1):
                cv2.circle(picture, (x, y), RADIUS, colour, -1)
                cv2.circle(seen[t], (x, y), RADIUS, number, -1)
            cv2.imwrite(str(folder / name), picture)
        for number, category in ((1, 1), (2, 1), (3, 2)):
            codes = [masks.encode(frame == number) for frame in seen]
            annotations.append({"video_id": video, "category_id": category, "segmentations": codes})
    numbered = [{"id": place, **annotation} for place, annotation in enumerate(annotations, start=1)]
    categories = [{"id": category.id, "name": category.name} for category in CATEGORIES]
    truth = {"videos": videos, "categories": categories, "annotations": numbered}
    (folder / "gt.json").write_text(json.dumps(truth))
    return folder / "gt.json"


def test_a_net_that_knows_nothing_learns_two_clips_by_heart(tmp_path):
    truth = write_crossing(tmp_path)
    preset = replace(tiny_preset(CATEGORIES, "efficientnet_lite0"), tracker=TrackerConfig(top_k=10))
    index = index_of(truth, tmp_path / "cache")
    how = replace(Augmentation(), short_edges=(HEIGHT,), max_edge=WIDTH, crop_chance=0, flip_chance=0)
    source = source_of(index, tmp_path, CATEGORIES, reach=LENGTH)
    clips = DatasetClips([source], ClipShape(1, LENGTH), how, STEPS, (60, 60, 60))
    config = TrainConfig(
        steps=STEPS, learning_rate=1.5e-3, backbone_factor=1, schedule="cosine", warmup=0.05, clip_norm=1, points=256
    )
    torch.manual_seed(0)
    model = build_model(preset)
    validation = Validation(lambda net: evaluate_model(net, preset, truth, tmp_path)[0])
    before = validation.judge(model.eval()).stats["AP"]
    told = list(train(model, preset, clips, config, tmp_path / "out", Pace(workers=0), validation))
    (after,) = (event.score.stats["AP"] for event in told if isinstance(event, Judged))
    assert before < 0.05 and after >= 0.8
