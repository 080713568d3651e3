"""How the picture and its masks are seen: pixels read off the stage's canvases, on the real server."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from tests.browser.desk import HEIGHT, PATHS, WIDTH, Desk, forget_preferences, shared_page
from tests.browser.planted import Library, square
from tests.studio.processes import wait_for

FRAME, DRAWN, MOVED, LATE = 20, 21, 22, 40  # in the second and the third a person has drawn
BODY, OTHER = (70, 80), (215, 115)  # inside the masks of the two tracks in the first three of these frames
ALPHA = 0.45


@pytest.fixture(scope="module")
def opened(library: Library, address: str, chromium: Any) -> Iterator[Desk]:
    forget_preferences(library)
    video, ids = library.video(PATHS)
    with shared_page(chromium) as page:
        desk = Desk(page, address, library, video, ids)
        desk.draw(square(60, 60, 50), frame=DRAWN)
        desk.draw(square(60, 100, 60), frame=MOVED)
        yield desk.visit().press("l")  # no name tags: they would lie over pixels


@pytest.fixture
def desk(opened: Desk) -> Desk:
    return opened.go(FRAME).press("v", "Escape")


@pytest.fixture
def open_desk(library: Library, address: str, new_page: Callable[..., Any]) -> Callable[..., Desk]:
    """open_desk(**context arguments): a new video with two tracks in a page of its own, at frame 20."""

    def start(**arguments: Any) -> Desk:
        forget_preferences(library)
        video, ids = library.video(PATHS)
        return Desk(new_page(**arguments), address, library, video, ids).visit().go(FRAME).press("l")

    return start


def ink(desk: Desk, x: float, y: float) -> tuple[int, int, int, float]:
    """What lies over the frame at a pixel of the video: red, green, blue, opacity."""
    red, green, blue, alpha = desk.page.evaluate(
        """async ([x, y]) => {
          await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
          const point = window.__studio.clientPoint(x, y), canvas = document.querySelectorAll(".ct-review .ct-stage-canvas")[1];
          const box = canvas.getBoundingClientRect(), ratio = canvas.width / box.width;
          const place = [Math.floor((point.x - box.left) * ratio), Math.floor((point.y - box.top) * ratio)];
          return [...canvas.getContext("2d").getImageData(...place, 1, 1).data];
        }""",
        [x, y],
    )
    return red, green, blue, alpha / 255


def hex_of(color: tuple[int, int, int, float]) -> str:
    return "#{:02x}{:02x}{:02x}".format(*color[:3])


def alike(color: tuple[int, int, int, float], wanted: str) -> bool:
    """Whether a colour is the wanted one, up to what is lost where it is see-through."""
    values = [int(wanted[place : place + 2], 16) for place in (1, 3, 5)]
    return all(abs(a - b) <= 4 for a, b in zip(color[:3], values, strict=True))


def color(desk: Desk, place: int) -> str:
    return next(track["color"] for track in desk.state("tracks") if track["id"] == desk.ids[place])


def test_masks_are_filled_outlined_or_both(desk: Desk) -> None:
    edge = (50, 80)  # the left edge of the first mask runs along the left of this pixel

    def line() -> float:
        """The opacity of the outline: the strongest of what lies across the edge."""
        return max(ink(desk, edge[0] - 0.5 + step / 10, edge[1])[3] for step in range(-3, 4))

    def body() -> float:
        return ink(desk, *BODY)[3]

    assert body() == pytest.approx(ALPHA, abs=0.02) and line() > 0.8
    desk.press("Shift+M")
    assert body() == pytest.approx(ALPHA, abs=0.02) and line() == pytest.approx(ALPHA, abs=0.02)
    desk.press("Shift+M")
    assert body() == 0 and line() > 0.8
    desk.press("Shift+M")
    assert alike(ink(desk, *BODY), color(desk, 0))
    desk.press("h")
    assert (body(), line()) == (0, 0)
    desk.press("h")
    desk.page.get_by_role("button", name="How masks look").click()
    for percent in (80, round(100 * ALPHA)):
        desk.page.get_by_label("Opacity of the masks").fill(str(percent))
        assert body() == pytest.approx(percent / 100, abs=0.02)
    desk.page.keyboard.press("Escape")


def test_solo_hide_and_lock_apply_to_the_selected_tracks(desk: Desk) -> None:

    def seen() -> tuple[bool, bool]:
        return ink(desk, *BODY)[3] > 0, ink(desk, *OTHER)[3] > 0

    assert seen() == (True, True)
    desk.select(0).press("q")
    assert seen() == (True, False)
    desk.press("q", "Shift+H")
    assert seen() == (False, True)
    desk.select(0, 1).press("Shift+H")
    assert seen() == (False, False)
    desk.press("Shift+H")
    assert seen() == (True, True)
    desk.press("Shift+L")
    assert desk.state("locked") == sorted(desk.ids)
    desk.press("Escape")
    assert desk.click(*BODY).state("selected") is None
    desk.select(0, 1).press("Shift+L")
    assert desk.state("locked") == []


def test_colours_say_track_category_source_or_confidence(desk: Desk) -> None:
    desk.go(DRAWN)

    assert alike(ink(desk, *BODY), color(desk, 0)) and alike(ink(desk, *OTHER), color(desk, 1))
    assert not desk.page.locator(".ct-color-legend").is_visible()
    palettes = desk.page.evaluate("""async () => {
      const { CATEGORIES, SOURCES, CONFIDENCE } = await import("/static/review/display/colors.js");
      return { first: CATEGORIES[0], user: SOURCES.user[0], model: SOURCES.model[0], sure: CONFIDENCE.at(-1)[1] };
    }""")
    desk.press("Shift+K")
    assert alike(ink(desk, *BODY), palettes["first"]) and alike(ink(desk, *OTHER), palettes["first"])
    assert desk.text(".ct-color-legend").split() == ["Category", "dog"]
    desk.press("Shift+K")
    assert alike(ink(desk, *BODY), palettes["user"]) and alike(ink(desk, *OTHER), palettes["model"])
    assert "Interpolated" in desk.text(".ct-color-legend")
    desk.press("Shift+K")
    assert alike(ink(desk, *OTHER), palettes["sure"])
    assert "0.8 and more" in desk.text(".ct-color-legend")
    desk.visit()
    assert desk.state("colorBy") == "confidence"
    desk.press("Shift+K")
    assert desk.state("colorBy") == "track"


# Machado, Oliveira and Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009), severity 1.
BLINDNESS = {
    "none": np.eye(3),
    "no red": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]]
    ),
    "no green": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]]
    ),
    "no blue": np.array(
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]]
    ),
}


def oklab(rgb: np.ndarray) -> np.ndarray:
    """Linear RGB (N, 3) in a space in which distances are seen alike (Björn Ottosson, 2020)."""
    cones = (
        rgb
        @ np.array(
            [
                [0.4122214708, 0.5363325363, 0.0514459929],
                [0.2119034982, 0.6806995451, 0.1073969566],
                [0.0883024619, 0.2817188376, 0.6299787005],
            ]
        ).T
    )
    return (
        np.cbrt(cones)
        @ np.array(
            [
                [0.2104542553, 0.7936177850, -0.0040720468],
                [1.9779984951, -2.4285922050, 0.4505937099],
                [0.0259040371, 0.7827717662, -0.8086757660],
            ]
        ).T
    )


@pytest.mark.parametrize("kind", BLINDNESS)
@pytest.mark.parametrize("palette", ["CATEGORIES", "SOURCES", "CONFIDENCE"])
def test_colours_differ_for_the_colour_blind(modules: Any, kind: str, palette: str) -> None:
    body = """async (palette) => {
      const all = (await import("/static/review/display/colors.js"))[palette];
      if (!Array.isArray(all)) return Object.values(all).map(([color]) => color);
      return all.map((row) => (Array.isArray(row) ? row[1] : row));
    }"""
    colors = modules.evaluate(body, palette)
    rgb = np.array([[int(text[place : place + 2], 16) for place in (1, 3, 5)] for text in colors]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    seen = oklab(np.clip(linear @ BLINDNESS[kind].T, 0, 1))
    apart = np.linalg.norm(seen[:, None] - seen[None], axis=2)[~np.eye(len(seen), dtype=bool)]
    assert apart.min() > 0.05  # more than twice what is just seen


def test_the_comparison_shows_the_models_masks_at_one_side_and_blinks(desk: Desk) -> None:
    desk.go(MOVED)
    removed, added, middle = (70, 80), (70, 150), WIDTH / 2

    def seen() -> tuple[bool, bool]:
        return ink(desk, *removed)[3] > 0, ink(desk, *added)[3] > 0

    def drag(x: float) -> None:
        line = desk.page.locator(".ct-compare-line").bounding_box()
        desk.page.mouse.move(line["x"] + line["width"] / 2, line["y"] + line["height"] / 2)
        desk.page.mouse.down()
        desk.page.mouse.move(*desk.spot(x, 20))
        desk.page.mouse.up()

    def see(wanted: tuple[bool, bool]) -> None:
        """The model's masks come and are drawn a little after the key."""
        wait_for(lambda: seen() == wanted, 10)

    assert seen() == (False, True)
    desk.press("a")
    see((True, False))  # left of the line: the model's
    assert ink(desk, *OTHER)[3] > 0
    drag(30)
    see((False, True))
    drag(middle)
    desk.page.get_by_role("radio", name="Blink").click()
    for wanted in ((True, False), (False, True), (True, False)):
        desk.page.wait_for_function(
            "(model) => document.querySelectorAll('.ct-compare-side')[model ? 1 : 0].hidden", arg=wanted[0]
        )
        see(wanted)
    desk.page.get_by_role("radio", name="Line", exact=True).click()
    desk.press("a")
    see((False, True))
    desk.page.keyboard.down("a")
    desk.page.wait_for_timeout(450)
    see((True, False))
    desk.page.keyboard.up("a")
    see((False, True))
    assert not desk.state("compare")


