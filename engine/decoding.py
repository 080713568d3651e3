"""Decoding a video file from its beginning or from any key picture, with PyAV.

In: a path. Out: pictures (`av.VideoFrame`) in the order of showing. Timestamps are integers ("ticks") of the stream's time base.
Damaged packets are passed over, never raised. This file knows nothing of ordinals; engine/frame_index.py and
engine/video_file.py give the pictures their numbers.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition

from engine.errors import VideoError

# Playlist formats are left out on purpose: they can name other files, or addresses, that would then be read.
CONTAINERS = (
    "mov,matroska,webm,avi,gif,mpegts,mpeg,mpegvideo,flv,ogg,asf,h264,hevc,m4v,mjpeg,ivf,obu,apng,mxf,dv,wtv,"
    "yuv4mpegpipe,nut"
)


class KeyPicture(NamedTuple):
    """A picture at which decoding may start: its timestamp, and the timestamp to seek to in order to reach it (ticks)."""

    pts: int
    seek: int


def open_container(path: Path) -> tuple[InputContainer, av.VideoStream]:
    """Open a video file with its first real video stream; the cover picture of a music file is none."""
    try:
        container = av.open(f"file:{path}", options={"format_whitelist": CONTAINERS, "protocol_whitelist": "file"})
    except (FFmpegError, ValueError) as error:
        raise VideoError(
            f"'{path}' cannot be read as a video: it is damaged, incomplete or of an unknown kind. "
            "Copy it again, or convert it to mp4, mkv, webm or avi."
        ) from error
    for stream in container.streams.video:
        if stream.disposition & Disposition.attached_pic:
            continue
        if stream.codec_context is None:
            container.close()
            raise VideoError(
                f"The video track of '{path}' is damaged, or of a codec that cannot be decoded here. "
                "Copy the file again, or convert it to H.264."
            )
        stream.thread_type = "AUTO"
        return container, stream
    container.close()
    raise VideoError(f"'{path}' has no video track. Give a file with moving pictures, or a folder of images.")


class Decoder:
    """One open video file. `faults` collects what the decoder complained about since it was opened."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.faults: list[str] = []
        self.container, self.stream = open_container(path)
        self._at_beginning = True

    def pictures(self, start: KeyPicture | None = None) -> Iterator[av.VideoFrame]:
        """Pictures from a key picture on, or from the beginning of the file. One iteration at a time."""
        if start is None:
            if not self._at_beginning:
                self._reopen()
            self._at_beginning = False
            yield from self._decode(self.container.demux(self.stream))
            return
        self._at_beginning = False
        # Pictures that are coded after the key picture but shown before it may refer to what came earlier: they are not whole.
        for picture in self._decode(self._packets_from(start)):
            if picture.pts is not None and picture.pts >= start.pts:
                yield picture

    def close(self) -> None:
        self.container.close()

    def _decode(self, packets: Iterator[av.Packet]) -> Iterator[av.VideoFrame]:
        packet: av.Packet | None
        while True:
            try:
                packet = next(packets)  # the last one is empty, and makes the decoder let out what it holds back
            except StopIteration:
                return
            except FFmpegError as error:  # the file breaks off here
                self.faults.append(str(error))
                packet = None
            try:
                yield from self.stream.decode(packet)
            except FFmpegError as error:
                self.faults.append(str(error))
            if packet is None:
                return

    def _packets_from(self, start: KeyPicture) -> Iterator[av.Packet]:
        try:
            self.container.seek(start.seek, stream=self.stream)
            packets = self._skip_to(start, give_up=True)
        except FFmpegError:
            packets = None
        if (
            packets is None
        ):  # not every container seeks exactly: go through the packets from the beginning, without decoding
            self._reopen()
            packets = self._skip_to(start, give_up=False)
        if packets is None:
            raise VideoError(f"'{self.path}' has changed since it was opened. Open it again.")
        return packets

    def _skip_to(self, start: KeyPicture, give_up: bool) -> Iterator[av.Packet] | None:
        packets = self.container.demux(self.stream)
        for packet in packets:
            if packet.is_keyframe and packet.pts == start.pts:
                return _with_first(packet, packets)
            if give_up and packet.dts is not None and packet.dts > start.pts:
                return None
        return None

    def _reopen(self) -> None:
        self.container.close()
        self.container, self.stream = open_container(self.path)


def _with_first(first: av.Packet, rest: Iterator[av.Packet]) -> Iterator[av.Packet]:
    yield first
    yield from rest
