"""Frames decoded from the file while none is ready: going on costs no seek, nobody takes another one's place, memory is bounded."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from engine import video_file
from studio.api.frame_cache import FrameCache
from studio.api.frame_readers import AHEAD, BACK, OPEN_PIXELS, JpegCache, Readers
from studio.settings import Home
from studio.store import Row, Store
from tests.studio.frames import add_video, do_jobs, number
from tests.studio.processes import wait_for
from tests.videos import make_video, numbered_frames

LENGTH = 240


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def video(tmp_path: Path, home: Home, store: Store) -> Row:
    """An imported video with one key picture."""
    options = {"g": "400", "bf": "2", "sc_threshold": "0"}
    row = add_video(store, make_video(tmp_path / "clip.mp4", numbered_frames(LENGTH), options=options))
    do_jobs(store, home, "import")
    return row


@pytest.fixture
def seeks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The frames from which decoding was begun anew."""
    found: list[int] = []
    walk = video_file._walk

    def noted(decoder: Any, index: Any, start: int) -> Iterator[Any]:
        found.append(start)
        return walk(decoder, index, start)

    monkeypatch.setattr(video_file, "_walk", noted)
    return found


def test_whoever_goes_on_finds_the_next_frames_decoded(home: Home, video: Row, seeks: list[int]) -> None:
    cache = FrameCache(home)
    for frame in (50, 51):
        assert number(cache.jpeg(video, frame)) == frame
    wait_for(lambda: cache.made.get((video["id"], 51 + AHEAD, 48)))
    assert cache.made.get((video["id"], 52 + AHEAD, 48)) is None, "no farther than is useful"
    for frame in range(52, 57):
        cache.jpeg(video, frame)
    wait_for(lambda: cache.made.get((video["id"], 56 + AHEAD, 48)))
    assert [number(cache.jpeg(video, frame)) for frame in range(57, 90)] == list(range(57, 90))
    assert seeks == [50]


def test_who_jumps_about_makes_nothing_be_decoded_ahead(home: Home, video: Row) -> None:
    cache = FrameCache(home)
    for frame in (50, 150, 20):
        cache.jpeg(video, frame)
    assert [cache.made.get((video["id"], frame + 1, 48)) for frame in (50, 150, 20)] == [None] * 3


def test_people_at_different_places_do_not_disturb_each_other(home: Home, video: Row, seeks: list[int]) -> None:
    cache = FrameCache(home)
    for step in range(40):
        for start in (0, 100, 190):
            assert number(cache.jpeg(video, start + step)) == start + step
    assert sorted(seeks) == [0, 100, 190]


def test_requests_that_overtake_each_other_cost_no_seek(home: Home, video: Row, seeks: list[int]) -> None:
    cache = FrameCache(home)
    order = [10, 12, 11, 15, 13, 14, 18, 16, 17]
    assert [number(cache.jpeg(video, frame)) for frame in order] == order
    assert seeks == [10]


def test_stepping_back_decodes_a_stretch_at_once(home: Home, video: Row, seeks: list[int]) -> None:
    cache = FrameCache(home)
    frames = range(100, 100 - 3 * BACK, -1)
    assert [number(cache.jpeg(video, frame)) for frame in frames] == list(frames)
    assert len(seeks) <= 4


def test_few_large_videos_are_open_at_once(home: Home) -> None:
    readers = Readers(home, JpegCache(1000))
    for number_of_video in range(5):
        row = {"id": number_of_video, "path": "none.mp4", "width": 3840, "height": 2160, "length": 9}
        for frame in (0, 1000, 2000):
            readers._place(row, frame)
    assert sum(place.pixels for place in readers._places) <= OPEN_PIXELS
    assert readers._places[-1].aim == 2000
