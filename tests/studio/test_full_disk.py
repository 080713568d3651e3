"""A disk that is really full, with the database on it: a run pauses and says why, the worker lives, and it goes on with room."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.api import create_api
from studio.jobs.finetune import finetune_folder
from studio.jobs.full_disk import RESERVE, insist, keep_room
from studio.jobs.queue import JobQueue
from studio.settings import Home
from studio.store import Row, Store, finetunes, jobs
from tests.studio.finetuning import new_studio, over, press, state_of
from tests.studio.processes import forked_worker, wait_for

MEGABYTES = 160


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own, in memory."""
    if sys.platform != "linux":
        pytest.skip("needs Linux, to mount a small disk")
    command = ["mount", "-t", "tmpfs", "-o", f"size={MEGABYTES}m", "tmpfs", str(tmp_path)]
    if (mounted := subprocess.run(command, capture_output=True, text=True)).returncode:
        pytest.skip(f"needs to mount a small disk: {mounted.stderr.strip()}")
    yield tmp_path
    subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def fill(disk: Path, leave: int = 0) -> Path:
    """A file that takes all the room but `leave` bytes."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        chunk = bytes(1024**2)
        while chunk:
            try:
                file.write(chunk)
            except OSError:
                chunk = chunk[: len(chunk) // 2]
        size = file.tell()
    os.truncate(filler, max(0, size - leave))
    return filler


def resume(home: Home, store: Store, found: Row) -> None:
    with store.transaction() as database:
        JobQueue(home).put(finetunes.go_on(database, found["id"])["job"])


def test_a_run_pauses_says_so_keeps_what_is_whole_and_goes_on_when_there_is_room(disk: Path) -> None:
    home, store, project = new_studio(disk / "home", videos=2)
    run = press(home, store, project, steps=5000, validate_steps=5000, sample_steps=0)
    folder = finetune_folder(home, run["id"]) / "run"

    def trained_on() -> int | None:
        now = state_of(store, run)
        return now["step"] if now["state"] == "running" and now["step"] > paused_at else None

    paused_at = 0
    with forked_worker(home) as process:
        wait_for(trained_on)
        filler = fill(disk, leave=400_000)  # the database can grow a little, a checkpoint has no place
        with store.transaction() as database:
            finetunes.ask_to_pause(database, run["id"])
        paused = wait_for(lambda: over(store, run), 30)
        assert paused["state"] == "paused" and "No space left on device" in paused["job"]["message"]
        assert "then resume" in paused["job"]["message"]
        assert [path.name for path in folder.iterdir() if path.suffix == ".partial"] == []
        filler.unlink()

        paused_at = paused["step"]
        resume(home, store, run)
        wait_for(trained_on)
        filler = fill(disk)  # not a byte is left: its next point of the curve has no place
        paused = wait_for(lambda: over(store, run), 30)
        assert (paused["state"], paused["job"]["message"]) == (
            "paused",
            "The disk is full. Make room on it, then resume.",
        )
        assert process.is_alive() and not home.reserve.exists(), "it was said in the room that is kept back"
        filler.unlink()

        paused_at = paused["step"]
        resume(home, store, run)
        wait_for(lambda: state_of(store, run)["state"] == "running" or None)
        wait_for(lambda: len(finetunes.points(store.database, run["id"], "training")) > 1 or None)
        with store.transaction() as database:
            finetunes.ask_to_pause(database, run["id"])
        assert "Paused at step" in wait_for(lambda: over(store, run))["job"]["message"]
        assert process.is_alive()
    torch.load(folder / "state.pt", weights_only=True)
    assert store.database.execute("pragma integrity_check").fetchone() == ("ok",)


def test_what_cannot_be_written_down_at_all_waits_for_room_and_people_hear_a_sentence(disk: Path) -> None:
    home = Home(disk / "home").create()
    store = Store(home.database)
    keep_room(home)
    assert home.reserve.stat().st_size == RESERVE
    home.reserve.unlink()
    job, big = jobs.add_job(store.database, "export")["id"], "x" * 200_000

    def write() -> str:
        with store.transaction() as database:
            jobs.fail(database, job, big)
            return str(jobs.job(database, job)["error"])

    app = FastAPI()
    app.mount("/api/v1", create_api(home, store))
    filler = fill(disk)
    with TestClient(app, base_url="http://studio.test/api/v1") as client:
        refused = client.put("/preferences", json={"keys": "x" * 60_000})
        assert refused.status_code == 507 and "The disk is full. Make room on it" in refused.json()["detail"]
    with ThreadPoolExecutor(1) as beside:
        written = beside.submit(insist, home, write)
        time.sleep(0.3)
        assert not written.done()
        filler.unlink()
        assert written.result(20) == big
    keep_room(home)
    assert home.reserve.exists()
