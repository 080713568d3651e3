"""Videos by exact picture number, from files of many kinds, folders of images, and things that only look like videos."""

import gc
import random
import shutil

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from engine import frame_index
from engine.errors import VideoError
from engine.video import open_video
from tests.videos import make_video, numbered_frames, read_number

COUNT = 40
UNEVEN = np.cumsum(np.random.default_rng(0).integers(5, 120, COUNT)).tolist()  # milliseconds
KINDS = {
    "b_frames.mp4": {"options": {"bf": "3", "g": "12"}},
    "one_long_gop.mp4": {"options": {"bf": "2", "g": "250", "sc_threshold": "0"}},
    "open_gops.mp4": {"options": {"bf": "3", "g": "10", "x264-params": "open-gop=1:scenecut=0"}},
    "with_sound.mp4": {"audio": True},
    "ten_bits.mp4": {"pixel_format": "yuv420p10le"},
    "uneven_times.mkv": {"pts": UNEVEN, "options": {"bf": "2", "g": "15"}},
    "uneven_times.mp4": {"pts": UNEVEN},
    "hevc.mp4": {"codec": "libx265", "options": {"x265-params": "keyint=15:bframes=3:log-level=none"}},
    "broadcast.ts": {"options": {"bf": "3", "g": "12"}},
    "mpeg4.avi": {"codec": "mpeg4", "options": {"g": "12", "bf": "2"}},
    "mpeg2.mpg": {"codec": "mpeg2video", "options": {"bf": "2"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"deadline": "realtime", "cpu-used": "8", "g": "16"}},
    "hidden_pictures.webm": {
        "codec": "libvpx",
        "options": {"auto-alt-ref": "1", "lag-in-frames": "16", "cpu-used": "8"},
    },
    "animation.gif": {"codec": "gif", "pixel_format": "rgb8", "fps": 10},
    "stills.avi": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "no_times.h264": {"options": {"bf": "2", "g": "12"}},
}


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """One file of each kind, made when first asked for."""
    folder = tmp_path_factory.mktemp("videos")

    def file(name):
        path = folder / name
        return path if path.exists() else make_video(path, numbered_frames(COUNT), **KINDS[name])

    return file


@pytest.mark.parametrize("name", KINDS)
def test_every_frame_is_the_same_whether_reached_at_random_or_in_order(files, name):
    with open_video(files(name)) as video:
        in_order = list(video)
        assert [index for index, _ in in_order] == list(range(COUNT)) and len(video) == COUNT
        assert [read_number(rgb) for _, rgb in in_order] == list(range(COUNT))
        wanted = [*range(COUNT - 1, -1, -1), *random.Random(name).choices(range(COUNT), k=COUNT)]
        assert all(np.array_equal(video.frame(index), in_order[index][1]) for index in wanted)
        assert video.warning is None


@pytest.mark.parametrize("name", KINDS)
def test_pixels_are_those_of_a_plain_decode(files, name):
    with av.open(str(files(name))) as container:
        plain = [picture.to_ndarray(format="rgb24") for picture in container.decode(video=0)]
    assert all(np.array_equal(rgb, plain[index]) for index, rgb in open_video(files(name)))


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_h264_file_can_be_entered_anywhere(tmp_path, data):
    container = data.draw(st.sampled_from(["mp4", "mkv", "mov", "ts"]))
    count = data.draw(st.integers(10 if container == "ts" else 1, 50))  # FFmpeg does not know a ts file of few packets
    steps = data.draw(st.lists(st.integers(1, 90), min_size=count, max_size=count))
    first = data.draw(st.integers(0, 500))
    options = {"g": str(data.draw(st.integers(1, 60))), "bf": str(data.draw(st.integers(0, 4)))}
    pts = [first + int(time) for time in np.cumsum(steps)]
    path = tmp_path / f"video.{container}"
    make_video(path, numbered_frames(count, 32, 64), pts=pts, options=options)
    with open_video(path) as video:
        assert len(video) == count
        for index in data.draw(st.lists(st.integers(0, count - 1), min_size=1, max_size=6)):
            assert read_number(video.frame(index)) == index
        assert np.allclose(np.diff(video.pts), np.diff(pts) / 1000, atol=1e-3)


