"""The timeline: its arithmetic, what is drawn of spans, marks and scores at any zoom, and what mouse and keys do on it."""

from itertools import pairwise
from math import ceil, floor
from random import Random
from typing import Any

import numpy as np
import pytest

REVIEW = "/static/review/"


def call(modules: Any, files: str, body: str, argument: Any = None) -> Any:
    """Run a function body with the modules of some files imported by their last name ("timeline/scale" as `scale`)."""
    imports = "".join(f"const {f.split('/')[-1]} = await import('{REVIEW}{f}.js');" for f in files.split())
    return modules.evaluate(f"async (input) => {{ {imports} {body} }}", argument)


def test_every_frame_of_the_timeline_is_found_again_under_its_middle(modules: Any) -> None:
    body = """
      const range = { start: 12.5, end: 90 };
      const wrong = [];
      for (let frame = 13; frame < 90; frame++) {
        const x = scale.frameToX(frame + 0.5, range, 777);
        if (scale.xToFrame(x, range, 777, 1000) !== frame) wrong.push(frame);
      }
      return wrong;
    """
    assert call(modules, "timeline/scale", body) == []


def test_zooming_the_timeline_stays_within_the_video(modules: Any) -> None:
    body = """
      const { zoomRange } = scale;
      const close = zoomRange({ start: 0, end: 100 }, 990, 1000, 1000, 100);
      return [close, zoomRange(close, 0, 1000, 1e-6, 100)];
    """
    close, whole = call(modules, "timeline/scale", body)
    assert close["end"] - close["start"] == pytest.approx(8)
    assert close["start"] >= 0
    assert close["end"] <= 100
    assert [whole["start"], whole["end"]] == pytest.approx([0, 100], abs=1e-9)


@pytest.mark.parametrize("length", [10, 75, 3000, 250_000])
def test_ruler_labels_never_crowd(modules: Any, length: int) -> None:
    marks = call(modules, "timeline/scale", "return scale.ticks({ start: 0, end: input }, 900, 92)", length)
    assert marks["step"] / length * 900 >= 92 - 1e-6
    assert marks["step"] % marks["minor"] == 0


def test_only_spans_in_sight_are_drawn(modules: Any) -> None:
    body = """
      const many = Array.from({ length: 50000 }, (_, i) => [i * 4, i * 4 + 2, "model"]);
      return spans.visibleSpans(many, { start: 101, end: 109 }).map(([start]) => start);
    """
    assert call(modules, "timeline/spans", body) == [100, 104, 108]


def test_times_are_written_with_minutes_and_hundredths(modules: Any) -> None:
    assert call(modules, "timeline/time", "return time.timecode(1562 / 25)") == "1:02.48"


SOURCES = ["model", "user", "propagated", "interpolated"]


def random_spans(random: Random, length: int, most: int) -> list[list[Any]]:
    """Spans in order that touch or leave gaps, many of them one frame long."""
    spans: list[list[Any]] = []
    frame = random.randrange(20)
    while frame < length and len(spans) < most:
        stop = min(length, frame + random.choice([1, 1, 2, 5, 40, 900]))
        spans.append([frame, stop, random.choice(SOURCES)])
        frame = stop + random.choice([0, 0, 1, 3, 200])
    return spans


def random_range(random: Random, length: int) -> dict[str, float]:
    span = max(8.0, length * random.random() ** 4)
    start = random.random() * (length - span)
    return {"start": start, "end": start + span}


@pytest.mark.parametrize("seed", range(4))
def test_no_span_and_no_source_is_lost_at_any_zoom(modules: Any, seed: int) -> None:
    random = Random(seed)
    length = 20_000
    spans = random_spans(random, length, 6000)
    views = [{"range": random_range(random, length), "columns": random.randrange(200, 3600)} for _ in range(40)]
    body = "return input.views.map(({ range, columns }) => spans.runsOf(input.spans, range, columns))"
    bits = call(modules, "timeline/spans", "return spans.SOURCES")
    drawn = call(modules, "timeline/spans", body, {"spans": spans, "views": views})
    for view, runs in zip(views, drawn, strict=True):
        assert missing_and_invented(spans, view, runs, bits) == ([], [])


