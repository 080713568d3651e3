"""Running a model over one video and writing down what it finds, while it runs.

`predict_video` streams a source through a session; overlay video and frame images are written as frames come, in a thread of
their own a few frames behind, the tracks of the results file at the end. It draws no conclusions about the command line and
prints nothing: `on_frame` tells of progress and `stop` is asked after every frame.
"""

from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from PIL import Image

from engine import CTVIS, Category, FrameFormat, Preset
from engine.masks import RLE, decode
from engine.pipeline import Behind
from engine.run import FrameResult, segment_video
from engine.session import VideoResult, VideoSession
from engine.video import VideoSource
from studio.formats.overlay import DrawnTrack, OverlayWriter, draw_overlay
from studio.formats.results import ResultsWriter, spread

DRAWING = 4  # frames that wait at most to be drawn and encoded
DRAWN_SCORE = 0.3  # the overlay's threshold where the user names none: below it is mostly noise


@dataclass(frozen=True)
class Settings:
    """What a run may be told. score_threshold None: all predictions are written, the overlay shows those from `DRAWN_SCORE` on.
    clip: frames that the net sees at once."""

    frame_step: int = 1
    frame_format: FrameFormat | None = None
    score_threshold: float | None = None
    top_k: int | None = None
    autocast: torch.dtype | None = None
    clip: int = 1


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
        model,
        (source.height, source.width),
        preset.tracker,
        settings.top_k,
        frame_format=settings.frame_format,
        fps=source.fps / settings.frame_step,
    )
    caption = _Caption(session, preset.categories, settings.score_threshold)
    with ExitStack() as stack:
        pictures = _Pictures.open(stack, outputs, source) if any(outputs) else None
        later = stack.enter_context(Behind(DRAWING))
        results = segment_video(
            session, source, step=settings.frame_step, autocast=settings.autocast, clip=settings.clip
        )
        for result in stack.enter_context(closing(results)):
            if pictures:
                later(pictures.write, result.ordinal, result.rgb, caption.of(result))
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
            masks = spread(result.stream_segmentations(prediction.track_id), length, settings.frame_step)
            category = preset.categories[prediction.category]
            writer.add(video_id, category.id, prediction.score, masks)


class _Captioned(NamedTuple):
    """A mask of a frame with what is to be written beside it, in falling importance."""

    track_id: int
    rle: RLE
    label: tuple[str, ...]


class _Caption:
    """Names what is seen in a frame as it is believed at that time: final categories and scores are only known at the end."""

    def __init__(self, session: VideoSession, categories: tuple[Category, ...], threshold: float | None) -> None:
        self.session, self.categories = session, categories
        self.threshold = DRAWN_SCORE if threshold is None else threshold

    def of(self, result: FrameResult) -> list[_Captioned]:
        """The tracks to draw; to be asked before the next frame is tracked."""
        captioned = []
        for seen in result.observations:
            summary = self.session.tracks.summary(seen.track_id)
            if summary is not None and summary.score >= self.threshold and seen.rle is not None:
                name = self.categories[summary.category].name
                label = (str(seen.track_id), name.replace("_", " "), f"{summary.score:.0%}")
                captioned.append(_Captioned(seen.track_id, seen.rle, label))
        return captioned


@dataclass(frozen=True)
class _Pictures:
    """The painted frames of one video, encoded and as images."""

    source: VideoSource
    video: OverlayWriter | None
    folder: Path | None

    @classmethod
    def open(cls, stack: ExitStack, outputs: Outputs, source: VideoSource) -> "_Pictures":
        """Begin the files; the stack will finish them, or remove what is no whole video."""
        video = stack.enter_context(OverlayWriter(outputs.overlay, source.fps)) if outputs.overlay else None
        if outputs.frames:
            outputs.frames.mkdir(parents=True, exist_ok=True)
            for earlier in outputs.frames.glob("[0-9]*.jpg"):  # of a run with another frame step
                earlier.unlink()
        return cls(source, video, outputs.frames)

    def write(self, ordinal: int, rgb: np.ndarray, tracks: list[_Captioned]) -> None:
        """Paint the tracks of a frame, uint8 (H, W, 3), and write it wherever it is wanted."""
        picture = draw_overlay(rgb, [DrawnTrack(track.track_id, decode(track.rle), track.label) for track in tracks])
        if self.video:
            times = self.source.pts
            self.video.write(picture, times[ordinal] if times else ordinal / self.source.fps)
        if self.folder:
            Image.fromarray(picture).save(self.folder / f"{ordinal:06d}.jpg", quality=92)
