"""CTVIS in pure PyTorch: the net, the tracker, the streaming session, checkpoints and video reading.

Knows nothing of training or of the studio.
"""

from engine.build import build_model, find_preset
from engine.checkpoint import load_checkpoint, load_model, save_checkpoint
from engine.config import Category, FrameFormat, ModelConfig, Preset, TrackerConfig
from engine.model import CTVIS
from engine.presets import PRESETS
from engine.query_decoder import FrameOutput

__all__ = [
    "CTVIS",
    "PRESETS",
    "Category",
    "FrameFormat",
    "FrameOutput",
    "ModelConfig",
    "Preset",
    "TrackerConfig",
    "build_model",
    "find_preset",
    "load_checkpoint",
    "load_model",
    "save_checkpoint",
]
