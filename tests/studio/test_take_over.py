"""Another run beside what people corrected: it does not push itself forward, is compared, and is taken over without loss."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from studio.finetune.taught import taught_run
from studio.review import edits, identity, tracks, verification, view
from studio.review.log import perform
from studio.settings import Home
from studio.store import Row, Store, library, runs
from tests.studio.seen import HEIGHT, LENGTH, WIDTH, Thing, run, still, video_row
from tests.studio.test_retrack_api import everything, shown

# What the first model found: a dog, a cat, a ghost. The second one: the dog elsewhere in the end, the cat as an owl, no ghost, a
# second dog that the first one missed.
DOG, CAT, GHOST = Thing(0, still(2, 2)), Thing(1, still(10, 2), 0.95, kind=1), Thing(2, still(2, 10), 0.8)
MOVED = Thing(0, still(2, 2, range(30)) | still(3, 3, range(30, 36)))
OWL, MISSED = Thing(1, still(10, 2), 0.95, kind=2), Thing(3, still(18, 10), 0.7)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def video(store: Store) -> Row:
    return video_row(store)


@pytest.fixture
def first(store: Store, video: Row) -> dict[str, int]:
    """The tracks of the first run, which somebody has worked on: a verified mask of the dog in frame 3."""
    cat, dog, ghost = run(store, video, [CAT, DOG, GHOST]).values()
    perform(store, video["id"], "ann", verification.verify([dog], 3, 4))
    return {"dog": dog, "cat": cat, "ghost": ghost}


@pytest.fixture
def second(store: Store, video: Row, first: dict[str, int]) -> int:
    run(store, video, [OWL, MOVED, MISSED])
    return int(runs.runs(store.database, video["id"])[-1]["id"])


def take_over(client: TestClient, video: Row, run: int, **rest: Any) -> dict[str, Any]:
    answer = client.post(f"/videos/{video['id']}/ops/take_over", json={"run": run, **rest})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def compared(client: TestClient, video: Row, run: int) -> dict[str, Any]:
    answer = client.get(f"/videos/{video['id']}/runs/{run}/comparison")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def test_a_new_run_stays_beside_what_people_worked_on(
    store: Store, client: TestClient, video: Row, first: dict[str, int], second: int
) -> None:
    known = client.get(f"/videos/{video['id']}").json()
    assert [(each["id"], each["shown"]) for each in known["runs"]] == [(1, True), (second, False)]
    assert known["rev"] == library.video(store.database, video["id"])["rev"] == 4, "nothing that is shown has changed"
    edits.undo(store, video["id"], "ann")
    run(store, video, [OWL])
    assert client.get(f"/videos/{video['id']}").json()["run"]["id"] == second + 1, "nobody's work stands any more"


def test_the_comparison_pairs_objects_and_lists_the_worst_first(
    client: TestClient, video: Row, first: dict[str, int], second: int
) -> None:
    found = compared(client, video, second)
    pairs = {(each["category"], each["other_category"]): each for each in found["tracks"]}
    assert pairs.keys() == {("dog", "dog"), ("cat", "owl"), ("dog", None), (None, "dog")}
    dog = pairs["dog", "dog"]
    assert (dog["track"], dog["shown"], dog["found"], dog["both"]) == (first["dog"], 40, 36, 36)
    assert pairs["cat", "owl"]["iou"] == 1
    listed = [(each["kind"], each["track"], each["start"], each["stop"]) for each in found["differences"]]
    assert listed == [
        ("only_then", None, 0, 40),
        ("category", first["cat"], 0, 40),
        ("only_now", first["ghost"], 0, 40),
        ("only_now", first["dog"], 36, 40),
        ("shape", first["dog"], 30, 36),
    ]
    shape = found["differences"][-1]
    assert shape["frame"] == 30 and 0.3 < shape["iou"] < 0.5
    masks = client.get(f"/videos/{video['id']}/masks?n={LENGTH}&run={second}").json()["frames"]
    assert {mask["track"] for mask in masks[0]} == {each["other"] for each in found["tracks"] if each["other"]}
    assert client.get(f"/videos/{video['id']}/runs/1/comparison").status_code == 422
    assert client.get(f"/videos/{video['id']}/runs/99/comparison").status_code == 404


def test_taking_over_changes_what_nobody_touched_and_is_one_step_of_undo(
    store: Store, client: TestClient, video: Row, first: dict[str, int], second: int
) -> None:
    before = everything(client, video)
    verified = view.mask(store.database, video["id"], first["dog"], 3)
    said = client.post(f"/videos/{video['id']}/ops/preview", json={"op": "take_over", "run": second}).json()
    assert said["summary"] == "Took over from demo: 115 masks, 1 new track, 1 track gone, 4 masks gone, 1 of yours kept"
    assert everything(client, video) == before, "a preview changes nothing"
    done = take_over(client, video, second)
    now = {row["id"]: row for row in view.tracks(store.database, video["id"])}
    assert now.keys() == {first["dog"], first["cat"], *done["made"]}
    assert now[first["cat"]]["category"] == "owl", "of what nobody worked on the category, too"
    assert [(now[track]["category"], now[track]["score"]) for track in done["made"]] == [
        ("dog", pytest.approx(0.7, abs=0.05))
    ]
    assert view.mask(store.database, video["id"], first["dog"], 3) == verified
    other = shown(client, video)
    assert set(other[first["dog"]]) == set(range(36))
    again = compared(client, video, second)
    assert again["differences"] == [] and {each["iou"] for each in again["tracks"]} == {1.0}
    refused = client.post(f"/videos/{video['id']}/ops/take_over", json={"run": second})
    assert refused.status_code == 422 and "nothing to change" in refused.json()["detail"]
    taught = taught_run(store.database, 1, (HEIGHT, WIDTH))
    assert [frame.frame for frame in taught.frames] == [3], "what was hidden by the machine nobody rejected"
    assert client.post(f"/videos/{video['id']}/undo").json()["edit"] is not None
    assert everything(client, video) == before
    client.post(f"/videos/{video['id']}/redo")
    assert shown(client, video) == other


def test_what_people_drew_moved_or_deleted_stays(
    store: Store, client: TestClient, video: Row, first: dict[str, int], second: int
) -> None:
    dog, cat, ghost = first["dog"], first["cat"], first["ghost"]
    drawn = view.mask(store.database, video["id"], ghost, 7)
    assert drawn is not None
    edits.set_mask(store, video["id"], dog, 32, drawn["counts"], 1, "ann")
    edits.set_mask(store, video["id"], dog, 33, None, 1, "ann")
    perform(store, video["id"], "ann", identity.swap(cat, ghost, 20))
    perform(store, video["id"], "ann", tracks.delete([dog], 38, 39))
    run(store, video, [OWL, MOVED, Thing(2, still(2, 10), 0.8)])
    third = runs.runs(store.database, video["id"])[-1]["id"]
    kept = {(track, frame): mask for track, cells in shown(client, video).items() for frame, mask in cells.items()}
    take_over(client, video, third)
    now = shown(client, video)
    assert now[dog][32] == drawn["counts"] and 33 not in now[dog] and 38 not in now[dog]
    for track in (cat, ghost):
        assert all(now[track][frame] == kept[track, frame] for frame in range(20, LENGTH)), "the swap stands"
    for frame in set(range(LENGTH)) - {32}:  # there the person drew it so
        counts = [cells[frame] for cells in now.values() if frame in cells]
        assert len(counts) == len(set(counts)), f"an object is shown twice in frame {frame}"


def test_a_track_that_somebody_deleted_does_not_come_back(
    store: Store, client: TestClient, video: Row, first: dict[str, int]
) -> None:
    edits.delete_track(store, video["id"], first["ghost"], "ann")
    run(store, video, [CAT, DOG, GHOST, MISSED])
    newest = runs.runs(store.database, video["id"])[-1]["id"]
    done = take_over(client, video, newest)
    assert len(done["made"]) == 1 and first["ghost"] not in shown(client, video)


def test_one_difference_can_be_taken_alone(client: TestClient, video: Row, first: dict[str, int], second: int) -> None:
    before = shown(client, video)
    worst = compared(client, video, second)["differences"][-1]
    done = take_over(
        client, video, second, pair=[worst["track"], worst["other"]], start=worst["start"], stop=worst["stop"]
    )
    assert (done["tracks"], done["frames"], done["masks"]) == ([first["dog"]], [30, 35], 6)
    now = shown(client, video)
    changed = {(track, frame) for track in now for frame in now[track] if now[track][frame] != before[track].get(frame)}
    assert changed == {(first["dog"], frame) for frame in range(30, 36)}


def test_a_run_that_is_under_way_is_compared_as_far_as_it_is_and_not_taken_over(
    store: Store, client: TestClient, video: Row, first: dict[str, int], second: int
) -> None:
    store.database.execute("update runs set state = 'running', frames_done = 10 where id = ?", (second,))
    store.database.conn.commit()
    found = compared(client, video, second)
    assert found["frames"] == 10 and all(
        each["stop"] <= 10 for each in found["differences"] if each["kind"] != "category"
    )
    refused = client.post(f"/videos/{video['id']}/ops/take_over", json={"run": second})
    assert refused.status_code == 409 and "under way" in refused.json()["detail"]