def missing_and_invented(spans: list[Any], view: Any, runs: list[Any], bits: dict[str, int]) -> tuple[list, list]:
    """Spans of which no column has the source's bit, and columns further than a pixel from any span of their bits."""
    start, scale = view["range"]["start"], view["columns"] / (view["range"]["end"] - view["range"]["start"])
    columns = np.zeros(view["columns"], int)
    for run in runs:
        assert 0 <= run["left"] < run["right"] <= view["columns"]
        columns[run["left"] : run["right"]] = run["bits"]
    allowed, missing = np.zeros(view["columns"], int), []
    for span in spans:
        first, last = (span[0] - start) * scale, (span[1] - start) * scale
        if last <= 0 or first >= view["columns"]:
            continue
        near = slice(max(0, floor(first - 0.5)), max(0, ceil(last + 0.5)) + 1)
        allowed[near] |= bits[span[2]]
        if not (columns[near] & bits[span[2]]).any():
            missing.append(span)
    return missing, np.flatnonzero(columns & ~allowed).tolist()


@pytest.mark.parametrize("seed", range(4))
def test_every_mark_in_sight_is_in_exactly_one_cluster_near_its_place(modules: Any, seed: int) -> None:
    random = Random(100 + seed)
    length = 20_000
    frames = [random.randrange(length) for _ in range(400)] + [random.randrange(500, 520) for _ in range(60)]
    suggestions = [
        {
            "id": i,
            "track": i % 9,
            "other": None,
            "frame": frame,
            "severity": random.random(),
            "reason": "",
            "state": "open",
        }
        for i, frame in enumerate(frames)
    ]
    views = [{"range": random_range(random, length), "width": random.randrange(200, 3600)} for _ in range(40)]
    body = """
      const all = marks.marksOf({ suggestions: input.suggestions });
      return input.views.map(({ range, width }) => marks.clustersOf(all, range, width));
    """
    found = call(modules, "timeline/marks", body, {"suggestions": suggestions, "views": views})
    for view, clusters in zip(views, found, strict=True):
        start, end = view["range"]["start"], view["range"]["end"]
        shown = [mark["id"] for cluster in clusters for mark in cluster["marks"]]
        expected = [one["id"] for one in suggestions if start < one["frame"] + 1 and one["frame"] < end]
        assert sorted(shown) == sorted(expected)
        for cluster in clusters:
            places = [(mark["frame"] + 0.5 - start) / (end - start) * view["width"] for mark in cluster["marks"]]
            assert all(0 <= place - cluster["x"] < 13 for place in places)
        assert all(b["x"] - a["x"] >= 13 - 1e-6 for a, b in pairwise(clusters))


def test_clicking_a_cluster_again_goes_through_all_of_it_the_worst_first(modules: Any) -> None:
    body = """
      const worries = [[7, 0.2], [8, 0.9], [9, 0.5]];
      const cluster = { marks: worries.map(([id, weight]) => ({ kind: "suggestion", id, weight, frame: id })) };
      const seen = [];
      for (let i = 0, current = null; i < 4; i++) seen.push((current = marks.nextOf(cluster, current).id));
      return seen;
    """
    assert call(modules, "timeline/marks", body) == [8, 9, 7, 8]


def test_what_is_settled_has_no_mark_any_more(modules: Any) -> None:
    body = """
      const one = { frame: 3, track: 1, other: 2 };
      const suggestions = ["open", "resolved", "ignored"].map((state, id) => ({ ...one, id, state }));
      const said = { frame: 3, track_id: 1, user: "a", text: "b" };
      const comments = [null, "2026-01-05"].map((resolved_at, id) => ({ ...said, id, resolved_at }));
      const all = marks.marksOf({ suggestions, comments });
      return [all.map(({ kind, id }) => [kind, id]), [...marks.marksByTrack(all)].map(([track, found]) => [track, found.length])];
    """
    kinds, tracks = call(modules, "timeline/marks", body)
    assert kinds == [["suggestion", 0], ["comment", 0]]
    assert tracks == [[1, 2], [2, 1]]


