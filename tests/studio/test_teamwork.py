"""How people share the work: review states, assignment, comments, over HTTP."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import Request
from fastapi.params import Depends
from fastapi.testclient import TestClient

from studio.api import create_api
from studio.settings import Home
from studio.store import Row, Store, reviews
from tests.studio.library import new_video, predict


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def people(home: Home, store: Store) -> dict[str, TestClient]:
    """Ann and Bob, each logged in."""

    def login(request: Request) -> None:
        request.state.user = request.headers["person"]

    app = create_api(home, store, [Depends(login)])
    return {name: TestClient(app, headers={"person": name}) for name in ("ann", "bob")}


@pytest.fixture
def video(store: Store) -> Row:
    return new_video(store)


def test_a_video_goes_from_hand_to_hand(people: dict[str, TestClient], video: Row) -> None:
    ann, bob, address = people["ann"], people["bob"], f"/videos/{video['id']}/review"
    assert ann.get(address).json() == {
        "video_id": video["id"], "state": "to_do", "assignee": None, "user": None, "at": None,
    }  # fmt: skip
    assert ann.patch(address, json={"state": "in_work", "assignee": "ann"}).json()["assignee"] == "ann"
    assert bob.patch(address, json={"state": "accepted"}).status_code == 409
    ann.patch(address, json={"state": "done"})
    assert bob.patch(address, json={"state": "returned"}).status_code == 422
    returned = bob.patch(address, json={"state": "returned", "comment": "The dog is a fox."}).json()
    assert (returned["state"], returned["user"], returned["assignee"]) == ("returned", "bob", "ann")
    assert ann.get(f"/videos/{video['id']}/comments").json()["comments"][0]["text"] == "The dog is a fox."
    for state in ("in_work", "done"):
        ann.patch(address, json={"state": state})
    assert bob.patch(address, json={"state": "accepted", "assignee": None}).json()["assignee"] is None
    listed = bob.get(f"/projects/{video['project_id']}/reviews").json()["reviews"]
    assert [(row["state"], row["open_comments"]) for row in listed] == [("accepted", 1)]


@pytest.mark.parametrize("state", sorted(reviews.NEXT))
def test_every_state_leads_only_where_it_may(store: Store, video: Row, state: str) -> None:
    paths = {"to_do": [], "in_work": ["in_work"], "done": ["done"], "returned": ["done", "returned"]}
    for step in paths.get(state, ["done", "accepted"]):
        reviews.set_state(store.database, video["id"], step, "ann", "why")
    for target in reviews.NEXT:
        with store.transaction() as database:
            database.execute("savepoint trial")
            try:
                reached = reviews.set_state(database, video["id"], target, "ann", "why")["state"]
            except reviews.Conflict:
                reached = state
            database.execute("rollback to trial")
        assert reached == (target if target in reviews.NEXT[state] else state)


def test_comments_are_pinned_resolved_and_only_changed_by_who_wrote_them(
    people: dict[str, TestClient], store: Store, video: Row
) -> None:
    ann, bob, address = people["ann"], people["bob"], f"/videos/{video['id']}/comments"
    track = predict(store, video, {0: range(5)})[0]
    made = ann.post(address, json={"text": " <b>Why?</b> ", "frame": 3, "track": track})
    assert made.status_code == 201
    comment = made.json()
    assert (comment["text"], comment["frame"], comment["track_id"], comment["user"]) == ("<b>Why?</b>", 3, track, "ann")
    place = f"/comments/{comment['id']}"
    assert bob.patch(place, json={"text": "changed"}).status_code == 409
    assert bob.delete(place).status_code == 409
    resolved = bob.patch(place, json={"resolved": True}).json()
    assert resolved["resolved_by"] == "bob" and resolved["resolved_at"]
    assert ann.patch(place, json={"resolved": False, "text": "Because."}).json()["resolved_by"] is None
    same = {"text": "Twice?", "frame": 4}
    twice = [ann.post(address, json=same, headers={"Idempotency-Key": "k"}).json()["id"] for _ in range(2)]
    assert twice[0] == twice[1] and ann.delete(f"/comments/{twice[0]}").status_code == 204
    assert ann.delete(place).status_code == 204
    assert ann.get(address).json() == {"comments": []}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": " "}, 422),
        ({"text": "x" * 2001}, 422),
        ({"text": "x", "frame": 40}, 422),
        ({"text": "x", "track": 99}, 404),
        ({}, 422),
    ],
)
def test_comments_that_point_nowhere_are_refused(
    people: dict[str, TestClient], video: Row, body: dict[str, Any], status: int
) -> None:
    answer = people["ann"].post(f"/videos/{video['id']}/comments", json=body)
    assert answer.status_code == status and isinstance(answer.json()["detail"], str)


def test_each_person_has_an_undo_of_their_own(people: dict[str, TestClient], store: Store, video: Row) -> None:
    track = predict(store, video, {0: range(10)})[0]
    address = f"/videos/{video['id']}"
    for name, frame in (("ann", 2), ("bob", 4)):
        body = {"tracks": [track], "start": frame, "stop": frame + 1}
        assert people[name].post(f"{address}/ops/delete", json=body).status_code == 200
    undone = people["ann"].post(f"{address}/undo").json()
    assert undone["frames"] == [2, 2]
    logs = {name: person.get(f"{address}/edits").json() for name, person in people.items()}
    assert (logs["ann"]["can_undo"], logs["ann"]["can_redo"]) == (False, True)
    assert (logs["bob"]["can_undo"], logs["bob"]["can_redo"]) == (True, False)
    assert [(edit["user"], edit["undone"]) for edit in logs["ann"]["edits"]] == [("ann", True), ("bob", False)]


def test_people_say_who_they_are_and_their_work_carries_the_name(client: TestClient, store: Store, video: Row) -> None:
    track = predict(store, video, {0: range(10)})[0]
    address = f"/videos/{video['id']}"
    assert client.get("/people").json() == {"me": "local", "fixed": False, "people": []}
    assert client.put("/me", json={"name": "  "}).status_code == 422
    assert client.put("/me", json={"name": " Åsa; <b>K</b> "}).json() == {"name": "Åsa; <b>K</b>"}
    client.post(f"{address}/ops/delete", json={"tracks": [track], "start": 2, "stop": 3})
    assert client.get(f"{address}/edits").json()["edits"][0]["user"] == "Åsa; <b>K</b>"
    client.patch(f"{address}/review", json={"assignee": "bob"})
    assert client.get("/people").json() == {"me": "Åsa; <b>K</b>", "fixed": False, "people": ["bob", "Åsa; <b>K</b>"]}


def test_a_name_that_comes_from_the_login_cannot_be_changed(people: dict[str, TestClient]) -> None:
    assert people["ann"].put("/me", json={"name": "bob"}).status_code == 409
    assert people["ann"].get("/people").json() == {"me": "ann", "fixed": True, "people": ["ann"]}


def test_a_new_track_that_was_asked_for_twice_is_made_once(client: TestClient, video: Row) -> None:
    address, named = f"/videos/{video['id']}", {"Idempotency-Key": "n1"}
    body = {"category_id": client.get(address).json()["categories"][0]["id"], "frame": 3}
    first, second = (client.post(f"{address}/ops/new_track", json=body, headers=named).json() for _ in range(2))
    assert first == second
    assert [track["id"] for track in client.get(f"{address}/tracks").json()["tracks"]] == [first["track"]]
