"""Keeping what a camera sends, exactly as it was sent, in Matroska files.

Compressed streams are copied packet by packet, neither decoded nor encoded; raw pictures are compressed without loss (FFV1). Times
are those of the packets. What was written stays readable if the program is killed. One file goes on over lost connections as long
as the camera sends the same kind of stream; else `paths` gains another file.
"""

from pathlib import Path
from typing import Any, cast

import av
from av.container import OutputContainer
from av.error import FFmpegError

from engine.errors import VideoError

PLANAR = {"yuyv422": "yuv422p", "uyvy422": "yuv422p", "yvyu422": "yuv422p", "nv12": "yuv420p", "nv21": "yuv420p"}
FFV1 = {"level": "3", "slices": "4", "slicecrc": "1"}  # checksums, and slices for several threads


class Recorder:
    """Writes one camera's stream to `path` and, if the stream changes its kind, to path-2, path-3 and so on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.paths: list[Path] = []
        self._container: OutputContainer | None = None
        self._stream: av.VideoStream | None = None
        self._kind: Any = None
        self._copies = True
        self._whole = False  # whether a picture has come that can be decoded without earlier ones

    def begin(self, stream: av.VideoStream) -> None:
        """A connection was made, again perhaps; its packets follow."""
        context = stream.codec_context
        kind = (context.name, context.width, context.height, context.pix_fmt, context.extradata)
        self._whole = False
        if kind == self._kind:
            return
        self.close()
        self._kind = kind
        self._copies = context.name != "rawvideo"
        number = len(self.paths) + 1
        path = self.path if number == 1 else self.path.with_stem(f"{self.path.stem}-{number}")
        try:
            self._container = av.open(str(path), "w", format="matroska")
        except (FFmpegError, OSError) as error:
            raise VideoError(f"The recording '{path}' cannot be written: {error.strerror}.") from error
        self.paths.append(path)
        self._stream = self._container.add_stream_from_template(stream) if self._copies else None

    def write(self, packet: av.Packet, pictures: list[av.VideoFrame]) -> None:
        """One packet of the connection, which is the recorder's from now on, and the `pictures` decoded from it."""
        try:
            if self._copies:
                self._copy(packet)
            else:
                self._compress(pictures)
        except FFmpegError as error:
            raise self._unwritable(error) from error

    def _copy(self, packet: av.Packet) -> None:
        assert self._container is not None and self._stream is not None
        self._whole = self._whole or packet.is_keyframe
        if self._whole:
            packet.stream = self._stream
            self._container.mux(packet)

    def _compress(self, pictures: list[av.VideoFrame]) -> None:
        assert self._container is not None
        for picture in pictures:
            self._container.mux(self._encoder(picture).encode(_planar(picture)))

    def close(self) -> None:
        """Finish the file."""
        container, stream = self._container, self._stream
        self._container = self._stream = self._kind = None
        if container is None:
            return
        try:
            with container:
                if not self._copies and stream is not None:
                    container.mux(stream.encode(None))
        except FFmpegError as error:
            raise self._unwritable(error) from error

    def _unwritable(self, error: FFmpegError) -> VideoError:
        return VideoError(f"The recording '{self.paths[-1]}' cannot be written: {error.strerror}.")

    def _encoder(self, picture: av.VideoFrame) -> av.VideoStream:
        assert self._container is not None
        if self._stream is None:
            stream = cast(av.VideoStream, self._container.add_stream("ffv1", rate=30, options=FFV1))
            stream.width, stream.height, stream.pix_fmt = picture.width, picture.height, _lossless_format(picture)
            stream.codec_context.time_base = cast(Any, picture.time_base)
            self._stream = stream
        return self._stream


def _planar(picture: av.VideoFrame) -> av.VideoFrame:
    """The same pixels in an order that FFV1 takes."""
    wanted = _lossless_format(picture)
    if wanted == picture.format.name:
        return picture
    planar = picture.reformat(format=wanted)
    planar.pts, planar.time_base = picture.pts, picture.time_base
    return planar


def _lossless_format(picture: av.VideoFrame) -> str:
    name = picture.format.name
    if name in PLANAR:
        return PLANAR[name]
    if picture.format.is_rgb:
        return "bgr0"
    return name
