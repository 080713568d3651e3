"""What the web process and the process of a live session say to each other, over the latter's standard input and output.

To the session: frames, each a header with its time and its length in bytes, then a JPEG. From it: one JSON object a line; the
first says {"ready": true}, then one answers each frame. {"error": sentence} may stand in the place of any of them.
"""

import json
import struct
from typing import IO, Any, NamedTuple

HEADER = struct.Struct("<dI")  # seconds since the first frame, bytes of the JPEG


class JpegFrame(NamedTuple):
    """seconds: since the first frame, as its sender counts."""

    seconds: float
    jpeg: bytes


def send_frame(stream: IO[bytes], frame: JpegFrame) -> None:
    stream.write(HEADER.pack(frame.seconds, len(frame.jpeg)) + frame.jpeg)
    stream.flush()


def receive_frame(stream: IO[bytes]) -> JpegFrame | None:
    """The next frame; None once the other side has closed the stream."""
    header = stream.read(HEADER.size)
    if len(header) < HEADER.size:
        return None
    seconds, length = HEADER.unpack(header)
    jpeg = stream.read(length)
    return JpegFrame(seconds, jpeg) if len(jpeg) == length else None


def send_answer(stream: IO[bytes], answer: dict[str, Any]) -> None:
    stream.write(json.dumps(answer, separators=(",", ":")).encode() + b"\n")
    stream.flush()


def receive_answer(stream: IO[bytes]) -> dict[str, Any] | None:
    """The next answer; None once the other side has ended."""
    line = stream.readline()
    return json.loads(line) if line.endswith(b"\n") else None
