"""Reading and writing weights, always strictly: a name or shape that does not fit is an error that names it.

Reads and writes the published CTVIS `.pth` form, reads `.pkl` files (see `published_names.py`) and keeps this project's own
pair: `NAME.safetensors` with `NAME.json` beside it, which holds the preset. Nothing in a file is ever executed. Loads no
optimiser state: a training run keeps its own.
"""

import io
import json
import os
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save
from torch import Tensor

from engine.build import build_model, find_preset
from engine.config import Preset
from engine.errors import CheckpointError
from engine.model import CTVIS
from engine.published_names import to_ours, to_published

ASSETS = Path(__file__).resolve().parent.parent / "assets"


def load_checkpoint(model: CTVIS, path: str | Path) -> None:
    """Copies a file's weights into the net. Raises CheckpointError if a single tensor is missing, left over or misshapen."""
    path = Path(path)
    state = _read_own(path) if path.suffix == ".safetensors" else _rename(_read_published(path))
    _check_fit(model, state, path)
    model.load_state_dict(state)


def load_model(name_or_path: str | Path, preset: str | Preset | None = None) -> tuple[CTVIS, Preset]:
    """A ready net and its preset, from a shipped model's name ("demo") or a checkpoint file.

    The project's own files carry their preset; any other file needs one named.
    """
    path = Path(name_or_path)
    shipped = ASSETS / f"{name_or_path}.safetensors"
    if not path.exists() and shipped.exists():
        path = shipped
    if not path.exists():
        raise CheckpointError(
            f'There is no model or checkpoint file "{name_or_path}". Shipped models: {_shipped_names()}.'
        )
    found = find_preset(preset) if isinstance(preset, str) else preset or _preset_beside(path)
    model = build_model(found)
    load_checkpoint(model, path)
    return model, found


def save_checkpoint(
    model: CTVIS,
    preset: Preset,
    path: str | Path,
    dtype: torch.dtype = torch.float32,
    notes: dict[str, Any] | None = None,
) -> None:
    """Writes PATH (.safetensors) and, beside it, .json with the preset and free notes. Each file appears whole or not at all."""
    path = Path(path)
    state = {name: tensor.detach().to("cpu", dtype).contiguous() for name, tensor in model.state_dict().items()}
    _write_whole(
        path.with_suffix(".json"), json.dumps({"preset": preset.to_dict(), "notes": notes or {}}, indent=1).encode()
    )
    _write_whole(path, save(state))


def initialise_from_coco(model: CTVIS, path: str | Path) -> list[str]:
    """Copies the weights of Mask2Former's COCO instance model, from which CTVIS is trained. Returns what stays random.

    Only the class head (COCO has other categories) and the re-ID head (Mask2Former has none) may stay; anything else that is
    missing, left over or misshapen raises CheckpointError.
    """
    path, own = Path(path), model.state_dict()
    state = _rename(_read_published(path))
    fresh = [
        name
        for name in own
        if (name.startswith("query_decoder.reid_embed.") and name not in state)
        or (name.startswith("query_decoder.class_embed.") and name in state and state[name].shape != own[name].shape)
    ]
    complete = state | {name: own[name] for name in fresh}
    _check_fit(model, complete, path)
    model.load_state_dict(complete)
    return fresh


