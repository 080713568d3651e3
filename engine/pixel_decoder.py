"""The pixel decoder: backbone maps in, mask features and three encoded maps out.

A deformable transformer encoder works on strides 32, 16 and 8 at once; one FPN step brings the result to stride 4.
Source: Cheng et al. 2022, Mask2Former, MSDeformAttnPixelDecoder (MIT).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.deform_attn import DeformableAttention
from engine.layers import sine_position_encoding

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
        self.linear1 = nn.Linear(dim, ffn_dim)
        self.linear2 = nn.Linear(ffn_dim, dim)
        self.norm2 = nn.LayerNorm(dim)

    def forward(self, x: Tensor, position: Tensor, reference: Tensor, sizes: list[tuple[int, int]]) -> Tensor:
        x = self.norm1(x + self.self_attn(x + position, reference, x, sizes))
        return self.norm2(x + self.linear2(F.relu(self.linear1(x))))


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
        self.input_proj = nn.ModuleList(
            nn.Sequential(nn.Conv2d(width, dim, 1), GroupNorm(NORM_GROUPS, dim)) for width in reversed(coarser)
        )
        self.level_embed = nn.Parameter(torch.randn(levels, dim))
        self.encoder = nn.ModuleList(EncoderLayer(dim, num_heads, levels, points, ffn_dim) for _ in range(layers))
        self.lateral = nn.Sequential(nn.Conv2d(finest, dim, 1, bias=False), GroupNorm(NORM_GROUPS, dim))
        self.output = nn.Sequential(nn.Conv2d(dim, dim, 3, padding=1, bias=False), GroupNorm(NORM_GROUPS, dim))
        self.mask_features = nn.Conv2d(dim, mask_dim, 1)

    def forward(self, maps: list[Tensor]) -> PixelFeatures:
        """maps: the backbone's, finest (stride 4) first."""
        finest, *coarser = maps
        projected = [project(map_) for project, map_ in zip(self.input_proj, reversed(coarser), strict=True)]
        sizes = [(map_.shape[-2], map_.shape[-1]) for map_ in projected]
        tokens = torch.cat([map_.flatten(2).transpose(1, 2) for map_ in projected], dim=1)  # (N, S, C)
        position = self._positions(sizes, tokens)
        reference = _pixel_centres(sizes, tokens)
        for layer in self.encoder:
            tokens = layer(tokens, position, reference, sizes)
        parts = tokens.split([height * width for height, width in sizes], dim=1)
        levels = [part.transpose(1, 2).unflatten(2, size) for part, size in zip(parts, sizes, strict=True)]
        lateral = self.lateral(finest)
        upsampled = F.interpolate(levels[-1], size=lateral.shape[-2:], mode="bilinear", align_corners=False)
        return PixelFeatures(self.mask_features(F.relu(self.output(lateral + upsampled))), levels)

    def _positions(self, sizes: list[tuple[int, int]], like: Tensor) -> Tensor:
        """Where a token lies and on which level: (S, C)."""
        dim = like.shape[-1]
        return torch.cat(
            [
                sine_position_encoding(height, width, dim, like).flatten(1).t() + level
                for (height, width), level in zip(sizes, self.level_embed, strict=True)
            ]
        )


class GroupNorm(nn.GroupNorm):
    """In float32 at least, also where autocast would not do so (on a CPU): places and encodings follow its dtype."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.to(torch.promote_types(x.dtype, torch.float32)))


def _pixel_centres(sizes: list[tuple[int, int]], like: Tensor) -> Tensor:
    """The centre of each pixel of each level as (x, y) in 0..1: (S, 2)."""
    centres = []
    for height, width in sizes:
        y = (torch.arange(height, dtype=like.dtype, device=like.device) + 0.5) / height
        x = (torch.arange(width, dtype=like.dtype, device=like.device) + 0.5) / width
        grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
        centres.append(torch.stack((grid_x, grid_y), dim=-1).flatten(0, 1))
    return torch.cat(centres)
