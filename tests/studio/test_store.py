"""The store: migrations, transactions, threads, and what a run leaves behind."""

import gc
import os
import sqlite3
import threading
from pathlib import Path

import pytest

from studio.review import edits, history, log, view
from studio.settings import Home
from studio.store import Store, jobs, library, runs
from studio.store.database import connect, writing
from studio.store.errors import Conflict, Invalid, NotFound
from studio.store.migrations import STEPS, mark_removed, version
from tests.studio.library import HEIGHT, WIDTH, new_store, new_video, predict, square


def test_a_new_database_is_complete_and_an_old_one_is_completed(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    assert version(store.database) == len(STEPS)
    before = store.database.schema

    database = connect(tmp_path / "half.db")
    with writing(database):
        STEPS[0](database)
        database.execute("pragma user_version = 1")
    with writing(database):
        database.execute("insert into projects (name) values ('kept')")
    completed = Store(tmp_path / "half.db").database
    assert version(completed) == len(STEPS)
    assert sorted(completed.schema.split(";")) == sorted(before.split(";"))
    assert [row["name"] for row in library.projects(completed)] == ["kept"]


def test_a_step_that_fails_leaves_nothing_of_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(database: object) -> None:
        database.execute("create table half_made (id integer)")  # type: ignore[attr-defined]
        raise sqlite3.OperationalError("disk full")

    monkeypatch.setattr("studio.store.migrations.STEPS", (*STEPS, broken))
    with pytest.raises(sqlite3.OperationalError):
        new_store(tmp_path)
    monkeypatch.undo()
    store = new_store(tmp_path)
    assert "half_made" not in store.database.table_names()
    assert version(store.database) == len(STEPS)


def test_two_processes_may_open_a_new_home_at_once(tmp_path: Path) -> None:
    path = Home(tmp_path).create().database
    errors: list[BaseException] = []

    def open_it() -> None:
        try:
            Store(path).close()
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=open_it) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert version(Store(path).database) == len(STEPS)


