"""Multi-scale deformable attention: every query sums a few bilinear samples per head and level by weight.

In: the flattened feature levels, where to sample, how much each sample counts; out: one vector a query, differentiable
in all three. The op `ctvis::ms_deform_attn` is defined here with a body in plain torch, which runs anywhere; where the
binaries `engine._C` (CPU) and `engine._C_cuda` were built (setup.py, `CTVIS_OP`), PyTorch's dispatcher takes their faster
kernels instead, and `active_kernel()` says so. Not here: the attention module with its projections.

Letters in shapes: N pictures, S = sum of h*w over levels, M heads, D channels a head, Q queries, L levels, P points.
"""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import grid_sample

# Importing registers the compiled kernels. Not built, or built against libraries that are not here (the CUDA runtime,
# for a torch without CUDA): the torch body does that device's work.
with contextlib.suppress(ImportError):
    from engine import _C  # type: ignore[attr-defined]  # noqa: F401
with contextlib.suppress(ImportError):
    from engine import _C_cuda  # type: ignore[attr-defined]  # noqa: F401

OP = "ctvis::ms_deform_attn"


def ms_deform_attn(
    value: Tensor,
    spatial_shapes: Sequence[tuple[int, int]] | Tensor,
    sampling_locations: Tensor,
    attention_weights: Tensor,
) -> Tensor:
    """Sum of weighted bilinear samples, (N, Q, M*D), in the inputs' common dtype (float32 under autocast).

    value: (N, S, M, D), the levels row by row, one after the other.
    spatial_shapes: (h, w) of each level. A tensor (L, 2) is read back to the host; pass a list to keep a GPU busy.
    sampling_locations: (N, Q, M, L, P, 2) as (x, y); a level spans [0, 1], pixel i is centred at (i + 0.5) / size,
    all outside is zero.
    attention_weights: (N, Q, M, L, P); not normalised here.
    """
    if isinstance(spatial_shapes, Tensor):
        spatial_shapes = spatial_shapes.tolist()
    flat_shapes = [int(size) for shape in spatial_shapes for size in shape]
    _check_shapes(value, flat_shapes, sampling_locations, attention_weights)
    return _op(value, flat_shapes, sampling_locations, attention_weights)


def active_kernel(device: str | None = None) -> str:
    """What serves the op on a device type: "cpu C++", "cuda" or "torch". Default: where a net runs if nobody chooses."""
    device = device or ("cuda" if torch.cuda.is_available() else "cpu")
    names = {"cpu": "cpu C++", "cuda": "cuda"}
    compiled = device in names and torch._C._dispatch_has_kernel_for_dispatch_key(OP, device.upper())
    return names[device] if compiled else "torch"


def _check_shapes(value: Tensor, flat_shapes: list[int], locations: Tensor, weights: Tensor) -> None:
    if value.ndim != 4 or weights.ndim != 5 or locations.ndim != 6:
        raise ValueError(
            "ms_deform_attn wants value (N, S, M, D), sampling_locations (N, Q, M, L, P, 2) and attention_weights "
            f"(N, Q, M, L, P); got {tuple(value.shape)}, {tuple(locations.shape)} and {tuple(weights.shape)}."
        )
    levels = _pairs(flat_shapes)
    if any(size < 1 for size in flat_shapes):
        raise ValueError(f"Every level needs at least one pixel; got the levels {levels} as (h, w).")
    positions = sum(h * w for h, w in levels)
    if value.shape[1] != positions:
        raise ValueError(f"value holds {value.shape[1]} positions, but the levels {levels} add up to {positions}.")
    batch, _, heads, _ = value.shape
    expected = (batch, weights.shape[1], heads, len(levels), weights.shape[4])
    if weights.shape != expected or locations.shape != (*expected, 2):
        raise ValueError(
            f"For this value and these levels attention_weights must be (N, Q, M, L, P) = {expected} and "
            f"sampling_locations the same with a last 2; got {tuple(weights.shape)} and {tuple(locations.shape)}."
        )


def _pairs(flat_shapes: Sequence[int]) -> list[tuple[int, int]]:
    """[h0, w0, h1, w1, ...] -> [(h0, w0), (h1, w1), ...]"""
    return list(zip(flat_shapes[::2], flat_shapes[1::2], strict=True))


def _levels(value: Tensor, flat_shapes: Sequence[int], locations: Tensor) -> Iterator[tuple[slice, Tensor, Tensor]]:
    """Per level: its span in S, its pictures (N*M, D, h, w), its grid (N*M, Q, P, 2) in grid_sample's [-1, 1]."""
    batch, _, heads, channels = value.shape
    grids = (2 * locations - 1).transpose(1, 2).flatten(0, 1)  # (N*M, Q, L, P, 2)
    start = 0
    for level, (h, w) in enumerate(_pairs(flat_shapes)):
        span = slice(start, start + h * w)
        pictures = value[:, span].permute(0, 2, 3, 1).reshape(batch * heads, channels, h, w)
        yield span, pictures, grids[:, :, level]
        start += h * w


