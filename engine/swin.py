"""Swin Transformer, the backbone of the published Swin-L checkpoints.

Input: normalised frames (N, 3, H, W). Output: four feature maps at strides 4, 8, 16 and 32, each layer-normed. Inside, maps are
channels last, (N, H, W, C). No classifier and no drop path: training regularises elsewhere.
Source: Liu et al. 2021, Swin Transformer (MIT), with the padding rules of Mask2Former's copy: tokens are padded to whole
windows after the first norm, the shift mask is made for the padded size, and small maps are shifted all the same.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.layers import Remembered

HIDDEN = -100.0  # added to the attention between tokens that only the cyclic shift made neighbours


class PatchEmbed(nn.Module):
    """Non-overlapping patches as tokens: (N, 3, H, W) -> (N, H/size, W/size, C)."""

    def __init__(self, dim: int, size: int = 4) -> None:
        super().__init__()
        self.size = size
        self.proj = nn.Conv2d(3, dim, size, stride=size)
        self.norm = nn.LayerNorm(dim)

    def forward(self, frames: Tensor) -> Tensor:
        height, width = frames.shape[-2:]
        frames = F.pad(frames, (0, -width % self.size, 0, -height % self.size))
        return self.norm(self.proj(frames).permute(0, 2, 3, 1))


class WindowAttention(nn.Module):
    """Multi-head self-attention inside windows, with a learned bias per relative position."""

    relative_position_index: Tensor

    def __init__(self, dim: int, window: int, num_heads: int) -> None:
        super().__init__()
        self.window, self.num_heads = window, num_heads
        self.relative_position_bias_table = nn.Parameter(torch.zeros((2 * window - 1) ** 2, num_heads))
        self.register_buffer("relative_position_index", _relative_positions(window), persistent=False)
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """x: (N, windows, L, C) with L = window²; mask: (windows, 1, L, L), added to the attention, or None."""
        heads = self.qkv(x).unflatten(-1, (3, self.num_heads, -1))  # (N, windows, L, 3, M, C/M)
        q, k, v = heads.permute(3, 0, 1, 4, 2, 5)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)  # (M, L, L)
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=bias if mask is None else bias + mask)
        return self.proj(attended.transpose(2, 3).flatten(3))


class MLP(nn.Module):
    """Two linear layers around a GELU."""

    def __init__(self, dim: int, hidden_dim: int) -> None:
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden_dim)
        self.fc2 = nn.Linear(hidden_dim, dim)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    """Window attention, then an MLP, each residual and normed before. `shift` tokens of cyclic shift, or 0."""

    def __init__(self, dim: int, num_heads: int, window: int, shift: int) -> None:
        super().__init__()
        self.window, self.shift = window, shift
        self.norm1 = nn.LayerNorm(dim)
        self.attn = WindowAttention(dim, window, num_heads)
        self.norm2 = nn.LayerNorm(dim)
        self.mlp = MLP(dim, 4 * dim)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """x: (N, H, W, C); mask: the shift mask of the padded map, which an unshifted block does not use."""
        height, width = x.shape[1:3]
        y = F.pad(self.norm1(x), (0, 0, 0, -width % self.window, 0, -height % self.window))
        if self.shift:
            y = y.roll((-self.shift, -self.shift), dims=(1, 2))
        padded = y.shape[1:3]
        y = _from_windows(self.attn(_to_windows(y, self.window), mask if self.shift else None), self.window, padded)
        if self.shift:
            y = y.roll((self.shift, self.shift), dims=(1, 2))
        x = x + y[:, :height, :width]
        return x + self.mlp(self.norm2(x))


class PatchMerging(nn.Module):
    """Halves the map: (N, H, W, C) -> (N, H/2, W/2, 2C), sizes rounded up."""

    def __init__(self, dim: int) -> None:
        super().__init__()
        self.reduction = nn.Linear(4 * dim, 2 * dim, bias=False)
        self.norm = nn.LayerNorm(4 * dim)

    def forward(self, x: Tensor) -> Tensor:
        x = F.pad(x, (0, 0, 0, x.shape[2] % 2, 0, x.shape[1] % 2))
        corners = [x[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        return self.reduction(self.norm(torch.cat(corners, dim=-1)))


class Stage(nn.Module):
    """Blocks on one map, plain and shifted in turn; `downsample` makes the next stage's map."""

    def __init__(self, dim: int, depth: int, num_heads: int, window: int, last: bool) -> None:
        super().__init__()
        self.window = window
        self.blocks = nn.ModuleList(
            Block(dim, num_heads, window, window // 2 if index % 2 else 0) for index in range(depth)
        )
        self.downsample = nn.Identity() if last else PatchMerging(dim)
        self._shift_mask = Remembered(_shift_mask)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The map after this stage, and the one that the next stage begins with."""
        mask = self._shift_mask(x.shape[1], x.shape[2], self.window, x.dtype, x.device)
        for block in self.blocks:
            x = block(x, mask)
        return x, self.downsample(x)


class Swin(nn.Module):
    """(N, 3, H, W) -> four maps (N, dim * 2^i, H/4/2^i, W/4/2^i)."""

    def __init__(self, dim: int, depths: Sequence[int], heads: Sequence[int], window: int) -> None:
        super().__init__()
        count = len(depths)
        self.channels: tuple[int, ...] = tuple(dim * 2**index for index in range(count))
        self.patch_embed = PatchEmbed(dim)
        self.layers = nn.ModuleList(
            Stage(channels, depth, num_heads, window, last=index == count - 1)
            for index, (channels, depth, num_heads) in enumerate(zip(self.channels, depths, heads, strict=True))
        )
        self.norm0, self.norm1, self.norm2, self.norm3 = (nn.LayerNorm(channels) for channels in self.channels)

    def forward(self, frames: Tensor) -> list[Tensor]:
        x, maps = self.patch_embed(frames), []
        for stage, norm in zip(self.layers, (self.norm0, self.norm1, self.norm2, self.norm3), strict=True):
            seen, x = stage(x)
            maps.append(norm(seen).permute(0, 3, 1, 2))
        return maps


def swin_l() -> Swin:
    """Swin-L with windows of 12, as pre-trained on ImageNet-21k at 384 pixels."""
    return Swin(192, depths=(2, 2, 18, 2), heads=(6, 12, 24, 48), window=12)


def _to_windows(x: Tensor, window: int) -> Tensor:
    """(N, H, W, C) -> (N, windows, window², C); H and W are whole numbers of windows."""
    n, height, width, channels = x.shape
    x = x.view(n, height // window, window, width // window, window, channels)
    return x.transpose(2, 3).reshape(n, -1, window * window, channels)


def _from_windows(x: Tensor, window: int, size: Sequence[int]) -> Tensor:
    """The inverse of `_to_windows` for a map of `size` (H, W)."""
    height, width = size
    x = x.view(x.shape[0], height // window, width // window, window, window, -1)
    return x.transpose(2, 3).reshape(x.shape[0], height, width, -1)


def _shift_mask(height: int, width: int, window: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """What the shifted blocks add to the attention of a map of this size: (windows, 1, window², window²)."""
    height, width = (size + -size % window for size in (height, width))
    region = torch.zeros(1, height, width, 1, dtype=dtype, device=device)
    cuts = (slice(0, -window), slice(-window, -(window // 2)), slice(-(window // 2), None))
    for number, (rows, columns) in enumerate((rows, columns) for rows in cuts for columns in cuts):
        region[:, rows, columns] = number
    regions = _to_windows(region, window)[0, :, :, 0]  # (windows, window²)
    apart = regions[:, None, :] != regions[:, :, None]
    return apart.to(dtype)[:, None] * HIDDEN


def _relative_positions(window: int) -> Tensor:
    """Row of the bias table for each pair of tokens in a window: (window², window²)."""
    place = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
    rows, columns = place[:, :, None] - place[:, None, :] + window - 1
    return rows * (2 * window - 1) + columns