def export_published(model: CTVIS, path: str | Path) -> None:
    """Writes a `.pth` that the reference implementation of CTVIS reads: its names, and the buffers that it expects."""
    state = {to_published(name): tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    indices = {name: index for name, index in model.named_buffers() if name.endswith("relative_position_index")}
    no_object = torch.ones(len(state["sem_seg_head.predictor.class_embed.bias"]))
    no_object[-1] = 0.1  # the criterion's weight of "no object"
    buffer = io.BytesIO()
    torch.save({"model": {**state, **indices, "criterion.empty_weight": no_object}}, buffer)
    _write_whole(Path(path), buffer.getvalue())


def _shipped_names() -> str:
    return ", ".join(sorted(path.stem for path in ASSETS.glob("*.safetensors"))) or "none"


def _preset_beside(path: Path) -> Preset:
    beside = path.with_suffix(".json")
    if path.suffix != ".safetensors" or not beside.exists():
        raise CheckpointError(
            f"{path.name} does not say which net it belongs to: name its preset, as in --preset ytvis_2019_r50."
        )
    try:
        return Preset.from_dict(json.loads(beside.read_text())["preset"])
    except (ValueError, KeyError, TypeError) as fault:
        raise CheckpointError(
            f"{beside.name} holds no readable preset ({fault}). Copy it again from where the model came."
        ) from fault


def _read_own(path: Path) -> dict[str, Tensor]:
    try:
        return load_file(path)
    except (SafetensorError, OSError) as fault:
        raise CheckpointError(
            f"{path.name} is damaged or no safetensors file ({fault}). Copy or download it again."
        ) from fault


def _read_published(path: Path) -> dict[str, Tensor]:
    read = _read_pickled_arrays if path.suffix == ".pkl" else _read_torch
    try:
        content = read(path)
    except CheckpointError:
        raise
    except Exception as fault:  # a damaged pickle raises almost anything
        reason = str(fault).strip().splitlines()[0] if str(fault).strip() else type(fault).__name__
        raise CheckpointError(
            f"{path.name} cannot be read as a checkpoint ({reason[:200]}). Download it again."
        ) from fault
    tensors = content.get("model", content) if isinstance(content, dict) else None
    if not isinstance(tensors, dict) or not tensors:
        raise CheckpointError(f'{path.name} holds no "model" table of tensors, so it is no CTVIS checkpoint.')
    try:
        return {name: torch.as_tensor(value) for name, value in tensors.items()}
    except (TypeError, RuntimeError) as fault:
        raise CheckpointError(f"{path.name} holds something that is not a tensor ({fault}).") from fault


def _read_torch(path: Path) -> Any:
    return torch.load(path, map_location="cpu", weights_only=True)


class _ArraysOnly(pickle.Unpickler):
    """Unpickles numpy arrays and plain containers; refuses whatever else a pickle may name."""

    _ADMITTED = frozenset(
        {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"), ("collections", "OrderedDict")}
        | {(f"numpy.{core}.multiarray", name) for core in ("core", "_core") for name in ("_reconstruct", "scalar")}
    )

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in self._ADMITTED:
            raise CheckpointError(
                f"The file asks to run {module}.{name}. A checkpoint has no need of that: do not trust it."
            )
        return super().find_class(module, name)


def _read_pickled_arrays(path: Path) -> Any:
    content = _ArraysOnly(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    if isinstance(content, dict) and isinstance(content.get("model"), dict):
        content["model"] = {name: np.asarray(value) for name, value in content["model"].items()}
    return content


def _rename(state: dict[str, Tensor]) -> dict[str, Tensor]:
    renamed = {to_ours(name): tensor for name, tensor in state.items()}
    return {name: tensor for name, tensor in renamed.items() if name is not None}


def _check_fit(model: CTVIS, state: dict[str, Tensor], path: Path) -> None:
    wanted = model.state_dict()
    faults = [f"{name} is missing" for name in wanted.keys() - state.keys()]
    faults += [f"{name} is not part of the net" for name in state.keys() - wanted.keys()]
    faults += [
        f"{name} is {tuple(state[name].shape)}, the net has {tuple(wanted[name].shape)}"
        for name in wanted.keys() & state.keys()
        if state[name].shape != wanted[name].shape
    ]
    if faults:
        shown = "; ".join(sorted(faults)[:4]) + (f"; and {len(faults) - 4} more" if len(faults) > 4 else "")
        raise CheckpointError(f"{path.name} does not fit this net: {shown}. Is it the right preset?")


def _write_whole(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
