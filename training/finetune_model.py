"""A net for the categories of a project, made from one that knows others.

Categories of the same name keep what the parent knows of them. Those that are about to be taught, and are new or were silent in the
parent, start as the mean of the known ones: "an object, of a kind that I do not know". What is neither known nor taught is silent.
All else is copied. Nothing is trained here.

What a short training on few frames takes from the other categories, `blended` gives back: a net between the one that training began
with and the one it came to, weight by weight. (Wortsman et al., Robust fine-tuning of zero-shot models, 2022.)
"""

from collections.abc import Collection, Sequence
from copy import deepcopy
from dataclasses import replace

import torch

from engine import CTVIS, Category, Preset, build_model
from training.evaluate import plain_name

SILENT = -20.0  # a bias below this was set, not learnt: the net never says that category
SILENCE = -30.0


def adapt(
    parent: CTVIS, preset: Preset, categories: Sequence[Category], taught: Collection[int], name: str
) -> tuple[CTVIS, Preset]:
    """The new net and its preset, called `name`. taught: places of the categories that training data show."""
    size = replace(preset.model, num_classes=len(categories))
    tracker = replace(preset.tracker, top_k=preset.top_k)  # not fewer predictions because there are fewer categories
    found = replace(preset, name=name, model=size, categories=tuple(categories), tracker=tracker)
    model = build_model(found)
    state = parent.state_dict()
    head = "query_decoder.class_embed."
    rows = class_rows(parent, preset, categories, taught)
    state |= {head + part: tensor for part, tensor in rows.items()}
    model.load_state_dict(state)
    return model.to(next(parent.parameters()).device), found


@torch.no_grad()
def blended(start: CTVIS, trained: CTVIS, share: float) -> CTVIS:
    """A net of its own whose weights lie between those of two nets: `share` (0..1) of the way from the first to the second."""
    found = deepcopy(trained)
    for weight, before in zip(found.parameters(), start.parameters(), strict=True):
        weight.lerp_(before, 1 - share)
    return found


def known_categories(parent: CTVIS, preset: Preset) -> dict[str, int]:
    """The categories that the net says, by plain name, with their rows in the class head."""
    bias = parent.query_decoder.class_embed.bias
    return {plain_name(c.name): row for row, c in enumerate(preset.categories) if bias[row] > SILENT}


@torch.no_grad()
def class_rows(
    parent: CTVIS, preset: Preset, categories: Sequence[Category], taught: Collection[int]
) -> dict[str, torch.Tensor]:
    """weight (K+1, C) and bias (K+1,) of the new class head; the last row is "no object"."""
    weight, bias = parent.query_decoder.class_embed.weight, parent.query_decoder.class_embed.bias
    known = known_categories(parent, preset)
    live = list(known.values())
    fresh = (weight[live].mean(0), bias[live].mean()) if live else (torch.zeros_like(weight[0]), bias[-1].clone())
    weights, biases = [], []
    for place, category in enumerate(categories):
        row = known.get(plain_name(category.name))
        if row is not None:
            weights.append(weight[row])
            biases.append(bias[row])
        elif place in taught:
            weights.append(fresh[0])
            biases.append(fresh[1])
        else:
            weights.append(torch.zeros_like(weight[0]))
            biases.append(torch.full_like(bias[0], SILENCE))
    return {"weight": torch.stack([*weights, weight[-1]]), "bias": torch.stack([*biases, bias[-1]])}
