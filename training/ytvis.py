"""YouTube-VIS files: ground truth (videos, categories, annotations) and results (one scored track per entry).

In: a path or the parsed JSON. Out: plain records whose masks are compressed RLEs at the size of their video, or None
where the object is not seen. Everything is checked on the way in, and the first fault is a DataError that names its
place. Polygons and uncompressed RLEs are converted. Images are not opened here, and nothing is scored: see
training.metrics.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from engine import masks
from engine.config import Category
from engine.errors import DataError
from engine.masks import RLE

Record = TypeVar("Record", "Video", Category)


@dataclass(frozen=True)
class Video:
    """Sizes in pixels, length in frames; file_names relative to the folder of all images, one per frame, or none."""

    id: int
    width: int
    height: int
    length: int
    file_names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Instance:
    """An annotated object: per frame its mask, and its area in pixels as the file states it (None where absent).

    occlusion: per frame how much of it is hidden in OVIS's words ("no_occlusion", ...), None where absent; empty in other files.
    """

    video_id: int
    category_id: int
    segmentations: tuple[RLE | None, ...]
    areas: tuple[float | None, ...]
    crowd: bool = False
    occlusion: tuple[str | None, ...] = ()


@dataclass(frozen=True, eq=False)
class Result:
    """A predicted track under one category."""

    video_id: int
    category_id: int
    score: float
    segmentations: tuple[RLE | None, ...]


@dataclass(frozen=True)
class Dataset:
    """Videos and categories by id, both in ascending order; instances in the order of the file."""

    videos: Mapping[int, Video]
    categories: Mapping[int, Category]
    instances: tuple[Instance, ...]


def read_dataset(source: str | Path | Mapping[str, Any]) -> Dataset:
    """The ground truth of a file or of its parsed content."""
    name, content = _load(source)
    if not isinstance(content, Mapping):
        raise DataError(f"{name} is not a YouTube-VIS ground truth: it must be an object with videos and categories.")
    for key in ("videos", "categories", "annotations"):
        if not isinstance(content.get(key), list):
            raise DataError(f'{name} has no list "{key}"; is it a YouTube-VIS ground truth (and not a results file)?')
    videos = _by_id((read_video(entry, f"{name}, video {i}") for i, entry in enumerate(content["videos"])), name)
    categories = _by_id(
        (read_category(entry, f"{name}, category {i}") for i, entry in enumerate(content["categories"])), name
    )
    instances = tuple(
        _instance(entry, videos, categories, f"{name}, annotation {i}")
        for i, entry in enumerate(content["annotations"])
    )
    return Dataset(videos, categories, instances)


def read_results(source: str | Path | Sequence[Mapping[str, Any]], dataset: Dataset) -> list[Result]:
    """The results of a file or of its parsed content, checked against the dataset they are meant for. May be empty."""
    name, content = _load(source)
    if not isinstance(content, list | tuple):
        raise DataError(f"{name} is not a YouTube-VIS results file: it must be a list of scored tracks.")
    return [_result(entry, dataset, f"{name}, entry {i}") for i, entry in enumerate(content)]


def read_video_list(path: Path, dataset: Dataset) -> set[int]:
    """The ids of the videos that a file names: a YouTube-VIS json (its videos), a json list, or lines, of ids or of the names
    of the videos' folders."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path} cannot be read as text: {error}.") from error
    try:
        content = json.loads(text)
    except ValueError:
        content = text.split()
    if isinstance(content, Mapping):
        content = [_get(entry, "id", f"{path.name}, a video") for entry in content.get("videos", [])]
    names = {str(video.id): video.id for video in dataset.videos.values()}
    names |= {
        Path(video.file_names[0]).parent.as_posix(): video.id for video in dataset.videos.values() if video.file_names
    }
    wanted = [str(item) for item in (content if isinstance(content, list) else [content])]
    unknown = [name for name in wanted if name not in names]
    if unknown or not wanted:
        problem = f'the ground truth has no video "{unknown[0]}"' if unknown else "it names no video"
        raise DataError(f"{path} should list videos of the ground truth, by id or by folder, but {problem}.")
    return {names[name] for name in wanted}


