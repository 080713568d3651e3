"""3x3 convolutions on a CPU with a quarter of the multiplications, by Winograd's method F(4x4, 3x3), for inference in float32.

A tile of 6x6 pixels is spread into 36 numbers a channel, each of which is multiplied by its own matrix of the filters; from the 36
products 4x4 pixels of the result are gathered. Spreading and gathering are the kernels of engine/csrc/winograd.cpp, the
products PyTorch's. Rounding errs by about 1e-5 of the spread of the result, where a plain convolution errs by 1e-6. Where the
binary was not built, nothing is replaced. Not here: gradients, half precision, strides.
Source: Lavin and Gray 2016, Fast Algorithms for Convolutional Neural Networks, section 4.
"""

import torch
from torch import Tensor, nn

from engine.layers import Conv2d
from engine.resnet import ConvNorm

STEP = 4  # pixels from one tile to the next
NEAR, FAR = 0.5**0.5, 2**0.5  # the points of the polynomials are 0, +-NEAR, +-FAR and infinity, as in the kernels
TILES = 200  # that are worked on at a time, so that they stay in the processor's cache
CHANNELS = range(32, 257)  # outside, reading the matrices or the passes over the tiles cost more than is saved


class Conv3x3(nn.Module):
    """What a 3x3 convolution of stride 1 and margin 1 does. (N, C_in, H, W) -> (N, C_out, H, W), channels last"""

    filters: Tensor
    bias: Tensor

    def __init__(self, weight: Tensor, bias: Tensor | None = None) -> None:
        """weight: (C_out, C_in, 3, 3)"""
        super().__init__()
        self.register_buffer("filters", spread_filters(weight))
        self.register_buffer("bias", weight.new_zeros(len(weight)) if bias is None else bias.detach())

    def forward(self, x: Tensor, relu: bool = False) -> Tensor:
        pixels = x.permute(0, 2, 3, 1).contiguous()
        batch, height, width, _ = pixels.shape
        result = x.new_empty(batch, height, width, len(self.bias))
        rows = -(-height // STEP)
        at_once = max(1, TILES * STEP // width)
        for frame in range(batch):
            for top in range(0, rows, at_once):
                count = min(at_once, rows - top)
                tiles = torch.ops.ctvis.spread_tiles(pixels, frame, top, count)
                torch.ops.ctvis.gather_tiles(torch.bmm(tiles, self.filters), self.bias, relu, result, frame, top, count)
        return result.permute(0, 3, 1, 2)


def is_available() -> bool:
    """Whether the kernels were built."""
    return torch._C._dispatch_has_kernel_for_dispatch_key("ctvis::spread_tiles", "CPU")


def replace_convolutions(model: nn.Module) -> None:
    """Put this in the place of a net's convolutions where it is faster. In float32, norms folded; for inference only."""
    for parent in list(model.modules()):
        for name, child in list(parent.named_children()):
            if isinstance(child, Conv2d | ConvNorm) and _is_faster(child):
                setattr(parent, name, Conv3x3(child.weight, child.bias))


def spread_filters(weight: Tensor) -> Tensor:
    """(C_out, C_in, 3, 3) -> (36, C_in, C_out)"""
    points = torch.tensor([0, NEAR, -NEAR, FAR, -FAR], dtype=torch.float64)
    slopes = torch.tensor([1, -1.5, -1.5, 6, 6], dtype=torch.float64)  # of the product of all (x - point), at each
    powers = torch.stack([points**power for power in range(3)], dim=1) / slopes[:, None]
    spread = torch.cat([powers, torch.tensor([[0.0, 0, 1]], dtype=torch.float64)])  # (6, 3); infinity last
    matrices = torch.einsum("oihw,yh,xw->yxio", weight.detach().double(), spread, spread)
    return matrices.flatten(0, 1).to(weight.dtype).contiguous()


def _is_faster(layer: nn.Conv2d) -> bool:
    shape = layer.kernel_size == (3, 3) and layer.stride == (1, 1) and layer.padding == (1, 1)
    widths = layer.in_channels in CHANNELS and layer.out_channels in CHANNELS
    return shape and widths and layer.weight.dtype == torch.float32
