"""A model over HTTP: what its page shows, a file to take away, and why it cannot be deleted."""

import io
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from fastapi.testclient import TestClient

from engine import build_model, load_model, save_checkpoint
from engine.recognise import recognise
from studio.jobs.worker import perform
from studio.settings import Home
from studio.store import Store
from studio.store import models as table
from studio.zoo import ZOO
from tests.engine.test_recognise import TRIO
from tests.studio.library import new_video, predict
from tests.studio.processes import wait_for

REFERENCE = replace(TRIO, model=replace(TRIO.model, backbone="resnet50"))


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a net whose backbone the reference implementation has."""
    home = Home(tmp_path / "home").create()
    save_checkpoint(build_model(REFERENCE), REFERENCE, home.models / "trio.safetensors", notes={"source": "a test"})
    return home


def test_a_model_says_who_uses_it_and_why_it_stays(client: TestClient, store: Store) -> None:
    video = new_video(store)
    predict(store, video, {0: range(3)})
    store.database.execute("update runs set model = 'trio'")
    store.database.conn.commit()
    table.add_model(store.database, "trio", "trio.safetensors", REFERENCE.to_dict(), sha256="12ab")
    shown = client.get("/models/trio").json()
    assert shown["uses"] == [{"project_id": 1, "project": "Project of clip", "video_id": 1, "video": "clip", "runs": 1}]
    assert shown["held"] == client.delete("/models/trio").json()["detail"] and 'runs on "clip"' in shown["held"]
    assert shown["categories"] == [category.name for category in REFERENCE.categories] and shown["sha256"] == "12ab"
    assert shown["taught"] is None and shown["course"] is None
    assert client.get("/models/demo").json()["held"] == '"demo" is part of the program.'
    assert client.get("/models/nobody").status_code == 404


def test_a_model_is_taken_away_in_both_forms_and_leaves_nothing_behind(
    client: TestClient, home: Home, store: Store, tmp_path: Path
) -> None:
    assert client.get("/models/trio").json()["formats"] == ["safetensors", "ctvis"]
    packed = client.get("/models/trio/export")
    assert 'filename="trio.zip"' in packed.headers["content-disposition"]
    zipfile.ZipFile(io.BytesIO(packed.content)).extractall(tmp_path)
    net, preset = load_model(tmp_path / "trio.safetensors")
    assert preset == REFERENCE
    assert "not written as .pth yet" in client.get("/models/trio/export?format=ctvis").json()["detail"]
    asked = client.post("/models/trio/export")
    assert asked.status_code == 202
    perform(store, home, asked.json()["job"])
    assert client.get(f"/jobs/{asked.json()['job']}").json()["state"] == "done"
    assert client.post("/models/trio/export").json() == {"job": None}
    published = client.get("/models/trio/export?format=ctvis")
    (tmp_path / "trio.pth").write_bytes(published.content)
    again = recognise(tmp_path / "trio.pth", REFERENCE).model.state_dict()
    assert all(torch.equal(tensor, again[name]) for name, tensor in net.state_dict().items())
    assert list(home.temporary.iterdir()) == []


def test_what_the_reference_cannot_read_is_refused_in_a_sentence(client: TestClient) -> None:
    assert client.get("/models/demo").json()["formats"] == ["safetensors"]
    refused = client.post("/models/demo/export")
    assert refused.status_code == 422 and "has no backbone" in refused.json()["detail"]
    assert client.get("/models/demo/export?format=onnx").status_code == 422


def test_an_export_that_is_cancelled_leaves_nothing_behind(client: TestClient, home: Home, store: Store) -> None:
    job = client.post("/models/trio/export").json()["job"]
    with ThreadPoolExecutor(1) as beside:
        stopped = beside.submit(perform, store, home, job)
        wait_for(lambda: client.get(f"/jobs/{job}").json()["message"] or None)
        client.post(f"/jobs/{job}/cancel")
        stopped.result(20)
    assert client.get(f"/jobs/{job}").json()["state"] == "cancelled"
    assert list(home.temporary.iterdir()) == [] and not list(home.exports.rglob("*.pth"))


def test_the_zoo_is_the_authors_figures(client: TestClient) -> None:
    published = client.get("/zoo").json()["published"]
    assert [(each["fits"], each["ap"]) for each in published] == [(each.fits, each.ap) for each in ZOO]
