"""From any checkpoint file to a net that is ready: which preset it belongs to, and what of the net it leaves at random.

A file of ours says itself what it is. Of a foreign one the shapes tell: backbone, queries, categories. Datasets with equally many
categories cannot be told apart so; then the error lists the presets to choose from. A Mask2Former COCO file has neither our
categories nor a re-ID head: it is a start for training, not a model to use.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor

from engine.build import build_model, find_preset
from engine.checkpoint import fill, fill_from_coco, notes_beside, preset_beside, read_weights
from engine.config import Preset
from engine.errors import CheckpointError
from engine.model import CTVIS
from engine.presets import PRESETS

QUERIES = "query_decoder.query_feat.weight"  # (queries, dim)
CLASSES = "query_decoder.class_embed.bias"  # (categories + 1,)
REID = "query_decoder.reid_embed."
KNOWN_BACKBONES = ("resnet50", "swin_l")  # by the names of their tensors; those of timm's nets do not tell
UNTRAINED = "untrained"  # the note that a start for training carries: the parts at random, in words


@dataclass(frozen=True)
class Recognised:
    """A filled net. `untrained` names in words what the file left at random; empty for a complete model."""

    model: CTVIS
    preset: Preset
    untrained: tuple[str, ...]


def recognise(path: str | Path, preset: str | Preset | None = None) -> Recognised:
    """The net of a checkpoint file. Raises CheckpointError if the file is unfit, or fits several presets and none is named."""
    path = Path(path)
    state = read_weights(path)
    start = _is_start(state)
    named = find_preset(preset) if isinstance(preset, str) else preset
    found = named or preset_beside(path) or guess_preset(state, path.name)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)  # so that the same file always makes the same start
        model = build_model(found)
    try:
        fresh = fill_from_coco(model, state, path.name) if start else fill(model, state, path.name)
    except CheckpointError as fault:
        others = _fitting(state)
        if not others or found.name in others:
            raise
        raise PresetUnclear(
            f"{path.name} does not fit {found.name}. By its shapes it belongs to {_listed(others)}."
        ) from fault
    return Recognised(model, found, _in_words(fresh, found) if start else untrained(path))


def guess_preset(state: dict[str, Tensor], source: str) -> Preset:
    """The one preset that these tensors fit by their shapes; `source` names their file in errors."""
    if QUERIES not in state or CLASSES not in state:
        raise CheckpointError(f"{source} holds tensors, but not those of a CTVIS or Mask2Former net.")
    fitting = _fitting(state)
    if len(fitting) == 1:
        return PRESETS[fitting[0]]
    queries, categories = state[QUERIES].shape[0], len(state[CLASSES]) - 1
    seen = f"{_backbone(state) or 'another'} backbone, {queries} queries, {categories} categories"
    if not fitting:
        raise PresetUnclear(
            f"{source} fits no preset ({seen}). Presets: {', '.join(PRESETS)}. A net of your own needs its .json beside it."
        )
    reason = "say which categories are to take the place of COCO's" if _is_start(state) else "their shapes are the same"
    raise PresetUnclear(f"{source} ({seen}) fits {_listed(fitting, 'and')}: {reason}. Name its preset.")


def untrained(path: Path) -> tuple[str, ...]:
    """What is still at random in a file of ours, in words; empty for a complete model."""
    parts = notes_beside(path).get(UNTRAINED)
    return tuple(str(part) for part in parts) if isinstance(parts, list) else ()


class PresetUnclear(CheckpointError):
    """The file is sound, but fits several presets, none, or another than the one that was named."""


class _Shape(NamedTuple):
    """What of a net can be seen from outside. outputs: None where any number will do."""

    backbone: str
    queries: tuple[int, ...]
    outputs: int | None


def _is_start(state: dict[str, Tensor]) -> bool:
    """Whether it is Mask2Former's, which knows no identities."""
    return not any(name.startswith(REID) for name in state)


def _fitting(state: dict[str, Tensor]) -> list[str]:
    """The presets whose nets look like this from outside."""
    if QUERIES not in state or CLASSES not in state:
        return []
    start = _is_start(state)
    seen = _Shape(_backbone(state), tuple(state[QUERIES].shape), None if start else len(state[CLASSES]))
    return [name for name, preset in PRESETS.items() if _shape(preset, any_categories=start) == seen]


def _shape(preset: Preset, any_categories: bool) -> _Shape:
    size = preset.model
    backbone = size.backbone if size.backbone in KNOWN_BACKBONES else ""
    return _Shape(backbone, (size.num_queries, size.hidden_dim), None if any_categories else size.num_classes + 1)


def _backbone(state: dict[str, Tensor]) -> str:
    """One of KNOWN_BACKBONES, or "" for any other."""
    if "backbone.res4.5.conv1.weight" in state and "backbone.res4.6.conv1.weight" not in state:
        return "resnet50"
    patches = state.get("backbone.patch_embed.proj.weight")
    return "swin_l" if patches is not None and patches.shape[0] == 192 else ""


def _in_words(fresh: list[str], preset: Preset) -> tuple[str, ...]:
    words = {
        "query_decoder.class_embed.": f"the classes ({preset.model.num_classes} categories and none)",
        REID: "the re-ID head",
    }
    return tuple(text for beginning, text in words.items() if any(name.startswith(beginning) for name in fresh))


def _listed(names: list[str], joint: str = "or") -> str:
    return f"{', '.join(names[:-1])} {joint} {names[-1]}" if len(names) > 1 else names[0]
