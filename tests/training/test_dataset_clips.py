"""Clips from annotated data sets: masks stay on their objects through every cut and turn, and a step's batch is always the same."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch

from engine.config import Category
from engine.errors import DataError
from tests.discs import HEIGHT, WIDTH, write_discs
from training.annotation_index import index_of
from training.augmentation import Augmentation, image_matrices, looked_at, video_matrices
from training.dataset_clips import ClipShape, DatasetClips, near, source_of

LENGTH = 6
MEAN = (124.0, 116.0, 104.0)
HOW = Augmentation().at_scale(0.25)
CATEGORIES = (Category(1, "Red"), Category(2, "green"))


@pytest.fixture
def scene(tmp_path):
    """A video of two discs, and a picture."""
    write_discs(tmp_path, (LENGTH, 1))
    return tmp_path


def clips_of(scene, clips=2, frames=3, steps=8, **options) -> DatasetClips:
    source = source_of(index_of(scene / "gt.json", scene / "cache"), scene, CATEGORIES, reach=3)
    return DatasetClips([source], ClipShape(clips, frames), HOW, steps, MEAN, **options)


def test_masks_lie_on_their_objects_in_every_frame(scene):
    seen = 0
    for batch in map(clips_of(scene, steps=12).__getitem__, range(12)):
        for frames, target in zip(batch.frames, batch.targets, strict=True):
            for label, track in zip(target.labels.tolist(), target.masks, strict=True):
                channel = (0, 1)[label]  # red, green
                for picture, mask in zip(frames, track, strict=True):
                    inner = cv2.erode(mask.numpy().astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
                    if inner.any():
                        seen += 1
                        colours = picture.numpy()[:, inner].mean(1)
                        assert colours.argmax() == channel and colours[channel] > 200
    assert seen > 40


def test_a_clip_is_frames_of_one_time_in_their_order():
    rng = np.random.default_rng(1)
    for _ in range(200):
        chosen = near(rng, 30, 5, 4)
        assert len(chosen) == 5 and chosen == sorted(chosen)
        assert chosen[-1] - chosen[0] <= 8 and chosen[0] >= 0 and chosen[-1] < 30
    assert near(rng, 1, 4, 4) == [0, 0, 0, 0]
    assert any(len(set(near(rng, 30, 5, 4))) < 5 for _ in range(50))  # drawn with replacement, as published


def test_the_batch_of_a_step_is_always_the_same_and_of_no_other_step(scene):
    first, again = clips_of(scene), clips_of(scene)
    assert torch.equal(first[3].frames, again[3].frames)
    assert all(torch.equal(a.masks, b.masks) for a, b in zip(first[3].targets, again[3].targets, strict=True))
    assert not torch.equal(first[3].frames, first[4].frames)
    assert not torch.equal(first[3].frames, clips_of(scene, seed=1)[3].frames)
    assert not torch.equal(first[3].frames, clips_of(scene, rank=1, world=2)[3].frames)


def test_clips_of_other_sizes_are_padded_with_the_mean_colour(scene):
    batch = next(
        b for b in map(clips_of(scene, clips=4).__getitem__, range(8)) if (b.frames[:, 0, :, -1, -1] == 124).any()
    )
    corner = batch.frames[:, 0, :, -1, -1]
    assert [124, 116, 104] in corner.tolist()
    assert all(target.masks.shape[-2:] == batch.frames.shape[-2:] for target in batch.targets)


def test_a_pseudo_video_turns_one_way_and_its_window_moves():
    rng = np.random.default_rng(3)
    turning = 0
    for _ in range(30):
        matrices, _ = image_matrices(rng, (HEIGHT, WIDTH), 5, HOW)
        angles = np.degrees(
            np.arctan2(matrices[:, 1, 0], matrices[:, 0, 0] * np.sign(np.linalg.det(matrices[:, :, :2])))
        )
        steps = np.diff(angles)
        assert (steps >= -1e-6).all() or (steps <= 1e-6).all()
        turning += np.ptp(angles) > 1
    assert turning > 20
    matrices, _ = video_matrices(rng, (HEIGHT, WIDTH), 5, HOW)
    assert (matrices == matrices[0]).all()  # a video moves by itself


def test_objects_of_another_picture_are_pasted_over_and_hide_what_they_cover(tmp_path):
    write_discs(tmp_path, (1, 1))
    source = source_of(index_of(tmp_path / "gt.json", tmp_path / "cache"), tmp_path, CATEGORIES, reach=0)
    pasted = 0
    for chance in (0.0, 1.0):
        how = replace(HOW, paste_chance=chance)
        for batch in map(DatasetClips([source], ClipShape(1, 2), how, 16, MEAN).__getitem__, range(16)):
            (target,) = batch.targets
            pasted += len(target.labels) > 2
            assert len(target.labels) <= 2 or chance
            assert (target.masks.sum(0) <= 1).all(), "of two objects the upper one alone is seen"
            assert target.masks.flatten(1).any(1).all()
            for label, track in zip(target.labels.tolist(), target.masks, strict=True):
                for picture, mask in zip(batch.frames[0], track, strict=True):
                    inner = cv2.erode(mask.numpy().astype(np.uint8), np.ones((5, 5), np.uint8)).astype(bool)
                    if inner.any():
                        assert picture.numpy()[:, inner].mean(1).argmax() == label
    assert pasted > 4


def test_published_numbers_are_kept_and_scale():
    how = Augmentation()
    assert how.short_edges == (320, 352, 384, 416, 448, 480, 512, 544, 576, 608, 640)
    assert (how.max_edge, how.crop_from, how.crop_edges, how.turn) == (768, (400, 500, 600), (384, 600), 15.0)
    assert (how.crop_chance, how.turn_centre, how.moving_window, how.paste_chance) == (0.5, (0.4, 0.6), False, 0.0)
    rng = np.random.default_rng(0)
    for _ in range(200):
        _, size = video_matrices(rng, (720, 1280), 2, how)
        assert max(size) <= 768 and min(size) <= 640


def test_looking_without_change_changes_nothing():
    picture = np.random.default_rng(0).integers(0, 255, (9, 11, 3), dtype=np.uint8)
    assert np.array_equal(looked_at(picture, np.eye(2, 3), (9, 11)), picture)
    assert np.array_equal(looked_at(picture, np.array([[-1.0, 0, 10], [0, 1, 0]]), (9, 11)), picture[:, ::-1])


def test_categories_are_paired_by_name_and_unknown_ones_left_out(scene):
    index = index_of(scene / "gt.json", scene / "cache")
    source = source_of(index, scene, (Category(7, "blue"), Category(8, "GREEN")), reach=3)
    assert source.labels == (None, 1)
    batch = DatasetClips([source], ClipShape(2, 2), HOW, 1, MEAN)[0]
    assert all((target.labels == 1).all() for target in batch.targets)
    with pytest.raises(DataError, match="no category name in common"):
        source_of(index, scene, (Category(1, "blue"),), reach=3)


def test_a_missing_picture_and_one_of_another_size_are_named(scene):
    for t in range(LENGTH):
        (scene / "1" / f"{t}.png").unlink()
    cv2.imwrite(str(scene / "2" / "0.png"), np.zeros((10, 10, 3), np.uint8))
    clips, sentences = clips_of(scene), set()
    for step in range(8):
        with pytest.raises(DataError) as error:
            clips[step]
        sentences.add("missing" if "missing or cannot be read" in str(error.value) else "size")
        assert "missing or cannot be read" in str(error.value) or "10x10 pixels" in str(error.value)
    assert sentences == {"missing", "size"}
