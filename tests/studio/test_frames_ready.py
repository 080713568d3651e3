"""Frames made ready for review: each is the picture of its number, whatever the file does; kept within bounds."""

import signal
import time
from pathlib import Path

import av
import numpy as np
import pytest
from fastapi.testclient import TestClient

from engine.video import open_video
from studio.frame_store import PACK, READY_HEIGHT, FrameStore
from studio.jobs.preparing import PackReader
from studio.jobs.supervisor import WorkerProcess
from studio.settings import Home
from studio.sources import open_source
from studio.store import Row, Store, jobs, library, removal
from tests.studio.frames import add_video, do_jobs, number, pixels
from tests.studio.processes import wait_for, worker
from tests.videos import make_video, numbered_frames, read_number

LENGTH = 150  # two packs and a part of one


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def frames(home: Home) -> FrameStore:
    return FrameStore(home.frames, home.frames_limit)


def numbered(path: Path, count: int = LENGTH, **arguments: object) -> Path:
    return make_video(path, numbered_frames(count), **arguments)  # type: ignore[arg-type]


def long_gop(folder: Path) -> Path:
    return numbered(folder / "long.mp4", options={"g": "400", "bf": "4", "b-pyramid": "normal", "sc_threshold": "0"})


def variable_rate(folder: Path) -> Path:
    pts = np.cumsum(np.random.default_rng(2).integers(5, 90, LENGTH)).tolist()
    return numbered(folder / "variable.mkv", pts=pts, options={"g": "30", "bf": "2"})


def late_start(folder: Path) -> Path:
    """The first picture is shown 700 ms after the beginning, as in a recording whose sound begins earlier."""
    return numbered(folder / "late.mp4", pts=[700 + 40 * frame for frame in range(LENGTH)], audio=True)


def cut_by_edit_list(folder: Path) -> Path:
    """A file cut without encoding anew, between two key pictures: an edit list hides its first pictures."""
    whole, cut = numbered(folder / "whole.mp4", LENGTH + 7, options={"g": "20", "bf": "2"}), folder / "cut.mp4"
    with av.open(str(whole)) as source, av.open(str(cut), "w") as target:
        stream = source.streams.video[0]
        copy = target.add_stream_from_template(stream)
        first = int(7 / 25 / stream.time_base)
        for packet in source.demux(stream):
            if packet.dts is None:
                continue
            packet.pts -= first  # what comes to lie before zero is hidden by the edit list
            packet.dts -= first
            packet.stream = copy
            target.mux(packet)
    return cut


SOURCES = (long_gop, variable_rate, late_start, cut_by_edit_list)


@pytest.mark.parametrize("make", SOURCES)
def test_every_ready_frame_is_the_picture_that_the_engine_sees(
    make: object, tmp_path: Path, home: Home, store: Store, client: TestClient
) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    video = add_video(store, path)
    do_jobs(store, home)
    assert jobs.job_of(store.database, video_id=video["id"])["state"] == "done"
    kept = FrameStore(home.frames, home.frames_limit)
    with open_video(path) as source:
        assert source.length == video["length"] >= LENGTH - 1
        for frame, rgb in source:
            jpeg = kept.read(video["id"], frame)
            assert number(jpeg) == read_number(rgb)
            assert np.abs(pixels(jpeg).astype(int) - rgb).mean() < 6
    for frame in (video["length"] - 1, 70, 3, 64, 63):
        assert client.get(f"/videos/{video['id']}/frames/{frame}.jpg").content == kept.read(video["id"], frame)
    assert kept.read(video["id"], video["length"]) is None


@pytest.mark.parametrize("make", SOURCES)
def test_before_they_are_ready_frames_come_from_the_file_as_exactly(
    make: object, tmp_path: Path, home: Home, store: Store, client: TestClient
) -> None:
    path = make(tmp_path)  # type: ignore[operator]
    video = add_video(store, path)
    do_jobs(store, home, "import")
    with open_video(path) as source:
        numbers = [read_number(rgb) for _, rgb in source]
    order = [*range(20), *range(20, 5, -1), *np.random.default_rng(1).integers(0, len(numbers), 25).tolist(), 0]
    seen = [number(client.get(f"/videos/{video['id']}/frames/{frame}.jpg").content) for frame in order]
    assert seen == [numbers[frame] for frame in order]


