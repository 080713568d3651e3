"""The online tracker: equal to the reference on golden detections, sensible where the reference crashes."""

import io

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import candidates
from engine.candidates import mask_nms, select, shared_cells
from engine.config import TrackerConfig
from engine.errors import ConfigError
from engine.matching import greedy, hungarian
from engine.memory_bank import MemoryBank
from engine.output_tracks import OutputTracks
from engine.tracker import Tracker
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
        assert len(tracker.bank) == len(set(tracker.bank.ids)) == len(tracker.bank.embeds)
        assert (frame - tracker.bank.last_frame <= 2).all()


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
    assert np.array_equal(restored.bank.embeds, whole.bank.embeds)


# The steps


def test_select_takes_the_best_query_where_none_is_good_enough():
    scores = np.array([0.1, 0.3, 0.2], np.float32)
    assert select(scores, 0.15).tolist() == [1, 2]
    assert select(scores, 0.9).tolist() == [1]


@pytest.fixture(params=[True, False], ids=["kernel", "torch"])
def counted(request, monkeypatch):
    """Both ways in which shared cells are counted."""
    if request.param and not candidates._has_kernel():
        pytest.skip("engine._C is not built (CTVIS_OP=cpu pip install --no-build-isolation -e .)")
    monkeypatch.setattr(candidates, "_has_kernel", lambda: request.param)


