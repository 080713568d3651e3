"""The timeline: its arithmetic, what is drawn of spans, marks and scores at any zoom, and what mouse and keys do on it."""

from collections.abc import Callable
from itertools import pairwise
from math import ceil, floor
from random import Random
from typing import Any

import numpy as np
import pytest

from tests.browser.annotator import Annotator
from tests.browser.conftest import serve
from tests.browser.fake_api import FakeVideo, create_app

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
    assert call(modules, "timeline/time", "return time.timecode(4938.24)") == "1:22:18.24"
    assert call(modules, "timeline/time", "return time.timecode(3599.999)") == "1:00:00.00"


def test_a_frame_is_named_by_its_number_or_by_its_time(modules: Any) -> None:
    body = "return time.frameOf(input, { video: { length: 180000, fps: 25 }, times: null })"
    named = {"1562": 1562, " 1:02.48 ": 1562, "1:02": 1550, "1:22:18.24": 123456, "9:00:00": 179999, "0:00": 0}
    assert {text: call(modules, "timeline/time", body, text) for text in named} == named
    for text in ("", "frame 3", "1:", ":30", "1:2:3:4", "-5"):
        assert call(modules, "timeline/time", body, text) is None


def test_a_time_leads_to_the_frame_on_show_then_where_frames_last_differently_long(modules: Any) -> None:
    body = "return time.frameOf(input, { video: { length: 4, fps: 25 }, times: [10, 10.5, 13, 13.033] })"
    for text, frame in {"0:00": 0, "0:00.49": 0, "0:00.5": 1, "0:02.99": 1, "0:03": 2, "0:03.03": 3}.items():
        assert call(modules, "timeline/time", body, text) == frame


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
      const columns = heat.heatSteps(input.scores, input.length, input.range, input.columns);
      return [[...columns], input.scores.map((score) => (score === null ? null : heat.stepOf(score)))];
    """
    drawn, steps = call(modules, "timeline/heat", body, arguments)
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


LARGE = """
  const { createStore } = await import("/static/review/store.js");
  const { CLOSED } = await import("/static/review/session.js");
  const { Timeline } = await import("/static/review/timeline.js");
  const page = await import("/static/review/page.js");
  await page.loadStyles(new URL("/static/css/", location.href));
  const tracks = [], timeline = {}, verified = {}, scores = {}, length = 20000;
  for (let id = 1; id <= 300; id++) {
    tracks.push({ id, category_id: 1, category: "dog", color: "#4e79ff", count: 9000, source: "model", score: 0.5 });
    timeline[id] = [];
    for (let start = id % 7; start < length - 8; start += 4 + (id * start) % 60) {
      timeline[id].push([start, start + 3, ["model", "model", "user", "propagated", "interpolated"][start % 5]]);
    }
    verified[id] = timeline[id].filter(([start]) => start % 5 === 2);
    scores[id] = Array.from({ length: 2048 }, (_, bin) => (((bin * id) % 97) / 97));
  }
  const suggestions = Array.from({ length: 2000 }, (_, id) => (
    { id, track: 1 + (id % 300), other: null, frame: (id * 7919) % length, severity: 0.5, reason: "", state: "open" }));
  const store = createStore({ ...CLOSED, suggestions: [], comments: [] });
  const shown = new Timeline(store, { go() {}, select() {} });
  const root = document.createElement("div");
  root.className = "ct-review";
  root.style.cssText = "display: block; width: 1880px; height: 900px";
  root.append(shown.root);
  shown.root.style.height = "600px";
  document.body.replaceChildren(root);
  const video = { id: 1, length, fps: 25, width: 1920, height: 1080, categories: [] };
  store.set({ video, tracks, timeline, verified, suggestions, confidence: { tracks: scores, best: {} } });
  await new Promise((resolve) => setTimeout(resolve, 200));