def test_trails_go_through_the_centres_of_the_selected_tracks_masks(desk: Desk) -> None:
    desk.go(LATE).select(0).press("Shift+T")
    desk.page.wait_for_timeout(300)
    for frame in (LATE - 12, LATE - 5, LATE + 8):
        left, top, edge = PATHS[0][frame]
        assert ink(desk, left + edge / 2 - 0.5, top + edge / 2 - 0.5)[3] > ALPHA + 0.1, frame
    centre = PATHS[0][LATE][0] + 19.5, PATHS[0][LATE][1] + 19.5
    assert hex_of(ink(desk, *centre)) == "#ffffff"
    desk.press("Shift+T")
    assert ink(desk, *centre)[3] == pytest.approx(ALPHA, abs=0.02)


def decoded(desk: Desk, frame: int) -> np.ndarray:
    """The frame at its own size as this browser decodes it: (H, W, 3)."""
    data = desk.page.evaluate(
        """async ([video, frame]) => {
          const answer = await fetch(`/api/v1/videos/${video}/frames/${frame}.jpg`);
          const picture = await createImageBitmap(await answer.blob());
          const canvas = new OffscreenCanvas(picture.width, picture.height), context = canvas.getContext("2d");
          context.drawImage(picture, 0, 0);
          return [...context.getImageData(0, 0, picture.width, picture.height).data];
        }""",
        [desk.video, frame],
    )
    return np.reshape(data, (HEIGHT, WIDTH, 4))[..., :3]


