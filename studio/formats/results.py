"""YouTube-VIS results files: one JSON list of scored tracks, written track by track.

Entries are {"video_id", "category_id", "score", "segmentations"}, the last with one compressed RLE or null per frame of the video.
Masks are written as they come, and the file appears under its name only when it is whole.
"""

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType

from engine.masks import RLE


class ResultsWriter:
    """Writes a results file; use it as a context manager, or call `close`."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.count = 0
        self._partial = self.path.with_name(self.path.name + ".part")
        self._file = self._partial.open("w", encoding="utf-8")
        self._file.write("[")

    def add(self, video_id: int, category_id: int, score: float, segmentations: Iterable[RLE | None]) -> None:
        """Append one track under one category, as its dataset numbers it; one RLE or None per frame of the video."""
        entry = {"video_id": video_id, "category_id": category_id, "score": score, "segmentations": []}
        self._file.write(",\n" if self.count else "\n")
        self._file.write(json.dumps(entry, separators=(",", ":")).removesuffix("]}"))
        for place, mask in enumerate(segmentations):
            self._file.write("," if place else "")
            self._file.write(json.dumps(mask, separators=(",", ":")))
        self._file.write("]}")
        self.count += 1

    def close(self) -> None:
        """Finish the list and give the file its name, in place of an older one."""
        self._file.write("\n]\n")
        self._file.close()
        os.replace(self._partial, self.path)

    def __enter__(self) -> "ResultsWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:  # half a list is of no use
            self._file.close()
            self._partial.unlink(missing_ok=True)


def write_json(path: str | Path, content: object) -> None:
    """Write a small JSON file, whole or not at all."""
    path = Path(path)
    partial = path.with_name(path.name + ".part")
    partial.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    os.replace(partial, path)


def spread(segmentations: Iterable[RLE | None], length: int, step: int) -> Iterator[RLE | None]:
    """The masks of every `step`th frame at their places in a video of `length` frames; None for those between."""
    masks = iter(segmentations)
    return (next(masks, None) if frame % step == 0 else None for frame in range(length))
