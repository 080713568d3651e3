"""Running a model over one video and writing down what it finds, while it runs.

`predict_video` streams a source through a session; overlay video and frame images are written as frames come, the tracks of the
results file at the end. It draws no conclusions about the command line and prints nothing: `on_frame` tells of progress and
`stop` is asked after every frame.
"""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from engine import CTVIS, Category, FrameFormat, Preset
from engine.masks import decode
from engine.run import FrameResult, segment_video
from engine.session import VideoResult, VideoSession
from engine.video import VideoSource
from studio.formats.overlay import DrawnTrack, OverlayWriter, draw_overlay
from studio.formats.results import ResultsWriter, spread

DRAWN_SCORE = 0.3  # the overlay's threshold where the user names none: below it is mostly noise


@dataclass(frozen=True)
class Settings:
    """What a run may be told. score_threshold None: all predictions are written, the overlay shows those from `DRAWN_SCORE` on."""

    frame_step: int = 1
    frame_format: FrameFormat | None = None
    score_threshold: float | None = None
    top_k: int | None = None
    autocast: torch.dtype | None = None


class Outputs(NamedTuple):
    """Where to write what is seen in the frames of one video; None: do not."""

    overlay: Path | None = None
    frames: Path | None = None


def predict_video(
    model: CTVIS,
    preset: Preset,
    source: VideoSource,
    settings: Settings,
    outputs: Outputs,
    on_frame: Callable[[int], None],
    stop: Callable[[], bool],
) -> VideoResult:
    """Run the video, or as much of it as there is before `stop()`; `on_frame` is given the ordinal of each frame that is done."""
    session = VideoSession(
        model, (source.height, source.width), preset.tracker, settings.top_k, frame_format=settings.frame_format
    )
    painter = _Painter(session, preset.categories, settings.score_threshold)
    with ExitStack() as stack:
        video = stack.enter_context(OverlayWriter(outputs.overlay, source.fps)) if outputs.overlay else None
        if outputs.frames:
            outputs.frames.mkdir(parents=True, exist_ok=True)
            for earlier in outputs.frames.glob("[0-9]*.jpg"):  # of a run with another frame step
                earlier.unlink()
        for result in segment_video(session, source, step=settings.frame_step, autocast=settings.autocast):
            if video or outputs.frames:
                picture = painter.paint(result)
                if video:
                    video.write(picture, source.pts[result.ordinal] if source.pts else result.ordinal / source.fps)
                if outputs.frames:
                    Image.fromarray(picture).save(outputs.frames / f"{result.ordinal:06d}.jpg", quality=92)
            on_frame(result.ordinal)
            if stop():
                break
    return session.finish()


def write_tracks(
    writer: ResultsWriter, video_id: int, result: VideoResult, preset: Preset, settings: Settings, length: int
) -> None:
    """Append a video's predictions, likeliest first; `length` is that of the whole video in frames."""
    for prediction in result.predictions:
        if prediction.score >= (settings.score_threshold or 0.0):
            masks = spread(result.segmentations(prediction.track_id), length, settings.frame_step)
            category = preset.categories[prediction.category]
            writer.add(video_id, category.id, prediction.score, masks)


class _Painter:
    """Paints frames with what is believed at that time: final categories and scores are only known at the end."""

    def __init__(self, session: VideoSession, categories: tuple[Category, ...], threshold: float | None) -> None:
        self.session, self.categories = session, categories
        self.threshold = DRAWN_SCORE if threshold is None else threshold

    def paint(self, result: FrameResult) -> np.ndarray:
        summaries = self.session.tracks.summaries()
        drawn = []
        for seen in result.observations:
            summary = summaries.get(seen.track_id)
            if summary is not None and summary.score >= self.threshold and seen.rle is not None:
                name = self.categories[summary.category].name
                label = (str(seen.track_id), name.replace("_", " "), f"{summary.score:.0%}")
                drawn.append(DrawnTrack(seen.track_id, decode(seen.rle), label))
        return draw_overlay(result.rgb, drawn)
