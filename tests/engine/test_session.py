"""A video through a session, with a small net that sees colours."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional as F

from engine import masks
from engine.config import FrameFormat, TrackerConfig
from engine.errors import ConfigError, VideoError
from engine.frames import resize, resized_size
from engine.query_decoder import FrameOutput
from engine.retrack import retrack
from engine.session import VideoSession

SIZE = (90, 120)
COLOURS = [(255, 0, 0), (0, 255, 0), (0, 0, 255)]


class ColourNet(torch.nn.Module):
    """One query per colour: its mask is where the colour is, its class the colour's number, its embedding the colour."""

    frame_format = FrameFormat(short_edge=96, divisor=32)

    def __init__(self):
        super().__init__()
        self.colours = torch.nn.Parameter(torch.tensor(COLOURS, dtype=torch.float32))

    def forward(self, frames):
        height, width = frames.shape[-2:]
        padded = F.pad(frames.to(self.colours), (0, -width % 32, 0, -height % 32))
        cells = F.avg_pool2d(padded, 4)  # (N, 3, h, w)
        distance = (cells[:, None] - self.colours[None, :, :, None, None]).norm(dim=2)  # (N, Q, h, w)
        logits = torch.eye(len(COLOURS), len(COLOURS) + 1).expand(len(frames), -1, -1) * 6.0
        hidden = (distance.amin((2, 3)) > 100)[..., None]
        no_object = torch.eye(len(COLOURS) + 1)[-1] * 12
        embeds = self.colours.expand(len(frames), -1, -1) / 100
        return FrameOutput(torch.where(hidden, no_object, logits).to(self.colours), (104 - distance) / 20, embeds)


@pytest.fixture(scope="module")
def net():
    return ColourNet()


def paint(frame, shown=(0, 1, 2), size=SIZE):
    """Squares of the shown colours that move to the right, and where they are: (H, W, 3) uint8, bool (len(shown), H, W)."""
    picture, truth = np.full((*size, 3), 90, np.uint8), np.zeros((len(shown), *size), bool)
    for row, number in enumerate(shown):
        place = np.s_[25 * number + 5 : 25 * number + 25, 10 + 2 * frame : 35 + 2 * frame]
        picture[place], truth[row][place] = COLOURS[number], True
    return picture, truth


def run(net, presence, **options):
    """A finished session over a video in which frame t shows the colours presence[t]."""
    session = VideoSession(net, SIZE, **options)
    for frame, shown in enumerate(presence):
        session.step(paint(frame, shown)[0])
    return session.finish()


def same(first, second):
    """Whether two results agree in everything but the place of their masks."""
    tracks = [
        {
            i: (t.first_frame, t.last_frame, t.observed, t.category, t.score, t.logits.tolist())
            for i, t in r.tracks.items()
        }
        for r in (first, second)
    ]
    return first.predictions == second.predictions and tracks[0] == tracks[1] and first.length == second.length


def test_each_object_is_outlined_at_the_size_of_the_video_and_keeps_its_id(net):
    session = VideoSession(net, SIZE)
    for frame in range(5):
        picture, truth = paint(frame)
        seen = sorted(session.step(picture), key=lambda observation: observation.query)
        assert [observation.track_id for observation in seen] == [0, 1, 2]
        overlap = masks.iou([observation.rle for observation in seen], masks.encode_many(truth))
        assert overlap.diagonal().min() > 0.8

    result = session.finish()
    assert (result.size, result.length) == (SIZE, 5)
    assert [track.category for track in result.tracks.values()] == [0, 1, 2]
    assert {(p.track_id, p.category) for p in result.predictions} == {(0, 0), (1, 1), (2, 2)}
    assert all(0.9 < prediction.score < 1 for prediction in result.predictions)


def test_segmentations_are_the_masks_of_the_steps_and_none_where_unseen(net):
    session = VideoSession(net, SIZE)
    steps = [session.step(paint(frame, shown)[0]) for frame, shown in enumerate([(0, 1), (0,), (0, 1)])]
    result = session.finish()
    assert result.segmentations(0) == [next(o.rle for o in seen if o.track_id == 0) for seen in steps]
    assert [rle is None for rle in result.segmentations(1)] == [False, True, False]


