"""The detections that a run leaves behind: complete whatever happens to the worker, gone with the video, enough to track again."""

import signal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from engine.config import TrackerConfig
from engine.detections import decode_frame
from engine.retrack import retrack
from studio.jobs import removing
from studio.jobs.worker import perform
from studio.review import view
from studio.settings import Home
from studio.store import Row, Store, detections, jobs, library, removal
from studio.store.errors import Conflict, Invalid
from tests.studio.processes import wait_for, worker
from tests.studio.seen import LENGTH as SHORT
from tests.studio.seen import Thing, run, still, video_row
from tests.studio.test_jobs import LENGTH, ended, new_studio, start_run

THINGS = [Thing(0, still(2, 2)), Thing(1, still(14, 8, range(5, 30)), score=0.95, kind=1)]


def blobs(store: Store) -> list[tuple[int, bytes]]:
    return store.database.execute("select frame, blob from detections order by run_id, frame").fetchall()


@pytest.fixture(scope="module")
def unbroken(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[int, bytes]]:
    """What a run leaves that nobody kills."""
    home, store, video = new_studio(tmp_path_factory.mktemp("unbroken"))
    perform(store, home, start_run(home, store, video)["id"])
    rows = blobs(store)
    assert [frame for frame, _ in rows] == list(range(LENGTH))
    assert sum(len(decode_frame(blob).masks) for _, blob in rows) > LENGTH, (
        "the tiny model sees too little to prove anything"
    )
    return rows


def test_a_killed_run_has_the_detections_of_an_unbroken_one(tmp_path: Path, unbroken: list[Any]) -> None:
    home, store, video = new_studio(tmp_path)
    job = start_run(home, store, video)

    def done() -> int:
        return int(jobs.job(store.database, job["id"])["frames_done"])

    def got_on(before: int) -> bool:
        return done() > before or ended(store, job) is not None

    for _ in range(2):
        before = done()
        with worker(home) as process:
            wait_for(partial(got_on, before), every=0.002)
            process.send_signal(signal.SIGKILL)
            process.wait()
        assert ended(store, job) is None and before < done() < LENGTH, "the kill came too late to prove anything"
        assert [frame for frame, _ in blobs(store)] == list(range(done())), "detections and frames are one"
    with worker(home):
        assert wait_for(lambda: ended(store, job))["state"] == "done"
    assert blobs(store) == unbroken


def test_they_tell_what_the_run_told_to_the_bit(tmp_path: Path) -> None:
    home, store, video = new_studio(tmp_path, length=30)
    perform(store, home, start_run(home, store, video, match_threshold=0.04)["id"])
    kept = detections.shown(store.database, library.video(store.database, video["id"]))
    assert (len(kept), kept.tracking.config.match_threshold) == (30, 0.04)
    result = retrack(kept, kept.tracking.config)
    told = store.database.execute(
        "select t.number, m.frame, m.counts from masks m join tracks t on t.id = m.track_id order by 1, 2"
    ).fetchall()
    again = [
        (number, frame, rle["counts"])
        for number in sorted(result.tracks)
        for frame, rle in enumerate(result.segmentations(number))
        if rle is not None
    ]
    assert again == told and len(told) > 30
    names = {track["category"] for track in view.tracks(store.database, video["id"])}
    assert names <= {category.name for category in kept.tracking.categories}


def test_a_run_that_an_older_version_began_goes_on_without(tmp_path: Path) -> None:
    home, store, video = new_studio(tmp_path, length=40)
    job = start_run(home, store, video)
    with worker(home) as process:
        wait_for(lambda: jobs.job(store.database, job["id"])["frames_done"], every=0.002)
        process.kill()
        process.wait()
    with store.transaction() as database:
        database.execute("update runs set tracking = null")
        database.execute("delete from detections")
    with worker(home):
        assert wait_for(lambda: ended(store, job))["state"] == "done"
    assert blobs(store) == []
    with pytest.raises(Conflict, match="run the model once more"):
        detections.shown(store.database, library.video(store.database, video["id"]))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(Home(tmp_path / "home").create().database)


def test_they_are_found_by_frame_and_in_order(store: Store) -> None:
    video = video_row(store)
    run(store, video, THINGS, TrackerConfig(match_threshold=0.4))
    kept = detections.shown(store.database, library.video(store.database, video["id"]))
    assert list(kept) == [kept[frame] for frame in range(SHORT)] and len(kept) == SHORT
    assert [decode_frame(blob).frame for blob in kept] == list(range(SHORT))
    assert kept.tracking.config == TrackerConfig(match_threshold=0.4)
    with pytest.raises(Invalid, match="has the frames 0 to 39"):
        kept[SHORT]


def test_they_go_with_the_video_some_frames_at_a_time(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    doomed, other = video_row(store), video_row(store)
    for video in (doomed, other):
        run(store, video, THINGS)
    left: list[int] = []
    delete = removal.delete_masks

    def watched(database: Any, *place: Any) -> None:
        delete(database, *place)
        left.append(database.execute("select count(*) from detections").fetchone()[0])

    monkeypatch.setattr(removal, "delete_masks", watched)
    with store.transaction() as database:
        job: Row = removal.remove_video(database, doomed["id"])
    removing.clear_away(store, Home(tmp_path / "home"), job)
    assert left == [2 * SHORT - 32, SHORT]
    assert store.database["detections"].count == SHORT
