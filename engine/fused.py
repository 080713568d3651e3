"""Convolutions and linear layers together with what follows them, in one pass over memory where oneDNN can do that.

In: the operands of a layer, a residual to add, an activation. Out: the same numbers that the layer, the sum and the
activation give one after the other; which is what is done while gradients are recorded, under `torch.compile`, on other
devices and in other number formats. Under autocast both ways compute in its dtype.
"""

from functools import cache
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

Activation = Literal["none", "relu"]
Pair = tuple[int, ...]


def linear(x: Tensor, weight: Tensor, bias: Tensor | None = None, activation: Activation = "none") -> Tensor:
    """x: (..., C_in), weight: (C_out, C_in) -> (..., C_out)"""
    dtype = _computed_in(x, weight)
    if _fusable(x, dtype):
        operands = x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype)
        return torch.ops.mkldnn._linear_pointwise(*operands, activation, [None], "")
    y = F.linear(x, weight, bias)
    return y.relu_() if activation == "relu" else y


def conv2d(
    x: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Pair,
    padding: Pair,
    relu: bool = False,
    residual: Tensor | None = None,
) -> Tensor:
    """x: (N, C_in, H, W), weight: (C_out, C_in, h, w). `residual`, of the result's shape, may be overwritten."""
    dtype = _computed_in(x, weight)
    if not _fusable(x, dtype):
        y = F.conv2d(x, weight, bias, stride, padding)
        y = y if residual is None else y.add_(residual)
        return y.relu_() if relu else y
    operands = x.to(dtype), weight.to(dtype), None if bias is None else bias.to(dtype), padding, stride, (1, 1), 1
    activation = "relu" if relu else "none"
    if residual is None:
        return torch.ops.mkldnn._convolution_pointwise(*operands, activation, [None], "")
    return torch.ops.mkldnn._convolution_pointwise_.binary(
        residual, *operands, "add", None, activation if relu else None, [None], ""
    )


def as_computed(x: Tensor) -> Tensor:
    """x in the dtype that the layers above take it in: converted once, where several of them get it under autocast."""
    dtype = _computed_in(x, x)
    return x.to(dtype) if _fusable(x, dtype) else x


def short_softmax(logits: Tensor) -> Tensor:
    """Softmax over a last dimension of a few numbers, (..., n), which PyTorch's own takes one by one on a CPU."""
    if not _fusable(logits, torch.float32):
        return logits.softmax(-1)
    logits = logits.contiguous()  # rows of a wider product are several times slower to reduce
    shares = (logits - logits.amax(-1, keepdim=True)).exp_()
    return shares.div_(shares.sum(-1, keepdim=True))


def _computed_in(x: Tensor, weight: Tensor) -> torch.dtype:
    kind = x.device.type
    return torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else weight.dtype


def _fusable(x: Tensor, dtype: torch.dtype) -> bool:
    recorded = torch.is_grad_enabled() or torch.compiler.is_compiling()
    return not recorded and x.device.type == "cpu" and dtype in _fused_dtypes()


@cache
def _fused_dtypes() -> frozenset[torch.dtype]:
    """What this machine's processor computes in by oneDNN: a fact about the machine, asked once."""
    if not torch.backends.mkldnn.is_available() or torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"):
        return frozenset()
    bfloat16 = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    return frozenset({torch.float32, torch.bfloat16} if bfloat16 else {torch.float32})
