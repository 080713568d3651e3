"""How fast a live session is: frames per second and latency over the last few frames."""

import time
from collections import deque
from statistics import median

FRAMES = 60  # what "lately" means ...
SECONDS = 10.0  # ... but no longer ago than this


class Pace:
    """Tell it of every frame that is done, with the seconds between its capture and its result."""

    def __init__(self) -> None:
        self._done: deque[tuple[float, float]] = deque(maxlen=FRAMES)  # (when, latency)
        self.frames = 0
        self.worst = 0.0

    def add(self, latency: float, now: float | None = None) -> None:
        self._done.append((time.monotonic() if now is None else now, latency))
        self.frames += 1
        self.worst = max(self.worst, latency)

    def fps(self, now: float | None = None) -> float:
        """Frames per second lately; 0 if there were none."""
        now = time.monotonic() if now is None else now
        recent = [when for when, _ in self._done if now - when <= SECONDS]
        return (len(recent) - 1) / (recent[-1] - recent[0]) if len(recent) > 1 and recent[-1] > recent[0] else 0.0

    @property
    def latency(self) -> float:
        """Median seconds from capture to result, lately."""
        return median(latency for _, latency in self._done) if self._done else 0.0
