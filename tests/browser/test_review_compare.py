"""Another run beside a corrected one, on the real server: compared, gone through by key, taken over, undone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import pytest

from engine.masks import encode
from studio.app import create_app
from studio.review import log, verification
from studio.store import library as rows
from studio.store import runs
from tests.browser.annotator import Annotator
from tests.browser.conftest import serve
from tests.browser.planted import LENGTH, Library, square, steady


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library.new(tmp_path_factory.mktemp("compare"))


@pytest.fixture(scope="module")
def address(library: Library) -> Iterator[str]:
    with serve(create_app(library.home)) as address:
        yield address


@pytest.fixture
def review(address: str, new_page: Callable[..., Any]) -> Callable[[int], Annotator]:
    def start(video: int) -> Annotator:
        annotator = Annotator(new_page(), address)
        annotator.page.goto(f"{address}/?view=review&video={video}")
        annotator.page.wait_for_function("window.__studio && window.__studio.drawnFrame >= 0")
        return annotator.idle()

    return start


def another_run(library: Library, video: int, paths: Sequence[Mapping[int, tuple[int, int, int]]], state: str) -> int:
    """A run of the model "felines" that found dogs on these paths."""
    with library.store.transaction() as database:
        project = rows.video(database, video)["project_id"]
        dog = rows.categories(database, project)[0]["id"]
        run = int(runs.add_run(database, video, "felines", {"score_threshold": 0.3})["id"])
        masks = [
            runs.Prediction(number, frame, encode(square(*path[frame]))["counts"], 0.8)
            for frame in range(LENGTH)
            for number, path in enumerate(paths)
            if frame in path
        ]
        estimates = {number: runs.TrackEstimate(dog, 0.8, min(path)) for number, path in enumerate(paths)}
        runs.commit_window(database, run, LENGTH, masks, estimates, b"")
        if state == "done":
            runs.close_run(database, run, "done")
    return run


def corrected(library: Library) -> tuple[int, list[int]]:
    """A dog whose masks in the frames 3 to 11 are verified, and one that the next run will not find."""
    video, tracks = library.video([steady(range(LENGTH)), steady(range(5, 40), x=200, y=20)])
    log.perform(library.store, video, "ann", verification.verify([tracks[0]], 3, 12))
    return video, tracks


def moved() -> dict[int, tuple[int, int, int]]:
    return {t: (x + (12 if 30 <= t < 45 else 0), y, edge) for t, (x, y, edge) in steady(range(LENGTH)).items()}


def choose(annotator: Annotator, run: int) -> None:
    annotator.page.locator("[data-tab=runs]").click()
    annotator.page.get_by_label("Compare with", exact=True).select_option(str(run))
    annotator.page.wait_for_function("window.__studio.state.comparison !== null")
    annotator.idle()


def differences(annotator: Annotator) -> list[tuple[str, Any, int, int]]:
    found = annotator.state("comparison.differences")
    return [(each["kind"], each["track"], each["start"], each["stop"]) for each in found]


def test_differences_are_gone_through_by_key_and_one_is_taken_alone(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    video, (dog, ghost) = corrected(library)
    before = library.all_masks(video)
    run = another_run(library, video, [moved(), steady(range(20, LENGTH), x=230, y=100)], "done")
    annotator = review(video)
    assert annotator.text("[data-tab=runs] .ct-count") == "1"
    choose(annotator, run)
    assert differences(annotator) == [
        ("only_then", None, 20, LENGTH),
        ("only_now", ghost, 5, 40),
        ("shape", dog, 30, 45),
    ]
    annotator.press("Alt+j", "Alt+j", "Alt+j")
    assert annotator.state("selected") == dog and 30 <= annotator.state("frame") < 45
    assert "dog 1 has another shape there" in annotator.text("[data-difference].ct-selected").replace(str(dog), "1")
    annotator.press("Alt+Shift+j")
    assert annotator.state("selected") == ghost
    annotator.press("Alt+j", "Alt+Enter")
    annotator.page.wait_for_function("window.__studio.state.comparison.total === 2")
    now = library.all_masks(video)
    assert {(track, frame) for track, frame, _ in before ^ now} == {(dog, frame) for frame in range(30, 45)}
    annotator.press("Control+z")
    assert library.all_masks(video) == before


def test_a_run_that_is_done_beside_this_one_is_taken_over_after_it_was_said_what_that_changes(
    library: Library, review: Callable[[int], Annotator]
) -> None:
    video, (dog, _) = corrected(library)
    before = library.all_masks(video)
    run = another_run(
        library, video, [{t: (x + 4, y, edge) for t, (x, y, edge) in steady(range(LENGTH)).items()}], "running"
    )
    annotator = review(video)
    annotator.page.wait_for_function("document.querySelector('.ct-runs-again p').textContent.includes('is running')")
    with library.store.transaction() as database:
        runs.close_run(database, run, "done")
    annotator.page.get_by_text("felines is done.").wait_for()
    annotator.page.get_by_role("button", name="Compare", exact=True).click()
    annotator.page.wait_for_function("window.__studio.state.comparison !== null")
    annotator.page.get_by_role("button", name="Take all over…").click()
    annotator.page.get_by_role("heading", name="Take over from felines").wait_for()
    assert library.all_masks(video) == before
    annotator.press("Enter")
    annotator.page.wait_for_function("window.__studio.state.comparison?.total === 0")
    now = {(track, frame): counts for track, frame, counts in library.all_masks(video)}
    kept = {(track, frame): counts for track, frame, counts in before}
    assert {track for track, _ in now} == {dog}, "what it has not found is gone"
    assert {frame for frame in range(LENGTH) if now[dog, frame] == kept[dog, frame]} == set(range(3, 12)), "verified"
    annotator.press("Control+z")
    assert library.all_masks(video) == before
