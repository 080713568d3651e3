"""Any convolutional backbone of timm, by name, as a source of maps at strides 4, 8, 16 and 32.

Input: normalised frames (N, 3, H, W). Its batch norms are frozen, since videos make small batches. Weights are never
downloaded: they come with a checkpoint, or from a file given to the training.
"""

from typing import cast

import timm
import torch
from timm.layers import FrozenBatchNormAct2d, freeze_batch_norm_2d
from timm.models import FeatureInfo
from torch import Tensor, nn

from engine.errors import CtvisError

STRIDES = (4, 8, 16, 32)


class TimmBackbone(nn.Module):
    """(N, 3, H, W) -> four maps (N, channels[i], H/STRIDES[i], W/STRIDES[i])."""

    def __init__(self, name: str) -> None:
        super().__init__()
        if not timm.is_model(name):
            raise CtvisError(
                f'timm {timm.__version__} knows no backbone "{name}"; `timm.list_models()` names those it has.'
            )
        strides = _feature_info(timm.create_model(name, features_only=True)).reduction()
        missing = [stride for stride in STRIDES if stride not in strides]
        if missing:
            raise CtvisError(f'Backbone "{name}" gives maps at strides {strides}, but {missing} are needed as well.')
        wanted = tuple(strides.index(stride) for stride in STRIDES)
        body = timm.create_model(name, features_only=True, out_indices=wanted)
        self.body: nn.Module = freeze_batch_norm_2d(body)
        _fold_norms(self.body)
        self.channels: tuple[int, ...] = tuple(_feature_info(body).channels())

    def forward(self, x: Tensor) -> list[Tensor]:
        # A CPU is slower at depthwise convolutions in bfloat16 than in float32, backwards above all.
        with torch.autocast(x.device.type, enabled=x.device.type != "cpu" and torch.is_autocast_enabled(x.device.type)):
            return self.body(x)


class _NormedConv(nn.Conv2d):
    """A convolution that applies the frozen norm behind it to its own weights, far fewer numbers than a map has."""

    norm: tuple[FrozenBatchNormAct2d]  # in a tuple, so that it stays one module with one name in the checkpoint

    def forward(self, x: Tensor) -> Tensor:
        norm = self.norm[0]
        weight, bias, mean, variance = (
            norm.get_buffer(name) for name in ("weight", "bias", "running_mean", "running_var")
        )
        scale = weight * (variance + norm.eps).rsqrt()
        return self._conv_forward(x, self.weight * scale[:, None, None, None], bias - mean * scale)


class _AppliedNorm(FrozenBatchNormAct2d):
    """A frozen norm that the convolution before it has taken over; its activation remains."""

    def forward(self, x: Tensor) -> Tensor:
        return self.act(x)


def _fold_norms(body: nn.Module) -> None:
    """Pairs every frozen norm with the convolution registered before it, in place; names and tensors stay as they are."""
    for parent in body.modules():
        before: nn.Module | None = None
        for child in parent.children():
            if isinstance(child, FrozenBatchNormAct2d) and isinstance(before, nn.Conv2d) and before.bias is None:
                before.__class__, child.__class__ = _NormedConv, _AppliedNorm
                cast(_NormedConv, before).norm = (child,)
            if isinstance(child, nn.Conv2d | FrozenBatchNormAct2d):
                before = child


def _feature_info(body: nn.Module) -> FeatureInfo:
    info = body.feature_info
    assert isinstance(info, FeatureInfo)
    return info