@pytest.mark.parametrize("ratio", [1, 2])
def test_from_double_size_on_every_pixel_of_the_video_is_a_square_of_its_own_colour(
    open_desk: Callable[..., Desk], ratio: int
) -> None:
    desk = open_desk(
        device_scale_factor=ratio, width=1101, height=1001
    )  # odd sizes: the middle lies between two pixels
    picture = decoded(desk, FRAME)
    for scale, zoom in ((2, 2.0), (4, 2.0)):
        if scale == 2:
            desk.press("1")
        desk.page.evaluate("() => new Promise((done) => requestAnimationFrame(done))")
        desk.page.mouse.move(*desk.spot(100, 90))
        desk.page.mouse.wheel(0, -np.log(zoom) / 0.0016 * ratio)
        desk.idle()
        view = desk.state("view")
        assert view["scale"] == pytest.approx(scale, rel=1e-4)
        assert (view["x"] * ratio) % 1 == (view["y"] * ratio) % 1 == 0
        left, top, step = 60, 70, round(scale * ratio)
        shown = desk.page.evaluate(
            """async ([x, y, width, height]) => {
              await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
              const canvas = document.querySelector(".ct-review .ct-stage-canvas");
              return [...canvas.getContext("2d").getImageData(x, y, width, height).data];
            }""",
            [round((view["x"] + left * scale) * ratio), round((view["y"] + top * scale) * ratio), 60 * step, 30 * step],
        )
        blocks = np.reshape(shown, (30 * step, 60 * step, 4))[..., :3]
        expected = picture[top : top + 30, left : left + 60].repeat(step, 0).repeat(step, 1)
        wrong = np.argwhere((blocks != expected).any(2))
        assert len(wrong) == 0, (scale, len(wrong), wrong[:3], blocks[tuple(wrong[0])], expected[tuple(wrong[0])], view)


