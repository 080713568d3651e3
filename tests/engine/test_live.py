"""Cameras: always the newest frame, honest times, coming back after a loss, the exact recording, and a bounded session."""

import pickle
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch

from engine.camera import parse_address
from engine.config import FrameFormat, TrackerConfig
from engine.errors import VideoError
from engine.live import LIVE, LiveFrame, LiveSource
from engine.live_time import CaptureClock, Timeline
from engine.session import VideoSession
from engine.video import open_video
from tests.cameras import Broadcast, MotionJpeg
from tests.videos import make_video, numbered_frames, read_number

PATIENCE = 60.0  # seconds; a busy machine may take its time


def until(source: LiveSource, enough: Callable[[], bool]) -> list[LiveFrame]:
    """The frames that come until `enough`."""
    frames, deadline = [], time.monotonic() + PATIENCE
    while not enough():
        assert time.monotonic() < deadline, f"not within {PATIENCE} seconds; the source says: {source.status}"
        if (frame := source.newest(0.05)) is not None:
            frames.append(frame)
    return frames


def next_frame(source: LiveSource) -> LiveFrame:
    frame = source.newest(PATIENCE)
    assert frame is not None, source.status
    return frame


# ---------- the newest frame ----------


def test_a_slow_model_gets_the_newest_frame_and_the_rest_is_counted() -> None:
    with MotionJpeg(fps=100) as camera, LiveSource(camera.address) as source:
        first = read_number(next_frame(source).rgb)
        wanted = source.received + 20
        while source.received < wanted:
            time.sleep(0.01)
        sent, frame = len(camera.taken), next_frame(source)
        number = read_number(frame.rgb)
        assert number >= first + 20  # none of the twenty between
        assert number >= sent - 5  # what was sent just now, but for what is still on its way
        assert source.dropped >= 19
        assert source.received >= source.dropped + 2


def test_a_frame_is_given_once_and_waiting_ends_in_time() -> None:
    with MotionJpeg(fps=0.5) as camera, LiveSource(camera.address) as source:
        while read_number(next_frame(source).rgb) < len(camera.taken) - 1:
            pass  # opening reads ahead, so the first pictures may come at once; the last one has come just now
        began = time.monotonic()
        assert source.newest(0.05) is None
        assert time.monotonic() - began < 1.5  # the camera's next picture comes after two seconds


