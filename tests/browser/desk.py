"""A person who corrects masks at the review page: a video with two tracks, the tools by mouse and keys, the database behind it.

Points are pixels of the video. `inside` is the definition of a drawn polygon in NumPy; masks are bool (H, W).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Self

import numpy as np

from engine.masks import encode
from studio.review import edits, view
from studio.store import library
from tests.browser.annotator import Annotator, runs_of
from tests.browser.bare_stage import open_stage
from tests.browser.conftest import Watch
from tests.browser.planted import HEIGHT, LENGTH, WIDTH, Library, steady
from tests.studio.test_random_work import everything

PATHS = [steady(range(0, 60), x=40, y=60, pace=0.5, edge=40), steady(range(5, 60), x=200, y=100, pace=0, edge=30)]
Point = tuple[float, float]


def inside(points: Sequence[Point], height: int = HEIGHT, width: int = WIDTH) -> np.ndarray:
    """Pixels from whose middle a line upwards meets the outline an odd number of times."""
    y, x = np.mgrid[0:height, 0:width] + 0.5
    odd = np.zeros((height, width), bool)
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        if ax != bx:
            crosses = (ax <= x) != (bx <= x)
            odd ^= crosses & (ay + ((x - ax) / (bx - ax)) * (by - ay) <= y)
    return odd


def forget_preferences(made: Library) -> None:
    """They are a person's, whatever the video: one test must not find those of another."""
    with made.store.transaction() as database:
        database.execute("delete from preferences")


@contextmanager
def shared_page(chromium: Any, width: int = 1440, height: int = 900) -> Iterator[Any]:
    """One page for the tests of a file: to load it takes longer than most of them. It forgives as little as any other."""
    context = chromium.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.watch = Watch(page)
    yield page
    context.close()
    assert page.watch.unexpected() == []


class Desk(Annotator):
    """The review page of one video and what the database holds of it."""

    def __init__(self, page: Any, address: str, made: Library, video: int, ids: list[int]) -> None:
        super().__init__(page, address)
        self.made, self.video, self.ids = made, video, ids

    def visit(self) -> Self:
        open_stage(self.page, self.address, self.video)
        self.idle()
        return self

    def go(self, frame: int) -> Self:
        self.page.evaluate(f"window.__studio.go({frame})")
        self.idle()
        return self

    def select(self, *places: int) -> Self:
        self.press("v", "Escape")
        for place in places:
            row = f".ct-track[data-track='{self.ids[place]}'] .ct-track-main"
            self.page.locator(row).click(modifiers=["ControlOrMeta"])
        self.idle()
        return self

    def spot(self, x: float, y: float) -> tuple[int, int]:
        """Whole window coordinates near the middle of a pixel."""
        point = self.page.evaluate("([x, y]) => window.__studio.clientPoint(x, y)", [x, y])
        return round(point["x"]), round(point["y"])

    def source(self, spot: tuple[int, int]) -> Point:
        """The very numbers that the page makes of window coordinates."""
        found = self.page.evaluate(
            """([x, y]) => {
              const { view } = window.__studio.state, box = document.querySelector(".ct-review .ct-stage").getBoundingClientRect();
              return [(x - box.left - view.x) / view.scale, (y - box.top - view.y) / view.scale];
            }""",
            list(spot),
        )
        return found[0], found[1]

    def corners(self, *points: Point) -> list[Point]:
        """Clicks corner after corner; where they are."""
        found = []
        for point in points:
            spot = self.spot(*point)
            self.page.mouse.move(*spot)
            self.page.mouse.down()
            self.page.mouse.up()
            found.append(self.source(spot))
        return found

    def pull(self, start: Point, end: Point, key: str | None = None) -> tuple[Point, Point]:
        """Drags from one point to another, with a key held; where it began and ended."""
        spots = self.spot(*start), self.spot(*end)
        if key:
            self.page.keyboard.down(key)
        self.page.mouse.move(*spots[0])
        self.page.mouse.down()
        self.page.mouse.move(*spots[1])
        self.page.mouse.up()
        if key:
            self.page.keyboard.up(key)
        self.idle()
        return self.source(spots[0]), self.source(spots[1])

    def saved(self, place: int = 0, frame: int | None = None) -> np.ndarray | None:
        """The mask as the database shows it, which must be what the page shows in its frame."""
        frame = self.state("frame") if frame is None else frame
        mask = self.made.mask(self.video, self.ids[place], frame)
        if frame == self.state("frame"):
            assert self.shown(frame, self.ids[place]) == (None if mask is None else runs_of(mask))
        return mask

    def draw(self, mask: np.ndarray, place: int = 0, frame: int = 0) -> None:
        """Puts a mask of a person into the database before the page is opened."""
        store, track = self.made.store, self.ids[place]
        current = view.mask(store.database, self.video, track, frame)
        edits.set_mask(store, self.video, track, frame, encode(mask)["counts"], current["rev"] if current else 0, "you")

    def sheet(self) -> str:
        """What the sheet over the stage asks, once it is there."""
        sheet = self.page.locator(".ct-sheet")
        sheet.wait_for()
        return str(sheet.inner_text())

    def everything(self) -> tuple[Any, ...]:
        return everything(self.made.store, library.video(self.made.store.database, self.video))

    def latest(self) -> dict[str, Any]:
        entries = edits.log(self.made.store.database, self.video)["edits"]
        return [entry for entry in entries if not entry["undone"]][-1]


__all__ = ["HEIGHT", "LENGTH", "PATHS", "WIDTH", "Desk", "forget_preferences", "inside", "shared_page"]
