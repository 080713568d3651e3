"""The live sessions of one web process: at most one that runs, and the recordings of those that have ended.

Each session is a process of its own (`process.py`), so that a model neither holds up the pages nor shares their memory. A session
ends when it is told to, when no frame comes for a while, or with the web process; its recording waits some time to be kept.
"""

import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import CtvisError
from studio.live.wire import JpegFrame, receive_answer, send_frame
from studio.settings import Home
from studio.store.errors import Conflict, NotFound

IDLE_SECONDS = 20.0  # without a frame, a session ends: its page was closed
KEPT_SECONDS = 1800.0  # how long the recording of an ended session waits to be kept
START_SECONDS = 600.0  # for a large model to load
STEP_SECONDS = 120.0  # for a large model to do one frame
STOP_SECONDS = 10.0  # for a recording to be finished
RECORDING_LIMIT = 4 * 1024**3  # bytes
ROOT = Path(__file__).resolve().parents[2]


class LiveError(CtvisError):
    """A live session cannot go on."""


class LiveDesk:
    """Begins sessions and finds them again. Safe to use from many threads."""

    def __init__(self, home: Home, idle_seconds: float = IDLE_SECONDS) -> None:
        self.home = home
        self.idle_seconds = idle_seconds
        self._lock = threading.Lock()
        self._sessions: dict[str, LiveSession] = {}

    def begin(self, model: str, score_threshold: float) -> "LiveSession":
        """A session that is ready for frames. Raises Conflict while another one runs, LiveError if the model cannot."""
        with self._lock:
            running = next((session for session in self._sessions.values() if session.running), None)
            if running is not None:
                raise Conflict(
                    "A camera is being followed already, and one at a time is all that this studio does. Stop it on its page; "
                    f"if that was closed, it ends within {self.idle_seconds:.0f} seconds."
                )
            session = LiveSession(self.home, model, score_threshold, self.idle_seconds, self._forget)
            self._sessions[session.id] = session
        session.wait_until_ready()
        return session

    def find(self, session_id: str) -> "LiveSession":
        """A session that runs, or whose recording may still be kept."""
        with self._lock:
            if session_id not in self._sessions:
                raise NotFound("This live session is over. Start the camera again.")
            return self._sessions[session_id]

    def close(self) -> None:
        """End all sessions and remove their recordings."""
        with self._lock:
            sessions = list(self._sessions.values())
        for session in sessions:
            session.discard()

    def _forget(self, session: "LiveSession") -> None:
        with self._lock:
            self._sessions.pop(session.id, None)


class LiveSession:
    """One camera with its model. Frames go in one at a time; whoever sends two at once is told so."""

    def __init__(
        self,
        home: Home,
        model: str,
        score_threshold: float,
        idle_seconds: float,
        forget: Callable[["LiveSession"], None],
    ) -> None:
        self.id = uuid.uuid4().hex
        # By this name, the API removes what is left of it after a crash.
        self.recording = home.temporary / f"upload-live-{self.id}.mp4"
        self._forget = forget
        self._idle_seconds = idle_seconds
        self._stepping, self._stopping = threading.Lock(), threading.Lock()
        self._ended = threading.Event()
        self._discarded = threading.Event()
        self._deadline = time.monotonic() + START_SECONDS
        self._process = self._start(home, model, score_threshold)
        threading.Thread(target=self._watch, name=f"live {self.id}", daemon=True).start()

    @property
    def running(self) -> bool:
        return not self._ended.is_set()

    def wait_until_ready(self) -> None:
        """Raises LiveError, and forgets the session, if its model cannot run."""
        with self._stepping:
            answer = self._answer()
        if answer is None or "error" in answer:
            self.discard()
            raise LiveError((answer or {}).get("error", "The model could not be started; see the log folder."))
        self._deadline = time.monotonic() + self._idle_seconds

    def step(self, frame: JpegFrame) -> dict[str, Any]:
        """What is seen in the next frame. Raises Conflict out of turn, and LiveError if the session is over or fails."""
        if not self._stepping.acquire(blocking=False):
            raise Conflict("The frame before this one is being worked on: send one at a time.")
        try:
            if not self.running:
                raise Conflict("This live session has ended. Start the camera again; the recording can still be kept.")
            self._deadline = time.monotonic() + STEP_SECONDS
            try:
                assert self._process.stdin is not None
                send_frame(self._process.stdin, frame)
                answer = self._answer()
            except OSError:
                answer = None
            self._deadline = time.monotonic() + self._idle_seconds
        finally:
            self._stepping.release()
        if answer is None:
            self.stop()
            raise LiveError("The live session broke off; see live.log in the log folder. Start the camera again.")
        if "error" in answer:
            raise LiveError(answer["error"])
        return answer

    def stop(self) -> Path | None:
        """End the session. Gives its recording, or None if there is none."""
        with self._stopping:
            if not self._ended.is_set():
                self._ended.set()
                self._deadline = time.monotonic() + KEPT_SECONDS
                self._end_process()
            partial = self.recording.with_name(self.recording.name + ".part")
            if partial.exists():  # cut short; the fragments written so far are whole
                partial.replace(self.recording)
            return self.recording if self.recording.exists() else None

    def discard(self) -> None:
        """End the session for good."""
        self.stop()
        self.recording.unlink(missing_ok=True)
        self._discarded.set()
        self._forget(self)

    def _start(self, home: Home, model: str, score_threshold: float) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "studio.live.process", "--home", str(home.root.resolve()), "--model", model]
        command += ["--recording", str(self.recording.resolve()), "--limit", str(RECORDING_LIMIT)]
        command += ["--score-threshold", str(score_threshold)]
        with (home.logs / "live.log").open("ab") as log:
            return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, cwd=ROOT)

    def _answer(self) -> dict[str, Any] | None:
        assert self._process.stdout is not None
        return receive_answer(self._process.stdout)

    def _end_process(self) -> None:
        """Closing its input lets it finish the recording; one that does not listen is killed."""
        if self._stepping.acquire(timeout=STOP_SECONDS):  # a frame is under way: let it be done
            self._stepping.release()
        try:
            assert self._process.stdin is not None
            self._process.stdin.close()
        except OSError:
            pass  # it ended before
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def _watch(self) -> None:
        """Ends what is idle, and later removes the recording that nobody kept."""
        while not self._discarded.wait(0.5):
            if time.monotonic() < self._deadline:
                continue
            if self._ended.is_set():
                self.discard()
            else:
                self.stop()
