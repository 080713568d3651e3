"""One video on its way through the net and the tracker.

`VideoSession` holds all state there is while a video runs: frames go in one by one, in order, and each comes back as the
tracks seen in it; `finish()` gives the result of the whole video. The net itself holds none, so many sessions may share
one. Frames are (H, W, 3) uint8 RGB at the video's own size; masks come back as RLE at that size. It opens no files (see
`video.py`), and stores nothing that outlives it.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.config import FrameFormat, TrackerConfig
from engine.errors import VideoError
from engine.frames import resize, resized_size
from engine.masks import RLE
from engine.model import CTVIS
from engine.output_tracks import OutputTracks, Prediction, TrackSummary
from engine.spool import MaskSpool
from engine.tracker import Observation, Tracker
from engine.video_masks import Size, VideoMask, VideoMasks


@dataclass(frozen=True, eq=False)
class VideoResult:
    """What was found in a video. size: (H, W); length: in frames; tracks: by track id.

    `predictions` are the entries of a results file, likeliest first.
    """

    size: Size
    length: int
    predictions: list[Prediction]
    tracks: dict[int, TrackSummary]
    spool: MaskSpool | None = None

    def segmentations(self, track_id: int) -> list[RLE | None]:
        """The track's mask in every frame of the video, None where it has none."""
        if self.spool is None:
            raise ValueError("this session was told not to keep masks (spool=False); its caller has them")
        return self.spool.read(track_id, self.tracks[track_id].first_frame, self.length)


class VideoSession:
    """Finds and follows the objects of one video."""

    def __init__(
        self,
        model: CTVIS,
        size: Size,
        tracker: TrackerConfig | None = None,
        top_k: int | None = None,
        frame_format: FrameFormat | None = None,
        spool: bool = True,
    ):
        """size: (H, W) of the video. top_k: how many (track, category) pairs the result holds, by default as many as there
        are categories. frame_format: instead of the model's own. spool=False: keep no masks, the caller stores those that
        `step` returns."""
        config = tracker or TrackerConfig()
        self.model = model
        self.size = size
        self.top_k = top_k
        self.resized = resized_size(size, frame_format or model.frame_format)
        self.tracker = Tracker(config)
        self.tracks = OutputTracks(config)
        self.spool = MaskSpool(size) if spool else None
        self._video_masks: VideoMasks | None = None

    @property
    def frame(self) -> int:
        """Index of the next frame."""
        return self.tracker.frame

    @torch.inference_mode()
    def step(self, rgb: NDArray[np.uint8]) -> list[Observation]:
        """The tracks seen in the next frame (H, W, 3), best score first, with their masks at the video's size as `rle`."""
        output = self.model(self.prepare(rgb)[None])
        return self.track(output.logits[0], output.masks[0], output.embeds[0])

    def prepare(self, rgb: NDArray[np.uint8]) -> Tensor:
        """A frame (H, W, 3) as the net wants it: (3, H, W) uint8 of the resized size, on the net's device."""
        if rgb.shape != (*self.size, 3) or rgb.dtype != np.uint8:
            raise VideoError(
                f"Frame {self.frame} is {rgb.dtype} {rgb.shape}, but this video's frames are uint8 {(*self.size, 3)}: "
                "give RGB frames that all have the size the session was made for."
            )
        pixels = np.ascontiguousarray(resize(rgb, self.resized).transpose(2, 0, 1))
        return torch.from_numpy(pixels).to(self._device)

    @torch.inference_mode()
    def track(self, logits: Tensor, masks: Tensor, embeds: Tensor) -> list[Observation]:
        """The second half of `step`, for callers that run the net over several frames at once (it is stateless).

        logits (Q, K+1), masks (Q, h, w), embeds (Q, C): what the net says of the next frame.
        """
        frame = self.frame
        observations = self.tracker.step(logits, masks, embeds)
        video_masks = self._at_video_size(observations)
        for seen, mask in zip(observations, video_masks, strict=True):
            self.tracks.add(frame, seen.track_id, seen.logits, mask.confidence, mask.area)
        self.tracks.end_frame(frame)
        if self.spool is not None:
            visible = [(o.track_id, m.rle) for o, m in zip(observations, video_masks, strict=True) if m.area]
            self.spool.write(frame, visible)
        return [replace(seen, rle=mask.rle) for seen, mask in zip(observations, video_masks, strict=True)]

    def _at_video_size(self, observations: list[Observation]) -> list[VideoMask]:
        if not observations:
            return []
        logits = torch.stack([seen.mask for seen in observations])
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        if self._video_masks is None:  # the grid is the net's affair, and known with its first masks
            grid = (logits.shape[1], logits.shape[2])
            self._video_masks = VideoMasks(grid, self.resized, self.size, logits.dtype, logits.device)
        return self._video_masks(logits)

    @property
    def _device(self) -> torch.device:
        return next(self.model.parameters()).device

    def take_ended(self) -> dict[int, TrackSummary]:
        """The tracks that nothing can join any more; the session then forgets them, and `finish` no longer has them.

        For streams without an end: called now and then, it bounds the session by what is in view.
        """
        return self.tracks.take(set(self.tracks.sums).difference(self.tracker.bank.ids))

    def finish(self) -> VideoResult:
        """The result of the frames so far."""
        predictions = self.tracks.predictions(self.top_k)
        return VideoResult(self.size, self.frame, predictions, self.tracks.summaries(), self.spool)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on with the next frame after a kill: plain numbers and CPU tensors, but no masks."""
        return {"size": list(self.size), "tracker": self.tracker.state_dict(), "tracks": self.tracks.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the session that `state` was taken from stood; give it the frames from `self.frame` on."""
        if tuple(state["size"]) != tuple(self.size):
            raise ValueError(f"the saved session is for {state['size']} frames, this one for {list(self.size)}")
        if self.spool is not None and state["tracker"]["frame"]:
            raise ValueError("a saved session holds no masks: make the new one with spool=False and keep its masks")
        self.tracker.load_state_dict(state["tracker"], self._device)
        self.tracks.load_state_dict(state["tracks"])
