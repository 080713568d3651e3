"""The index of a ground truth says what the file says, is made once, shared, and made anew when the file changes."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import masks
from engine.errors import DataError
from tests.training.test_coco import COCO
from training.annotation_index import index_of
from training.coco import coco_to_ytvis
from training.ytvis import read_dataset

CLIPS = Path(__file__).parents[2] / "assets" / "clips" / "annotations.json"


def said_by(index) -> list:
    return [
        (entry.id, frame, it.instance, index.categories[it.label].id, it.rle["counts"])
        for place, entry in enumerate(index.videos)
        for frame in range(len(entry.file_names))
        for it in index.frame(place, frame)
    ]


def said_by_file(dataset) -> list:
    return sorted(
        (it.video_id, frame, number, it.category_id, rle["counts"])
        for number, it in enumerate(dataset.instances)
        if not it.crowd
        for frame, rle in enumerate(it.segmentations)
        if rle
    )


@pytest.mark.parametrize("path", [CLIPS])
def test_it_says_what_the_file_says(tmp_path, path):
    index = index_of(path, tmp_path)
    assert sorted(said_by(index)) == said_by_file(read_dataset(path))
    assert [video.id for video in index.videos] == sorted(read_dataset(path).videos)


def square(size: int) -> dict:
    mask = np.zeros((8, 12), np.uint8)
    mask[:size, :size] = 1
    return masks.encode(mask)


def truth_of(tracks: list[list[int]], crowd: int | None = None) -> dict:
    """Tracks of one video by the size of their square per frame, 0: not there."""
    length = len(tracks[0]) if tracks else 2
    return {
        "videos": [{"id": 5, "width": 12, "height": 8, "length": length, "file_names": [f"{t}.jpg" for t in range(length)]}],
        "categories": [{"id": 3, "name": "a"}, {"id": 9, "name": "b"}],
        "annotations": [
            {"id": i, "video_id": 5, "category_id": (3, 9)[i % 2], "iscrowd": int(i == crowd)}
            | {"segmentations": [square(size) if size else None for size in sizes]}
            for i, sizes in enumerate(tracks)
        ],
    }  # fmt: skip


@settings(max_examples=40)
@given(
    st.integers(1, 4).flatmap(
        lambda t: st.lists(st.lists(st.integers(0, 8), min_size=t, max_size=t), min_size=1, max_size=4)
    )
)
def test_any_presence_of_tracks_is_kept(tracks):
    if not any(map(any, tracks)):
        return
    truth = truth_of(tracks)
    assert sorted(said_by(index_of(truth))) == said_by_file(read_dataset(truth))


def test_crowds_and_videos_without_objects_teach_nothing():
    truth = truth_of([[4, 4], [5, 5]], crowd=1)
    truth["videos"].append({"id": 6, "width": 12, "height": 8, "length": 1, "file_names": ["x.jpg"]})
    index = index_of(truth)
    assert [video.id for video in index.videos] == [5]
    assert {instance for _, _, instance, _, _ in said_by(index)} == {0}


def test_it_is_made_once_and_mapped_afterwards(tmp_path, monkeypatch):
    index_of(CLIPS, tmp_path)
    monkeypatch.setattr("training.annotation_index.read_dataset", lambda source: pytest.fail("read again"))
    again = index_of(CLIPS, tmp_path)
    assert isinstance(again.codes, np.memmap)


def test_coco_is_kept_under_each_data_set_s_categories(tmp_path, monkeypatch):
    file, cache = tmp_path / "coco.json", tmp_path / "cache"
    file.write_text(json.dumps(COCO))
    made = {target: said_by(index_of(file, cache, as_coco=target)) for target in ("ytvis_2021", "ovis")}
    assert made["ytvis_2021"] != made["ovis"]
    assert sorted(made["ovis"]) == said_by_file(read_dataset(coco_to_ytvis(COCO, "ovis")))
    monkeypatch.setattr("training.annotation_index.load_json", lambda source: pytest.fail("read again"))
    assert {target: said_by(index_of(file, cache, as_coco=target)) for target in made} == made


def test_another_process_is_handed_a_folder_instead_of_all_masks(tmp_path):
    index = index_of(CLIPS, tmp_path)
    packed = pickle.dumps(index)
    assert len(packed) < 1000
    again = pickle.loads(packed)
    assert isinstance(again.codes, np.memmap) and said_by(again) == said_by(index)
    in_memory = index_of(truth_of([[4, 4]]))
    assert said_by(pickle.loads(pickle.dumps(in_memory))) == said_by(in_memory)


def test_a_file_that_changed_is_read_again(tmp_path):
    file = tmp_path / "gt.json"
    file.write_text(json.dumps(truth_of([[4, 4]])))
    assert len(said_by(index_of(file, tmp_path / "cache"))) == 2
    file.write_text(json.dumps(truth_of([[4, 0]])))
    os.utime(file, ns=(1, 1))
    assert len(said_by(index_of(file, tmp_path / "cache"))) == 1


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path):
    (tmp_path / "cache").write_text("a file where the folder should be")
    assert said_by(index_of(CLIPS, tmp_path / "cache")) == said_by(index_of(CLIPS, tmp_path / "good"))


def test_a_ground_truth_that_teaches_nothing_is_refused():
    with pytest.raises(DataError, match="nothing to learn"):
        index_of(truth_of([[0, 0]]))
    truth = truth_of([[4, 4]])
    truth["videos"][0]["file_names"] = []
    with pytest.raises(DataError, match="no file_names"):
        index_of(truth)