def test_a_video_of_one_frame_has_a_result(net):
    result = run(net, [(0, 2)], top_k=2)
    assert result.length == 1 and len(result.predictions) == 2
    assert [len(result.segmentations(track_id)) for track_id in result.tracks] == [1, 1]


def test_a_video_without_frames_or_without_objects_has_an_empty_result(net):
    for result in (VideoSession(net, SIZE).finish(), run(net, [(), ()])):
        assert result.predictions == [] and result.tracks == {}


def test_what_the_noise_filter_dropped_is_no_part_of_the_result(net):
    presence = [(0,)] * 9 + [(0, 1)] + [(0,)] * 3 + [(0, 1)] * 3 + [(0, 1, 2)] + [(0,)] * 3
    result = run(net, presence)
    assert set(result.tracks) == {0, 1}  # the third object was seen once, and is gone
    assert result.tracks[1].first_frame == 13
    assert [frame for frame, rle in enumerate(result.segmentations(1)) if rle] == [13, 14, 15, 16]


def test_every_mask_size_comes_back_whatever_the_net_saw(net):
    for size in ((90, 120), (33, 300), (200, 90)):
        session = VideoSession(net, size)
        for seen in session.step(paint(0, size=size)[0]):
            assert seen.rle["size"] == list(size) and masks.decode(seen.rle).shape == size


def test_sessions_that_share_a_net_do_not_mix(net):
    first, second = VideoSession(net, SIZE), VideoSession(net, SIZE)
    for frame in range(4):
        first.step(paint(frame)[0])
        second.step(paint(frame, (2,))[0])
    assert same(first.finish(), run(net, [(0, 1, 2)] * 4)) and same(second.finish(), run(net, [(2,)] * 4))


def test_frames_may_go_through_the_net_together(net):
    session = VideoSession(net, SIZE)
    output = net(torch.stack([session.prepare(paint(frame)[0]) for frame in range(3)]))
    for arrays in zip(output.logits, output.masks, output.embeds, strict=True):
        session.track(*arrays)
    assert same(session.finish(), run(net, [(0, 1, 2)] * 3))


def test_a_net_in_float64_gives_the_same_tracks(net):
    presence = [(0, 1), (1, 2), (0, 2)]
    double, single = run(ColourNet().double(), presence), run(net, presence)
    assert [(p.track_id, p.category) for p in double.predictions] == [
        (p.track_id, p.category) for p in single.predictions
    ]
    assert double.segmentations(1) == single.segmentations(1)


def test_a_frame_of_another_size_is_refused_with_both_sizes(net):
    with pytest.raises(VideoError, match=r"\(80, 120, 3\).*\(90, 120, 3\)"):
        VideoSession(net, SIZE).step(np.zeros((80, 120, 3), np.uint8))


shown = st.lists(st.sets(st.sampled_from([0, 1, 2])).map(sorted).map(tuple), min_size=2, max_size=16)


@given(shown, st.data())
@settings(deadline=None, max_examples=25)
def test_a_killed_run_goes_on_at_the_same_frame_with_the_same_result(presence, data):
    net = ColourNet()
    killed_at = data.draw(st.integers(1, len(presence) - 1))
    whole, killed = VideoSession(net, SIZE, spool=False), VideoSession(net, SIZE, spool=False)
    expected = [whole.step(paint(frame, colours)[0]) for frame, colours in enumerate(presence)]
    for frame in range(killed_at):
        killed.step(paint(frame, presence[frame])[0])
    file = io.BytesIO()
    torch.save(killed.state_dict(), file)
    file.seek(0)

    restored = VideoSession(net, SIZE, spool=False)
    restored.load_state_dict(torch.load(file, weights_only=True))
    assert restored.frame == killed_at
    for frame in range(killed_at, len(presence)):
        seen = restored.step(paint(frame, presence[frame])[0])
        assert [(o.track_id, o.rle) for o in seen] == [(o.track_id, o.rle) for o in expected[frame]]
    assert same(restored.finish(), whole.finish())


