"""Operations at the review page, by their keys, on the real server: what is said before and after, spans, history, two people.

That each is done, undone and done again bit for bit is asserted by test_every_operation.py.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from studio.review import log, tracks
from tests.browser.bare_stage import create_stage_app
from tests.browser.conftest import serve
from tests.browser.four_tracks import PATHS, Page, open_page
from tests.browser.planted import LENGTH, Library


@pytest.fixture
def review(library: Library, address: str, new_page: Callable[..., Any]) -> Callable[..., Page]:
    """review() opens a new video with four tracks; review(page) another page on the same video."""
    return partial(open_page, library, address, new_page)


def test_a_span_limits_what_is_done(review: Callable[..., Page]) -> None:
    page = review()
    page.go(10)
    page.press("i")
    page.go(19)
    page.press("o")
    assert page.state("span") == {"start": 10, "stop": 20}
    page.select(0, 3)
    page.press("Alt+Shift+Delete")
    frames = [frame for frame in range(LENGTH) if page.made.mask(page.video, page.ids[0], frame) is not None]
    assert frames == [*range(0, 10), *range(20, 60)]
    page.press("Control+z")
    page.select(0)
    page.press("g", "0", "Enter")
    made = [track["id"] for track in page.state("tracks") if track["id"] not in page.ids]
    assert [page.made.mask(page.video, made[0], frame) is not None for frame in (9, 10, 19, 20)] == [
        False, True, True, False,
    ]  # fmt: skip


def test_only_a_click_or_a_number_answers_with_which_track_to_swap(review: Callable[..., Page]) -> None:
    page = review()
    before = page.everything()
    asked = page.page.locator(".ct-legend-sheet")
    for other in ("ArrowDown", "Control+a", "Control+z", "n"):
        page.select(0)
        page.press("x")
        asked.wait_for()
        page.press(other, "Escape", "Escape")
        asked.wait_for(state="hidden")
        page.idle()
        assert page.everything() == before
    page.select(0)
    page.press("x")
    asked.wait_for()
    page.page.locator(".ct-track-main").nth(3).click()
    page.idle()
    assert page.everything() != before and page.state("selection") == [page.ids[0]]


def test_a_preview_says_what_a_merge_would_change_before_it_does(review: Callable[..., Page]) -> None:
    page = review()
    before = page.everything()
    page.select(1, 2)
    page.press("m")
    first, second = page.ids[1], page.ids[2]
    said = page.sheet()
    assert said.startswith(f"Merge dog {second} into dog {first}?")
    assert "55 masks in the whole video" in said
    assert "Two masks meet in 55 frames: 5 to 59." in said
    page.press("Escape")
    assert page.everything() == before
    page.press("m", "4", "Enter")
    mask = page.made.mask(page.video, first, 30)
    assert mask is not None and mask.sum() == 24 * 24  # the larger one
    page.press("Control+z")
    page.select(1, 2)
    page.press("m", "2")
    page.page.locator(".ct-sheet-title", has_text=f"Merge dog {first} into dog {second}?").wait_for()
    page.press("Enter")
    assert page.state("selection") == [second] and page.made.mask(page.video, first, 30) is None


def test_another_question_or_an_opened_dialog_takes_a_question_back(review: Callable[..., Page]) -> None:
    page = review()
    before = page.everything()
    page.select(1, 2)
    sheet, legend = page.page.locator(".ct-sheet"), page.page.locator(".ct-legend-sheet")
    for opens in ("?", "Control+k"):
        page.press("m")
        sheet.wait_for()
        page.press(opens)
        page.page.locator("dialog[open]").wait_for()
        assert not sheet.is_visible()
        page.press("Escape")
        page.page.locator("dialog[open]").wait_for(state="detached")
    page.press("m", "g")
    assert legend.is_visible() and not sheet.is_visible()
    page.press("?", "Escape")
    assert not legend.is_visible()
    page.press("ArrowRight", "Enter")
    assert page.state("frame") == 1 and page.everything() == before, (
        "the keys are the page's again, and nothing was done"
    )


def test_all_below_a_score_is_counted_while_the_slider_moves(review: Callable[..., Page]) -> None:
    page = review()
    page.press("Shift+S")
    assert "Nothing scores less" in page.sheet()
    page.page.locator(".ct-sheet input[type=range]").fill("0.95")
    page.page.get_by_text("215 masks of 4 tracks would go.").wait_for()
    page.page.keyboard.press("Enter")
    page.page.wait_for_function("window.__studio.state.tracks.every(({ count }) => count === 0)")
    assert page.made.all_masks(page.video) == set()
    page.press("Control+z")
    assert len(page.made.all_masks(page.video)) == 215


def test_the_history_shows_what_an_edit_touched_and_goes_back(review: Callable[..., Page]) -> None:
    page = review()
    states = [page.everything()]
    page.go(25)
    for place, key in ((0, "Control+Delete"), (1, "Shift+Delete"), (2, "Delete")):
        page.select(place)
        page.press(key)
        states.append(page.everything())
    page.go(3)
    page.page.get_by_role("tab", name="History").click()
    rows = page.page.locator(".ct-edit")
    rows.nth(1).locator("button").first.click()
    page.idle()
    assert (page.state("frame"), page.state("selection")) == (25, [page.ids[1]])
    rows.nth(2).hover()
    rows.nth(2).locator(".ct-go-back").click()
    page.page.locator(".ct-sheet").wait_for()
    page.press("Enter")
    assert page.everything()[:3] == states[1][:3]
    page.press("Control+z")
    assert page.everything() == states[3]


def test_an_operation_on_what_somebody_else_has_changed_asks_which_holds(review: Callable[..., Page]) -> None:
    page = review()
    page.page.watch.expected.append("409")
    page.go(25)
    page.select(0)
    log.perform(page.made.store, page.video, "bob", tracks.delete([page.ids[0]], 40, 50))
    page.page.keyboard.press("Shift+Delete")
    page.page.locator(".ct-sheet").wait_for()
    said = page.sheet()
    assert f"Deleted dog {page.ids[0]} in the frames 40 to 49 bob" in said.replace("\n", " ")
    assert f"Delete dog {page.ids[0]} from frame 25 on?" in said
    theirs = page.everything()
    page.press("Escape")
    assert page.everything() == theirs
    page.press("Shift+Delete")
    assert page.latest()["op"] == "delete_from"
    log.perform(page.made.store, page.video, "bob", tracks.delete([page.ids[1]], 40, 50))
    page.select(1)
    page.page.keyboard.press("Shift+Delete")
    page.page.locator(".ct-sheet").wait_for()
    page.press("Enter")
    assert page.made.mask(page.video, page.ids[1], 25) is None


def test_two_pages_work_at_once_and_see_each_other(review: Callable[..., Page]) -> None:
    page = review()
    other = review(page)
    page.go(25)
    other.go(25)
    page.select(0)
    other.select(3)
    page.press("s")
    other.press("Control+Delete")
    page.page.wait_for_function("window.__studio.state.edits.edits.length === 2")
    other.page.wait_for_function("window.__studio.state.edits.edits.length === 2")
    page.idle()
    other.idle()
    page.agrees()
    other.agrees()


def test_undo_goes_on_where_it_was_after_the_server_was_restarted(
    library: Library, new_page: Callable[..., Any]
) -> None:
    video, ids = library.video(PATHS)

    @contextmanager
    def at_work() -> Iterator[Page]:
        with serve(create_stage_app(library.home)) as address:
            browser = new_page()
            browser.watch.expected.append("net::ERR_")  # it may ask once more as the server goes
            yield Page(browser, address, library, video, ids).visit()
            browser.context.close()

    with at_work() as page:
        before = page.everything()
        page.go(25)
        page.select(0, 1)
        page.press("x", "s")
        after = page.everything()
    with at_work() as page:
        page.press("Control+z", "Control+z")
        assert page.everything() == before
        page.press("Control+Shift+z", "Control+Shift+z")
        assert page.everything() == after