@pytest.mark.parametrize("cells", [1, 63, 64, 65, 5000])
def test_shared_cells_are_counted_exactly(counted, cells):
    inside = torch.rand(7, cells, generator=torch.Generator().manual_seed(0)) > 0.3
    inside[2] = False
    inside[3, : cells // 2] = False
    inside[4, cells // 3 :] = False
    for each in (inside, inside[:0], inside[:, : cells // 2], inside[::2, ::3]):
        assert np.array_equal(shared_cells(each), (each[:, None] & each[None]).sum(-1))


def nms(masks, threshold, categories=None):
    return mask_nms(shared_cells((masks > 0).flatten(1)), threshold, categories)


def overlapping():
    masks = torch.full((3, 1, 100), -1.0)
    for row, start in enumerate((0, 20, 40)):  # neighbours have IoU 40 / 80, the outer two 20 / 100
        masks[row, 0, start : start + 60] = 1
    return masks


def test_a_duplicate_goes_but_what_only_overlaps_the_duplicate_stays():
    assert nms(overlapping(), 0.49).tolist() == [True, False, True]
    assert nms(overlapping(), 0.51).tolist() == [True, True, True]


def test_class_aware_nms_spares_what_is_of_another_category():
    assert nms(overlapping(), 0.1, np.array([0, 1, 0])).tolist() == [True, True, False]
    logits, masks, embeds = detections([0, 1])
    masks[1] = masks[0]
    assert ids(Tracker().step(logits, masks, embeds)) == [0]
    assert ids(Tracker(TrackerConfig(class_aware_nms=True)).step(logits, masks, embeds)) == [0, 1]


@given(st.integers(0, 1000), st.floats(0.2, 0.7))
@settings(deadline=None, max_examples=40)
def test_nms_drops_exactly_what_overlaps_a_better_kept_mask(seed, threshold):
    masks = torch.randn(12, 3, 3, generator=torch.Generator().manual_seed(seed))
    inside = (masks > 0).flatten(1)
    intersection = (inside[:, None] & inside[None]).sum(-1)
    union = (inside[:, None] | inside[None]).sum(-1)
    iou = (intersection + 1e-6) / (union + 1e-6)
    keep = nms(masks, threshold)
    for row in range(len(masks)):
        better_kept = keep[:row].nonzero()[0]
        assert keep[row] == (not (iou[row, better_kept] > threshold).any())


def test_of_two_similar_tracks_the_one_seen_more_often_is_chosen():
    row, observed = np.array([0.5, 0.4, 0.1]), np.array([1, 9, 50])
    assert greedy(row[None], observed, 0.3) == [1]
    assert greedy(row[None], None, 0.3) == [0]


def test_a_single_similar_track_is_chosen_however_short():
    assert greedy(np.array([[0.5, 0.3, 0.1]]), np.array([1, 9, 50]), 0.3) == [0]


def test_a_taken_track_is_not_chosen_twice():
    similarity = np.array([[0.9, 0.2], [0.8, 0.35], [0.7, 0.1]])
    assert greedy(similarity, None, 0.3) == [0, 1, None]


def published(similarity, observed, threshold):
    """The greedy choice as the reference makes it, step by step."""
    similarity, choices = similarity.copy(), []
    for row in similarity:
        competing = row > threshold
        weights = np.where(competing, observed, observed[competing].mean()) if competing.sum() > 1 else 1
        best = int((row * weights).argmax())
        choices.append(best if (row * weights)[best] > threshold else None)
        if choices[-1] is not None:
            similarity[:, best] = 0
    return choices


@given(st.integers(0, 10000), st.integers(1, 8), st.integers(1, 8), st.floats(0.05, 0.6))
@settings(deadline=None, max_examples=100)
def test_the_greedy_choice_is_the_published_one(seed, rows, columns, threshold):
    rng = np.random.default_rng(seed)
    similarity = rng.random((rows, columns)).astype(np.float32)
    observed = rng.integers(1, 60, columns)
    assert greedy(similarity, observed, threshold) == published(similarity, observed, np.float32(threshold))


def test_hungarian_matching_gives_way_where_that_serves_the_whole():
    similarity = np.array([[0.9, 0.8], [0.8, 0.1]])
    assert greedy(similarity, None, 0.3) == [0, None]
    assert hungarian(similarity, None, 0.3) == [1, 0]
    assert hungarian(similarity, None, 0.85) == [0, None]  # nothing below the threshold is a match
    assert hungarian(np.array([[0.9], [0.95]]), None, 0.3) == [None, 0]


def test_the_tracker_matches_as_it_is_told():
    for matching in ("greedy", "hungarian"):
        tracker = Tracker(TrackerConfig(matching=matching))
        tracker.step(*detections([0, 1, 2]))
        assert ids(tracker.step(*detections([2, 0, 1]))) == [2, 0, 1]


# Settings


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"match_threshold": 1.5}, r"match_threshold is 1.5, but must be a number from 0 to 1"),
        ({"select_threshold": float("nan")}, "select_threshold is nan"),
        ({"init_threshold": "0.1"}, "init_threshold is '0.1', but must be a number"),
        ({"memory_length": 0}, "memory_length is 0, but must be a whole number of at least 1"),
        ({"max_absence": -1}, "max_absence is -1"),
        ({"filter_after": 1.5}, "filter_after is 1.5, but must be a whole number"),
        ({"top_k": 0}, "top_k is 0"),
        ({"min_length": True}, "min_length is True"),
        ({"max_absence_seconds": -0.5}, "max_absence_seconds is -0.5, but must be a number of at least 0"),
        ({"matching": "best"}, "matching is 'best', but must be one of: greedy, hungarian"),
    ],
)
def test_settings_that_make_no_sense_are_refused_by_name(setting, message):
    with pytest.raises(ConfigError, match=message):
        TrackerConfig(**setting)


def test_numbers_of_numpy_are_numbers():
    assert TrackerConfig(match_threshold=np.float32(0.5), max_absence=np.int64(3)).max_absence == 3


def test_absence_in_seconds_depends_on_the_frame_rate():
    config = TrackerConfig(max_absence_seconds=0.5)
    assert (config.at_rate(30).max_absence, config.at_rate(5).max_absence) == (15, 2)
    assert TrackerConfig().at_rate(None) == TrackerConfig().at_rate(30) == TrackerConfig()
    with pytest.raises(ConfigError, match="frame rate"):
        config.at_rate(None)
    with pytest.raises(ConfigError, match="at_rate"):
        Tracker(config)


# Memory


