"""The worker: a real process, really killed. What was shown is never lost, and the result is as if nothing had happened."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.masks import area
from studio.jobs import again
from studio.jobs.queue import JobQueue
from studio.jobs.supervisor import WorkerProcess
from studio.jobs.worker import perform
from studio.review import edits, view
from studio.settings import Home
from studio.store import Row, Store, jobs, library, runs
from tests.studio.processes import ROOT, tiny_model, wait_for, worker
from tests.videos import make_video, numbered_frames

LENGTH = 90


def new_studio(folder: Path, length: int = LENGTH) -> tuple[Home, Store, Row]:
    """A home with a tiny model and one imported video of moving blocks."""
    home = Home(folder).create()
    tiny_model(home)
    make_video(home.media / "clip.mp4", numbered_frames(length), options={"g": "12"})
    store = Store(home.database)
    with store.transaction() as database:
        project = library.add_project(database, "Project")
        library.add_category(database, project["id"], "dog")
        facts = {"bytes": 1, "width": 80, "height": 48, "length": length, "fps": 25.0}
        video = library.add_video(database, project["id"], name="clip", path="clip.mp4", **facts)
    return home, store, video


def start_run(home: Home, store: Store, video: Row, **settings: Any) -> Row:
    """Put a run of the tiny model in the queue. Returns its job."""
    with store.transaction() as database:
        run = runs.add_run(database, video["id"], "tiny", {"score_threshold": 0.0, **settings})
        job = jobs.add_job(database, "run", frames_total=video["length"], video_id=video["id"], run_id=run["id"])
    JobQueue(home).put(job)
    return job


def ended(store: Store, job: Row) -> Row | None:
    found = jobs.job(store.database, job["id"])
    return found if found["state"] in ("done", "failed", "cancelled") else None


def stored(store: Store) -> list[tuple[Any, ...]]:
    """All that runs left behind, by the tracker's numbers."""
    return store.database.execute(
        """
        select t.number, c.name, t.score, m.frame, m.counts, m.score
        from tracks t join categories c on c.id = t.category_id join masks m on m.track_id = t.id order by 1, 4
        """
    ).fetchall()


def spans_as_stored(store: Store) -> list[tuple[int, int]]:
    """(track, frame) as the spans tell it."""
    spans = store.database.execute("select track_id, start, stop from spans").fetchall()
    return sorted((track, frame) for track, start, stop in spans for frame in range(start, stop))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[Any, ...]]:
    """What the run leaves behind when nobody kills anything."""
    home, store, video = new_studio(tmp_path_factory.mktemp("undisturbed"))
    job = start_run(home, store, video)
    perform(store, home, job["id"])
    assert jobs.job(store.database, job["id"])["state"] == "done"
    rows = stored(store)
    assert len({row[0] for row in rows}) > 1 and len(rows) > LENGTH, (
        "the tiny model finds nothing: the tests would be empty"
    )
    return rows


def test_a_killed_worker_goes_on_from_its_last_window_with_the_same_result(
    tmp_path: Path, undisturbed: list[Any]
) -> None:
    home, store, video = new_studio(tmp_path)
    job = start_run(home, store, video)

    def frames_done() -> int:
        return int(jobs.job(store.database, job["id"])["frames_done"])

    def got_on(before: int) -> bool:
        return frames_done() > before or ended(store, job) is not None

    for _ in range(2):
        before = frames_done()
        with worker(home) as process:
            wait_for(partial(got_on, before), every=0.002)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert jobs.job(store.database, job["id"])["state"] == "running", "the kill came too late to prove anything"
        kept = frames_done()
        assert before < kept < LENGTH
        run = runs.run(store.database, job["run_id"])
        assert run["frames_done"] == kept, "progress and masks are one"
        assert max(row[3] for row in stored(store)) == kept - 1
    with worker(home):
        assert wait_for(lambda: ended(store, job))["state"] == "done"
    assert stored(store) == undisturbed
    assert spans_as_stored(store) == sorted(store.database.execute("select track_id, frame from masks").fetchall())
    assert store.database["run_sessions"].count == 0


def test_what_a_run_found_is_in_the_projects_categories_and_not_empty(undisturbed: list[Any], tmp_path: Path) -> None:
    home, store, video = new_studio(tmp_path, length=20)
    perform(store, home, start_run(home, store, video)["id"])
    found = {track["category"] for track in view.tracks(store.database, video["id"])}
    assert found and found <= {"cat", "dog"}
    names = {row["name"]: row["number"] for row in library.categories(store.database, video["project_id"])}
    assert names == {"dog": 1} | ({"cat": 3} if "cat" in found else {}), (
        "a category of the same name is used, a new one keeps its id"
    )
    for mask in view.masks(store.database, video["id"], 0, 20):
        assert area({"size": [48, 80], "counts": mask["counts"]}) > 0


def test_cancelling_keeps_what_is_done_and_shows_it(tmp_path: Path) -> None:
    home, store, video = new_studio(tmp_path)
    job = start_run(home, store, video)
    with worker(home):
        wait_for(lambda: jobs.job(store.database, job["id"])["frames_done"] or None, every=0.002)
        jobs.cancel(store.database, job["id"])
        assert wait_for(lambda: ended(store, job))["state"] == "cancelled"
    run = runs.run(store.database, job["run_id"])
    assert run["state"] == "cancelled" and 0 < run["frames_done"] < LENGTH
    assert {m["frame"] for m in view.masks(store.database, video["id"], 0, LENGTH)} <= set(range(run["frames_done"]))


