"""A person at the review page of a video with four tracks, who waits after every key for what it asks for."""

from collections.abc import Callable
from typing import Any, Self

from studio.review import view
from tests.browser.annotator import runs_of
from tests.browser.desk import Desk, forget_preferences
from tests.browser.planted import Library, steady

PATHS = [
    steady(range(0, 60), y=10),
    steady(range(5, 60), y=60, edge=20),
    steady(range(5, 60), y=70, edge=24),
    steady(range(20, 65), x=200, y=110),
]


class Page(Desk):
    """The review page, and the database behind it."""

    def press(self, *keys: str) -> Self:
        for key in keys:
            super().press(key)
        return self

    def agrees(self) -> None:
        """What the page shows of this frame and of the tracks is what the database holds."""
        database = self.made.store.database
        frame, listed, runs = self.page.evaluate(
            """() => {
              const { frame, tracks } = window.__studio.state;
              return [frame, tracks, tracks.map(({ id }) => window.__studio.runs(frame, id))];
            }"""
        )
        shown = {track["id"]: track["category"] for track in view.tracks(database, self.video)}
        assert {track["id"]: track["category"] for track in listed} == shown
        for track, seen in zip(listed, runs, strict=True):
            mask = self.made.mask(self.video, track["id"], frame)
            assert seen == (None if mask is None else runs_of(mask)), (track, frame)


def open_page(library: Library, address: str, new_page: Callable[..., Any], other: Page | None = None) -> Page:
    """A new video, or another page on the same video."""
    if other is None:
        forget_preferences(library)
    video, ids = (other.video, other.ids) if other else library.video(PATHS)
    return Page(new_page(), address, library, video, ids).visit()
