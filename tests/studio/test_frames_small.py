"""Small pictures: strips for the timeline, and each track where it is seen best."""

from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from engine.masks import encode
from studio.review import edits
from studio.settings import Home
from studio.store import Row, Store, library, runs
from tests.studio.frames import add_video, do_jobs, pixels
from tests.videos import make_video, numbered_frames, read_number

LENGTH, HEIGHT, WIDTH = 300, 96, 160


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def video(tmp_path: Path, home: Home, store: Store) -> Row:
    """An imported video with one key picture in 60, whose frames are not ready yet."""
    options = {"g": "60", "keyint_min": "60", "sc_threshold": "0"}
    row = add_video(store, make_video(tmp_path / "clip.mp4", numbered_frames(LENGTH, HEIGHT, WIDTH), options=options))
    do_jobs(store, home, "import")
    return library.video(store.database, row["id"])


def numbers(strip: bytes, count: int) -> list[int]:
    return [read_number(part) for part in np.split(pixels(strip), count, axis=1)]


def test_a_strip_shows_the_middle_of_each_part(home: Home, store: Store, client: TestClient, video: Row) -> None:
    do_jobs(store, home)
    address = f"/videos/{video['id']}/strip.jpg"
    answer = client.get(address, params={"n": 10, "h": 48})
    assert pixels(answer.content).shape == (48, 800, 3)
    assert numbers(answer.content, 10) == [15 + 30 * part for part in range(10)]
    close = client.get(address, params={"start": 40, "stop": 44, "n": 8, "h": 48})
    assert numbers(close.content, 8) == [40, 40, 41, 41, 42, 42, 43, 43]


def test_a_strip_is_cheap_before_frames_are_ready_and_then_never_kept(client: TestClient, video: Row) -> None:
    params = {"n": 5, "h": 48, "v": client.get(f"/videos/{video['id']}").json()["version"]}
    answer = client.get(f"/videos/{video['id']}/strip.jpg", params=params)
    assert numbers(answer.content, 5) == [0, 60, 120, 180, 240]
    assert answer.headers["cache-control"] == "no-store"
    exact = client.get(f"/videos/{video['id']}/strip.jpg", params=params | {"start": 100, "stop": 200})
    assert numbers(exact.content, 5) == [110, 130, 150, 170, 190]
    assert "immutable" in exact.headers["cache-control"]


def test_a_strip_that_has_not_changed_is_not_sent_again(
    home: Home, store: Store, client: TestClient, video: Row
) -> None:
    do_jobs(store, home)
    address = f"/videos/{video['id']}/strip.jpg"
    first = client.get(address)
    again = client.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("params", [{"start": 5, "stop": 5}, {"start": 400}, {"n": 0}, {"n": 1000}, {"h": 4000}])
def test_impossible_strips_are_refused_in_words(client: TestClient, video: Row, params: dict[str, int]) -> None:
    answer = client.get(f"/videos/{video['id']}/strip.jpg", params=params)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def box(x: int, y: int, width: int, height: int) -> str:
    mask = np.zeros((HEIGHT, WIDTH), bool)
    mask[y : y + height, x : x + width] = True
    return encode(mask)["counts"]


def add_track(store: Store, video: Row, masks: dict[int, tuple[str, float]]) -> int:
    """A run with one track; returns the track's id."""
    with store.transaction() as database:
        library.add_category(database, video["project_id"], "dog")
        category = library.categories(database, video["project_id"])[0]["id"]
        run = runs.add_run(database, video["id"], "demo", {"score_threshold": 0.3})
        found = [runs.Prediction(1, frame, counts, score) for frame, (counts, score) in masks.items()]
        runs.commit_window(database, run["id"], LENGTH, found, {1: runs.TrackEstimate(category, 0.9)}, b"")
        runs.close_run(database, run["id"], "done")
        return int(database.execute("select id from tracks").fetchone()[0])


def test_a_track_is_shown_where_it_is_large_and_sure_and_cut_to_its_box(
    store: Store, client: TestClient, video: Row
) -> None:
    masks = {10: (box(50, 50, 8, 8), 0.99), 20: (box(40, 50, 40, 40), 0.9), 30: (box(40, 50, 42, 42), 0.3)}
    track = add_track(store, video, masks)
    answer = client.get(f"/videos/{video['id']}/tracks/{track}/thumbnail.jpg", params={"h": 64})
    picture = pixels(answer.content).astype(int)
    assert picture.shape == (64, 64, 3)
    whole = pixels(client.get(f"/videos/{video['id']}/frames/20.jpg").content).astype(int)
    assert abs(picture[20:44, 20:44].mean() - whole[60:80, 50:70].mean()) < 3, "the middle is the object of frame 20"
    assert picture[:3].mean() < 0.7 * picture[20:44].mean(), "what is not the object is dimmed"


def test_a_verified_mask_is_preferred_and_the_tag_says_when_the_picture_changes(
    store: Store, client: TestClient, video: Row
) -> None:
    masks = {10: (box(8, 50, 20, 20), 0.9), 20: (box(40, 50, 40, 40), 0.9)}
    track = add_track(store, video, masks)
    address = f"/videos/{video['id']}/tracks/{track}/thumbnail.jpg"
    first = client.get(address)
    assert client.get(address, headers={"If-None-Match": first.headers["etag"]}).status_code == 304
    edits.set_mask(store, video["id"], track, 10, box(8, 50, 21, 20), 1, "me")
    second = client.get(address, headers={"If-None-Match": first.headers["etag"]})
    assert second.status_code == 200
    assert second.content != first.content


def test_a_track_without_masks_has_no_picture(store: Store, client: TestClient, video: Row) -> None:
    add_track(store, video, {20: (box(40, 50, 40, 40), 0.9)})
    category = library.categories(store.database, video["project_id"])[0]["id"]
    empty = edits.new_track(store, video["id"], category, 5, "me").tracks[0]
    for track in (empty, 77):
        answer = client.get(f"/videos/{video['id']}/tracks/{track}/thumbnail.jpg")
        assert answer.status_code == 204 and not answer.content
