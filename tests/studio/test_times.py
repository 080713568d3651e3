"""When frames are shown: told for videos whose rate varies, left out where the rate says it all."""

from pathlib import Path

import numpy as np
import pytest
from fastapi.testclient import TestClient

from studio.settings import Home
from studio.store import Store
from tests.studio.library import new_video


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


def stored(store: Store, pts: np.ndarray | None) -> int:
    video = new_video(store, length=5)
    with store.transaction() as database:
        packed = None if pts is None else pts.astype("<f8").tobytes()
        database.execute("update videos set pts = ? where id = ?", (packed, video["id"]))
    return int(video["id"])


def test_a_varying_rate_is_told_frame_by_frame_from_the_first_one(client: TestClient, store: Store) -> None:
    video = stored(store, np.array([3.0, 3.04, 3.08, 3.5, 3.54]))
    assert client.get(f"/videos/{video}/times").json() == {"times": [0.0, 0.04, 0.08, 0.5, 0.54]}


def test_a_steady_rate_needs_no_times_even_with_rounded_timestamps(client: TestClient, store: Store) -> None:
    video = stored(store, np.round(7 + np.arange(5) / 25, 3) + 0.001)
    assert client.get(f"/videos/{video}/times").json() == {"times": None}


def test_images_have_no_times(client: TestClient, store: Store) -> None:
    assert client.get(f"/videos/{stored(store, None)}/times").json() == {"times": None}


def test_a_video_that_does_not_exist_has_none_either(client: TestClient) -> None:
    assert client.get("/videos/99/times").status_code == 404
