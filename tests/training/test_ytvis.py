"""Reading YouTube-VIS files: every form of mask, and a clear sentence for every fault."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from engine import masks
from engine.errors import DataError
from training.ytvis import oddities, read_dataset, read_results

SQUARE = np.zeros((4, 6), dtype=bool)
SQUARE[1:3, 2:5] = True


def truth(**annotation: Any) -> dict[str, Any]:
    """One video of two frames, 6 x 4 pixels, one category, one annotation."""
    return {
        "videos": [{"id": 7, "width": 6, "height": 4, "length": 2, "file_names": ["a/0.jpg", "a/1.jpg"]}],
        "categories": [{"id": 3, "name": "dog", "supercategory": "object"}],
        "annotations": [
            {"id": 1, "video_id": 7, "category_id": 3, "segmentations": [masks.encode(SQUARE), None]} | annotation
        ],
    }


def result(**changes: Any) -> dict[str, Any]:
    return {"video_id": 7, "category_id": 3, "score": 0.5, "segmentations": [None, masks.encode(SQUARE)]} | changes


def test_polygons_and_both_kinds_of_rle_give_the_same_mask():
    polygon = [[2, 1, 5, 1, 5, 3, 2, 3]]
    plain = {"size": [4, 6], "counts": masks.to_counts(masks.encode(SQUARE)).tolist()}
    for form in (polygon, plain, masks.encode(SQUARE)):
        instance = read_dataset(truth(segmentations=[form, None])).instances[0]
        assert np.array_equal(masks.decode(instance.segmentations[0]), SQUARE)
        assert instance.segmentations[1] is None


def test_stated_areas_are_kept_and_missing_ones_counted():
    assert read_dataset(truth()).instances[0].areas == (6.0, None)
    assert read_dataset(truth(areas=[99, None])).instances[0].areas == (99, None)


@given(arrays(bool, st.tuples(st.integers(1, 12), st.integers(1, 12))))
def test_any_mask_is_read_back_with_its_area(mask):
    content = truth(segmentations=[masks.encode(mask), None])
    content["videos"][0] |= {"height": mask.shape[0], "width": mask.shape[1]}
    instance = read_dataset(content).instances[0]
    assert np.array_equal(masks.decode(instance.segmentations[0]), mask)
    assert (instance.areas[0] or 0) == mask.sum()


@given(st.text(st.characters(min_codepoint=40, max_codepoint=120), max_size=12))
def test_a_damaged_rle_is_refused_before_it_is_decoded(counts):
    try:
        instance = read_dataset(truth(segmentations=[{"size": [4, 6], "counts": counts}, None])).instances[0]
    except DataError as error:
        assert "annotation 0, frame 0" in str(error)
    else:
        assert masks.decode(instance.segmentations[0]).sum() == (instance.areas[0] or 0)


@pytest.mark.parametrize(
    "changes, sentence",
    [
        ({"video_id": 8}, "no video 8"),
        ({"category_id": 4}, "no category 4"),
        ({"score": float("nan")}, "finite number"),
        ({"score": "high"}, "finite number"),
        ({"segmentations": [None]}, "1 masks for video 7 of 2 frames"),
        ({"segmentations": None}, "no list of masks"),
        ({"segmentations": [None, {"size": [6, 4], "counts": "0"}]}, "frame 1: the mask's size is"),
        ({"segmentations": [None, {"size": [4, 6], "counts": "1"}]}, "do not add up to 4 x 6"),
        ({"segmentations": [None, {"size": [4, 6], "counts": 5}]}, "compressed ASCII string"),
        ({"segmentations": [None, "x"]}, "null, polygons or an RLE"),
        ({"segmentations": [None, {"size": [4, 6], "counts": [9, 9]}]}, "do not add up to 4 x 6"),
        ({"segmentations": [None, [[1, 2, 3, 4]]]}, "at least three points"),
        ({"segmentations": [None, [[1, 2, 3, 4, "5", 6]]]}, "at least three points"),
        ({"video_id": "7"}, "whole number"),
    ],
)
def test_a_faulty_result_is_refused_with_its_place(changes, sentence):
    with pytest.raises(DataError, match=sentence) as fault:
        read_results([result(), result(**changes)], read_dataset(truth()))
    assert "entry 1" in str(fault.value)


@pytest.mark.parametrize(
    "break_it, sentence",
    [
        (lambda t: t.pop("videos"), 'no list "videos"'),
        (lambda t: t["videos"].append(t["videos"][0]), "two video records with the id 7"),
        (lambda t: t["videos"][0].update(length=3), "2 file names for a length of 3"),
        (lambda t: t["videos"][0].update(width=0), "at least 1"),
        (lambda t: t["videos"][0].pop("height"), 'has no "height"'),
        (lambda t: t["annotations"][0].update(areas=[1]), "areas must be 2 numbers or nulls"),
        (lambda t: t["annotations"][0].update(areas=["6", None]), "areas must be 2 numbers or nulls"),
        (lambda t: t["annotations"].append(5), "annotation 1 is not an object"),
    ],
)
def test_a_faulty_ground_truth_is_refused(break_it, sentence):
    content = truth()
    break_it(content)
    with pytest.raises(DataError, match=sentence):
        read_dataset(content)


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(DataError, match=r"none\.json cannot be read"):
        read_dataset(tmp_path / "none.json")
    (tmp_path / "half.json").write_text('{"videos": [')
    with pytest.raises(DataError, match=r"half\.json is not valid JSON"):
        read_dataset(tmp_path / "half.json")
    (tmp_path / "swapped.json").write_text(json.dumps(truth()))
    with pytest.raises(DataError, match="must be a list"):
        read_results(tmp_path / "swapped.json", read_dataset(truth()))


def test_tracks_never_seen_and_copies_are_remarked_on():
    dataset = read_dataset(truth())
    assert oddities(read_results([result()], dataset)) == []
    odd = oddities(read_results([result(), result(score=0.1), result(segmentations=[None, None])], dataset))
    assert len(odd) == 2
    assert odd[0].startswith("1 of 3 tracks have no mask") and odd[1].startswith("1 of 3 tracks repeat")