def test_a_kept_index_opens_the_file_again_without_reading_it(tmp_path: Path, home: Home, store: Store) -> None:
    path = variable_rate(tmp_path)
    video = add_video(store, path)
    do_jobs(store, home, "import")
    with open_video(path) as fresh, open_source(home, video) as source:
        assert (source.pts, source.length, source.fps) == (fresh.pts, fresh.length, fresh.fps)
        assert source.index.keys == fresh.index.keys
        assert [read_number(source.frame(t)) for t in (149, 31, 30)] == [149, 31, 30]
    (index,) = (home.frames / str(video["id"])).glob("index-*.npz")
    index.write_bytes(b"")
    with open_source(home, video) as source:
        assert source.length == LENGTH


def test_large_pictures_are_kept_smaller_and_come_whole_from_the_file(
    tmp_path: Path, home: Home, store: Store, client: TestClient
) -> None:
    path = make_video(tmp_path / "large.mp4", numbered_frames(5, 1080, 1920), options={"g": "3", "preset": "ultrafast"})
    video = add_video(store, path)
    do_jobs(store, home)
    address = f"/videos/{video['id']}/frames/4.jpg"
    sizes = {h: pixels(client.get(address, params={"h": h}).content).shape[:2] for h in (1080, 720, 540, 360)}
    assert sizes == {1080: (1080, 1920), 720: (720, 1280), 540: (540, 960), 360: (360, 640)}
    assert pixels(FrameStore(home.frames, 1).read(video["id"], 4)).shape == (READY_HEIGHT, 1280, 3)
    assert [number(client.get(address, params={"h": h}).content) for h in (1080, 720, 540, 360)] == [4] * 4


def test_a_killed_worker_goes_on_with_the_packs_that_are_missing(tmp_path: Path, home: Home, store: Store) -> None:
    path = make_video(tmp_path / "clip.mp4", numbered_frames(600, 360, 640), options={"preset": "ultrafast"})
    video = add_video(store, path)
    do_jobs(store, home, "import")
    kept = FrameStore(home.frames, home.frames_limit)

    with worker(home) as process:
        wait_for(lambda: len(kept.kept(video["id"])) >= 2, every=0.002)
        process.send_signal(signal.SIGKILL)
    before = {pack: kept._path(video["id"], pack).stat().st_mtime_ns for pack in kept.kept(video["id"])}
    assert len(before) < 10, "the worker was done before it was killed"
    with worker(home):
        wait_for(lambda: jobs.job_of(store.database, video_id=video["id"])["state"] == "done")
    assert len(kept.kept(video["id"])) == 10
    assert before == {pack: kept._path(video["id"], pack).stat().st_mtime_ns for pack in before}
    assert [number(kept.read(video["id"], frame)) for frame in range(600)] == list(range(600))


