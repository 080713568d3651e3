"""The query decoder: learned queries look at the encoded maps and become objects.

Each layer lets a query attend only where its last mask lies (masked attention). Out of the last layer come, per query, class
logits, a mask and a re-ID embedding. Sources: Cheng et al. 2022, Mask2Former, section 3.2 (MIT); the re-ID head: Ying et
al. 2023, CTVIS (MIT).
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine import fused
from engine.layers import MLP, Attention, FeedForward, Linear, Remembered, level_encodings
from engine.pixel_decoder import PixelFeatures


class FrameOutput(NamedTuple):
    """What the net says of N frames: Q queries each.

    logits: (N, Q, K+1), the last class is "no object"; masks: (N, Q, H/4, W/4) logits over the padded frame;
    embeds: (N, Q, C) re-ID embeddings.
    """

    logits: Tensor
    masks: Tensor
    embeds: Tensor


class DecoderLayer(nn.Module):
    """Masked cross-attention, self-attention, feed-forward."""

    def __init__(self, dim: int, num_heads: int, ffn_dim: int) -> None:
        super().__init__()
        self.cross_attn = Attention(dim, num_heads)
        self.self_attn = Attention(dim, num_heads)
        self.ffn = FeedForward(dim, ffn_dim)

    def forward(self, x: Tensor, place: Tensor, key: Tensor, value: Tensor, visible: Tensor) -> Tensor:
        """x: (N, Q, C); place: (Q, C); key, value: (N, S, C); visible: (N, Q, S) bool."""
        x = self.cross_attn(x, x + place, key, value, visible)
        x = self.self_attn(x, x + place, x + place, x)
        return self.ffn(x)


class QueryDecoder(nn.Module):
    def __init__(
        self,
        num_classes: int,
        num_queries: int,
        dim: int,
        mask_dim: int,
        embed_dim: int,
        num_heads: int,
        layers: int,
        ffn_dim: int,
        levels: int = 3,
    ) -> None:
        super().__init__()
        self.query_feat = nn.Embedding(num_queries, dim)
        self.query_embed = nn.Embedding(num_queries, dim)
        self.level_embed = nn.Embedding(levels, dim)
        self.layers = nn.ModuleList(DecoderLayer(dim, num_heads, ffn_dim) for _ in range(layers))
        self.norm = nn.LayerNorm(dim)
        self.class_embed = Linear(dim, num_classes + 1)
        self.mask_embed = MLP(dim, dim, mask_dim)
        self.reid_embed = MLP(dim, dim, embed_dim)
        self._encodings = Remembered(level_encodings)

    def forward(self, features: PixelFeatures) -> FrameOutput:
        """Only the last layer's output. The masks between are computed at the size the next layer needs, and nowhere else."""
        # Resizing is linear, so resizing the mask features once per level equals resizing every query's mask.
        small = [_resize(features.mask_features, level) for level in features.levels]

        def visible(queries: Tensor, level: int) -> Tensor:
            return _visible(self._masks(self.norm(queries), small[level]))

        queries = list(self._run(features, visible))[-1]
        return self._heads(queries, features.mask_features)

    def layer_outputs(self, features: PixelFeatures) -> list[FrameOutput]:
        """The outputs of the learned queries and of every layer, for deep supervision. The last equals `forward`."""
        outputs: list[FrameOutput] = []

        def visible(queries: Tensor, level: int) -> Tensor:
            outputs.append(self._heads(queries, features.mask_features))
            return _visible(_resize(outputs[-1].masks, features.levels[level]))

        queries = list(self._run(features, visible))[-1]
        return [*outputs, self._heads(queries, features.mask_features)]

    def _run(self, features: PixelFeatures, visible: Callable[[Tensor, int], Tensor]) -> Iterator[Tensor]:
        """Yields the queries (N, Q, C) after each layer; `visible(queries, level)` says where they look before it."""
        batch = features.mask_features.shape[0]
        sources = [
            level.flatten(2).transpose(1, 2) + embed
            for level, embed in zip(features.levels, self.level_embed.weight, strict=True)
        ]
        sizes = tuple((level.shape[2], level.shape[3]) for level in features.levels)
        encodings = self._encodings(sizes, sources[0].shape[-1], sources[0].dtype, sources[0].device)
        keys = [fused.as_computed(source + encoding) for source, encoding in zip(sources, encodings, strict=True)]
        values = [fused.as_computed(source) for source in sources]
        queries = self.query_feat.weight.expand(batch, -1, -1)
        for index, layer in enumerate(self.layers):
            level = index % len(sources)
            queries = layer(queries, self.query_embed.weight, keys[level], values[level], visible(queries, level))
            yield queries

    def _heads(self, queries: Tensor, mask_features: Tensor) -> FrameOutput:
        normed = self.norm(queries)
        return FrameOutput(self.class_embed(normed), self._masks(normed, mask_features), self.reid_embed(normed))

    def _masks(self, normed: Tensor, mask_features: Tensor) -> Tensor:
        """(N, Q, C), (N, C, h, w) -> (N, Q, h, w)"""
        pixels = mask_features.flatten(2).transpose(1, 2)  # (N, h*w, C), no copy where channels come last
        # Frame by frame: PyTorch's batched product is many times slower in bfloat16 on a CPU.
        masks = [F.linear(*frame) for frame in zip(self.mask_embed(normed), pixels, strict=True)]
        return (torch.stack(masks) if len(masks) > 1 else masks[0][None]).unflatten(2, mask_features.shape[-2:])


def _resize(maps: Tensor, like: Tensor) -> Tensor:
    return F.interpolate(maps, size=like.shape[-2:], mode="bilinear", align_corners=False)


def _visible(masks: Tensor) -> Tensor:
    """Where each query may look: inside its own mask, or everywhere if its mask is empty. (N, Q, h, w) -> (N, Q, h*w)"""
    inside = (masks.detach().sigmoid() >= 0.5).flatten(2)
    return inside | ~inside.any(dim=-1, keepdim=True)