@pytest.mark.parametrize("seed", range(3))
def test_the_lowest_score_of_a_column_is_what_its_heat_shows(modules: Any, seed: int) -> None:
    random = Random(200 + seed)
    scores = [None if random.random() < 0.2 else round(random.random(), 3) for _ in range(2048)]
    length, columns, view = 20_000, random.randrange(200, 3000), random_range(random, 20_000)
    arguments = {"scores": scores, "length": length, "range": view, "columns": columns}
    body = """
      const runs = heat.heatRuns(input.scores, input.length, input.range, input.columns);
      return [runs, input.scores.map((score) => (score === null ? null : heat.stepOf(score)))];
    """
    runs, steps = call(modules, "timeline/heat", body, arguments)
    drawn = np.full(columns, -1)
    for run in runs:
        drawn[run["left"] : run["right"]] = run["step"]
    scale = columns / (view["end"] - view["start"])
    for part, step in enumerate(steps):
        left = round_half_up((part * length / 2048 - view["start"]) * scale)
        if step is not None and 0 <= left < columns:
            assert drawn[left] >= step


def round_half_up(value: float) -> int:
    return floor(value + 0.5)


def test_steps_of_heat_grow_as_scores_fall(modules: Any) -> None:
    steps = call(modules, "timeline/heat", "return [1, 0.9, 0.89, 0.6, 0.4, 0.2, 0.05, 0].map(heat.stepOf)")
    assert steps == sorted(steps)
    assert (steps[1], steps[2], steps[-1]) == (0, 1, 5)


def test_a_range_begins_and_ends_where_a_person_says(modules: Any) -> None:
    body = """
      return {
        first: span.startingAt(30, null, 100), then: span.endingAt(40, { start: 30, stop: 100 }),
        earlier: span.endingAt(10, { start: 30, stop: 41 }), later: span.startingAt(60, { start: 30, stop: 41 }, 100),
        dragged: span.spanBetween(50, 20, 100), tiny: span.spanBetween(20, 20, 100), last: span.spanBetween(100, 100, 100),
      };
    """
    assert call(modules, "timeline/span", body) == {
        "first": {"start": 30, "stop": 100},
        "then": {"start": 30, "stop": 41},
        "earlier": {"start": 0, "stop": 11},
        "later": {"start": 60, "stop": 100},
        "dragged": {"start": 20, "stop": 50},
        "tiny": {"start": 20, "stop": 21},
        "last": {"start": 99, "stop": 100},
    }


def test_a_range_is_told_in_frames_and_in_seconds_of_the_source(modules: Any) -> None:
    body = """
      const video = { fps: 25, length: 5 };
      const varying = { video, times: [0, 0.04, 0.08, 0.5, 0.54] };
      return [time.spanText({ start: 0, stop: 1 }, { video, times: null }), time.spanText({ start: 1, stop: 4 }, varying),
              time.spanText({ start: 3, stop: 5 }, varying), time.spanText({ start: 0, stop: 3000 }, { video, times: null })];
    """
    assert call(modules, "timeline/time", body) == [
        "1 frame · 0.04 s",
        "3 frames · 0.50 s",
        "2 frames · 0.08 s",
        "3000 frames · 2:00.00",
    ]


def test_the_next_change_is_a_start_an_end_a_source_or_a_verification(modules: Any) -> None:
    body = """
      const lists = [[[5, 20, "model"], [20, 22, "user"], [40, 50, "model"]], [[8, 10]]];
      const seen = [];
      for (let frame = 0; (frame = spans.nextChange(lists, frame, 1)) !== null;) seen.push(frame);
      return [seen, spans.nextChange(lists, 45, -1), spans.nextChange(lists, 5, -1)];
    """
    assert call(modules, "timeline/spans", body) == [[5, 8, 9, 19, 20, 21, 40, 49], 40, None]
