"""What a live session finds, written down as it comes.

`observations.jsonl` gains a line per frame, `tracks.jsonl` one per track when it ends. Every line is written out at once, so that
the files are whole whenever the program is stopped, and can be read while it runs.
"""

import json
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, TextIO

from engine.live import LiveFrame
from studio.live.follower import EndedTrack, Seen

OBSERVATIONS, TRACKS = "observations.jsonl", "tracks.jsonl"


class Journal:
    """The two files of one session, in a folder that is there."""

    def __init__(self, folder: Path) -> None:
        self._observations = (folder / OBSERVATIONS).open("w", encoding="utf-8", buffering=1)
        self._tracks = (folder / TRACKS).open("w", encoding="utf-8", buffering=1)
        self._frames = 0

    def write(self, frame: LiveFrame, latency: float, seen: Iterable[Seen]) -> None:
        """One frame. latency: seconds from its capture to its result."""
        taken = datetime.fromtimestamp(time.time() - (time.monotonic() - frame.captured), UTC)
        line = {
            "frame": self._frames,
            "time": taken.isoformat(timespec="milliseconds"),
            "seconds": round(frame.seconds, 3),
            "latency": round(latency, 3),
            "tracks": [one.as_json() for one in seen],
        }
        self._frames += 1
        _append(self._observations, line)

    def write_ended(self, tracks: Iterable[EndedTrack]) -> None:
        """Tracks that are over."""
        for track in tracks:
            _append(self._tracks, track._asdict())

    def close(self) -> None:
        self._observations.close()
        self._tracks.close()

    def __enter__(self) -> "Journal":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _append(file: TextIO, values: dict[str, Any]) -> None:
    file.write(json.dumps(values, separators=(",", ":")) + "\n")
