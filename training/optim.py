"""The optimiser and its schedule, as functions of the progress (0..1) of a run."""

import math
from itertools import chain

import torch
from torch import nn

from training.config import TrainConfig

_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.BatchNorm2d, nn.Embedding)
_PLACES = (
    "level_embed",
    "relative_position_bias_table",
    "pos_embed",
)  # ends of names, embeddings in all but their class


def make_optimizer(model: nn.Module, config: TrainConfig) -> torch.optim.AdamW:
    """AdamW with one group per (backbone or not, decayed or not). Freezes what `config.frozen` names."""
    groups: dict[tuple[bool, bool], list[nn.Parameter]] = {}
    for module_name, module in model.named_modules():
        for name, parameter in module.named_parameters(prefix=module_name, recurse=False):
            if name.startswith(config.frozen or ("\0",)):
                parameter.requires_grad_(False)
                continue
            decayed = not isinstance(module, _NORMS) and not name.endswith(_PLACES)
            groups.setdefault((name.startswith("backbone."), decayed), []).append(parameter)
    return torch.optim.AdamW(
        [
            {
                "params": parameters,
                "share": config.backbone_factor if in_backbone else 1.0,
                "weight_decay": config.weight_decay if decayed else 0.0,
            }
            for (in_backbone, decayed), parameters in groups.items()
        ],
        lr=config.learning_rate,
        fused=True,
    )


def rate(progress: float, config: TrainConfig) -> float:
    """The learning rate's share at a progress of 0..1."""
    rising = min(1.0, progress / config.warmup) if config.warmup else 1.0
    if config.schedule == "cosine":
        return rising * (0.01 + 0.99 * (1 + math.cos(math.pi * min(progress, 1.0))) / 2)
    return rising * 0.1 ** ((progress >= 3 / 8) + (progress >= 3 / 4))


def set_rate(optimizer: torch.optim.Optimizer, progress: float, config: TrainConfig) -> float:
    """Sets every group's learning rate and returns the main one."""
    share = rate(progress, config)
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * share * group["share"]
    return config.learning_rate * share


def parameters_of(optimizer: torch.optim.Optimizer) -> list[nn.Parameter]:
    return list(chain.from_iterable(group["params"] for group in optimizer.param_groups))
