"""Judging a net on an annotated dataset: predict every video as a user would, then score.

In: a net, its preset, a YouTube-VIS ground truth and the folder of its videos. Out: the Score and the results it
belongs to, in the form of a results file. Categories are paired by name, so a net and a dataset need not share their
numbering; what a net says of categories that the dataset does not have is left out. Scoring itself is training.metrics.
"""

from collections import deque
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from engine.config import Category, Preset
from engine.errors import DataError
from engine.image_folder import ImageSequence
from engine.model import CTVIS
from engine.run import segment_video
from engine.session import VideoSession
from engine.video import VideoSource, open_video
from training.metrics import Score, evaluate
from training.ytvis import Dataset, Video, read_dataset, read_results


def evaluate_model(
    model: CTVIS,
    preset: Preset,
    ground_truth: str | Path | Mapping[str, Any],
    images_root: str | Path,
    video_ids: Collection[int] | None = None,
    on_video: Callable[[Video, int, int], None] = lambda video, done, total: None,
) -> tuple[Score, list[dict[str, Any]]]:
    """The score and the results of `predict_dataset`."""
    dataset = read_dataset(ground_truth)
    results = predict_dataset(model, preset, dataset, images_root, video_ids, on_video)
    return evaluate(dataset, read_results(results, dataset), video_ids), results


def predict_dataset(
    model: CTVIS,
    preset: Preset,
    dataset: Dataset,
    images_root: str | Path,
    video_ids: Collection[int] | None = None,
    on_video: Callable[[Video, int, int], None] = lambda video, done, total: None,
    autocast: torch.dtype | None = None,
) -> list[dict[str, Any]]:
    """The entries of a results file. video_ids: only these videos; on_video: told (video, done so far, of how many) after
    each; autocast: as for `predict_video`."""
    ids = category_ids(preset.categories, dataset)
    videos = [video for video in dataset.videos.values() if video_ids is None or video.id in set(video_ids)]
    results: list[dict[str, Any]] = []
    for done, video in enumerate(videos, start=1):
        with open_frames(video, Path(images_root)) as source:
            results += predict_video(model, preset, source, video, ids, autocast)
        on_video(video, done, len(videos))
    return results


def predict_video(
    model: CTVIS,
    preset: Preset,
    source: VideoSource,
    video: Video,
    ids: list[int | None],
    autocast: torch.dtype | None = None,
) -> list[dict[str, Any]]:
    """One video's entries of a results file. ids: the dataset's category id of each of the net's categories, None to
    skip; autocast: the half precision that the net may compute in."""
    size = video.height, video.width
    session = VideoSession(model, size, preset.tracker, preset.top_k, preset.frame, fps=source.fps)
    deque(segment_video(session, source, autocast=autocast), maxlen=0)
    result = session.finish()
    return [
        {
            "video_id": video.id,
            "category_id": ids[prediction.category],
            "score": prediction.score,
            "segmentations": result.segmentations(prediction.track_id),
        }
        for prediction in result.predictions
        if ids[prediction.category] is not None
    ]


def category_ids(categories: Collection[Category], dataset: Dataset) -> list[int | None]:
    """The dataset's id of each category, by name ("giant_panda" = "Giant panda"), None where the dataset has no such
    one."""
    known = {plain_name(category.name): category.id for category in dataset.categories.values()}
    ids = [known.get(plain_name(category.name)) for category in categories]
    if not any(number is not None for number in ids):
        raise DataError("The model and the ground truth have no category name in common; is it the right dataset?")
    return ids


def open_frames(video: Video, root: Path) -> VideoSource:
    """The frames of an annotated video: its file_names under root, or a video file named like their folder."""
    if not video.file_names:
        raise DataError(f"Video {video.id} of the ground truth has no file_names, so its frames cannot be found.")
    paths = [root / name for name in video.file_names]
    folder = paths[0].parent
    if paths[0].exists():
        source: VideoSource = ImageSequence(paths, folder.name)
    else:
        clips = sorted(folder.parent.glob(f"{folder.name}.*"))
        if len(clips) != 1:
            raise DataError(
                f"Video {video.id}: there is neither {paths[0]} nor one video file {folder}.*; check --images."
            )
        source = open_video(clips[0])
    found, stated = (source.width, source.height, source.length), (video.width, video.height, video.length)
    if found != stated:
        source.close()
        raise DataError(
            f"Video {video.id} has width, height and length {found}, but the ground truth says {stated}; "
            "its masks would not fit the frames."
        )
    return source


def plain_name(name: str) -> str:
    """A category's name as it is compared: "giant_panda" and "Giant panda" are the same."""
    return name.lower().replace("_", " ").replace("-", " ")
