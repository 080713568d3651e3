"""Tracks painted on frames, the mp4 they are encoded into, and the colours they have."""

import itertools

import av
import numpy as np
import pytest

from engine.video import open_video
from studio.formats.overlay import DrawnTrack, OverlayWriter, draw_overlay
from studio.palette import track_color, track_rgb
from tests.videos import numbered_frames, read_number


def disc(height, width, y, x, radius):
    rows, columns = np.mgrid[:height, :width]
    return (rows - y) ** 2 + (columns - x) ** 2 < radius**2


def test_a_mask_is_tinted_outlined_and_nothing_else_changes():
    frame = np.full((120, 160, 3), 100, np.uint8)
    mask = disc(120, 160, 60, 80, 30)
    painted = draw_overlay(frame, [DrawnTrack(5, mask)])
    color = np.array(track_rgb(5))
    assert np.abs(painted[60, 80] - (0.6 * 100 + 0.4 * color)).max() <= 1
    assert (painted[60, 80 - 29] == color).all()
    far = ~disc(120, 160, 60, 80, 33)
    assert (painted[far] == 100).all() and (frame == 100).all()


def test_a_hole_stays_a_hole():
    mask = disc(100, 100, 50, 50, 40) & ~disc(100, 100, 50, 50, 20)
    painted = draw_overlay(np.zeros((100, 100, 3), np.uint8), [DrawnTrack(1, mask)])
    assert (painted[50, 50] == 0).all() and painted[50, 20].any()


@pytest.mark.parametrize("size", [(16, 16), (48, 64), (240, 426), (1080, 1920)])
def test_a_label_stands_on_a_plate_of_the_tracks_color_at_any_size(size):
    height, width = size
    mask = disc(height, width, height // 2, width // 2, min(size) // 4)
    frame = np.full((height, width, 3), 90, np.uint8)
    label = ("3", "giant panda", "83%")
    with_label, without = (draw_overlay(frame, [DrawnTrack(3, mask, text)]) for text in (label, ()))
    changed = (with_label != without).any(axis=2)
    rows, columns = np.flatnonzero(changed.any(axis=1)), np.flatnonzero(changed.any(axis=0))
    plate = with_label[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    assert plate.shape[0] >= min(11, height - 1)  # pixels: enough to be read
    assert (plate == track_rgb(3)).all(axis=2).mean() > 0.4  # the plate
    assert (plate.sum(axis=2) < 200).any()  # the dark letters on it


def test_labels_do_not_cover_each_other_where_there_is_room():
    masks = [disc(400, 400, 200, 100 + 60 * n, 40) for n in range(3)]
    tracks = [DrawnTrack(n, mask, (f"{n}", "long category name")) for n, mask in enumerate(masks)]
    painted = draw_overlay(np.zeros((400, 400, 3), np.uint8), tracks)
    alone = [draw_overlay(np.zeros((400, 400, 3), np.uint8), [track]) for track in tracks]
    for n, single in enumerate(alone):
        plate_pixels = (single == track_rgb(n)).all(axis=2).sum()
        assert (painted == track_rgb(n)).all(axis=2).sum() > 0.8 * plate_pixels


def test_an_empty_mask_and_no_tracks_leave_the_frame_as_it_is():
    frame = next(numbered_frames(1))
    assert np.array_equal(draw_overlay(frame, [DrawnTrack(1, np.zeros((48, 80), bool), ("1",))]), frame)
    assert np.array_equal(draw_overlay(frame, []), frame)


def test_the_video_keeps_frames_times_and_gets_even_sizes(tmp_path):
    times = [5.0, 5.1, 5.3, 5.31, 6.0]
    with OverlayWriter(tmp_path / "overlay.mp4", fps=10) as writer:
        for rgb, seconds in zip(numbered_frames(5, 49, 81), times, strict=True):
            writer.write(rgb, seconds)
    with open_video(tmp_path / "overlay.mp4") as video:
        assert (video.height, video.width) == (50, 82)
        assert [read_number(rgb) for _, rgb in video] == [0, 1, 2, 3, 4]
        assert video.pts == pytest.approx([time - 5 for time in times], abs=1e-3)
    with av.open(str(tmp_path / "overlay.mp4")) as container:
        assert container.streams.video[0].codec_context.pix_fmt == "yuv420p"
        assert container.duration / av.time_base == pytest.approx(1.1, abs=0.02)  # the last frame is shown, too


def test_an_unfinished_video_leaves_no_file(tmp_path):
    with pytest.raises(RuntimeError), OverlayWriter(tmp_path / "overlay.mp4", fps=10) as writer:
        writer.write(next(numbered_frames(1)), 0.0)
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def lab(track_id):
    """CIE L*a*b* of a track's colour, by its definition and not by the palette's own space."""
    rgb = np.array(track_rgb(track_id)) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ linear
    f = np.cbrt(xyz / [0.9505, 1.0, 1.089])
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def test_colors_are_stable_distinct_and_carry_black_letters():
    assert track_color(7) == track_color(7) == "#{:02x}{:02x}{:02x}".format(*track_rgb(7))
    colors = [lab(track_id) for track_id in range(24)]
    assert (
        min(np.linalg.norm(one - other) for one, other in itertools.combinations(colors, 2)) > 8
    )  # 2.3 is just visible
    for track_id in range(500):
        luminance = ((lab(track_id)[0] + 16) / 116) ** 3
        assert (luminance + 0.05) / 0.05 > 4.5  # the contrast that WCAG asks of text
