"""A camera as a source of frames that are always the newest ones.

A thread reads and decodes as fast as the camera sends; whoever runs a model asks for `newest()` when ready for it. What came
meanwhile is dropped and counted, so the delay does not grow where the model is slower than the camera, and memory holds one picture
however long it goes on. A lost camera is tried again, more and more seldom, until `close`. Knows no model: see `session.py`.
"""

import contextlib
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import av
import numpy as np
from av.error import FFmpegError
from av.video.reformatter import VideoReformatter

from engine.camera import Address, Camera, open_camera, parse_address, reason
from engine.errors import VideoError
from engine.live_time import CaptureClock, Timeline
from engine.recording import Recorder

FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0  # seconds before a lost camera is tried again
HEALTHY_SECONDS = 10.0  # a connection that lived this long starts the pauses anew
IDLE_SECONDS = 0.005  # a packet that took this long was waited for: the reader keeps up
BUSY_SECONDS = 2.0  # without such a wait, decoding falls behind the camera
LIVE = "live"


class LiveFrame(NamedTuple):
    """rgb: uint8 (H, W, 3). seconds: since the source began, which is its time in the recording. captured: on time.monotonic()."""

    rgb: np.ndarray
    seconds: float
    captured: float


class LiveSource:
    """One camera, read until `close`. `newest` may be called from one thread, the rest from any.

    `status` is "live" or a sentence on what is wrong; `received` and `dropped` count frames, `reconnects` new connections. All
    frames have the size of the first one.
    """

    def __init__(self, address: str, recording: Path | None = None, first_pause: float = FIRST_PAUSE) -> None:
        """Connect, or raise VideoError. With `recording`, everything that comes is kept in that Matroska file too."""
        self.address: Address = parse_address(address)
        self.recorder = Recorder(recording) if recording else None
        self.status = LIVE
        self.received = self.dropped = self.reconnects = 0
        self._first_pause = self._pause = first_pause
        self._timeline, self._clock = Timeline(), CaptureClock()
        self._reformatter, self._size = VideoReformatter(), (0, 0)
        self._arrival = threading.Condition()
        self._slot: tuple[av.VideoFrame, float, float] | None = None  # picture, seconds, captured
        self._failure: Exception | None = None
        self._told = False  # whether the failure was raised
        self._closing = threading.Event()
        camera = open_camera(self.address)
        self._thread = threading.Thread(target=self._run, args=(camera,), name=f"camera {self.address}", daemon=True)
        self._thread.start()

    def newest(self, timeout: float | None = None) -> LiveFrame | None:
        """The newest frame that was not given out before, waited for if there is none; None after `timeout` seconds without one."""
        with self._arrival:
            self._arrival.wait_for(lambda: self._slot or self._failure or self._closing.is_set(), timeout)
            self._raise_failure()
            if self._slot is None:
                return None
            (picture, seconds, captured), self._slot = self._slot, None
        width, height = self._size = self._size if any(self._size) else (picture.width, picture.height)
        rgb = self._reformatter.reformat(picture, width, height, "rgb24").to_ndarray()
        return LiveFrame(rgb, seconds, captured)

    @property
    def recordings(self) -> list[Path]:
        """The files of the recording; whole once the source is closed."""
        return [path for path in self.recorder.paths if path.exists()] if self.recorder else []

    def close(self) -> None:
        """Stop reading, and finish the recording. Raises VideoError if that fails."""
        self._closing.set()
        with self._arrival:
            self._arrival.notify_all()
        self._thread.join()  # a read that waits for a silent camera ends after camera.READ_SECONDS
        if not self._told:
            self._raise_failure()

    def __enter__(self) -> "LiveSource":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _run(self, camera: Camera | None) -> None:
        try:
            try:
                while camera is not None:
                    why = self._read_all(camera)
                    camera.container.close()
                    camera = self._reconnect(why)
            finally:
                if self.recorder:
                    self.recorder.close()
        except Exception as error:  # such as a full disk under the recording: raised in whoever waits for frames
            with self._arrival:
                self._failure = error
                self._arrival.notify_all()

    def _raise_failure(self) -> None:
        if self._failure is not None:
            self._told = True
            raise self._failure

    def _read_all(self, camera: Camera) -> str:
        """Read one connection to its end. Returns why it ended."""
        began = time.monotonic()
        self._timeline.begin(began, camera.timed)
        self._clock = CaptureClock()
        if self.recorder:
            self.recorder.begin(camera.stream)
        try:
            for packet, decodes in _packets(camera, self._closing):
                self.status = LIVE
                self._take(camera, packet, decodes)
            return "the stream ended"
        except FFmpegError as error:
            return reason(error)
        finally:
            healthy = time.monotonic() - began > HEALTHY_SECONDS
            self._pause = self._first_pause if healthy else self._pause

    def _take(self, camera: Camera, packet: av.Packet, decodes: bool) -> None:
        arrived = time.monotonic()
        self._timeline.place(packet, arrived)
        pictures: list[av.VideoFrame] = []
        if decodes:
            with contextlib.suppress(FFmpegError):  # damaged on the way; the next ones may be whole
                pictures = camera.stream.decode(packet)
        else:
            self.received, self.dropped = self.received + 1, self.dropped + 1
        sent = self._clock.captured(self._timeline.sent, arrived)
        for picture in pictures:
            seconds = self._timeline.sent if picture.time is None else picture.time
            self._offer(picture, seconds, min(arrived, sent + seconds - self._timeline.sent))
        if self.recorder:
            self.recorder.write(packet, pictures)

    def _offer(self, picture: av.VideoFrame, seconds: float, captured: float) -> None:
        with self._arrival:
            self.received += 1
            self.dropped += self._slot is not None
            self._slot = (picture, seconds, captured)
            self._arrival.notify_all()

    def _reconnect(self, why: str) -> Camera | None:
        while True:
            self.status = f"The camera is lost ({why}). Trying again in {self._pause:.3g} s."
            if self._closing.wait(self._pause):
                return None
            self._pause = min(2 * self._pause, LONGEST_PAUSE)
            try:
                camera = open_camera(self.address)
            except VideoError as error:
                why = reason(error.__cause__ or error)
            else:
                self.reconnects += 1
                return camera


def _packets(camera: Camera, closing: threading.Event) -> Iterator[tuple[av.Packet, bool]]:
    """The packets as they come, each with whether it is to be decoded.

    If decoding falls behind the camera, packets are passed over until one has to be waited for, and on to a key picture.
    """
    asked = waited = time.monotonic()
    skips_since: float | None = None
    for packet in camera.container.demux(camera.stream):
        now = time.monotonic()
        if closing.is_set() or packet.size == 0:  # an empty one ends the stream
            return
        if now - asked >= IDLE_SECONDS:
            waited = now
        if skips_since is None:
            skips_since = now if now - waited > BUSY_SECONDS else None
        elif packet.is_keyframe and (waited > skips_since or now - skips_since > BUSY_SECONDS):
            skips_since, waited = None, now
        yield packet, skips_since is None
        asked = time.monotonic()
