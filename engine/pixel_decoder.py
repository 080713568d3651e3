"""The pixel decoder: backbone maps in, mask features and three encoded maps out.

A deformable transformer encoder works on strides 32, 16 and 8 at once; one FPN step brings the result to stride 4.
Source: Cheng et al. 2022, Mask2Former, MSDeformAttnPixelDecoder (MIT).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine import fused
from engine.deform_attn import DeformableAttention, Grid, pixel_grid
from engine.layers import Conv2d, Linear, Remembered, level_encodings

NORM_GROUPS = 32


class PixelFeatures(NamedTuple):
    """mask_features: (N, C, H/4, W/4); levels: three maps (N, C, h, w), strides 32, 16, 8."""

    mask_features: Tensor
    levels: list[Tensor]


class EncoderLayer(nn.Module):
    """Deformable attention over all levels, then a feed-forward, each residual and normed afterwards."""

    def __init__(self, dim: int, num_heads: int, levels: int, points: int, ffn_dim: int) -> None:
        super().__init__()
        self.self_attn = DeformableAttention(dim, num_heads, levels, points)
        self.norm1 = nn.LayerNorm(dim)
        self.linear1 = Linear(dim, ffn_dim)
        self.linear2 = Linear(ffn_dim, dim)
        self.norm2 = nn.LayerNorm(dim)

    def forward(self, x: Tensor, position: Tensor, grid: Grid) -> Tensor:
        source = fused.as_computed(x)
        x = self.norm1(x + self.self_attn(source + position, source, grid))
        return self.norm2(x + self.linear2(self.linear1(x, "relu")))


class PixelDecoder(nn.Module):
    """`channels`: of the backbone's maps at strides 4, 8, 16, 32."""

    def __init__(
        self,
        channels: tuple[int, ...],
        dim: int,
        mask_dim: int,
        num_heads: int,
        layers: int,
        ffn_dim: int,
        points: int,
    ) -> None:
        super().__init__()
        finest, *coarser = channels
        levels = len(coarser)
        self.num_heads, self.points = num_heads, points
        self.input_proj = nn.ModuleList(
            nn.Sequential(Conv2d(width, dim, 1), GroupNorm(NORM_GROUPS, dim)) for width in reversed(coarser)
        )
        self.level_embed = nn.Parameter(torch.randn(levels, dim))
        self.encoder = nn.ModuleList(EncoderLayer(dim, num_heads, levels, points, ffn_dim) for _ in range(layers))
        self.lateral = nn.Sequential(
            Conv2d(finest, dim, 1, bias=False), GroupNorm(NORM_GROUPS, dim, half_at_inference=True)
        )
        self.output = nn.Sequential(
            Conv2d(dim, dim, 3, padding=1, bias=False), GroupNorm(NORM_GROUPS, dim, half_at_inference=True)
        )
        self.mask_features = Conv2d(dim, mask_dim, 1)
        self._encodings = Remembered(level_encodings)
        self._grid = Remembered(pixel_grid)

    def forward(self, maps: list[Tensor]) -> PixelFeatures:
        """maps: the backbone's, finest (stride 4) first."""
        finest, *coarser = maps
        projected = [project(map_) for project, map_ in zip(self.input_proj, reversed(coarser), strict=True)]
        sizes = tuple((map_.shape[-2], map_.shape[-1]) for map_ in projected)
        tokens = torch.cat([map_.flatten(2).transpose(1, 2) for map_ in projected], dim=1)  # (N, S, C)
        position = fused.as_computed(self._positions(sizes, tokens))
        grid = self._grid(sizes, self.num_heads, self.points, tokens.dtype, tokens.device)
        for layer in self.encoder:
            tokens = layer(tokens, position, grid)
        parts = tokens.split([height * width for height, width in sizes], dim=1)
        levels = [part.unflatten(1, size).permute(0, 3, 1, 2) for part, size in zip(parts, sizes, strict=True)]
        lateral = self.lateral(finest)
        coarse = levels[-1].to(lateral.dtype)
        upsampled = F.interpolate(coarse, size=lateral.shape[-2:], mode="bilinear", align_corners=False)
        fine = self.output(lateral.add_(upsampled))  # both are of no more use: no third map of their size
        return PixelFeatures(self.mask_features(F.relu(fine, inplace=fine.dtype == torch.float32)), levels)

    def _positions(self, sizes: tuple[tuple[int, int], ...], like: Tensor) -> Tensor:
        """Where a token lies and on which level: (S, C)."""
        encodings = self._encodings(sizes, like.shape[-1], like.dtype, like.device)
        return torch.cat([encoding + level for encoding, level in zip(encodings, self.level_embed, strict=True)])


class GroupNorm(nn.GroupNorm):
    """In float32 at least, also where autocast would not do so (on a CPU): places and encodings follow its dtype.

    half_at_inference: leave half precision as it comes, where the result goes into a convolution, and no gradient back.
    """

    def __init__(self, groups: int, channels: int, half_at_inference: bool = False) -> None:
        super().__init__(groups, channels)
        self.half_at_inference = half_at_inference

    def forward(self, x: Tensor) -> Tensor:
        if self.half_at_inference and not torch.is_grad_enabled():
            return super().forward(x)
        return super().forward(x.to(torch.promote_types(x.dtype, torch.float32)))
