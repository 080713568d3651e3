"""Any backbone of timm, by name, as a source of maps at strides 4, 8, 16 and 32.

Input: normalised frames (N, 3, H, W), H and W multiples of 32. Convolutional and hierarchical nets give the maps themselves; a
plain vision transformer (DINOv3 and its like) gets a pyramid on its last map (`vit_pyramid.py`). Batch norms are frozen, since
videos make small batches. Weights are never downloaded: they come with a checkpoint, or from a file given to the training.
"""

from typing import Any, cast

import timm
import torch
import torch.nn.functional as F
from timm.layers import Format, FrozenBatchNormAct2d, freeze_batch_norm_2d
from timm.models import FeatureInfo, get_pretrained_cfg
from torch import Tensor, nn

from engine.config import FrameFormat
from engine.errors import CtvisError
from engine.normed_conv import NormedConv
from engine.vit_pyramid import FeaturePyramid

STRIDES = (4, 8, 16, 32)
PYRAMID_STRIDE = 16  # of the map that a pyramid is built on


class TimmBackbone(nn.Module):
    """(N, 3, H, W) -> four maps (N, channels[i], H/STRIDES[i], W/STRIDES[i])."""

    def __init__(self, name: str) -> None:
        super().__init__()
        _check_name(name)
        body = _create(name)
        strides, channels = _feature_info(body).reduction(), _feature_info(body).channels()
        plain = len(set(strides)) == 1
        missing = [stride for stride in STRIDES if stride not in strides]
        if missing and not plain:
            raise CtvisError(f'Backbone "{name}" gives maps at strides {strides}, but {missing} are needed as well.')
        if not plain and tuple(strides) != STRIDES:
            body = _create(name, out_indices=tuple(strides.index(stride) for stride in STRIDES))
            channels = _feature_info(body).channels()
        self.patch: int | None = strides[-1] if plain else None  # pixels per token edge of a plain transformer
        self.channels_last: bool = getattr(body, "output_fmt", None) == Format.NHWC
        self.body: nn.Module = freeze_batch_norm_2d(body)
        _fold_norms(self.body)
        self.pyramid: FeaturePyramid | None = FeaturePyramid(channels[-1]) if plain else None
        self.channels: tuple[int, ...] = self.pyramid.channels if self.pyramid else tuple(channels)
        self._try_out(name)

    def forward(self, x: Tensor) -> list[Tensor]:
        if self.pyramid:
            return self.pyramid(self.body(self._for_patches(x))[-1])
        # A CPU is slower at depthwise convolutions in bfloat16 than in float32, backwards above all.
        with torch.autocast(x.device.type, enabled=x.device.type != "cpu" and torch.is_autocast_enabled(x.device.type)):
            maps = self.body(x)
        return [m.permute(0, 3, 1, 2) for m in maps] if self.channels_last else maps

    @torch.no_grad()
    def _try_out(self, name: str) -> None:
        """A frame of a size that no net was made for must go through."""
        try:
            self(torch.zeros(1, 3, 64, 96))
        except (RuntimeError, AssertionError) as fault:
            raise CtvisError(
                f'Backbone "{name}" does not take frames of every size ({fault}). Choose another.'
            ) from fault

    def _for_patches(self, x: Tensor) -> Tensor:
        """Resized so that there is one patch, 14 pixels wide in some nets, for every 16 pixels of the frame."""
        assert self.patch
        height, width = (edge // PYRAMID_STRIDE * self.patch for edge in x.shape[-2:])
        if (height, width) == tuple(x.shape[-2:]):
            return x
        return F.interpolate(x, (height, width), mode="bilinear", align_corners=False, antialias=True)


def frame_format(
    name: str, short_edge: int = FrameFormat.short_edge, max_edge: int = FrameFormat.max_edge
) -> FrameFormat:
    """Frames as the backbone's ImageNet weights expect them: many transformers do not use the usual mean and deviation."""
    _check_name(name)
    source = get_pretrained_cfg(name)
    if source is None:
        return FrameFormat(short_edge, max_edge)
    mean, std = (tuple(round(255 * number, 3) for number in numbers) for numbers in (source.mean, source.std))
    return FrameFormat(short_edge, max_edge, mean=cast(Any, mean), std=cast(Any, std))


def _check_name(name: str) -> None:
    if not timm.is_model(name):
        raise CtvisError(
            f'timm {timm.__version__} knows no backbone "{name}"; `timm.list_models()` names those it has.'
        )


def _create(name: str, **options: Any) -> nn.Module:
    """The net as a source of maps, for frames of any size where it has a say in that; convolutions have none."""
    try:
        return timm.create_model(name, features_only=True, dynamic_img_size=True, **options)
    except TypeError as fault:
        if "dynamic_img_size" not in str(fault):
            raise
    return timm.create_model(name, features_only=True, **options)


class _AppliedNorm(FrozenBatchNormAct2d):
    """A frozen norm that the convolution before it has taken over; its activation remains."""

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x)


def _fold_norms(body: nn.Module) -> None:
    """Pairs every frozen norm with the convolution registered before it, in place; names and tensors stay as they are.

    Convolutions of other classes, which may pad or normalise in their own way, keep their norms apart.
    """
    for parent in body.modules():
        before: nn.Module | None = None
        for child in parent.children():
            if isinstance(child, FrozenBatchNormAct2d) and type(before) is nn.Conv2d and before.bias is None:
                before.__class__, child.__class__ = NormedConv, _AppliedNorm
                cast(NormedConv, before).norm = (child,)
            if isinstance(child, nn.Conv2d | FrozenBatchNormAct2d):
                before = child


def _feature_info(body: nn.Module) -> FeatureInfo:
    info = body.feature_info
    assert isinstance(info, FeatureInfo)
    return info
