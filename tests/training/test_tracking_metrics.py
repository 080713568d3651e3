"""HOTA, IDF1 and MOTA: TrackEval's numbers on the golden scenes, and what single mistakes cost in scenes one can see through."""

import json
from pathlib import Path

import numpy as np
import pytest

from engine import masks
from training.tracking_metrics import likeliest, tracking_score
from training.ytvis import read_dataset, read_results

GOLDEN = json.loads((Path(__file__).parents[1] / "data" / "tracking_golden.json").read_text())
LENGTH = 8


def square(left: int) -> dict:
    mask = np.zeros((10, 40), np.uint8)
    mask[2:8, left : left + 6] = 1
    return masks.encode(mask)


HERE, THERE = [square(2)] * LENGTH, [square(30)] * LENGTH


def scene(*objects: list, crowds: int = 0) -> dict:
    return {
        "videos": [{"id": 1, "width": 40, "height": 10, "length": LENGTH, "file_names": []}],
        "categories": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}],
        "annotations": [
            {"id": i + 1, "video_id": 1, "category_id": 1, "iscrowd": int(i >= len(objects) - crowds)}
            | {"segmentations": segmentations}
            for i, segmentations in enumerate(objects)
        ],
    }


def score(truth: dict, *tracks: list, **options):
    dataset = read_dataset(truth)
    entries = [{"video_id": 1, "category_id": 1, "score": 0.9, "segmentations": track} for track in tracks]
    return tracking_score(dataset, read_results(entries, dataset), **options)


@pytest.mark.parametrize("case", GOLDEN)
def test_it_says_what_trackeval_says(case):
    dataset = read_dataset(case["truth"])
    said = tracking_score(dataset, read_results(case["results"], dataset)).to_json()
    assert {name: said[name] for name in case["expected"]} == pytest.approx(case["expected"], abs=1e-9)


def test_the_golden_scenes_have_something_to_tell_apart():
    assert sum(case["expected"]["switches"] for case in GOLDEN) > 10
    assert sum(case["expected"]["fragments"] for case in GOLDEN) > 10


def test_perfect_tracks_score_one():
    said = score(scene(HERE, THERE), HERE, THERE)
    assert (said.hota, said.det_a, said.ass_a, said.idf1, said.mota) == pytest.approx((1, 1, 1, 1, 1))
    assert (said.switches, said.fragments) == (0, 0)


def test_two_tracks_that_change_places_are_found_but_not_linked():
    half = LENGTH // 2
    said = score(scene(HERE, THERE), HERE[:half] + THERE[half:], THERE[:half] + HERE[half:])
    assert said.det_a == pytest.approx(1)
    assert said.switches == 2
    assert said.idf1 == pytest.approx(0.5)
    assert said.mota == pytest.approx(1 - 2 / 16)
    assert said.ass_a == pytest.approx(1 / 3)  # each pair shares 4 of 12 masks


def test_a_gap_is_a_fragment_and_no_switch():
    said = score(scene(HERE), [*HERE[:3], None, *HERE[4:]])
    assert (said.switches, said.fragments) == (0, 0)  # the frame has no track in it, and breaks none, as in TrackEval
    said = score(scene(HERE, THERE), [*HERE[:3], None, *HERE[4:]], THERE)
    assert (said.switches, said.fragments) == (0, 1)


def test_nothing_found_scores_nothing_and_does_not_break():
    said = score(scene(HERE))
    assert (said.hota, said.idf1, said.mota) == (0, 0, 0)
    assert score(scene()).hota == 0


def test_masks_on_a_crowd_do_no_harm():
    said = score(scene(HERE, THERE, crowds=1), HERE, THERE)
    assert (said.mota, said.objects) == (1, 1)


def test_of_one_track_under_two_names_the_likelier_stays_and_weak_ones_go():
    dataset = read_dataset(scene(HERE))
    entries = [
        {"video_id": 1, "category_id": 2, "score": 0.5, "segmentations": HERE},
        {"video_id": 1, "category_id": 1, "score": 0.9, "segmentations": HERE},
        {"video_id": 1, "category_id": 1, "score": 0.2, "segmentations": THERE},
    ]
    assert [(it.category_id, it.score) for it in likeliest(read_results(entries, dataset), 0.3)] == [(1, 0.9)]
