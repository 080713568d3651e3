"""A person at the review stage, for the tests: keys and mouse in pixels of the video, and what should come of a stroke.

`brushed` is the definition of the brush in NumPy, `runs_of` the plain run lengths of a mask; masks are bool (H, W).
"""

from typing import Any, Self

import numpy as np

from tests.browser.fake_api import number_in


def runs_of(mask: np.ndarray) -> list[int]:
    flat = mask.ravel(order="F").astype(int)
    edges = np.flatnonzero(np.diff(flat)) + 1
    lengths = np.diff(np.concatenate([[0], edges, [flat.size]])).tolist()
    return [0, *lengths] if flat[0] else lengths


def brushed(height: int, width: int, start: tuple[float, float], end: tuple[float, float], diameter: int) -> np.ndarray:
    """The brush by its definition: pixels whose centre is within the radius of the segment between the snapped ends."""

    def snap(value: float) -> float:
        return np.floor(value) + 0.5 if diameter % 2 else np.floor(value + 0.5)

    a, b = (np.array([snap(x), snap(y)]) for x, y in (start, end))
    y, x = np.mgrid[0:height, 0:width] + 0.5
    points = np.stack([x, y], -1) - a
    squared = ((b - a) ** 2).sum()
    along = np.clip(points @ (b - a) / squared, 0, 1) if squared else np.zeros((height, width))
    distance = points - along[..., None] * (b - a)
    return (distance**2).sum(-1) <= diameter**2 / 4 + 1e-9


def stroke(start: tuple[float, float], end: tuple[float, float], diameter: int) -> np.ndarray:
    """What a drag between two pixels paints on a 320 x 180 video."""
    return brushed(180, 320, (start[0] + 0.3, start[1] + 0.3), (end[0] + 0.3, end[1] + 0.3), diameter)


class Annotator:
    """A person at the stage: keys and mouse in pixels of the video, and what the page says about itself."""

    def __init__(self, page: Any, address: str) -> None:
        self.page = page
        self.address = address

    def open(self, theme: str = "", opened: str = "1") -> Self:
        self.page.goto(f"{self.address}/?theme={theme}&opened={opened}")
        self.page.wait_for_function("window.ready")
        return self.idle()

    def idle(self) -> Self:
        self.page.evaluate("window.__studio.idle()")
        return self

    def press(self, *keys: str) -> Self:
        for key in keys:
            self.page.keyboard.press(key)
        return self.idle()

    def hurry(self, key: str, times: int) -> None:
        for _ in range(times):
            self.page.keyboard.press(key)

    def state(self, name: str) -> Any:
        return self.page.evaluate(f"window.__studio.state.{name}")

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Window coordinates of a point of the video, a third of a pixel into the pixel (x, y), where no brush is undecided."""
        point = self.page.evaluate("([x, y]) => window.__studio.clientPoint(x, y)", [x - 0.2, y - 0.2])
        return point["x"], point["y"]

    def click(self, x: float, y: float) -> Self:
        self.page.mouse.click(*self.at(x, y))
        return self.idle()

    def drag(self, start: tuple[float, float], end: tuple[float, float], release: bool = True) -> None:
        self.page.mouse.move(*self.at(*start))
        self.page.mouse.down()
        self.page.mouse.move(*self.at(*end))
        if release:
            self.page.mouse.up()

    def shown(self, frame: int, track: int) -> list[int] | None:
        return self.page.evaluate("([frame, track]) => window.__studio.runs(frame, track)", [frame, track])

    def mask(self, frame: int, track: int, height: int, width: int) -> list[list[bool]] | None:
        """The mask as shown, as rows of pixels."""
        runs = self.shown(frame, track)
        if runs is None:
            return None
        return np.repeat(np.arange(len(runs)) % 2, runs).reshape(width, height).T.astype(bool).tolist()

    def text(self, selector: str) -> str:
        return self.page.locator(selector).inner_text()

    def row(self, selector: str) -> str:
        """The text of a row of the track list, laid out already or not."""
        return self.page.locator(selector).text_content()

    def corner(self) -> int:
        """The frame number read from the canvas: what is really on show."""
        x, y = self.page.evaluate("(() => { const p = window.__studio.clientPoint(11, 11); return [p.x, p.y]; })()")
        red, green, _, _ = self.page.evaluate(
            """([x, y]) => {
              const canvas = document.querySelector(".ct-review .ct-stage-canvas"), box = canvas.getBoundingClientRect();
              return [...canvas.getContext("2d").getImageData(x - box.left, y - box.top, 1, 1).data];
            }""",
            [x, y],
        )
        return number_in(red, green)
