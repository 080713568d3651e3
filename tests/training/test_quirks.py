"""The recipe's numbers per preset, and what the released code does that the paper does not say: each has a switch, by name."""

from dataclasses import replace

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from engine import FrameOutput
from engine.build import find_preset
from engine.errors import ConfigError
from tests.discs import write_discs
from tests.nets import tiny_preset
from tests.training.test_contrastive import seeded
from training.annotation_index import index_of
from training.augmentation import Augmentation, video_matrices
from training.clip_batch import ClipBatch, ClipTarget, clip_loss
from training.config import TrainConfig
from training.contrastive import contrastive_loss
from training.criterion import Criterion
from training.dataset_clips import ClipShape, DatasetClips, source_of
from training.recipes import recipe_for
from training.settings import changed


@pytest.mark.parametrize(
    ("preset", "frames", "reach", "coco_to_video"),
    [
        ("ytvis_2019_r50", 10, 20, 1 / 1.5),
        ("ytvis_2021_r50", 10, 20, 1 / 0.8),
        ("ytvis_2022_r50", 10, 20, 1 / 0.8),
        ("ovis_r50", 10, 15, 1 / 0.75),
        ("ytvis_2019_swin_l", 8, 16, 1 / 1.5),
        ("ovis_swin_l", 6, 10, 1 / 0.75),
    ],
)
def test_every_preset_has_its_published_numbers(preset, frames, reach, coco_to_video):
    recipe = recipe_for(find_preset(preset))
    assert (recipe.batch, recipe.frames, recipe.reach) == (16, frames, reach)
    assert recipe.coco_share / (1 - recipe.coco_share) == pytest.approx(coco_to_video)
    train = recipe.train
    assert (train.steps, train.learning_rate, train.backbone_factor, train.weight_decay) == (16_000, 1e-4, 0.1, 0.05)
    assert (train.clip_norm, train.warmup, train.points) == (0.01, 0.0, 12_544)
    assert (train.recipe, train.positive, train.miscount, train.second_matching) == ("reference", "coin", True, True)
    assert (train.noise, train.rivals_only, recipe.mixed) == (0.0, False, False)
    assert recipe.augmentation == Augmentation()  # whose numbers test_dataset_clips.py has


def test_the_paper_s_recipe_has_noise_in_the_bank_and_one_matching():
    train = recipe_for(find_preset("ytvis_2019_r50"), "paper").train
    assert (train.recipe, train.second_matching) == ("paper", False)
    assert train.noise > 0


def test_noise_in_the_released_code_becomes_an_anchor():
    embeds = torch.randn(3, 1, 1, 8, generator=seeded(1), dtype=torch.float64)  # one query: the noise can be only it
    query, valid = torch.zeros(3, 1, 1, dtype=torch.int64), torch.tensor([True, False, True]).reshape(3, 1, 1)
    quiet, noisy = (contrastive_loss(embeds, valid, query, positive="last", noise=noise) for noise in (0.0, 1.0))
    first, stray, last = embeds[:, 0, 0]
    # Frame 1's item is the stray one: its only other query is the instance's own, so it has no negative. Frame 2's positive is it.
    expected = F.softplus(last @ stray - last @ stray) / 2
    torch.testing.assert_close(noisy.reid, expected)
    torch.testing.assert_close(quiet.reid, F.softplus(last @ stray - last @ first))


def test_the_miscount_of_absences_drops_items():
    embeds = torch.randn(4, 1, 3, 8, generator=seeded(2))
    query, valid = torch.zeros(4, 1, 1, dtype=torch.int64), torch.tensor([False, True, False, True]).reshape(4, 1, 1)
    # Seen first in frame 1, absent once later: 1 = 1, so the released code takes it for never seen again.
    losses = [contrastive_loss(embeds, valid, query, positive="last", miscount=miscount) for miscount in (True, False)]
    with_item = F.softplus(torch.logsumexp(embeds[0, 0] @ embeds[1, 0, 0], 0) - embeds[1, 0, 0] @ embeds[3, 0, 0])
    other = F.softplus(torch.logsumexp(embeds[2, 0] @ embeds[3, 0, 0], 0) - embeds[3, 0, 0] @ embeds[1, 0, 0])
    torch.testing.assert_close(losses[0].reid, other)
    torch.testing.assert_close(losses[1].reid, (with_item + other) / 2)


