"""What the process of a live session does with its frames, without the process: messages, answers, the recording."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import pytest
import torch

from engine import TrackerConfig, build_model
from engine.masks import area, bbox, decode
from engine.video import open_video
from studio.formats.overlay import OverlayWriter
from studio.live.follower import Follower
from studio.live.pace import Pace
from studio.live.process import Recording, serve_frames
from studio.live.wire import JpegFrame, receive_answer, receive_frame, send_answer, send_frame
from studio.prediction import Settings
from tests.nets import tiny_preset
from tests.videos import numbered_frames, read_number

UNLIMITED = 1024**3


def jpeg(number: int) -> bytes:
    (rgb,) = numbered_frames(1, start=number)
    return cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


@pytest.fixture(scope="module")
def net() -> Any:
    torch.manual_seed(0)
    return build_model(tiny_preset()).eval()


@pytest.fixture
def follower(net: Any) -> Follower:
    return Follower(net, tiny_preset(), Settings(score_threshold=0.0))


def serve(follower: Follower, place: Path, *frames: JpegFrame, limit: int = UNLIMITED) -> list[dict[str, Any]]:
    """The answers to some frames; the recording is closed afterwards."""
    sent, answers = io.BytesIO(), io.BytesIO()
    for frame in frames:
        send_frame(sent, frame)
    sent.seek(0)
    recording = Recording(place, limit)
    serve_frames(follower, recording, sent, answers)
    recording.close()
    answers.seek(0)
    return list(iter(lambda: receive_answer(answers), None))


def test_messages_arrive_as_they_were_sent_and_end_with_the_stream() -> None:
    stream = io.BytesIO()
    frames = [JpegFrame(0.0, b""), JpegFrame(1 / 3, b"\n{}" * 1000)]
    for frame in frames:
        send_frame(stream, frame)
    stream.write(b"\x00\x01")  # the other side died in the middle of a frame
    stream.seek(0)
    assert [receive_frame(stream), receive_frame(stream), receive_frame(stream)] == [*frames, None]
    stream = io.BytesIO()
    send_answer(stream, {"text": "two\nlines"})
    stream.write(b'{"cut')
    stream.seek(0)
    assert [receive_answer(stream), receive_answer(stream)] == [{"text": "two\nlines"}, None]


def test_every_frame_is_answered_and_recorded_at_its_time(follower: Follower, tmp_path: Path) -> None:
    times = [0.0, 0.1, 0.4, 1.3]
    answers = serve(follower, tmp_path / "kept.mp4", *(JpegFrame(t, jpeg(n)) for n, t in enumerate(times)))
    assert [answer["recorded"] for answer in answers] == pytest.approx([0.0, *times[:-1]])
    track = answers[0]["tracks"][0]
    assert decode({"size": track["size"], "counts": track["counts"]}).shape == (48, 80)
    assert track["category"] in ("cat", "dog") and track["color"].startswith("#")
    with open_video(tmp_path / "kept.mp4") as video:
        assert video.pts == pytest.approx(times)
        assert [read_number(rgb) for _, rgb in video] == list(range(len(times)))


def test_a_broken_picture_is_answered_in_words_and_the_rest_goes_on(follower: Follower, tmp_path: Path) -> None:
    frames = [JpegFrame(0.0, b"nothing"), JpegFrame(0.1, jpeg(1)), JpegFrame(0.2, jpeg(2)[:30])]
    answers = serve(follower, tmp_path / "kept.mp4", *frames)
    assert "no whole JPEG" in answers[0]["error"] and "tracks" in answers[1] and "error" in answers[2]
    with open_video(tmp_path / "kept.mp4") as video:
        assert video.length == 1


def test_the_recording_ends_at_its_limit_and_following_goes_on(follower: Follower, tmp_path: Path) -> None:
    answers = serve(follower, tmp_path / "kept.mp4", *(JpegFrame(n * 1.0, jpeg(n)) for n in range(12)), limit=2000)
    assert all("tracks" in answer for answer in answers) and len(answers) == 12
    assert 0 < answers[-1]["recorded"] < 11
    with open_video(tmp_path / "kept.mp4") as video:
        assert 0 < video.length < 12


def test_a_session_without_frames_leaves_no_file(follower: Follower, tmp_path: Path) -> None:
    assert serve(follower, tmp_path / "kept.mp4") == []
    assert list(tmp_path.iterdir()) == []


def test_an_endless_file_can_be_read_while_it_is_written_and_after_a_kill(tmp_path: Path) -> None:
    writer = OverlayWriter(tmp_path / "long.mp4", fps=10, endless=True)
    for number, rgb in enumerate(numbered_frames(60)):
        writer.write(rgb, number / 10)
    assert writer.size > 0
    with open_video(tmp_path / "long.mp4.part") as video:
        numbers = [read_number(rgb) for _, rgb in video]
    assert numbers == list(range(len(numbers))) and len(numbers) >= 20
    writer.close()
    with open_video(tmp_path / "long.mp4") as video:
        assert [read_number(rgb) for _, rgb in video] == list(range(60))
        assert video.pts == pytest.approx([number / 10 for number in range(60)])


# ---------- what is told of a frame ----------


def test_only_what_scores_above_the_threshold_is_told(net: Any) -> None:
    frames = list(numbered_frames(6))
    everything, nothing = (Follower(net, tiny_preset(), Settings(score_threshold=t)) for t in (0.0, 1.0))
    seen = [everything.step(rgb) for rgb in frames][-1]
    assert seen and all(0 <= one.score <= 1 and area(one.rle) for one in seen)
    assert seen[0].as_json()["bbox"] == bbox(seen[0].rle)
    assert [nothing.step(rgb) for rgb in frames] == [[]] * 6
    assert nothing.finish() == []


def test_every_track_is_told_to_have_ended_once(net: Any) -> None:
    preset = replace(tiny_preset(), tracker=TrackerConfig(max_absence=1))
    follower = Follower(net, preset, Settings(score_threshold=0.0))
    ended, seen = [], set()
    for number in range(30):
        (rgb,) = numbered_frames(1, start=number * 37 % 1000)
        seen |= {one.track_id for one in follower.step(rgb)}
        ended += follower.take_ended()
    ended += follower.finish()
    ids = [track.id for track in ended]
    assert len(ids) == len(set(ids)) and set(ids) <= seen
    assert all(track.first_frame <= track.last_frame < 30 for track in ended)


@pytest.mark.parametrize("rate", [2.0, 50.0])
def test_absence_in_seconds_lasts_as_many_frames_as_come_in_them(net: Any, rate: float) -> None:
    preset = replace(tiny_preset(), tracker=TrackerConfig(max_absence_seconds=2.0))
    follower = Follower(net, preset, Settings(score_threshold=0.0))
    for number, rgb in enumerate(numbered_frames(5)):
        follower.step(rgb, number / rate)
    assert follower.session is not None and follower.session.tracker.bank.max_absence == 2 * rate


def test_the_pace_is_that_of_the_last_seconds() -> None:
    pace = Pace()
    assert (pace.fps(0.0), pace.latency) == (0.0, 0.0)
    for n in range(21):
        pace.add(0.4 if n % 2 else 0.2, now=n / 10)
    assert pace.fps(2.0) == pytest.approx(10.0)
    assert pace.latency == pytest.approx(0.2) and pace.worst == 0.4 and pace.frames == 21
    assert pace.fps(60.0) == 0.0  # nothing came for a minute
