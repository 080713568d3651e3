"""One video on its way through the net and the tracker.

`VideoSession` holds all state there is while a video runs: frames go in one by one, in order, and each comes back as the
tracks seen in it; `finish()` gives the result of the whole video. The net itself holds none, so many sessions may share
one. Frames are (H, W, 3) uint8 RGB at the video's own size; masks come back as RLE at that size. It opens no files (see
`video.py`), and stores nothing that outlives it; who wants to track again without the net keeps the packed detections that
it hands out (`detections.py`, `retrack.py`).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.config import FrameFormat, TrackerConfig
from engine.detections import FrameDetections, Picked, encode_frame
from engine.errors import VideoError
from engine.frames import resize, resized_size
from engine.model import CTVIS
from engine.output_tracks import TrackSummary
from engine.result import ResultBuilder, VideoResult
from engine.tracker import Observation, Tracker
from engine.video_masks import Size, VideoMask, VideoMasks

__all__ = ["VideoResult", "VideoSession"]


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
        fps: float | None = None,
        detections: Callable[[bytes], None] | None = None,
        before_nms: bool = False,
    ):
        """size: (H, W) of the video. top_k: how many (track, category) pairs the result holds, instead of the tracker's own.
        frame_format: instead of the model's own. spool=False: keep no masks, the caller stores those that `step` returns.
        fps: frames given per second of video, for a tracker that counts in seconds. detections: is handed each frame's
        packed detections; before_nms=True has the duplicates among them too: more to store, but then a re-tracking is
        exact whatever its NMS."""
        config = (tracker or TrackerConfig()).at_rate(fps)
        self.model = model
        self.size = size
        self.top_k = top_k or config.top_k
        self.resized = resized_size(size, frame_format or model.frame_format)
        self.tracker = Tracker(config)
        self.output = ResultBuilder(size, config, spool)
        self.tracks = self.output.tracks
        self._hand_out = detections
        self._before_nms = before_nms
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

    def prepare(self, rgb: NDArray[np.uint8], ordinal: int | None = None) -> Tensor:
        """A frame (H, W, 3) as the net wants it: (3, H, W) uint8 of the resized size, on the net's device.

        ordinal: its number in the source, for who prepares frames ahead of the session; None: the session's next one.
        """
        if rgb.shape != (*self.size, 3) or rgb.dtype != np.uint8:
            number = self.frame if ordinal is None else ordinal
            raise VideoError(
                f"Frame {number} is {rgb.dtype} {rgb.shape}, but this video's frames are uint8 {(*self.size, 3)}: "
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
        found, kept = self.tracker.pick(logits, masks, embeds)
        if not self._before_nms:
            found, kept = found.take(kept), kept[kept]
        ids = iter(self.tracker.assign(found.take(kept)))
        track_ids = [next(ids) if survives else None for survives in kept]

        drawn = [place for place, track_id in enumerate(track_ids) if track_id is not None or self._hand_out]
        made = dict(zip(drawn, self._at_video_size(masks, found.queries[drawn]), strict=True))
        tracked = [(track_id, place) for place, track_id in enumerate(track_ids) if track_id is not None]
        self.output.add_frame(frame, [(track_id, found.logits[place], made[place]) for track_id, place in tracked])
        if self._hand_out is not None:
            picked = Picked.by(self.tracker.config, self._before_nms)
            packed = FrameDetections(frame, self.size, picked, found, list(made.values()), track_ids)
            self._hand_out(encode_frame(packed))
        places = [(*pair, int(found.queries[pair[1]])) for pair in tracked]
        return [
            Observation(
                track_id, query, float(found.scores[place]), logits[query], masks[query], embeds[query], made[place].rle
            )
            for track_id, place, query in places
        ]

    def _at_video_size(self, masks: Tensor, queries: NDArray[np.int64]) -> list[VideoMask]:
        """The masks (Q, h, w) of these queries."""
        if not len(queries):
            return []
        logits = masks[torch.from_numpy(queries).to(masks.device)]
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
        return self.output.result(self.frame, self.top_k)

    def state_dict(self) -> dict[str, Any]:
        """All that is needed to go on with the next frame after a kill: plain numbers and CPU tensors, but no masks."""
        return {"size": list(self.size), "tracker": self.tracker.state_dict(), "tracks": self.tracks.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where the session that `state` was taken from stood; give it the frames from `self.frame` on."""
        if tuple(state["size"]) != tuple(self.size):
            raise ValueError(f"the saved session is for {state['size']} frames, this one for {list(self.size)}")
        if self.output.spool is not None and state["tracker"]["frame"]:
            raise ValueError("a saved session holds no masks: make the new one with spool=False and keep its masks")
        self.tracker.load_state_dict(state["tracker"])
        self.tracks.load_state_dict(state["tracks"])