def test_pictures_hidden_by_an_edit_list_are_not_counted(tmp_path):
    path = make_video(tmp_path / "cut.mp4", numbered_frames(30), pts=[40 * n - 200 for n in range(30)])
    with open_video(path) as video:
        assert [read_number(rgb) for _, rgb in video] == list(range(5, 30))
        assert [read_number(video.frame(index)) for index in (24, 0, 7)] == [29, 5, 12]


@pytest.mark.parametrize("quarter_turns", [1, 2, 3])
def test_rotation_in_the_metadata_is_applied(tmp_path, quarter_turns):
    flat = make_video(tmp_path / "flat.mp4", numbered_frames(3))
    turned = make_video(tmp_path / "turned.mp4", numbered_frames(3), rotation=90 * quarter_turns)
    with open_video(flat) as one, open_video(turned) as other:
        upright = np.rot90(one.frame(2), quarter_turns)
        assert np.array_equal(other.frame(2), upright)
        assert (other.height, other.width) == upright.shape[:2]


def test_odd_sizes_are_kept(tmp_path):
    path = make_video(tmp_path / "odd.mkv", numbered_frames(3, 49, 81), codec="ffv1", pixel_format="yuv444p")
    with open_video(path) as video:
        assert (video.height, video.width) == (49, 81)
        assert video.frame(2).shape == (49, 81, 3) and read_number(video.frame(2)) == 2


@pytest.mark.parametrize("container", ["h264", "ts"])
def test_pictures_that_change_their_size_half_way_are_brought_to_the_first_size(tmp_path, container):
    small = make_video(tmp_path / f"small.{container}", numbered_frames(30, 48, 80))
    large = make_video(
        tmp_path / f"large.{container}", numbered_frames(30, 96, 160, start=30), pts=range(1200, 2400, 40)
    )
    both = tmp_path / f"both.{container}"
    both.write_bytes(small.read_bytes() + large.read_bytes())
    with open_video(both) as video:
        assert (video.width, video.height) == (80, 48)
        frames = [rgb for _, rgb in video]
        assert {rgb.shape for rgb in frames} == {(48, 80, 3)}
        assert [read_number(rgb) for rgb in frames] == list(range(60))
        assert [read_number(video.frame(ordinal)) for ordinal in (45, 3)] == [45, 3]
        assert "change their size: all are shown at 80x48" in video.warning


def test_times_and_mean_rate_come_from_the_file(files):
    with open_video(files("uneven_times.mkv")) as video:
        assert video.pts == pytest.approx([time / 1000 for time in UNEVEN])
        assert video.fps == pytest.approx((COUNT - 1) / (UNEVEN[-1] - UNEVEN[0]) * 1000)
    with open_video(files("no_times.h264")) as video:
        assert video.pts is None and video.fps == pytest.approx(25)


def test_part_of_a_video_can_be_read_in_steps(files):
    with open_video(files("b_frames.mp4")) as video:
        assert [read_number(rgb) for _, rgb in video.frames(5, 31, 7)] == [5, 12, 19, 26]
        assert [index for index, _ in video.frames(38)] == [38, 39]
        assert list(video.frames(40)) == []


def test_iterating_and_jumping_do_not_disturb_each_other(files):
    with open_video(files("b_frames.mp4")) as video:
        for index, rgb in video:
            assert read_number(video.frame((index * 7) % COUNT)) == (index * 7) % COUNT
            assert read_number(rgb) == index


def test_pictures_are_let_go_as_soon_as_they_are_read(files):
    path = files("b_frames.mp4")
    gc.collect()
    before = living_pictures()  # other tests may have left some
    gc.disable()  # what only a collection frees would fill the memory with whole videos
    try:
        with open_video(path) as video:
            list(video)
            video.frame(COUNT - 1)
        assert living_pictures() <= before + 2
    finally:
        gc.enable()


