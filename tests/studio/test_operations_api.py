"""The operations over HTTP: what they answer, previews, retries, and conflicts that hold both versions."""

from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from studio.settings import Home
from studio.store import Row, Store, library
from tests.studio.library import new_video, predict


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def video(store: Store) -> Row:
    return new_video(store)


@pytest.fixture
def tracks(store: Store, video: Row) -> list[int]:
    ids = predict(store, video, {0: range(30), 2: range(10, 40)})
    return [ids[0], ids[2]]


def bodies(tracks: list[int], cat: int) -> dict[str, dict[str, Any]]:
    first, second = tracks
    return {
        "swap": {"first": first, "second": second, "start": 20},
        "split": {"tracks": [first], "frame": 12},
        "merge": {"into": first, "tracks": [second], "overlap": "larger"},
        "move": {"tracks": [first], "start": 0, "stop": 5, "to": second},
        "delete": {"tracks": tracks, "start": 12, "stop": 13},
        "delete_below": {"score": 0.6},
        "change_category": {"tracks": [first], "category_id": cat, "start": 8},
        "verify": {"tracks": tracks, "start": 10, "stop": 20},
        "draw": {"track": first, "frame": 35, "rev": 0, "box": [1, 1, 5, 5]},
        "copy": {"tracks": [first], "frame": 3, "start": 4, "stop": 8},
        "transform": {"tracks": [first], "start": 3, "stop": 6, "dx": 2, "scale": 1.2},
        "refine": {"tracks": [first], "start": 3, "stop": 6, "tool": "grow", "amount": 1},
        "interpolate": {"tracks": [first], "start": 3, "stop": 9},
        "put_behind": {"tracks": [first], "start": 5, "stop": 15, "front": [second]},
    }


def test_every_operation_is_previewed_done_undone_and_redone(
    client: TestClient, store: Store, video: Row, tracks: list[int]
) -> None:
    root = f"/videos/{video['id']}"
    cat = library.categories(store.database, video["project_id"])[1]["id"]

    def shown() -> Any:
        lists = [client.get(f"{root}/{what}").json() for what in ("tracks", "timeline", "masks?n=40")]
        return [{key: value for key, value in each.items() if key != "rev"} for each in lists]

    def original() -> Any:
        return client.get(f"{root}/masks?n=40&original=true").json()["frames"]

    before, predicted = shown(), original()
    assert predicted == before[2]["frames"]
    for op, body in bodies(tracks, cat).items():
        said = client.post(f"{root}/ops/preview", json=body | {"op": op})
        assert said.status_code == 200, said.text
        assert shown() == before
        done = client.post(f"{root}/ops/{op}", json=body)
        assert done.status_code == 200, done.text
        assert [done.json()[key] for key in ("summary", "masks", "frames")] == [
            said.json()[key] for key in ("summary", "masks", "frames")
        ]
        after = shown()
        assert after != before, op
        assert original() == predicted
        assert client.post(f"{root}/undo").json()["edit"]["id"] == done.json()["edit"]
        assert shown() == before, op
        client.post(f"{root}/redo")
        assert shown() == after, op
        back = client.post(f"{root}/ops/go_back", json={"edit": 0})
        assert back.status_code == 200, back.text
        assert shown() == before, op


def test_a_retry_with_the_same_key_is_answered_and_not_done_again(
    client: TestClient, store: Store, video: Row, tracks: list[int]
) -> None:
    root, key = f"/videos/{video['id']}", {"Idempotency-Key": "6f1c"}
    body = {"tracks": tracks, "frame": 20}
    first, again = (client.post(f"{root}/ops/split", json=body, headers=key).json() for _ in range(2))
    assert first == again and len(first["made"]) == 2
    assert len(client.get(f"{root}/tracks").json()["tracks"]) == 4
    steps = [client.post(f"{root}/undo", headers={"Idempotency-Key": "a"}).json() for _ in range(2)]
    assert steps[0] == steps[1] and len(client.get(f"{root}/tracks").json()["tracks"]) == 2
    mask = {"If-Match": "1", "Idempotency-Key": "b"}
    gone = [client.delete(f"{root}/tracks/{tracks[0]}/masks/4", headers=mask) for _ in range(2)]
    assert [answer.status_code for answer in gone] == [200, 200] and gone[0].json() == gone[1].json()


def test_a_conflict_says_what_was_changed_meanwhile(
    client: TestClient, store: Store, video: Row, tracks: list[int]
) -> None:
    root = f"/videos/{video['id']}"
    seen = {"If-Match": str(client.get(root).json()["rev"])}
    client.post(f"{root}/ops/delete", json={"tracks": tracks[:1], "start": 25, "stop": 26})
    refused = client.post(f"{root}/ops/swap", json={"first": tracks[0], "second": tracks[1], "start": 20}, headers=seen)
    assert refused.status_code == 409
    assert [edit["op"] for edit in refused.json()["current"]["edits"]] == ["delete"]
    meeting = client.post(f"{root}/ops/merge", json={"into": tracks[0], "tracks": tracks[1:]})
    assert meeting.status_code == 409 and meeting.json()["current"]["overlaps"][0] == 10
    drawn = client.post(
        f"{root}/ops/draw", json={"track": tracks[0], "frame": 3, "rev": 0, "polygons": [[[0, 0], [5, 0], [5, 5]]]}
    )
    assert drawn.status_code == 409 and drawn.json()["current"]["size"] == [video["height"], video["width"]]


@pytest.mark.parametrize(
    ("op", "body", "status"),
    [
        ("draw", {"track": 1, "frame": 0, "rev": 0}, 422),
        ("draw", {"track": 1, "frame": 0, "rev": 0, "polygons": [[[0, 0], [1, 1]]]}, 422),
        ("draw", {"track": 1, "frame": 0, "rev": 0, "box": [0, 0, 1e9, 1]}, 422),
        ("refine", {"tracks": [1], "tool": "explode"}, 422),
        ("transform", {"tracks": [1], "scale": 0}, 422),
        ("swap", {"first": 1, "second": 99, "start": 0}, 404),
        ("verify", {"tracks": [1], "start": 90}, 422),
        ("go_back", {"edit": 77}, 404),
        ("go_back", {"edit": -1}, 422),
    ],
)
def test_operations_that_make_no_sense_are_refused_with_a_sentence(
    client: TestClient, video: Row, tracks: list[int], op: str, body: dict[str, Any], status: int
) -> None:
    for address, sent in ((op, body), ("preview", body | {"op": op})):
        answer = client.post(f"/videos/{video['id']}/ops/{address}", json=sent)
        assert answer.status_code == status
        assert isinstance(answer.json()["detail"], str) and len(answer.json()["detail"]) > 10


def test_progress_and_the_timeline_know_what_is_verified(client: TestClient, video: Row, tracks: list[int]) -> None:
    root = f"/videos/{video['id']}"
    client.post(f"{root}/ops/verify", json={"tracks": tracks[:1]})
    progress = client.get(f"{root}/progress").json()
    assert (progress["verified_masks"], progress["masks"], progress["verified_tracks"]) == (30, 60, 1)
    assert (progress["verified_frames"], progress["seconds_left"]) == (10, None)
    assert client.get(f"{root}/timeline").json()["verified"] == {str(tracks[0]): [[0, 30]]}
