"""CTVIS in pure PyTorch: the net, the tracker, the streaming session, checkpoints and video reading.

Knows nothing of training or of the studio.
"""

from engine.build import build_model, find_preset
from engine.checkpoint import load_checkpoint, load_model, save_checkpoint
from engine.config import Category, FrameFormat, ModelConfig, Preset, TrackerConfig
from engine.model import CTVIS
from engine.presets import PRESETS
from engine.query_decoder import FrameOutput
from engine.session import VideoResult, VideoSession
from engine.tracker import Observation, Tracker
from engine.video import open_video

__all__ = [
    "CTVIS",
    "PRESETS",
    "Category",
    "FrameFormat",
    "FrameOutput",
    "ModelConfig",
    "Observation",
    "Preset",
    "Tracker",
    "TrackerConfig",
    "VideoResult",
    "VideoSession",
    "build_model",
    "find_preset",
    "load_checkpoint",
    "load_model",
    "open_video",
    "save_checkpoint",
]
