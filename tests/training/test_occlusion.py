"""Average precision by occlusion: objects fall into the levels of their more occluded half, and only a level's own count."""

import numpy as np
import pytest

from engine import masks
from engine.errors import DataError
from training.metrics import evaluate
from training.occlusion import evaluate_by_occlusion, level_of, occlusion_of
from training.ytvis import read_dataset, read_results

NONE, SLIGHT, SEVERE = "no_occlusion", "slight_occlusion", "severe_occlusion"


def square(left: int) -> dict:
    mask = np.zeros((8, 40), np.uint8)
    mask[1:7, left : left + 6] = 1
    return masks.encode(mask)


def dataset_of(*levels: list | None):
    """Objects side by side in two frames, each with its words."""
    annotations = [
        {"id": i + 1, "video_id": 1, "category_id": 1, "segmentations": [square(8 * i)] * 2}
        | ({} if words is None else {"occlusion": words})
        for i, words in enumerate(levels)
    ]
    videos = [{"id": 1, "width": 40, "height": 8, "length": 2, "file_names": []}]
    return read_dataset({"videos": videos, "categories": [{"id": 1, "name": "one"}], "annotations": annotations})


def results_on(dataset, *lefts: int):
    entries = [
        {"video_id": 1, "category_id": 1, "score": 1 - i / 10, "segmentations": [square(left)] * 2}
        for i, left in enumerate(lefts)
    ]
    return read_results(entries, dataset)


@pytest.mark.parametrize(
    ("words", "occlusion", "level"),
    [
        ([NONE, NONE], 0.0, "slightly"),
        ([NONE, SLIGHT], 0.25, "slightly"),
        ([SEVERE, NONE], 0.75, "heavily"),
        ([SLIGHT, None], 0.25, "slightly"),
        ([None, None], None, None),
        (None, None, None),
    ],
)
def test_an_object_is_as_occluded_as_its_more_occluded_half(words, occlusion, level):
    (instance,) = dataset_of(words).instances
    assert occlusion_of(instance) == occlusion
    assert level_of(instance) == level


def test_only_the_objects_of_a_level_have_to_be_found():
    dataset = dataset_of([NONE, NONE], [SEVERE, SEVERE])
    scores = evaluate_by_occlusion(dataset, results_on(dataset, 0))
    assert scores["slightly"].stats["AP"] == pytest.approx(1)  # found, and the heavily occluded one is not asked for
    assert scores["heavily"].stats["AP"] == 0
    assert scores["moderately"].stats["AP"] == -1  # there are none
    assert evaluate(dataset, results_on(dataset, 0)).stats["AP"] == pytest.approx(51 / 101)


def test_a_track_on_an_object_of_another_level_is_no_fault():
    dataset = dataset_of([NONE, NONE], [SEVERE, SEVERE])
    scores = evaluate_by_occlusion(dataset, results_on(dataset, 8, 0))
    assert scores["slightly"].stats["AP"] == pytest.approx(1)


def test_files_that_know_no_occlusion_have_no_such_scores():
    dataset = dataset_of(None)
    assert evaluate_by_occlusion(dataset, results_on(dataset, 0)) == {}


def test_unknown_words_and_short_lists_are_named():
    with pytest.raises(DataError, match="2 words or nulls"):
        dataset_of([NONE])
    with pytest.raises(DataError, match='"rather" is no level'):
        occlusion_of(dataset_of(["rather", NONE]).instances[0])
