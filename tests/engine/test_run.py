"""The loop that runs a model over a video, and where it runs."""

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from engine import build_model
from engine.errors import CtvisError, VideoError
from engine.run import available_devices, pick_device, segment_video, step_frame, warn_if_emulated
from engine.session import VideoSession
from engine.video import open_video
from tests.nets import tiny_preset
from tests.videos import make_video, numbered_frames, read_number


@pytest.fixture(scope="module")
def net():
    torch.manual_seed(0)
    return build_model(tiny_preset())


@pytest.fixture
def video(tmp_path):
    with open_video(make_video(tmp_path / "clip.mp4", numbered_frames(9))) as source:
        yield source


def session(net, video):
    return VideoSession(net, (video.height, video.width))


def test_every_frame_comes_back_with_its_ordinal_picture_and_tracks(net, video):
    run = session(net, video)
    results = list(segment_video(run, video, start=1, step=3))
    assert [result.ordinal for result in results] == [1, 4, 7] == [read_number(result.rgb) for result in results]
    assert all(result.observations and result.observations[0].rle["size"] == [48, 80] for result in results)
    assert run.finish().length == 3


def test_who_stops_iterating_keeps_what_was_done(net, video):
    run = session(net, video)
    for result in segment_video(run, video):
        if result.ordinal == 3:
            break
    assert run.finish().length == 4


@pytest.mark.parametrize("clip", [2, 4, 20])
def test_frames_seen_in_clips_are_tracked_as_if_seen_one_by_one(net, video, clip):
    single, clipped = (session(net, video) for _ in range(2))
    apart = [seen for result in segment_video(single, video) for seen in result.observations]
    together = [seen for result in segment_video(clipped, video, clip=clip) for seen in result.observations]
    assert [(seen.track_id, seen.query) for seen in apart] == [(seen.track_id, seen.query) for seen in together]
    assert all(torch.allclose(one.mask, other.mask, atol=1e-4) for one, other in zip(apart, together, strict=True))
    assert clipped.finish().length == 9


def test_a_frame_of_another_size_is_named_by_its_number_in_the_source_however_far_ahead_it_was_prepared(net, video):
    def cropped(start, stop, step):
        return ((ordinal, rgb[:20] if ordinal == 7 else rgb) for ordinal, rgb in frames(start, stop, step))

    frames, video.frames = video.frames, cropped
    with pytest.raises(VideoError, match="Frame 7 is uint8"):
        list(segment_video(session(net, video), video, start=1, step=3))


@pytest.fixture
def four_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(4)
    yield
    torch.set_num_threads(before)


def test_frames_seen_at_the_same_time_are_tracked_as_if_seen_one_by_one(net, video, four_threads):
    alone, beside = (session(net, video) for _ in range(2))
    apart = [seen for _, rgb in video for seen in step_frame(alone, rgb)]
    together = [seen for result in segment_video(beside, video) for seen in result.observations]
    assert [(seen.track_id, seen.query) for seen in apart] == [(seen.track_id, seen.query) for seen in together]
    assert all(torch.allclose(one.mask, other.mask, atol=1e-4) for one, other in zip(apart, together, strict=True))


def test_the_net_has_an_equal_share_of_the_threads_and_its_caller_has_his_afterwards(net, video, four_threads):
    counts: list[int] = []
    with net.register_forward_pre_hook(lambda *_: counts.append(torch.get_num_threads())):
        for _ in segment_video(session(net, video), video, clip=2):
            assert torch.get_num_threads() == 4
    assert counts == [1] * 5
    with ThreadPoolExecutor(1) as new:
        assert new.submit(torch.get_num_threads).result() == 4


def test_a_fault_of_the_net_or_the_file_reaches_the_caller_after_the_frames_before_it(net, video):
    def broken(start, stop, step):
        for ordinal, rgb in frames(start, stop, step):
            if ordinal == 3:
                raise VideoError("the disk is gone")
            yield ordinal, rgb

    frames, video.frames = video.frames, broken
    run, threads = session(net, video), threading.active_count()
    with pytest.raises(VideoError, match="the disk is gone"):
        list(segment_video(run, video))
    assert run.finish().length == 3 and threading.active_count() == threads


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_sees_about_the_same(net, video, dtype):
    full, half = (next(segment_video(session(net, video), video, autocast=kind)) for kind in (None, dtype))
    assert half.observations[0].logits.dtype == torch.float32
    assert np.allclose(half.observations[0].logits, full.observations[0].logits, atol=0.05)


@pytest.mark.parametrize("supported", [True, False])
def test_a_person_is_told_that_this_processor_only_emulates_half_precision(monkeypatch, supported):
    said, cpu = [], torch.device("cpu")
    monkeypatch.setattr(torch.ops.mkldnn, "_is_mkldnn_bf16_supported", lambda: supported)
    warn_if_emulated(torch.float32, cpu, said.append)
    assert not said
    warn_if_emulated(torch.bfloat16, cpu, said.append)
    assert ["no arithmetic in bfloat16" in line for line in said] == [True] * (not supported)


def test_a_device_that_is_not_there_is_refused_with_those_that_are():
    assert pick_device("cpu") == torch.device("cpu") and available_devices()[0] == "cpu"
    for name in ("cuda:77", "toaster"):
        with pytest.raises(CtvisError, match=f"'{name}' cannot be used here. Available: cpu"):
            pick_device(name)
