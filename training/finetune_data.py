"""What a fine-tuning is taught, read back from its snapshot: a YouTube-VIS file with a channel for what is not known.

In: the JSON that the studio writes (its `finetune/snapshot.py` describes it). Out: plain records, masks as compressed RLEs at the
size of their video. Annotations are checked as those of any dataset. The pictures lie in a folder, under the file names of the
snapshot; those of one video have one size, which need not be the masks'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine import masks
from engine.config import Category
from engine.errors import DataError
from engine.masks import RLE
from training.ytvis import Dataset, Instance, Video, read_dataset

Codes = tuple[RLE | None, ...]


@dataclass(frozen=True)
class TaughtTrack:
    """A verified object: its 0-based place among the categories, and its mask in each taught frame."""

    label: int
    codes: Codes


@dataclass(frozen=True)
class TaughtVideo:
    """The frames of a video that teach. `ordinals` are theirs in the source; the other fields have one entry for each."""

    video: Video
    ordinals: tuple[int, ...]
    whole: tuple[bool, ...]  # whether what no mask covers is background
    held_out: bool
    tracks: tuple[TaughtTrack, ...]
    ignored: tuple[Codes, ...]
    rejected: tuple[Codes, ...]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the masks in pixels."""
        return self.video.height, self.video.width


@dataclass(frozen=True)
class TaughtSet:
    """All that a snapshot teaches, and what it holds out to judge by."""

    categories: tuple[Category, ...]
    videos: tuple[TaughtVideo, ...]

    @property
    def teaching(self) -> tuple[TaughtVideo, ...]:
        return tuple(video for video in self.videos if not video.held_out)

    @property
    def taught_labels(self) -> set[int]:
        """The places of the categories that a verified mask shows."""
        return {track.label for video in self.teaching for track in video.tracks}


def read_taught(source: str | Path | Mapping[str, Any], content: Mapping[str, Any]) -> TaughtSet:
    """source: the file, for messages; content: what is in it."""
    dataset = read_dataset(content)
    places = {number: place for place, number in enumerate(dataset.categories)}
    try:
        videos = tuple(_video(entry, dataset, places, content) for entry in content["videos"])
    except (KeyError, TypeError) as fault:
        raise DataError(f"{source} is no snapshot of corrections ({fault}).") from fault
    return TaughtSet(tuple(dataset.categories.values()), videos)


def held_out_dataset(taught: TaughtSet) -> Dataset:
    """The held-out videos as a ground truth: their whole frames, since of the others not all is known."""
    videos, instances = {}, []
    for video in taught.videos:
        kept = whole_frames(video)
        if not video.held_out or not kept:
            continue
        names = tuple(video.video.file_names[place] for place in kept)
        videos[video.video.id] = Video(video.video.id, video.video.width, video.video.height, len(kept), names)
        for track in video.tracks:
            codes = tuple(track.codes[place] for place in kept)
            areas = tuple(float(masks.area(code)) if code else None for code in codes)
            instances.append(Instance(video.video.id, taught.categories[track.label].id, codes, areas))
    return Dataset(videos, {category.id: category for category in taught.categories}, tuple(instances))


def whole_frames(video: TaughtVideo) -> list[int]:
    """The places of the frames of which everything is known."""
    return [place for place, whole in enumerate(video.whole) if whole]


def read_frame(folder: Path, name: str) -> np.ndarray:
    """A picture of the snapshot, uint8 RGB (H, W, 3)."""
    picture = cv2.imread(str(folder / name), cv2.IMREAD_COLOR)
    if picture is None:
        raise DataError(f"The frame {name} cannot be read in {folder}. Start the fine-tuning again.")
    return cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


def decoded(code: RLE, size: tuple[int, int]) -> np.ndarray:
    """A mask at another size than its video's, bool (H, W)."""
    mask = masks.decode(code)
    if mask.shape == size:
        return mask
    return cv2.resize(mask.astype(np.uint8), size[::-1], interpolation=cv2.INTER_NEAREST).astype(bool)


def _video(
    entry: Mapping[str, Any], dataset: Dataset, places: Mapping[int, int], content: Mapping[str, Any]
) -> TaughtVideo:
    video = dataset.videos[entry["id"]]
    if not len(entry["frames"]) == len(entry["whole"]) == video.length:
        raise DataError(f"Video {video.id} of the snapshot has not as many ordinals as frames.")
    own = [instance for instance in dataset.instances if instance.video_id == video.id]
    return TaughtVideo(
        video,
        tuple(entry["frames"]),
        tuple(entry["whole"]),
        bool(entry["held_out"]),
        tuple(TaughtTrack(places[instance.category_id], instance.segmentations) for instance in own),
        _layer(content["ignored"], video),
        _layer(content["rejected"], video),
    )


def _layer(entries: Sequence[Mapping[str, Any]], video: Video) -> tuple[Codes, ...]:
    return tuple(tuple(entry["segmentations"]) for entry in entries if entry["video_id"] == video.id)
