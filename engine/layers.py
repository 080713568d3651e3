"""The small blocks that the pixel decoder and the query decoder share: MLP, feed-forward, attention, position encoding.

Every block takes plain numbers and its dtype from its input. Legend of shapes: N batch, L/S target/source length,
C channels, M heads, H/W height/width.
"""

from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class MLP(nn.Sequential):
    """`depth` linear layers with ReLU between them. (..., C_in) -> (..., C_out)"""

    def __init__(self, in_dim: int, hidden_dim: int, out_dim: int, depth: int = 3) -> None:
        dims = [in_dim] + [hidden_dim] * (depth - 1) + [out_dim]
        blocks: list[nn.Module] = []
        for index, (before, after) in enumerate(pairwise(dims)):
            blocks += [nn.ReLU()] if index else []
            blocks.append(nn.Linear(before, after))
        super().__init__(*blocks)


class FeedForward(nn.Module):
    """Two linear layers around a ReLU, residual, normed afterwards. (N, L, C) -> (N, L, C)"""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.linear1 = nn.Linear(dim, hidden_dim)
        self.linear2 = nn.Linear(hidden_dim, dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x + self.linear2(F.relu(self.linear1(x))))


class Attention(nn.Module):
    """Multi-head attention, residual on the queries, normed afterwards (post-norm, as in DETR).

    The projection is packed as in `nn.MultiheadAttention`, whose published weights it holds.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = nn.Linear(dim, dim)
        self.norm = nn.LayerNorm(dim)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, x: Tensor, query: Tensor, key: Tensor, value: Tensor, visible: Tensor | None = None) -> Tensor:
        """x, query: (N, L, C); key, value: (N, S, C); visible: (N, L, S) bool, True where a query may look."""
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        q, k, v = (
            F.linear(tensor, weight, bias).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (N, M, L|S, C/M)
            for tensor, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )
        mask = None if visible is None else visible.unsqueeze(1)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
        return self.norm(x + self.out_proj(attended))


def sine_position_encoding(height: int, width: int, dim: int, like: Tensor) -> Tensor:
    """The normalised sine encoding of DETR (Apache-2.0), temperature 1e4, scale 2 pi: (dim, H, W), rows first, then columns."""
    temperature, scale, eps = 10000.0, 2 * torch.pi, 1e-6
    half = dim // 2
    exponent = 2 * (torch.arange(half, device=like.device) // 2).to(like.dtype) / half
    period = temperature**exponent  # (half,)

    def encode(size: int) -> Tensor:
        place = torch.arange(1, size + 1, dtype=like.dtype, device=like.device)
        angle = (place / (size + eps) * scale)[:, None] / period
        return torch.stack((angle[:, 0::2].sin(), angle[:, 1::2].cos()), dim=2).flatten(1)  # (size, half)

    rows, columns = encode(height), encode(width)
    return torch.cat(
        (
            rows.t()[:, :, None].expand(half, height, width),
            columns.t()[:, None, :].expand(half, height, width),
        )
    )
