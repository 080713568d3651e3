"""What a person set for themselves is kept for that person alone, and small."""

from pathlib import Path

import pytest
from fastapi import Request
from fastapi.params import Depends
from fastapi.testclient import TestClient

from studio.api import create_api
from studio.settings import Home
from studio.store import Store
from studio.store.preferences import LARGEST


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


def client(home: Home, person: str) -> TestClient:
    def login(request: Request) -> None:
        request.state.user = person

    return TestClient(create_api(home, Store(home.database), [Depends(login)]))


def test_preferences_are_found_again_by_their_person_only(home: Home) -> None:
    chosen = {"review": {"keys": {"swap": ["Ctrl+X"]}, "opacity": 0.5}, "größe": [1, None, True]}
    assert client(home, "ann").get("/preferences").json() == {}
    assert client(home, "ann").put("/preferences", json=chosen).json() == chosen
    assert client(home, "ann").get("/preferences").json() == chosen
    assert client(home, "bob").get("/preferences").json() == {}


def test_the_latest_preferences_take_the_place_of_the_former(home: Home) -> None:
    ann = client(home, "ann")
    ann.put("/preferences", json={"one": 1})
    ann.put("/preferences", json={"two": 2})
    assert ann.get("/preferences").json() == {"two": 2}


def test_an_oversized_object_is_refused_and_changes_nothing(home: Home) -> None:
    ann = client(home, "ann")
    ann.put("/preferences", json={"one": 1})
    refused = ann.put("/preferences", json={"text": "x" * LARGEST})
    assert (refused.status_code, "at most" in refused.json()["detail"]) == (422, True)
    assert ann.get("/preferences").json() == {"one": 1}


@pytest.mark.parametrize("body", [[], "keys", 3, None])
def test_only_an_object_is_taken(home: Home, body: object) -> None:
    assert client(home, "ann").put("/preferences", json=body).status_code == 422
