"""Annotated clips on disk: what is written can be read back, and what is shipped fits its ground truth."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from engine import masks
from engine.errors import DataError
from engine.video import open_video
from training.backgrounds import plain_scene
from training.clipset import ClipWriter, footage_clips
from training.metrics import evaluate
from training.sprites import Sprite
from training.staged import SCRIPTS, Role, Script, perform, refuse_closed
from training.synthetic import Clip
from training.ytvis import read_dataset, read_results

SHIPPED = Path(__file__).parents[2] / "assets" / "clips"


def crossing() -> Clip:
    """A white square that moves to the right over black and is gone in the last of five frames."""
    frames = np.zeros((5, 64, 96, 3), np.uint8)
    shown = np.zeros((1, 5, 64, 96), bool)
    for t in range(4):
        shown[0, t, 20:50, 10 * t : 10 * t + 30] = True
    frames[shown[0]] = 255
    return Clip(frames, shown, np.array([7]))


def test_written_annotations_read_back_as_the_same_masks(tmp_path: Path) -> None:
    writer, clip = ClipWriter(tmp_path), crossing()
    writer.add_pictures("0000", clip)
    writer.save("test")
    dataset = read_dataset(tmp_path / "annotations.json")
    (instance,) = dataset.instances
    assert dataset.categories[instance.category_id].name == "dog"
    assert instance.segmentations[4] is None
    for code, mask in zip(instance.segmentations[:4], clip.masks[0], strict=False):
        assert code is not None
        assert np.array_equal(masks.decode(code), mask)
    assert open_video(tmp_path / "0000").length == 5


def test_the_truth_scores_a_perfect_result_against_itself(tmp_path: Path) -> None:
    writer = ClipWriter(tmp_path)
    writer.add_pictures("0000", crossing())
    writer.save("test")
    dataset = read_dataset(tmp_path / "annotations.json")
    (instance,) = dataset.instances
    found = {"video_id": 1, "category_id": 8, "score": 0.9, "segmentations": list(instance.segmentations)}
    assert evaluate(dataset, read_results([found], dataset)).stats["AP"] == pytest.approx(1)


def test_an_encoded_clip_shows_the_objects_where_the_masks_say(tmp_path: Path) -> None:
    writer, clip = ClipWriter(tmp_path), crossing()
    writer.add_video("square", clip)
    with open_video(tmp_path / "square.mp4") as video:
        assert (video.length, video.fps) == (5, pytest.approx(15))
        for index, rgb in video:
            white = rgb.mean(axis=2) > 127
            assert (white ^ clip.masks[0, index]).sum() <= 0.04 * 30 * 30


@pytest.mark.parametrize("name", [script.name for script in SCRIPTS])
def test_a_shipped_clip_has_the_frames_that_its_ground_truth_describes(name: str) -> None:
    dataset = read_dataset(SHIPPED / "annotations.json")
    (video,) = [v for v in dataset.videos.values() if v.file_names[0].startswith(f"{name}/")]
    with open_video(SHIPPED / f"{name}.mp4") as source:
        assert (source.width, source.height, source.length) == (video.width, video.height, video.length)


def test_shipped_masks_end_where_the_picture_has_edges() -> None:
    """Moved two pixels aside, the masks' outlines lie on far weaker edges than in their place."""
    dataset = read_dataset(SHIPPED / "annotations.json")
    video = dataset.videos[1]
    with open_video(SHIPPED / f"{video.file_names[0].split('/')[0]}.mp4") as source:
        picture = cv2.cvtColor(source.frame(40), cv2.COLOR_RGB2GRAY).astype(np.float32)
    edges = np.hypot(cv2.Sobel(picture, cv2.CV_32F, 1, 0), cv2.Sobel(picture, cv2.CV_32F, 0, 1))
    outline = np.zeros(picture.shape, bool)
    for instance in dataset.instances:
        code = instance.segmentations[40] if instance.video_id == 1 else None
        if code is not None:
            mask = masks.decode(code).astype(np.uint8)
            outline |= cv2.morphologyEx(mask, cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0
    elsewhere = [edges[np.roll(outline, shift, axis=(0, 1))].mean() for shift in ((4, 0), (-4, 0), (0, 4), (0, -4))]
    assert edges[outline].mean() > 1.5 * max(elsewhere)


def test_every_shipped_clip_is_credited_with_its_licence() -> None:
    credits = (SHIPPED / "CREDITS.md").read_text()
    for file in SHIPPED.glob("*.mp4"):
        (row,) = [line for line in credits.splitlines() if line.startswith(f"| `{file.name}`")]
        assert any(licence in row for licence in ("MIT", "OFL", "CC-BY", "Apache-2.0"))


def test_the_rabbit_of_the_real_clip_is_outlined_where_it_is_grey_and_the_hill_is_green() -> None:
    name, clip = next(footage_clips(SHIPPED))
    assert name == "bigbuckbunny"
    for frame, mask in zip(clip.frames.astype(int), clip.masks[0], strict=True):
        greenness = frame[..., 1] - frame[..., [0, 2]].max(-1)
        ring = cv2.dilate(mask.astype(np.uint8), np.ones((61, 61))) - mask
        assert greenness[mask].mean() < 0 < greenness[ring > 0].mean()


def test_a_role_follows_its_path_and_the_later_one_hides_the_earlier() -> None:
    scene = plain_scene(np.zeros((360, 640, 3), np.uint8), "black")
    cast = [Sprite(np.full((40, 40, 4), 255, np.uint8), category, "noto", "", "OFL-1.1") for category in (7, 13)]
    roles = (Role("", 0.25, ((0.5, 0.5),)), Role("", 0.25, ((0.1, 0.5), (0.5, 0.5), (1.4, 0.5))))
    clip = perform(Script("test", "", 9, roles), scene, cast)
    still, mover = clip.masks
    assert mover[4].sum() > 0.9 * mover[0].sum()
    assert still[4].sum() < 0.1 * still[0].sum()
    assert not mover[8].any()


def test_material_that_may_not_be_passed_on_is_refused_by_name() -> None:
    closed = plain_scene(np.zeros((4, 4, 3), np.uint8), "wallpaper-dune", "GPL")
    open_one = plain_scene(np.zeros((4, 4, 3), np.uint8), "photo-coffee", "CC0-1.0")
    refuse_closed("clip", [open_one])
    with pytest.raises(DataError, match=r"wallpaper-dune \(GPL\)"):
        refuse_closed("clip", [open_one, closed])