class _Scripted(torch.nn.Module):
    """A net that says what it is told to."""

    def __init__(self, output: FrameOutput) -> None:
        super().__init__()
        self.output, self.frame_format = output, tiny_preset().frame

    def layer_outputs(self, frames: torch.Tensor) -> list[FrameOutput]:
        return [self.output]


def test_the_second_matching_reads_truth_without_the_padding_of_the_frames():
    """Frames of 40 rows are padded to 64. Query 0 sees rows 0..31, as the object is; stretched over the padding, query 1 fits."""
    masks = torch.full((2, 2, 16, 16), -9.0)
    masks[:, 0, :8], masks[:, 1, :13] = 9.0, 9.0
    embeds = torch.randn(2, 2, 4, generator=seeded(3))
    model = _Scripted(FrameOutput(torch.zeros(2, 2, 3), masks, embeds))
    truth = torch.zeros(1, 2, 40, 64, dtype=torch.bool)
    truth[:, :, :32] = True
    batch = ClipBatch(torch.zeros(1, 2, 3, 40, 64, dtype=torch.uint8), [ClipTarget(torch.tensor([0]), truth)])
    for second, query in ((False, 0), (True, 1)):
        config = TrainConfig(second_matching=second, positive="last")
        told = clip_loss(model, batch, Criterion(2, points=256), config).terms["reid"]  # type: ignore[arg-type]
        anchor, positive, negative = embeds[1, query], embeds[0, query], embeds[0, 1 - query]
        assert told == pytest.approx(F.softplus(anchor @ negative - anchor @ positive).item(), rel=1e-5)


def test_a_video_s_window_stays_as_released_or_moves():
    how = Augmentation(crop_chance=1.0)
    still, _ = video_matrices(np.random.default_rng(1), (720, 1280), 4, how)
    moving, _ = video_matrices(np.random.default_rng(1), (720, 1280), 4, replace(how, moving_window=True))
    assert (still == still[0]).all()
    assert np.array_equal(still[0], moving[0]), "it starts where the other one stays"
    assert len({matrix[:, 2].tobytes() for matrix in moving}) == 4


def test_a_batch_comes_from_one_data_set_as_released_or_from_several(tmp_path):
    write_discs(tmp_path, (3, 1))
    index = index_of(tmp_path / "gt.json", tmp_path / "cache")
    sources = [source_of(index, tmp_path, index.categories[k : k + 1], reach=1) for k in range(2)]
    for mixed in (False, True):
        shape, how = ClipShape(3, 1), Augmentation().at_scale(0.2)
        clips = DatasetClips(sources, shape, how, 12, (0, 0, 0), mixed=mixed)
        # Each source knows one of the two discs, so the number of its net category tells nothing, but its colour does.
        colours = [
            {int((frames[0][:, mask[0]].float().mean(1)[:2]).argmax()) for frames, target in pairs for mask in target.masks}
            for pairs in (list(zip(batch.frames, batch.targets, strict=True)) for batch in map(clips.__getitem__, range(12)))
        ]  # fmt: skip
        assert any(len(seen) == 2 for seen in colours) == mixed


def test_any_number_of_a_recipe_can_be_set_by_name():
    recipe = changed(
        recipe_for(find_preset("demo")),
        [
            "noise=0.05",
            "positive = momentum",
            "mixed=yes",
            "moving_window=true",
            "reach=7",
            "second_matching=off",
            "short_edges=96,128",
        ],
    )
    assert (recipe.train.noise, recipe.train.positive, recipe.train.second_matching) == (0.05, "momentum", False)
    assert (recipe.mixed, recipe.augmentation.moving_window, recipe.reach) == (True, True, 7)
    assert recipe.augmentation.short_edges == (96, 128)
    for text, sentence in [
        ("nois=1", 'no setting "nois". Settings: .*noise'),
        ("noise=much", '"noise" is "much", but must be a number'),
        ("positive=first", "must be coin, last, momentum"),
        ("mixed=2", "must be true or false"),
        ("short_edges=wide", "must be whole numbers with commas"),
        ("noise", "is not NAME=VALUE"),
        ("frozen=backbone.", 'no setting "frozen"'),
    ]:
        with pytest.raises(ConfigError, match=sentence):
            changed(recipe, [text])