def test_a_saved_session_is_not_restored_into_one_that_would_lack_masks(net):
    session = VideoSession(net, SIZE)
    session.step(paint(0)[0])
    with pytest.raises(ValueError, match="spool=False"):
        VideoSession(net, SIZE).load_state_dict(session.state_dict())
    with pytest.raises(ValueError, match="saved session is for"):
        VideoSession(net, (50, 50), spool=False).load_state_dict(session.state_dict())


def test_the_state_does_not_grow_with_the_length_of_the_video(net):
    session, sizes = VideoSession(net, SIZE), []
    for frame in range(60):
        session.step(paint(frame % 40)[0])
        file = io.BytesIO()
        torch.save(session.state_dict(), file)
        sizes.append(file.tell())
    assert max(sizes[20:]) - sizes[20] < 200  # numbers get longer, nothing else


def test_tracker_thresholds_reach_the_tracker(net):
    presence = [(0, 1), (0,), (0,), (0, 1)]
    assert list(run(net, presence).tracks) == [0, 1]
    assert list(run(net, presence, tracker=TrackerConfig(max_absence=1)).tracks) == [0, 1, 2]


def test_absence_may_be_counted_in_seconds(net):
    presence, patient = [(0, 1), (0,), (0,), (0, 1)], TrackerConfig(max_absence_seconds=0.5)
    assert list(run(net, presence, tracker=patient, fps=4).tracks) == [0, 1]
    assert list(run(net, presence, tracker=patient, fps=2).tracks) == [0, 1, 2]
    with pytest.raises(ConfigError, match="fps"):
        VideoSession(net, SIZE, patient)


def test_the_trackers_own_top_k_holds_unless_the_session_is_told_another(net):
    few = TrackerConfig(top_k=1)
    assert len(run(net, [(0, 1)], tracker=few).predictions) == 1
    assert len(run(net, [(0, 1)], tracker=few, top_k=4).predictions) == 4
    assert len(run(net, [(0, 1)]).predictions) == len(COLOURS)


def test_after_a_long_emptiness_the_objects_that_come_are_new_ones(net):
    session = VideoSession(net, SIZE)
    for frame in range(36):
        output = net(session.prepare(paint(frame % 3, (0, 1))[0])[None])
        queries = slice(None) if frame < 3 or frame >= 33 else slice(0, 0)  # a net that sees nothing at all
        session.track(*(values[0][queries] for values in output))
    result = session.finish()
    assert list(result.tracks) == [0, 1, 2, 3]
    assert [result.tracks[track_id].first_frame for track_id in (0, 2)] == [0, 33]


@pytest.mark.parametrize("presence", [[()] * 12, [(1,)]], ids=["nothing in the whole video", "one frame"])
def test_stored_detections_of_the_barest_videos_give_their_result_again(net, presence):
    blobs = []
    result = run(net, presence, detections=blobs.append)
    again = retrack(blobs)
    assert len(blobs) == len(presence) and same(again, result)
    assert [again.segmentations(track_id) for track_id in again.tracks] == [
        result.segmentations(track_id) for track_id in result.tracks
    ]


def test_masks_can_be_had_one_by_one(net):
    result = run(net, [(0,), (), (0,)])
    masks_of_track = result.stream_segmentations(0)
    assert next(masks_of_track) == result.segmentations(0)[0] and next(masks_of_track) is None


# The size of the frame that goes into the net


@pytest.mark.parametrize(
    ("size", "expected"),
    [((720, 1280), (480, 853)), ((1280, 720), (853, 480)), ((360, 640), (480, 853)), ((300, 1500), (267, 1333))],
)
def test_the_shorter_edge_becomes_480_unless_the_longer_one_would_exceed_1333(size, expected):
    assert resized_size(size, FrameFormat()) == expected


def test_a_sliver_keeps_at_least_one_row():
    assert resized_size((1, 4000), FrameFormat()) == (1, 1333)


def test_resizing_keeps_the_order_of_colours_and_averages_when_shrinking():
    picture = paint(0)[0]
    small = resize(picture, (45, 60))
    assert small.shape == (45, 60, 3) and small.dtype == np.uint8
    assert small[7, 8].tolist() == list(COLOURS[0])
    assert resize(picture, SIZE) is picture
