"""Every fault that a ground truth can have is found at its place, all of them in one go, and good files have none."""

import copy
import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from engine import masks
from tests.golden import golden_path
from training.dataset_check import find_faults

ASSETS = Path(__file__).parents[2] / "assets" / "clips"


def square(left: int) -> dict:
    mask = np.zeros((10, 40), np.uint8)
    mask[2:8, left : left + 6] = 1
    return masks.encode(mask)


TRUTH = {
    "videos": [
        {"id": 1, "width": 40, "height": 10, "length": 2, "file_names": ["a/0.png", "a/1.png"]},
        {"id": 2, "width": 40, "height": 10, "length": 2, "file_names": ["b/0.png", "b/1.png"]},
    ],
    "categories": [{"id": 1, "name": "one"}],
    "annotations": [
        {"id": 7, "video_id": 1, "category_id": 1, "iscrowd": 0, "segmentations": [square(2), None]}
        | {"areas": [36, None], "bboxes": [[2, 2, 6, 6], None]},
    ],
}


def faults(tmp_path, change=lambda truth: None, images=None) -> list[tuple[str, str, str]]:
    truth = copy.deepcopy(TRUTH)
    change(truth)
    (tmp_path / "gt.json").write_text(json.dumps(truth))
    return [tuple(fault) for fault in find_faults(tmp_path / "gt.json", images)]


def annotation(**values):
    return lambda truth: truth["annotations"][0].update(values)


def test_a_good_file_has_no_faults(tmp_path):
    assert faults(tmp_path) == []
    assert list(find_faults(golden_path("ytvis_eval_gt.json"))) == []


def test_shipped_clips_and_their_annotations_fit_each_other():
    assert list(find_faults(ASSETS / "annotations.json", ASSETS)) == []


@pytest.mark.parametrize(
    ("change", "kind", "place", "text"),
    [
        (annotation(segmentations=[square(2)]), "wrong length", "annotation 0 (id 7)", "1 segmentations for 2 frames"),
        (annotation(areas=[36, None, None]), "wrong length", "annotation 0 (id 7)", "3 areas for 2 frames"),
        (annotation(bboxes="none"), "wrong length", "annotation 0 (id 7)", "bboxes must be a list"),
        (annotation(areas=[50, None]), "wrong area", "annotation 0 (id 7), frame 0", "said to be 50, the mask has 36"),
        (annotation(bboxes=[[9, 2, 6, 6], None]), "wrong box", "annotation 0 (id 7), frame 0", "[2, 2, 6, 6]"),
        (annotation(bboxes=[None, None]), "missing box", "annotation 0 (id 7), frame 0", "a mask, but no box"),
        (annotation(bboxes=[[1, 2], None]), "wrong box", "annotation 0 (id 7), frame 0", "[x, y, width, height]"),
        (annotation(video_id=9), "unknown id", "annotation 0 (id 7)", "no video 9"),
        (annotation(category_id=9), "unknown id", "annotation 0 (id 7)", "no category 9"),
        (annotation(iscrowd=5), "wrong value", "annotation 0 (id 7)", "iscrowd is 5"),
        (
            annotation(segmentations=[None, None], areas=None, bboxes=None),
            "empty track",
            "annotation 0 (id 7)",
            "none of",
        ),
        (
            annotation(segmentations=[{"size": [9, 40], "counts": "x"}, None], areas=None, bboxes=None),
            "damaged mask",
            "annotation 0 (id 7), frame 0",
            "the mask's size is [9, 40]",
        ),
        (lambda t: t["videos"].append(t["videos"][0]), "duplicated id", "video id 1", "2 entries"),
        (lambda t: t["annotations"].append(t["annotations"][0]), "duplicated id", "annotation id 7", "2 entries"),
        (
            lambda t: t["videos"][1].update(file_names=["b/0.png", "a/1.png"]),
            "shared file",
            "video 1 (id 2)",
            "a/1.png",
        ),
        (lambda t: t["videos"][1].update(width=0), "unreadable video", "video 1", "at least 1"),
        (lambda t: t["categories"][0].pop("name"), "unreadable category", "category 0", 'no "name"'),
        (lambda t: t.pop("videos"), "missing list", "gt.json", '"videos"'),
    ],
)
def test_each_fault_is_named_with_its_place(tmp_path, change, kind, place, text):
    found = faults(tmp_path, change)
    assert [(k, p) for k, p, t in found if k == kind and text in t] == [(kind, place)], found


def test_all_faults_are_found_not_only_the_first(tmp_path):
    def spoil(truth):
        truth["videos"][1]["width"] = -1
        truth["annotations"] = [truth["annotations"][0] | {"id": i, "areas": [1, None]} for i in range(5)]

    kinds = [kind for kind, _, _ in faults(tmp_path, spoil)]
    assert kinds == ["unreadable video", *["wrong area"] * 5]


def test_something_that_is_no_json_is_one_fault(tmp_path):
    (tmp_path / "gt.json").write_text("[1, 2")
    (fault,) = find_faults(tmp_path / "gt.json")
    assert fault.kind == "unreadable"


def test_pictures_are_looked_for_and_measured(tmp_path):
    for name, size in {"a/0.png": (10, 40), "a/1.png": (10, 41), "b/1.png": (10, 40)}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        cv2.imwrite(str(tmp_path / name), np.zeros((*size, 3), np.uint8))
    (tmp_path / "b/1.png").write_bytes(b"not a picture")
    found = faults(tmp_path, images=tmp_path)
    assert [(kind, place) for kind, place, _ in found] == [
        ("wrong size", "video 0 (id 1), a/1.png"),
        ("missing frame", "video 1 (id 2)"),
        ("damaged frame", "video 1 (id 2), b/1.png"),
    ]
    assert "b/0.png" in found[1][2]
