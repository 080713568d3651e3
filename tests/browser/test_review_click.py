"""Click an object: what the model saw under the pointer becomes a track, on the real server with stored detections.

The rider is tracked; the owl is seen so faintly that no track begins with it, and so is what stands beside the rider.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from engine.config import TrackerConfig
from engine.masks import decode
from studio.jobs.worker import perform
from studio.review import view
from studio.store import jobs
from studio.store import library as rows
from tests.browser.desk import Desk, forget_preferences
from tests.browser.planted import Library
from tests.studio.seen import HEIGHT, LENGTH, WIDTH, Thing, run, still
from tests.videos import make_video, numbered_frames

RIDER = Thing(0, still(4, 4))
BESIDE = Thing(1, still(7, 4), score=0.06)
BAND = range(10, 30)
OWL = Thing(2, still(16, 8, BAND), score=0.05, kind=2)
SHY = TrackerConfig(init_threshold=0.3)
FRAME = 12
ON_OWL, ON_BOTH = (70, 40), (30, 20)


@pytest.fixture
def open_desk(library: Library, address: str, page: Any) -> Callable[..., Desk]:
    """open_desk(things): a video in which the model saw them, at frame 12, the tool in hand."""
    made, clip = library, library.home.media / "small.mp4"
    if not clip.exists():
        make_video(clip, numbered_frames(LENGTH, HEIGHT, WIDTH))

    def start(things: Sequence[Thing] = (RIDER, BESIDE, OWL), keep: bool = True) -> Desk:
        forget_preferences(made)
        with made.store.transaction() as database:
            project = rows.add_project(database, f"Project {len(rows.projects(database)) + 1}")["id"]
            for name in ("dog", "cat"):
                rows.add_category(database, project, name)
            facts = {"bytes": 1, "width": WIDTH, "height": HEIGHT, "length": LENGTH, "fps": 25.0}
            video = rows.add_video(database, project, name="small.mp4", path=str(clip), **facts)["id"]
            job = jobs.add_job(database, "import", video_id=video)["id"]
        perform(made.store, made.home, job)
        tracks = run(made.store, rows.video(made.store.database, video), things, SHY, keep=keep)
        desk = Desk(page, address, made, video, [tracks[number] for number in sorted(tracks)])
        desk.visit().go(FRAME).press("k")
        return desk

    return start


def point(desk: Desk, x: int, y: int, seen: int | None = None) -> None:
    """Moves the pointer to a pixel and waits until so many candidates are known there."""
    desk.page.mouse.move(*desk.spot(x, y))
    if seen is not None:
        desk.page.wait_for_function("(seen) => window.__studio.state.candidates?.list.length === seen", arg=seen)


def masks(desk: Desk, track: int) -> dict[int, tuple[np.ndarray, str, bool]]:
    rows = view.masks(desk.made.store.database, desk.video, 0, LENGTH, track)
    found = {row["frame"]: row for row in rows}
    size = [HEIGHT, WIDTH]
    return {t: (decode({"size": size, "counts": m["counts"]}), m["source"], m["verified"]) for t, m in found.items()}


def newest(desk: Desk) -> dict[str, Any]:
    found: dict[str, Any] = view.tracks(desk.made.store.database, desk.video)[-1]
    return found


def options(desk: Desk) -> str:
    return desk.text(".ct-tool-options")


def test_an_object_that_was_missed_is_a_track_through_all_frames_after_one_click(
    open_desk: Callable[..., Desk],
) -> None:
    desk = open_desk((RIDER, OWL))
    before = desk.everything()
    point(desk, *ON_OWL, seen=1)
    assert "New owl" in options(desk)
    candidate = desk.state("candidates")["list"][0]
    drawn = decode({"size": [HEIGHT, WIDTH], "counts": candidate["counts"]})
    assert desk.everything() == before, "looking changes nothing"

    desk.page.mouse.click(*desk.spot(*ON_OWL))
    desk.page.wait_for_function("(count) => window.__studio.state.tracks.length === count", arg=len(desk.ids) + 1)
    desk.idle()
    track = newest(desk)
    assert (track["category"], desk.state("selected")) == ("owl", track["id"])
    found = masks(desk, track["id"])
    assert sorted(found) == list(BAND)
    assert (found[FRAME][0] == drawn).all() and found[FRAME][1:] == ("user", True)
    assert {source for frame, (_, source, _) in found.items() if frame != FRAME} == {"propagated"}
    after = desk.everything()
    desk.press("v", "Control+z")
    assert desk.everything() == before
    desk.press("Control+Shift+z")
    assert desk.everything() == after
    assert desk.visit().page.locator(".ct-track").count() == len(desk.ids) + 1


def test_the_selected_empty_track_takes_the_mask_and_shift_keeps_it_to_this_frame(
    open_desk: Callable[..., Desk],
) -> None:
    desk = open_desk().press("n", "2").press("k")
    track = newest(desk)
    assert (track["category"], track["count"]) == ("cat", 0)
    point(desk, *ON_OWL, seen=1)
    assert f"Mask of cat {track['id']}" in options(desk)
    desk.press("Shift+Enter")
    desk.page.wait_for_function("window.__studio.state.tracks.at(-1).count > 0")
    desk.idle()
    assert list(masks(desk, track["id"])) == [FRAME]
    assert newest(desk)["id"] == track["id"]


def test_tab_and_wheel_go_to_the_next_best_and_a_known_object_is_only_selected(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk()
    before = desk.everything()
    point(desk, *ON_BOTH, seen=2)
    assert f"dog {desk.ids[0]} already" in options(desk) and "1 of 2" in options(desk)
    desk.page.mouse.click(*desk.spot(*ON_BOTH))
    desk.page.wait_for_function("window.__studio.selected !== null")
    assert (desk.state("selected"), desk.everything()) == (desk.ids[0], before)
    desk.press("Tab")
    assert "2 of 2" in options(desk)
    desk.press("Tab")
    assert "1 of 2" in options(desk)
    scale = desk.state("view")["scale"]
    desk.page.mouse.wheel(0, 100)
    desk.page.wait_for_function("window.__studio.state.candidates.index === 1")
    assert desk.state("view")["scale"] == scale
    beside = desk.state("candidates")["list"][1]
    desk.press("Enter")
    desk.page.wait_for_function("(count) => window.__studio.state.tracks.length === count", arg=len(desk.ids) + 1)
    desk.idle()
    mask = masks(desk, newest(desk)["id"])[FRAME][0]
    assert (mask == decode({"size": [HEIGHT, WIDTH], "counts": beside["counts"]})).all()


def test_where_nothing_was_stored_what_needs_it_says_so_and_asks_nothing(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(keep=False).select(0)
    for name in ("Click an object (K)", "Track the video again… (Shift+R)"):
        why = desk.page.get_by_label(name, exact=True).get_attribute("aria-description")
        assert why is not None and "run the model once more" in why
    desk.press("v", "k", "Shift+P", "Shift+R")
    assert (desk.state("tool"), desk.page.locator(".ct-toast").count()) == ("select", 1), "one sentence for all three"
    assert not [url for url in desk.page.watch.requests if "/candidates?" in url or "/retrack/" in url]