def _torch_forward(value: Tensor, spatial_shapes: Sequence[int], locations: Tensor, weights: Tensor) -> Tensor:
    batch, _, heads, channels = value.shape
    queries = weights.shape[1]
    head_weights = weights.transpose(1, 2).flatten(0, 1).unsqueeze(1)  # (N*M, 1, Q, L, P)
    output = value.new_zeros(batch * heads, channels, queries)
    for level, (_, pictures, grid) in enumerate(_levels(value, spatial_shapes, locations)):
        sampled = grid_sample(pictures, grid, align_corners=False)  # (N*M, D, Q, P)
        output += (sampled * head_weights[:, :, :, level]).sum(-1)
    return output.view(batch, heads * channels, queries).transpose(1, 2).contiguous()


def _torch_backward(
    grad: Tensor, value: Tensor, spatial_shapes: Sequence[int], locations: Tensor, weights: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    """The gradients of the three tensors, written out since autograd is off inside a custom op. grad: (N, Q, M*D)."""
    batch, _, heads, channels = value.shape
    queries = weights.shape[1]
    head_weights = weights.transpose(1, 2).flatten(0, 1).unsqueeze(1)  # (N*M, 1, Q, L, P)
    head_grad = grad.transpose(1, 2).reshape(batch * heads, channels, queries, 1)
    grad_value = value.new_empty(value.shape)
    grad_locations = locations.new_empty(locations.shape)
    grad_weights = weights.new_empty(weights.shape)
    for level, (span, pictures, grid) in enumerate(_levels(value, spatial_shapes, locations)):
        sampled = grid_sample(pictures, grid, align_corners=False)  # (N*M, D, Q, P)
        level_weights_grad = (sampled * head_grad).sum(1)  # (N*M, Q, P)
        grad_weights[:, :, :, level] = level_weights_grad.unflatten(0, (batch, heads)).transpose(1, 2)
        # 0, 0, False: bilinear, zero padding, corners not aligned
        grad_pictures, grad_grid = torch.ops.aten.grid_sampler_2d_backward(
            head_grad * head_weights[:, :, :, level], pictures, grid, 0, 0, False, [True, True]
        )
        grad_value[:, span] = grad_pictures.view(batch, heads, channels, span.stop - span.start).permute(0, 3, 1, 2)
        grad_locations[:, :, :, level] = 2 * grad_grid.unflatten(0, (batch, heads)).transpose(1, 2)
    return grad_value, grad_locations, grad_weights


@torch.library.custom_op(OP, mutates_args=())
def _op(value: Tensor, spatial_shapes: Sequence[int], sampling_locations: Tensor, attention_weights: Tensor) -> Tensor:
    return _torch_forward(value, spatial_shapes, sampling_locations, attention_weights)


@torch.library.custom_op(f"{OP}_backward", mutates_args=())
def _backward_op(
    grad: Tensor, value: Tensor, spatial_shapes: Sequence[int], sampling_locations: Tensor, attention_weights: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    return _torch_backward(grad, value, spatial_shapes, sampling_locations, attention_weights)


@_op.register_fake
def _(value: Tensor, spatial_shapes: Sequence[int], sampling_locations: Tensor, attention_weights: Tensor) -> Tensor:
    batch, _, heads, channels = value.shape
    return value.new_empty(batch, attention_weights.shape[1], heads * channels)


@_backward_op.register_fake
def _(
    grad: Tensor, value: Tensor, spatial_shapes: Sequence[int], sampling_locations: Tensor, attention_weights: Tensor
) -> tuple[Tensor, Tensor, Tensor]:
    inputs = (value, sampling_locations, attention_weights)
    return tuple(tensor.new_empty(tensor.shape) for tensor in inputs)  # type: ignore[return-value]


def _save_inputs(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
    value, ctx.spatial_shapes, sampling_locations, attention_weights = inputs
    ctx.save_for_backward(value, sampling_locations, attention_weights)


def _differentiate(ctx: Any, grad: Tensor) -> tuple[Tensor, None, Tensor, Tensor]:
    value, sampling_locations, attention_weights = ctx.saved_tensors
    grads = _backward_op(grad, value, ctx.spatial_shapes, sampling_locations, attention_weights)
    return grads[0], None, grads[1], grads[2]


_op.register_autograd(_differentiate, setup_context=_save_inputs)
# The reference implementation runs this part in float32 too: half precision cannot place a sample within a large level.
for _device in ("cpu", "cuda"):
    _op.register_autocast(_device, torch.float32)
