"""The database and the HTTP interface of a test's `home`; files with other needs have fixtures of their own."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.api import create_api
from studio.settings import Home
from studio.store import Store
from tests.pace import unhurried

__all__ = ["client", "store", "unhurried"]


@pytest.fixture
def store(home: Home) -> Store:
    return Store(home.database)


@pytest.fixture
def client(home: Home, store: Store) -> Iterator[TestClient]:
    app = FastAPI()
    app.mount("/api/v1", create_api(home, store))
    with TestClient(app, base_url="http://studio.test/api/v1") as client:
        yield client
