"""The review stage in the whole studio: real pages, real API, real video, real database.

What is painted in the browser is compared bit for bit with what the database then shows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.masks import decode, encode
from studio.app import create_app
from studio.jobs.worker import perform
from studio.review import view
from studio.settings import Home
from studio.store import Store, jobs, library, runs
from tests.browser.annotator import Annotator, stroke
from tests.browser.conftest import serve
from tests.videos import make_video, numbered_frames, read_number

HEIGHT, WIDTH, LENGTH = 180, 320, 70


@dataclass
class Studio:
    """A running studio. `video(found=True)` makes a new video in it, with one track in frames 0..59 or without any."""

    home: Home
    store: Store
    address: str
    clip: Path

    def video(self, found: bool = True, name: str = "clip.mp4") -> int:
        with self.store.transaction() as database:
            project = library.add_project(database, f"Project {len(library.projects(database)) + 1}")["id"]
            category = library.add_category(database, project, "dog")["id"]
            library.add_category(database, project, "cat")
            facts = {"bytes": 1, "width": WIDTH, "height": HEIGHT, "length": LENGTH, "fps": 25.0}
            video = library.add_video(database, project, name=name, path=str(self.clip), **facts)["id"]
            job = jobs.add_job(database, "import", video_id=video)["id"]
        perform(self.store, self.home, job)
        if found:
            with self.store.transaction() as database:
                run = runs.add_run(database, video, "demo", {"score_threshold": 0.3})["id"]
                masks = [runs.Prediction(1, t, encode(box(t))["counts"], 0.8) for t in range(60)]
                runs.commit_window(database, run, LENGTH, masks, {1: runs.TrackEstimate(category, 0.9)}, b"")
                runs.close_run(database, run, "done")
        return int(video)

    def track(self, video: int) -> int:
        return int(view.tracks(self.store.database, video)[-1]["id"])

    def mask(self, video: int, track: int, frame: int) -> np.ndarray | None:
        shown = view.mask(self.store.database, video, track, frame)
        return None if shown is None else decode({"size": [HEIGHT, WIDTH], "counts": shown["counts"]})


def box(frame: int) -> np.ndarray:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[100:150, 20 + frame : 80 + frame] = True
    return mask


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Studio]:
    folder = tmp_path_factory.mktemp("studio")
    home = Home(folder / "home").create()
    clip = make_video(home.media / "clip.mp4", numbered_frames(LENGTH, HEIGHT, WIDTH), options={"g": "9"})
    app = create_app(home)
    with serve(app) as address:
        yield Studio(home, Store(home.database), address, clip)


@pytest.fixture
def review(studio: Studio, new_page: Callable[..., Any]) -> Callable[[int], Annotator]:
    """review(video) opens the review page of a video in a fresh browser."""

    def start(video: int) -> Annotator:
        page = new_page()
        annotator = Annotator(page, studio.address)
        visit(annotator, video)
        return annotator

    return start


def visit(annotator: Annotator, video: int) -> None:
    annotator.page.goto(f"{annotator.address}/?view=review&video={video}")
    annotator.page.wait_for_function("window.__studio && window.__studio.drawnFrame >= 0")
    annotator.idle()


def number_on_show(annotator: Annotator) -> int:
    """The number drawn into the frame, read from the canvas."""
    points = [annotator.page.evaluate("(x) => window.__studio.clientPoint(x, 40)", 16 + 32 * bit) for bit in range(10)]
    shades = annotator.page.evaluate(
        """(points) => {
          const canvas = document.querySelector(".ct-review .ct-stage-canvas"), box = canvas.getBoundingClientRect();
          const context = canvas.getContext("2d");
          return points.map(({ x, y }) => context.getImageData(x - box.left, y - box.top, 1, 1).data[0]);
        }""",
        points,
    )
    return read_number(np.repeat(np.reshape(shades, (1, 10, 1)), 2, axis=0).repeat(3, axis=2))


def test_the_frame_on_show_is_exactly_the_one_asked_for(studio: Studio, review: Callable[[int], Annotator]) -> None:
    annotator = review(studio.video())
    annotator.hurry("ArrowRight", 60)
    annotator.idle()
    assert (annotator.state("drawnFrame"), number_on_show(annotator)) == (60, 60)
    assert number_on_show(annotator.press("Home", "Shift+ArrowRight", "ArrowRight")) == 11


def test_a_stroke_is_in_the_database_bit_for_bit_and_survives_a_reload(studio: Studio, review: Any) -> None:
    video = studio.video()
    annotator = review(video)
    track = studio.track(video)
    annotator.press("Shift+ArrowRight", "ArrowDown", "b")
    annotator.drag((100, 40), (170, 110))
    annotator.idle()
    expected = box(10) | stroke((100, 40), (170, 110), annotator.state("brushSize"))
    assert (studio.mask(video, track, 10) == expected).all()
    assert annotator.text(".ct-saving") == "Saved"

    visit(annotator, video)
    annotator.press("Shift+ArrowRight")
    assert annotator.mask(10, track, HEIGHT, WIDTH) == expected.tolist()
    annotator.press("Control+z")
    assert (studio.mask(video, track, 10) == box(10)).all()
    assert annotator.mask(10, track, HEIGHT, WIDTH) == box(10).tolist()
    annotator.press("Control+Shift+z")
    assert (studio.mask(video, track, 10) == expected).all()


def test_two_people_on_one_mask_do_not_overwrite_each_other(studio: Studio, review: Any) -> None:
    video = studio.video()
    first, second = review(video), review(video)
    track = studio.track(video)
    second.page.watch.expected.append("409")
    for annotator in (first, second):
        annotator.press("ArrowDown", "b")
    size = first.state("brushSize")
    first.drag((40, 30), (90, 30))
    first.idle()
    second.drag((200, 30), (250, 30))
    second.idle()
    kept = box(0) | stroke((40, 30), (90, 30), size)
    assert (studio.mask(video, track, 0) == kept).all()
    second.page.locator("dialog.ct-conflict[open]").wait_for()
    assert second.mask(0, track, HEIGHT, WIDTH) == kept.tolist()


def test_a_video_is_annotated_by_hand_without_any_model(studio: Studio, review: Any) -> None:
    video = studio.video(found=False)
    annotator = review(video)
    assert "No tracks yet" in annotator.text(".ct-panel-tracks")
    annotator.press("n", "2")
    annotator.drag((60, 60), (120, 60))
    annotator.idle()
    track = studio.track(video)
    assert (studio.mask(video, track, 0) == stroke((60, 60), (120, 60), annotator.state("brushSize"))).all()
    assert view.track(studio.store.database, video, track)["source"] == "user"
    annotator.press("Control+z")
    assert studio.mask(video, track, 0) is None


def test_tracks_are_deleted_cut_renamed_and_brought_back(studio: Studio, review: Any) -> None:
    video = studio.video()
    annotator = review(video)
    track = studio.track(video)
    annotator.press("ArrowDown", "c", "2")
    assert annotator.row(".ct-track.ct-selected .ct-track-name") == "cat"
    annotator.press("Shift+ArrowRight", "Shift+Delete")
    assert studio.mask(video, track, 10) is None
    assert studio.mask(video, track, 9) is not None
    annotator.press("Delete")
    assert view.tracks(studio.store.database, video) == []
    annotator.press("Control+z", "Control+z", "Control+z")
    assert (studio.mask(video, track, 59) == box(59)).all()
    assert annotator.row(".ct-track .ct-track-name") == "dog"
    assert annotator.page.locator(".ct-edit.ct-undone").count() == 3


def test_leaving_the_page_and_coming_back_keeps_frame_and_selection(studio: Studio, review: Any) -> None:
    annotator = review(studio.video())
    annotator.press("Shift+ArrowRight", "ArrowDown")
    selected = annotator.state("selected")
    annotator.page.get_by_role("link", name="Library", exact=True).click()
    annotator.press("ArrowRight")
    annotator.page.get_by_role("link", name="Review", exact=True).click()
    annotator.page.locator(".ct-review .ct-stage").wait_for()
    assert (annotator.idle().state("frame"), annotator.state("selected")) == (10, selected)
    annotator.page.wait_for_url("**frame=10")
    annotator.page.reload()
    annotator.page.wait_for_function("window.__studio?.drawnFrame === 10")


def test_a_malicious_file_name_is_only_text(studio: Studio, review: Any) -> None:
    name = "<img src=x onerror=alert(1)>${document.title}.mp4"
    annotator = review(studio.video(name=name))
    assert annotator.text(".ct-title h1") == name
    assert annotator.page.locator(".ct-review img:not(.ct-track-picture)").count() == 0