def test_what_fails_inside_a_transaction_leaves_no_trace(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with pytest.raises(RuntimeError), store.transaction() as database:
        library.add_project(database, "never")
        raise RuntimeError
    assert library.projects(store.database) == []


def test_threads_write_without_losing_each_others_rows(tmp_path: Path) -> None:
    store = new_store(tmp_path)

    def add(thread: int) -> None:
        for number in range(10):
            with store.transaction() as database:
                library.add_project(database, f"{thread}-{number}")

    threads = [threading.Thread(target=add, args=(thread,)) for thread in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(library.projects(store.database)) == 40


def test_the_connection_of_a_thread_goes_with_it(tmp_path: Path) -> None:
    store = new_store(tmp_path)

    def opened() -> int:
        gc.collect()
        links = (os.readlink(link) for link in Path("/proc/self/fd").iterdir() if link.is_symlink())
        return sum(str(store.path) in link for link in links)

    before = opened()
    for _ in range(20):
        thread = threading.Thread(target=lambda: library.projects(store.database))
        thread.start()
        thread.join()
    assert opened() < before + 5  # SQLite itself keeps a file open while another connection holds a lock on it
    store.close()
    assert opened() == 0


def test_a_snapshot_does_not_see_what_comes_later(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    with store.snapshot() as database:
        assert library.projects(database) == []
        with store.transaction() as writer:
            library.add_project(writer, "later")
        assert library.projects(database) == []
        with pytest.raises(sqlite3.OperationalError):
            database.execute("delete from projects")
    assert len(library.projects(store.database)) == 1


def test_names_are_kept_as_they_are_but_not_twice(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    name = "<img src=x onerror=alert(1)> ' or 1=1 -- 🐶"
    project = library.add_project(store.database, f"  {name} ")
    assert project["name"] == name
    with pytest.raises(Conflict, match="already a project"):
        library.add_project(store.database, name)
    with pytest.raises(Invalid, match="needs a name"):
        library.add_category(store.database, project["id"], " \n")
    assert library.add_category(store.database, project["id"], name)["number"] == 1
    assert library.add_category(store.database, project["id"], "next", number=1)["number"] == 2
    with pytest.raises(NotFound, match="no project 99"):
        library.videos(store.database, 99)


def test_a_run_is_stored_window_by_window_without_what_the_tracker_withdrew(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    video = new_video(store)
    dog = library.categories(store.database, video["project_id"])[0]["id"]
    run = runs.add_run(store.database, video["id"], "demo", {"score_threshold": 0.5})

    def commit(done: int, frames: dict[int, list[int]], begins: dict[int, int]) -> None:
        masks = [runs.Prediction(k, frame, square(1, 1), 0.9) for k, seen in frames.items() for frame in seen]
        estimates = {k: runs.TrackEstimate(dog, 0.9, first) for k, first in begins.items()}
        with store.transaction() as database:
            runs.commit_window(database, run["id"], done, masks, estimates, b"s")

    def shown() -> dict[int, list[int]]:
        found = view.masks(store.database, video["id"], 0, video["length"])
        numbers = dict(store.database.execute("select id, number from tracks").fetchall())
        places: dict[int, list[int]] = {}
        for mask in found:
            places.setdefault(numbers[mask["track"]], []).append(mask["frame"])
        return places

    commit(4, {0: [0, 1, 2, 3], 1: [0, 1], 2: [3]}, {0: 0, 1: 0, 2: 3})
    assert shown() == {0: [0, 1, 2, 3], 1: [0, 1], 2: [3]}
    # 1 was noise; 2 was dropped and began anew within the window; 3 came and went
    commit(8, {0: [5, 6, 7], 2: [4, 7], 3: [4]}, {0: 0, 2: 7})
    assert shown() == {0: [0, 1, 2, 3, 5, 6, 7], 2: [7]}
    spans = {
        track["id"]: view.timeline(store.database, video["id"])[track["id"]]
        for track in view.tracks(store.database, video["id"])
    }
    assert sorted(spans.values()) == [[(0, 4, "model"), (5, 8, "model")], [(7, 8, "model")]]
    assert runs.session_state(store.database, run["id"]) == b"s"


def test_tracks_are_numbered_without_gaps_however_many_windows_a_run_has(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    video = new_video(store)
    dog = library.categories(store.database, video["project_id"])[0]["id"]
    run = runs.add_run(store.database, video["id"], "demo", {"score_threshold": 0.5})
    for frame in range(6):
        begun = {number: runs.TrackEstimate(dog, 0.9, number) for number in range(frame + 1)}
        masks = [runs.Prediction(number, frame, square(1, 1), 0.9) for number in begun]
        with store.transaction() as database:
            runs.commit_window(database, run["id"], frame + 1, masks, begun, b"s")
    stored = store.database.execute("select id, number from tracks order by number").fetchall()
    assert [track for track, _ in stored] == list(range(1, 7))


def test_only_tracks_that_reach_the_threshold_are_shown_but_all_are_kept(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    video = new_video(store)
    ids = predict(store, video, {0: range(5), 1: range(5)}, scores={0: 0.4, 1: 0.2}, threshold=0.3)
    assert [track["id"] for track in view.tracks(store.database, video["id"])] == [ids[0]]
    assert store.database["masks"].count == 10


def test_a_new_run_is_shown_from_its_first_frames_and_the_old_one_can_be_shown_again(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    video = new_video(store)
    predict(store, video, {0: range(5)})
    first = library.video(store.database, video["id"])
    second = runs.add_run(store.database, video["id"], "demo", {})
    assert library.video(store.database, video["id"])["run_id"] == first["run_id"]
    with store.transaction() as database:
        runs.commit_window(database, second["id"], 1, [], {}, b"")
    now = library.video(store.database, video["id"])
    assert now["run_id"] == second["id"] and now["rev"] > first["rev"]
    with store.transaction() as database:
        runs.show_run(database, video["id"], first["run_id"])
        runs.commit_window(database, second["id"], 2, [], {}, b"")  # does not push itself forward again
    assert library.video(store.database, video["id"])["run_id"] == first["run_id"]


def test_a_job_is_started_once_and_queued_again_when_its_worker_died(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    job = jobs.add_job(store.database, "import")
    first = jobs.claim(store.database, job["id"])
    assert first is not None and first["attempts"] == 1
    assert jobs.claim(store.database, job["id"]) is None
    jobs.requeue_stale(store.database)
    second = jobs.claim(store.database, job["id"])
    assert second is not None and second["attempts"] == 2
    jobs.progress(store.database, job["id"], 5, 10, fps=2.5, kept=True)
    found = jobs.job(store.database, job["id"])
    assert (found["progress"], found["seconds_left"], found["attempts"]) == (0.5, 2.0, 0)


def test_cancelling_stops_a_waiting_job_at_once_and_asks_a_running_one(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    waiting, running = jobs.add_job(store.database, "import"), jobs.add_job(store.database, "import")
    jobs.claim(store.database, running["id"])
    assert jobs.cancel(store.database, waiting["id"])["state"] == "cancelled"
    assert jobs.claim(store.database, waiting["id"]) is None
    assert jobs.cancel(store.database, running["id"])["state"] == "running"
    assert jobs.is_cancelled(store.database, running["id"])
    with pytest.raises(Conflict, match="is over already"):
        jobs.cancel(store.database, waiting["id"])


def test_the_home_says_which_server_paths_may_be_imported(tmp_path: Path) -> None:
    inside, outside = tmp_path / "videos", tmp_path / "secret"
    inside.mkdir()
    outside.mkdir()
    (inside / "link").symlink_to(outside)
    home = Home(tmp_path / "home", import_roots=(inside,))
    assert home.may_import(inside / "a.mp4")
    assert not home.may_import(inside / ".." / "secret" / "a.mp4")
    assert not home.may_import(inside / "link" / "a.mp4")
    assert Home(tmp_path).may_import(outside)


def test_corrections_of_an_older_studio_are_shown_undone_and_redone(tmp_path: Path) -> None:
    path = tmp_path / "old.db"
    database = connect(path)
    old_steps = STEPS[: STEPS.index(mark_removed) + 1]
    with writing(database):
        for step in old_steps:
            step(database)
        database.execute(f"pragma user_version = {len(old_steps)}")
    drawn = square(1, 1)
    with writing(database):
        database.conn.executescript(f"""
            insert into projects (id, name) values (1, 'old');
            insert into categories (id, project_id, number, name, color) values (1, 1, 1, 'dog', '#888888');
            insert into videos (id, project_id, name, path, bytes, width, height, length, fps, state, rev)
              values (1, 1, 'clip', 'clip.mp4', 1, {WIDTH}, {HEIGHT}, 9, 25, 'ready', 5);
            insert into runs (id, video_id, model, settings, state) values (1, 1, 'demo', '{{}}', 'done');
            update videos set run_id = 1;
            insert into tracks (id, run_id, number, category_id, score, source) values (1, 1, 0, 1, 0.9, 'model');
            insert into masks (track_id, frame, counts, score) values (1, 3, '{square(4, 4)}', 0.5);
            insert into spans values (1, 3, 4);
            insert into corrections (track_id, frame, counts, source, verified, rev) values (1, 3, '{drawn}', 'user', 1, 5);
            insert into track_states (track_id) values (1);
            insert into edits (id, run_id, op, args, summary, user, rev, first_frame, last_frame, state)
              values (1, 1, 'set_mask', '{{"track": 1}}', 'Changed dog 1', 'local', 5, 3, 3, 'applied');
            insert into edit_tracks (edit_id, side, track_id, deleted) values (1, 'after', 1, 0);
            insert into edit_cells (edit_id, side, track_id, frame, counts, source, verified, rev)
              values (1, 'after', 1, 3, '{drawn}', 'user', 1, 5);
        """)
    database.close()
    store = Store(path)

    def shown() -> str:
        mask = view.mask(store.database, 1, 1, 3)
        assert mask is not None
        return str(mask["counts"])

    assert shown() == drawn
    assert edits.undo(store, 1, "local")[1] is not None and shown() == square(4, 4)
    assert edits.redo(store, 1, "local")[1] is not None and shown() == drawn
    log.perform(store, 1, "local", history.go_back(0))
    assert shown() == square(4, 4)
