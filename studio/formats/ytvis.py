"""YouTube-VIS annotations, written as they come: memory holds one annotation at a time, whatever the size of the dataset.

The format is one JSON object: info, categories, videos (with one file name per frame) and annotations, one per track, with
a list of compressed RLEs (null where the track is absent), areas and boxes for every frame of the video. Frames are 0-based;
ids start at 1.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TextIO

from engine.masks import RLE, area, bbox


def write_dataset(
    file: TextIO,
    categories: Iterable[Mapping[str, Any]],
    videos: Iterable[Mapping[str, Any]],
    annotations: Iterable[Mapping[str, Any]],
    description: str,
) -> None:
    """Write a whole dataset. categories: {id, name}; videos and annotations: as `video` and `annotation` make them."""
    file.write('{"info": ')
    json.dump({"description": description}, file)
    for key, entries in (("categories", categories), ("videos", videos), ("annotations", annotations)):
        file.write(f',\n"{key}": [')
        for number, entry in enumerate(entries):
            file.write(",\n" if number else "\n")
            file.write(json.dumps(entry))  # json.dump asks Python for every number: seven times as slow
        file.write("]")
    file.write("}\n")


def video(video_id: int, folder: str, width: int, height: int, frames: Sequence[int]) -> dict[str, Any]:
    """The entry of a video whose frames are called `folder/00000.jpg` and so on, by their ordinals in their source."""
    names = [frame_name(folder, frame) for frame in frames]
    return {"id": video_id, "width": width, "height": height, "length": len(names), "file_names": names}


def annotation(
    annotation_id: int, video_id: int, category_id: int, size: tuple[int, int], segmentations: Sequence[RLE | None]
) -> dict[str, Any]:
    """The entry of a track. size: (H, W); segmentations: one for every frame of the video, None where it is absent."""
    return {
        "id": annotation_id,
        "video_id": video_id,
        "category_id": category_id,
        "iscrowd": 0,
        "height": size[0],
        "width": size[1],
        "length": len(segmentations),
        "segmentations": segmentations,
        "areas": [None if rle is None else area(rle) for rle in segmentations],
        "bboxes": [None if rle is None else list(bbox(rle)) for rle in segmentations],
    }


def frame_name(folder: str, frame: int) -> str:
    """The file name of a frame."""
    return f"{folder}/{frame:05d}.jpg"


def folder_names(names: Mapping[int, str]) -> dict[int, str]:
    """A folder for each video id: its name with anything unusual replaced, so that no name can lead out of the dataset.

    Where two would be the same, or nothing is left, the id is added.
    """
    plain = {key: re.sub(r"[^\w.-]+", "_", name).strip("._")[:80] for key, name in names.items()}
    lowered = [name.lower() for name in plain.values()]
    return {
        key: name if name and lowered.count(name.lower()) == 1 else f"{name or 'video'}-{key}"
        for key, name in plain.items()
    }
