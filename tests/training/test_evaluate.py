"""Predict and score: frames from images or a video file, categories paired by name, faults found before hours are spent."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image

from engine import masks
from engine.config import Category, FrameFormat, ModelConfig, Preset
from engine.errors import DataError
from engine.query_decoder import FrameOutput
from tests.videos import make_video
from training.evaluate import category_ids, evaluate_model
from training.ytvis import read_dataset

PRESET = Preset(
    "colours",
    ModelConfig("none", num_classes=3),
    categories=(Category(1, "unheard_of"), Category(2, "red_thing"), Category(3, "green_thing")),
    frame=FrameFormat(short_edge=64, divisor=32),
)


class ColourNet(torch.nn.Module):
    """A net small enough to be right: query 0 sees red (category 1), query 1 green (category 2), on a 4-pixel grid."""

    frame_format = PRESET.frame

    def __init__(self) -> None:
        super().__init__()
        self.device_of = torch.nn.Parameter(torch.zeros(1))

    def forward(self, frames: torch.Tensor) -> FrameOutput:
        height, width = frames.shape[-2:]
        colours = F.pad(frames.float(), (0, -width % 32, 0, -height % 32))[:, :2]
        grid = (F.avg_pool2d(colours, 4) - 128) / 16
        seen = (grid > 0).flatten(2).any(-1).float()
        logits = torch.full((len(frames), 2, 4), -8.0)
        logits[:, 0, 1], logits[:, 1, 2] = 16 * seen[:, 0] - 8, 16 * seen[:, 1] - 8
        logits[..., 3] = 0
        return FrameOutput(logits, grid, 4 * torch.eye(2, 8).expand(len(frames), -1, -1))


def write_dataset(root: Path) -> dict[str, Any]:
    """One video of four frames, 96 x 64: a red block that moves and a green one that is gone in frame 2."""
    frames, (red, green) = np.zeros((4, 64, 96, 3), dtype=np.uint8), np.zeros((2, 4, 64, 96), dtype=bool)
    for t in range(4):
        red[t, 8:32, 8 * t + 8 : 8 * t + 40] = True
        green[t, 40:60, 40:80] = t != 2
    frames[red, 0], frames[green, 1] = 255, 255
    (root / "clip").mkdir()
    for t, frame in enumerate(frames):
        Image.fromarray(frame).save(root / "clip" / f"{t}.png")
    names = [f"clip/{t}.png" for t in range(4)]
    return {
        "videos": [{"id": 5, "width": 96, "height": 64, "length": 4, "file_names": names}],
        "categories": [{"id": 11, "name": "Green thing"}, {"id": 12, "name": "Red thing"}],
        "annotations": [
            {"id": i, "video_id": 5, "category_id": category, "iscrowd": 0}
            | {"segmentations": [rle if masks.area(rle) else None for rle in masks.encode_many(track)]}
            for i, (category, track) in enumerate([(12, red), (11, green)])
        ],
    }


def test_a_net_that_is_right_scores_one(tmp_path):
    told: list[tuple[int, int, int]] = []
    score, results = evaluate_model(
        ColourNet(),
        PRESET,
        write_dataset(tmp_path),
        tmp_path,
        on_video=lambda v, done, of: told.append((v.id, done, of)),
    )
    assert score.stats["AP"] == pytest.approx(1)
    assert {entry["category_id"] for entry in results} == {11, 12}  # category "unheard_of" is left out
    assert told == [(5, 1, 1)]


def test_categories_are_paired_by_name(tmp_path):
    dataset = read_dataset(write_dataset(tmp_path))
    assert category_ids(PRESET.categories, dataset) == [None, 12, 11]
    with pytest.raises(DataError, match="no category name in common"):
        category_ids((Category(1, "cat"),), dataset)


def test_frames_may_lie_in_a_video_file_named_like_their_folder(tmp_path):
    truth = write_dataset(tmp_path)
    frames = [np.asarray(Image.open(path)) for path in sorted((tmp_path / "clip").iterdir())]
    (tmp_path / "videos").mkdir()
    make_video(tmp_path / "videos" / "clip.mp4", frames, codec="libx264", options={"crf": "10"})
    score, _ = evaluate_model(ColourNet(), PRESET, truth, tmp_path / "videos")
    assert score.stats["AP75"] == pytest.approx(1)


def test_frames_that_do_not_fit_the_ground_truth_are_refused(tmp_path):
    truth = write_dataset(tmp_path)
    truth["videos"][0]["width"] = 100
    truth["annotations"] = []
    with pytest.raises(DataError, match="would not fit the frames"):
        evaluate_model(ColourNet(), PRESET, truth, tmp_path)


def test_missing_frames_are_named(tmp_path):
    truth = write_dataset(tmp_path)
    with pytest.raises(DataError, match=r"neither .*clip.* nor one video file"):
        evaluate_model(ColourNet(), PRESET, truth, tmp_path / "elsewhere")
