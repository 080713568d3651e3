"""Any convolutional backbone of timm, by name, as a source of maps at strides 4, 8, 16 and 32.

Input: normalised frames (N, 3, H, W). Its batch norms are frozen, since videos make small batches. Weights are never
downloaded: they come with a checkpoint, or from a file given to the training.
"""

import timm
from timm.layers import freeze_batch_norm_2d
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
        self.channels: tuple[int, ...] = tuple(_feature_info(body).channels())

    def forward(self, x: Tensor) -> list[Tensor]:
        return self.body(x)


def _feature_info(body: nn.Module) -> FeatureInfo:
    info = body.feature_info
    assert isinstance(info, FeatureInfo)
    return info
