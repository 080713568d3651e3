"""YouTube-VIS AP: the official tool's numbers on its golden case, and on small random cases a plain evaluation's."""

import json
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import masks
from tests.golden import golden_path
from training.metrics import Score, evaluate, track_ious
from training.ytvis import read_dataset, read_results

CELL = 130  # pixels: one cell of a case's 2 x 2 grid is "medium", two or more are "large" on the official scale


def test_the_golden_case_gives_the_official_numbers():
    dataset = read_dataset(golden_path("ytvis_eval_gt.json"))
    score = evaluate(dataset, read_results(golden_path("ytvis_eval_results.json"), dataset))
    expected = json.loads(golden_path("ytvis_eval_expected.json").read_text())
    assert score.stats == pytest.approx(expected["stats"], abs=1e-9)
    assert [row.ap for row in score.categories] == pytest.approx(expected["per_category_AP"], abs=1e-9)


def cells(code: int) -> np.ndarray:
    """One of the 16 masks of a 2 x 2 grid, at CELL pixels a cell."""
    grid = np.array([code >> bit & 1 for bit in range(4)], dtype=bool).reshape(2, 2)
    return grid.repeat(CELL, 0).repeat(CELL, 1)


RLES: list[dict[str, Any] | None] = [None, *(dict(masks.encode(cells(code))) for code in range(1, 16))]
EMPTY = dict(masks.encode(cells(0)))


def truth_of(annotations: list[dict[str, Any]], lengths: list[int], categories: int = 2) -> dict[str, Any]:
    """A ground truth of videos 1.. and categories 1.., from annotations {video, category, codes, crowd?, areas?}."""
    return {
        "videos": [{"id": i, "width": 2 * CELL, "height": 2 * CELL, "length": n} for i, n in enumerate(lengths, 1)],
        "categories": [{"id": i, "name": f"c{i}"} for i in range(1, categories + 1)],
        "annotations": [
            {
                "video_id": a["video"],
                "category_id": a["category"],
                "segmentations": [RLES[code] for code in a["codes"]],
                "areas": a.get("areas"),
                "iscrowd": a.get("crowd", 0),
            }
            for a in annotations
        ],
    }


def results_of(tracks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {"video_id": t["video"], "category_id": t["category"], "score": t["score"]}
        | {"segmentations": [RLES[code] for code in t["codes"]]}
        for t in tracks
    ]


def score_of(annotations: list[dict[str, Any]], tracks: list[dict[str, Any]], lengths: list[int]) -> Score:
    dataset = read_dataset(truth_of(annotations, lengths))
    return evaluate(dataset, read_results(results_of(tracks), dataset))


@st.composite
def cases(draw):
    lengths = draw(st.lists(st.integers(1, 3), min_size=1, max_size=2))

    def record(**more):
        video = draw(st.integers(1, len(lengths)))
        codes = draw(
            st.lists(st.sampled_from([0, 0, 1, 3, 7, 15, 14]), min_size=lengths[video - 1], max_size=lengths[video - 1])
        )
        return {"video": video, "category": draw(st.integers(1, 2)), "codes": codes} | more

    annotations = []
    for _ in range(draw(st.integers(0, 5))):
        annotation = record(crowd=int(draw(st.integers(0, 4)) == 0))
        if draw(st.booleans()):  # areas that disagree with the masks: the official tool believes them
            annotation["areas"] = [
                draw(st.sampled_from([None, 0.0, 100.0, 128.0**2, 300.0**2])) for _ in annotation["codes"]
            ]
        annotations.append(annotation)
    tracks = [record(score=draw(st.sampled_from([0.1, 0.5, 0.5, 0.9]))) for _ in range(draw(st.integers(0, 8)))]
    return annotations, tracks, lengths


@settings(max_examples=150, deadline=None)
@given(cases())
def test_random_cases_score_as_a_plain_evaluation_says(case):
    stats, per_category = plain_evaluation(*case)
    score = score_of(*case)
    assert score.stats == pytest.approx(stats, abs=1e-9)
    assert [row.ap for row in score.categories] == pytest.approx(per_category, abs=1e-9)