def test_the_capture_time_is_when_the_camera_sent_the_picture() -> None:
    with MotionJpeg(fps=20) as camera, LiveSource(camera.address) as source:
        frames = until(source, lambda: source.received >= 20)
        errors = [frame.captured - camera.taken[read_number(frame.rgb)] for frame in frames]
        assert min(errors) > -0.05
        assert sorted(errors)[len(errors) // 2] < 0.5


def test_closing_wakes_who_waits_and_stops_reading() -> None:
    with MotionJpeg(fps=20) as camera:
        source = LiveSource(camera.address)
        next_frame(source)
        source.close()
        received = source.received
        source.newest(0.2)
        assert source.newest(0.2) is None and source.received == received


# ---------- a lost camera ----------


def test_a_camera_that_went_away_is_found_again_and_the_loss_is_said() -> None:
    camera = MotionJpeg(fps=50)
    with camera, LiveSource(camera.address, first_pause=0.05) as source:
        next_frame(source)
        camera.kill()
        until(source, lambda: "is lost" in source.status)
        said = source.status
        last = len(camera.taken)
        camera.start()
        frames = until(source, lambda: source.reconnects == 1 and source.status == LIVE)
        frames.append(next_frame(source))
        assert read_number(frames[-1].rgb) >= last - 1
        assert "Trying again in" in said and camera.address in str(source.address)


def test_the_pauses_grow_while_nothing_answers() -> None:
    camera = MotionJpeg(fps=50)
    with camera, LiveSource(camera.address, first_pause=0.02) as source:
        next_frame(source)
        camera.kill()
        until(source, lambda: "in 0.16 s" in source.status)
        camera.start()


def test_times_go_on_over_a_loss_and_never_back() -> None:
    camera = MotionJpeg(fps=50)
    with camera, LiveSource(camera.address, first_pause=0.05) as source:
        frames = until(source, lambda: source.received >= 5)
        camera.kill()
        lost = time.monotonic()
        time.sleep(0.3)
        camera.start()
        frames += until(source, lambda: source.reconnects == 1)
        frames.append(next_frame(source))
        times = [frame.seconds for frame in frames]
        assert times == sorted(times)
        assert times[-1] - frames[0].seconds > lost - frames[0].captured  # the gap counts


# ---------- the recording ----------


def by_time(path: Path) -> dict[int, np.ndarray]:
    """The pictures of a recording by their millisecond."""
    with open_video(path) as video:
        assert video.pts is not None
        return {round(1000 * time): rgb for time, (_, rgb) in zip(video.pts, video, strict=True)}


def test_the_recording_holds_every_picture_at_its_time_over_lost_connections(tmp_path: Path) -> None:
    camera = MotionJpeg(fps=50)
    with camera, LiveSource(camera.address, tmp_path / "kept.mkv", first_pause=0.05) as source:
        frames = until(source, lambda: source.received >= 10)
        camera.kill()
        until(source, lambda: "is lost" in source.status)
        camera.start()
        frames += until(source, lambda: source.reconnects == 1 and source.received >= 20)
    kept = by_time(tmp_path / "kept.mkv")
    assert source.recordings == [tmp_path / "kept.mkv"]
    assert len(kept) == source.received  # those that nobody took as well
    assert all(np.array_equal(kept[round(1000 * frame.seconds)], frame.rgb) for frame in frames)


def test_a_compressed_stream_is_copied_bit_for_bit(tmp_path: Path) -> None:
    clip = make_video(tmp_path / "clip.mkv", numbered_frames(30), options={"g": "10", "bf": "2"})
    place = tmp_path / "kept.mkv"
    with Broadcast(clip, seconds=1) as camera, LiveSource(camera.address, place, first_pause=30) as source:
        frames = until(source, lambda: "is lost" in source.status)
    with open_video(clip) as original, open_video(place) as kept:
        assert kept.length == 30
        assert all(np.array_equal(one, other) for (_, one), (_, other) in zip(original, kept, strict=True))
    pictures = by_time(place)
    assert frames and all(np.array_equal(pictures[round(1000 * frame.seconds)], frame.rgb) for frame in frames)


def test_raw_pictures_are_compressed_without_loss(tmp_path: Path) -> None:
    clip = make_video(tmp_path / "clip.nut", numbered_frames(12), codec="rawvideo", pixel_format="yuyv422")
    place = tmp_path / "kept.mkv"
    with Broadcast(clip, seconds=1) as camera, LiveSource(camera.address, place, first_pause=30) as source:
        until(source, lambda: "is lost" in source.status)
    with av.open(str(clip)) as original, av.open(str(place)) as kept:
        assert kept.streams.video[0].codec_context.name == "ffv1"
        for one, other in zip(original.decode(video=0), kept.decode(video=0), strict=True):
            assert np.array_equal(one.reformat(format="yuv422p").to_ndarray(), other.to_ndarray())


def test_another_kind_of_stream_after_a_loss_gets_a_file_of_its_own(tmp_path: Path) -> None:
    small = make_video(tmp_path / "small.mkv", numbered_frames(10))
    large = make_video(tmp_path / "large.mkv", numbered_frames(10, 96, 160))
    camera = Broadcast(small, seconds=0.5)
    with camera, LiveSource(camera.address, tmp_path / "kept.mkv", first_pause=0.1) as source:
        frames = until(source, lambda: "is lost" in source.status)
        camera.data = large.read_bytes()
        received = source.received
        frames += until(source, lambda: source.received >= received + 10)
    assert source.recordings[:2] == [tmp_path / "kept.mkv", tmp_path / "kept-2.mkv"]
    assert {frame.rgb.shape for frame in frames} == {(48, 80, 3)}  # the first size holds for who follows them
    with open_video(tmp_path / "kept-2.mkv") as kept:
        assert (kept.height, kept.width) == (96, 160) and kept.length >= 10


def test_a_recording_that_cannot_be_written_is_said_at_once(tmp_path: Path) -> None:
    place = tmp_path / "no folder" / "kept.mkv"
    with (
        MotionJpeg() as camera,
        pytest.raises(VideoError, match="written"),
        LiveSource(camera.address, place) as source,
    ):
        until(source, lambda: False)  # the picture that cannot be written may be given before the failure is known


# ---------- addresses ----------


@pytest.mark.parametrize(
    ("text", "place", "device", "name"),
    [
        ("rtsp://me:secret@10.0.0.5:554/live", "rtsp://me:secret@10.0.0.5:554/live", None, "10-0-0-5-554"),
        ("http://cam.lab/video.mjpg", "http://cam.lab/video.mjpg", None, "cam-lab"),
        ("/dev/video2", "/dev/video2", "v4l2", "dev-video2"),
        ("v4l2:/dev/video0", "/dev/video0", "v4l2", "dev-video0"),
        ("avfoundation:0", "0", "avfoundation", "0"),
        ("dshow:video=USB Camera", "video=USB Camera", "dshow", "video-USB-Camera"),
    ],
)
def test_addresses_and_devices(text: str, place: str, device: str | None, name: str) -> None:
    address = parse_address(text)
    assert (address.place, address.device, address.name) == (place, device, name)
    assert "secret" not in str(address)


def test_what_is_no_camera_is_refused(tmp_path: Path) -> None:
    clip = make_video(tmp_path / "clip.mp4", numbered_frames(2))
    with pytest.raises(VideoError, match="leave out --live"):
        parse_address(str(clip))
    for text in ("ftp://host/clip", "file:///etc/passwd", "somewhere"):
        with pytest.raises(VideoError, match="no live source"):
            parse_address(text)
    with pytest.raises(VideoError, match=r"cannot be opened: .*refused"):
        LiveSource("http://127.0.0.1:1/stream")


def test_a_camera_cannot_have_files_of_this_machine_read(tmp_path: Path) -> None:
    clip = make_video(tmp_path / "private.ts", numbered_frames(25))
    playlist = tmp_path / "list.m3u8"
    playlist.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{clip}\n#EXT-X-ENDLIST\n")
    with Broadcast(playlist, seconds=0) as camera:
        camera.content_type = "application/vnd.apple.mpegurl"
        with pytest.raises(VideoError):
            LiveSource(camera.address.replace("stream", "list.m3u8"))


# ---------- time ----------


def packet(pts: int | None, dts: int | None = None, base: Fraction = Fraction(1, 1000)) -> av.Packet:
    made = av.Packet(b"x")
    made.time_base, made.pts, made.dts = base, pts, pts if dts is None else dts
    return made


def without_dts(pts: int) -> av.Packet:
    made = packet(pts)
    made.dts = None
    return made


def placed(timeline: Timeline, made: av.Packet, arrived: float) -> tuple[float, float]:
    timeline.place(made, arrived)
    return float(made.pts * made.time_base), timeline.sent


def test_a_stream_starts_at_zero_whenever_its_clock_did() -> None:
    timeline = Timeline()
    timeline.begin(100.0)
    assert placed(timeline, packet(pts=7040, dts=7000), 100.0) == (0.04, 0.0)
    assert placed(timeline, packet(pts=7120, dts=7040), 100.1) == (0.12, 0.04)


def test_a_clock_that_jumps_in_either_direction_does_not_take_the_times_along() -> None:
    timeline = Timeline()
    timeline.begin(0.0)
    placed(timeline, packet(5000), 0.0)
    for stamp, arrived in ((0, 3.0), (900_000, 4.0), (900_000, 4.0)):
        before = timeline.sent
        shown, _ = placed(timeline, packet(stamp), arrived)
        assert before < shown <= arrived + 0.1


def test_pictures_keep_their_times_where_the_order_of_decoding_is_another() -> None:
    timeline = Timeline()
    timeline.begin(0.0)
    stream = [(0, None), (160, None), (80, 0), (40, 40), (120, 80), (320, 120)]  # as Matroska gives B-frames
    shown = [placed(timeline, packet(pts, dts) if dts is not None else without_dts(pts), 0.5)[0] for pts, dts in stream]
    assert shown == [pts / 1000 for pts, _ in stream]


def test_packets_without_times_are_sent_when_they_come_but_never_two_at_once() -> None:
    timeline = Timeline()
    timeline.begin(10.0, timed=False)
    times = [placed(timeline, packet(n, base=Fraction(1, 25)), 10.5)[0] for n in range(3)]
    assert times == [0.5, 0.501, 0.502]


def test_a_connection_goes_on_after_the_one_before() -> None:
    timeline = Timeline()
    timeline.begin(0.0)
    placed(timeline, packet(0), 0.0)
    timeline.begin(8.0)
    assert placed(timeline, packet(500), 8.5)[0] == 8.5


def test_what_comes_late_was_captured_earlier() -> None:
    clock = CaptureClock()
    assert clock.captured(0.0, 50.0) == 50.0
    assert clock.captured(1.0, 51.4) == pytest.approx(51.0)  # held up for 0.4 seconds
    assert clock.captured(2.0, 51.9) == pytest.approx(51.9)  # the way is shorter than was known


def test_clocks_that_drift_apart_over_hours_count_as_no_delay() -> None:
    clock, drift = CaptureClock(), 1e-4
    delays = [
        second * (1 + drift) - clock.captured(second, second * (1 + drift)) for second in map(float, range(20_000))
    ]
    assert max(delays) < 60 * drift * 1.1 < 20_000 * drift / 100


# ---------- bounded for hours ----------


class Crowd:
    """What a net says of a street without an end: `walkers` at a time, each for `life` frames, every one unlike the others."""

    def __init__(self, walkers: int = 6, life: int = 12, width: int = 32) -> None:
        self.walkers, self.life = walkers, life
        self.embeds = torch.nn.functional.one_hot(torch.arange(width), width).float() * 20

    def at(self, frame: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """logits (Q, K+1), masks (Q, h, w), embeds (Q, C) of a frame."""
        generation = frame // self.life
        who = (generation * self.walkers + torch.arange(self.walkers)) % len(self.embeds)
        logits = torch.tensor([[6.0, 0.0, 0.0]]).repeat(self.walkers, 1)
        masks = torch.full((self.walkers, 8, 8), -9.0)
        for row in range(self.walkers):
            masks[row, row, :] = 9.0
        return logits, masks, self.embeds[who]


def weight(session: VideoSession) -> int:
    """Bytes of all that the session remembers."""
    return len(pickle.dumps(session.state_dict()))


def test_a_session_without_an_end_stays_as_small_as_what_is_in_view() -> None:
    config = TrackerConfig(max_absence=5)
    session = VideoSession(None, (32, 32), config, frame_format=FrameFormat(short_edge=32), spool=False)  # type: ignore[arg-type]
    crowd, ended, weights, alive = Crowd(), {}, [], []
    frames = 4000
    for frame in range(frames):
        session.track(*crowd.at(frame))
        ended.update(session.take_ended())
        if frame >= 100 and frame % crowd.life == 7:
            weights.append(weight(session))
            alive.append(len(session.tracks.sums))
    assert session.tracker.next_id > 1900  # thousands walked by
    assert len(ended) + len(session.finish().tracks) == session.tracker.next_id  # and each was handed out once
    assert max(alive) <= 2 * crowd.walkers
    assert max(weights) < weights[0] * 1.1
    assert all(summary.observed == crowd.life for summary in ended.values())


def test_an_ended_track_is_what_the_whole_video_would_have_said_of_it() -> None:
    config = TrackerConfig(max_absence=5)
    kept, taken = (
        VideoSession(None, (32, 32), config, frame_format=FrameFormat(short_edge=32), spool=False)  # type: ignore[arg-type]
        for _ in range(2)
    )
    crowd, found = Crowd(), {}
    for frame in range(60):
        assert [o.track_id for o in kept.track(*crowd.at(frame))] == [o.track_id for o in taken.track(*crowd.at(frame))]
        found.update(taken.take_ended())
    found.update(taken.finish().tracks)
    whole = kept.finish().tracks
    assert found.keys() == whole.keys() and len(whole) == 30
    for track_id, summary in whole.items():
        assert (summary.first_frame, summary.last_frame) == (found[track_id].first_frame, found[track_id].last_frame)
        assert summary.score == found[track_id].score
