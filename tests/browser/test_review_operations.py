"""Operations at the review page, by their keys, on the real server: what the database then holds, bit for bit, there and back.

A step is (keys before it, the tracks selected, the keys that do it, the operation's name in the log). Each is done, undone, done
again and undone from the same state of the database, and the page must show at every point what the database holds.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from studio.app import create_app
from studio.review import edits, log, tracks, view
from studio.store import library
from tests.browser.annotator import Annotator, runs_of
from tests.browser.conftest import serve
from tests.browser.planted import LENGTH, Library, steady
from tests.studio.test_random_work import everything

PATHS = [
    steady(range(0, 60), y=10),
    steady(range(5, 60), y=60, edge=20),
    steady(range(5, 60), y=70, edge=24),
    steady(range(20, 65), x=200, y=110),
]
STEPS: list[tuple[list[int], list[str], str]] = [
    ([0, 1], ["x"], "swap"),
    ([0], ["x", "2"], "swap"),
    ([0, 1, 2], ["s"], "split"),
    ([0, 1, 2], ["m", "Enter"], "merge"),
    ([1, 2], ["m", "5", "Enter"], "merge"),
    ([1, 2], ["g", "0", "2", "Enter"], "move"),
    ([0, 3], ["Delete"], "delete_track"),
    ([0, 3], ["Shift+Delete"], "delete_from"),
    ([0, 3], ["Alt+Delete"], "delete"),
    ([0, 3], ["Control+Delete"], "delete"),
    ([0, 1, 3], ["c", "2"], "set_category"),
    ([0, 1], ["Shift+C", "2", "Enter"], "set_category"),
    ([0, 1], ["y"], "verify"),
    ([0, 1], ["Shift+Y"], "verify"),
    ([], ["y"], "verify"),
    ([], ["n", "Enter"], "new_track"),
]


class Page(Annotator):
    """The review page of one video, and the database behind it."""

    def __init__(self, page: Any, address: str, library_: Library, video: int, ids: list[int]) -> None:
        super().__init__(page, address)
        self.library, self.video, self.ids = library_, video, ids

    def visit(self) -> "Page":
        self.page.goto(f"{self.address}/?view=review&video={self.video}")
        self.page.wait_for_function("window.__studio && window.__studio.drawnFrame >= 0")
        self.idle()
        return self

    def press(self, *keys: str) -> "Page":
        for key in keys:  # after each one, what it asks for is on show
            super().press(key)
        return self

    def select(self, *places: int) -> None:
        self.press("v", "Escape")
        for place in places:
            row = f".ct-track[data-track='{self.ids[place]}'] .ct-track-main"
            self.page.locator(row).click(modifiers=["ControlOrMeta"])
        self.idle()

    def go(self, frame: int) -> None:
        self.page.evaluate(f"window.__studio.go({frame})")
        self.idle()

    def everything(self) -> tuple[Any, ...]:
        row = library.video(self.library.store.database, self.video)
        return everything(self.library.store, row)

    def latest(self) -> dict[str, Any]:
        entries = edits.log(self.library.store.database, self.video)["edits"]
        return [entry for entry in entries if not entry["undone"]][-1]

    def agrees(self) -> None:
        """What the page shows of this frame and of the tracks is what the database holds."""
        database, frame = self.library.store.database, self.state("frame")
        shown = {track["id"]: track["category"] for track in view.tracks(database, self.video)}
        assert {track["id"]: track["category"] for track in self.state("tracks")} == shown
        for track in shown:
            mask = self.library.mask(self.video, track, frame)
            assert self.shown(frame, track) == (None if mask is None else runs_of(mask)), (track, frame)

    def sheet(self) -> str:
        return self.text(".ct-sheet")


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Library, str]]:
    made = Library.new(tmp_path_factory.mktemp("studio"))
    with serve(create_app(made.home)) as address:
        yield made, address


@pytest.fixture
def review(studio: tuple[Library, str], new_page: Callable[..., Any]) -> Callable[..., Page]:
    """review() opens a new video with four tracks; review(page) another page on the same video."""
    made, address = studio

    def start(other: Page | None = None) -> Page:
        video, ids = (other.video, other.ids) if other else made.video(PATHS)
        browser = new_page()
        return Page(browser, address, made, video, ids).visit()

    return start


def test_every_operation_is_done_undone_and_done_again_bit_for_bit(review: Callable[..., Page]) -> None:
    page = review()
    before = page.everything()
    for chosen, keys, name in STEPS:
        page.go(25)
        page.select(*chosen)
        page.press(*keys)
        assert page.latest()["op"] == name, keys
        page.agrees()
        after = page.everything()
        assert after != before
        page.press("v", "Control+z")
        page.agrees()
        assert page.everything() == before, keys
        page.press("Control+Shift+z")
        page.agrees()
        assert page.everything() == after, keys
        page.press("Control+z")
    page.press("Control+Shift+z")
    after = page.everything()
    page.visit().agrees()
    assert page.everything() == after


def test_a_span_limits_what_is_done(review: Callable[..., Page]) -> None:
    page = review()
    page.go(10)
    page.press("i")
    page.go(19)
    page.press("o")
    assert page.state("span") == {"start": 10, "stop": 20}
    page.select(0, 3)
    page.press("Alt+Shift+Delete")
    frames = [frame for frame in range(LENGTH) if page.library.mask(page.video, page.ids[0], frame) is not None]
    assert frames == [*range(0, 10), *range(20, 60)]
    page.press("Control+z")
    page.select(0)
    page.press("g", "0", "Enter")
    made = [track["id"] for track in page.state("tracks") if track["id"] not in page.ids]
    assert [page.library.mask(page.video, made[0], frame) is not None for frame in (9, 10, 19, 20)] == [
        False, True, True, False,
    ]  # fmt: skip


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
    mask = page.library.mask(page.video, first, 30)
    assert mask is not None and mask.sum() == 24 * 24  # the larger one
    page.press("Control+z")
    page.select(1, 2)
    page.press("m", "2")
    page.page.locator(".ct-sheet-title", has_text=f"Merge dog {first} into dog {second}?").wait_for()
    page.press("Enter")
    assert page.state("selection") == [second] and page.library.mask(page.video, first, 30) is None


def test_all_below_a_score_is_counted_while_the_slider_moves(review: Callable[..., Page]) -> None:
    page = review()
    page.press("Shift+S")
    assert "Nothing scores less" in page.sheet()
    page.page.locator(".ct-sheet input[type=range]").fill("0.95")
    page.page.get_by_text("215 masks of 4 tracks would go.").wait_for()
    page.page.keyboard.press("Enter")
    page.page.wait_for_function("window.__studio.state.tracks.every(({ count }) => count === 0)")
    assert page.library.all_masks(page.video) == set()
    page.press("Control+z")
    assert len(page.library.all_masks(page.video)) == 215


def test_the_context_menu_offers_the_same_commands(review: Callable[..., Page]) -> None:
    page = review()
    page.page.mouse.click(*page.at(35, 15), button="right")
    menu = page.page.get_by_role("menu", name="What to do with")
    assert "Split at this frame" in menu.inner_text()
    assert page.state("selected") == page.ids[0]
    menu.get_by_role("menuitem", name="Delete in this frame").click()
    page.idle()
    assert page.library.mask(page.video, page.ids[0], 0) is None
    assert page.library.mask(page.video, page.ids[0], 1) is not None


def test_the_palette_finds_commands_tracks_and_frames(review: Callable[..., Page]) -> None:
    page = review()
    page.press("Control+k")
    page.page.keyboard.type("#42")
    page.press("Enter")
    assert page.state("frame") == 42
    page.press("Control+k")
    page.page.keyboard.type(f"dog {page.ids[3]}")
    page.press("Enter")
    assert page.state("selected") == page.ids[3]
    page.press("Control+k")
    page.page.keyboard.type("del from")
    page.press("Enter")
    assert page.latest()["summary"] == f"Deleted dog {page.ids[3]} from frame 42 on"
    page.press("Control+k")
    page.page.keyboard.type("a cat")
    page.press("Enter")
    assert page.state("tracks")[3]["category"] == "cat"


def test_a_key_is_changed_told_where_it_conflicts_and_found_again_in_another_browser(
    review: Callable[..., Page],
) -> None:
    page = review()
    page.press("?")
    page.page.get_by_label("Search commands and keys").fill("split")
    page.page.get_by_role("button", name="Change the key of Split at this frame").click()
    page.page.keyboard.press("x")
    assert "X was the key of “Swap two tracks" in page.text(".ct-help-said")
    page.page.wait_for_timeout(900)  # until it has been sent
    page.press("Escape")
    other = review(page)
    other.go(25)
    other.select(0)
    other.press("x")
    assert other.latest()["op"] == "split"
    assert other.page.get_by_label("Split at this frame (X)").count() == 1
    other.press("?")
    other.page.get_by_role("button", name="Reset all keys").click()
    other.page.wait_for_timeout(900)
    assert page.visit().state("keys") == {}


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
    log.perform(page.library.store, page.video, "bob", tracks.delete([page.ids[0]], 40, 50))
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
    log.perform(page.library.store, page.video, "bob", tracks.delete([page.ids[1]], 40, 50))
    page.select(1)
    page.page.keyboard.press("Shift+Delete")
    page.page.locator(".ct-sheet").wait_for()
    page.press("Enter")
    assert page.library.mask(page.video, page.ids[1], 25) is None


def test_the_context_menu_of_a_row_of_the_timeline_is_about_that_track(review: Callable[..., Page]) -> None:
    page = review()
    box = page.page.locator(".ct-timeline-area").bounding_box()
    page.page.mouse.click(box["x"] + 40, box["y"] + 95, button="right")  # the first row's name
    assert page.page.get_by_role("menu", name="What to do with dog").is_visible()
    assert page.state("selected") in page.ids


def test_no_key_does_two_things(review: Callable[..., Page]) -> None:
    commands = review().page.evaluate("window.__studio.commands")
    keys = [key for command in commands for key in command["keys"]]
    assert sorted({key for key in keys if keys.count(key) > 1}) == []
    assert len({command["id"] for command in commands}) == len(commands) > 40


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


def test_undo_goes_on_where_it_was_after_the_server_was_restarted(tmp_path: Path, new_page: Callable[..., Any]) -> None:
    made = Library.new(tmp_path)
    video, ids = made.video(PATHS)
    with serve(create_app(made.home)) as address:
        browser = new_page()
        browser.watch.expected.append("ERR_CONNECTION_REFUSED")  # the page may ask once more as the server goes
        page = Page(browser, address, made, video, ids).visit()
        before = page.everything()
        page.go(25)
        page.select(0, 1)
        page.press("x", "s")
        after = page.everything()
        page.page.context.close()
    with serve(create_app(made.home)) as address:
        browser = new_page()
        page = Page(browser, address, made, video, ids).visit()
        page.press("Control+z", "Control+z")
        assert page.everything() == before
        page.press("Control+Shift+z", "Control+Shift+z")
        assert page.everything() == after
