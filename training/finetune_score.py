"""How good a net is on the held-out videos of a snapshot, and what it finds in some of its frames, for the eye.

A held-out video is run as a video of its verified frames. What lies mostly in ignored regions counts neither for the net nor
against it. Categories are paired by name, so that a parent with other categories is judged by the same measure as its child.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from engine import CTVIS, Category, Preset
from engine import masks as rle
from engine.masks import RLE
from engine.session import VideoSession
from training.evaluate import plain_name
from training.finetune_data import TaughtSet, TaughtVideo, decoded, held_out_dataset, read_frame, whole_frames
from training.metrics import evaluate
from training.samples import Sample, find_objects
from training.ytvis import Result

IN_DOUBT = 0.5  # share of a track's pixels in ignored regions, from which it is left out
SAMPLES = 4  # pictures


def judge(
    model: CTVIS,
    preset: Preset,
    taught: TaughtSet,
    pictures: Path,
    should_stop: Callable[[], bool] = lambda: False,
) -> dict[str, Any] | None:
    """AP and AP50 over the categories that the held-out videos show, and of each; None if there are no such videos, or if
    it was stopped."""
    dataset = held_out_dataset(taught)
    if not dataset.instances:
        return None
    results: list[Result] = []
    for video in taught.videos:
        if video.video.id in dataset.videos:
            if should_stop():
                return None
            results += _results(model, preset, taught.categories, video, pictures)
    score = evaluate(dataset, results)
    shown = [row for row in score.categories if row.instances]
    categories = {row.category.name: {"AP": row.ap, "AP50": row.ap50, "instances": row.instances} for row in shown}
    return {"AP": score.stats["AP"], "AP50": score.stats["AP50"], "categories": categories}


def samples(model: CTVIS, preset: Preset, taught: TaughtSet, pictures: Path) -> list[Sample]:
    """What the net finds in a few frames, always the same ones, of held-out videos where there are some."""
    places = [(video, place) for video in taught.videos for place in whole_frames(video)]
    judged = [pair for pair in places if pair[0].held_out] or places
    picked = np.unique(np.linspace(0, len(judged) - 1, min(SAMPLES, len(judged))).astype(int))
    found = []
    for video, place in (judged[index] for index in picked):
        rgb = read_frame(pictures, video.video.file_names[place])
        session = VideoSession(model, (rgb.shape[0], rgb.shape[1]), preset.tracker, frame_format=preset.frame, fps=1.0)
        found.append(Sample(video.video.id, video.ordinals[place], rgb, find_objects(session, preset, rgb)))
    return found


def _results(
    model: CTVIS, preset: Preset, categories: tuple[Category, ...], video: TaughtVideo, pictures: Path
) -> list[Result]:
    numbers = {plain_name(category.name): category.id for category in categories}
    session = VideoSession(model, video.size, preset.tracker, preset.top_k, preset.frame, fps=1.0)
    places = whole_frames(video)
    for place in places:
        session.step(read_frame(pictures, video.video.file_names[place]))
    result = session.finish()
    ignored = [_ignored(video, place) for place in places]
    found = []
    for prediction in result.predictions:
        number = numbers.get(plain_name(preset.categories[prediction.category].name))
        codes = result.segmentations(prediction.track_id)
        if number is not None and not _in_doubt(codes, ignored):
            found.append(Result(video.video.id, number, prediction.score, tuple(codes)))
    return found


def _ignored(video: TaughtVideo, place: int) -> np.ndarray | None:
    """Where nobody said what is there, bool (H, W); None where that is nowhere."""
    regions = [decoded(code, video.size) for codes in video.ignored if (code := codes[place])]
    return np.logical_or.reduce(regions) if regions else None


def _in_doubt(codes: list[RLE | None], ignored: list[np.ndarray | None]) -> bool:
    area = inside = 0
    for code, region in zip(codes, ignored, strict=True):
        if code is not None:
            area += rle.area(code)
            inside += int((rle.decode(code) & region).sum()) if region is not None else 0
    return inside >= IN_DOUBT * max(1, area)
