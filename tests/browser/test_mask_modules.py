"""rle.js, mask.js and brush.js agree with pycocotools and NumPy, bit for bit."""

from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from tests.browser.annotator import brushed, runs_of
from tests.browser.fake_api import encode

SHAPES = [(1, 1), (7, 5), (48, 64), (181, 97)]


def blobs(height: int, width: int, seed: int) -> np.ndarray:
    """Solid at seed 0, empty at seed 1, otherwise noise that is coarser the larger the frame."""
    if seed < 2:
        return np.full((height, width), seed == 0)
    cell = max(1, height // 8)
    noise = np.random.default_rng(seed).random((height // cell + 1, width // cell + 1)) > 0.5
    return np.kron(noise, np.ones((cell, cell), bool))[:height, :width]


def call(modules: Any, body: str, argument: Any) -> Any:
    """Run a function body with rle, mask and brush imported and `input` set."""
    imports = "".join(f"const {name} = await import('/static/review/{name}.js');" for name in ("rle", "mask", "brush"))
    return modules.evaluate(f"async (input) => {{ {imports} {body} }}", argument)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(5))
def test_compressed_codes_of_pycocotools_decode_to_the_same_runs(
    modules: Any, shape: tuple[int, int], seed: int
) -> None:
    mask = blobs(*shape, seed)
    assert call(modules, "return [...rle.decodeCounts(input)]", encode(mask)) == runs_of(mask)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("seed", range(5))
def test_encoded_runs_are_what_pycocotools_writes(modules: Any, shape: tuple[int, int], seed: int) -> None:
    mask = blobs(*shape, seed)
    assert call(modules, "return rle.encodeCounts(input)", runs_of(mask)) == encode(mask)


def test_bits_survive_the_way_to_runs_and_back(modules: Any) -> None:
    mask = blobs(48, 64, 3)
    body = """
      const bits = rle.runsToBits(input, 64, 48);
      return { bits: [...bits], runs: [...rle.bitsToRuns(bits)], area: rle.areaOfRuns(input) };
    """
    answer = call(modules, body, runs_of(mask))
    assert answer["bits"] == mask.ravel(order="F").astype(int).tolist()
    assert answer["runs"] == runs_of(mask)
    assert answer["area"] == mask.sum()


def test_the_bytes_for_the_server_are_little_endian_uint32(modules: Any) -> None:
    sent = call(modules, "return [...new Uint8Array(rle.runsToBytes(Uint32Array.from(input)))]", [0, 258, 70000])
    assert np.frombuffer(bytes(sent), "<u4").tolist() == [0, 258, 70000]


def test_a_code_cut_off_in_a_number_is_refused(modules: Any) -> None:
    with pytest.raises(Exception, match="ends in the middle of a number"):
        call(modules, "return rle.decodeCounts(input)", encode(blobs(48, 64, 3))[:-1] + "P")


def test_runs_of_another_frame_size_are_refused(modules: Any) -> None:
    with pytest.raises(Exception, match="cover 6 pixels, the frame has 8"):
        call(modules, "return rle.runsToBits(input, 4, 2)", [2, 4])


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_a_mask_is_cut_to_its_bounding_box(modules: Any, seed: int) -> None:
    mask = np.zeros((40, 50), bool)
    mask[7:31, 11:40] = blobs(24, 29, seed)
    crop = call(modules, "const c = mask.cropRuns(input, 40); return { ...c, bits: [...c.bits] }", runs_of(mask))
    x, y, width, height = map(int, coco.toBbox(coco.encode(np.asfortranarray(mask.astype(np.uint8)))))
    assert (crop["x"], crop["y"], crop["width"], crop["height"]) == (x, y, width, height)
    assert crop["bits"] == mask[y : y + height, x : x + width].ravel(order="F").astype(int).tolist()


def test_a_mask_without_pixels_has_no_bounding_box(modules: Any) -> None:
    assert call(modules, "return mask.cropRuns(input, 40)", [2000]) is None


@pytest.mark.parametrize("seed", [0, 2, 3])
def test_the_outline_is_every_edge_between_set_and_clear_pixels_once(modules: Any, seed: int) -> None:
    mask = np.zeros((40, 50), bool)
    mask[7:31, 11:40] = blobs(24, 29, seed)
    drawn = []
    for loop in call(modules, "return mask.contours(mask.cropRuns(input, 40))", runs_of(mask)):
        corners = np.reshape(loop, (-1, 2)).tolist()
        for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
            assert (x0 == x1) != (y0 == y1)
            drawn += [("vertical", x0, y) for y in range(min(y0, y1), max(y0, y1))]
            drawn += [("horizontal", x, y0) for x in range(min(x0, x1), max(x0, x1))]
    columns, rows = np.nonzero(np.diff(mask.T.astype(int), axis=0, prepend=0, append=0))
    expected = [("vertical", x, y) for x, y in zip(columns.tolist(), rows.tolist(), strict=True)]
    rows, columns = np.nonzero(np.diff(mask.astype(int), axis=0, prepend=0, append=0))
    expected += [("horizontal", x, y) for x, y in zip(columns.tolist(), rows.tolist(), strict=True)]
    assert sorted(drawn) == sorted(expected)


def test_the_outline_turns_to_the_left_around_a_hole_and_to_the_right_around_a_mask(modules: Any) -> None:
    mask = np.zeros((12, 12), bool)
    mask[2:10, 3:9] = True
    mask[5:7, 5:7] = False
    body = "return mask.contours(mask.cropRuns(input, 12))"
    areas = []
    for loop in call(modules, body, runs_of(mask)):
        x, y = np.reshape(loop, (-1, 2)).T
        areas.append((x * np.roll(y, -1) - y * np.roll(x, -1)).sum() / 2)
    assert areas == [48, -4]


@pytest.mark.parametrize("window", [(0, 0, 40, 50), (5, 0, 30, 50), (0, 11, 40, 20), (3, 9, 30, 33)])
@pytest.mark.parametrize("seed", [0, 1, 2, 3])
def test_a_window_of_a_mask_gives_the_runs_of_the_whole_frame(
    modules: Any, window: tuple[int, int, int, int], seed: int
) -> None:
    top, left, height, width = window
    mask = np.zeros((40, 50), bool)
    mask[top : top + height, left : left + width] = blobs(height, width, seed)
    bits = mask[top : top + height, left : left + width].ravel(order="F").astype(int).tolist()
    crop = {"x": left, "y": top, "width": width, "height": height, "bits": bits}
    body = "return [...rle.runsOfCrop({ ...input, bits: Uint8Array.from(input.bits) }, 50, 40)]"
    assert call(modules, body, crop) == runs_of(mask)


def test_a_point_is_covered_exactly_where_its_pixel_is_set(modules: Any) -> None:
    mask = np.zeros((6, 9), bool)
    mask[2:4, 3:8] = True
    mask[2, 5] = False
    body = """
      const crop = mask.cropRuns(input, 6), hits = [];
      for (let y = -1; y < 7; y++) for (let x = -1; x < 10; x++) if (mask.covers(crop, x + 0.5, y + 0.99)) hits.push([y, x]);
      return hits;
    """
    assert call(modules, body, runs_of(mask)) == np.argwhere(mask).tolist()


STROKES = [
    ((10.2, 12.7), (10.2, 12.7), 1),
    ((10.2, 12.7), (10.2, 12.7), 2),
    ((10.2, 12.7), (41.9, 30.1), 9),
    ((41.9, 30.1), (3.5, 39.5), 16),
    ((-5.0, 3.0), (70.0, 20.0), 7),
    ((60.0, 44.0), (80.0, 60.0), 30),
]


@pytest.mark.parametrize(("start", "end", "diameter"), STROKES)
def test_a_stroke_sets_exactly_the_pixels_under_the_round_tip(
    modules: Any, start: tuple[float, float], end: tuple[float, float], diameter: int
) -> None:
    body = """
      const bits = new Uint8Array(64 * 48);
      const point = ([x, y]) => ({ x, y });
      const changed = brush.paintSegment(bits, 64, 48, point(input[0]), point(input[1]), input[2], 1);
      return { bits: [...bits], changed };
    """
    answer = call(modules, body, [start, end, diameter])
    painted = np.reshape(answer["bits"], (64, 48)).T.astype(bool)
    assert (painted == brushed(48, 64, start, end, diameter)).all()
    inside = np.zeros((48, 64), bool)
    box = answer["changed"]
    inside[box["y"] : box["y"] + box["height"], box["x"] : box["x"] + box["width"]] = True
    assert not (painted & ~inside).any()


def test_the_eraser_clears_what_the_brush_sets(modules: Any) -> None:
    body = """
      const bits = new Uint8Array(64 * 48).fill(1);
      brush.paintSegment(bits, 64, 48, { x: 5, y: 5 }, { x: 40, y: 40 }, 12, 0);
      return [...bits];
    """
    left = np.reshape(call(modules, body, None), (64, 48)).T.astype(bool)
    assert (left == ~brushed(48, 64, (5, 5), (40, 40), 12)).all()


def test_a_stroke_beside_the_frame_changes_nothing(modules: Any) -> None:
    body = "return brush.paintSegment(new Uint8Array(64), 8, 8, { x: 30, y: 4 }, { x: 60, y: 4 }, 9, 1)"
    assert call(modules, body, None) is None


def test_brush_sizes_step_up_and_down_and_stop_at_the_ends(modules: Any) -> None:
    body = "return input.map(([size, direction]) => brush.nextSize(size, direction))"
    assert call(modules, body, [[16, 1], [16, -1], [17, -1], [1, -1], [200, 1]]) == [20, 12, 16, 1, 200]


KEYFRAMES = [
    (13, [[10, 11, "user"], [11, 18, "model"], [18, 19, "user"]], [], [10, 18]),
    (18, [[10, 11, "user"], [18, 19, "user"], [40, 41, "user"]], [], [10, 18]),
    (10, [[10, 11, "user"], [18, 19, "user"]], [], [10, 18]),
    (12, [[10, 14, "user"], [18, 19, "user"]], [], [13, 18]),
    (13, [[10, 11, "user"]], [[20, 25]], [10, 20]),
    (5, [[10, 11, "user"], [18, 19, "user"]], [], None),
    (30, [[10, 11, "user"], [18, 19, "user"]], [], None),
    (13, [[0, 40, "model"]], [], None),
]


@pytest.mark.parametrize(("frame", "spans", "verified", "expected"), KEYFRAMES)
def test_keyframes_are_the_nearest_masks_of_a_person_with_something_in_between(
    modules: Any, frame: int, spans: list[Any], verified: list[Any], expected: list[int] | None
) -> None:
    body = """async ([frame, spans, verified]) => {
      const { keyframesAround } = await import("/static/review/tools/keyframes.js");
      return keyframesAround(frame, spans, verified);
    }"""
    assert modules.evaluate(body, [frame, spans, verified]) == expected
