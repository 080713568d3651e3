"""Run-length codes: what goes in comes out, and measures agree with the pixels."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from engine import masks
from engine.errors import DataError

any_mask = arrays(np.bool_, array_shapes(min_dims=2, max_dims=2, max_side=12))


@given(any_mask)
def test_a_mask_survives_encoding(mask):
    rle = masks.encode(mask)
    assert rle["size"] == list(mask.shape) and isinstance(rle["counts"], str)
    assert np.array_equal(masks.decode(json.loads(json.dumps(rle))), mask)


@given(any_mask)
def test_plain_run_lengths_survive_and_begin_with_zeros(mask):
    counts = masks.to_counts(masks.encode(mask))
    assert (counts[0] == 0) == mask[0, 0]
    assert masks.from_counts(counts, mask.shape) == masks.encode(mask)


@given(any_mask)
def test_area_and_box_are_those_of_the_pixels(mask):
    rle = masks.encode(mask)
    assert masks.area(rle) == mask.sum()
    if mask.any():
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        assert masks.bbox(rle) == (columns[0], rows[0], np.ptp(columns) + 1, np.ptp(rows) + 1)
    else:
        assert masks.bbox(rle) == (0, 0, 0, 0)


@given(any_mask, st.data())
def test_a_window_gives_the_same_code_as_the_whole_mask(window, data):
    left, right, top, bottom = (data.draw(st.integers(0, 3)) for _ in range(4))
    mask = np.pad(window, ((top, bottom), (left, right)))
    assert masks.encode_window(window.T, left, top, mask.shape) == masks.encode(mask)


def test_an_empty_window_is_an_empty_mask():
    assert masks.encode_window(np.zeros((0, 0), bool), 0, 0, (3, 4)) == masks.encode(np.zeros((3, 4)))


@given(arrays(np.bool_, (5, 6, 7)))
def test_iou_is_intersection_over_union_of_all_pairs(pixels):
    codes = masks.encode_many(pixels)
    flat = pixels.reshape(5, -1).astype(float)
    intersection = flat @ flat.T
    union = flat.sum(1)[:, None] + flat.sum(1) - intersection
    expected = np.divide(intersection, union, out=np.zeros_like(union), where=union > 0)
    assert np.allclose(masks.iou(codes, codes), expected)


def test_iou_with_no_masks_has_no_entries():
    rle = masks.encode(np.ones((2, 2)))
    assert masks.iou([], [rle]).shape == (0, 1) and masks.iou([rle], []).shape == (1, 0)


def test_any_nonzero_number_is_inside():
    assert masks.area(masks.encode(np.array([[0, 255], [1, 0]], np.uint8))) == 2


@pytest.mark.parametrize("counts", [[3], [2, 3], [5, -1], [[4]]])
def test_run_lengths_that_do_not_cover_the_mask_are_refused(counts):
    with pytest.raises(DataError, match="2 x 2"):
        masks.from_counts(counts, (2, 2))


def test_a_damaged_code_is_refused():
    whole = masks.encode(np.eye(9))
    with pytest.raises(DataError, match=r"\[4, 4\]"):
        masks.decode({"size": [4, 4], "counts": whole["counts"]})


@pytest.mark.parametrize("count", [0, 1, 255, 256, 700])
def test_many_masks_are_measured_at_once_as_each_alone(count):
    pixels = np.random.default_rng(1).random((count, 5, 7)) < 0.3
    codes = [masks.encode(mask) for mask in pixels]
    areas, boxes = masks.measure(codes)
    assert areas.tolist() == [masks.area(code) for code in codes]
    assert boxes.tolist() == [list(masks.bbox(code)) for code in codes] and boxes.shape == (count, 4)


@given(any_mask, st.data())
def test_a_union_has_the_pixels_of_all(mask, data):
    other = data.draw(arrays(np.bool_, mask.shape))
    assert masks.union([masks.encode(mask), masks.encode(other)]) == masks.encode(mask | other)
    assert masks.union([masks.encode(mask)]) == masks.encode(mask)