def test_the_loupe_shows_each_pixel_under_the_pointer_as_a_square(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(width=820, height=640).press("z", "h")
    picture = decoded(desk, FRAME)
    x, y = 150, 100
    desk.page.mouse.move(*desk.spot(x, y))
    desk.page.wait_for_timeout(300)
    assert desk.text(".ct-loupe-text").startswith(f"{x}, {y} ")
    scale = int(desk.text(".ct-loupe-text").split("·")[1].strip(" ×"))
    shown = desk.page.evaluate("""() => {
      const canvas = document.querySelector(".ct-loupe-picture");
      return [canvas.width, [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]];
    }""")
    pixels = np.reshape(shown[1], (shown[0], shown[0], 4))[..., :3]
    for dx, dy in ((-4, 0), (3, -2), (5, 5), (-2, 4)):
        corner = shown[0] / 2 + (np.array([dx, dy]) - 0.5) * scale
        column, row = np.ceil(corner).astype(int) + 1
        block = pixels[row : row + scale - 2, column : column + scale - 2]
        assert (block == picture[y + dy, x + dx]).all(), (dx, dy)
    desk.press("z")
    assert not desk.page.locator(".ct-loupe").is_visible()


def test_two_fingers_zoom_and_move_without_painting_and_one_finger_paints(open_desk: Callable[..., Desk]) -> None:
    desk = open_desk(has_touch=True).select(0).press("b")
    fingers = desk.page.context.new_cdp_session(desk.page)
    before = desk.everything()
    view = desk.state("view")

    def touch(kind: str, *spots: tuple[int, int]) -> None:
        points = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(spots)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    left, right = desk.spot(100, 90), desk.spot(140, 90)
    far = (right[0] + (right[0] - left[0]), right[1])
    anchor = desk.source(left)
    touch("touchStart", left)
    touch("touchStart", left, right)
    touch("touchMove", left, far)
    touch("touchEnd")
    zoomed = desk.state("view")
    assert zoomed["scale"] == pytest.approx(2 * view["scale"], rel=0.02)
    assert desk.source(left) == pytest.approx(anchor, abs=0.6)
    assert desk.idle().everything() == before
    touch("touchStart", desk.spot(100, 90))
    touch("touchMove", desk.spot(110, 90))
    touch("touchEnd")
    saved = desk.idle().saved()
    assert saved is not None and saved[90, 100:110].all()
