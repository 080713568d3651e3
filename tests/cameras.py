"""Cameras for the tests: HTTP servers of this machine that send pictures at their own pace until they are killed.

`MotionJpeg` sends numbered pictures (tests/videos.py) without an end, as network cameras do; `Broadcast` sends a file.
"""

import contextlib
import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import cv2

from tests.videos import numbered_frames


class Camera(ABC):
    """An HTTP server of one endless answer. `content_type` and `pieces` are the subclass's."""

    content_type = "application/octet-stream"

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}/stream"
        self.connections = 0

    @abstractmethod
    def pieces(self) -> Iterator[tuple[bytes, float]]:
        """What to send, each piece with the seconds to wait after it."""

    def start(self) -> None:
        camera = self
        self._killed = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                camera.connections += 1
                self.send_response(200)
                self.send_header("Content-Type", camera.content_type)
                self.end_headers()
                with contextlib.suppress(ConnectionError):
                    for piece, pause in camera.pieces():
                        self.wfile.write(piece)
                        if camera._killed.wait(pause):
                            return

            def log_message(self, *_: object) -> None:
                pass

        ThreadingHTTPServer.daemon_threads = True
        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def kill(self) -> None:
        """Break off all connections, and take no more."""
        self._killed.set()
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "Camera":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()


class MotionJpeg(Camera):
    """Numbered pictures from 0 on over all connections, `fps` a second; the number says when it was taken: `taken[number]`."""

    content_type = "multipart/x-mixed-replace; boundary=next"

    def __init__(self, fps: float = 50) -> None:
        super().__init__()
        self.fps = fps
        self.taken: list[float] = []

    def pieces(self) -> Iterator[tuple[bytes, float]]:
        while True:
            (rgb,) = numbered_frames(1, start=len(self.taken) % 1024)
            jpeg = cv2.imencode(".jpg", rgb[..., ::-1])[1].tobytes()
            self.taken.append(time.monotonic())
            head = f"--next\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n".encode()
            yield head + jpeg + b"\r\n", 1 / self.fps


class Broadcast(Camera):
    """A file, sent within `seconds`; then the stream ends."""

    def __init__(self, path: Path, seconds: float, slices: int = 40) -> None:
        super().__init__()
        self.data, self.seconds, self.slices = path.read_bytes(), seconds, slices

    def pieces(self) -> Iterator[tuple[bytes, float]]:
        data = self.data  # a test may put another file in for the next connection
        size = -(-len(data) // self.slices)
        for start in range(0, len(data), size):
            yield data[start : start + size], self.seconds / self.slices
