"""Composited clips: the ground truth is what the picture shows."""

from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image
from torch.utils.data import DataLoader

from engine.errors import DataError
from training.backgrounds import Scene, load_scenes, plain_scene, random_texture
from training.clips import Cast, ClipBatches, ClipSampler
from training.motion import VISIT_FRAMES, affine, chain, inverse, random_camera, visit
from training.sources import CATEGORIES, Library, Objects, without_water
from training.sprites import Sprite, load_sprites
from training.synthetic import MIN_AREA, Actor, Clip, clip_from_ids, compose, paste

SIZE = (48, 80)


def solid(colour: tuple[int, int, int], category: int | None, kind: str = "emoji3d", side: int = 40) -> Sprite:
    pixels = np.full((side, side, 4), (*colour, 255), np.uint8)
    return Sprite(pixels, category, kind, f"square-{category}", "MIT")


def still_actor(colour: tuple[int, int, int], category: int | None, x: float, y: float, side: int = 20) -> Actor:
    pixels = np.full((side, side, 4), (*colour, 255), np.float32)
    return Actor(pixels, np.array([[[1, 0, x], [0, 1, y]]], float), category)


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library of three sprites and three scenes, written the way the real one is."""
    built = Library(tmp_path)
    for split, name, colour in (("train", "a", (200, 30, 30)), ("heldout", "b", (30, 30, 200))):
        picture = np.zeros((64, 64, 4), np.uint8)
        picture[16:48, 8:56] = (*colour, 255)
        built.add_sprite("emoji3d", name, "dog", Image.fromarray(picture), split, "MIT")
    built.add_sprite("stamp", "crate", None, Image.fromarray(np.full((70, 70, 4), 255, np.uint8)), "train", "GPL")
    grey = Image.fromarray(np.full((120, 160, 3), 128, np.uint8))
    ids = np.zeros((120, 160), np.uint8)
    ids[40:80, 40:120] = 1
    built.add_scene("photo", "plain", grey, "train", "CC0-1.0")
    built.add_scene("photo", "busy", grey, "train", "CC0-1.0", Objects(ids, [CATEGORIES.index("cat")]))
    built.add_scene("photo", "unseen", grey, "heldout", "CC0-1.0")
    built.save_index()
    return tmp_path


def test_the_same_seed_gives_the_same_clip_and_another_seed_another() -> None:
    def clip(seed: int) -> Clip:
        rng = np.random.default_rng(seed)
        return compose(rng, random_texture(rng, (60, 100)), [solid((250, 0, 0), 7)], SIZE, 4, 3.0)

    first, again, other = clip(1), clip(1), clip(2)
    assert np.array_equal(first.frames, again.frames)
    assert np.array_equal(first.masks, again.masks)
    assert not np.array_equal(first.frames, other.frames)


def test_masks_are_exactly_the_pixels_that_show_the_object() -> None:
    black = plain_scene(np.zeros((60, 100, 3), np.uint8), "black")
    for seed in range(8):
        red, blue = solid((255, 0, 0), 7), solid((0, 0, 255), 13)
        clip = compose(np.random.default_rng(seed), black, [red, blue], SIZE, 6, 2.0, degrade=False)
        for mask, label in zip(clip.masks, clip.labels, strict=True):
            mine, other = clip.frames[..., 0 if label == 7 else 2], clip.frames[..., 2 if label == 7 else 0]
            inside = np.stack([cv2.erode(frame.astype(np.uint8), np.ones((3, 3))) for frame in mask]).astype(bool)
            assert (mine[inside].astype(int) > other[inside].astype(int) + 60).all()
        nobody = ~clip.masks.any(axis=0)
        assert np.median(clip.frames[nobody]) == 0


def test_no_pixel_belongs_to_two_objects() -> None:
    rng = np.random.default_rng(3)
    cast = [solid((255, 0, 0), 7, side=90), solid((0, 255, 0), 13, side=90), solid((0, 0, 255), 14, side=90)]
    clip = compose(rng, random_texture(rng, (60, 100)), cast, SIZE, 5, 4.0)
    assert clip.masks.sum(axis=0).max() == 1


def test_whoever_is_pasted_later_hides_those_below() -> None:
    frame, ids = np.zeros((*SIZE, 3), np.uint8), np.zeros(SIZE, np.uint8)
    paste(frame, ids, still_actor((255, 0, 0), 7, 10, 10), 0, 1)
    paste(frame, ids, still_actor((0, 0, 255), 13, 20, 10), 0, 2)
    assert np.count_nonzero(ids == 1) == 10 * 20
    assert np.count_nonzero(ids == 2) == 20 * 20
    assert tuple(frame[15, 25]) == (0, 0, 255)


def test_an_occluder_hides_an_object_and_belongs_to_nobody() -> None:
    frame, ids = np.zeros((*SIZE, 3), np.uint8), np.zeros(SIZE, np.uint8)
    paste(frame, ids, still_actor((255, 0, 0), 7, 10, 10), 0, 1)
    paste(frame, ids, still_actor((9, 9, 9), None, 10, 10, side=12), 0, 0)
    assert np.count_nonzero(ids) == 20 * 20 - 12 * 12


def test_a_pixel_covered_by_less_than_half_stays_with_what_is_below() -> None:
    frame, ids = np.zeros((*SIZE, 3), np.uint8), np.zeros(SIZE, np.uint8)
    actor = still_actor((255, 0, 0), 7, 10, 10)
    actor.pixels[:] = (100, 0, 0, 100)
    paste(frame, ids, actor, 0, 1)
    assert not ids.any()
    assert frame[15, 15, 0] == 100


def test_an_actor_wholly_outside_leaves_the_frame_as_it_is() -> None:
    frame, ids = np.full((*SIZE, 3), 7, np.uint8), np.zeros(SIZE, np.uint8)
    for x, y in ((-60, 5), (200, 5), (5, -60), (5, 90)):
        paste(frame, ids, still_actor((255, 0, 0), 7, x, y), 0, 1)
    assert not ids.any()
    assert (frame == 7).all()


def test_slivers_count_as_hidden_and_objects_that_never_show_are_left_out() -> None:
    ids = np.zeros((2, *SIZE), np.uint8)
    ids[0, :4, :10] = 1
    ids[1, 0, : MIN_AREA - 1] = 1
    ids[:, 20, : MIN_AREA - 1] = 2
    clip = clip_from_ids(np.zeros((2, *SIZE, 3), np.uint8), ids, np.array([5, 6]))
    assert clip.labels.tolist() == [5]
    assert clip.visible.tolist() == [[True, False]]


def test_a_photo_s_own_object_keeps_its_label_and_moves_with_the_picture() -> None:
    image, ids = np.zeros((120, 200, 3), np.uint8), np.zeros((120, 200), np.uint8)
    image[30:90, 50:150], ids[30:90, 50:150] = 255, 1
    scene = Scene(image, ids, (3,), "box", "CC0-1.0")
    for seed in range(5):
        clip = compose(np.random.default_rng(seed), scene, [], SIZE, 4, 4.0, degrade=False)
        assert clip.labels.tolist() == [3]
        shown = clip.frames[..., 0] > 127
        assert (shown ^ clip.masks[0]).sum() < 0.05 * clip.masks[0].sum()


def test_the_camera_never_looks_past_the_scene() -> None:
    for seed in range(30):
        rng = np.random.default_rng(seed)
        camera = random_camera(rng, 4.0 * np.arange(8), (90, 130), SIZE, 1.0)
        corners = np.array([[0, 80, 0, 80], [0, 0, 48, 48], [1, 1, 1, 1]], float)
        for matrix in camera:
            x, y = inverse(matrix) @ corners
            assert x.min() > -1e-6
            assert y.min() > -1e-6
            assert x.max() < 130 + 1e-6
            assert y.max() < 90 + 1e-6


def test_a_visit_leaves_the_picture_and_comes_back() -> None:
    times = np.arange(VISIT_FRAMES + 1, dtype=float)
    path = visit(np.random.default_rng(0), times, np.array([60.0, 20.0]), SIZE, 10.0)
    outside = (path[:, 0] > SIZE[1] + 10) | (path[:, 0] < -10)
    assert not outside[0]
    assert outside.any()
    assert not outside[-1]


def test_placing_takes_the_centre_to_the_position_and_the_inverse_takes_it_back() -> None:
    one = np.ones(1)
    matrix = affine(2 * one, 0.3 * one, 0.1 * one, np.array([[30.0, 20.0]]), (8.0, 5.0), flip=True)
    assert np.allclose(matrix[0] @ (8, 5, 1), (30, 20))
    assert np.allclose(chain(inverse(matrix[0])[None], matrix)[0], [[1, 0, 0], [0, 1, 0]])


def test_held_out_sprites_and_scenes_never_reach_training(library: Path) -> None:
    assert [sprite.name for sprite in load_sprites(library, "train")] == ["emoji3d-a", "stamp-crate"]
    assert [sprite.name for sprite in load_sprites(library, "heldout")] == ["emoji3d-b"]
    assert {scene.name for scene in load_scenes(library, "train")} == {"photo-plain", "photo-busy"}


def test_a_library_that_was_never_built_is_named_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"training\.sources"):
        load_sprites(tmp_path, "train")


def test_a_category_without_photos_is_cast_from_the_drawn_ones() -> None:
    drawn, photo = solid((1, 2, 3), 7), solid((1, 2, 3), 13, kind="coco")
    cast = Cast.of([drawn, photo])
    rng = np.random.default_rng(0)
    assert cast.pick(rng, photo=True, category=7) is drawn
    assert cast.pick(rng, photo=False, category=13) is photo


@pytest.mark.parametrize(("mode", "length"), [("single", 1), ("clip", 3)])
def test_a_worker_s_batches_share_one_size_and_every_clip_shows_something(library: Path, mode, length: int) -> None:
    batches = ClipBatches(library, mode, batch_size=3, length=length, sizes=[SIZE, (32, 48)], seed=5)
    for batch in islice(DataLoader(batches, batch_size=None, num_workers=1), 4):
        assert batch.frames.shape[:3] == (3, length, 3)
        assert batch.frames.shape[3:] in {SIZE, (32, 48)}
        for target in batch.targets:
            assert target.masks.shape == (len(target.labels), length, *batch.frames.shape[3:])
            assert target.masks.flatten(1).any(dim=1).all()
            assert len(target.labels) > 0


def test_another_seed_draws_other_batches(library: Path) -> None:
    first, other = (next(iter(ClipBatches(library, "single", 2, sizes=[SIZE], seed=seed))) for seed in (0, 1))
    assert not first.frames.equal(other.frames)


def test_a_crowded_photo_is_left_alone() -> None:
    ids = np.zeros((60, 90), np.uint8)
    crowd = Scene(np.zeros((60, 90, 3), np.uint8), ids, tuple([0] * 40), "crowd", "")
    assert ClipSampler([solid((1, 2, 3), 7)], [crowd]).annotated == []


def test_the_waves_under_a_drawn_boat_become_transparent() -> None:
    picture = np.full((100, 50, 4), (200, 80, 40, 255), np.uint8)
    picture[80:] = (70, 150, 240, 255)
    alpha = np.array(without_water(Image.fromarray(picture)))[..., 3]
    assert (alpha[:80] == 255).all()
    assert (alpha[80:] == 0).all()
