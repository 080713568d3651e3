"""Small videos for the tests, made on the spot by PyAV.

`numbered_frames` draws each frame's ordinal as a row of black and white blocks that survive any codec, and `read_number`
reads it back, so a test can tell which picture it was given without trusting a second decoder.
`make_video` writes any frames, uint8 RGB (H, W, 3), to a file; the container follows from the file's suffix.
"""

from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import numpy as np

BITS = 10  # numbers up to 1023


def numbered_frames(count: int, height: int = 48, width: int = 80, start: int = 0) -> Iterator[np.ndarray]:
    """`count` frames (height, width, 3): a moving gradient, with the ordinal in the upper half, most significant bit left."""
    columns = np.arange(width) * BITS // width
    shade = np.add.outer(np.arange(height), np.arange(width)) * 2
    for number in range(start, start + count):
        grey = (60 + (shade + 5 * number) % 120).astype(np.uint8)
        grey[: height // 2] = np.where((number >> (BITS - 1 - columns)) & 1, 255, 0)
        yield np.repeat(grey[..., None], 3, axis=2)


def read_number(rgb: np.ndarray) -> int:
    """The ordinal that `numbered_frames` drew into a frame (H, W, 3)."""
    row = rgb[: rgb.shape[0] // 2].mean(axis=(0, 2))
    bits = [block.mean() > 127 for block in np.split(row, [row.size * bit // BITS for bit in range(1, BITS)])]
    return int("".join("1" if bit else "0" for bit in bits), 2)


def make_video(
    path: str | Path,
    frames: Iterable[np.ndarray],
    *,
    codec: str = "libx264",
    fps: int = 25,
    pts: Sequence[int] | None = None,
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    rotation: int = 0,
    audio: bool = False,
) -> Path:
    """Write `frames` to `path`; `pts` are times in milliseconds (variable frame rate), else frame n is shown at n / fps.

    `rotation` (degrees, counter-clockwise) is written as metadata only, the way a phone does; `audio` adds a silent track first.
    """
    path = Path(path)
    with av.open(str(path), "w") as container:
        sound = cast(av.AudioStream, container.add_stream("aac", rate=8000)) if audio else None
        stream: av.VideoStream | None = None
        for number, rgb in enumerate(frames):
            if stream is None:
                stream = cast(av.VideoStream, container.add_stream(codec, rate=fps, options=options or {}))
                stream.height, stream.width = rgb.shape[:2]
                stream.pix_fmt = pixel_format
                stream.codec_context.time_base = Fraction(1, fps) if pts is None else Fraction(1, 1000)
                if rotation:
                    stream.set_display_rotation(rotation)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(rgb), format="rgb24")
            frame.pts = number if pts is None else pts[number]
            frame.time_base = stream.codec_context.time_base
            container.mux(stream.encode(frame))
            if sound is not None and number == 0:
                container.mux(_silence(sound))
        if stream is None:
            raise ValueError("a video needs at least one frame")
        container.mux(stream.encode(None))
        if sound is not None:
            container.mux(sound.encode(None))
    return path


def _silence(stream: av.AudioStream) -> list[av.Packet]:
    frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
    frame.sample_rate, frame.pts = 8000, 0
    return stream.encode(frame)
