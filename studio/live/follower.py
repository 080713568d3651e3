"""A model and a tracker on a stream without an end.

In: frames, one after the other. Out: what is seen in each, with what is believed of it at that time, and the tracks that ended.
What is kept is bounded by what is in view: a track that nothing can join any more is handed out once and forgotten. A tracker
that counts absence in seconds gets them in frames, by the rate at which frames came lately.
"""

import time
from collections import deque
from typing import Any, NamedTuple

import numpy as np

from engine import CTVIS, Category, Preset
from engine.masks import RLE, area, bbox, decode
from engine.output_tracks import TrackSummary
from engine.run import step_frame
from engine.session import VideoSession
from studio.formats.overlay import DrawnTrack
from studio.prediction import DRAWN_SCORE, Settings

FIRST_RATE = 10.0  # frames per second, taken for granted until two frames came
LATELY = 30  # frames, over which the rate is taken


class Seen(NamedTuple):
    """A track in one frame. score: of the whole track so far, 0..1."""

    track_id: int
    category: Category
    score: float
    rle: RLE

    def as_json(self) -> dict[str, Any]:
        """As plain values; `bbox` is (x, y, width, height) in pixels."""
        return {
            "id": self.track_id,
            "category_id": self.category.id,
            "category": self.category.name,
            "score": round(self.score, 4),
            "bbox": bbox(self.rle),
            "segmentation": self.rle,
        }

    def as_drawn(self) -> DrawnTrack:
        """As the overlay draws it."""
        label = (str(self.track_id), self.category.name.replace("_", " "), f"{self.score:.0%}")
        return DrawnTrack(self.track_id, decode(self.rle), label)


class EndedTrack(NamedTuple):
    """A track that is over; frames are counted as the follower was given them, from 0."""

    id: int
    category_id: int
    category: str
    score: float
    first_frame: int
    last_frame: int
    frames_seen: int


class Follower:
    """Call `step` for each frame; all frames have the size of the first one."""

    def __init__(self, model: CTVIS, preset: Preset, settings: Settings) -> None:
        """Of the settings, `frame_step` and `top_k` mean nothing here. score_threshold None: `DRAWN_SCORE`."""
        self.model, self.preset, self.settings = model, preset, settings
        self.threshold = DRAWN_SCORE if settings.score_threshold is None else settings.score_threshold
        self.session: VideoSession | None = None
        self._times: deque[float] = deque(maxlen=LATELY)

    def step(self, rgb: np.ndarray, seconds: float | None = None) -> list[Seen]:
        """The tracks seen in the next frame, uint8 (H, W, 3), best detection first; those below the threshold are left out.

        seconds: when the frame was taken, by any clock; None: now.
        """
        if self.session is None:
            size = (rgb.shape[0], rgb.shape[1])
            frame_format, tracker = self.settings.frame_format, self.preset.tracker.at_rate(FIRST_RATE)
            self.session = VideoSession(self.model, size, tracker, frame_format=frame_format, spool=False)
        self._times.append(time.monotonic() if seconds is None else seconds)
        self._keep_patience(self.session)
        observations = step_frame(self.session, rgb, self.settings.autocast)
        summaries = self.session.tracks.summaries()
        seen = []
        for observation in observations:
            summary = summaries.get(observation.track_id)
            rle = observation.rle
            if summary is not None and summary.score >= self.threshold and rle is not None and area(rle):
                seen.append(Seen(observation.track_id, self._category(summary), summary.score, rle))
        return seen

    def _keep_patience(self, session: VideoSession) -> None:
        """Let absence last as many seconds as it should at the rate of late."""
        took = self._times[-1] - self._times[0]
        if self.preset.tracker.max_absence_seconds is not None and took > 0:
            rate = (len(self._times) - 1) / took
            session.tracker.bank.max_absence = self.preset.tracker.at_rate(rate).max_absence

    def take_ended(self) -> list[EndedTrack]:
        """The tracks that ended since this was last asked, and that scored above the threshold."""
        return self._ended(self.session.take_ended() if self.session else {})

    def finish(self) -> list[EndedTrack]:
        """The tracks that were still in view."""
        return self._ended(self.session.finish().tracks if self.session else {})

    def _ended(self, summaries: dict[int, TrackSummary]) -> list[EndedTrack]:
        return [
            EndedTrack(
                track_id,
                self._category(track).id,
                self._category(track).name,
                round(track.score, 4),
                track.first_frame,
                track.last_frame,
                track.observed,
            )
            for track_id, track in summaries.items()
            if track.score >= self.threshold
        ]

    def _category(self, track: TrackSummary) -> Category:
        return self.preset.categories[track.category]
