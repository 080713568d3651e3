"""What a video's tracks amount to: the noise filter, scores, and the best pairs."""

import pytest
import torch

from engine.config import TrackerConfig
from engine.output_tracks import OutputTracks


def run(presence, logits=(4.0, 0.0, 0.0), length=None):
    """One track seen in the frames `presence` of a video; its confidence is half its area."""
    output = OutputTracks(TrackerConfig())
    for frame in range(length or max(presence) + 1):
        if frame in presence:
            output.add(frame, 0, torch.tensor(logits), confidence=5.0, area=10)
        output.end_frame(frame)
    return output


def test_a_track_of_two_frames_is_noise_once_it_is_gone_for_two():
    assert list(run({10, 11}, length=13).sums) == [0]
    assert list(run({10, 11}, length=14).sums) == []


def test_a_track_of_three_frames_is_no_noise():
    assert list(run({10, 11, 12}, length=40).sums) == [0]


def test_the_filter_rests_until_after_the_ninth_frame():
    assert list(run({0}, length=9).sums) == [0]
    assert list(run({0}, length=10).sums) == []


def test_what_was_dropped_is_no_part_of_the_output_that_starts_anew():
    output = run({9, 14, 15, 16}, length=18)
    assert output.end_frame(18) == []
    track = output.summaries()[0]
    assert (track.first_frame, track.last_frame, track.observed) == (14, 16, 3)


def test_the_filter_names_what_it_drops():
    output = run({10}, length=12)
    assert output.end_frame(12) == [0]


def test_a_track_is_its_likeliest_class_scored_by_the_quality_of_its_masks():
    output = OutputTracks(TrackerConfig())
    output.add(0, 3, torch.tensor([2.0, 4.0, 0.0]), confidence=9.0, area=10)
    output.add(1, 3, torch.tensor([0.0, 2.0, 0.0]), confidence=15.0, area=30)
    probabilities = torch.tensor([1.0, 3.0, 0.0]).softmax(0)  # of the mean logits
    track = output.summaries()[3]
    assert (track.category, track.observed) == (1, 2)
    assert track.score == pytest.approx(float(probabilities[1]) * 24 / 40)
    best, second = output.predictions()  # as many as there are categories
    assert (best.track_id, best.category, best.score) == (3, 1, pytest.approx(track.score))
    assert (second.category, second.score) == (0, pytest.approx(float(probabilities[0]) * 24 / 40))


def test_the_best_pairs_are_chosen_by_class_probability_before_mask_quality():
    output = OutputTracks(TrackerConfig())
    output.add(0, 0, torch.tensor([5.0, 0.0, 0.0]), confidence=1.0, area=10)
    output.add(0, 1, torch.tensor([0.0, 4.0, 0.0]), confidence=10.0, area=10)
    assert [(p.track_id, p.category) for p in output.predictions(top_k=2)] == [(0, 0), (1, 1)]
    assert [p.track_id for p in output.predictions(top_k=1)] == [0]
    assert len(output.predictions(top_k=100)) == 4


def two_tracks(config, **options):
    """Track 0 was seen twice and is of two minds about its category; track 1 was seen once and is sure."""
    output = OutputTracks(config, **options)
    for frame, track_id, logits in ((0, 0, (4.0, 3.9, 0.0)), (1, 0, (4.0, 3.9, 0.0)), (1, 1, (0.0, 6.0, 0.0))):
        output.add(frame, track_id, torch.tensor(logits), confidence=5.0, area=10)
    return output


def test_one_label_leaves_each_track_its_likeliest_category_only():
    both = two_tracks(TrackerConfig()).predictions(top_k=3)
    assert [(p.track_id, p.category) for p in both] == [(1, 1), (0, 0), (0, 1)]
    single = two_tracks(TrackerConfig(one_label=True)).predictions(top_k=3)
    assert single == both[:2]


def test_tracks_below_the_least_length_are_no_result_but_may_still_grow():
    output = two_tracks(TrackerConfig(min_length=2))
    assert {p.track_id for p in output.predictions(10)} == set(output.results()) == {0}
    assert set(output.summaries()) == {0, 1}
    output.add(2, 1, torch.tensor([0.0, 6.0, 0.0]), confidence=5.0, area=10)
    assert set(output.results()) == {0, 1}


def test_what_a_person_vouched_for_is_neither_noise_nor_too_short():
    output = two_tracks(TrackerConfig(min_length=2, filter_after=0), certain=[1])
    assert output.end_frame(20) == [0]
    assert set(output.results()) == {1} == {p.track_id for p in output.predictions(10)}


def test_a_track_whose_masks_are_empty_scores_nothing():
    output = OutputTracks(TrackerConfig())
    output.add(0, 0, torch.tensor([5.0, 0.0, 0.0]), confidence=0.0, area=0)
    assert output.summaries()[0].score == 0


def test_no_tracks_give_no_predictions():
    output = OutputTracks(TrackerConfig())
    assert output.predictions() == [] and output.summaries() == {}
