"""Reading and writing weights, always strictly: a name or shape that does not fit is an error that names it.

Reads every form that `weights_file.py` knows, under our names or the published ones (`published_names.py`); writes the published
CTVIS `.pth` form and this project's own pair: `NAME.safetensors` with `NAME.json` beside it, which holds the preset and notes.
Loads no optimiser state: a training run keeps its own.
"""

import io
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save
from torch import Tensor

from engine.build import build_model, find_preset
from engine.config import Preset
from engine.errors import CheckpointError
from engine.model import CTVIS
from engine.published_names import to_ours, to_published
from engine.weights_file import read_tensors

ASSETS = Path(__file__).resolve().parent.parent / "assets"


def load_checkpoint(model: CTVIS, path: str | Path) -> None:
    """Copies a file's weights into the net. Raises CheckpointError if a single tensor is missing, left over or misshapen."""
    fill(model, read_weights(Path(path)), Path(path).name)


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
    found = find_preset(preset) if isinstance(preset, str) else preset or preset_beside(path)
    if found is None:
        raise CheckpointError(
            f"{path.name} does not say which net it belongs to: name its preset, such as ytvis_2019_r50."
        )
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
    return fill_from_coco(model, read_weights(Path(path)), Path(path).name)


def export_published(model: CTVIS, path: str | Path) -> None:
    """Writes a `.pth` that the reference implementation of CTVIS reads: its names, and the buffers that it expects."""
    state = {to_published(name): tensor.detach().cpu() for name, tensor in model.state_dict().items()}
    indices = {name: index for name, index in model.named_buffers() if name.endswith("relative_position_index")}
    no_object = torch.ones(len(state["sem_seg_head.predictor.class_embed.bias"]))
    no_object[-1] = 0.1  # the criterion's weight of "no object"
    buffer = io.BytesIO()
    torch.save({"model": {**state, **indices, "criterion.empty_weight": no_object}}, buffer)
    _write_whole(Path(path), buffer.getvalue())


def read_weights(path: Path) -> dict[str, Tensor]:
    """The file's tensors under our names, without those that the net computes by itself."""
    renamed = {to_ours(name): tensor for name, tensor in read_tensors(path).items()}
    return {name: tensor for name, tensor in renamed.items() if name is not None}


def fill(model: CTVIS, state: dict[str, Tensor], source: str) -> list[str]:
    """Copies `state`, which must fit exactly; `source` names it in errors. Returns what stays random: nothing."""
    if faults := _misfits(model, state):
        shown = "; ".join(faults[:4]) + (f"; and {len(faults) - 4} more" if len(faults) > 4 else "")
        raise CheckpointError(f"{source} does not fit this net: {shown}. Is it the right preset?")
    model.load_state_dict(state)
    return []


def fill_from_coco(model: CTVIS, state: dict[str, Tensor], source: str) -> list[str]:
    """As `initialise_from_coco`, from tensors that are read already."""
    own = model.state_dict()
    fresh = [
        name
        for name in own
        if (name.startswith("query_decoder.reid_embed.") and name not in state)
        or (name.startswith("query_decoder.class_embed.") and name in state and state[name].shape != own[name].shape)
    ]
    fill(model, state | {name: own[name] for name in fresh}, source)
    return fresh


def _misfits(model: CTVIS, state: dict[str, Tensor]) -> list[str]:
    """What is missing, left over or misshapen in `state`, in words, by name."""
    wanted = model.state_dict()
    faults = [f"{name} is missing" for name in wanted.keys() - state.keys()]
    faults += [f"{name} is not part of the net" for name in state.keys() - wanted.keys()]
    faults += [
        f"{name} is {tuple(state[name].shape)}, the net has {tuple(wanted[name].shape)}"
        for name in wanted.keys() & state.keys()
        if state[name].shape != wanted[name].shape
    ]
    return sorted(faults)


def preset_beside(path: Path) -> Preset | None:
    """The preset in the .json beside one of our own files; None if there is no such file."""
    content = _description(path)
    if content is None:
        return None
    try:
        return Preset.from_dict(content["preset"])
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise CheckpointError(
            f"{path.with_suffix('.json').name} holds no readable preset ({fault}). Copy it again from where the model came."
        ) from fault


def notes_beside(path: Path) -> dict[str, Any]:
    """The notes that `save_checkpoint` was given for this file."""
    notes = (_description(path) or {}).get("notes")
    return notes if isinstance(notes, dict) else {}


def _description(path: Path) -> dict[str, Any] | None:
    beside = path.with_suffix(".json")
    if path.suffix != ".safetensors" or not beside.exists():
        return None
    try:
        content = json.loads(beside.read_text(encoding="utf-8"))
    except (OSError, ValueError) as fault:
        raise CheckpointError(
            f"{beside.name} holds no readable preset ({fault}). Copy it again from where the model came."
        ) from fault
    return content if isinstance(content, dict) else {}


def _shipped_names() -> str:
    return ", ".join(sorted(path.stem for path in ASSETS.glob("*.safetensors"))) or "none"


def _write_whole(path: Path, content: bytes) -> None:
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
