"""What a user names on the command line, as videos to open one after the other.

In: paths of video files, folders or patterns of images, or one YouTube-VIS json with the folder of its images. Out: a list of
`Input`; nothing is opened before its `open()` is called. Images given one by one, as a shell does with a pattern, are one video.
"""

import glob
import json
from collections.abc import Callable, Sequence
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import NamedTuple, TypeVar

from engine.errors import DataError, VideoError
from engine.image_folder import ImageSequence, is_image, natural_order
from engine.video import VideoSource, open_video
from training.evaluate import open_frames
from training.ytvis import read_dataset

Thing = TypeVar("Thing")


class Input(NamedTuple):
    """One video: its id in the results, a name that no other of the same run has, where it lies, and how to open it."""

    video_id: int
    name: str
    place: Path  # the video file, or the folder of the images
    open: Callable[[], VideoSource]


def list_inputs(paths: Sequence[str], images: Path | None = None) -> list[Input]:
    """The videos that the arguments stand for, in their order. Videos of a json keep its ids, others count from 1."""
    if any(path.lower().endswith(".json") for path in paths):
        if len(paths) > 1:
            raise DataError("A YouTube-VIS json stands for all of its videos: give it alone.")
        return _listed_in_json(Path(paths[0]), images)
    if images is not None:
        raise DataError("--images goes with a YouTube-VIS json; a video file or a folder needs no --images.")
    stills = [Path(path) for path in paths if is_image(path) and Path(path).is_file()]
    found: list[tuple[str, tuple[Path, Callable[[], VideoSource]]]] = []
    if len(stills) > 1:
        folders = {still.resolve().parent for still in stills}
        if len(folders) > 1:
            raise VideoError("Images of several folders are no video. Give the folders themselves, each is one video.")
        folder = folders.pop()
        images_in_order = sorted(stills, key=natural_order)
        found.append((folder.name, (folder, partial(ImageSequence, images_in_order, folder.name))))
        paths = [path for path in paths if Path(path) not in stills]
    found.extend((_name(path), (_place(path), partial(open_video, path))) for path in paths)
    return [Input(number, name, *video) for number, (name, video) in enumerate(_distinct(found), start=1)]


def _listed_in_json(path: Path, root: Path | None) -> list[Input]:
    if root is None:
        raise DataError(f"'{path}' names its frames relative to a folder: give that with --images.")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise DataError(f"'{path}' cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise DataError(f"'{path}' is not a JSON file: {error}.") from error
    if not isinstance(content, dict):
        raise DataError(f"'{path}' is not a YouTube-VIS ground truth: it has no list of videos.")
    # Public test sets come without annotations, which are not needed here.
    videos = read_dataset({"categories": [], **content, "annotations": []}).videos.values()
    named = [(Path(video.file_names[0]).parent.name if video.file_names else str(video.id), video) for video in videos]
    return [
        Input(
            video.id,
            name,
            (root / video.file_names[0]).parent if video.file_names else root,
            partial(open_frames, video, root),
        )
        for name, video in _distinct([(name or str(video.id), video) for name, video in named])
    ]


def _place(path: str) -> Path:
    is_pattern = glob.has_magic(path) and not Path(path).exists()
    return Path(path).resolve().parent if is_pattern else Path(path).resolve()


def _name(path: str) -> str:
    place = _place(path)
    return place.stem if place.is_file() else place.name


def _distinct(named: list[tuple[str, Thing]]) -> list[tuple[str, Thing]]:
    """Number the names that come more than once: clip, clip_2, clip_3."""
    taken: set[str] = set()
    result = []
    for name, thing in named:
        free = next(each for each in chain([name], (f"{name}_{n}" for n in count(2))) if each not in taken)
        taken.add(free)
        result.append((free, thing))
    return result
