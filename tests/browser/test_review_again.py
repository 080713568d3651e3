"""What the model saw, used again at the review page: carrying a mask by keys, tracking again under sliders, undo and redo.

A real server with a real video and the detections of a run; what keys and sliders do is compared with the database.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from starlette.responses import Response

from engine.config import TrackerConfig
from studio.api import long_operations
from studio.jobs import worker
from studio.review import shapes, tracks, view
from studio.review.log import perform
from studio.settings import Home
from studio.store import Row, Store, library
from studio.store import long_operations as store_operations
from tests.browser.annotator import Annotator
from tests.browser.bare_stage import create_stage_app, open_stage
from tests.browser.conftest import serve
from tests.studio.processes import wait_for
from tests.studio.seen import HEIGHT, LENGTH, WIDTH, Thing, run, still, video_row
from tests.studio.test_random_work import everything
from tests.videos import make_video, numbered_frames

TREE = range(15, 21)
CAT = Thing(1, still(4, 10), score=0.95, kind=1)
DOG = Thing(0, {t: (4 + t // 4, 2) for t in range(LENGTH) if t not in TREE})  # behind a tree for a while
OWL = Thing(2, still(16, 8, range(10, 30)), score=0.05, kind=2)  # too faint for a track
SHY = TrackerConfig(max_absence=3, init_threshold=0.3)  # the dog after the tree is another one


class Line:
    """What lies between the page and the studio. It answers 503 in the studio's place, or holds a request back, as long as the
    path ends with one of these."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.down: set[str] = set()
        self.held: set[str] = set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        while path.endswith(tuple(self.held)):
            await asyncio.sleep(0.01)
        away = path.endswith(tuple(self.down))
        await (Response(status_code=503) if away else self.app)(scope, receive, send)


@dataclass
class Studio:
    """A running studio and its database."""

    home: Home
    store: Store
    address: str
    clip: Path
    line: Line

    def video(self, *things: Thing, keep: bool = True) -> tuple[Row, list[int]]:
        """A new video with a run that saw these things, and its tracks."""
        video = video_row(self.store, path=str(self.clip))
        Image.new("RGB", (96, 64)).save(self.home.thumbnails / f"{video['id']}.jpg")  # as the import would
        found = run(self.store, video, things, SHY, keep=keep)
        return library.video(self.store.database, video["id"]), list(found.values())


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    home = Home(tmp_path_factory.mktemp("studio") / "home").create()
    clip = make_video(home.media / "clip.mp4", numbered_frames(LENGTH, HEIGHT, WIDTH), options={"g": "9"})
    line = Line(create_stage_app(home))
    with serve(line) as address:
        yield Studio(home, Store(home.database), address, clip, line)


@pytest.fixture
def line(studio: Studio) -> Iterator[Line]:
    yield studio.line
    studio.line.down, studio.line.held = set(), set()


@pytest.fixture
def review(studio: Studio, new_page: Callable[..., Any]) -> Callable[..., Annotator]:
    def start(video: Row, **options: Any) -> Annotator:
        annotator = Annotator(new_page(**options), studio.address)
        open_stage(annotator.page, studio.address, video["id"])
        return annotator.idle()

    return start


def drawn_owl(studio: Studio) -> tuple[Row, int]:
    """A video in which somebody drew the owl in frame 20, where the model was not sure of it; the track."""
    video, _ = studio.video(CAT, OWL)
    cat = library.categories(studio.store.database, video["project_id"])[1]["id"]
    track = perform(studio.store, video["id"], "local", tracks.new_track(cat, 20)).tracks[0]
    perform(studio.store, video["id"], "local", shapes.draw(track, 20, 0, box=(64, 32, 79, 48)))
    return video, track


