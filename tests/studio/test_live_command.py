"""`ctvis-studio predict --live` on cameras of this machine: what it writes while it runs, and what it refuses."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch

from engine import build_model, save_checkpoint
from engine.masks import decode
from engine.video import open_video
from studio.cli import main
from studio.settings import Home
from studio.store import Store, library
from tests.cameras import MotionJpeg
from tests.nets import tiny_preset
from tests.studio.processes import wait_for
from tests.videos import make_video, numbered_frames, read_number

Run = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("model") / "tiny.safetensors"
    save_checkpoint(build_model(tiny_preset()), tiny_preset(), path)
    return path


@pytest.fixture
def camera() -> Iterator[MotionJpeg]:
    with MotionJpeg(fps=50) as camera:
        yield camera


@pytest.fixture
def run(model: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Run `predict --live`; gives the exit code and stderr."""

    def command(*arguments: object) -> tuple[int, str]:
        with pytest.raises(SystemExit) as stopped:
            main(["predict", *map(str, arguments), "--live", "--model", str(model)])
        said = capsys.readouterr().err
        assert "Traceback" not in said
        return int(stopped.value.code or 0), said

    return command


def lines(path: Path) -> list[dict]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def stop_after(frames: int, file: Path) -> None:
    """Press Ctrl-C once the file has so many lines."""

    def press() -> None:
        wait_for(lambda: (file.is_file() and file.read_text().count("\n") >= frames) or None)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=press, daemon=True).start()


def test_a_session_leaves_lines_tracks_an_overlay_and_the_exact_recording(
    run: Run, camera: MotionJpeg, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    stop_after(6, out / "observations.jsonl")
    code, said = run(camera.address, "--out", out, "--overlay", "--record", "--score-threshold", 0)
    assert code == 0 and "frames/s" in said and "dropped" in said
    seen = lines(out / "observations.jsonl")
    assert [line["frame"] for line in seen] == list(range(len(seen))) and len(seen) >= 6
    assert all(line["latency"] > 0 for line in seen)
    track = next(track for line in seen for track in line["tracks"])
    assert decode(track["segmentation"]).shape == (48, 80) and track["category"] in ("cat", "dog")
    ids = {track["id"] for line in seen for track in line["tracks"]}
    assert ids <= {track["id"] for track in lines(out / "tracks.jsonl")} | ids  # short ones are noise to the filter
    with open_video(out / "overlay.mp4") as overlay, open_video(out / "recording.mkv") as recording:
        assert overlay.length == len(seen)
        assert recording.pts is not None
        shown = {round(time, 3): read_number(rgb) for time, (_, rgb) in zip(recording.pts, recording, strict=True)}
        numbers = [shown[line["seconds"]] for line in seen]
        assert numbers == sorted(set(numbers))  # each line's frame is in the recording at its time
        assert [read_number(rgb) for _, rgb in overlay] == numbers
    meta = json.loads((out / "live.meta.json").read_text())
    assert meta["complete"] and meta["frames_done"] == len(seen)
    assert meta["frames_received"] >= meta["frames_done"] + meta["frames_dropped"] - 1


def test_it_stops_by_itself_after_the_seconds_given_and_writes_nothing_unasked(
    run: Run, camera: MotionJpeg, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    code, said = run(camera.address, "--seconds", 1)
    assert code == 0 and "frames done" in said
    assert list(tmp_path.iterdir()) == []


def test_the_recording_becomes_a_video_of_a_project(run: Run, camera: MotionJpeg, tmp_path: Path) -> None:
    home, out = Home(tmp_path / "home"), tmp_path / "out"
    stop_after(2, out / "observations.jsonl")
    code, said = run(camera.address, "--out", out, "--project", "Garden", "--home", home.root)
    assert code == 0 and "Garden" in said
    store = Store(home.database)
    project = library.project_named(store.database, "Garden")
    (video,) = library.videos(store.database, project["id"])
    store.close()
    with open_video(out / "recording.mkv") as recording, open_video(home.media_path(video["path"])) as kept:
        assert kept.length == recording.length == video["length"]


def test_a_password_in_the_address_is_written_nowhere(run: Run, camera: MotionJpeg, tmp_path: Path) -> None:
    out = tmp_path / "out"
    address = camera.address.replace("http://", "http://me:secret@")
    stop_after(1, out / "observations.jsonl")
    code, said = run(address, "--out", out)
    assert code == 0 and "secret" not in said
    assert "secret" not in (out / "live.meta.json").read_text()


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("clip.mp4",), "is a file: leave out --live"),
        (("nothing",), "is no live source"),
        (("ftp://host/x",), "is no live source"),
        (("camera", "camera"), "give one camera"),
        (("http://127.0.0.1:1/x", "--record"), "name a folder for them with --out"),
        (("http://127.0.0.1:1/x", "--home", "home"), "name that with --project"),
        (("http://127.0.0.1:1/x",), "cannot be opened: connection refused"),
        (("http://127.0.0.1:1/x", "--out", "old"), "is there already"),
    ],
)
def test_what_cannot_be_followed_is_refused_in_one_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], sentence: str
) -> None:
    monkeypatch.chdir(tmp_path)
    make_video(tmp_path / "clip.mp4", numbered_frames(2))
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "observations.jsonl").touch()
    code, said = run(*arguments)
    assert code == 1 and sentence in " ".join(said.split())
