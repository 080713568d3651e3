"""Tracking again from stored detections: equal to a run of the net, and obedient to what a person said."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import masks
from engine.anchors import Anchor
from engine.config import FrameFormat, TrackerConfig
from engine.detections import decode_frame, encode_frame
from engine.errors import DataError
from engine.propagate import propagate
from engine.retrack import Retracker, retrack
from engine.session import VideoSession

SIZE, GRID, CLASSES, CHANNELS = (60, 90), (24, 32), 4, 16
NO_NET = SimpleNamespace(frame_format=FrameFormat(short_edge=64))  # `VideoSession.track` is given what a net would say


def scene(seed, frames=16, objects=5, spread=0.5):
    """What a net might say of a video in which objects wander, vanish, flicker and are seen twice: logits, masks, embeds."""
    generator = torch.Generator().manual_seed(seed)
    looks = 1.5 * torch.randn(objects, CHANNELS, generator=generator)
    classes = torch.randint(CLASSES, (objects,), generator=generator)
    corners = torch.rand(objects, 2, generator=generator) * torch.tensor([GRID[0] - 8, GRID[1] - 10])
    rows, columns = torch.arange(GRID[0])[:, None], torch.arange(GRID[1])
    for _ in range(frames):
        corners = corners + torch.randn(objects, 2, generator=generator)
        queries = torch.randint(objects, (objects + 3,), generator=generator)
        top, left = (corners[queries] + 0.7 * torch.randn(len(queries), 2, generator=generator)).T[:, :, None, None]
        inside = torch.minimum(4 - (rows - top - 4).abs(), 5 - (columns - left - 5).abs())
        logits = torch.randn(len(queries), CLASSES + 1, generator=generator)
        logits[range(len(queries)), classes[queries]] += 3 * torch.rand(len(queries), generator=generator)
        logits[:, -1] += 4 * torch.rand(len(queries), generator=generator)
        yield logits, inside, looks[queries] + spread * torch.randn(len(queries), CHANNELS, generator=generator)


def run(frames, config=None, **options):
    """The result of a run of the "net", and its packed detections."""
    blobs = []
    session = VideoSession(NO_NET, SIZE, config, detections=blobs.append, **options)
    for arrays in frames:
        session.track(*arrays)
    return session.finish(), blobs


def content(result):
    """All there is in a result, in a form that can be compared to the bit."""
    tracks = {
        track_id: (t.first_frame, t.last_frame, t.observed, t.category, t.score, t.logits.tolist())
        for track_id, t in result.tracks.items()
    }
    return (
        result.size,
        result.length,
        result.predictions,
        tracks,
        {track_id: result.segmentations(track_id) for track_id in tracks},
    )


def presence(result):
    """Which track has which mask, frame by frame: [{counts: track id}]."""
    frames = [{} for _ in range(result.length)]
    for track_id in result.tracks:
        for frame, rle in zip(frames, result.segmentations(track_id), strict=True):
            if rle is not None:
                frame[rle["counts"]] = track_id
    return frames


# Equal to a run of the net


@given(st.integers(0, 10000))
@settings(deadline=None, max_examples=25)
def test_with_the_same_settings_the_result_is_the_same_to_the_bit(seed):
    frames = list(scene(seed))
    whole, blobs = run(frames)
    assert content(retrack(blobs)) == content(retrack(iter(blobs), keep_ids=True)) == content(whole)


configs = st.builds(
    TrackerConfig,
    select_threshold=st.floats(0.01, 0.6),
    match_threshold=st.floats(0.05, 0.9),
    init_threshold=st.floats(0, 0.9),
    max_absence=st.integers(0, 6),
    memory_length=st.integers(1, 5),
    frame_weight=st.booleans(),
    filter_after=st.integers(0, 10),
    filter_observed=st.integers(0, 5),
    matching=st.sampled_from(["greedy", "hungarian"]),
    min_length=st.integers(1, 4),
    one_label=st.booleans(),
    top_k=st.one_of(st.none(), st.integers(1, 9)),
)


@given(st.integers(0, 10000), configs)
@settings(deadline=None, max_examples=40)
def test_other_settings_give_what_a_run_with_them_would(seed, config):
    frames = list(scene(seed))
    _, blobs = run(frames)
    assert content(retrack(blobs, config)) == content(run(frames, config)[0])


@given(st.integers(0, 10000), configs, st.floats(0, 1), st.booleans())
@settings(deadline=None, max_examples=40)
def test_with_the_duplicates_stored_every_nms_is_what_a_run_would_do(seed, config, threshold, class_aware):
    frames, config = list(scene(seed)), replace(config, nms_threshold=threshold, class_aware_nms=class_aware)
    _, blobs = run(frames, before_nms=True)
    assert content(retrack(blobs, config)) == content(run(frames, config)[0])


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_nets_precision_is_kept(dtype):
    frames = [tuple(values.to(dtype) for values in arrays) for arrays in scene(3)]
    whole, blobs = run(frames)
    assert content(retrack(blobs)) == content(whole)


@pytest.mark.parametrize(
    ("wanted", "message"),
    [
        (
            {"select_threshold": 0.05},
            "select_threshold 0.05, but only what exceeds 0.1 was stored. Run the model again",
        ),
        ({"nms_threshold": 0.7}, "nms_threshold 0.7, but only what survived 0.6"),
        ({"class_aware_nms": True}, "NMS within categories"),
    ],
)
def test_what_was_not_stored_is_not_made_up(wanted, message):
    stored = TrackerConfig(select_threshold=0.1)
    _, blobs = run(scene(0, frames=1), stored)
    with pytest.raises(DataError, match=message):
        retrack(blobs, replace(stored, **wanted))


def test_frames_must_come_in_order_and_of_one_video():
    _, blobs = run(scene(0, frames=4))
    with pytest.raises(DataError, match="frame 1 are missing: frame 2 came"):
        retrack([blobs[0], blobs[2]])
    other = encode_frame(replace(decode_frame(blobs[1]), size=(90, 60)))
    with pytest.raises(DataError, match="frame 1 are of another video"):
        retrack([blobs[0], other])


def test_no_frames_and_frames_without_queries_give_empty_results():
    assert (retrack([]).length, retrack([]).tracks) == (0, {})
    nothing = (torch.zeros(0, CLASSES + 1), torch.zeros(0, *GRID), torch.zeros(0, CHANNELS))
    whole, blobs = run([nothing] * 3)
    assert content(retrack(blobs)) == content(whole) == (SIZE, 3, [], {}, {})


def test_detections_that_nobody_tracked_are_counted_from_nought():
    whole, blobs = run(scene(5))
    untracked = [replace(frame, track_ids=[None] * len(frame.masks)) for frame in map(decode_frame, blobs)]
    assert content(retrack(map(encode_frame, untracked), keep_ids=True)) == content(whole)


# Anchors. Two objects side by side; the "net" sees both in every frame, unless told otherwise.

LOOKS = torch.tensor([[4.0, 0, 0, 0], [0, 4.0, 0, 0], [0, 0, 4.0, 0]])


def sight(shown=(0, 1), looks=(0, 1)):
    """A frame in which the objects shown stand in their places, and look like the objects `looks`."""
    logits = torch.zeros(len(shown), CLASSES + 1)
    inside = torch.full((len(shown), *GRID), -3.0)
    for row, number in enumerate(shown):
        logits[row, 0] = 6 - 0.1 * number
        inside[row, 4:20, 8 * number + 1 : 8 * number + 7] = 3
    return logits, inside, LOOKS[list(looks)]


def place_of(number):
    """The mask of an object at the size of the video."""
    (seen,) = VideoSession(NO_NET, SIZE).track(*sight((number,), (number,)))
    return seen.rle


def by_place(blobs, **options):
    """Frame by frame the track ids of the objects in their places, None where there is none."""
    retracker, places = Retracker(**options), [place_of(number) for number in range(3)]
    rows = []
    for blob in blobs:
        found = {seen.rle["counts"]: seen.track_id for seen in retracker.step(blob)}
        rows.append([found.get(place["counts"]) for place in places])
    return rows, retracker.finish()


def test_a_swap_is_put_right_from_the_anchors_on():
    swapped = [sight()] * 3 + [sight(looks=(1, 0))] * 4  # from frame 3 on, the objects look like each other
    _, blobs = run(swapped)
    assert by_place(blobs)[0] == [[0, 1, None]] * 3 + [[1, 0, None]] * 4
    anchors = [Anchor(3, place_of(0), 0), Anchor(3, place_of(1), 1)]
    rows, result = by_place(blobs, anchors=anchors)
    assert rows == [[0, 1, None]] * 7 and result.missed == ()


def test_one_anchor_is_enough_to_take_an_identity_from_another():
    _, blobs = run([sight()] * 2 + [sight(looks=(1, 0))] * 3)
    rows, _ = by_place(blobs, anchors=[Anchor(2, place_of(0), 0)])
    assert [row[0] for row in rows] == [0] * 5
    assert all(row[1] != 0 for row in rows)


@given(st.integers(0, 10000), st.data())
@settings(deadline=None, max_examples=25)
def test_anchors_that_agree_with_the_tracker_change_nothing(seed, data):
    unfiltered = TrackerConfig(filter_observed=0)  # for what a person vouches for is never noise
    whole, blobs = run(scene(seed), unfiltered)
    seen = [(frame, counts, i) for frame, row in enumerate(presence(whole)) for counts, i in row.items()]
    chosen = data.draw(st.lists(st.sampled_from(seen), max_size=6)) if seen else []
    anchors = [Anchor(frame, {"size": list(SIZE), "counts": counts}, i) for frame, counts, i in chosen]
    again = retrack(blobs, unfiltered, anchors)
    assert presence(again) == presence(whole) and again.missed == ()


@given(st.integers(0, 10000), st.data())
@settings(deadline=None, max_examples=40)
def test_an_anchors_identity_is_binding_and_nobody_elses(seed, data):
    _, blobs = run(scene(seed))
    frame = data.draw(st.integers(0, 15))
    stored = decode_frame(blobs[frame])
    place = data.draw(st.integers(0, len(stored.masks) - 1))
    anchor = Anchor(frame, stored.masks[place].rle, data.draw(st.integers(0, 40)))
    config = TrackerConfig(select_threshold=data.draw(st.sampled_from([0.01, 0.5])))
    retracker = Retracker(config, [anchor])
    steps = [retracker.step(blob) for blob in blobs]
    owners = [seen.rle for seen in steps[frame] if seen.track_id == anchor.track_id]
    if masks.area(anchor.mask):
        assert len(owners) == 1 and masks.iou(owners, [anchor.mask])[0, 0] >= 0.5
        assert anchor.track_id in retracker.finish().tracks
    for step in steps:
        assert len({seen.track_id for seen in step}) == len(step)


def test_where_nothing_lies_under_an_anchor_the_result_says_so_and_nobody_takes_its_identity():
    _, blobs = run([sight()] * 4)
    anchor = Anchor(2, place_of(2), 0)
    rows, result = by_place(blobs, anchors=[anchor])
    assert result.missed == (anchor,)
    assert rows[2][0] not in (0, 1) and [rows[i][0] for i in (0, 1)] == [0, 0]


def test_two_anchors_on_one_detection_share_nothing():
    _, blobs = run([sight()] * 2)
    first, second = Anchor(1, place_of(0), 5), Anchor(1, place_of(0), 6)
    rows, result = by_place(blobs, anchors=[first, second])
    assert rows[1][0] == 5 and result.missed == (second,)


def test_a_new_identity_lives_on_and_is_never_noise_or_too_short():
    _, blobs = run([sight()] * 14 + [sight((0, 1, 2), (0, 1, 2))] + [sight()] * 6)
    assert 2 not in retrack(blobs).tracks  # seen once: noise
    anchor = Anchor(14, place_of(2), 77)
    assert retrack(blobs, TrackerConfig(min_length=3), anchors=[anchor]).tracks[77].observed == 1


def test_an_anchor_brings_back_what_the_settings_would_leave_out():
    frame = sight()
    frame[0][1] = torch.tensor([1.0, 0, 0, 0, 0])  # unsure of the second object
    _, blobs = run([frame] * 3)
    strict = TrackerConfig(select_threshold=0.6, init_threshold=0.6)
    assert by_place(blobs, config=strict)[0] == [[0, None, None]] * 3
    rows, _ = by_place(blobs, config=strict, anchors=[Anchor(1, place_of(1), 1)])
    assert rows == [[0, None, None], [0, 1, None], [0, None, None]]


def test_an_anchor_of_another_size_is_refused_with_both_sizes():
    _, blobs = run([sight()])
    with pytest.raises(DataError, match="track 4 in frame 0 has a mask of 30x20 pixels, but the video has 90x60"):
        retrack(blobs, anchors=[Anchor(0, masks.encode(np.ones((20, 30))), 4)])


def test_a_rejected_track_keeps_its_detections_to_itself_and_lets_others_be():
    gone = 30  # longer than the bank remembers
    _, blobs = run([sight()] * 3 + [sight((0,), (0,))] * gone + [sight((0, 2), (0, 2))] * 3)
    whole = retrack(blobs)
    assert set(whole.tracks) == {0, 1, 2}
    result = retrack(blobs, rejected=[1])
    assert set(result.tracks) == {0, 2}, "what comes later is no part of it, however few there are to be taken for"
    assert [result.segmentations(track) for track in (0, 2)] == [whole.segmentations(track) for track in (0, 2)]
    clinging = TrackerConfig(match_threshold=0.01, init_threshold=0.99)  # all that is seen would join the first track
    assert set(retrack(blobs, clinging, rejected=[1]).tracks) <= {0, 2}


def test_a_word_on_one_of_two_mixed_up_tracks_puts_both_right():
    """The looks of two objects change places in the midst, as when the net mixes them up: the tracks go with the looks."""
    _, blobs = run([sight()] * 5 + [sight((0, 1), (1, 0))] * 5)
    assert by_place(blobs)[0][5:] == [[1, 0, None]] * 5
    rows, _ = by_place(blobs, anchors=[Anchor(5, place_of(0), 0)])
    assert rows == [[0, 1, None]] * 10


def test_tracks_keep_their_ids_under_other_settings_if_asked():
    unsure = sight((1, 2), (1, 2))
    unsure[0][:] = torch.tensor([1.0, 0, 0, 0, 0])
    _, blobs = run([unsure] + [sight((0, 1, 2), (0, 1, 2))] * 2)
    assert by_place(blobs)[0] == [[None, 0, 1]] + [[2, 0, 1]] * 2
    strict = TrackerConfig(init_threshold=0.9)
    assert by_place(blobs, config=strict)[0] == [[None] * 3] + [[0, 1, 2]] * 2  # counted as they come
    assert by_place(blobs, config=strict, keep_ids=True)[0] == [[None] * 3] + [[2, 0, 1]] * 2


def test_anchors_that_contradict_each_other_are_refused():
    with pytest.raises(DataError, match="give track 3 different masks in frame 1"):
        Retracker(anchors=[Anchor(1, place_of(0), 3), Anchor(1, place_of(1), 3)])
    Retracker(anchors=[Anchor(1, place_of(0), 3), Anchor(1, place_of(0), 3), Anchor(2, place_of(1), 3)])


# Following one object


@pytest.mark.parametrize("stop", [0, 9])
def test_an_object_is_followed_both_ways_however_the_others_stand(stop):
    frames = [sight((0, 1, 2)[: 2 + number % 2], (0, 1, 2)[: 2 + number % 2]) for number in range(10)]
    _, blobs = run(frames)
    steps = list(propagate(blobs, Anchor(5, place_of(1), 1), stop))
    assert [step.frame for step in steps] == ([4, 3, 2, 1, 0] if stop == 0 else [6, 7, 8, 9])
    assert all(step.rle == place_of(1) and step.query == 1 for step in steps)
    assert all(step.margin > 0.7 and step.similarity > 0.9 for step in steps)


def test_the_margin_is_small_where_two_look_alike():
    _, blobs = run([sight(), sight(looks=(0, 0))])
    (step,) = propagate(blobs, Anchor(0, place_of(0), 0), 1)
    assert step.margin < 0.1 < step.similarity


def test_unseen_frames_are_told_and_after_a_long_absence_it_ends():
    _, blobs = run([sight()] + [sight((0,), (0,))] * 30)
    steps = list(propagate(blobs, Anchor(0, place_of(1), 1), 30))
    assert [step.frame for step in steps] == list(range(1, 22)) and all(step.rle is None for step in steps)


def test_nothing_under_the_anchor_is_nothing_to_follow():
    _, blobs = run([sight()] * 2)
    with pytest.raises(DataError, match="saw nothing under the mask in frame 0"):
        list(propagate(blobs, Anchor(0, place_of(2), 0), 1))