def test_perfect_tracks_score_one():
    annotations = [{"video": 1, "category": 1, "codes": [1, 0, 3]}, {"video": 1, "category": 2, "codes": [8, 8, 8]}]
    score = score_of(annotations, [a | {"score": 0.3} for a in annotations], [3])
    assert [score.stats[name] for name in ("AP", "AP75", "AR1")] == pytest.approx([1, 1, 1])


def test_no_results_score_zero():
    score = score_of([{"video": 1, "category": 1, "codes": [1]}], [], [1])
    assert score.stats["AP"] == score.stats["AR100"] == 0


def test_nothing_annotated_gives_minus_one():
    assert set(score_of([], [{"video": 1, "category": 1, "codes": [1], "score": 1.0}], [1]).stats.values()) == {-1.0}


def test_tracks_of_a_category_without_ground_truth_cost_nothing():
    annotation = {"video": 1, "category": 1, "codes": [1, 1]}
    wrong = {"video": 1, "category": 2, "codes": [1, 1], "score": 0.9}
    score = score_of([annotation], [annotation | {"score": 0.5}, wrong], [2])
    assert score.stats["AP"] == pytest.approx(1)
    assert [row.ap for row in score.categories] == pytest.approx([1, -1])


def test_a_track_never_seen_is_a_false_positive():
    annotation = {"video": 1, "category": 1, "codes": [1, 1]}
    unseen = {"video": 1, "category": 1, "codes": [0, 0], "score": 0.9}
    assert score_of([annotation], [unseen, annotation | {"score": 0.5}], [2]).stats["AP"] == pytest.approx(0.5)


def test_of_equal_scores_the_file_order_decides():
    annotation = {"video": 1, "category": 1, "codes": [1]}
    right, wrong = annotation | {"score": 0.5}, annotation | {"score": 0.5, "codes": [8]}
    assert score_of([annotation], [right, wrong], [1]).stats["AP"] == pytest.approx(1)
    assert score_of([annotation], [wrong, right], [1]).stats["AP"] == pytest.approx(0.5)


def test_of_instances_with_equal_iou_the_last_one_is_taken():
    left, right = {"video": 1, "category": 1, "codes": [1]}, {"video": 1, "category": 1, "codes": [2]}
    tracks = [left | {"codes": [3], "score": 0.9}, left | {"score": 0.5}]  # the first covers both by half
    assert score_of([left, right], tracks, [1]).stats["AP50"] == pytest.approx(1)
    assert score_of([right, left], tracks, [1]).stats["AP50"] == pytest.approx(51 / 101)


def test_a_crowd_swallows_any_number_of_tracks():
    annotation, crowd = (
        {"video": 1, "category": 1, "codes": [1]},
        {"video": 1, "category": 1, "codes": [14], "crowd": 1},
    )
    tracks = [crowd | {"score": 0.9}, crowd | {"score": 0.8}, annotation | {"score": 0.1}]
    assert score_of([annotation, crowd], tracks, [1]).stats["AP"] == pytest.approx(1)


def test_an_all_zero_mask_is_no_mask():
    assert track_ious([[EMPTY, RLES[1]]], [[None, RLES[1]]]).item() == 1
    assert track_ious([[EMPTY, None]], [[None, EMPTY]]).item() == 0


def test_the_iou_of_tracks_is_over_all_frames():
    # Intersections 1 + 0 + 0 cells, unions 2 + 1 + 2 cells.
    assert track_ious([[RLES[3], RLES[1], None]], [[RLES[1], None, RLES[3]]]).item() == pytest.approx(1 / 5)


def test_a_subset_of_videos_is_scored_as_if_it_were_all():
    annotations = [{"video": 1, "category": 1, "codes": [1]}, {"video": 2, "category": 1, "codes": [3]}]
    dataset = read_dataset(truth_of(annotations, [1, 1]))
    results = read_results(results_of([annotations[0] | {"score": 0.5}]), dataset)
    assert evaluate(dataset, results).stats["AR1"] == pytest.approx(0.5)
    assert evaluate(dataset, results, video_ids={1}).stats["AR1"] == pytest.approx(1)
    assert evaluate(dataset, results, video_ids={2}).stats["AR1"] == 0


