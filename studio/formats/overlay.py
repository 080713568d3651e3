"""Tracks painted over a video: one frame at a time, and encoded as mp4.

`draw_overlay` paints masks, outlines and labels on a copy of an RGB frame (H, W, 3); every track keeps its own colour
(studio/palette.py). `OverlayWriter` encodes frames at the times they are shown in the source. Nothing here knows a net or a store.
"""

import os
from collections.abc import Callable, Iterable
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, cast

import av
import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from engine.errors import VideoError
from studio.palette import track_rgb

FILL = 0.4  # share of the track's colour inside a mask
TIME_BASE = Fraction(1, 90_000)
ENCODERS = ("libx264", "libopenh264", "mpeg4")  # the first that this build of FFmpeg has
FRAGMENTS = {"movflags": "+empty_moov+default_base_moof", "frag_duration": "2000000", "flush_packets": "1"}  # every 2 s

Box = tuple[int, int, int, int]  # left, top, right, bottom in pixels


class DrawnTrack(NamedTuple):
    """A track in one frame. mask: bool (H, W). label: parts in falling importance, e.g. ("7", "dog", "83 %")."""

    track_id: int
    mask: np.ndarray
    label: tuple[str, ...] = ()


def draw_overlay(rgb: np.ndarray, tracks: Iterable[DrawnTrack]) -> np.ndarray:
    """A copy of the frame, uint8 (H, W, 3), with the tracks painted on it; the first ones get the best places for labels."""
    canvas = rgb.copy()
    visible = [(track, box) for track in tracks if (box := _bounds(track.mask)) is not None]
    for track, box in visible:
        _paint_mask(canvas, track, box)
    if not any(track.label for track, _ in visible):
        return canvas
    image = Image.fromarray(canvas)
    pen, taken = ImageDraw.Draw(image), list[Box]()
    for track, box in visible:
        if track.label:
            taken.append(_paint_label(pen, image.size, track, box, taken))
    return np.array(image)


def _bounds(mask: np.ndarray) -> Box | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _paint_mask(canvas: np.ndarray, track: DrawnTrack, box: Box) -> None:
    left, top, right, bottom = box
    color = track_rgb(track.track_id)
    inside = np.ascontiguousarray(track.mask[top:bottom, left:right], dtype=np.uint8)
    part = canvas[top:bottom, left:right]
    filled = cv2.addWeighted(part, 1 - FILL, np.full_like(part, color), FILL, 0)
    np.copyto(part, filled, where=inside[..., None].astype(bool))
    outlines, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE, offset=(left, top))
    cv2.drawContours(canvas, outlines, -1, color, thickness=max(1, round(min(canvas.shape[:2]) / 300)))


