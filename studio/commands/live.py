"""`ctvis-studio predict SOURCE --live`: find and follow the objects that a camera shows, as it shows them.

Shows frames per second, latency and dropped frames in the terminal. With --out, writes observations.jsonl and tracks.jsonl as they
come, live.meta.json, overlay.mp4 with --overlay and recording.mkv with --record. Ctrl-C ends it, with all files whole.
"""

import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from engine import CTVIS, Preset
from engine.camera import parse_address
from engine.errors import CtvisError
from engine.live import LIVE, LiveSource
from studio.commands.home import default_home
from studio.formats.overlay import OverlayWriter, draw_overlay
from studio.formats.results import write_json
from studio.interrupt import stop_requested
from studio.live.follower import Follower, Seen
from studio.live.journal import OBSERVATIONS, TRACKS, Journal
from studio.live.pace import Pace
from studio.palette import track_color
from studio.prediction import Settings
from studio.settings import Home

META, OVERLAY, RECORDING = "live.meta.json", "overlay.mp4", "recording.mkv"
PATIENCE = 0.2  # seconds between looks at the clock while no frame comes
LISTED_TRACKS = 12  # rows of the table in the terminal

stderr = Console(stderr=True, highlight=False, soft_wrap=True)


@dataclass(frozen=True)
class LiveTask:
    """What the user asked for. seconds None: until Ctrl-C. project: where the recording goes, in the studio of `home`."""

    address: str
    out: Path | None = None
    seconds: float | None = None
    overlay: bool = False
    record: bool = False
    project: str | None = None
    home: Path | None = None

    @classmethod
    def of(cls, inputs: list[str], out: Path | None, *wishes: Any) -> "LiveTask":
        """From the arguments of `predict`; `wishes` are the fields from `seconds` on."""
        if len(inputs) != 1:
            raise CtvisError("With --live, give one camera.")
        return cls(inputs[0], out, *wishes)

    def prepare(self, overwrite: bool) -> None:
        """Make the folder. Raises CtvisError where the wishes contradict each other or files are in the way."""
        parse_address(self.address)
        if self.home and not self.project:
            raise CtvisError("--home says where a project is: name that with --project.")
        if self.out is None:
            if self.overlay or self.record or self.project:
                raise CtvisError("--overlay, --record and --project write files: name a folder for them with --out.")
            return
        found = [name for name in (OBSERVATIONS, TRACKS, META, OVERLAY, RECORDING) if (self.out / name).exists()]
        if found and not overwrite:
            raise CtvisError(
                f"'{self.out / found[0]}' is there already. Give another folder with --out, or --overwrite to replace it."
            )
        try:
            self.out.mkdir(parents=True, exist_ok=True)
            for name in found:
                (self.out / name).unlink()
        except OSError as error:
            raise CtvisError(f"The folder '{self.out}' cannot be written: {error.strerror}.") from error

    @property
    def recording(self) -> Path | None:
        return self.out / RECORDING if self.out and (self.record or self.project) else None


def follow_camera(task: LiveTask, model: CTVIS, preset: Preset, settings: Settings, facts: dict[str, Any]) -> None:
    """Run until the time is over or the user stops it. `facts` go into the meta file."""
    follower, pace = Follower(model, preset, settings), Pace()
    with ExitStack() as stack:
        stop = stack.enter_context(stop_requested())
        source = stack.enter_context(LiveSource(task.address, task.recording))
        meta = {"complete": False, "source": str(source.address), "began": time.time(), **facts}
        _write_meta(task, meta)
        journal = stack.enter_context(Journal(task.out)) if task.out else None
        video = OverlayWriter(task.out / OVERLAY, fps=10, endless=True) if task.out and task.overlay else None
        if video:
            stack.callback(video.close)  # whatever ends the session: what is painted so far is kept
        screen = _Screen(stack.enter_context(Live(console=stderr, refresh_per_second=4)), source, pace)
        until = time.monotonic() + task.seconds if task.seconds is not None else float("inf")
        while not stop() and time.monotonic() < until:
            frame = source.newest(PATIENCE)
            if frame is None:
                screen.show()
                continue
            seen = follower.step(frame.rgb, frame.seconds)
            latency = time.monotonic() - frame.captured
            pace.add(latency)
            screen.show(seen)
            ended = follower.take_ended()
            if journal:
                journal.write(frame, latency, seen)
                journal.write_ended(ended)
            if video:
                video.write(draw_overlay(frame.rgb, [one.as_drawn() for one in seen]), frame.seconds)
        if journal:
            journal.write_ended(follower.finish())
    _write_meta(task, meta | {"complete": True, "ended": time.time()} | _counts(source, pace))
    stderr.print(_summary(source, pace, task))
    _keep(task, source)


def _counts(source: LiveSource, pace: Pace) -> dict[str, Any]:
    return {
        "frames_received": source.received,
        "frames_done": pace.frames,
        "frames_dropped": source.dropped,
        "reconnects": source.reconnects,
        "latency_worst": round(pace.worst, 3),
        "recordings": [path.name for path in source.recordings],
    }


def _write_meta(task: LiveTask, meta: dict[str, Any]) -> None:
    if task.out:
        write_json(task.out / META, meta)


def _summary(source: LiveSource, pace: Pace, task: LiveTask) -> str:
    text = f"{pace.frames} frames done, {source.dropped} of {source.received} dropped, {source.reconnects} reconnects."
    return f"{text} Results: {task.out / OBSERVATIONS}" if task.out else text


def _keep(task: LiveTask, source: LiveSource) -> None:
    """Bring the recording into the project, or say how to."""
    if not source.recordings:
        return
    if task.project is None:
        names = ", ".join(str(path) for path in source.recordings)
        stderr.print(f"Recording: {names}. To load it: Library, From this computer; or run with --project NAME.")
        return
    from studio.live.keeping import keep_recording  # brings FastAPI along, which takes seconds

    home = Home((task.home or default_home()).expanduser().resolve())
    for path in source.recordings:
        video = keep_recording(home, task.project, path, source.address.name)
        stderr.print(
            f'"{video["name"]}" is in the project "{task.project}"; the studio imports it when it runs.', markup=False
        )


class _Screen:
    """The session in the terminal: one line of numbers, and what is in view."""

    def __init__(self, live: Live, source: LiveSource, pace: Pace) -> None:
        self.live, self.source, self.pace = live, source, pace
        self.seen: list[Seen] = []
        self.status = LIVE
        self.began = time.monotonic()

    def show(self, seen: list[Seen] | None = None) -> None:
        self.seen = self.seen if seen is None else seen
        status = self.source.status
        if status != self.status:
            self.live.console.print(f"[yellow]{escape(status)}[/]" if status != LIVE else "The camera is back.")
            self.status = status
        self.live.update(self._render())

    def _render(self) -> RenderableType:
        source, pace = self.source, self.pace
        minutes, seconds = divmod(int(time.monotonic() - self.began), 60)
        line = Text.assemble(
            (f"{source.address}  ", "bold"),
            f"{minutes}:{seconds:02d}  {pace.fps():.1f} frames/s  {1000 * pace.latency:.0f} ms latency  ",
            f"{source.dropped} of {source.received} dropped",
        )
        table = Table.grid(padding=(0, 2))
        for one in self.seen[:LISTED_TRACKS]:
            mark = Text("\u25a0", track_color(one.track_id))
            table.add_row(mark, str(one.track_id), one.category.name, f"{one.score:.2f}")
        more = len(self.seen) - LISTED_TRACKS
        return Group(line, table, Text(f"and {more} more", style="dim")) if more > 0 else Group(line, table)
