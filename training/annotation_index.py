"""A ground truth laid out for training: the masks of any frame of any video at once, however large the file.

In: a YouTube-VIS json (or parsed content), or COCO instances. Out: an `AnnotationIndex`, arrays that the operating system maps into
memory and that all loader workers share. It is made once, which takes as long as reading the json does, and kept in a cache
folder; later opens take milliseconds. Crowds are left out, as they teach no instance, and so are videos without any object.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from engine.config import Category
from engine.errors import DataError
from engine.masks import RLE
from training.coco import coco_to_ytvis
from training.ytvis import Dataset, load_json, read_dataset

VERSION = 2  # of the layout
_ROW = np.dtype([("instance", "<i4"), ("label", "<i4"), ("start", "<i8"), ("length", "<i4")])
_ARRAYS = ("rows", "row_starts", "video_starts", "codes", "video_table", "names", "name_starts")


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


class IndexedVideos(Sequence[IndexedVideo]):
    """Read from arrays when asked for: as objects, the names of all frames would be many times as large, in every process."""

    def __init__(self, parts: Mapping[str, Any]) -> None:
        self._table, self._starts = parts["video_table"], parts["video_starts"]
        self._names, self._name_starts = parts["names"], parts["name_starts"]

    def __len__(self) -> int:
        return len(self._table)

    def size(self, place: int) -> list[int]:
        """Height and width."""
        return [int(self._table[place, 2]), int(self._table[place, 1])]

    @overload
    def __getitem__(self, place: int) -> IndexedVideo: ...
    @overload
    def __getitem__(self, place: slice) -> list[IndexedVideo]: ...
    def __getitem__(self, place: int | slice) -> IndexedVideo | list[IndexedVideo]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        number, width, height = (int(value) for value in self._table[place])
        frames = range(*(int(edge) for edge in self._starts[place : place + 2]))
        edges = self._name_starts[frames.start : frames.stop + 1].tolist()
        text = self._names[edges[0] : edges[-1]].tobytes()
        names = (text[first - edges[0] : last - edges[0]].decode("utf-8") for first, last in pairwise(edges))
        return IndexedVideo(number, width, height, tuple(names))


@dataclass(frozen=True, eq=False)
class AnnotationIndex:
    """Videos that have objects, in the order of their ids, and what is seen in each of their frames.

    folder: where it is kept, None if only in memory. Another process that is handed the index opens the folder.
    """

    categories: tuple[Category, ...]
    videos: IndexedVideos
    rows: NDArray[Any]  # one per instance and frame, frame by frame
    row_starts: NDArray[np.int64]  # (frames of all videos + 1,)
    video_starts: NDArray[np.int64]  # (videos + 1,) the number of each one's first frame
    codes: NDArray[np.uint8]  # the compressed run lengths of all masks
    folder: Path | None = None

    def __len__(self) -> int:
        return len(self.videos)

    def __reduce__(self) -> Any:
        return super().__reduce__() if self.folder is None else (_opened, (self.folder,))

    def frame(self, video: int, frame: int) -> list[Seen]:
        """What is seen in a frame of the video at that place."""
        number = int(self.video_starts[video]) + frame
        size = self.videos.size(video)
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


def index_of(
    source: Path | Mapping[str, Any], cache: Path | None = None, as_coco: str | None = None
) -> AnnotationIndex:
    """The index of a ground truth, from the cache folder if it is there and newer than nothing that changed.

    cache None: the user's cache folder. Parsed content, and a cache that cannot be written, are indexed in memory. as_coco: the
    source holds COCO instances, to be had under the categories of this data set.
    """
    if isinstance(source, Mapping):
        return _index(_lay_out(_read(source, as_coco)))
    folder = (cache or cache_folder()) / _fingerprint(source, as_coco)
    if not (folder / "meta.json").exists():
        parts = _lay_out(_read(source, as_coco))
        try:
            _keep(parts, folder)
        except OSError:
            return _index(parts)
    return _opened(folder)


def _read(source: Path | Mapping[str, Any], as_coco: str | None) -> Dataset:
    if as_coco is None:
        return read_dataset(source)
    return read_dataset(coco_to_ytvis(load_json(source), as_coco))


def cache_folder() -> Path:
    """Where indexes are kept; anything in it may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "ctvis-studio" / "index"


def _fingerprint(path: Path, as_coco: str | None) -> str:
    """Changes whenever the file does, or what is to be made of it."""
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    text = f"{VERSION} {path.resolve()} {status.st_size} {status.st_mtime_ns} {as_coco}"
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
    names = [name.encode("utf-8") for video in videos for name in video.file_names]
    return {
        "categories": [[category.id, category.name] for category in dataset.categories.values()],
        "video_table": np.array([[video.id, video.width, video.height] for video in videos], np.int64),
        "names": np.frombuffer(b"".join(names), np.uint8),
        "name_starts": np.cumsum([0, *map(len, names)]),
        "rows": np.array(rows, _ROW),
        "row_starts": np.array(row_starts, np.int64),
        "video_starts": np.array([*video_starts, len(row_starts) - 1], np.int64),
        "codes": np.frombuffer(b"".join(codes), np.uint8),
    }


def _keep(parts: dict[str, Any], folder: Path) -> None:
    """Write all to a folder of another name, then rename it: whoever sees the folder sees all of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f"{folder.name}.", dir=folder.parent))
    try:
        for name in _ARRAYS:
            np.save(partial / f"{name}.npy", parts[name])
        (partial / "meta.json").write_text(json.dumps({"categories": parts["categories"]}), encoding="utf-8")
        partial.rename(folder)
    except OSError:
        shutil.rmtree(partial, ignore_errors=True)
        if not (folder / "meta.json").exists():  # another process may have been faster
            raise


def _opened(folder: Path) -> AnnotationIndex:
    """As the folder has it, its arrays mapped."""
    arrays = {name: np.load(folder / f"{name}.npy", mmap_mode="r") for name in _ARRAYS}
    return _index(json.loads((folder / "meta.json").read_text(encoding="utf-8")) | arrays, folder)


def _index(parts: dict[str, Any], folder: Path | None = None) -> AnnotationIndex:
    categories = tuple(Category(number, name) for number, name in parts["categories"])
    arrays = {name: parts[name] for name in ("rows", "row_starts", "video_starts", "codes")}
    return AnnotationIndex(categories, IndexedVideos(parts), **arrays, folder=folder)
