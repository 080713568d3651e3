"""The online tracker: equal to the reference on golden detections, sensible where the reference crashes."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.config import TrackerConfig
from engine.memory_bank import MemoryBank
from engine.output_tracks import OutputTracks
from engine.tracker import Tracker, choose_tracks, mask_nms, select, weight_by_length
from tests.golden import golden_path

CLASSES, CHANNELS, GRID = 3, 8, (12, 16)


def detections(objects, sureness=6.0):
    """One frame in which each numbered object is seen, every one in its own place and with its own embedding."""
    logits = torch.zeros(len(objects), CLASSES + 1)
    masks = torch.full((len(objects), *GRID), -5.0)
    embeds = torch.zeros(len(objects), CHANNELS)
    for row, number in enumerate(objects):
        logits[row, number % CLASSES] = sureness - 0.01 * row
        masks[row, :, 2 * number : 2 * number + 2] = 5
        embeds[row, number] = 4
    return logits, masks, embeds


def noise(seed, frames=12, queries=6):
    """Detections that resemble one another enough to be matched, lost and confused."""
    generator = torch.Generator().manual_seed(seed)
    anchors = 2 * torch.randn(queries, CHANNELS, generator=generator)
    for _ in range(frames):
        shuffled = torch.randperm(queries, generator=generator)
        yield (
            3 * torch.randn(queries, CLASSES + 1, generator=generator),
            torch.randn(queries, *GRID, generator=generator),
            anchors[shuffled] + 0.7 * torch.randn(queries, CHANNELS, generator=generator),
        )


def ids(observations):
    return [seen.track_id for seen in observations]


def saved(state):
    """A state as it comes back from a file."""
    file = io.BytesIO()
    torch.save(state, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


# The reference's own numbers


@pytest.fixture(scope="module")
def golden():
    with np.load(golden_path("tracker.npz")) as arrays:
        return dict(arrays)


def golden_frames(golden):
    keys = ("pred_logits", "pred_masks", "pred_embeds")
    return zip(*(torch.from_numpy(golden[key]) for key in keys), strict=True)


def test_ids_are_those_of_the_reference(golden):
    tracker = Tracker()
    rows = [
        (frame, order, track_id)
        for frame, arrays in enumerate(golden_frames(golden))
        for order, track_id in enumerate(ids(tracker.step(*arrays)))
    ]
    assert np.array_equal(rows, golden["ids"])


def test_output_tracks_are_those_of_the_reference(golden):
    tracker, output, seen_masks = Tracker(), OutputTracks(TrackerConfig()), {}
    for frame, arrays in enumerate(golden_frames(golden)):
        for seen in tracker.step(*arrays):
            output.add(frame, seen.track_id, seen.logits, confidence=0.0, area=0)
            seen_masks[frame, seen.track_id] = seen.mask > 0
        output.end_frame(frame)
    summaries = output.summaries()

    expected = np.unpackbits(golden["track_mask"], axis=-1).astype(bool)[..., : golden["track_mask_shape"][-1]]
    made = np.zeros(golden["track_mask_shape"], bool)
    for row, (track_id, track) in enumerate(summaries.items()):
        for frame in range(track.first_frame, track.last_frame + 1):
            made[row, frame] = seen_masks.get((frame, track_id), False)
    assert np.array_equal(made, expected)
    logits = torch.stack([track.logits for track in summaries.values()])
    assert np.allclose(logits, golden["track_logits"], atol=1e-5)


# Following objects


def test_objects_keep_their_ids_whatever_their_order():
    tracker = Tracker()
    assert ids(tracker.step(*detections([0, 1, 2]))) == [0, 1, 2]
    assert ids(tracker.step(*detections([2, 0, 1]))) == [2, 0, 1]


def test_an_observation_names_its_query_and_carries_what_the_net_said_of_it():
    logits, masks, embeds = detections([0, 1])
    logits[0] -= torch.tensor([4.0, 0, 0, 0])  # now the second query is the surer one
    first, second = Tracker().step(logits, masks, embeds)
    assert (first.query, second.query) == (1, 0) and first.score > second.score
    assert first.score == pytest.approx(float(logits[1].softmax(0)[:-1].max()))
    assert torch.equal(first.mask, masks[1]) and torch.equal(first.embed, embeds[1])


@pytest.mark.parametrize(("absent", "expected"), [(20, 0), (21, 2)])
def test_a_track_is_found_again_after_20_absent_frames_but_not_after_21(absent, expected):
    tracker = Tracker()
    tracker.step(*detections([0, 1]))
    for _ in range(absent):
        tracker.step(*detections([1]))
    assert ids(tracker.step(*detections([1, 0]))) == [1, expected]


def test_after_a_long_emptiness_new_tracks_begin():
    tracker = Tracker()
    tracker.step(*detections([0]))
    for _ in range(30):
        assert tracker.step(*detections([])) == []
    assert ids(tracker.step(*detections([0]))) == [1]


def test_a_frame_without_queries_or_without_objects_is_no_trouble():
    tracker = Tracker()
    assert tracker.step(*detections([])) == []
    unsure = detections([0, 1])
    unsure[0][:, -1] = 20  # "no object"
    assert tracker.step(*unsure) == []
    assert ids(tracker.step(*detections([0, 1]))) == [0, 1]


def test_a_sure_match_is_followed_even_where_the_detection_is_not():
    tracker = Tracker()
    tracker.step(*detections([0, 1]))
    unsure = detections([1])
    unsure[0][:, -1] = 20
    assert ids(tracker.step(*unsure)) == [1]


def test_half_precision_is_tracked_like_single():
    single, half = Tracker(), Tracker()
    for objects in ([0, 1, 2], [1, 2], [2, 0, 1]):
        frame = detections(objects)
        in_half = half.step(*(values.bfloat16() for values in frame))
        assert sorted((seen.query, seen.track_id) for seen in in_half) == sorted(
            (seen.query, seen.track_id) for seen in single.step(*frame)
        )


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_no_frame_has_a_track_twice_and_the_bank_forgets(seed):
    tracker = Tracker(TrackerConfig(max_absence=2))
    for frame, arrays in enumerate(noise(seed)):
        seen = ids(tracker.step(*arrays))
        assert len(set(seen)) == len(seen)
        assert all(frame - memory.last_frame <= 2 for memory in tracker.bank.memories.values())
        assert all(len(memory.recent) <= 10 for memory in tracker.bank.memories.values())


@given(st.integers(0, 1000), st.integers(1, 11))
@settings(deadline=None, max_examples=30)
def test_a_restored_tracker_goes_on_as_if_nothing_had_happened(seed, killed_at):
    frames = list(noise(seed))
    whole, killed, restored = Tracker(), Tracker(), Tracker()
    expected = [ids(whole.step(*arrays)) for arrays in frames]
    for arrays in frames[:killed_at]:
        killed.step(*arrays)
    restored.load_state_dict(saved(killed.state_dict()))
    assert [ids(restored.step(*arrays)) for arrays in frames[killed_at:]] == expected[killed_at:]
    assert torch.equal(restored.bank.embeds, whole.bank.embeds)


# The steps


def test_select_takes_the_best_query_where_none_is_good_enough():
    scores = torch.tensor([0.1, 0.3, 0.2])
    assert select(scores, 0.15).tolist() == [1, 2]
    assert select(scores, 0.9).tolist() == [1]


def test_a_duplicate_goes_but_what_only_overlaps_the_duplicate_stays():
    masks = torch.full((3, 1, 100), -1.0)
    for row, start in enumerate((0, 20, 40)):  # neighbours have IoU 40 / 80, the outer two 20 / 100
        masks[row, 0, start : start + 60] = 1
    assert mask_nms(masks, 0.49).tolist() == [True, False, True]
    assert mask_nms(masks, 0.51).tolist() == [True, True, True]


@given(st.integers(0, 1000), st.floats(0.2, 0.7))
@settings(deadline=None, max_examples=40)
def test_nms_drops_exactly_what_overlaps_a_better_kept_mask(seed, threshold):
    masks = torch.randn(12, 3, 3, generator=torch.Generator().manual_seed(seed))
    inside = (masks > 0).flatten(1)
    intersection = (inside[:, None] & inside[None]).sum(-1)
    union = (inside[:, None] | inside[None]).sum(-1)
    iou = (intersection + 1e-6) / (union + 1e-6)
    keep = mask_nms(masks, threshold)
    for row in range(len(masks)):
        better_kept = keep[:row].nonzero().flatten()
        assert keep[row] == (not (iou[row, better_kept] > threshold).any())


def test_of_two_similar_tracks_the_one_seen_more_often_is_chosen():
    row, observed = np.array([0.5, 0.4, 0.1]), np.array([1.0, 9.0, 50.0])
    assert weight_by_length(row, observed, 0.3) == pytest.approx([0.5, 3.6, 0.5])
    assert choose_tracks(row[None], observed, 0.3) == [1]
    assert choose_tracks(row[None], None, 0.3) == [0]


def test_a_single_similar_track_is_chosen_however_short():
    row, observed = np.array([0.5, 0.3, 0.1]), np.array([1.0, 9.0, 50.0])
    assert np.array_equal(weight_by_length(row, observed, 0.3), row)


def test_a_taken_track_is_not_chosen_twice():
    similarity = np.array([[0.9, 0.2], [0.8, 0.35], [0.7, 0.1]])
    assert choose_tracks(similarity, None, 0.3) == [0, 1, None]


# Memory


def test_a_memory_moves_as_far_as_the_new_embedding_resembles_the_old_ones():
    bank = MemoryBank(max_absence=20, length=10)
    along, across = torch.tensor([1.0, 0]), torch.tensor([0, 1.0])
    bank.remember(7, along, frame=0)
    bank.remember(7, across, frame=1)  # cosine 0: nothing moves
    assert torch.equal(bank.embeds, along[None])
    bank.remember(7, -along, frame=2)  # mean cosine below 0: nothing moves
    assert torch.equal(bank.embeds, along[None])
    bank.remember(7, 3 * across, frame=3)  # mean cosine of 0, 1, 0
    assert torch.allclose(bank.embeds, torch.tensor([[2 / 3, 1.0]]))
    assert (bank.ids, bank.observed) == ([7], [4])


def test_only_the_last_embeddings_count_for_the_momentum():
    bank = MemoryBank(max_absence=20, length=2)
    for frame, embed in enumerate(([1.0, 0], [0, 1.0], [0, 1.0])):
        bank.remember(0, torch.tensor(embed), frame)
    assert bank.memories[0].recent.tolist() == [[0, 1], [0, 1]]
