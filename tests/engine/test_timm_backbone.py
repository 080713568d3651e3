"""Backbones of timm by name: maps at four strides, frozen norms folded into the convolutions."""

import copy

import pytest
import timm
import torch
from timm.layers import freeze_batch_norm_2d
from torch import nn

from engine.errors import CtvisError
from engine.layers import Conv2d
from engine.timm_backbone import STRIDES, NormedConv, TimmBackbone


@pytest.mark.parametrize(
    "name", ["efficientnet_lite0", "resnet18", "mobilenetv3_small_050", "tf_efficientnet_lite0", "convnext_atto"]
)
def test_folding_the_norms_changes_neither_the_maps_nor_the_names(name):
    torch.manual_seed(0)
    backbone = TimmBackbone(name).double()
    indices = tuple(range(-4, 0)) if name != "resnet18" else (1, 2, 3, 4)
    plain = freeze_batch_norm_2d(timm.create_model(name, features_only=True, out_indices=indices)).double()
    _scatter_norms(plain)
    backbone.body.load_state_dict(plain.state_dict())
    frames = torch.randn(2, 3, 64, 96, dtype=torch.float64)
    with torch.no_grad():
        for ours, theirs in zip(backbone(frames), plain(frames), strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("name", ["efficientnet_lite0", "mobilenetv3_small_050", "tf_efficientnet_lite0"])
def test_convolutions_that_took_their_norms_for_good_give_the_same_maps(name):
    torch.manual_seed(0)
    backbone = TimmBackbone(name)
    _scatter_norms(backbone.body)
    frames = torch.randn(2, 3, 64, 96)
    with torch.inference_mode():
        before = backbone(frames)
        normed = [module for module in backbone.modules() if isinstance(module, NormedConv)]
        for module in normed:
            module.fold()
        for ours, theirs in zip(backbone(frames), before, strict=True):
            torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-4)
    assert normed and all(type(module) is (Conv2d if module.groups == 1 else nn.Conv2d) for module in normed)


def test_a_copy_of_a_backbone_follows_its_own_weights():
    backbone = TimmBackbone("efficientnet_lite0")
    twin = copy.deepcopy(backbone)
    frames = torch.randn(1, 3, 64, 64)
    with torch.no_grad():
        before = backbone(frames)
        for tensor in (*twin.parameters(), *twin.buffers()):
            tensor.mul_(0.5)
        assert torch.equal(backbone(frames)[0], before[0])
        assert not torch.equal(twin(frames)[0], before[0])


def test_maps_with_their_channels_last_are_turned():
    backbone = TimmBackbone("test_mambaout").eval()
    with torch.no_grad():
        maps = backbone(torch.randn(1, 3, 64, 96))
    assert [tuple(m.shape[1:]) for m in maps] == [
        (channels, 64 // stride, 96 // stride) for channels, stride in zip(backbone.channels, STRIDES, strict=True)
    ]


def test_a_net_that_takes_pictures_of_one_size_only_is_refused():
    with pytest.raises(CtvisError, match='"test_maxvit" does not take frames of every size'):
        TimmBackbone("test_maxvit")


def test_a_net_that_lacks_a_stride_is_refused():
    with pytest.raises(CtvisError, match=r'"visformer_tiny" gives maps at strides \[8, 16, 32\], but \[4\] are needed'):
        TimmBackbone("visformer_tiny")


def test_a_name_that_timm_lacks_is_said():
    with pytest.raises(CtvisError, match='no backbone "resnet_of_dreams"'):
        TimmBackbone("resnet_of_dreams")


def _scatter_norms(body: torch.nn.Module) -> None:
    """Norms as after training, not the identity that they start as."""
    for name, tensor in (*body.named_parameters(), *body.named_buffers()):
        if "running_var" in name or ("bn" in name and name.endswith("weight")):
            tensor.data.uniform_(0.5, 1.5)
        elif "running_mean" in name or ("bn" in name and name.endswith("bias")):
            tensor.data.normal_(0, 0.2)
