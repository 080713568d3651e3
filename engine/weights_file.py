"""The tensors of a weights file, whatever its form, read without running anything that is in it.

The content decides, not the ending of the name: safetensors, a zip of PyTorch's, PyTorch's older form, or a pickle of numpy
arrays as detectron2's model zoo has them. Out: {name: tensor} under the file's own names. Whatever is no such file, the web page
that a download turned out to be for one, is a CheckpointError.
"""

import pickle
import re
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from engine.errors import CheckpointError

ZIP, PICKLE = b"PK\x03\x04", b"\x80"
OLD_TORCH = b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19."  # the number that PyTorch before 1.6 wrote first, pickled
WEB_PAGE = re.compile(rb"(\xef\xbb\xbf)?\s*(<!doctype|<html|<head|<\?xml)", re.IGNORECASE)


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The file's tensors by name. Of a training's checkpoint only the weights: its optimiser is left in the file."""
    start = _start(path)
    if start[8:9] == b"{":  # after the length of the header
        return _read_safetensors(path)
    if start.startswith((ZIP, OLD_TORCH)):
        content = _unpickled(path, lambda: _read_torch(path, mmap=start.startswith(ZIP)))
    elif start.startswith(PICKLE):
        content = _unpickled(path, lambda: _read_arrays(path))
    else:
        raise CheckpointError(
            f"{path.name} is neither a PyTorch file nor safetensors nor a pickle of arrays, so it is no checkpoint. "
            "Download it again, or check that it is the right file."
        )
    tensors = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(tensors, dict) or not tensors:
        raise CheckpointError(f'{path.name} holds no "model" table of tensors, so it is no CTVIS checkpoint.')
    try:
        return {str(name): torch.as_tensor(value) for name, value in tensors.items()}
    except (TypeError, RuntimeError, ValueError) as fault:
        raise CheckpointError(f"{path.name} holds something that is not a tensor ({fault}).") from fault


def _start(path: Path) -> bytes:
    """The first bytes, once it is clear that there are some and that they are not a person's reading matter."""
    if path.is_dir():
        raise CheckpointError(f"{path} is a folder. Name the checkpoint file in it.")
    try:
        with path.open("rb") as file:
            start = file.read(256)
    except OSError as fault:
        raise CheckpointError(f"{path} cannot be read: {fault.strerror}.") from fault
    if not start:
        raise CheckpointError(f"{path.name} is empty. Download it again.")
    if WEB_PAGE.match(start):
        raise CheckpointError(
            f"{path.name} is a web page, not a checkpoint. Open its address in a browser, download the file itself, and give that."
        )
    return start


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as fault:
        raise CheckpointError(f"{path.name} is damaged or cut off ({fault}). Copy or download it again.") from fault


def _unpickled(path: Path, read: Any) -> Any:
    try:
        return read()
    except CheckpointError:
        raise
    except Exception as fault:  # a damaged pickle raises almost anything
        if asked := re.search(
            r"GLOBAL (\S+)", str(fault)
        ):  # PyTorch's words; its advice to read on regardless is not passed on
            raise _asks_to_run(path, asked[1]) from fault
        raise CheckpointError(
            f"{path.name} cannot be read as a checkpoint: it is damaged or cut off ({_first_line(fault)}). Download it again."
        ) from fault


def _asks_to_run(path: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"{path.name} asks to run {what}. A checkpoint has no need of that, and nothing was run: do not trust this file."
    )


def _first_line(fault: Exception) -> str:
    lines = str(fault).strip().splitlines()
    return lines[0][:200] if lines else type(fault).__name__


def _read_torch(path: Path, mmap: bool) -> Any:
    with torch.serialization.safe_globals(_NUMBERS):
        return torch.load(path, map_location="cpu", weights_only=True, mmap=mmap)


# What the numbers beside the weights of a training's checkpoint are made of, such as its best score.
_NUMBERS: list[Any] = [
    *((np.float64(0).__reduce__()[0], f"numpy.{core}.multiarray.scalar") for core in ("core", "_core")),
    np.dtype,
    *(type(np.dtype(kind)) for kind in ("float64", "float32", "int64", "bool")),
]


class _ArraysOnly(pickle.Unpickler):
    """Unpickles numpy arrays and plain containers; refuses whatever else a pickle may name."""

    _ADMITTED = frozenset(
        {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"), ("collections", "OrderedDict")}
        | {(f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")}
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._ADMITTED:
            raise pickle.UnpicklingError(f"GLOBAL {module}.{name}")  # in the words that PyTorch has for it
        return super().find_class(module, name)


def _read_arrays(path: Path) -> Any:
    with path.open("rb") as file:
        content = _ArraysOnly(file, encoding="latin1").load()
    if isinstance(content, dict) and isinstance(content.get("model"), dict):
        content["model"] = {name: np.asarray(value) for name, value in content["model"].items()}
    return content
