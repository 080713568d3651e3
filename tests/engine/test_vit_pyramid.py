"""Plain vision transformers as backbones: four maps out of their last one, frames of any size, patches of any width."""

import pytest
import timm
import torch

from engine import Category, FrameFormat, build_model, load_model, save_checkpoint
from engine.presets import own_preset
from engine.timm_backbone import TimmBackbone, frame_format
from engine.vit_pyramid import FeaturePyramid

TINY = {
    "num_queries": 4,
    "hidden_dim": 32,
    "mask_dim": 32,
    "embed_dim": 32,
    "num_heads": 4,
    "encoder_layers": 1,
    "encoder_ffn": 32,
    "decoder_layers": 1,
    "decoder_ffn": 32,
}


def test_one_map_becomes_four_of_which_the_third_is_itself():
    pyramid = FeaturePyramid(16)
    x = torch.randn(2, 16, 4, 6)
    maps = pyramid(x)
    assert [tuple(m.shape) for m in maps] == [(2, 4, 16, 24), (2, 8, 8, 12), (2, 16, 4, 6), (2, 16, 2, 3)]
    assert tuple(m.shape[1] for m in maps) == pyramid.channels
    assert torch.equal(maps[2], x)
    assert torch.equal(maps[3], x.unfold(2, 2, 2).unfold(3, 2, 2).amax((-1, -2)))


@pytest.mark.parametrize("size", [(64, 96), (160, 32)])
def test_a_plain_transformer_gives_maps_at_four_strides_whatever_the_frame(size):
    backbone = TimmBackbone("test_vit").eval()
    with torch.no_grad():
        maps = backbone(torch.randn(1, 3, *size))
    assert [tuple(m.shape) for m in maps] == [
        (1, channels, size[0] // stride, size[1] // stride)
        for channels, stride in zip(backbone.channels, (4, 8, 16, 32), strict=True)
    ]


@pytest.mark.parametrize("patch", [8, 14])
def test_a_patch_of_another_width_still_covers_sixteen_pixels(patch):
    backbone = TimmBackbone("test_vit").eval()
    backbone.body = timm.create_model("test_vit", features_only=True, dynamic_img_size=True, patch_size=patch)
    backbone.patch = patch
    with torch.no_grad():
        maps = backbone(torch.randn(1, 3, 64, 96))
    assert [tuple(m.shape[-2:]) for m in maps] == [(16, 24), (8, 12), (4, 6), (2, 3)]


def test_a_net_on_a_transformer_is_built_learns_and_is_stored_like_any_other(tmp_path):
    preset = own_preset("mine", "test_vit", (Category(1, "cat"),), **TINY)
    model = build_model(preset)
    output = model(torch.zeros(1, 3, 40, 70))
    assert output.masks.shape == (1, 4, 16, 24)
    (output.logits.sum() + output.masks.sum()).backward()
    assert all(parameter.grad is not None for parameter in model.backbone.pyramid.parameters())
    save_checkpoint(model, preset, tmp_path / "mine.safetensors")
    again, its_preset = load_model(tmp_path / "mine.safetensors")
    assert its_preset == preset
    with torch.no_grad():
        torch.testing.assert_close(again(torch.zeros(1, 3, 40, 70)).logits, output.logits, rtol=1e-4, atol=1e-4)


def test_frames_are_normalised_as_the_backbones_own_weights_expect():
    assert frame_format("convnext_atto") == FrameFormat()
    assert frame_format("vit_tiny_patch16_224", short_edge=320).mean == (127.5, 127.5, 127.5)
    preset = own_preset("mine", "vit_tiny_patch16_224", (Category(1, "cat"),))
    assert preset.frame.std == (127.5, 127.5, 127.5)
    assert own_preset("mine", "resnet50", (Category(1, "cat"),)).frame == FrameFormat()