def oddities(results: Sequence[Result]) -> list[str]:
    """What is allowed in results but lowers the score, one sentence each: tracks never seen, copies of a track."""
    remarks = []
    empty = sum(not any(result.segmentations) for result in results)
    if empty:
        remarks.append(f"{empty} of {len(results)} tracks have no mask in any frame; each counts as a false positive.")
    shapes = [(result.video_id, _key(result.segmentations)) for result in results if any(result.segmentations)]
    copies = len(shapes) - len(set(shapes))
    if copies:
        remarks.append(f"{copies} of {len(results)} tracks repeat the masks of another one (under any category).")
    return remarks


def read_category(entry: Any, where: str) -> Category:
    return Category(_integer(entry, "id", where), str(_get(entry, "name", where)))


def read_video(entry: Any, where: str) -> Video:
    number, width, height, length = (_integer(entry, key, where) for key in ("id", "width", "height", "length"))
    video = Video(number, width, height, length, tuple(_get(entry, "file_names", where, default=()) or ()))
    if min(video.width, video.height, video.length) < 1:
        raise DataError(f"{where}: width, height and length must be at least 1.")
    if video.file_names and len(video.file_names) != video.length:
        raise DataError(f"{where}: {len(video.file_names)} file names for a length of {video.length} frames.")
    return video


def _instance(entry: Any, videos: Mapping[int, Video], categories: Mapping[int, Category], where: str) -> Instance:
    video, category = references(entry, videos, categories, where)
    segmentations, pixels = _segmentations(entry, video, where)
    areas = _get(entry, "areas", where, default=None)
    if areas is None:
        areas = [float(count) if count else None for count in pixels]
    if len(areas) != video.length or not all(isinstance(area, int | float | None) for area in areas):
        raise DataError(f"{where}: areas must be {video.length} numbers or nulls, one per frame of video {video.id}.")
    crowd = bool(_get(entry, "iscrowd", where, default=0))
    return Instance(video.id, category.id, segmentations, tuple(areas), crowd, _occlusion(entry, video, where))


def _occlusion(entry: Any, video: Video, where: str) -> tuple[str | None, ...]:
    levels = _get(entry, "occlusion", where, default=None) or ()
    words = isinstance(levels, list | tuple) and all(isinstance(level, str | None) for level in levels)
    if levels and not (words and len(levels) == video.length):
        raise DataError(f"{where}: occlusion must be {video.length} words or nulls, one per frame of video {video.id}.")
    return tuple(levels)


def _result(entry: Any, dataset: Dataset, where: str) -> Result:
    video, category = references(entry, dataset.videos, dataset.categories, where)
    score = _get(entry, "score", where)
    if not isinstance(score, int | float) or not math.isfinite(score):
        raise DataError(f"{where}: the score is {score!r}; it must be a finite number.")
    return Result(video.id, category.id, float(score), _segmentations(entry, video, where)[0])


def references(
    entry: Any, videos: Mapping[int, Video], categories: Mapping[int, Category], where: str
) -> tuple[Video, Category]:
    """The video and the category that an entry is of."""
    video_id, category_id = _integer(entry, "video_id", where), _integer(entry, "category_id", where)
    if video_id not in videos:
        raise DataError(f"{where}: there is no video {video_id} in the ground truth.")
    if category_id not in categories:
        raise DataError(f"{where}: there is no category {category_id} in the ground truth.")
    return videos[video_id], categories[category_id]


def _segmentations(entry: Any, video: Video, where: str) -> tuple[tuple[RLE | None, ...], list[int]]:
    """The masks of all frames, and how many pixels each covers."""
    given = _get(entry, "segmentations", where)
    if not isinstance(given, list | tuple) or len(given) != video.length:
        count = f"{len(given)} masks" if isinstance(given, list | tuple) else "no list of masks"
        raise DataError(
            f"{where}: {count} for video {video.id} of {video.length} frames; give one per frame, null where absent."
        )
    pairs = [read_mask(mask, video, f"{where}, frame {frame}") for frame, mask in enumerate(given)]
    return tuple(rle for rle, _ in pairs), [pixels for _, pixels in pairs]


