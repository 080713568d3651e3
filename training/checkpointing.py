"""Less memory for more time: blocks of the net forget what they computed, and compute it again when gradients are wanted.

Gradients, weights and names stay as they are; evaluation does not notice. Not to be confused with the checkpoints of a run.
"""

from functools import partial
from typing import Any, cast

from torch import nn
from torch.utils.checkpoint import checkpoint

from engine.model import CTVIS
from engine.pixel_decoder import EncoderLayer
from engine.query_decoder import DecoderLayer
from engine.resnet import Bottleneck
from engine.swin import Block

BLOCKS = (Bottleneck, Block, EncoderLayer, DecoderLayer)


def recompute_blocks(model: CTVIS) -> None:
    """Changes the net in place, for good. A backbone of timm does it its own way, where it knows one."""
    for module in model.modules():
        if isinstance(module, BLOCKS):
            module.forward = partial(checkpoint, module.forward, use_reentrant=False)  # type: ignore[method-assign]
    body = getattr(model.backbone, "body", None)
    for part in (body, getattr(body, "model", None)):
        if isinstance(part, nn.Module) and hasattr(part, "set_grad_checkpointing"):
            cast(Any, part).set_grad_checkpointing(True)
            return
