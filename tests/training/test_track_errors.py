"""What is wrong with a track is called by its name, and mending a kind of errors gains what it cost."""

import numpy as np
import pytest

from engine import masks
from tests.golden import golden_path
from training.metrics import evaluate
from training.track_errors import KINDS, error_report
from training.ytvis import read_dataset, read_results

LENGTH = 8


def box(left: int, width: int = 6) -> dict:
    mask = np.zeros((10, 40), np.uint8)
    mask[2:8, left : left + width] = 1
    return masks.encode(mask)


HERE, NEXT, FAR = ([box(left)] * LENGTH for left in (2, 8, 30))
HALF = LENGTH // 2


def report(objects: list, tracks: list, crowds: int = 0):
    """objects and tracks: (category, masks), the likeliest track first."""
    truth = {
        "videos": [{"id": 1, "width": 40, "height": 10, "length": LENGTH, "file_names": []}],
        "categories": [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}],
        "annotations": [
            {"id": i + 1, "video_id": 1, "category_id": category, "segmentations": segmentations}
            | {"iscrowd": int(i >= len(objects) - crowds)}
            for i, (category, segmentations) in enumerate(objects)
        ],
    }
    dataset = read_dataset(truth)
    entries = [
        {"video_id": 1, "category_id": category, "score": 1 - i / 10, "segmentations": segmentations}
        for i, (category, segmentations) in enumerate(tracks)
    ]
    return error_report(dataset, read_results(entries, dataset))


def kinds(objects: list, tracks: list) -> list[str]:
    return [finding.kind for finding in report(objects, tracks).findings]


def test_right_tracks_have_no_errors():
    said = report([(1, HERE), (2, FAR)], [(1, HERE), (2, FAR)])
    assert said.findings == ()
    assert said.ap50 == pytest.approx(1)
    assert set(said.price.values()) == {0.0}


@pytest.mark.parametrize(
    ("objects", "tracks", "expected"),
    [
        ([(1, HERE)], [(2, HERE)], ["wrong class"]),
        ([(1, HERE)], [(1, [box(5)] * LENGTH)], ["poor mask"]),
        ([(1, HERE), (1, FAR)], [(1, HERE[:HALF] + FAR[HALF:])], ["identity switch", "missed"]),
        ([(1, HERE)], [(1, HERE[:2] + [None] * (LENGTH - 2))], ["split"]),
        ([(1, HERE), (1, NEXT)], [(1, [box(2, 12)] * LENGTH)], ["missed"]),  # exactly half of it is one object: right
        ([(1, HERE), (1, NEXT)], [(1, [box(0, 16)] * LENGTH)], ["merged", "missed"]),
        ([(1, HERE)], [(1, HERE), (1, HERE)], ["duplicate"]),
        ([(1, HERE)], [(1, HERE), (1, FAR)], ["background"]),
        ([(1, HERE)], [(1, [None] * LENGTH), (1, HERE)], ["background"]),
        ([(1, HERE)], [], ["missed"]),
    ],
)
def test_an_error_has_its_name(objects, tracks, expected):
    assert kinds(objects, tracks) == expected


def test_mending_the_class_gains_what_the_class_cost():
    said = report([(1, HERE), (2, FAR)], [(2, HERE), (2, FAR)])
    assert said.ap50 == pytest.approx(0.25)  # nothing of one category, half the precision of the other
    assert said.price["wrong class"] == pytest.approx(0.75)
    assert said.price["background"] == 0


def test_a_missed_object_costs_its_share_of_recall():
    said = report([(1, HERE), (1, FAR)], [(1, HERE)])
    assert said.counts["missed"] == 1
    assert said.ap50 + said.price["missed"] == pytest.approx(1)


def test_of_two_errors_about_one_object_only_the_likelier_can_be_mended_into_it():
    said = report([(1, HERE)], [(2, HERE), (2, [box(3)] * LENGTH)])
    assert said.counts["wrong class"] == 2
    assert said.ap50 + said.price["wrong class"] == pytest.approx(1)


def test_tracks_on_crowds_are_no_errors():
    assert report([(1, HERE), (1, FAR)], [(1, HERE), (1, FAR), (1, FAR)], crowds=1).findings == ()


def test_it_starts_from_the_ap50_of_the_score():
    dataset = read_dataset(golden_path("ytvis_eval_gt.json"))
    results = read_results(golden_path("ytvis_eval_results.json"), dataset)
    said = error_report(dataset, results)
    assert said.ap50 == pytest.approx(evaluate(dataset, results).stats["AP50"], abs=1e-12)
    assert sum(said.counts.values()) == len(said.findings)
    assert all(price >= 0 for price in said.price.values())
    assert list(said.to_json()["kinds"]) == list(KINDS)