def test_corrections_made_while_the_model_runs_stay(tmp_path: Path, undisturbed: list[Any]) -> None:
    home, store, video = new_studio(tmp_path)
    job = start_run(home, store, video)
    drawn = undisturbed[0][4]
    with worker(home):
        wait_for(lambda: jobs.job(store.database, job["id"])["frames_done"] or None, every=0.002)
        track = next(t for t in view.tracks(store.database, video["id"]) if t["last"] is not None)
        edits.set_mask(store, video["id"], track["id"], LENGTH - 1, drawn, 0, "ann")
        assert wait_for(lambda: ended(store, job))["state"] == "done"
    assert view.mask(store.database, video["id"], track["id"], LENGTH - 1)["counts"] == drawn  # type: ignore[index]
    assert stored(store) == undisturbed


def test_a_job_that_cannot_be_done_says_why(tmp_path: Path) -> None:
    home, store, video = new_studio(tmp_path, length=10)
    broken = start_run(home, store, video)
    (home.models / "tiny.json").write_text("{}")
    perform(store, home, broken["id"])
    assert "holds no readable preset" in jobs.job(store.database, broken["id"])["error"]
    assert runs.run(store.database, broken["run_id"])["state"] == "failed"
    tiny_model(home)
    changed = start_run(home, store, video)
    make_video(home.media / "clip.mp4", numbered_frames(7))
    perform(store, home, changed["id"])
    assert "has changed since it was imported" in jobs.job(store.database, changed["id"])["error"]


def test_a_fault_of_the_program_is_logged_and_does_not_stop_the_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, store, video = new_studio(tmp_path, length=10)
    job = start_run(home, store, video)

    def fault(*_: object) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr("studio.jobs.inference.open_source", fault)
    perform(store, home, job["id"])
    error = jobs.job(store.database, job["id"])["error"]
    assert error == f"Internal error in job {job['id']}; see {home.worker_log}."


def test_a_job_that_kills_its_worker_is_given_up(tmp_path: Path) -> None:
    home, store, video = new_studio(tmp_path, length=10)
    job = start_run(home, store, video)
    for _ in range(3):
        jobs.claim(store.database, job["id"])
        jobs.requeue_stale(store.database)
    perform(store, home, job["id"])
    assert "died 3 times" in jobs.job(store.database, job["id"])["error"]


def test_importing_finds_checksum_times_and_a_thumbnail_and_no_second_copy(tmp_path: Path) -> None:
    home, store, video = new_studio(tmp_path, length=10)
    with store.transaction() as database:
        twin = library.add_video(
            database,
            video["project_id"],
            **{k: video[k] for k in ("name", "path", "bytes", "width", "height", "length", "fps")},
        )
        waiting = [jobs.add_job(database, "import", video_id=row["id"]) for row in (video, twin)]
    for job in waiting:
        perform(store, home, job["id"])
    ready = library.video(store.database, video["id"])
    assert ready["state"] == "ready"
    assert ready["sha256"] == hashlib.sha256((home.media / "clip.mp4").read_bytes()).hexdigest()
    pts = store.database.execute("select pts from videos where id = ?", (video["id"],)).fetchone()[0]
    np.testing.assert_allclose(np.frombuffer(pts, "<f8"), np.arange(10) / 25)
    assert (home.thumbnails / f"{video['id']}.jpg").stat().st_size > 100
    assert library.video(store.database, twin["id"])["error"] == 'The project has this video already: it is "clip".'


def test_an_import_that_is_cancelled_leaves_the_video_as_it_was_and_can_be_tried_again(tmp_path: Path) -> None:
    home, store, video = new_studio(tmp_path, length=10)
    clip = home.media / "clip.mp4"
    size = clip.stat().st_size
    os.truncate(clip, 8 * 1024**3)  # what follows the pictures takes long to read
    job = jobs.add_job(store.database, "import", video_id=video["id"])
    with ThreadPoolExecutor(1) as beside:
        stopped = beside.submit(perform, store, home, job["id"])
        wait_for(lambda: jobs.job(store.database, job["id"])["message"] == "Reading the file" or None)
        again.cancel(store, job["id"])
        stopped.result(20)
    assert jobs.job(store.database, job["id"])["state"] == "cancelled"
    left = library.video(store.database, video["id"])
    assert (left["state"], left["error"]) == ("failed", again.STOPPED) and not list(home.thumbnails.iterdir())
    os.truncate(clip, size)
    again.retry(store, job["id"])
    perform(store, home, job["id"])
    assert library.video(store.database, video["id"])["state"] == "ready"


def test_preparing_frames_gives_way_and_the_next_job_does_not(tmp_path: Path) -> None:
    home, store, video = new_studio(tmp_path, length=10)
    before = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    job = jobs.add_job(store.database, "frames", video_id=video["id"])
    perform(store, home, job["id"])
    assert jobs.job(store.database, job["id"])["state"] == "done"
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == before


def test_the_worker_is_started_again_when_it_dies_and_ends_with_its_server(tmp_path: Path) -> None:
    home, store, video = new_studio(tmp_path, length=10)
    with WorkerProcess(home) as supervisor:
        first = wait_for(lambda: supervisor.process)
        wait_for(lambda: "serves" in (home.worker_log.read_text() if home.worker_log.exists() else ""))
        first.kill()
        second = wait_for(lambda: supervisor.process if supervisor.process is not first else None)
        job = start_run(home, store, video)
        assert wait_for(lambda: ended(store, job))["state"] == "done"
    assert second.poll() is not None


def test_a_home_has_one_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, _, _ = new_studio(tmp_path, length=10)
    code = "import studio.jobs.worker as w, sys; w.LOCK_SECONDS = 0.2; sys.exit(w.main(['--home', sys.argv[1]]))"
    with worker(home):
        wait_for(lambda: "serves" in (home.worker_log.read_text() if home.worker_log.exists() else ""))
        assert subprocess.run([sys.executable, "-c", code, str(home.root)], cwd=ROOT).returncode == 3
