"""The studio's own files: kept by browsers where their address says what is in them, asked about elsewhere."""

import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from studio import static_files
from studio.app import create_app
from studio.settings import Home
from studio.static_files import FOLDER, OwnFiles, address, own_files


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return TestClient(create_app(Home(tmp_path_factory.mktemp("home"))), base_url="http://localhost")


def test_a_file_is_kept_for_ever_under_the_address_that_stands_for_its_content(studio: TestClient) -> None:
    kept = studio.get(address("review/main.js"))
    asked = studio.get("/static/review/main.js")
    assert kept.content == asked.content == (FOLDER / "review/main.js").read_bytes()
    assert "immutable" in kept.headers["cache-control"]
    assert asked.headers["cache-control"] == "no-cache"
    assert "javascript" in kept.headers["content-type"]
    again = studio.get("/static/review/main.js", headers={"If-None-Match": asked.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


def test_the_page_names_every_module_before_it_is_needed(studio: TestClient) -> None:
    page = studio.get("/").text.replace('\\"', '"')  # Gradio has what goes in the head as JSON
    named = set(re.findall(r'rel="modulepreload" fetchpriority="low" href="([^"]+)"', page))
    modules = {name for name in own_files() if re.fullmatch(r"(review|pages)/.*\.js", name)} - {"pages/boot.js"}
    assert named == {address(name) for name in modules}
    assert len(named) > 50


@pytest.mark.parametrize("path", ["../app.py", "%2e%2e/app.py", "review", "review/", "nothing.js"])
def test_nothing_else_is_served(studio: TestClient, path: str) -> None:
    assert studio.get(f"/static/{path}").status_code == 404
    assert studio.get(address(path)).status_code == 404


def test_a_file_that_changes_on_disk_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(static_files, "FOLDER", tmp_path)
    (tmp_path / "a.js").write_text("one")
    client = TestClient(OwnFiles())
    assert client.get("/a.js").text == "one"
    (tmp_path / "a.js").write_text("three")
    assert client.get("/a.js").text == "three"
