"""Operations that take longer than a request may: left to the worker, and yet what they would have been if done at once."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from engine.config import TrackerConfig
from studio.api import long_operations
from studio.jobs import worker
from studio.review import edits, retracking, shapes, tracks, verification, view
from studio.review.log import perform
from studio.settings import Home
from studio.store import Row, Store, jobs, library
from studio.store.errors import Conflict
from tests.studio.seen import LENGTH, Thing, run, still, video_row
from tests.studio.test_random_work import everything

OWL = Thing(2, still(16, 8, range(10, 30)), score=0.05, kind=2)  # too faint for a track
CAT = Thing(1, still(4, 10), score=0.95, kind=1)
SHY = TrackerConfig(init_threshold=0.3)
KEY = {"Idempotency-Key": "k"}


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def video(store: Store) -> Row:
    video = video_row(store)
    run(store, video, [CAT, OWL], SHY)
    return video


@pytest.fixture
def no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is done at once."""
    monkeypatch.setattr(long_operations, "AT_ONCE_SECONDS", 0.0)


def accept(client: TestClient, video: Row, key: dict[str, str] = KEY) -> Any:
    return client.post(f"/videos/{video['id']}/ops/accept", json={"frame": 20, "query": 1}, headers=key)


def test_what_takes_too_long_for_a_request_becomes_a_job_with_the_same_result(
    client: TestClient, home: Home, store: Store, video: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = accept(client, video, {})
    assert at_once.status_code == 200
    expected = view.timeline(store.database, video["id"])
    edits.undo(store, video["id"], "local")
    before = everything(store, video)
    monkeypatch.setattr(long_operations, "AT_ONCE_SECONDS", 0.0)
    started = accept(client, video)
    assert started.status_code == 202 and everything(store, video) == before
    assert accept(client, video).json() == started.json(), "sent again it is the same job"
    assert client.get(f"/videos/{video['id']}/ops").json() == {"operations": [started.json()]}
    assert (started.json()["op"], started.json()["state"]) == ("accept", "queued")
    worker.perform(store, home, started.json()["job"])
    done = accept(client, video)
    assert done.status_code == 200 and done.json()["summary"] == at_once.json()["summary"]
    assert list(view.timeline(store.database, video["id"]).values()) == list(expected.values())
    assert client.get(f"/videos/{video['id']}/ops").json() == {"operations": []}
    edits.undo(store, video["id"], "local")
    assert everything(store, video)[0] == before[0]


REDRAWN = [
    ("refine", {"tool": "grow", "amount": 1}),
    ("transform", {"dx": 3}),
    ("interpolate", {"start": 0, "stop": 30}),
]


@pytest.mark.parametrize(("op", "values"), REDRAWN, ids=[op for op, _ in REDRAWN])
def test_many_masks_are_redrawn_by_the_worker_as_they_would_be_at_once(
    op: str, values: dict[str, Any], client: TestClient, home: Home, store: Store, video: Row,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (cat,) = view.timeline(store.database, video["id"])
    address, body = f"/videos/{video['id']}/ops/{op}", {"tracks": [cat], **values}
    before = everything(store, video)
    at_once = client.post(address, json=body).json()
    expected = list(view.masks(store.database, video["id"], 0, LENGTH))
    assert at_once["masks"] > 20
    edits.undo(store, video["id"], "local")
    monkeypatch.setattr(long_operations, "AT_ONCE_SECONDS", 0.0)
    started = client.post(address, json=body, headers=KEY)
    assert started.status_code == 202 and everything(store, video)[0] == before[0]
    worker.perform(store, home, started.json()["job"])
    done = client.post(address, json=body, headers=KEY).json()
    assert (done["summary"], done["masks"]) == (at_once["summary"], at_once["masks"])
    found = list(view.masks(store.database, video["id"], 0, LENGTH))
    assert [mask | {"rev": 0} for mask in found] == [mask | {"rev": 0} for mask in expected]


@pytest.mark.parametrize(("op", "values"), REDRAWN, ids=[op for op, _ in REDRAWN])
def test_a_preview_of_many_redrawn_masks_shows_the_first_in_time(
    op: str, values: dict[str, Any], client: TestClient, store: Store, video: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    (cat,) = view.timeline(store.database, video["id"])
    body = {"op": op, "tracks": [cat], **values}
    whole = client.post(f"/videos/{video['id']}/ops/preview", json=body).json()
    monkeypatch.setattr(long_operations, "PREVIEW_SECONDS", 0.0)
    said = client.post(f"/videos/{video['id']}/ops/preview", json=body).json()
    assert (said["masks"], said["unfinished"], whole["unfinished"]) == (1, True, False)
    assert said["summary"] == whole["summary"]


def test_a_worker_that_dies_before_it_could_say_so_does_it_once(
    client: TestClient, home: Home, store: Store, video: Row, no_time: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = accept(client, video, {}).json()["job"]

    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    with monkeypatch.context() as patched, pytest.raises(Killed):
        patched.setattr(jobs, "finish", die)
        worker.perform(store, home, job)
    done = everything(store, video)
    with store.transaction() as database:
        jobs.requeue_stale(database)
    worker.perform(store, home, job)
    assert everything(store, video) == done
    assert jobs.job(store.database, job)["state"] == "done"


def test_what_a_person_draws_meanwhile_stays(
    client: TestClient, home: Home, store: Store, video: Row, no_time: None
) -> None:
    cat = library.categories(store.database, video["project_id"])[1]["id"]
    owl = perform(store, video["id"], "ann", tracks.new_track(cat, 20)).tracks[0]
    perform(store, video["id"], "ann", shapes.draw(owl, 20, 0, box=(63, 32, 79, 48)))
    job = client.post(f"/videos/{video['id']}/ops/propagate", json={"track": owl, "frame": 20, "stop": LENGTH}).json()[
        "job"
    ]
    perform(store, video["id"], "ann", shapes.draw(owl, 25, 0, box=(60, 32, 79, 48)))
    drawn = view.mask(store.database, video["id"], owl, 25)
    worker.perform(store, home, job)
    assert view.mask(store.database, video["id"], owl, 25) == drawn
    spans = view.timeline(store.database, video["id"])[owl]
    assert spans == [(20, 21, "user"), (21, 25, "propagated"), (25, 26, "user"), (26, 30, "propagated")]


def test_a_cancelled_one_changes_nothing_and_is_not_begun_again(
    client: TestClient, home: Home, store: Store, video: Row, no_time: None
) -> None:
    before = everything(store, video)
    job = accept(client, video).json()["job"]
    assert client.post(f"/jobs/{job}/cancel").json()["state"] == "cancelled"
    worker.perform(store, home, job)
    assert everything(store, video) == before
    again = accept(client, video)
    assert again.status_code == 409 and "cancelled" in again.json()["detail"]


def test_one_that_fails_says_why_to_who_asked(
    client: TestClient, home: Home, store: Store, video: Row, no_time: None
) -> None:
    job = accept(client, video).json()["job"]
    with store.transaction() as database:
        database.execute("update runs set tracking = null")
    worker.perform(store, home, job)
    assert jobs.job(store.database, job)["state"] == "failed"
    assert "run the model once more" in accept(client, video).json()["detail"]


def test_tracking_again_begins_anew_for_an_edit_made_meanwhile_but_not_for_ever(
    home: Home, store: Store, video: Row
) -> None:
    (track,) = view.timeline(store.database, video["id"])
    left, frames, other = 1, iter(range(LENGTH)), Store(home.database)

    def patience(done: int, total: int) -> bool:
        """Somebody verifies one mask after another just when all frames are tracked."""
        nonlocal left
        if done == total and left:
            left -= 1
            frame = next(frames)
            perform(other, video["id"], "ann", verification.verify([track], frame, frame + 1))
        return True

    def again(threshold: float) -> None:
        operation = retracking.retrack({"init_threshold": threshold})
        perform(store, video["id"], "bob", operation, rehearse=True, patience=patience)

    again(0.01)
    assert len(view.timeline(store.database, video["id"])) == 2, "the owl is a track now"
    assert view.verified_spans(store.database, video["id"]) == {track: [(0, 1)]}
    left = LENGTH - 1
    with pytest.raises(Conflict, match="again and again"):
        again(0.3)
