"""Opening what sends pictures for as long as it is asked: network cameras and the machine's own.

In: an address, `rtsp://…`, `http://…` (a stream of MJPEG, MPEG-TS, or a playlist), `/dev/video0`, `camera`, or `FORMAT:DEVICE` for
one of FFmpeg's capture devices. Out: an open PyAV container and its video stream, set up for little delay. It reads nothing and
does not come back to a camera that is lost: see `live.py`.
"""

import errno
import re
import sys
from pathlib import Path
from typing import NamedTuple

import av
from av.container import InputContainer
from av.error import FFmpegError

from engine.errors import VideoError

OPEN_SECONDS, READ_SECONDS = 15.0, 10.0  # how long a camera may be silent
# "file" is left out on purpose: a playlist from the network could otherwise have files of this machine read.
PROTOCOLS = "http,https,httpproxy,tcp,udp,rtp,rtsp,rtsps,srtp,srt,tls,crypto"
SCHEMES = ("rtsp", "rtsps", "http", "https", "udp", "rtp", "tcp", "srt")
DEVICES = ("v4l2", "avfoundation", "dshow", "gdigrab", "x11grab")
UNTIMED = ("mpjpeg", "mjpeg", "h264", "hevc", "m4v")  # formats without times, for which FFmpeg makes some up
OWN_CAMERA = {"linux": "v4l2:/dev/video0", "darwin": "avfoundation:0"}


class Camera(NamedTuple):
    """An open stream of pictures. timed: whether its packets carry times that the camera gave them."""

    container: InputContainer
    stream: av.VideoStream
    timed: bool


class Address(NamedTuple):
    """Where pictures come from: `place` as FFmpeg is to open it; `device` its format for capture devices, else None."""

    place: str
    device: str | None = None

    @property
    def name(self) -> str:
        """A name for files, made of the host or the device; never a user name or a password."""
        host = re.sub(r"^\w+://([^/@]*@)?", "", self.place).split("/")[0] if self.device is None else self.place
        return re.sub(r"[^A-Za-z0-9]+", "-", host).strip("-") or "camera"

    def __str__(self) -> str:
        """The address without a user name or a password, for people and logs."""
        return re.sub(r"//[^/@]*@", "//", self.place)


def parse_address(text: str) -> Address:
    """What the user wrote, as an address. Raises VideoError for what is none, such as a file."""
    scheme = text.partition("://")[0].lower()
    if "://" in text:
        if scheme not in SCHEMES:
            raise VideoError(f"'{text}' is no live source: addresses begin with {', '.join(SCHEMES)}.")
        return Address(text)
    if text == "camera":
        own = next((place for system, place in OWN_CAMERA.items() if sys.platform.startswith(system)), None)
        if own is None:
            raise VideoError("Name the camera here, for example 'dshow:video=Integrated Camera'.")
        text = own
    device, colon, place = text.partition(":")
    if colon and device in DEVICES:
        return Address(place, device)
    if text.startswith("/dev/"):
        return Address(text, "v4l2")
    if Path(text).exists():
        raise VideoError(f"'{text}' is a file: leave out --live, and all of its frames are done.")
    raise VideoError(
        f"'{text}' is no live source. Give an address such as rtsp://host/stream, a device such as /dev/video0, or 'camera'."
    )


def open_camera(address: Address) -> Camera:
    """Connect. Raises VideoError with the reason if nothing answers, or what answers sends no video."""
    options = {}  # not "nobuffer": it would throw away the first key picture, and all up to the second
    if address.device is None:
        options["protocol_whitelist"] = PROTOCOLS
    if address.place.startswith("rtsp"):
        options["rtsp_transport"] = "tcp"  # lost packets are asked for again; UDP would show torn pictures
    try:
        container = av.open(address.place, format=address.device, options=options, timeout=(OPEN_SECONDS, READ_SECONDS))
    except (FFmpegError, ValueError, OSError) as error:
        raise VideoError(f"'{address}' cannot be opened: {reason(error)}.{_advice(address)}") from error
    stream = next((stream for stream in container.streams.video if stream.codec_context is not None), None)
    if stream is None:
        container.close()
        raise VideoError(f"'{address}' sends no video that can be decoded here.")
    stream.thread_type = "SLICE"  # decoding several frames at once would hold each one back
    return Camera(container, stream, container.format.name not in UNTIMED)


def reason(error: BaseException) -> str:
    """Why a camera cannot be read, in a few words."""
    if isinstance(error, av.error.ExitError):  # FFmpeg's word for a time limit
        return "it does not answer"
    if isinstance(error, OSError) and error.errno == errno.EIO:  # the end of an HTTP answer, too
        return "the connection broke off"
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text[:1].lower() + text[1:]


def _advice(address: Address) -> str:
    if address.device == "v4l2":
        return " Is it plugged in, free, and may you use it (group 'video')?"
    if address.device is not None:
        formats = {name for names in av.formats_available for name in names.split(",")}
        return "" if address.device in formats else f" This build of PyAV has no '{address.device}' devices."
    return " Is the camera on, and are address, user name and password right?"
