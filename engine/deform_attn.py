"""Multi-scale deformable self-attention: every pixel of every level looks at a few learned places on all levels.

Input: flattened maps (N, S, C), the sizes of the levels, a reference point per pixel. The sampling itself is `ops.py`.
Source: Zhu et al. 2021, Deformable DETR, section 4.1 (Apache-2.0).
"""

import math

import torch
from torch import Tensor, nn

from engine.ops import ms_deform_attn


class DeformableAttention(nn.Module):
    """`points` sampling places per head and level, offset from the reference point in pixels of that level."""

    def __init__(self, dim: int, num_heads: int, levels: int, points: int) -> None:
        super().__init__()
        self.num_heads, self.levels, self.points = num_heads, levels, points
        self.sampling_offsets = nn.Linear(dim, num_heads * levels * points * 2)
        self.attention_weights = nn.Linear(dim, num_heads * levels * points)
        self.value_proj = nn.Linear(dim, dim)
        self.output_proj = nn.Linear(dim, dim)
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

    def forward(self, query: Tensor, reference: Tensor, source: Tensor, sizes: list[tuple[int, int]]) -> Tensor:
        """query, source: (N, S, C); reference: (S, 2) as (x, y) in 0..1; sizes: (height, width) per level -> (N, S, C)"""
        value = self.value_proj(source).unflatten(-1, (self.num_heads, -1))  # (N, S, M, C/M)
        places = (self.num_heads, self.levels, self.points)
        offsets = self.sampling_offsets(query).unflatten(-1, (*places, 2))
        weights = (
            self.attention_weights(query).unflatten(-1, (self.num_heads, -1)).softmax(-1).unflatten(-1, places[1:])
        )
        extent = offsets.new_tensor([(width, height) for height, width in sizes])  # (levels, 2) as (x, y)
        locations = reference[:, None, None, None] + offsets / extent[:, None]
        return self.output_proj(ms_deform_attn(value, sizes, locations, weights))
