"""A ground truth laid out for training: the masks of any frame of any video at once, however large the file.

In: a YouTube-VIS json (or parsed content). Out: an `AnnotationIndex`, arrays that the operating system maps into memory and that
all loader workers share. It is made once, which takes as long as reading the json does, and kept in a cache folder; later
opens take milliseconds. Crowds are left out, as they teach no instance, and so are videos without any object.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.config import Category
from engine.errors import DataError
from engine.masks import RLE
from training.ytvis import Dataset, read_dataset

VERSION = 1  # of the layout
_ROW = np.dtype([("instance", "<i4"), ("label", "<i4"), ("start", "<i8"), ("length", "<i4")])
_ARRAYS = ("rows", "row_starts", "video_starts", "codes")


class Seen(NamedTuple):
    """An instance in a frame. instance: its number in the index; label: the place of its category in `categories`."""

    instance: int
    label: int
    rle: RLE


class IndexedVideo(NamedTuple):
    """id: in the ground truth; file_names: one per frame, relative to the folder of all pictures."""

    id: int
    width: int
    height: int
    file_names: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class AnnotationIndex:
    """Videos that have objects, in the order of their ids, and what is seen in each of their frames."""

    categories: tuple[Category, ...]
    videos: tuple[IndexedVideo, ...]
    rows: NDArray[Any]  # one per instance and frame, frame by frame
    row_starts: NDArray[np.int64]  # (frames of all videos + 1,)
    video_starts: NDArray[np.int64]  # (videos,) the number of each one's first frame
    codes: NDArray[np.uint8]  # the compressed run lengths of all masks

    def __len__(self) -> int:
        return len(self.videos)

    def frame(self, video: int, frame: int) -> list[Seen]:
        """What is seen in a frame of the video at that place."""
        number = int(self.video_starts[video]) + frame
        size = [self.videos[video].height, self.videos[video].width]
        return [
            Seen(
                int(row["instance"]),
                int(row["label"]),
                RLE(
                    size=size, counts=self.codes[row["start"] : row["start"] + row["length"]].tobytes().decode("ascii")
                ),
            )
            for row in self.rows[self.row_starts[number] : self.row_starts[number + 1]]
        ]


def index_of(source: Path | Mapping[str, Any], cache: Path | None = None) -> AnnotationIndex:
    """The index of a ground truth, from the cache folder if it is there and newer than nothing that changed.

    cache None: the user's cache folder. Parsed content, and a cache that cannot be written, are indexed in memory.
    """
    if isinstance(source, Mapping):
        return _open(_lay_out(read_dataset(source)))
    folder = (cache or cache_folder()) / _fingerprint(source)
    if not (folder / "meta.json").exists():
        parts = _lay_out(read_dataset(source))
        try:
            _keep(parts, folder)
        except OSError:
            return _open(parts)
    return _open(_load(folder))


def cache_folder() -> Path:
    """Where indexes are kept; anything in it may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ctvis-studio" / "index"


def _fingerprint(path: Path) -> str:
    """Changes whenever the file does."""
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    text = f"{VERSION} {path.resolve()} {status.st_size} {status.st_mtime_ns}"
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _lay_out(dataset: Dataset) -> dict[str, Any]:
    places = {category: place for place, category in enumerate(dataset.categories)}
    by_video: dict[int, list[tuple[int, int, Sequence[RLE | None]]]] = {}
    for number, it in enumerate(dataset.instances):
        if not it.crowd and any(it.segmentations):
            by_video.setdefault(it.video_id, []).append((number, places[it.category_id], it.segmentations))
    videos = [dataset.videos[video] for video in dataset.videos if video in by_video]
    if not videos:
        raise DataError("No video of the ground truth has an object, so there is nothing to learn from it.")
    nameless = next((video for video in videos if not video.file_names), None)
    if nameless:
        raise DataError(f"Video {nameless.id} of the ground truth has no file_names, so its frames cannot be found.")
    rows: list[tuple[int, int, int, int]] = []
    row_starts, video_starts, codes, size = [0], [], [], 0
    for video in videos:
        video_starts.append(len(row_starts) - 1)
        for frame in range(video.length):
            for number, label, segmentations in by_video[video.id]:
                if rle := segmentations[frame]:
                    code = rle["counts"].encode("ascii")
                    rows.append((number, label, size, len(code)))
                    codes.append(code)
                    size += len(code)
            row_starts.append(len(rows))
    return {
        "categories": [list(category) for category in ((c.id, c.name) for c in dataset.categories.values())],
        "videos": [[video.id, video.width, video.height, list(video.file_names)] for video in videos],
        "rows": np.array(rows, _ROW),
        "row_starts": np.array(row_starts, np.int64),
        "video_starts": np.array(video_starts, np.int64),
        "codes": np.frombuffer(b"".join(codes), np.uint8),
    }


def _keep(parts: dict[str, Any], folder: Path) -> None:
    """Write all to a folder of another name, then rename it: whoever sees the folder sees all of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        for name in _ARRAYS:
            np.save(partial / f"{name}.npy", parts[name])
        meta = {key: parts[key] for key in ("categories", "videos")}
        (partial / "meta.json").write_text(json.dumps(meta), encoding="utf-8")
        partial.rename(folder)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        if not (folder / "meta.json").exists():  # another process may have been faster
            raise


def _load(folder: Path) -> dict[str, Any]:
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
    return json.loads((folder / "meta.json").read_text(encoding="utf-8")) | arrays


def _open(parts: dict[str, Any]) -> AnnotationIndex:
    return AnnotationIndex(
        tuple(Category(number, name) for number, name in parts["categories"]),
        tuple(IndexedVideo(number, width, height, tuple(names)) for number, width, height, names in parts["videos"]),
        *(parts[name] for name in _ARRAYS),
    )
