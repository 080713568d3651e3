"""The tools on pixels: what they promise for any mask, and a few cases that can be seen at once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from engine.masks import BoolMask
from studio.review import mask_tools

SIZES = st.tuples(st.integers(1, 24), st.integers(1, 24))
MASKS = arrays.arrays(bool, SIZES)


def picture(*rows: str) -> BoolMask:
    return np.array([[character == "#" for character in row] for row in rows])


def blob(x: float, y: float, radius: float, size: tuple[int, int] = (60, 80)) -> BoolMask:
    rows, columns = np.ogrid[: size[0], : size[1]]
    return np.asarray((columns - x) ** 2 + (rows - y) ** 2 <= radius**2)


@given(MASKS)
@settings(max_examples=60, deadline=None)
def test_no_tool_changes_its_argument_or_the_size(mask: BoolMask) -> None:
    before = mask.copy()
    for result in (
        mask_tools.fill_holes(mask),
        mask_tools.remove_specks(mask, 4),
        mask_tools.grow(mask, 1.5),
        mask_tools.shrink(mask, 1.5),
        mask_tools.smooth(mask, 1.0),
        mask_tools.move_and_scale(mask, 2, -1, 1.3),
    ):
        assert result.shape == mask.shape and result.dtype == bool and result is not mask
        assert mask.any() or not result.any(), "out of nothing comes nothing"
    np.testing.assert_array_equal(mask, before)


@given(MASKS)
@settings(max_examples=60, deadline=None)
def test_filling_and_removing_specks_once_is_enough(mask: BoolMask) -> None:
    filled = mask_tools.fill_holes(mask)
    assert (filled >= mask).all()
    np.testing.assert_array_equal(mask_tools.fill_holes(filled), filled)
    clean = mask_tools.remove_specks(mask, 5)
    assert (clean <= mask).all() and clean.any() == mask.any()
    np.testing.assert_array_equal(mask_tools.remove_specks(clean, 5), clean)


@given(MASKS, st.floats(0, 4))
@settings(max_examples=60, deadline=None)
def test_growing_gives_and_shrinking_takes(mask: BoolMask, radius: float) -> None:
    grown, shrunk = mask_tools.grow(mask, radius), mask_tools.shrink(mask, radius)
    assert (shrunk <= mask).all() and (mask <= grown).all()
    assert (mask_tools.shrink(grown, radius) >= mask).all() or not mask.any(), (
        "what was grown shrinks to at least the mask"
    )
    # Growing a mask is shrinking its opposite, wherever the border of the picture plays no part.
    wide = np.pad(mask, 6)
    np.testing.assert_array_equal(mask_tools.grow(wide, radius), ~mask_tools.shrink(~wide, radius))


@given(MASKS, st.integers(-9, 9), st.integers(-9, 9))
@settings(max_examples=60, deadline=None)
def test_what_is_moved_by_whole_pixels_is_the_same_elsewhere(mask: BoolMask, dx: int, dy: int) -> None:
    wide = np.pad(mask, 10)
    moved = mask_tools.move_and_scale(wide, dx, dy)
    np.testing.assert_array_equal(moved, np.roll(wide, (dy, dx), (0, 1)))
    np.testing.assert_array_equal(mask_tools.move_and_scale(moved, -dx, -dy), wide)


@given(MASKS.filter(np.any), MASKS.filter(np.any), st.floats(0, 1))
@settings(max_examples=60, deadline=None)
def test_interpolation_begins_and_ends_with_its_keyframes(first: BoolMask, last: BoolMask, fraction: float) -> None:
    size = np.maximum(first.shape, last.shape)
    first, last = (np.pad(mask, [(0, n - m) for n, m in zip(size, mask.shape, strict=True)]) for mask in (first, last))
    begin, _, end = mask_tools.interpolate(first, last, [0, fraction, 1])
    np.testing.assert_array_equal(begin, first)
    np.testing.assert_array_equal(end, last)
    np.testing.assert_array_equal(next(mask_tools.interpolate(first, first, [fraction])), first)


def test_between_two_discs_lies_a_disc_even_when_they_do_not_touch() -> None:
    (middle,) = mask_tools.interpolate(blob(15, 20, 6), blob(60, 40, 12), [0.5])
    expected = blob(37.5, 30, 9)
    assert (middle & expected).sum() / (middle | expected).sum() > 0.9


def test_smoothing_keeps_area_and_place_and_takes_the_teeth() -> None:
    disc = blob(40, 30, 15)
    rough = disc ^ (np.random.default_rng(1).random(disc.shape) < 0.1) & blob(40, 30, 17) & ~blob(40, 30, 13)
    smooth = mask_tools.smooth(rough, 2)
    assert (smooth ^ disc).sum() < 0.5 * (rough ^ disc).sum()
    assert smooth.sum() == pytest.approx(disc.sum(), rel=0.05)
    line = picture("....", "####", "....")
    np.testing.assert_array_equal(mask_tools.smooth(line, 5), line)


def test_holes_and_specks_go_and_the_rest_stays() -> None:
    mask = picture("####...", "#..#..#", "####...", ".......")
    np.testing.assert_array_equal(mask_tools.fill_holes(mask), picture("####...", "####..#", "####...", "......."))
    np.testing.assert_array_equal(
        mask_tools.remove_specks(mask, 2), picture("####...", "#..#...", "####...", ".......")
    )


def test_scaling_goes_about_the_middle_and_leaves_no_holes() -> None:
    mask = blob(40, 30, 8)
    for scale in (0.5, 1.7, 3.0):
        scaled = mask_tools.move_and_scale(mask, 0, 0, scale)
        assert scaled.sum() == pytest.approx(mask.sum() * scale**2, rel=0.12)
        np.testing.assert_array_equal(mask_tools.fill_holes(scaled), scaled)
        rows, columns = np.nonzero(scaled)
        assert (abs(rows.mean() - 30), abs(columns.mean() - 40)) < (1, 1)


def test_boxes_and_polygons_cover_the_pixels_whose_middles_they_hold() -> None:
    np.testing.assert_array_equal(mask_tools.from_box((4, 5), 1, 1, 3, 4), picture(".....", ".##..", ".##..", ".##.."))
    ring = mask_tools.from_polygons((7, 7), [[(0, 0), (6, 0), (6, 6), (0, 6)], [(2, 2), (4, 2), (4, 4), (2, 4)]])
    assert not ring[3, 3] and ring[0, 0] and ring[6, 6] and ring[1, 1]
    assert mask_tools.from_polygons((5, 5), [[(-9, -9), (20, -9), (20, 20), (-9, 20)]]).all()
