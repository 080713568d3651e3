"""3x3 convolutions by Winograd's method: what a plain convolution gives, for any size, within rounding."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from engine import winograd
from engine.layers import Conv2d
from engine.resnet import Bottleneck
from engine.winograd import Conv3x3, replace_convolutions

pytestmark = pytest.mark.skipif(
    not winograd.is_available(), reason="engine._C is not built (CTVIS_OP=cpu pip install --no-build-isolation -e .)"
)

CASES = [
    (1, 32, 32, 1, 1),
    (2, 64, 32, 9, 14),
    (1, 48, 80, 4, 8),
    (3, 32, 1, 5, 3),
    (1, 7, 5, 2, 250),
    (1, 256, 256, 30, 54),
]


def layer_and_frames(batch: int, inner: int, outer: int, height: int, width: int) -> tuple[Conv2d, torch.Tensor]:
    torch.manual_seed(height)
    return Conv2d(inner, outer, 3, padding=1), torch.randn(batch, inner, height, width)


@pytest.mark.parametrize("relu", [False, True])
@pytest.mark.parametrize("case", CASES, ids=str)
def test_it_gives_what_a_plain_convolution_gives(case: tuple[int, ...], relu: bool) -> None:
    layer, frames = layer_and_frames(*case)
    assert layer.bias is not None
    exact = F.conv2d(frames.double(), layer.weight.double(), layer.bias.double(), padding=1)
    with torch.inference_mode():
        got = Conv3x3(layer.weight, layer.bias)(frames, relu)
    assert got.shape == exact.shape
    assert (got - (exact.relu() if relu else exact)).abs().max() <= 3e-5 * exact.std()


def test_pixels_may_lie_in_memory_in_any_order() -> None:
    layer, frames = layer_and_frames(2, 32, 32, 12, 20)
    convolution = Conv3x3(layer.weight, layer.bias)
    with torch.inference_mode():
        last, first = (
            convolution(frames.to(memory_format=order)) for order in (torch.channels_last, torch.contiguous_format)
        )
        strided = convolution(torch.cat([frames, frames], dim=1)[:, :32])
    assert torch.equal(last, first) and torch.equal(last, strided)


def test_what_is_no_number_stays_near_where_it_is() -> None:
    layer, frames = layer_and_frames(1, 32, 32, 40, 40)
    frames[0, 0, 20, 20] = torch.nan
    with torch.inference_mode():
        spoilt = Conv3x3(layer.weight, layer.bias)(frames, relu=True).isnan().any(1)[0]
    rows, columns = spoilt.nonzero(as_tuple=True)
    assert spoilt[19:22, 19:22].all() and rows.min() >= 16 and rows.max() < 24 and columns.min() >= 16


def test_only_what_becomes_faster_is_replaced_and_the_block_says_the_same() -> None:
    torch.manual_seed(0)
    blocks = nn.Sequential(
        Bottleneck(64, 32, 128, 2), Bottleneck(128, 32, 128, 1), Conv2d(128, 512, 3, padding=1)
    ).eval()
    frames = torch.rand(1, 64, 24, 20)
    with torch.inference_mode():
        before = blocks(frames)
        for block in (blocks[0], blocks[1]):
            for layer in (block.conv1, block.conv2, block.conv3):
                layer.fold()
        blocks.requires_grad_(False)
        replace_convolutions(blocks)
        after = blocks(frames)
    assert [isinstance(layer, Conv3x3) for layer in (blocks[0].conv2, blocks[1].conv2, blocks[2])] == [
        False,
        True,
        False,
    ]
    torch.testing.assert_close(after, before)


@pytest.mark.parametrize(
    "number, top, rows", [(2, 0, 1), (-1, 0, 1), (0, 2, 1), (0, 0, 3), (0, -1, 1)], ids=lambda value: str(value)
)
def test_kernels_never_reach_beyond_their_tensors(number: int, top: int, rows: int) -> None:
    with pytest.raises(RuntimeError, match="winograd: there is no such picture"):
        torch.ops.ctvis.spread_tiles(torch.zeros(2, 8, 8, 32), number, top, rows)
    with pytest.raises(RuntimeError, match="winograd: there is no such picture"):
        torch.ops.ctvis.gather_tiles(
            torch.zeros(36, 2 * rows if rows > 0 else 0, 32),
            torch.zeros(32),
            False,
            torch.zeros(2, 8, 8, 32),
            number,
            top,
            rows,
        )


def test_kernels_refuse_what_does_not_fit_together() -> None:
    pixels, bias = torch.zeros(1, 8, 8, 32), torch.zeros(32)
    for products, shift in (
        (torch.zeros(36, 3, 32), bias),
        (torch.zeros(35, 4, 32), bias),
        (torch.zeros(36, 4, 32), bias[1:]),
    ):
        with pytest.raises(RuntimeError, match="winograd: products must be"):
            torch.ops.ctvis.gather_tiles(products, shift, False, pixels, 0, 0, 2)
    for wrong in (pixels.double(), pixels.transpose(1, 2).permute(0, 3, 1, 2), pixels[0]):
        with pytest.raises(RuntimeError, match="winograd: tensors must be float32"):
            torch.ops.ctvis.spread_tiles(wrong, 0, 0, 1)
