"""Frames of videos ready to be shown, on disk: JPEGs by ordinal, each found by one read and decoded by nobody but the browser.

The worker writes them in packs of `PACK` frames (`jobs/preparing.py`), the server reads them. A pack is there or it is not: what a
kill interrupts leaves nothing behind. All packs together stay below a limit; where it is reached, those go first that lie farthest
from where somebody looks, in videos that nobody has looked at for long. This file makes no pictures and knows no database.
"""

import contextlib
import os
import shutil
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

PACK = 64  # frames
TABLE = np.dtype("<u4")  # where each JPEG begins, and where the last one ends
READY_HEIGHT = 720  # pixels; larger videos are kept at this height, and decoded where somebody stops
RECENT_SECONDS = 3600.0  # a video is in use for so long after somebody looked at it
RESERVE = 2 * 1024**3  # bytes of the disk that are left to others

Rank = tuple[int, float, int]  # the larger, the sooner a pack goes


class Look(NamedTuple):
    """Where somebody looked at a video, and when (Unix time; 0: never)."""

    frame: int = 0
    time: float = 0.0


def ready_height(height: int) -> int:
    """The height at which frames of a video of `height` are kept."""
    return min(height, READY_HEIGHT)


class FrameStore:
    """The packs below a folder, `limit` bytes at most. One process writes, any number read."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.folder = folder
        self.limit = limit
        self._looks: dict[int, Look] = {}  # as noted by this process

    def read(self, video_id: int, frame: int) -> bytes | None:
        """The JPEG of a frame, None if it is not kept."""
        pack, place = divmod(frame, PACK)
        try:
            with self._path(video_id, pack).open("rb") as file:
                file.seek(place * TABLE.itemsize)
                begin, end = np.frombuffer(file.read(2 * TABLE.itemsize), TABLE).tolist()
                file.seek(begin)
                jpeg = file.read(end - begin)
        except (OSError, ValueError):
            return None
        return jpeg if jpeg.startswith(b"\xff\xd8") and jpeg.endswith(b"\xff\xd9") else None

    def write(self, video_id: int, pack: int, jpegs: Sequence[bytes]) -> bool:
        """Keep the frames of a pack; False if what is kept already matters more. FileNotFoundError: the video was removed."""
        table = np.full(PACK + 1, (PACK + 1) * TABLE.itemsize, TABLE)
        table[1 : len(jpegs) + 1] += np.cumsum([len(jpeg) for jpeg in jpegs]).astype(TABLE)
        table[len(jpegs) + 1 :] = table[len(jpegs)]
        if not self._make_room(int(table[-1]), video_id, pack):
            return False
        path = self._path(video_id, pack)
        partial = path.with_suffix(".partial")
        partial.write_bytes(table.tobytes() + b"".join(jpegs))
        os.replace(partial, path)
        return True

    def has(self, video_id: int, frame: int) -> bool:
        """Whether a frame is kept."""
        return self._path(video_id, frame // PACK).is_file()

    def begin(self, video_id: int) -> Path:
        """The folder of a video, made if it is not there."""
        folder = self.folder / str(video_id)
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def kept(self, video_id: int) -> set[int]:
        """The packs of a video that are kept."""
        return {pack for pack, _ in self._packs(self.folder / str(video_id))}

    def next_missing(self, video_id: int, length: int) -> int | None:
        """The pack to make next, of a video of `length` frames: from where somebody looks to the end, then before that.

        None when all are kept, or those that are missing matter less than what there is room for.
        """
        kept, look = self.kept(video_id), self.looked(video_id)
        here = min(look.frame, length - 1) // PACK
        ahead = (pack for pack in range(here, -(-length // PACK)) if pack not in kept)
        behind = (pack for pack in range(here - 1, -1, -1) if pack not in kept)
        nearest = [pack for pack in (next(ahead, None), next(behind, None)) if pack is not None]
        if not nearest:
            return None
        ranked = sorted(self._ranked())
        used = sum(size for _, size, _ in ranked)
        if used + used // max(1, len(ranked)) <= self.limit:
            return nearest[0]
        return next((pack for pack in nearest if ranked and _rank(look, pack) < ranked[-1][0]), None)

    def look(self, video_id: int, frame: int) -> None:
        """Note that somebody looks at a frame. Cheap enough for every request."""
        known, now = self._looks.get(video_id, Look()), time.time()
        if known.frame // PACK == frame // PACK and now - known.time < RECENT_SECONDS / 60:
            return
        self._looks[video_id] = Look(frame, now)
        with contextlib.suppress(OSError):
            (self.begin(video_id) / "looked").write_text(str(frame))

    def looked(self, video_id: int) -> Look:
        """Where somebody looked last, in whatever process."""
        path = self.folder / str(video_id) / "looked"
        try:
            return Look(int(path.read_text() or 0), path.stat().st_mtime)
        except (OSError, ValueError):
            return Look()

    def remove(self, video_id: int) -> None:
        """Forget a video."""
        self._looks.pop(video_id, None)
        shutil.rmtree(self.folder / str(video_id), ignore_errors=True)

    def remove_others(self, video_ids: Collection[int]) -> None:
        """Forget all videos but these."""
        for folder in self._videos():
            if int(folder.name) not in video_ids:
                self.remove(int(folder.name))

    def bytes(self) -> int:
        """What all packs take on disk."""
        return sum(size for folder in self._videos() for _, size in self._packs(folder))

    def _make_room(self, needed: int, video_id: int, pack: int) -> bool:
        """Whether a new pack of `needed` bytes has its place, once those that matter less are gone."""
        kept = sorted(self._ranked(), reverse=True)
        disk = shutil.disk_usage(self.folder).free - RESERVE
        free = min(self.limit - sum(size for _, size, _ in kept), disk)
        own = _rank(self.looked(video_id), pack)
        for rank, size, path in kept:
            if free >= needed or rank <= own:
                break
            path.unlink(missing_ok=True)
            free += size
        return free >= needed

    def _ranked(self) -> Iterator[tuple[Rank, int, Path]]:
        for folder in self._videos():
            look = self.looked(int(folder.name))
            for pack, size in self._packs(folder):
                yield _rank(look, pack), size, self._path(int(folder.name), pack)

    def _videos(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.name.isdecimal()] if self.folder.is_dir() else []

    def _packs(self, folder: Path) -> Iterator[tuple[int, int]]:
        """(pack, bytes) of those in a video's folder."""
        with contextlib.suppress(FileNotFoundError), os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.endswith(".pack"):
                    yield int(entry.name[:-5]), entry.stat().st_size

    def _path(self, video_id: int, pack: int) -> Path:
        return self.folder / str(video_id) / f"{pack:06}.pack"


def _rank(look: Look, pack: int) -> Rank:
    distance = abs(pack - look.frame // PACK)
    in_use = time.time() - look.time < RECENT_SECONDS
    return (0, 0.0, distance) if in_use else (1, -look.time, distance)