def test_a_score_is_written_as_plain_json_with_its_settings():
    score = score_of([{"video": 1, "category": 1, "codes": [1]}], [], [1])
    written = json.loads(json.dumps(score.to_json()))
    assert written["stats"]["AP50"] == 0
    assert written["per_category"][0] == {"id": 1, "name": "c1", "AP": 0, "AP50": 0, "instances": 1, "tracks": 0}
    assert written["settings"]["max_tracks_per_video_and_category"] == [1, 10, 100]


def plain_evaluation(annotations, tracks, lengths) -> tuple[dict[str, float], list[float]]:
    """The protocol once more, one pair, threshold and recall point at a time, on decoded cells instead of RLEs."""
    thresholds = [0.5 + 0.05 * i for i in range(10)]
    bins = {"": (0, 1e10), "s": (0, 128**2), "m": (128**2, 256**2), "l": (256**2, 1e10)}

    def mean(values):
        values = [value for value in values if value is not None]
        return sum(values) / len(values) if values else -1.0

    def curve(category, threshold, area, most):
        """Precision at the 101 recall points, and the recall reached; None where nothing is to be found."""
        verdicts, wanted = [], 0
        for video in range(1, len(lengths) + 1):
            here = [a for a in annotations if (a["video"], a["category"]) == (video, category)]
            ours = [t for t in tracks if (t["video"], t["category"]) == (video, category)]
            skip = [bool(a.get("crowd")) or not inside(a.get("areas") or pixels(a), area) for a in here]
            wanted += skip.count(False)
            used = set()
            for track in sorted(ours, key=lambda t: -t["score"])[:most]:
                choice = None
                for skipped in (False, True):  # instances that count come first
                    for i, annotation in enumerate(here):
                        overlap = iou(track["codes"], annotation["codes"])
                        fits = skip[i] == skipped and i not in used and overlap > threshold - 1e-9
                        if fits and (choice is None or overlap >= choice[1]):
                            choice = (i, overlap)
                    if choice is not None:
                        break
                if choice is None:
                    verdicts.append((track["score"], False, not inside(pixels(track), area)))
                    continue
                if not here[choice[0]].get("crowd"):
                    used.add(choice[0])
                verdicts.append((track["score"], True, skip[choice[0]]))
        if wanted == 0:
            return None
        points, right = [], 0
        counted = [v for v in sorted(verdicts, key=lambda v: -v[0]) if not v[2]]
        for n, (_, matched, _) in enumerate(counted, start=1):
            right += matched
            points.append((right / wanted, right / n))
        precisions = [max((p for r, p in points if r >= i / 100 - 1e-12), default=0.0) for i in range(101)]
        return precisions, right / wanted

    def average(area="", most=100, only=None, categories=(1, 2), recall=False):
        values = []
        for category, threshold in product(categories, thresholds if only is None else [only]):
            found = curve(category, threshold, area, most)
            if found is not None:
                values += [found[1]] if recall else found[0]
        return mean(values)

    def inside(areas, name):
        seen = [area for area in areas if area]
        low, high = bins[name]
        return low <= (sum(seen) / len(seen) if seen else 0) <= high

    def pixels(track):
        return [code.bit_count() * CELL**2 for code in track["codes"]]

    def iou(first, second):
        union = sum((a | b).bit_count() for a, b in zip(first, second, strict=True))
        return sum((a & b).bit_count() for a, b in zip(first, second, strict=True)) / union if union else 0.0

    stats = {"AP": average(), "AP50": average(only=0.5), "AP75": average(only=0.75)}
    stats |= {f"AP{area}": average(area=area) for area in "sml"}
    stats |= {f"AR{most}": average(most=most, recall=True) for most in (1, 10, 100)}
    stats |= {f"AR{area}": average(area=area, recall=True) for area in "sml"}
    return stats, [average(categories=(category,)) for category in (1, 2)]
