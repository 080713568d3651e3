"""A day at the review page: every command that changes a video, on a real video with stored detections and a second run.

All is done, each step is undone, each is done again, the page is loaded anew. After every step the database holds bit for bit what
it held at that point of the day, and the page shows what the database holds. A command that nobody sorted in here fails the test.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Self

import pytest

from engine.config import TrackerConfig
from engine.masks import decode
from studio.jobs.worker import perform
from studio.review import history, log, verification, view
from studio.store import jobs
from studio.store import library as rows
from tests.browser.annotator import runs_of
from tests.browser.desk import Desk, forget_preferences, shared_page
from tests.browser.planted import Library
from tests.studio.seen import HEIGHT, LENGTH, WIDTH, Thing, run, still
from tests.videos import make_video, numbered_frames

TREE = range(3, 9)
CAT = Thing(1, still(4, 10), kind=1)
DOG = Thing(0, {t: (4 + t // 4, 2) for t in range(LENGTH) if t not in TREE})  # behind a tree for a while
OWL = Thing(2, still(16, 8, range(10, 30)), score=0.05, kind=2)  # too faint for a track, as the bee
BEE = Thing(3, still(18, 1, range(10, 30)), score=0.03)
FOX = Thing(4, still(10, 6, range(4, 30)))  # only the second run has seen it, and the cat elsewhere
SHY = TrackerConfig(init_threshold=0.3)
ON_BEE = (80, 12)

# commands that change no mask and no track: where one is, what is seen, what is selected, what is said of moments
LOOKING = set(
    """withdraw play back on tenBack tenOn firstFrame lastFrame select smallerBrush largerBrush escape selectAll undo redo masks
    labels fit actualSize zoomIn zoomOut help contextMenu palette hideSelected lock solo maskStyle colorBy trails compare loupe
    previousEdge nextEdge previousTrack nextTrack tracksBack tracksOn rangeStart rangeEnd clearRange wholeTimeline slower faster
    loop presentOnly momentNext momentPrevious momentResolve momentIgnore note differenceNext differencePrevious exportProject
    drawVideo teach timelineLegend""".split()
)


class Day(Desk):
    """A person at work on a video."""

    def press(self, *keys: str) -> Self:
        for key in keys:
            super().press(key)
        return self

    def of(self, category: str, place: int = 0) -> int:
        """The id of a track by its category, the oldest first."""
        return [track["id"] for track in self.listed() if track["category"] == category][place]

    def listed(self) -> list[dict[str, Any]]:
        return view.tracks(self.made.store.database, self.video)

    def stand(self, frame: int, *tracks: int) -> Self:
        """Goes to a frame with these tracks selected."""
        for key in ("v", "Escape"):
            self.page.keyboard.press(key)
        self.page.locator("[data-tab=tracks]").click()
        self.page.evaluate(f"window.__studio.go({frame})")
        for track in tracks:
            row = f".ct-track[data-track='{track}'] .ct-track-main"
            self.page.locator(row).click(modifiers=["ControlOrMeta"])
        return self.idle()

    def shows(self, frames: range) -> None:
        """What the page shows in these frames is what the database holds."""
        tracks = [track["id"] for track in self.listed()]
        assert sorted(track["id"] for track in self.state("tracks")) == sorted(tracks)
        found: dict[tuple[int, int], list[int]] = {}
        for mask in view.masks(self.made.store.database, self.video, frames.start, frames.stop):
            pixels = decode({"size": [HEIGHT, WIDTH], "counts": mask["counts"]})
            found[mask["frame"], mask["track"]] = runs_of(pixels)
        shown = self.page.evaluate(
            "([frames, tracks]) => frames.map((f) => tracks.map((k) => window.__studio.runs(f, k)))",
            [[*frames], tracks],
        )
        for frame, masks in zip(frames, shown, strict=True):
            for track, mask in zip(tracks, masks, strict=True):
                assert mask == found.get((frame, track)), (frame, track)

    def holds(self, state: tuple[Any, ...], step: str) -> None:
        """The database is in that state, and so is the frame on show."""
        assert self.everything() == state, step
        frame = self.state("frame")
        self.shows(range(frame, frame + 1))

    def steps(self) -> int:
        """How many steps the history knows."""
        return len(history.entries(self.made.store.database, self.video)["edits"])


@pytest.fixture(scope="module")
def day(library: Library, address: str, chromium: Any) -> Iterator[Day]:
    forget_preferences(library)
    clip = make_video(library.home.media / "small.mp4", numbered_frames(LENGTH, HEIGHT, WIDTH))
    with library.store.transaction() as database:
        project = rows.add_project(database, "Day")["id"]
        for name in ("dog", "cat", "owl"):
            rows.add_category(database, project, name)
        facts = {"bytes": 1, "width": WIDTH, "height": HEIGHT, "length": LENGTH, "fps": 25.0}
        video = rows.add_video(database, project, name="small.mp4", path=str(clip), **facts)["id"]
        job = jobs.add_job(database, "import", video_id=video)["id"]
    perform(library.store, library.home, job)
    row = rows.video(library.store.database, video)
    shown = run(library.store, row, (CAT, DOG, OWL, BEE), SHY)
    somebody = verification.verify([shown[min(shown)]], 0, 1)  # who has worked on it: the next run comes beside
    log.perform(library.store, video, "ann", somebody)
    run(library.store, row, (replace(CAT, places=still(5, 10)), DOG, FOX), SHY)
    with shared_page(chromium) as page:
        yield Day(page, address, library, video, list(shown.values()))


Act = Callable[[Day], object]


def at(frame: int, *tracks: str | tuple[str, int]) -> Act:
    """Goes to a frame and selects tracks, each named by its category, or by that and its place among them."""
    return lambda day: day.stand(frame, *(day.of(name) if isinstance(name, str) else day.of(*name) for name in tracks))


def keys(*pressed: str) -> Act:
    return lambda day: day.press(*pressed)


def stroke(tool: str, start: tuple[int, int], end: tuple[int, int]) -> Act:
    return lambda day: day.press(tool).pull(start, end)


def in_span(first: int, last: int, *pressed: str) -> Act:
    """With a range of frames chosen by keys."""

    def act(day: Day) -> None:
        for frame, key in ((first, "i"), (last, "o")):
            day.page.evaluate(f"window.__studio.go({frame})")
            day.idle().press(key)
        day.press(*pressed).press("Shift+I")

    return act


def mend_as_offered(day: Day) -> None:
    day.page.wait_for_function("window.__studio.state.suggestions.some(({ kind }) => kind === 'flicker')")
    day.page.locator("[data-tab=queue]").click()
    day.page.locator("section[aria-label=Queue]").get_by_label("Kind").select_option("flicker")
    day.press("j", "Control+Enter")


def track_again(day: Day) -> None:
    day.page.keyboard.press("Shift+R")
    slider = day.page.locator('.ct-sheet [data-setting="init_threshold"]')
    slider.wait_for()
    slider.fill("0.04")  # now the owl is one, but not the bee
    day.page.wait_for_function("!document.querySelector('.ct-sheet .ct-main-button').disabled")
    day.press("Enter")


def compare(day: Day) -> Day:
    day.page.locator("[data-tab=runs]").click()
    choice = day.page.get_by_label("Compare with", exact=True)
    choice.select_option(choice.locator("option").nth(1).get_attribute("value"))
    day.page.wait_for_function("window.__studio.state.comparison !== null")
    return day


def take_all(day: Day) -> None:
    compare(day).page.get_by_role("button", name="Take all over…").click()
    day.sheet()
    day.press("Enter", "a")


def click_the_bee(day: Day) -> None:
    day.press("k").page.mouse.move(*day.spot(*ON_BEE))
    day.page.wait_for_function("window.__studio.state.candidates?.list.length > 0")
    tracks = len(day.listed())
    day.page.mouse.click(*day.spot(*ON_BEE))
    day.page.wait_for_function("(count) => window.__studio.state.tracks.length > count", arg=tracks)


def polygon(day: Day) -> None:
    day.press("p").corners((20, 36), (44, 40), (30, 60))
    day.press("Enter")


def delete_below(day: Day) -> None:
    day.press("Shift+S").page.locator(".ct-sheet input[type=range]").fill("0.91")
    day.page.get_by_text("would go.").wait_for()
    day.press("Enter")


def go_back(day: Day) -> None:
    day.page.locator("[data-tab=history]").click()
    row = day.page.locator(".ct-edit").nth(3)
    row.hover()
    row.locator(".ct-go-back").click()
    day.sheet()
    day.press("Enter")


STEPS: list[tuple[str, Act, Act]] = [  # (the command's id, go there and select, do it)
    ("momentRemedy", at(0), mend_as_offered),
    ("retrack", at(20), track_again),
    ("takeOne", at(0), lambda day: compare(day).press("Alt+j", "Alt+Enter")),
    ("brush", at(22, "cat"), lambda day: day.press(*["["] * 5, "b").pull((20, 44), (40, 48))),
    ("eraser", at(22, "cat"), stroke("e", (24, 50), (25, 50))),
    ("fillHoles", at(22, "cat"), keys("Alt+1")),
    ("brush", at(22, "cat"), stroke("b", (60, 10), (61, 10))),
    ("removeSpecks", at(22, "cat"), keys("Alt+2")),
    ("grow", at(22, "cat"), keys("Alt+3")),
    ("shrink", at(22, "cat"), keys("Alt+4")),
    ("smooth", at(22, "cat"), keys("Alt+5")),
    ("polygon", at(22, "cat"), polygon),
    ("box", at(22, "cat"), stroke("r", (10, 30), (50, 50))),
    ("putBehind", at(22, "cat"), keys("Shift+B")),
    ("transform", at(22, "cat"), keys("w", "Shift+ArrowRight")),
    ("transform", at(22, "cat"), stroke("w", (30, 45), (40, 50))),
    ("copyPrevious", at(23, "cat"), keys("d")),
    ("copyNext", at(21, "cat", "dog"), keys("Shift+D")),
    ("interpolate", at(22, "cat"), in_span(22, 30, "u", "Enter")),
    ("click", at(20), click_the_bee),
    ("newTrack", at(20), keys("n", "3")),
    ("box", at(20, ("owl", -1)), stroke("r", (64, 32), (78, 47))),
    ("carryOn", at(20, ("owl", -1)), keys("Shift+P", "Enter")),
    ("carryBack", at(20, ("owl", -1)), keys("Shift+O", "Enter")),
    ("verify", at(22, "cat"), keys("y")),
    ("swap", at(24, "cat", "dog"), keys("x")),
    ("swap", at(24, "cat", "dog"), in_span(5, 9, "x")),
    ("swap", at(24, "cat"), keys("x", "1")),
    ("split", at(26, "cat", "dog"), keys("s")),
    ("merge", at(26, "dog", ("owl", -1)), keys("m", "6", "Enter")),
    ("move", at(20, "cat"), keys("g", "0", "Enter")),
    ("move", at(36, ("cat", 1)), keys("g", "1", "2", "Enter")),
    ("category", at(30, ("cat", 1), ("dog", 1)), keys("c", "3")),
    ("categoryHere", at(10, "cat"), keys("Shift+C", "1", "Enter")),
    ("verifyAll", at(5, "cat"), keys("Shift+Y")),
    ("verify", at(25), keys("y")),
    ("deleteHere", at(12, ("dog", -1)), keys("Control+Delete")),
    ("deleteSpan", at(10, ("dog", -1)), in_span(13, 15, "Alt+Shift+Delete")),
    ("deleteBefore", at(11, ("dog", -1)), keys("Alt+Delete")),
    ("deleteFrom", at(18, ("dog", -1)), keys("Shift+Delete")),
    ("takeAll", at(0), take_all),
    ("deleteBelow", at(20), delete_below),
    ("delete", at(20, "owl", ("owl", 1)), keys("Delete")),
    ("go back", at(20), go_back),
]


def test_all_that_is_done_in_a_day_is_undone_done_again_and_there_after_a_reload(day: Day) -> None:
    day.visit()
    states, steps = [day.everything()], day.steps()
    for name, there, act in STEPS:
        there(day)
        act(day)
        day.idle()
        steps += 1
        assert day.steps() == steps, f"{name} is one step"
        assert day.everything() != states[-1], name
        states.append(day.everything())
        day.holds(states[-1], name)
    day.press("v", "Escape")
    for number, (name, *_) in reversed(list(enumerate(STEPS))):
        day.press("Control+z").holds(states[number], f"undo of {name}")
    for number, (name, *_) in enumerate(STEPS, start=1):
        day.press("Control+Shift+z").holds(states[number], f"redo of {name}")
    day.visit().page.evaluate(f"window.__studio.go({LENGTH - 1})")
    day.idle().shows(range(LENGTH))
    assert day.everything() == states[-1]


def test_no_command_that_changes_a_video_is_left_out(day: Day) -> None:
    commands = {command["id"] for command in day.visit().page.evaluate("window.__studio.commands")}
    assert commands - LOOKING == {name for name, *_ in STEPS} - {"go back"}
