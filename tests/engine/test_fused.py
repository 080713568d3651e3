"""Fused layers, and nets tuned for inference: the same results as one step after the other."""

import copy

import pytest
import torch
import torch.nn.functional as F

from engine import build_model, fused, tuning
from engine.errors import CtvisError
from engine.layers import Remembered
from engine.resnet import ConvNorm, ResNet50
from engine.tuning import tune
from tests.nets import tiny_preset

CLOSE = {torch.float32: 1e-5, torch.bfloat16: 2e-2, torch.float64: 1e-12}
dtypes = pytest.mark.parametrize("dtype", CLOSE)


@dtypes
@pytest.mark.parametrize("activation", ["none", "relu"])
def test_a_linear_layer_with_its_activation(dtype, activation):
    torch.manual_seed(0)
    x, weight, bias = (torch.randn(*shape).to(dtype) for shape in ((2, 50, 32), (48, 32), (48,)))
    expected = F.linear(x.double(), weight.double(), bias.double())
    expected = expected.relu() if activation == "relu" else expected
    scale = CLOSE[dtype] * expected.abs().max()
    recorded = fused.linear(x, weight, bias, activation)
    with torch.inference_mode():
        at_once = fused.linear(x, weight, bias, activation)
    for found in (recorded, at_once):
        assert found.dtype == dtype and (found.double() - expected).abs().max() <= scale


@dtypes
@pytest.mark.parametrize("relu", [True, False])
@pytest.mark.parametrize("with_residual", [True, False])
def test_a_convolution_with_its_residual_and_its_activation(dtype, relu, with_residual):
    torch.manual_seed(0)
    x, weight, bias, residual = (
        torch.randn(*shape).to(dtype) for shape in ((2, 16, 20, 30), (24, 16, 3, 3), (24,), (2, 24, 10, 15))
    )
    x = x.contiguous(memory_format=torch.channels_last)
    expected = F.conv2d(x.double(), weight.double(), bias.double(), stride=2, padding=1)
    expected = expected + residual.double() if with_residual else expected
    expected = expected.relu() if relu else expected

    def found():
        added = residual.clone(memory_format=torch.channels_last) if with_residual else None
        return fused.conv2d(x, weight, bias, (2, 2), (1, 1), relu, added)

    recorded = found()
    with torch.inference_mode():
        at_once = found()
    for result in (recorded, at_once):
        assert (result.double() - expected).abs().max() <= CLOSE[dtype] * expected.abs().max()


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_the_short_softmax_is_softmax_also_for_large_numbers(dtype):
    logits = torch.randn(7, 3, 12, dtype=dtype) * torch.tensor([1.0, 100, 10000], dtype=dtype)[:, None]
    with torch.inference_mode():
        torch.testing.assert_close(fused.short_softmax(logits), logits.softmax(-1))


def test_the_layers_fuse_under_autocast_in_its_dtype():
    layer = torch.nn.Linear(8, 4)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert fused.linear(torch.ones(2, 8), layer.weight, layer.bias, "relu").dtype == torch.bfloat16


def test_what_inference_remembers_can_be_trained_with():
    made = []
    ones = Remembered(lambda size: made.append(size) or torch.ones(size))
    with torch.inference_mode():
        ones(3)
    weight = torch.ones(3, requires_grad=True)
    (weight * ones(3)).sum().backward()
    assert made == [3] and weight.grad.tolist() == [1, 1, 1]
    assert ones(4).shape == (4,) and ones(3).shape == (3,) and made == [3, 4, 3]  # only the last is kept


def test_nets_train_after_they_were_used_and_see_in_another_dtype_and_size():
    torch.manual_seed(0)
    net = build_model(tiny_preset())
    frames = torch.randint(0, 256, (2, 3, 64, 96), dtype=torch.uint8)
    with torch.inference_mode():
        single = net(frames)
        assert net(frames[..., :64]).masks.shape[-1] == 16
    sum(tensor.sum() for tensor in net(frames)).backward()
    with torch.inference_mode():
        double = copy.deepcopy(net).double()(frames)
    assert double.masks.dtype == torch.float64
    torch.testing.assert_close(double.masks.float(), single.masks, rtol=1e-3, atol=1e-3)


def test_nets_train_under_autocast_on_a_cpu():
    torch.manual_seed(0)
    net = build_model(tiny_preset())
    frames = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    with torch.autocast("cpu", torch.bfloat16):
        outputs = net.layer_outputs(frames)
    sum(tensor.float().square().mean() for output in outputs for tensor in output).backward()
    heads = [tensor.grad for name, tensor in net.named_parameters() if name.startswith(("pixel_decoder.", "query_dec"))]
    assert all(grad is not None and grad.isfinite().all() for grad in heads)


def test_each_part_is_traced_whole_for_compiling():
    torch.manual_seed(0)
    net = build_model(tiny_preset())
    frames = torch.randint(0, 256, (1, 3, 64, 64), dtype=torch.uint8)
    with torch.inference_mode():
        features = net.features(frames)
        expected = net.query_decoder(features)
        maps = net.backbone(net.prepare(frames))
        traced = [torch.compile(p, backend="eager", fullgraph=True) for p in (net.pixel_decoder, net.query_decoder)]
        found = traced[1](traced[0](maps))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-4)


def scattered_resnet():
    """With norms as after training, not the identity that they start as."""
    torch.manual_seed(0)
    backbone = ResNet50().eval()
    for name, tensor in backbone.named_buffers():
        if name.endswith(("weight", "running_var")):
            tensor.uniform_(0.5, 1.5)
        else:
            tensor.normal_(0, 0.2)
    return backbone


def test_resnet_with_its_norms_folded_for_good_gives_the_same_maps():
    backbone = scattered_resnet().double()
    frames = torch.randn(1, 3, 64, 64, dtype=torch.float64)
    with torch.no_grad():
        before = backbone(frames)
        for module in list(backbone.modules()):
            if isinstance(module, ConvNorm):
                module.fold()
        after = backbone(frames)
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("autocast", [None, torch.bfloat16, torch.float16])
def test_a_tuned_net_says_what_it_said_before(autocast):
    torch.manual_seed(0)
    net = build_model(tiny_preset())
    frames = torch.randint(0, 256, (1, 3, 64, 96), dtype=torch.uint8)
    dtype = autocast or torch.bfloat16
    with torch.inference_mode(), torch.autocast("cpu", dtype, enabled=autocast is not None):
        before = net(frames)
        tune(net, autocast)
        after = net(frames)
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other)


def test_compiling_without_a_compiler_is_refused_in_a_sentence(monkeypatch):
    monkeypatch.setattr(tuning.shutil, "which", lambda name: None)
    with pytest.raises(CtvisError, match=r"needs a C\+\+ compiler"):
        tune(build_model(tiny_preset()), compiled=True)
