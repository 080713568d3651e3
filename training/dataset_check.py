"""Everything that is wrong with a YouTube-VIS ground truth, each fault with its place.

In: a file, and the folder of its pictures if these are to be looked at. Out: `Fault`s, one by one, in the order of the file.
`ytvis.read_dataset` stops at the first fault that keeps a file from being read; this goes on, and also tells what can be read
but misleads: areas and boxes that do not fit the masks, objects that are never seen, ids and files used twice.
"""

import json
from collections import Counter
from collections.abc import Callable, Generator, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from PIL import Image

from engine import masks
from engine.errors import CtvisError, DataError
from training.evaluate import open_frames
from training.ytvis import Video, read_category, read_mask, read_video, references

AREA_SLACK = {"rle": (1, 0.01), "polygon": (30, 0.2)}  # pixels, share of the mask: outlines have no one true area
BOX_SLACK = 2.0  # pixels

Entry = Mapping[str, Any]
Record = TypeVar("Record")


class Fault(NamedTuple):
    """kind: a few words, the same for all faults of a kind; place: where in the file; text: what is wrong there."""

    kind: str
    place: str
    text: str


def find_faults(path: Path, images: Path | None = None) -> Iterator[Fault]:
    """All faults of a file. images: the folder that its file names start from."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        yield Fault("unreadable", path.name, f"the file cannot be read as JSON: {error}")
        return
    lists = ("videos", "categories", "annotations")
    missing = [key for key in lists if not isinstance(content, Mapping) or not isinstance(content.get(key), list)]
    for key in missing:
        yield Fault("missing list", path.name, f'there is no list "{key}"')
    if missing:
        return
    for key in lists:
        yield from _twice(content[key], key[:-1] if key != "categories" else "category")
    videos = yield from _readable(content["videos"], "video", read_video)
    categories = yield from _readable(content["categories"], "category", read_category)
    known_videos = {video.id: video for video in videos.values()}
    known_categories = {category.id: category for category in categories.values()}
    yield from _files_twice(videos)
    if images is not None:
        yield from _pictures(videos, images)
    for number, entry in enumerate(content["annotations"]):
        place = f"annotation {number}" + (
            f" (id {entry['id']})" if isinstance(entry, Mapping) and "id" in entry else ""
        )
        try:
            video, _ = references(entry, known_videos, known_categories, place)
        except DataError as error:
            yield Fault("unknown id", place, _without(place, error))
            continue
        yield from _annotation(entry, video, place)


def _readable(
    entries: list[Any], name: str, read: Callable[[Any, str], Record]
) -> Generator[Fault, None, dict[int, Record]]:
    """Returns what can be read, by its number, and tells of the rest."""
    found: dict[int, Record] = {}
    for number, entry in enumerate(entries):
        place = f"{name} {number}"
        try:
            found[number] = read(entry, place)
        except DataError as error:
            yield Fault(f"unreadable {name}", place, _without(place, error))
    return found


def _twice(entries: list[Any], name: str) -> Iterator[Fault]:
    counts = Counter(str(entry.get("id")) for entry in entries if isinstance(entry, Mapping) and "id" in entry)
    for number, count in counts.items():
        if count > 1:
            yield Fault("duplicated id", f"{name} id {number}", f"{count} entries have it")


def _files_twice(videos: Mapping[int, Video]) -> Iterator[Fault]:
    owners: dict[str, int] = {}
    for number, video in videos.items():
        for name in video.file_names:
            first = owners.setdefault(name, number)
            if first != number:
                yield Fault(
                    "shared file", f"video {number} (id {video.id})", f"{name} belongs to video {first} as well"
                )
                break


def _pictures(videos: Mapping[int, Video], images: Path) -> Iterator[Fault]:
    for number, video in videos.items():
        place = f"video {number} (id {video.id})"
        there = [name for name in dict.fromkeys(video.file_names) if (images / name).is_file()]
        if not there:  # then it may be one file named like the folder of the frames
            try:
                open_frames(video, images).close()
            except CtvisError as error:
                yield Fault("missing frame", place, _without(f"Video {video.id}", error))
        elif gone := sorted(set(video.file_names) - set(there)):
            rest = f" and {len(gone) - 1} more of its {video.length} frames" if len(gone) > 1 else ""
            yield Fault("missing frame", place, f"{gone[0]}{rest} is not in the folder")
        for name in there:
            yield from _picture(images / name, video, f"{place}, {name}")


def _picture(file: Path, video: Video, place: str) -> Iterator[Fault]:
    try:
        with Image.open(file) as picture:
            width, height = picture.size
    except OSError as error:
        yield Fault("damaged frame", place, f"it cannot be read as a picture: {error}")
        return
    if (width, height) != (video.width, video.height):
        stated = f"{video.width}x{video.height}"
        yield Fault("wrong size", place, f"the picture has {width}x{height} pixels, the video is said to have {stated}")


def _annotation(entry: Entry, video: Video, place: str) -> Iterator[Fault]:
    given = entry.get("segmentations")
    for key in ("segmentations", "areas", "bboxes", "occlusion"):
        if key == "segmentations" or entry.get(key) is not None:
            yield from _length(entry.get(key), key, video, place)
    if not isinstance(given, list):
        return
    if entry.get("iscrowd", 0) not in (0, 1):
        yield Fault("wrong value", place, f"iscrowd is {entry['iscrowd']!r}; it must be 0 or 1")
    seen = 0
    for frame, mask in enumerate(given[: video.length]):
        where = f"{place}, frame {frame}"
        try:
            rle, pixels = read_mask(mask, video, where)
        except DataError as error:
            yield Fault("damaged mask", where, _without(where, error))
            seen += 1  # something was meant to be there
            continue
        seen += pixels > 0
        form = "polygon" if isinstance(mask, list) else "rle"
        yield from _area(_at(entry.get("areas"), frame), pixels, AREA_SLACK[form], where)
        if isinstance(entry.get("bboxes"), list):
            yield from _box(_at(entry["bboxes"], frame), rle if pixels else None, where)
    if not seen:
        yield Fault("empty track", place, f"the object is in none of the {video.length} frames")


def _length(values: Any, key: str, video: Video, place: str) -> Iterator[Fault]:
    if not isinstance(values, list):
        yield Fault("wrong length", place, f"{key} must be a list with an entry for each of the {video.length} frames")
    elif len(values) != video.length:
        yield Fault("wrong length", place, f"{len(values)} {key} for {video.length} frames")


def _area(stated: Any, pixels: int, slack: tuple[int, float], where: str) -> Iterator[Fault]:
    if stated is None:
        return
    if not isinstance(stated, int | float) or abs(stated - pixels) > max(slack[0], slack[1] * pixels):
        yield Fault("wrong area", where, f"the area is said to be {stated}, the mask has {pixels} pixels")


def _box(stated: Any, rle: masks.RLE | None, where: str) -> Iterator[Fault]:
    if stated is None:
        if rle is not None:  # the reference's loader then takes the object for absent
            yield Fault("missing box", where, "there is a mask, but no box; some programs then leave the object out")
        return
    numbers = isinstance(stated, list) and len(stated) == 4 and all(isinstance(value, int | float) for value in stated)
    if not numbers:
        yield Fault("wrong box", where, f"{stated!r} is no box; it must be [x, y, width, height]")
    elif rle is not None and not np.allclose(stated, masks.bbox(rle), atol=BOX_SLACK):
        yield Fault(
            "wrong box", where, f"the box is said to be {stated}, the mask has {[round(v) for v in masks.bbox(rle)]}"
        )


def _at(values: Any, frame: int) -> Any:
    return values[frame] if isinstance(values, list) and frame < len(values) else None


def _without(place: str, error: CtvisError) -> str:
    """The error's sentence without the place at its beginning."""
    return str(error).removeprefix(place).lstrip(": ")
