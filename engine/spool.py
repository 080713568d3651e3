"""A place on disk for the masks of a running video.

RLEs by track and frame in a temporary SQLite file that the operating system removes when it is closed. Memory stays the same
however long the video is. It outlives neither the process nor the object: a store that does is the studio's affair.
"""

import sqlite3
import weakref
from collections.abc import Iterable, Iterator

from engine.masks import RLE


class MaskSpool:
    """The RLEs of one video; all of one size, (H, W)."""

    def __init__(self, size: tuple[int, int]):
        self.size = list(size)
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)  # "": a temporary file
        self._db.execute("PRAGMA journal_mode = OFF")
        self._db.execute("PRAGMA synchronous = OFF")
        self._db.execute("CREATE TABLE masks (track, frame, counts, PRIMARY KEY (track, frame)) WITHOUT ROWID")
        self.close = weakref.finalize(self, self._db.close)

    def write(self, frame: int, masks: Iterable[tuple[int, RLE]]) -> None:
        """Keep the (track id, RLE) pairs of one frame."""
        rows = [(track_id, frame, rle["counts"]) for track_id, rle in masks]
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO masks VALUES (?, ?, ?)", rows)
        self._db.execute("COMMIT")

    def read(self, track_id: int, first_frame: int, length: int) -> Iterator[RLE | None]:
        """The track's masks in all `length` frames of the video; None before first_frame and wherever it was not seen."""
        query = "SELECT frame, counts FROM masks WHERE track = ? AND frame BETWEEN ? AND ? ORDER BY frame"
        done = 0
        for frame, counts in self._db.execute(query, (track_id, first_frame, length - 1)):
            yield from (None for _ in range(done, frame))
            yield {"size": self.size.copy(), "counts": counts}
            done = frame + 1
        yield from (None for _ in range(done, length))
