"""What a fine-tuning learns from: clips that show what was verified and say where nobody knows; nets for other categories."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import torch

from engine import Category, build_model
from engine.errors import ConfigError, DataError
from engine.masks import encode
from tests.nets import tiny_preset
from training.finetune_clips import TaughtClips, as_target, shares
from training.finetune_config import FinetuneConfig, propose, settings_help
from training.finetune_data import TaughtSet, held_out_dataset, read_taught
from training.finetune_model import adapt, blended

HEIGHT, WIDTH = 64, 96
CONFIG = FinetuneConfig(short_edge=64, clips=2, length=2)


def box(left: int, top: int, width: int = 24, height: int = 24) -> dict[str, Any]:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[top : top + height, left : left + width] = True
    return dict(encode(mask))


def tiny_snapshot(folder: Path, length: int = 4, held_out: bool = False) -> dict[str, Any]:
    """A white box (cat) that moves, verified; a grey one that nobody verified, a dark one that was rejected. With pictures."""
    videos, annotations, ignored, rejected = [], [], [], []
    for number in range(1, 3 if held_out else 2):
        names = [f"v{number}/{frame:05d}.jpg" for frame in range(length)]
        (folder / f"v{number}").mkdir(parents=True, exist_ok=True)
        for frame, name in enumerate(names):
            picture = np.full((HEIGHT, WIDTH, 3), 20, np.uint8)
            for (left, top), shade in (((4 + 6 * frame, 4), 255), ((4, 36), 128), ((60, 36), 60)):
                picture[top : top + 24, left : left + 24] = shade
            cv2.imwrite(str(folder / name), picture)
        place = {"width": WIDTH, "height": HEIGHT, "length": length}
        extra = {"frames": list(range(length)), "whole": [True] * length, "held_out": number == 2}
        videos.append({"id": number, **place, "file_names": names, **extra})
        moving = [box(4 + 6 * frame, 4) for frame in range(length)]
        annotations.append({"id": number, "video_id": number, "category_id": 5, "segmentations": moving})
        ignored.append({"video_id": number, "segmentations": [box(4, 36)] * length})
        rejected.append({"video_id": number, "segmentations": [box(60, 36)] * length})
    categories = [{"id": 2, "name": "dog"}, {"id": 5, "name": "cat"}]
    return {
        "videos": videos,
        "categories": categories,
        "annotations": annotations,
        "ignored": ignored,
        "rejected": rejected,
    }


@pytest.fixture
def taught(tmp_path: Path) -> TaughtSet:
    return read_taught("snapshot.json", tiny_snapshot(tmp_path))


def test_a_step_has_the_same_batch_whenever_it_is_drawn(taught: TaughtSet, tmp_path: Path) -> None:
    first, second = (TaughtClips(taught, tmp_path, CONFIG) for _ in range(2))
    second.batch(3)
    one, again, other = first.batch(7), second.batch(7), first.batch(8)
    assert torch.equal(one.frames, again.frames)
    assert one.frames.shape != other.frames.shape or not torch.equal(one.frames, other.frames)


@pytest.mark.parametrize("composed", [0.0, 1.0])
def test_masks_lie_on_what_they_show(taught: TaughtSet, tmp_path: Path, composed: float) -> None:
    clips = TaughtClips(taught, tmp_path, CONFIG.changed({"composed": composed}))
    shades: dict[str, list[float]] = {"cat": [], "ignored": [], "rejected": []}
    for step in range(20):
        batch = clips.batch(step)
        assert batch.frames.shape[:3] == (2, 2, 3) and batch.frames.shape[3] % 16 == 0
        for pictures, target in zip(batch.frames.float().mean(2), batch.targets, strict=True):
            assert target.doubt is not None and target.doubt.whole.all()
            assert set(target.labels.tolist()) <= {1}
            for name, mask in (
                ("cat", target.masks.any(0)),
                ("ignored", target.doubt.ignored),
                ("rejected", target.doubt.rejected),
            ):
                if mask.sum() > 200:
                    shades[name].append(pictures[mask].median().item())
    medians = {name: float(np.median(found)) for name, found in shades.items()}
    assert medians["cat"] > 180 > medians["ignored"] > 90 > medians["rejected"] > 25, medians


def test_a_frame_alone_makes_a_clip(tmp_path: Path) -> None:
    clips = TaughtClips(read_taught("snapshot.json", tiny_snapshot(tmp_path, length=1)), tmp_path, CONFIG)
    assert clips.batch(0).frames.shape[1] == 2


def test_held_out_videos_teach_nothing_and_judge(tmp_path: Path) -> None:
    both = read_taught("snapshot.json", tiny_snapshot(tmp_path, held_out=True))
    assert {video.video.id for video in both.teaching} == {1}
    assert set(held_out_dataset(both).videos) == {2}
    alone = TaughtSet(both.categories, tuple(video for video in both.videos if video.held_out))
    with pytest.raises(DataError, match="No verified mask teaches"):
        TaughtClips(alone, tmp_path, CONFIG)


def test_new_categories_together_are_drawn_a_third_of_the_time_or_more() -> None:
    few = shares({1: 4.0, 2: 4.0, 3: 1.0, 4: 1.0}, new={3, 4})
    assert few == pytest.approx([1 / 3, 1 / 3, 1 / 6, 1 / 6])
    many = shares({1: 1.0, 2: 1.0, 3: 2.0}, new={2, 3})
    assert many == pytest.approx([0.25, 0.25, 0.5]), "as they are where they have that much"
    assert shares({1: 1.0, 2: 3.0}, new=()) == pytest.approx([0.25, 0.75])
    assert shares({1: 2.0}, new={1}) == pytest.approx([1.0])
    assert shares({}, new={1}).size == 0


def test_a_clip_shows_a_new_category_more_often_than_as_one_of_many(tmp_path: Path) -> None:
    content = tiny_snapshot(tmp_path)
    others = [{"id": 10 + place, "name": f"other {place}"} for place in range(9)]
    kinds = [{**content["annotations"][0], "id": 10 + place, "category_id": 10 + place} for place in range(9)]
    crowd = content | {"categories": content["categories"] + others, "annotations": content["annotations"] + kinds}
    shown = {}
    for name, new in (("known", set[int]()), ("new", {1})):
        clips = TaughtClips(read_taught("snapshot.json", crowd), tmp_path, CONFIG, new=new)
        cast = [clips.composed(np.random.default_rng(seed), clips.pools[0][0][0], (64, 96))[0] for seed in range(40)]
        shown[name] = sum(int((clip.labels == 1).sum()) for clip in cast)
    assert shown["new"] > 1.2 * shown["known"] > 0, shown


def test_a_region_is_no_instance(taught: TaughtSet, tmp_path: Path) -> None:
    clips, seen = TaughtClips(taught, tmp_path, CONFIG), set[int]()
    for seed in range(6):
        clip, whole = clips.filmed(np.random.default_rng(seed), (taught.videos[0], 0), (64, 96))
        seen |= set(clip.labels.tolist())
        assert set(as_target(clip, whole).labels.tolist()) <= {1}
    assert seen == {-3, -2, 1}, "the regions were there"


def test_shared_categories_keep_their_weights_and_the_rest_of_the_net_too() -> None:
    torch.manual_seed(0)
    preset = tiny_preset((Category(1, "Cat"), Category(2, "dog"), Category(3, "bird")))
    parent = build_model(preset)
    wanted = (Category(1, "rabbit"), Category(4, "cat"), Category(9, "ghost"))
    model, found = adapt(parent, preset, wanted, taught={0}, name="child")
    old, new = parent.query_decoder.class_embed, model.query_decoder.class_embed
    assert torch.equal(new.weight[1], old.weight[0]) and torch.equal(new.weight[3], old.weight[3])
    torch.testing.assert_close(new.weight[0], old.weight[:3].mean(0))
    assert new.bias[2] < -20, "nobody teaches it, so the net never says it"
    for name, tensor in parent.state_dict().items():
        assert "class_embed" in name or torch.equal(model.state_dict()[name], tensor)
    assert (found.name, found.model.num_classes, found.categories, found.top_k) == ("child", 3, wanted, 3)


def test_a_silenced_category_that_is_taught_starts_fresh() -> None:
    preset = tiny_preset()
    parent = build_model(preset)
    with torch.no_grad():
        parent.query_decoder.class_embed.bias[1] = -30.0
    taught, _ = adapt(parent, preset, preset.categories, {1}, "child")
    left, _ = adapt(parent, preset, preset.categories, {0}, "child")
    assert taught.query_decoder.class_embed.bias[1] > -20 > left.query_decoder.class_embed.bias[1]


def test_a_blended_net_lies_between_two_and_changes_neither() -> None:
    start, trained = build_model(tiny_preset()), build_model(tiny_preset())
    name, weights = "query_decoder.class_embed.weight", (start.state_dict(), trained.state_dict())
    before, after = (state[name].clone() for state in weights)
    torch.testing.assert_close(blended(start, trained, 0.25).state_dict()[name], 0.75 * before + 0.25 * after)
    for share, expected in ((0.0, weights[0]), (1.0, weights[1])):
        found = dict(blended(start, trained, share).named_parameters())
        assert all(torch.equal(expected[each], found[each]) for each in found)
    assert torch.equal(weights[0][name], before) and torch.equal(weights[1][name], after)


def test_a_proposal_grows_with_the_data_and_every_setting_is_explained() -> None:
    few, many = propose(tiny_preset(), 3, 0), propose(tiny_preset(), 60, 0)
    assert few.trained == "decoder" and many.trained == "no backbone" and many.steps > few.steps
    assert propose(tiny_preset(), 60, 1).steps > many.steps
    assert many.short_edge == 64
    assert set(settings_help()) == set(FinetuneConfig().to_dict()) and all(settings_help().values())


@pytest.mark.parametrize(
    "values", [{"steps": 0}, {"clips": 1.5}, {"learning_rate": float("nan")}, {"trained": "some"}, {"colour": 1}]
)
def test_settings_that_make_no_sense_are_named(values: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match=next(iter(values))):
        FinetuneConfig().changed(values)