def test_a_drawn_mask_is_carried_on_and_back_by_keys_after_it_said_how_far(
    studio: Studio, review: Callable[..., Annotator]
) -> None:
    video, track = drawn_owl(studio)
    before = everything(studio.store, video)
    ann = review(video)
    ann.page.locator(f".ct-track[data-track='{track}'] .ct-track-main").click()
    ann.page.keyboard.press("Shift+P")
    toast = ann.page.locator(".ct-toast", has_text="no mask in this frame")
    toast.wait_for()
    for _ in range(2):
        ann.press("Shift+ArrowRight")
    ann.press("Shift+P")
    sheet = ann.page.locator(".ct-sheet")
    sheet.wait_for()
    assert f"Carry cat {track} from frame 20 on to frame 29?" in sheet.inner_text()
    assert "9 masks in frames 20 to 29" in sheet.inner_text()
    assert everything(studio.store, video) == before
    ann.press("Escape")
    assert everything(studio.store, video) == before
    ann.press("Shift+P")
    sheet.wait_for()
    ann.press("Enter")
    ann.press("Shift+O")
    sheet.wait_for()
    ann.press("Enter")
    spans = view.timeline(studio.store.database, video["id"])[track]
    assert spans == [(10, 20, "propagated"), (20, 21, "user"), (21, 30, "propagated")]
    assert ann.state(f"timeline[{track}]") == [list(span) for span in spans]
    carried = everything(studio.store, video)
    ann.press("Control+z", "Control+z")
    assert everything(studio.store, video) == before
    ann.press("Control+Shift+Z", "Control+Shift+Z")
    assert everything(studio.store, video)[:2] == carried[:2]


def test_the_video_is_tracked_again_under_sliders_that_show_on_the_timeline(
    studio: Studio, review: Callable[..., Annotator]
) -> None:
    video, (cat, dog, late) = studio.video(CAT, DOG)
    before = everything(studio.store, video)
    ann = review(video)
    ann.page.keyboard.press("Shift+R")
    slider = ann.page.locator('.ct-sheet [data-setting="max_absence"]')
    slider.wait_for()
    count = ann.page.locator(".ct-sheet-count")
    assert count.inner_text() == "3 tracks as before."
    assert ann.page.locator(".ct-sheet .ct-main-button").is_disabled(), "there is nothing to apply yet"
    assert ann.state("timelinePreview") == ann.state("timeline")
    slider.fill("30")  # 27 frames
    ann.page.wait_for_function("document.querySelector('.ct-sheet-count').textContent.startsWith('2 tracks')")
    assert count.inner_text() == "2 tracks instead of 3; 19 masks to another track."
    assert ann.state("timelinePreview") == {
        str(cat): [[0, LENGTH, "model"]],
        str(dog): [[0, 15, "model"], [21, LENGTH, "model"]],
    }
    assert everything(studio.store, video) == before
    ann.press("Escape")
    assert ann.state("timelinePreview") is None and everything(studio.store, video) == before

    ann.page.keyboard.press("Shift+R")
    slider.wait_for()
    slider.fill("30")
    ann.page.wait_for_function("document.querySelector('.ct-sheet-count').textContent.startsWith('2 tracks')")
    ann.press("Enter")
    wait_for(lambda: set(view.timeline(studio.store.database, video["id"])) == {cat, dog}, 20)
    ann.idle()
    after = everything(studio.store, video)
    assert sorted(map(int, ann.state("timeline"))) == [cat, dog]
    ann.press("Control+z")
    assert everything(studio.store, video) == before and str(late) in ann.state("timeline")
    ann.press("Control+Shift+Z")
    assert everything(studio.store, video)[:2] == after[:2]
    ann.page.keyboard.press("Shift+R")
    slider.wait_for()
    ann.page.locator(".ct-again-reset").click()
    ann.page.wait_for_function("document.querySelector('.ct-sheet-count').textContent.startsWith('3 tracks instead')")
    ann.press("Escape")


