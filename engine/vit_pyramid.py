"""Four maps from the one that a plain vision transformer gives: the simple feature pyramid of ViTDet.

In: the last map at stride 16. Out: maps at strides 4, 8, 16 and 32, each made from it directly. The convolutions that ViTDet
puts behind each map are left out: the pixel decoder projects every map by itself.
"""

from timm.layers import LayerNorm2d
from torch import Tensor, nn


class FeaturePyramid(nn.Module):
    """(N, C, H/16, W/16) -> maps (N, channels[i], H/s, W/s) for s = 4, 8, 16, 32. H/16 and W/16 must be even."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        # Li et al., Exploring Plain Vision Transformer Backbones for Object Detection (2022), section 3.
        self.maps = nn.ModuleList(
            (
                nn.Sequential(_doubled(dim, dim // 2), LayerNorm2d(dim // 2), nn.GELU(), _doubled(dim // 2, dim // 4)),
                _doubled(dim, dim // 2),
                nn.Identity(),
                nn.MaxPool2d(2),
            )
        )
        self.channels: tuple[int, ...] = (dim // 4, dim // 2, dim, dim)

    def forward(self, x: Tensor) -> list[Tensor]:
        return [resample(x) for resample in self.maps]


def _doubled(dim: int, out_dim: int) -> nn.ConvTranspose2d:
    """(N, dim, H, W) -> (N, out_dim, 2H, 2W)"""
    return nn.ConvTranspose2d(dim, out_dim, kernel_size=2, stride=2)
