"""CTVIS, the net: frames in; classes, masks and re-ID embeddings of all queries out.

The net knows one frame at a time and holds no state; following objects through a video is `session.py`'s work.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.config import FrameFormat
from engine.pixel_decoder import PixelDecoder, PixelFeatures
from engine.query_decoder import FrameOutput, QueryDecoder


class CTVIS(nn.Module):
    """Backbone, pixel decoder, query decoder. `frame_format` says how frames are to be resized before they come."""

    def __init__(
        self, backbone: nn.Module, pixel_decoder: PixelDecoder, query_decoder: QueryDecoder, frame_format: FrameFormat
    ) -> None:
        super().__init__()
        self.backbone = backbone
        self.pixel_decoder = pixel_decoder
        self.query_decoder = query_decoder
        self.frame_format = frame_format

    def forward(self, frames: Tensor) -> FrameOutput:
        """frames: (N, 3, H, W), RGB, 0..255, uint8 or floating. Masks cover the padded frame at stride 4."""
        return self.query_decoder(self.features(frames))

    def layer_outputs(self, frames: Tensor) -> list[FrameOutput]:
        """As `forward`, but of every decoder layer (first: the learned queries; last: the result), for training."""
        return self.query_decoder.layer_outputs(self.features(frames))

    def features(self, frames: Tensor) -> PixelFeatures:
        """Backbone and pixel decoder."""
        return self.pixel_decoder(self.backbone(self.prepare(frames)))

    def prepare(self, frames: Tensor) -> Tensor:
        """Normalised in the net's own dtype, zero-padded at the right and bottom to the divisor, channels last."""
        dtype = self.query_decoder.query_feat.weight.dtype
        exact = torch.promote_types(dtype, torch.float32)  # half precision cannot hold 0..255 and a mean to 0.001
        mean, std = (
            torch.tensor(numbers, dtype=exact, device=frames.device).view(3, 1, 1)
            for numbers in (self.frame_format.mean, self.frame_format.std)
        )
        frames = (frames.to(exact) - mean).div_(std).to(dtype)
        height, width = frames.shape[-2:]
        divisor = self.frame_format.divisor
        missing = (0, -width % divisor, 0, -height % divisor)
        padded = F.pad(frames, missing) if any(missing) else frames
        return padded.contiguous(memory_format=torch.channels_last)