"""


def test_twenty_thousand_frames_of_three_hundred_tracks_are_drawn_in_one_frame_of_the_screen(new_page: Any) -> None:
    video = FakeVideo(objects=1, length=1)
    body = """
      const times = [];
      for (let i = 0; i < 60; i++) {
        shown.range = { start: (i * 97) % 9000, end: (i * 97) % 9000 + 20000 / (1 + i / 6) };
        shown.area.scrollTop = (i * 131) % 6000;
        const began = performance.now();
        shown.drawNow();
        shown.base.getContext("2d").getImageData(0, 0, 1, 1);
        times.push(performance.now() - began);
      }
      times.sort((a, b) => a - b);
      return [times[5], times[30]];
    """
    with serve(create_app(video)) as address:
        page = new_page(1900, 900)
        page.goto(f"{address}/blank")
        undisturbed, median = page.evaluate(f"async () => {{ {LARGE} {body} }}")
        page.close()
    print(f"drawing the timeline of 20,000 frames x 300 tracks: median {median:.1f} ms, a tenth {undisturbed:.1f} ms")
    assert undisturbed <= 16, "even where nothing else held the processor"


def test_every_span_in_sight_leaves_pixels_of_its_colour(new_page: Any) -> None:
    body = """
      store.set({ confidence: null, suggestions: [], verified: {}, want: 19999 });
      const lost = [];
      const { GUTTER, RULER, LANE, BAR, ROW } = await import("/static/review/timeline/geometry.js");
      for (const range of [{ start: 0, end: 20000 }, { start: 3000, end: 7000 }, { start: 512, end: 580 }]) {
        shown.range = range;
        shown.drawNow();
        const line = shown.base.getContext("2d");
        for (let row = 0; row < 5; row++) {
          const y = RULER + LANE + row * ROW + BAR.top;
          const pixels = line.getImageData(0, y, line.canvas.width, 1).data;
          for (const [start, stop] of timeline[row + 1]) {
            if (stop <= range.start || start >= range.end) continue;
            const left = GUTTER + ((start - range.start) / (range.end - range.start)) * shown.width;
            const from = Math.max(GUTTER, Math.floor(left - 0.5)), to = Math.min(GUTTER + shown.width - 1, Math.ceil(left + 0.5));
            let blue = false;
            for (let x = from; x <= to; x++) blue ||= pixels[4 * x + 2] > 200 && pixels[4 * x] < 140;
            if (!blue && from < to) lost.push([range.start, row, start]);
          }
        }
      }
      return lost;
    """
    with serve(create_app(FakeVideo(objects=1, length=1))) as address:
        page = new_page(1900, 900)
        page.goto(f"{address}/blank")
        assert page.evaluate(f"async () => {{ {LARGE} {body} }}") == []
        page.close()


class Desk:
    """A person at the timeline of the fake video: places in frames and rows."""

    def __init__(self, annotator: Annotator) -> None:
        self.annotator = annotator
        self.mouse = annotator.page.mouse

    def at(self, frame: float, region: str = "rows", row: int = 0) -> tuple[float, float]:
        box = self.annotator.page.locator(".ct-timeline-area").bounding_box()
        start, end = self.view()
        x = box["x"] + 148 + (frame - start) / (end - start) * (box["width"] - 148 - 12)
        y = {"ruler": 22, "lane": 35, "strip": 62, "rows": 84 + 24 * row + 12}[region]
        return x, box["y"] + y

    def view(self) -> tuple[float, float]:
        """What is drawn, which is a picture behind what was pressed."""
        self.rest()
        words = self.annotator.page.locator(".ct-overview").get_attribute("aria-valuetext")
        start, last = (int(word) for word in words.split(" of ")[0].removeprefix("Frames ").split(" to "))
        return start, last + 1

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        self.mouse.move(*start)
        self.mouse.down()
        self.mouse.move((start[0] + end[0]) / 2, end[1])
        self.mouse.move(*end)
        self.mouse.up()
        self.rest()

    def wheel(self, place: tuple[float, float], delta: float) -> None:
        self.mouse.move(*place)
        self.mouse.wheel(0, delta)
        self.rest()

    def rest(self) -> None:
        self.annotator.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        self.annotator.idle()

    def state(self, name: str) -> Any:
        return self.annotator.state(name)


@pytest.fixture
def desk(studio: Callable[..., tuple[Annotator, FakeVideo]]) -> Callable[..., tuple[Desk, FakeVideo]]:
    """desk(**facts of the video) -> the person with the video open, and the video on the server."""

    def start(**facts: Any) -> tuple[Desk, FakeVideo]:
        annotator, video = studio(**facts)
        annotator.page.wait_for_function("window.__studio.state.confidence")
        return Desk(annotator), video

    return start


def test_a_drag_over_a_row_selects_it_and_scrubs(desk: Any) -> None:
    person, _ = desk()
    person.mouse.move(*person.at(20.5, row=1))
    person.mouse.down()
    assert person.annotator.idle().corner() == 20
    assert person.state("selected") == 2
    person.mouse.move(*person.at(70.5, row=1))
    person.mouse.up()
    assert person.annotator.idle().corner() == 70


def test_rows_are_selected_together_with_control_and_shift(desk: Any) -> None:
    person, _ = desk()
    person.mouse.click(*person.at(20.5, row=0))
    person.annotator.page.keyboard.down("Control")
    person.mouse.click(*person.at(60.5, row=2))
    person.annotator.page.keyboard.up("Control")
    assert (sorted(person.state("selection")), person.state("want")) == ([1, 3], 20)
    person.mouse.click(*person.at(20.5, row=0))
    person.annotator.page.keyboard.down("Shift")
    person.mouse.click(*person.at(60.5, row=2))
    person.annotator.page.keyboard.up("Shift")
    assert sorted(person.state("selection")) == [1, 2, 3]


def test_the_wheel_zooms_about_the_pointer_and_the_ruler_is_dragged(desk: Any) -> None:
    person, _ = desk()
    place = person.at(48, "ruler")
    person.wheel(place, -500)
    start, end = person.view()
    assert end - start < 50
    assert start < 48 < end
    person.drag(person.at(start + 20, "ruler"), person.at(start + 10, "ruler"))
    assert person.view()[0] == pytest.approx(start + 10, abs=1.5)
    assert person.state("want") == 0
    person.annotator.press("t")
    assert person.view() == (0, 96)


def test_a_range_is_drawn_over_the_pictures_moved_by_its_edge_and_cleared(desk: Any) -> None:
    person, _ = desk()
    person.drag(person.at(20, "strip"), person.at(40, "strip"))
    assert person.state("span") == {"start": 20, "stop": 40}
    assert "20–39" in person.annotator.text(".ct-range")
    person.drag(person.at(40, "ruler"), person.at(60, "ruler"))
    assert person.state("span") == {"start": 20, "stop": 60}
    person.annotator.page.keyboard.down("Shift")
    person.drag(person.at(70, "ruler"), person.at(65, "ruler"))
    person.annotator.page.keyboard.up("Shift")
    assert person.state("span") == {"start": 65, "stop": 70}
    person.annotator.press("Shift+I")
    assert person.state("span") is None


def test_keys_set_the_range_and_a_double_click_takes_a_whole_bar(desk: Any) -> None:
    person, _ = desk()
    person.annotator.press("Shift+ArrowRight", "i", "Shift+ArrowRight", "o")
    assert person.state("span") == {"start": 10, "stop": 21}
    person.mouse.dblclick(*person.at(50.5, row=2))
    assert person.state("span") == {"start": 10, "stop": 90}


def test_a_click_on_a_mark_goes_to_its_moment_and_its_track(new_page: Any) -> None:
    body = """
      const went = [];
      Object.assign(shown.actions, { go: (frame) => went.push(["go", frame]), select: (track) => went.push(["select", track]) });
      store.set({ suggestions: [{ ...suggestions[0], id: 70, track: 2, other: 9, frame: 5000, severity: 1 }] });
      shown.show({ start: 4900, end: 5100 });
      await new Promise((resolve) => setTimeout(resolve, 100));
      for (const mark of [shown.clusters[0], shown.clustersOf(9)[0]].map((cluster) => cluster.marks[0])) shown.open(mark);
      return [went, store.state.suggestion, shown.clustersOf(3).length];
    """
    with serve(create_app(FakeVideo(objects=1, length=1))) as address:
        page = new_page(1900, 900)
        page.goto(f"{address}/blank")
        went, current, elsewhere = page.evaluate(f"async () => {{ {LARGE} {body} }}")
        page.close()
    assert went == [["select", 2], ["go", 5000]] * 2
    assert (current, elsewhere) == (70, 0)


def test_the_overview_moves_and_widens_the_view(desk: Any) -> None:
    person, _ = desk()
    person.wheel(person.at(20, "ruler"), -700)
    start, end = person.view()
    box = person.annotator.page.locator(".ct-overview").bounding_box()
    per_frame = (box["width"] - 148 - 12) / 96
    middle = (box["x"] + 148 + (start + end) / 2 * per_frame, box["y"] + 12)
    person.drag(middle, (middle[0] + 30 * per_frame, middle[1]))
    assert person.view()[0] == pytest.approx(start + 30, abs=2)
    person.annotator.page.locator(".ct-overview").focus()
    person.annotator.page.keyboard.press("Shift+ArrowRight")
    person.rest()
    assert person.view()[0] > start + 31
    assert person.state("want") == 0


def test_the_slider_tells_a_screen_reader_where_it_is(desk: Any) -> None:
    person, _ = desk()
    person.annotator.press("ArrowDown", "ArrowDown", "ArrowRight")
    text = person.annotator.page.get_by_role("slider", name="Timeline").get_attribute("aria-valuetext")
    assert text == "Frame 1 of 96, 0:00.04, track 2 absent"


def test_pictures_are_asked_for_once_and_shown(desk: Any) -> None:
    person, video = desk()
    person.annotator.page.wait_for_timeout(600)
    asked = [request for request in video.requests if "strip.jpg" in request]
    assert 1 <= len(asked) <= 4
    person.annotator.press("ArrowRight", "ArrowRight")
    person.annotator.page.wait_for_timeout(300)
    assert len([request for request in video.requests if "strip.jpg" in request]) == len(asked)
