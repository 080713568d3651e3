"""A split keeps videos whole, shares categories out, and is the same for the same seed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DataError
from training.dataset_split import split_dataset


def content(labels: list[list[int]]) -> dict:
    """A ground truth with one video per list of its objects' categories 1..3."""
    annotations = [
        {"id": 100 * video + i, "video_id": video, "category_id": label}
        for video, objects in enumerate(labels)
        for i, label in enumerate(objects)
    ]
    videos = [{"id": video} for video in range(len(labels))]
    return {"info": "kept", "videos": videos, "categories": [{"id": k} for k in (1, 2, 3)], "annotations": annotations}


@given(
    st.lists(st.lists(st.integers(1, 3), max_size=4), min_size=2, max_size=12),
    st.floats(0.05, 0.95),
    st.integers(0, 5),
)
def test_nothing_is_lost_and_no_video_is_cut(labels, share, seed):
    whole = content(labels)
    parts = split_dataset(whole, share, seed)
    ids = [{video["id"] for video in part["videos"]} for part in parts]
    assert ids[0] | ids[1] == set(range(len(labels))) and not ids[0] & ids[1]
    assert all(ids) and len(ids[1]) == min(max(1, round(share * len(labels))), len(labels) - 1)
    for part, own in zip(parts, ids, strict=True):
        assert part["annotations"] == [entry for entry in whole["annotations"] if entry["video_id"] in own]
        assert part["categories"] == whole["categories"] and part["info"] == "kept"
    assert split_dataset(whole, share, seed) == parts


def test_a_rare_category_is_shared_out_like_a_frequent_one():
    labels = [[1]] * 36 + [[1, 2]] * 4
    _, second = split_dataset(content(labels), 0.25)
    counts = np.bincount([entry["category_id"] for entry in second["annotations"]], minlength=3)
    assert counts[2] == 1
    assert len(second["videos"]) == 10


def test_another_seed_is_another_split():
    labels = [[1]] * 20
    assert split_dataset(content(labels), 0.5, 0) != split_dataset(content(labels), 0.5, 1)


@pytest.mark.parametrize(("labels", "share"), [([[1]], 0.5), ([[1], [1]], 0.0), ([[1], [1]], 1.0)])
def test_what_cannot_be_split_is_said(labels, share):
    with pytest.raises(DataError, match=r"between 0 and 1|fewer than two"):
        split_dataset(content(labels), share)
