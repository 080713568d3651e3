"""A whole video through net, tracker and session, equal to what the reference implementation makes of it.

8 frames of 150 x 260, resized to 224 x 388, with stand-in weights (see `tests/data/golden/synth.py`).
"""

import json
from dataclasses import replace

import pytest
import torch

from engine import build_model, load_checkpoint, masks
from engine.session import VideoSession
from tests.golden import golden_path, load_synth

pytestmark = pytest.mark.timeout(1200)  # 20 s of work on one core, many more on a busy machine


@pytest.fixture(scope="module")
def expected():
    return json.loads(golden_path("video_ytvis_2019_r50.json").read_text())


@pytest.fixture(scope="module")
def net(expected, tmp_path_factory):
    shapes = json.loads(golden_path("keys_ytvis_2019_r50.json").read_text())
    arrays = load_synth().synth_state_dict(shapes, expected["seed"])
    path = tmp_path_factory.mktemp("weights") / "synth.pth"
    torch.save({"model": {name: torch.from_numpy(array) for name, array in arrays.items()}}, path)
    net = build_model("ytvis_2019_r50")
    load_checkpoint(net, path)
    return net


def result_of(net, expected):
    size = expected["height"], expected["width"]
    session = VideoSession(net, size, frame_format=replace(net.frame_format, short_edge=expected["min_size_test"]))
    assert list(session.resized) == expected["resized"]
    for frame in load_synth().synth_video(expected["num_frames"], *size, seed=expected["seed"]):
        session.step(frame)
    return session.finish()


def overlaps(result, expected, count):
    """IoU of the masks of the first predictions with the reference's, frame by frame; two empty masks agree."""
    empty = masks.encode(torch.zeros(result.size))
    for prediction, codes in zip(result.predictions[:count], expected["rle_counts"], strict=False):
        for mine, counts in zip(result.segmentations(prediction.track_id), codes, strict=True):
            mine, other = mine or empty, {"size": list(result.size), "counts": counts}
            yield 1.0 if mine == other else masks.iou([mine], [other])[0, 0]


def test_in_float64_scores_labels_and_masks_are_those_of_the_reference(net, expected):
    result = result_of(net.double(), expected)
    assert [prediction.category for prediction in result.predictions] == expected["pred_labels"]
    assert [prediction.score for prediction in result.predictions] == pytest.approx(expected["pred_scores"], abs=1e-5)
    assert min(overlaps(result, expected, count=None)) >= 0.9999


def test_in_float32_the_ten_best_are_those_of_the_reference(net, expected):
    result = result_of(net.float(), expected)
    best = result.predictions[:10]
    assert [prediction.category for prediction in best] == expected["pred_labels"][:10]
    assert [prediction.score for prediction in best] == pytest.approx(expected["pred_scores"][:10], abs=1e-2)
    assert min(overlaps(result, expected, count=10)) >= 0.98
