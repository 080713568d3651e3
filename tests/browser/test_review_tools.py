"""Tools that correct masks, by mouse and keys on the real server: what the database then holds, bit for bit.

What is expected is said in NumPy. Every change is undone and done again; the page must show what the database holds.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from studio.review import mask_tools, view
from tests.browser.annotator import brushed
from tests.browser.desk import HEIGHT, PATHS, WIDTH, Desk, inside, shared_page
from tests.browser.planted import Library, square

RAGGED, KEYS, MEETING = 26, (45, 53, 58), 16  # frames in which a person has drawn already


def here(frame: int, place: int = 0) -> np.ndarray:
    """What the model predicted there."""
    return square(*PATHS[place][frame])


def ragged() -> np.ndarray:
    mask = here(RAGGED)
    mask[70:80, 60:75] = False
    mask[20:24, 200:204] = True  # 16 pixels
    mask[30:40, 250:260] = True  # 100 pixels
    mask[90:92, 90:110] = True
    return mask


KEYFRAMES = [square(20, 20, 30), square(90, 70, 50), square(200, 0, 20)]


@pytest.fixture(scope="module")
def opened(library: Library, address: str, chromium: Any) -> Iterator[Desk]:
    """A video with two tracks; every test has frames of its own."""
    video, ids = library.video(PATHS)
    with shared_page(chromium) as page:
        desk = Desk(page, address, library, video, ids)
        desk.draw(ragged(), frame=RAGGED)
        for frame, mask in zip(KEYS, KEYFRAMES, strict=True):
            desk.draw(mask, frame=frame)
        desk.draw(square(60, 70, 40), place=1, frame=MEETING)
        yield desk.visit()


@pytest.fixture
def desk(opened: Desk) -> Desk:
    opened.press("v", "Escape", "Shift+I")
    return opened


def there_and_back(desk: Desk, before: tuple[Any, ...], expected: np.ndarray | None, place: int = 0) -> None:
    """The frame on show holds what is expected; undo gives back what was, redo what was done."""

    def same() -> bool:
        saved = desk.saved(place)
        return saved is None if expected is None else saved is not None and bool((saved == expected).all())

    assert same()
    after = desk.everything()
    desk.press("Control+z")
    desk.saved(place)
    assert desk.everything() == before
    desk.press("Control+Shift+z")
    assert same()
    assert desk.everything() == after


def test_brush_and_eraser_paint_their_round_tip_and_shift_swaps_them(desk: Desk) -> None:
    desk.go(20).select(0)
    size = desk.state("brushSize")
    expected = here(20)
    strokes = (
        ("b", None, False, (70, 90), (150, 130)),
        ("e", None, True, (55, 70), (80, 75)),
        ("b", "Shift", True, (60, 95), (140, 125)),
        ("e", "Shift", False, (200, 40), (230, 40)),
    )
    for tool, key, erases, *ends in strokes:
        before = desk.everything()
        desk.press(tool)
        start, end = desk.pull(*ends, key)
        tip = brushed(HEIGHT, WIDTH, start, end, size)
        expected = expected & ~tip if erases else expected | tip
        there_and_back(desk, before, expected)
    desk.visit().go(20)
    saved = desk.saved()
    assert saved is not None and (saved == expected).all()


def test_a_polygon_is_added_to_cut_from_or_replaces_the_mask(desk: Desk) -> None:
    desk.go(21).select(0).press("p")
    expected = here(21)
    for mode, then in (("Replace", lambda _, b: b), ("Cut", lambda a, b: a & ~b), ("Add", lambda a, b: a | b)):
        desk.page.get_by_role("radio", name=mode).click()
        before = desk.everything()
        points = desk.corners((60, 70), (150, 40), (120, 130), (75, 110 if mode == "Replace" else 60))
        desk.press("Enter")
        expected = then(expected, inside(points))
        there_and_back(desk, before, expected)


def test_corners_are_dragged_put_in_and_removed_before_the_polygon_is_saved(desk: Desk) -> None:
    desk.go(22).select(0).press("p")
    before = desk.everything()
    points = desk.corners((60, 20), (160, 20), (160, 90), (110, 110), (60, 90))
    _, points[1] = desk.pull((160, 20), (190, 30))
    middle = (190 + 160) / 2, (30 + 90) / 2
    _, added = desk.pull(middle, (230, 60))
    points.insert(2, added)
    desk.page.mouse.move(*desk.spot(110, 110))
    desk.press("Delete")
    del points[4]
    desk.corners((20, 150))
    desk.press("Control+z")
    assert desk.everything() == before
    assert desk.state("corners") == 5
    desk.press("Enter")
    there_and_back(desk, before, here(22) | inside(points))
    assert desk.state("corners") == 0


def test_a_polygon_that_is_dropped_changes_nothing_and_an_open_one_waits_for_its_frame(desk: Desk) -> None:
    desk.go(23).select(0).press("p")
    before = desk.everything()
    desk.corners((60, 20), (160, 20), (160, 90))
    desk.press("ArrowRight")
    assert desk.state("corners") == 0
    desk.press("ArrowLeft", "b", "p")
    assert desk.state("corners") == 3
    desk.press("Escape", "Enter")
    assert (desk.state("corners"), desk.everything()) == (0, before)
    assert desk.state("tool") == "polygon"


def test_a_double_click_and_a_click_on_the_first_corner_close_a_polygon(desk: Desk) -> None:
    desk.go(24).select(0).press("p")
    points = desk.corners((60, 20), (160, 20), (160, 90))
    desk.corners((60, 20))
    saved = desk.idle().saved()
    assert saved is not None and (saved == (here(24) | inside(points))).all()
    desk.press("Control+z")
    points = desk.corners((60, 20), (160, 20))
    spot = desk.spot(150, 95)
    desk.page.mouse.dblclick(*spot)
    saved = desk.idle().saved()
    assert saved is not None and (saved == (here(24) | inside([*points, desk.source(spot)]))).all()


def test_a_box_becomes_all_the_pixels_that_it_touches(desk: Desk) -> None:
    desk.go(25).select(0).press("r")
    before = desk.everything()
    (left, top), (right, bottom) = desk.pull((100, 80), (180, 30))
    expected = here(25).copy()
    expected[int(bottom) : int(top) + 1, int(left) : int(right) + 1] = True
    there_and_back(desk, before, expected)
    desk.page.get_by_role("radio", name="Replace").click()
    before = desk.everything()
    (left, top), (right, bottom) = desk.pull((-30, 150), (40, 250))
    alone = np.zeros_like(here(25))
    alone[int(top) :, : int(right) + 1] = True
    there_and_back(desk, before, alone)


def near(mask: np.ndarray, radius: float) -> np.ndarray:
    """Pixels within a distance of a mask, each looked at on its own."""
    reach = int(radius)
    found = np.zeros_like(mask)
    for dy in range(-reach, reach + 1):
        for dx in range(-reach, reach + 1):
            if dx * dx + dy * dy <= radius * radius:
                found |= mask_tools.move_and_scale(mask, dx, dy)
    return found


def test_holes_are_filled_specks_removed_and_masks_grown_shrunk_and_smoothed(desk: Desk) -> None:
    start = ragged()
    desk.go(RAGGED).select(0)
    parts, count = ndimage.label(start, np.ones((3, 3)))
    areas = ndimage.sum_labels(start, parts, range(1, count + 1))
    kept = np.isin(parts, [label for label, area in enumerate(areas, 1) if area >= 64])
    expected = {
        "Alt+1": ndimage.binary_fill_holes(start),
        "Alt+2": kept,
        "Alt+3": near(start, 3),
        "Alt+4": ~near(~start, 2),
        "Alt+5": mask_tools.smooth(start, 2),
    }
    desk.page.get_by_role("button", name="Refine masks").click()
    desk.page.get_by_label("Grow: radius in pixels").fill("3")
    desk.page.get_by_label("Shrink: radius in pixels").fill("2")
    desk.page.keyboard.press("Tab")
    desk.page.keyboard.press("Escape")
    assert desk.state("selected") == desk.ids[0]
    before = desk.everything()
    for key, mask in expected.items():
        desk.press(key)
        there_and_back(desk, before, mask)
        desk.press("Control+z")
    assert desk.visit().state("growRadius") == 3


def test_a_tool_over_a_span_and_two_tracks_says_first_what_it_will_do(desk: Desk) -> None:
    desk.go(30).select(0, 1).press("i")
    desk.go(34).press("o")
    before, radius = desk.everything(), desk.state("growRadius")
    desk.press("Alt+3")
    assert "10 masks in frames 30 to 34" in desk.sheet()
    desk.press("Escape")
    assert desk.everything() == before
    desk.press("Alt+3")
    desk.sheet()
    desk.press("Enter")
    for place in (0, 1):
        for frame in range(30, 35):
            saved = desk.saved(place, frame)
            assert saved is not None and (saved == near(here(frame, place), radius)).all()
    there_and_back(desk, before, near(here(34), radius))


def test_masks_are_copied_from_the_frame_before_and_after(desk: Desk) -> None:
    desk.go(40).select(0, 1)
    for key, source in (("d", 40 - 1), ("Shift+D", 40 + 1)):
        before = desk.everything()
        desk.press(key)
        there_and_back(desk, before, here(source))
        assert (desk.saved(1) == here(source, 1)).all()
    desk.go(0).press("d")
    assert "There is no such frame" in desk.text(".ct-toasts")


def test_a_copy_that_lies_over_another_track_says_so_and_is_put_behind_it(desk: Desk) -> None:
    desk.go(MEETING).select(0).press("d")
    assert f"Lies over dog {desk.ids[1]}.Put behind (Shift+B)Undo" in desk.text(".ct-toasts").replace("\n", "")
    before, front = desk.everything(), square(60, 70, 40)
    desk.press("Shift+B")
    there_and_back(desk, before, here(MEETING - 1) & ~front)
    assert (desk.saved(1) == front).all() and desk.state("frame") == MEETING
    desk.press("Shift+B")
    nothing = "No other track shows a mask where this lies."
    assert nothing in desk.text(".ct-toasts"), "the boxes still meet, the pixels do not"
    button = desk.page.get_by_label("Put behind: cut away what other tracks show (Shift+B)")
    assert button.get_attribute("aria-description") == nothing
    desk.press("Control+z", "Control+z")
    desk.page.get_by_label("Copy the mask of the frame before (D)").click()
    desk.idle().page.get_by_role("button", name="Put behind (Shift+B)", exact=True).click()
    assert (desk.idle().saved() == here(MEETING - 1) & ~front).all()


def test_interpolation_goes_between_the_nearest_masks_of_a_person(desk: Desk) -> None:
    desk.go(48).select(0)
    before = desk.everything()
    between = list(mask_tools.interpolate(KEYFRAMES[0], KEYFRAMES[1], [step / 8 for step in range(1, 8)]))
    desk.press("u")
    assert "7 masks in frames 46 to 52" in desk.sheet()
    desk.press("Enter")
    there_and_back(desk, before, between[2])
    for frame, mask in enumerate(between, start=46):
        assert (desk.saved(0, frame) == mask).all()
        shown = view.mask(desk.made.store.database, desk.video, desk.ids[0], frame)
        assert shown is not None and shown["source"] == "interpolated"
    assert (desk.saved(0, 54) == here(54)).all()


def test_interpolation_without_two_keyframes_says_what_is_missing(desk: Desk) -> None:
    desk.go(13).select(1).press("u")
    assert "a frame before and one after" in desk.text(".ct-toasts")


def test_a_mask_is_dragged_nudged_and_scaled(desk: Desk) -> None:
    desk.go(36).select(0).press("w")
    left, top, edge = PATHS[0][36]
    before = desk.everything()
    start, end = desk.pull((left + 20, top + 20), (left + 55, top - 5))
    dx, dy = round(end[0] - start[0]), round(end[1] - start[1])
    there_and_back(desk, before, square(left + dx, top + dy, edge))
    before = desk.everything()
    desk.press("ArrowRight")
    there_and_back(desk, before, square(left + dx + 1, top + dy, edge))
    desk.press("Shift+ArrowDown")
    there = square(left + dx + 1, top + dy + 10, edge)
    assert (desk.saved() == there).all()
    assert desk.state("frame") == 36

    before = desk.everything()
    corner = (left + dx + 1 + edge, top + dy + 10 + edge)
    desk.pull((corner[0] - 0.5, corner[1] - 0.5), (corner[0] + 19.5, corner[1] + 19.5))
    entry = desk.latest()
    assert entry["op"] == "transform"
    saved = desk.saved()
    assert saved is not None
    box = mask_tools.box(saved)
    assert box is not None
    rows, columns = box
    assert (rows.start, columns.start) == (top + dy + 10, left + dx + 1), "the corner across stays"
    assert (rows.stop - rows.start) == pytest.approx(60, abs=1) and (columns.stop - columns.start) == pytest.approx(
        60, abs=1
    )
    there_and_back(desk, before, saved)


def test_escape_during_a_drag_takes_it_back(desk: Desk) -> None:
    desk.go(37).select(0)
    before = desk.everything()
    for tool in ("b", "r", "w"):
        desk.press(tool)
        desk.page.mouse.move(*desk.spot(70, 80))
        desk.page.mouse.down()
        desk.page.mouse.move(*desk.spot(150, 90), steps=2)
        desk.page.keyboard.press("Control+z" if tool == "r" else "Escape")
        desk.page.mouse.up()
        desk.idle()
        assert desk.everything() == before
        assert (desk.saved() == here(37)).all()


def test_what_is_locked_can_neither_be_picked_nor_changed(desk: Desk) -> None:
    desk.go(38).select(0)
    before = desk.everything()
    desk.press("Shift+L", "b")
    desk.pull((70, 90), (150, 130))
    assert "is locked" in desk.text(".ct-toasts")
    desk.press("r")
    desk.pull((70, 90), (150, 130))
    desk.press("Alt+3", "w")
    desk.pull((70, 90), (150, 130))
    assert desk.everything() == before
    desk.press("v", "Escape")
    desk.click(70, 80)
    assert desk.state("selected") is None
    desk.select(0).press("Shift+L", "Escape")
    assert desk.click(70, 80).state("selected") == desk.ids[0]
