"""A convolution of a timm net together with the frozen batch norm behind it. Knows timm by its types alone: who only
asks whether a net has such layers must not wait for that import, which takes seconds.
"""

from typing import TYPE_CHECKING, cast

from torch import Tensor, nn

from engine.layers import Conv2d

if TYPE_CHECKING:
    from timm.layers import FrozenBatchNormAct2d


class NormedConv(nn.Conv2d):
    """A convolution that applies the frozen norm behind it to its own weights, far fewer numbers than a map has."""

    norm: "tuple[FrozenBatchNormAct2d]"  # in a tuple, so that it stays one module with one name in the checkpoint

    def forward(self, x: Tensor) -> Tensor:
        return self._conv_forward(x, *self._folded())

    def fold(self) -> None:
        """Make the norm a part of the weights for good, and where it is a plain convolution one of our own: for inference only."""
        weight, bias = self._folded()
        self.weight, self.bias = nn.Parameter(weight, requires_grad=False), nn.Parameter(bias, requires_grad=False)
        cast(nn.Module, self).__class__ = Conv2d if _is_plain(self) else nn.Conv2d

    def _folded(self) -> tuple[Tensor, Tensor]:
        norm = self.norm[0]
        weight, bias, mean, variance = (
            norm.get_buffer(name) for name in ("weight", "bias", "running_mean", "running_var")
        )
        scale = weight * (variance + norm.eps).rsqrt()
        return self.weight * scale[:, None, None, None], bias - mean * scale


def _is_plain(layer: nn.Conv2d) -> bool:
    return layer.groups == 1 and layer.dilation == (1, 1) and layer.padding_mode == "zeros" and layer.padding != "same"