def test_a_memory_moves_as_far_as_the_new_embedding_resembles_the_old_ones():
    bank = MemoryBank(max_absence=20, length=10)
    along, across = np.array([[1.0, 0]]), np.array([[0, 1.0]])
    bank.remember([7], along, frame=0)
    bank.remember([7], across, frame=1)  # cosine 0: nothing moves
    assert np.array_equal(bank.embeds, along)
    bank.remember([7], -along, frame=2)  # mean cosine below 0: nothing moves
    assert np.array_equal(bank.embeds, along)
    bank.remember([7], 3 * across, frame=3)  # mean cosine of 0, 1, 0
    assert np.allclose(bank.embeds, [[2 / 3, 1.0]])
    assert (bank.ids, bank.observed.tolist()) == ([7], [4])


def test_only_the_last_embeddings_count_for_the_momentum():
    bank = MemoryBank(max_absence=20, length=2)
    for frame, embed in enumerate(([1.0, 0], [0, 1.0], [0, 1.0])):
        bank.remember([0], np.array([embed]), frame)
    before = bank.embeds
    bank.remember([0], np.array([[0, 5.0]]), frame=3)  # wholly like the last two
    assert np.allclose(bank.embeds, [[0, 5.0]]) and not np.allclose(before, bank.embeds)


def test_an_overwritten_memory_has_no_past_but_its_length():
    bank = MemoryBank(max_absence=20, length=3)
    for frame in range(4):
        bank.remember([3, 5], np.eye(2), frame)
    bank.overwrite(3, np.array([0, 2.0]), frame=4)
    bank.overwrite(8, np.array([1.0, 1.0]), frame=4)
    assert np.array_equal(bank.embeds, [[0, 2], [0, 1], [1, 1]])
    assert (bank.ids, bank.observed.tolist(), bank.last_frame.tolist()) == ([3, 5, 8], [5, 4, 1], [4, 3, 4])
    bank.remember([3], np.array([[0, 1.0]]), frame=5)  # wholly like its one embedding
    assert np.array_equal(bank.embeds[0], [0, 1])


def plain_memory(embeds, length):
    """The memory of a track after these embeddings, by the formula."""
    memory, past = embeds[0], [embeds[0]]
    for embed in embeds[1:]:
        cosines = [old @ embed / np.linalg.norm(old) / np.linalg.norm(embed) for old in past[-length:]]
        momentum = max(0, np.mean(cosines))
        memory = (1 - momentum) * memory + momentum * embed
        past.append(embed)
    return memory


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_tracks_that_come_and_go_do_not_disturb_each_other(seed):
    """Slots of the bank are used again; every memory is what the track alone would have made it."""
    rng = np.random.default_rng(seed)
    bank, past = MemoryBank(max_absence=1, length=3), {}
    for frame in range(20):
        alive = set(bank.ids)
        past = {track_id: embeds for track_id, embeds in past.items() if track_id in alive}
        wanted = [track_id for track_id in [*sorted(alive), 100 + 2 * frame, 101 + 2 * frame] if rng.random() < 0.6]
        embeds = rng.normal(size=(len(wanted), 4)) + 1
        bank.remember(wanted, embeds, frame)
        for track_id, embed in zip(wanted, embeds, strict=True):
            past.setdefault(track_id, []).append(embed)
        for track_id, memory, observed in zip(bank.ids, bank.embeds, bank.observed, strict=True):
            assert np.allclose(memory, plain_memory(past[track_id], 3)) and observed == len(past[track_id])
        bank.forget(frame)
    assert bank.ids == sorted(bank.ids)


def test_a_track_that_gives_up_its_looks_takes_anothers_or_goes():
    bank = MemoryBank(max_absence=2, length=3)
    bank.remember([0, 1], np.eye(2), frame=0)
    bank.remember([0], np.eye(2)[:1], frame=1)
    bank.give_up(0, 1)
    assert bank.ids == [0, 1] and np.array_equal(bank.embeds, np.eye(2)[::-1]) and bank.observed.tolist() == [2, 1]
    bank.give_up(1, 7)
    assert bank.ids == [0] and np.array_equal(bank.embeds, [[0, 1]])