def read_mask(mask: Any, video: Video, where: str) -> tuple[RLE | None, int]:
    """A frame's entry of an annotation as an RLE at the size of the video, None where there is none, and its pixels."""
    if not mask:
        return None, 0
    if isinstance(mask, list):
        return _polygons(mask, video, where)
    if not isinstance(mask, Mapping) or "counts" not in mask or "size" not in mask:
        raise DataError(f"{where}: a mask must be null, polygons or an RLE with size and counts.")
    size = [video.height, video.width]
    if list(mask["size"]) != size:
        raise DataError(f"{where}: the mask's size is {list(mask['size'])}, the video's height and width are {size}.")
    counts = mask["counts"]
    plain = isinstance(counts, list) and all(isinstance(count, int) for count in counts)
    runs = np.array(counts, dtype=np.int64) if plain else _run_lengths(counts, where)
    if (runs < 0).any() or runs.sum() != video.height * video.width:
        raise DataError(f"{where}: the RLE is damaged, its runs do not add up to {size[0]} x {size[1]} pixels.")
    rle = masks.from_counts(runs, (video.height, video.width)) if plain else RLE(size=size, counts=counts)
    return rle, int(runs[1::2].sum())


def _polygons(polygons: list[Any], video: Video, where: str) -> tuple[RLE, int]:
    for polygon in polygons:
        numbers = isinstance(polygon, list) and all(isinstance(value, int | float) for value in polygon)
        if not numbers or len(polygon) < 6 or len(polygon) % 2 or not np.isfinite(polygon).all():
            raise DataError(f"{where}: a polygon needs at least three points, as numbers x, y, x, y, ...")
    merged = coco.merge(coco.frPyObjects(polygons, video.height, video.width))
    rle = RLE(size=[video.height, video.width], counts=merged["counts"].decode("ascii"))
    return rle, int(coco.area(merged))


def _run_lengths(counts: Any, where: str) -> NDArray[np.int64]:
    """The runs of a compressed RLE. pycocotools reads past the end of a damaged one, so nothing goes there unread.

    Format (cocoapi, common/maskApi.c, rleFrString): characters from "0" carry 5 bits each, low ones first, bit 5 says
    that more follow, and the highest bit of the last is the sign; from the fourth on, a number is added to the one two
    before it.
    """
    if not isinstance(counts, str) or not counts.isascii():
        raise DataError(f"{where}: an RLE's counts must be a list of numbers or a compressed ASCII string.")
    codes = np.frombuffer(counts.encode("ascii"), dtype=np.uint8).astype(np.int64) - 48
    last = (codes & 0x20) == 0
    if len(codes) == 0 or (codes < 0).any() or (codes > 63).any() or not last[-1]:
        raise DataError(f"{where}: the RLE is damaged, its counts are not a complete compressed string.")
    starts = np.flatnonzero(np.concatenate([[True], last[:-1]]))
    ends = np.flatnonzero(last)
    digits = np.arange(len(codes)) - np.repeat(starts, ends - starts + 1)
    if digits.max() > 6:
        raise DataError(f"{where}: the RLE is damaged, one of its runs is too long for any image.")
    runs = np.add.reduceat((codes & 0x1F) << (5 * digits), starts)
    runs -= np.where(codes[ends] & 0x10, 1 << (5 * (digits[ends] + 1)), 0)
    runs[1::2] = np.cumsum(runs[1::2])
    runs[2::2] = np.cumsum(runs[2::2])
    return runs


def _load(source: Any) -> tuple[str, Any]:
    """A name for messages, and the content."""
    return (Path(source).name if isinstance(source, str | Path) else "the data"), load_json(source)


def load_json(source: Any) -> Any:
    """The content of a file; parsed content as it is."""
    if not isinstance(source, str | Path):
        return source
    path = Path(source)
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise DataError(f"{path} is not valid JSON ({error}).") from error


def _get(entry: Any, key: str, where: str, **default: Any) -> Any:
    if not isinstance(entry, Mapping):
        raise DataError(f"{where} is not an object.")
    if key not in entry and "default" not in default:
        raise DataError(f'{where} has no "{key}".')
    return entry.get(key, default.get("default"))


def _integer(entry: Any, key: str, where: str) -> int:
    value = _get(entry, key, where)
    if not isinstance(value, int) or isinstance(value, bool):
        raise DataError(f'{where}: "{key}" is {value!r}; it must be a whole number.')
    return value


def _by_id(records: Iterable[Record], name: str) -> dict[int, Record]:
    found: dict[int, Record] = {}
    for record in records:
        if record.id in found:
            raise DataError(f"{name} has two {type(record).__name__.lower()} records with the id {record.id}.")
        found[record.id] = record
    return dict(sorted(found.items()))


def _key(segmentations: Iterable[RLE | None]) -> tuple[str | None, ...]:
    return tuple(rle["counts"] if rle else None for rle in segmentations)
