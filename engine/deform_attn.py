"""Multi-scale deformable self-attention: every pixel of every level looks at a few learned places on all levels.

Input: flattened maps (N, S, C) and the `Grid` of their pixels. The sampling itself is `ops.py`.
Source: Zhu et al. 2021, Deformable DETR, section 4.1 (Apache-2.0).
"""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn

from engine import fused
from engine.layers import Linear
from engine.ops import ms_deform_attn


class Grid(NamedTuple):
    """Where the pixels of all levels lie, in the layout of sampling offsets: M heads, L levels, P points, then x and y.

    Written out in full, since adding a few numbers to each short row of many is slow.
    """

    sizes: tuple[tuple[int, int], ...]  # (height, width) of each level
    centres: Tensor  # (S, M*L*P*2) in 0..1: the centre of pixel s, over and over
    extents: Tensor  # (M*L*P*2,) in pixels: width and height of the level


def pixel_grid(
    sizes: tuple[tuple[int, int], ...], heads: int, points: int, dtype: torch.dtype, device: torch.device | None = None
) -> Grid:
    """The grid of levels of these sizes."""
    centres = []
    for height, width in sizes:
        y = (torch.arange(height, dtype=dtype, device=device) + 0.5) / height
        x = (torch.arange(width, dtype=dtype, device=device) + 0.5) / width
        grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
        centres.append(torch.stack((grid_x, grid_y), dim=-1).flatten(0, 1))
    extents = torch.tensor([(width, height) for height, width in sizes], dtype=dtype, device=device)
    repeats = heads * len(sizes) * points
    return Grid(
        sizes, torch.cat(centres).repeat(1, repeats), extents[None, :, None].repeat(heads, 1, points, 1).flatten()
    )


class DeformableAttention(nn.Module):
    """`points` sampling places per head and level, offset from the reference point in pixels of that level."""

    def __init__(self, dim: int, num_heads: int, levels: int, points: int) -> None:
        super().__init__()
        self.num_heads, self.levels, self.points = num_heads, levels, points
        self.sampling_offsets = Linear(dim, num_heads * levels * points * 2)
        self.attention_weights = Linear(dim, num_heads * levels * points)
        self.value_proj = Linear(dim, dim)
        self.output_proj = Linear(dim, dim)
        self._start_as_a_star()

    def _start_as_a_star(self) -> None:
        """Each head looks in its own direction, each point one step farther out; weights start equal."""
        angle = torch.arange(self.num_heads) * (2 * math.pi / self.num_heads)
        direction = torch.stack((angle.cos(), angle.sin()), dim=-1)
        direction = direction / direction.abs().amax(dim=-1, keepdim=True)
        steps = torch.arange(1, self.points + 1)[:, None]
        star = (direction[:, None, None] * steps).expand(-1, self.levels, -1, -1)  # (M, levels, points, 2)
        nn.init.zeros_(self.sampling_offsets.weight)
        nn.init.zeros_(self.attention_weights.weight)
        nn.init.zeros_(self.attention_weights.bias)
        with torch.no_grad():
            self.sampling_offsets.bias.copy_(star.flatten())
        for linear in (self.value_proj, self.output_proj):
            nn.init.xavier_uniform_(linear.weight)
            nn.init.zeros_(linear.bias)

    def forward(self, query: Tensor, source: Tensor, grid: Grid) -> Tensor:
        """query, source: (N, S, C) -> (N, S, C)"""
        value = self.value_proj(source).unflatten(-1, (self.num_heads, -1))  # (N, S, M, C/M)
        # Offsets and weights come of the same queries: one product makes both.
        projections = (self.sampling_offsets, self.attention_weights)
        weight, bias = (torch.cat([getattr(part, name) for part in projections]) for name in ("weight", "bias"))
        split = [part.out_features for part in projections]
        offsets, logits = fused.linear(query, weight, bias).to(grid.centres.dtype).split(split, dim=-1)
        samples = (self.num_heads, self.levels, self.points)
        weights = fused.short_softmax(logits.unflatten(-1, (self.num_heads, -1))).unflatten(-1, samples[1:])
        locations = torch.addcdiv(grid.centres, offsets, grid.extents).unflatten(-1, (*samples, 2))
        return self.output_proj(ms_deform_attn(value, grid.sizes, locations, weights))