def fill(frames: FrameStore, video: int, packs: range, size: int = 1000) -> list[bool]:
    frames.begin(video)
    jpeg = b"\xff\xd8" + bytes(size // PACK) + b"\xff\xd9"
    return [frames.write(video, pack, [jpeg] * PACK) for pack in packs]


def look(frames: FrameStore, video: int, frame: int, seconds_ago: float = 0) -> None:
    import os

    frames.look(video, frame)
    at = time.time() - seconds_ago
    os.utime(frames.folder / str(video) / "looked", (at, at))


def test_what_is_looked_at_displaces_what_nobody_has_looked_at_for_long(tmp_path: Path) -> None:
    size = 260 + PACK * 19
    frames = FrameStore(tmp_path, limit=10 * size)
    for video in (1, 2, 3):
        fill(frames, video, range(3))
    look(frames, 1, 0, seconds_ago=9000)
    look(frames, 2, 0, seconds_ago=90_000)
    frames.begin(4)
    look(frames, 4, 0)
    assert all(fill(frames, 4, range(5)))
    assert [len(frames.kept(video)) for video in (1, 2, 3, 4)] == [3, 2, 0, 5], "the one never looked at goes first"
    assert frames.bytes() <= frames.limit


def test_a_video_that_does_not_fit_is_kept_around_where_somebody_looks(tmp_path: Path) -> None:
    frames = FrameStore(tmp_path, limit=10 * (260 + PACK * 19))
    length = 100 * PACK
    frames.begin(1)
    for looked in (0, 50 * PACK, 47 * PACK):
        look(frames, 1, looked)
        while (pack := frames.next_missing(1, length)) is not None:
            assert fill(frames, 1, range(pack, pack + 1)) == [True]
        near = looked // PACK
        assert max(abs(pack - near) for pack in frames.kept(1)) <= (9 if near == 0 else 5)
        assert len(frames.kept(1)) == 10


def test_an_import_that_nobody_looks_at_takes_nothing_from_others(tmp_path: Path) -> None:
    frames = FrameStore(tmp_path, limit=5 * (260 + PACK * 19))
    look(frames, 1, 0, seconds_ago=900_000)
    fill(frames, 1, range(5))
    frames.begin(2)
    assert frames.next_missing(2, 1000) is None
    assert fill(frames, 2, range(2)) == [False, False]


def test_a_torn_pack_counts_as_missing_frames(tmp_path: Path, frames: FrameStore) -> None:
    fill(frames, 1, range(1))
    path = frames._path(1, 0)
    path.write_bytes(path.read_bytes()[:700])
    assert frames.read(1, 0) is not None
    assert frames.read(1, PACK - 1) is None
    path.write_bytes(b"")
    assert frames.read(1, 0) is None


def test_looking_where_nothing_is_kept_any_more_prepares_it_again(
    tmp_path: Path, home: Home, store: Store, client: TestClient, frames: FrameStore
) -> None:
    video = add_video(store, numbered(tmp_path / "clip.mp4"))
    do_jobs(store, home)
    frames._path(video["id"], 1).unlink()
    assert number(client.get(f"/videos/{video['id']}/frames/1.jpg").content) == 1
    assert jobs.queued(store.database) == []
    assert number(client.get(f"/videos/{video['id']}/frames/70.jpg").content) == 70
    assert [job["kind"] for job in jobs.queued(store.database)] == ["frames"]
    do_jobs(store, home)
    assert frames.kept(video["id"]) == {0, 1, 2}


def test_a_deleted_video_takes_its_frames_along_and_stops_their_making(
    tmp_path: Path, home: Home, store: Store, client: TestClient, frames: FrameStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = add_video(store, numbered(tmp_path / "clip.mp4"))
    do_jobs(store, home, "import")
    read = PackReader.read

    def delete_meanwhile(self: PackReader, pack: int) -> list[bytes]:
        if pack == 1:
            assert client.delete(f"/videos/{video['id']}").status_code == 204
        return read(self, pack)

    monkeypatch.setattr(PackReader, "read", delete_meanwhile)
    do_jobs(store, home)
    assert not (home.frames / str(video["id"])).exists()
    assert store.database.execute("select count(*) from jobs").fetchone() == (0,)


def test_preparing_frames_holds_up_neither_deleting_nor_exporting(tmp_path: Path, home: Home, store: Store) -> None:
    video = add_video(store, numbered(tmp_path / "clip.mp4"))
    do_jobs(store, home, "import")
    assert jobs.under_way(store.database, video["project_id"]) is None
    with store.transaction() as database:
        removal.remove_video(database, video["id"])
    do_jobs(store, home)
    assert library.videos(store.database, video["project_id"]) == []


def test_without_room_on_disk_everything_is_shown_from_the_file(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", frames_limit=0).create()
    store = Store(home.database)
    video = add_video(store, numbered(tmp_path / "clip.mp4"))
    do_jobs(store, home)
    assert FrameStore(home.frames, 0).kept(video["id"]) == set()
    job: Row = jobs.job_of(store.database, video_id=video["id"]) or {}
    assert (job["kind"], job["state"]) == ("frames", "done")


def test_the_limit_of_the_command_reaches_the_worker(tmp_path: Path) -> None:
    home = Home(tmp_path / "home", frames_limit=0).create()
    store = Store(home.database)
    video = add_video(store, numbered(tmp_path / "clip.mp4"))

    def ended() -> bool:
        job = jobs.job_of(store.database, video_id=video["id"]) or {}
        return (job["kind"], job["state"]) == ("frames", "done")

    with WorkerProcess(home):
        wait_for(ended)
    assert FrameStore(home.frames, home.frames_limit).kept(video["id"]) == set()