def _paint_label(pen: ImageDraw.ImageDraw, size: tuple[int, int], track: DrawnTrack, box: Box, taken: list[Box]) -> Box:
    """Write the label on a plate of the track's colour, near the mask, inside the frame, on no other label if possible."""
    width, height = size
    font = _font(max(11, round(min(size) / 30)))
    padding = max(1, round(font.size / 5))
    ascent, descent = font.getmetrics()
    plate_height = ascent + descent + padding
    text = _longest_fit(track.label, font.getlength, width - 2 * padding)
    plate_width = round(font.getlength(text)) + 2 * padding
    plate = _place(box, plate_width, plate_height, width, height, taken)
    pen.rectangle((plate[0], plate[1], plate[2] - 1, plate[3] - 1), fill=track_rgb(track.track_id))
    pen.text((plate[0] + padding, plate[1] + padding // 2), text, fill=(0, 0, 0), font=font)
    return plate


def _place(box: Box, width: int, height: int, frame_width: int, frame_height: int, taken: list[Box]) -> Box:
    """Above the mask, at its upper edge, at its lower edge or below it: the first place inside the frame that is free."""
    left = max(0, min(box[0], frame_width - width))
    lowest = max(0, frame_height - height)
    plates = [(left, top, left + width, top + height) for top in (box[1] - height, box[1], box[3] - height, box[3])]
    inside = [plate for plate in plates if 0 <= plate[1] <= lowest]
    free = [plate for plate in inside if not any(_overlap(plate, other) for other in taken)]
    top = max(0, min(box[1] - height, lowest))
    return next(iter(free or inside), (left, top, left + width, top + height))


def _overlap(one: Box, other: Box) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _longest_fit(parts: tuple[str, ...], width_of: Callable[[str], float], limit: float) -> str:
    """As many leading parts as fit into `limit` pixels, but at least the first."""
    texts = [" ".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return next((text for text in texts if width_of(text) <= limit), texts[-1])


@lru_cache(maxsize=8)
def _font(size: int) -> ImageFont.FreeTypeFont:
    return cast(ImageFont.FreeTypeFont, ImageFont.load_default(size))


class OverlayWriter:
    """Encodes RGB frames as an mp4 that plays everywhere (H.264, yuv420p), each shown at its own time.

    The file appears under its name when the writer is closed; until then it has ".part" behind it. An odd width or height is
    made even by repeating the last column or row.
    """

    def __init__(self, path: str | Path, fps: float, endless: bool = False) -> None:
        """fps: frames per second on average; only the length of the last frame depends on it. endless: write the file in
        fragments, so that memory does not grow with its length and what was written by then is readable after a kill."""
        self.path = Path(path)
        self._partial = self.path.with_name(self.path.name + ".part")
        self._duration = max(1, round(1 / (fps * TIME_BASE)))
        self._endless = endless
        options = FRAGMENTS if endless else {"movflags": "+faststart"}
        self._container = av.open(str(self._partial), "w", format="mp4", options=options)
        self._stream: av.VideoStream | None = None
        self._start = 0.0
        self._last = -1

    def write(self, rgb: np.ndarray, seconds: float) -> None:
        """Append a frame, uint8 (H, W, 3), shown at `seconds`; the first one's time becomes the beginning of the video."""
        even = np.pad(rgb, ((0, rgb.shape[0] % 2), (0, rgb.shape[1] % 2), (0, 0)), mode="edge")
        if self._stream is None:
            self._stream, self._start = self._add_stream(even.shape[1], even.shape[0]), seconds
        picture = av.VideoFrame.from_ndarray(even, format="rgb24")
        picture.pts = self._last = max(self._last + 1, round((seconds - self._start) / TIME_BASE))
        picture.time_base, picture.duration = TIME_BASE, self._duration
        self._container.mux(self._stream.encode(picture))

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._partial.stat().st_size if self._partial.exists() else 0

    def close(self) -> None:
        """Finish the file and give it its name. A writer that was given no frame leaves no file."""
        if self._stream is not None:
            self._container.mux(self._stream.encode(None))
        self._container.close()
        if self._stream is None:
            self._partial.unlink(missing_ok=True)
        else:
            os.replace(self._partial, self.path)

    def __enter__(self) -> "OverlayWriter":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self.close()
        else:  # what is there is no whole video: leave nothing behind
            self._container.close()
            self._partial.unlink(missing_ok=True)

    def _add_stream(self, width: int, height: int) -> av.VideoStream:
        codec = next((name for name in ENCODERS if name in av.codecs_available), None)
        if codec is None:
            raise VideoError(
                "This build of PyAV has no encoder for mp4. Install PyAV from its own wheels: pip install av."
            )
        # Without B-frames a varying frame rate keeps its true length: the decoding times are then the showing times.
        options = {"crf": "20", "preset": "veryfast", "bf": "0"} if codec == "libx264" else {"bf": "0"}
        if self._endless and codec == "libx264":
            options["tune"] = "zerolatency"  # no frames held back, which a kill would lose
        rate = max(1, round(1 / (self._duration * TIME_BASE)))
        stream = cast(av.VideoStream, self._container.add_stream(codec, rate=rate, options=options))
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.codec_context.time_base = TIME_BASE
        return stream
