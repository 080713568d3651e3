"""A net made ready to see many frames fast, with the same results.

`tune(model)` changes the net itself, for inference only: it can neither be trained nor saved afterwards. Norms become part of
the convolutions before them, weights take the number format that they are used in, once instead of at every frame, and
convolutions in float32 on a CPU a faster way; on request the net's parts are compiled. Also here: how a process keeps the memory
that one frame frees for the next.
"""

import ctypes
import importlib.util
import os
import platform
import shutil

import torch
from torch import nn

from engine import winograd
from engine.errors import CtvisError
from engine.layers import Attention
from engine.model import CTVIS
from engine.normed_conv import NormedConv
from engine.resnet import ConvNorm, ResNet50
from engine.swin import Swin

M_TRIM_THRESHOLD, M_MMAP_MAX, M_ARENA_MAX = -1, -4, -8  # of glibc's malloc.h


def tune(model: CTVIS, autocast: torch.dtype | None = None, compiled: bool = False) -> None:
    """autocast: the half precision that the net will run under, if any. compiled: by torch.compile, at the first frame."""
    device = next(model.parameters()).device
    if compiled:
        check_compiler(device)
    model.eval().requires_grad_(False)
    for module in model.modules():
        if isinstance(module, ConvNorm | NormedConv):
            module.fold()
    if autocast is not None:
        _convert(model.pixel_decoder, autocast)
        _convert(model.query_decoder, autocast)
        if isinstance(model.backbone, ResNet50 | Swin):  # those of timm see to it themselves
            _convert(model.backbone, autocast)
    elif device.type == "cpu" and not compiled and winograd.is_available():
        winograd.replace_convolutions(model)
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.to(memory_format=torch.channels_last)
    if compiled:
        for part in (model.backbone, model.pixel_decoder, model.query_decoder):
            part.compile(dynamic=False)


def keep_freed_memory() -> None:
    """Have the C library reuse the large blocks of one frame for the next, instead of returning them to the system.

    The system hands them out page by page and zeroes each of them. This holds for the whole process; only glibc has such settings.
    """
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        libc.mallopt(M_MMAP_MAX, 0)
        libc.mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        libc.mallopt(M_ARENA_MAX, 1)  # the other threads' own arenas are too small for a frame's blocks


def check_compiler(device: torch.device) -> None:
    """Raise CtvisError where torch.compile lacks what it needs for this device."""
    names = [os.environ.get("CXX", ""), "g++", "clang++", "cl"]
    if not any(shutil.which(name) for name in names if name):
        raise CtvisError(
            "Compiling the net needs a C++ compiler, and there is none here: install g++, or do without --compile."
        )
    if device.type == "cuda" and importlib.util.find_spec("triton") is None:
        raise CtvisError("Compiling the net for a GPU needs Triton: pip install triton, or do without --compile.")


def is_compiled(model: nn.Module) -> bool:
    """Whether `tune` was told to compile the net."""
    return any(part._compiled_call_impl is not None for part in model.children())


def is_compiler_fault(error: BaseException) -> bool:
    """Whether torch.compile raised it, which happens at the first frame, if at all."""
    return any(kind.__module__.startswith(("torch._dynamo", "torch._inductor")) for kind in type(error).__mro__)


def _convert(part: nn.Module, dtype: torch.dtype) -> None:
    """Give the weights that autocast would convert at every frame their dtype now."""
    for module in part.modules():
        if isinstance(module, nn.Linear | nn.Conv2d | Attention):
            for name, weights in list(module.named_parameters(recurse=False)):
                setattr(module, name, nn.Parameter(weights.to(dtype), requires_grad=False))
