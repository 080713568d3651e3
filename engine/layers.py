"""The small blocks that the pixel decoder and the query decoder share: MLP, feed-forward, attention, position encoding.

Every block takes plain numbers and its dtype from its input. Legend of shapes: N batch, L/S target/source length,
C channels, M heads, H/W height/width.
"""

from collections.abc import Callable, Hashable
from itertools import pairwise
from typing import Generic, TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine import fused

Made = TypeVar("Made")


class MLP(nn.Sequential):
    """`depth` linear layers with ReLU between them. (..., C_in) -> (..., C_out)"""

    def __init__(self, in_dim: int, hidden_dim: int, out_dim: int, depth: int = 3) -> None:
        dims = [in_dim] + [hidden_dim] * (depth - 1) + [out_dim]
        blocks: list[nn.Module] = []
        for index, (before, after) in enumerate(pairwise(dims)):
            blocks += [nn.ReLU()] if index else []
            blocks.append(Linear(before, after))
        super().__init__(*blocks)


class Linear(nn.Linear):
    """A linear layer that may be told the activation behind it. (..., C_in) -> (..., C_out)"""

    def forward(self, x: Tensor, activation: fused.Activation = "none") -> Tensor:
        return fused.linear(x, self.weight, self.bias, activation)


class Conv2d(nn.Conv2d):
    """A plain convolution, undilated and in one group. (N, C_in, H, W) -> (N, C_out, H', W')"""

    def forward(self, x: Tensor) -> Tensor:
        return fused.conv2d(x, self.weight, self.bias, self.stride, (int(self.padding[0]), int(self.padding[1])))


class FeedForward(nn.Module):
    """Two linear layers around a ReLU, residual, normed afterwards. (N, L, C) -> (N, L, C)"""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.linear1 = Linear(dim, hidden_dim)
        self.linear2 = Linear(hidden_dim, dim)
        self.norm = nn.LayerNorm(dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.norm(x + self.linear2(self.linear1(x, "relu")))


class Attention(nn.Module):
    """Multi-head attention, residual on the queries, normed afterwards (post-norm, as in DETR).

    The projection is packed as in `nn.MultiheadAttention`, whose published weights it holds.
    """

    def __init__(self, dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.in_proj_weight = nn.Parameter(torch.empty(3 * dim, dim))
        self.in_proj_bias = nn.Parameter(torch.zeros(3 * dim))
        self.out_proj = Linear(dim, dim)
        self.norm = nn.LayerNorm(dim)
        nn.init.xavier_uniform_(self.in_proj_weight)
        nn.init.zeros_(self.out_proj.bias)

    def forward(self, x: Tensor, query: Tensor, key: Tensor, value: Tensor, visible: Tensor | None = None) -> Tensor:
        """x, query: (N, L, C); key, value: (N, S, C); visible: (N, L, S) bool, True where a query may look."""
        weights, biases = self.in_proj_weight.chunk(3), self.in_proj_bias.chunk(3)
        q, k, v = (
            fused.linear(tensor, weight, bias).unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (N, M, L|S, C/M)
            for tensor, weight, bias in zip((query, key, value), weights, biases, strict=True)
        )
        mask = None if visible is None else visible.unsqueeze(1)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=mask).transpose(1, 2).flatten(2)
        return self.norm(x + self.out_proj(attended))


class Remembered(Generic[Made]):
    """The last thing that a function of sizes, dtype and device made: frames of a video are all of one size.

    What is kept is safe for training even if inference asked for it first. Nothing is kept under `torch.compile`.
    """

    def __init__(self, make: Callable[..., Made]) -> None:
        self._make = make
        self._last: tuple[tuple[Hashable, ...], Made] | None = None

    def __call__(self, *arguments: Hashable) -> Made:
        if torch.compiler.is_compiling():
            return self._make(*arguments)
        last = self._last
        if last is None or last[0] != arguments:
            with torch.inference_mode(False), torch.no_grad():
                last = self._last = arguments, self._make(*arguments)
        return last[1]


def sine_position_encoding(
    height: int, width: int, dim: int, dtype: torch.dtype, device: torch.device | None = None
) -> Tensor:
    """The normalised sine encoding of DETR (Apache-2.0), temperature 1e4, scale 2 pi: (H*W, dim), rows first, then columns."""
    temperature, scale, eps = 10000.0, 2 * torch.pi, 1e-6
    half = dim // 2
    exponent = 2 * (torch.arange(half, device=device) // 2).to(dtype) / half
    period = temperature**exponent  # (half,)

    def encode(size: int) -> Tensor:
        place = torch.arange(1, size + 1, dtype=dtype, device=device)
        angle = (place / (size + eps) * scale)[:, None] / period
        return torch.stack((angle[:, 0::2].sin(), angle[:, 1::2].cos()), dim=2).flatten(1)  # (size, half)

    rows, columns = encode(height), encode(width)
    return torch.cat(
        (
            rows[:, None].expand(height, width, half),
            columns[None].expand(height, width, half),
        ),
        dim=-1,
    ).flatten(0, 1)


def level_encodings(
    sizes: tuple[tuple[int, int], ...], dim: int, dtype: torch.dtype, device: torch.device | None = None
) -> tuple[Tensor, ...]:
    """The encoding of each of several maps, given as (height, width): (H*W, dim) each."""
    return tuple(sine_position_encoding(height, width, dim, dtype, device) for height, width in sizes)
