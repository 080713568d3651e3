"""A published checkpoint file through `ctvis-studio predict`: the results file holds what the reference implementation found."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from engine import masks
from tests.golden import golden_path, load_synth

pytestmark = pytest.mark.timeout(1200)  # half a minute of work on one core, many more on a busy machine

EXPECTED = json.loads(golden_path("video_ytvis_2019_r50.json").read_text())


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    shapes = json.loads(golden_path("keys_ytvis_2019_r50.json").read_text())
    arrays = load_synth().synth_state_dict(shapes, EXPECTED["seed"])
    path = tmp_path_factory.mktemp("checkpoint") / "ctvis_r50.pth"
    torch.save({"model": {name: torch.from_numpy(array) for name, array in arrays.items()}}, path)
    return path


@pytest.fixture(scope="module")
def frames(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("frames")
    size = EXPECTED["height"], EXPECTED["width"]
    for number, frame in enumerate(load_synth().synth_video(EXPECTED["num_frames"], *size, seed=EXPECTED["seed"])):
        Image.fromarray(frame).save(folder / f"{number:05}.png")
    return folder


def predict(checkpoint: Path, frames: Path, out: Path, dtype: str) -> list[dict[str, Any]]:
    command = [
        sys.executable,
        "-m",
        "studio.cli",
        "predict",
        str(frames),
        "--model",
        str(checkpoint),
        "--out",
        str(out),
    ]
    command += ["--preset", "ytvis_2019_r50", "--dtype", dtype, "--short-edge", str(EXPECTED["min_size_test"])]
    subprocess.run(command, check=True, timeout=1000)
    return json.loads((out / "results.json").read_text())


def ious(result: dict[str, Any], counts: list[str]) -> list[float]:
    """Per frame; two empty masks agree."""
    size = [EXPECTED["height"], EXPECTED["width"]]
    empty = masks.encode(np.zeros(size, bool))
    overlaps = []
    for mine, other in zip(result["segmentations"], counts, strict=True):
        mine, other = mine or empty, {"size": size, "counts": other}
        overlaps.append(1.0 if mine == other else float(masks.iou([mine], [other])[0, 0]))
    return overlaps


def test_in_float64_labels_scores_and_masks_are_those_of_the_reference(
    checkpoint: Path, frames: Path, tmp_path: Path
) -> None:
    results = predict(checkpoint, frames, tmp_path, "float64")
    assert [result["category_id"] - 1 for result in results] == EXPECTED["pred_labels"]
    assert [result["score"] for result in results] == pytest.approx(EXPECTED["pred_scores"], abs=1e-5)
    for result, counts in zip(results, EXPECTED["rle_counts"], strict=True):
        assert min(ious(result, counts)) >= 0.9999


def test_in_float32_the_ten_best_are_those_of_the_reference(checkpoint: Path, frames: Path, tmp_path: Path) -> None:
    results = predict(checkpoint, frames, tmp_path, "float32")[:10]
    assert [result["category_id"] - 1 for result in results] == EXPECTED["pred_labels"][:10]
    assert [result["score"] for result in results] == pytest.approx(EXPECTED["pred_scores"][:10], abs=1e-2)
    for result, counts in zip(results, EXPECTED["rle_counts"], strict=False):
        assert min(ious(result, counts)) >= 0.98
