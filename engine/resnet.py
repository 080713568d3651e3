"""ResNet-50 as detectron2 builds it, the backbone of the published R50 checkpoints.

Input: normalised frames (N, 3, H, W). Output: the four feature maps at strides 4, 8, 16 and 32. The stride of a stage lies
on its first 3x3 convolution; batch norm is frozen (eps 1e-5). No classifier, no other depths.
Source: He et al. 2016; layout of detectron2/modeling/backbone/resnet.py (Apache-2.0).
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine import fused


class FrozenBatchNorm(nn.Module):
    """Batch norm with its statistics and affine numbers fixed for good."""

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.register_buffer("weight", torch.ones(channels))
        self.register_buffer("bias", torch.zeros(channels))
        self.register_buffer("running_mean", torch.zeros(channels))
        self.register_buffer("running_var", torch.ones(channels))

    def scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """What the norm does to a channel, as a factor and a summand: (C,), (C,)."""
        scale = self.weight * (self.running_var + 1e-5).rsqrt()
        return scale, self.bias - self.running_mean * scale


class ConvNorm(nn.Conv2d):
    """A convolution without bias, then frozen batch norm, which is applied to the weights: they are fewer than a map's numbers."""

    norm: FrozenBatchNorm | None

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> None:
        super().__init__(in_channels, out_channels, kernel, stride, padding=kernel // 2, bias=False)
        self.norm = FrozenBatchNorm(out_channels)

    def forward(self, x: Tensor, relu: bool = False, residual: Tensor | None = None) -> Tensor:
        """`residual`, of the result's shape, is added before the ReLU; it may be overwritten."""
        weight, bias = self._folded()
        margin = self.kernel_size[0] // 2
        return fused.conv2d(x, weight, bias, self.stride, (margin, margin), relu, residual)

    def fold(self) -> None:
        """Make the norm a part of the weights for good: for inference only, and under other names in a state dict."""
        weight, bias = self._folded()
        self.weight, self.bias = nn.Parameter(weight, requires_grad=False), nn.Parameter(bias, requires_grad=False)
        self.norm = None

    def _folded(self) -> tuple[Tensor, Tensor]:
        if self.norm is None:
            assert self.bias is not None
            return self.weight, self.bias
        scale, shift = self.norm.scale_and_shift()
        return self.weight * scale[:, None, None, None], shift


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1 convolutions around a residual."""

    def __init__(self, in_channels: int, channels: int, out_channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = ConvNorm(in_channels, channels, 1)
        self.conv2 = ConvNorm(channels, channels, 3, stride)
        self.conv3 = ConvNorm(channels, out_channels, 1)
        self.shortcut = ConvNorm(in_channels, out_channels, 1, stride) if in_channels != out_channels else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        y = self.conv2(self.conv1(x, relu=True), relu=True)
        return self.conv3(y, relu=True, residual=self.shortcut(x))


class ResNet50(nn.Module):
    """(N, 3, H, W) -> [(N, 256, H/4, W/4), (N, 512, H/8, W/8), (N, 1024, H/16, W/16), (N, 2048, H/32, W/32)]"""

    channels = (256, 512, 1024, 2048)

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.ModuleDict({"conv1": ConvNorm(3, 64, 7, stride=2)})
        self.res2 = _stage(64, 64, blocks=3, stride=1)
        self.res3 = _stage(256, 128, blocks=4, stride=2)
        self.res4 = _stage(512, 256, blocks=6, stride=2)
        self.res5 = _stage(1024, 512, blocks=3, stride=2)

    def forward(self, x: Tensor) -> list[Tensor]:
        x = F.max_pool2d(self.stem["conv1"](x, relu=True), kernel_size=3, stride=2, padding=1)
        maps = []
        for stage in (self.res2, self.res3, self.res4, self.res5):
            x = stage(x)
            maps.append(x)
        return maps


def _stage(in_channels: int, channels: int, blocks: int, stride: int) -> nn.Sequential:
    out_channels = 4 * channels
    first = Bottleneck(in_channels, channels, out_channels, stride)
    return nn.Sequential(first, *(Bottleneck(out_channels, channels, out_channels, 1) for _ in range(blocks - 1)))