def test_what_takes_long_goes_on_by_itself_and_can_be_stopped(
    studio: Studio, review: Callable[..., Annotator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_operations, "AT_ONCE_SECONDS", 0.0)
    video, track = drawn_owl(studio)
    before = everything(studio.store, video)
    ann = review(video)
    ann.page.locator(f".ct-track[data-track='{track}'] .ct-track-main").click()
    sheet, row = ann.page.locator(".ct-sheet"), ann.page.locator(".ct-underway .ct-run")

    def carry() -> int:
        """Begins it; the job that does it."""
        ann.page.keyboard.press("Shift+P")
        sheet.wait_for()
        ann.press("Enter")
        row.wait_for()
        return int(ann.state("underway[0].job"))

    ann.page.evaluate("window.__studio.go(20)")
    stopped = carry()
    assert row.inner_text().startswith("Carrying a mask · 0 %")
    ann.press("Control+z")
    ann.page.locator(".ct-toast", has_text="Stopped. Nothing was changed.").wait_for()
    row.wait_for(state="detached")
    worker.perform(studio.store, studio.home, stopped)
    assert everything(studio.store, video) == before

    job = carry()
    ann.press("y")  # the page can be used meanwhile: the drawn mask was verified, and is no more
    assert ann.state("verified") == {} and row.is_visible()
    ann.page.reload()
    row.wait_for()
    worker.perform(studio.store, studio.home, job)
    row.wait_for(state="detached")
    ann.page.wait_for_function(f"window.__studio.state.timeline[{track}].length === 2")
    assert ann.idle().state(f"timeline[{track}]") == [[20, 21, "user"], [21, 30, "propagated"]]

    ann.page.evaluate("window.__studio.go(20)")
    ann.page.locator(f".ct-track[data-track='{track}'] .ct-track-main").click()
    ann.page.keyboard.press("Shift+O")
    sheet.wait_for()
    ann.press("Enter")
    row.wait_for()
    worker.perform(studio.store, studio.home, int(ann.state("underway[0].job")))
    ann.page.locator(".ct-toast", has_text="back to frame 10").wait_for()
    assert ann.state(f"timeline[{track}][0]") == [10, 20, "propagated"]


@pytest.mark.parametrize("sent", ["before its video is open", "when its video is open"])
def test_what_was_begun_offline_shows_how_far_it_is_once_the_studio_has_it(
    sent: str, studio: Studio, line: Line, review: Callable[..., Annotator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_operations, "AT_ONCE_SECONDS", 0.0)
    video, track = drawn_owl(studio)
    ann = review(video)
    ann.page.watch.expected += ["503"]
    ann.page.evaluate("window.__studio.go(20)")
    ann.page.locator(f".ct-track[data-track='{track}'] .ct-track-main").click()
    ann.page.keyboard.press("Shift+P")
    ann.page.locator(".ct-sheet").wait_for()
    line.down = {"/ops/propagate"}
    ann.page.keyboard.press("Enter")
    ann.page.wait_for_function("window.__studio.saving === 'failed' && !window.__studio.atRisk")
    address = ann.page.url
    ann.page.goto("about:blank")

    if sent.startswith("before"):  # the video comes once the server has the operation; its list then names it, too
        line.down, line.held = set(), {f"/videos/{video['id']}"}
        ann.page.goto(address)
        wait_for(lambda: store_operations.under_way(studio.store.database, video["id"]))
    else:  # the page can only have heard of it by sending it: the list stays out of reach
        line.down = {"/ops/propagate", "/ops"}
        ann.page.goto(address)
        ann.page.wait_for_function("window.__studio?.state.video")
    line.down, line.held = line.down - {"/ops/propagate"}, set()
    row = ann.page.locator(".ct-underway .ct-run")
    row.wait_for()
    assert row.inner_text().startswith("Carrying a mask")
    worker.perform(studio.store, studio.home, int(ann.state("underway[0].job")))
    ann.page.locator(".ct-toast", has_text="Undo").wait_for()
    assert row.count() == 0
    assert ann.idle().state(f"timeline[{track}]") == [[20, 21, "user"], [21, 30, "propagated"]]


def test_of_a_long_video_the_first_frames_are_shown_at_once_and_the_rest_when_the_sliders_rest(
    studio: Studio, review: Callable[..., Annotator], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(long_operations, "PREVIEW_SECONDS", 0.0)
    video, _ = studio.video(CAT, DOG)
    ann = review(video)
    ann.page.keyboard.press("Shift+R")
    count, more = ann.page.locator(".ct-sheet-count"), ann.page.locator(".ct-again-more")
    ann.page.wait_for_function("document.querySelector('.ct-sheet-count')?.textContent.startsWith('In the first 1 of')")
    assert more.inner_text() == "Looking at the other frames…"
    assert set(ann.state("timelinePreview")) == set(ann.state("timeline")), "what was not looked at is as it was"
    ann.page.wait_for_function("!document.querySelector('.ct-sheet-count').textContent.startsWith('In the first')")
    assert count.inner_text() == "3 tracks as before." and more.inner_text() == ""
    assert ann.state("timelinePreview") == ann.state("timeline")
    ann.press("Escape")


def test_a_run_without_detections_asks_for_another_run_in_a_sentence(
    studio: Studio, review: Callable[..., Annotator]
) -> None:
    video, _ = studio.video(CAT, keep=False)
    ann = review(video)
    ann.page.watch.expected.append("409")
    ann.page.keyboard.press("Shift+R")
    ann.page.locator(".ct-toast", has_text="run the model once more").wait_for()
    assert not ann.page.locator(".ct-sheet").is_visible()