def living_pictures() -> int:
    return sum(type(thing) is av.VideoFrame for thing in gc.get_objects())


def test_indexing_a_long_video_decodes_only_its_ends(tmp_path, monkeypatch):
    path = make_video(tmp_path / "long.mp4", numbered_frames(900, 16, 32), codec="mpeg4", options={"g": "30"})
    decoded = []
    original = frame_index.Decoder.pictures

    def counted(self, start=None):
        for picture in original(self, start):
            decoded.append(picture.pts)
            yield picture

    monkeypatch.setattr(frame_index.Decoder, "pictures", counted)
    assert frame_index.build_index(path).length == 900
    assert len(decoded) < 100


def test_an_index_that_was_kept_spares_the_indexing(files, monkeypatch):
    from engine import video_file

    index = frame_index.build_index(files("b_frames.mp4"))
    monkeypatch.setattr(video_file, "build_index", lambda path: pytest.fail("indexed again"))
    with video_file.VideoFile(files("b_frames.mp4"), index) as video:
        assert read_number(video.frame(17)) == 17


@pytest.mark.parametrize("name", ["uneven_times.mkv", "broadcast.ts", "mpeg4.avi", "stills.avi", "vp9.webm"])
def test_a_truncated_file_gives_what_can_be_read(files, tmp_path, name):
    content = files(name).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: len(content) * 7 // 10])
    with open_video(path) as video:
        assert 5 < len(video) < COUNT
        frames = [rgb for _, rgb in video]
        assert len(frames) == len(video)
        assert [read_number(rgb) for rgb in frames[:-1]] == list(range(len(video) - 1))
        assert np.array_equal(video.frame(len(video) // 2), frames[len(video) // 2])
        if name != "broadcast.ts":  # a transport stream never says how long it should have been
            assert f"{len(video)}" in video.warning and "incomplete" in video.warning


def test_damage_in_the_middle_moves_no_other_frame(files, tmp_path):
    content = bytearray(files("stills.avi").read_bytes())
    middle = len(content) // 2
    content[middle : middle + 400] = bytes(400)
    path = tmp_path / "damaged.avi"
    path.write_bytes(content)
    with open_video(path) as video:
        numbers = {round(time * 25): read_number(video.frame(index)) for index, time in enumerate(video.pts)}
        assert len(numbers) == len(list(video)) == len(video)
        assert sum(when == number for when, number in numbers.items()) >= COUNT - 3


@pytest.mark.parametrize(
    ("name", "content", "sentence"),
    [
        ("empty.mp4", b"", "is empty"),
        ("text.mp4", b"once upon a time there was no video\n" * 50, "cannot be read as a video"),
        ("noise.avi", np.random.default_rng(0).bytes(5000), "cannot be read as a video"),
        (
            "playlist.mp4",
            b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n/etc/hosts\n",
            "cannot be read as a video",
        ),
        ("broken.png", b"\x89PNG\r\n\x1a\n broken", "not an image"),
    ],
)
def test_what_is_no_video_is_refused_with_a_sentence(tmp_path, name, content, sentence):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(VideoError, match=sentence) as caught:
        open_video(tmp_path / name)
    assert name in str(caught.value) and str(caught.value).endswith(".")


def test_an_mp4_without_its_end_is_refused(files, tmp_path):
    content = files("b_frames.mp4").read_bytes()
    (tmp_path / "half.mp4").write_bytes(content[: len(content) // 2])
    with pytest.raises(VideoError, match=r"half\.mp4"):
        open_video(tmp_path / "half.mp4")


def test_a_sound_file_is_refused(tmp_path):
    with av.open(str(tmp_path / "song.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=8000)
        sound = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        sound.sample_rate = 8000
        container.mux(stream.encode(sound))
        container.mux(stream.encode(None))
    with pytest.raises(VideoError, match="no video track"):
        open_video(tmp_path / "song.mp4")


def test_a_path_to_nothing_is_refused(tmp_path):
    with pytest.raises(VideoError, match="There is no file or folder"):
        open_video(tmp_path / "nothing.mp4")
    with pytest.raises(VideoError, match="No file matches"):
        open_video(tmp_path / "*.png")


def test_a_frame_beyond_the_end_is_refused(files):
    with open_video(files("stills.avi")) as video, pytest.raises(VideoError, match="frames 0 to 39"):
        video.frame(40)


def test_names_that_look_like_addresses_are_files(files, tmp_path):
    path = tmp_path / "concat:a|b%03d.mp4"
    shutil.copy(files("b_frames.mp4"), path)
    assert read_number(open_video(path).frame(3)) == 3


def write_images(folder, names, size=(48, 80), **options):
    for number, (name, rgb) in enumerate(zip(names, numbered_frames(len(names), *size), strict=True)):
        Image.fromarray(rgb).save(folder / name, **options)
        assert number == read_number(rgb)


def test_images_of_a_folder_come_in_natural_order(tmp_path):
    write_images(tmp_path, ["frame1.png", "frame2.png", "frame10.png", "Frame11.PNG"])
    (tmp_path / ".hidden.png").write_bytes(b"x")
    (tmp_path / "notes.txt").write_text("x")
    with open_video(tmp_path) as video:
        assert [read_number(rgb) for _, rgb in video] == [0, 1, 2, 3]
        assert (video.height, video.width, video.pts, video.name) == (48, 80, None, tmp_path.name)
        assert read_number(video.frame(2)) == 2
    with open_video(tmp_path / "frame?.png") as video:
        assert [read_number(rgb) for _, rgb in video] == [0, 1]
    with open_video(tmp_path / "frame2.png") as video:
        assert len(video) == 1 and read_number(video.frame(0)) == 1


def test_exif_orientation_is_applied(tmp_path):
    rgb = next(numbered_frames(1, 48, 80, start=677))
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: show rotated by 90 degrees clockwise
    Image.fromarray(rgb).save(tmp_path / "photo.png", exif=exif)
    with open_video(tmp_path) as video:
        assert (video.height, video.width) == (80, 48)
        assert np.array_equal(video.frame(0), np.rot90(rgb, -1))


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "1", "I;16"])
def test_every_kind_of_pixel_becomes_rgb(tmp_path, mode):
    rgb = next(numbered_frames(1, start=341))
    if mode == "I;16":
        Image.fromarray(rgb[..., 0].astype(np.uint16) * 257).save(tmp_path / "frame.png")
    else:
        Image.fromarray(rgb).convert(mode).save(tmp_path / "frame.png")
    with open_video(tmp_path) as video:
        assert video.frame(0).shape == rgb.shape and video.frame(0).dtype == np.uint8
        assert read_number(video.frame(0)) == 341


def test_images_of_unequal_size_are_refused(tmp_path):
    write_images(tmp_path, ["a.png", "b.png"])
    write_images(tmp_path, ["c.png"], size=(48, 82))
    with pytest.raises(VideoError, match=r"c\.png' is 82x48, but 'a\.png' is 80x48"):
        open_video(tmp_path)


def test_a_folder_without_images_says_where_they_are(tmp_path):
    (tmp_path / "clip").mkdir()
    with pytest.raises(VideoError, match="holds no images"):
        open_video(tmp_path)
    write_images(tmp_path / "clip", ["a.png"])
    with pytest.raises(VideoError, match="subfolders do"):
        open_video(tmp_path)


def test_an_image_that_is_damaged_behind_its_header_is_named(tmp_path):
    write_images(tmp_path, ["a.png", "b.png"])
    content = (tmp_path / "b.png").read_bytes()
    (tmp_path / "b.png").write_bytes(content[: len(content) // 2])
    with open_video(tmp_path) as video, pytest.raises(VideoError, match=r"b\.png"):
        list(video)
