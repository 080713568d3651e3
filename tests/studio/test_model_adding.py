"""Adding a model over HTTP: a job that reads a file of any known form, and keeps it whole or not at all."""

import io
import multiprocessing
import os
import signal
import zipfile
from pathlib import Path
from typing import Any

import pytest
import torch
from fastapi.testclient import TestClient

from engine import PRESETS, build_model, load_model, save_checkpoint
from engine.checkpoint import export_published
from studio.jobs import adding
from studio.jobs.worker import perform
from studio.settings import Home
from studio.store import Store, jobs, models
from tests.engine.test_recognise import PAIR, TRIO, TWIN, coco_file
from tests.studio.test_download import Site, site  # noqa: F401 - a fixture
from tests.studio.test_models_command import Evil


@pytest.fixture(autouse=True)
def presets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three small nets among the presets, two of which cannot be told apart."""
    for preset in (PAIR, TRIO, TWIN):
        monkeypatch.setitem(PRESETS, preset.name, preset)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


class Shelf:
    """Sends models to a studio and has its jobs done."""

    def __init__(self, client: TestClient, store: Store, home: Home, folder: Path) -> None:
        self.client, self.store, self.home, self.folder = client, store, home, folder

    def file(self, preset: Any, name: str) -> Path:
        export_published(build_model(preset), self.folder / name)
        return self.folder / name

    def send(self, file: Path, **said: str) -> dict[str, Any]:
        """The job of an upload, done."""
        with file.open("rb") as opened:
            return self.done(self.client.post("/models", params=said, files={"file": (file.name, opened)}))

    def ask(self, **body: Any) -> dict[str, Any]:
        return self.done(self.client.post("/models", json=body))

    def done(self, answer: Any) -> dict[str, Any]:
        assert answer.status_code == 202, answer.text
        perform(self.store, self.home, answer.json()["id"])
        return dict(self.client.get(f"/jobs/{answer.json()['id']}").json())

    def names(self) -> list[str]:
        return [row["name"] for row in models.models(self.store.database)]

    def litter(self) -> list[str]:
        return [path.name for path in self.home.temporary.rglob("*") if path.is_file()]


@pytest.fixture
def shelf(client: TestClient, store: Store, home: Home, tmp_path: Path) -> Shelf:
    return Shelf(client, store, home, tmp_path)


def test_an_uploaded_file_becomes_one_of_the_family(shelf: Shelf) -> None:
    job = shelf.send(shelf.file(TRIO, "ctvis trio.pth"))
    assert (job["state"], job["model"], job["title"]) == ("done", "ctvis_trio", "ctvis_trio"), job["error"]
    assert job["message"] == "Preset trio. Nothing is left at random: every tensor came from the file."
    shown = shelf.client.get("/models/ctvis_trio").json()
    assert (shown["source"], shown["untrained"], len(shown["categories"])) == ("ctvis trio.pth", [], 3)
    assert shelf.send(shelf.folder / "ctvis trio.pth")["model"] == "ctvis_trio-2", (
        "nobody named it: a free name is found"
    )
    assert shelf.litter() == []
    taken = shelf.client.post("/models", params={"name": "ctvis_trio"}, files={"file": ("x.pth", b"x")})
    assert taken.status_code == 409 and "Give another name" in taken.json()["detail"]
    wrong = shelf.client.post("/models", params={"preset": "nonsense"}, files={"file": ("x.pth", b"x")})
    assert wrong.status_code == 422 and "nonsense" in wrong.json()["detail"]


def test_a_file_whose_preset_was_not_said_waits_for_another_try(shelf: Shelf) -> None:
    failed = shelf.send(shelf.file(PAIR, "pair.pth"))
    assert failed["state"] == "failed" and "fits tiny and twin" in failed["error"]
    assert shelf.litter() == ["pair.pth"]
    again = shelf.ask(job=failed["id"], preset="twin", name="pair")
    assert (again["id"], again["state"]) == (failed["id"], "done")
    assert models.model_named(shelf.store.database, "pair")["preset"]["name"] == "twin" and shelf.litter() == []


def test_a_start_for_training_says_what_is_random_and_is_listed_when_asked_for(shelf: Shelf) -> None:
    job = shelf.send(coco_file(shelf.folder / "coco.pkl", TRIO), preset="trio")
    assert "Left at random: the classes (3 categories and none) and the re-ID head." in job["message"]
    assert "coco" not in {model["name"] for model in shelf.client.get("/models").json()["models"]}
    listed = {model["name"]: model for model in shelf.client.get("/models?starts=true").json()["models"]}
    assert len(listed["coco"]["untrained"]) == 2


def test_what_the_models_page_exports_comes_back_as_the_same_model(shelf: Shelf) -> None:
    save_checkpoint(build_model(TWIN), TWIN, shelf.home.models / "mine.safetensors")
    packed = shelf.client.get("/models/mine/export").content
    (shelf.folder / "taken.zip").write_bytes(packed)
    assert shelf.send(shelf.folder / "taken.zip", name="back")["state"] == "done"
    with zipfile.ZipFile(io.BytesIO(shelf.client.get("/models/back/export").content)) as archive:
        again = archive.read("back.safetensors")
    assert again == zipfile.ZipFile(io.BytesIO(packed)).read("mine.safetensors") and shelf.litter() == []


@pytest.mark.parametrize(
    ("name", "preset", "sentence"),
    [
        ("evil.pth", None, "evil.pth asks to run"),
        ("short.pth", None, "damaged or cut off"),
        ("page.pth", None, "is a web page"),
        ("trio.pth", "tiny", "By its shapes it belongs to trio"),
    ],
)
def test_what_is_wrong_is_one_sentence_and_nothing_is_run_or_stored(
    name: str, preset: str | None, sentence: str, shelf: Shelf
) -> None:
    file = shelf.file(TRIO, "trio.pth")
    torch.save({"model": {"backbone.x": Evil(shelf.folder / "ran")}}, shelf.folder / "evil.pth")
    (shelf.folder / "short.pth").write_bytes(file.read_bytes()[:-5000])
    (shelf.folder / "page.pth").write_bytes(b"<html>Sign in</html>")
    job = shelf.send(shelf.folder / name, **({"preset": preset} if preset else {}))
    assert job["state"] == "failed" and sentence in job["error"] and "Traceback" not in job["error"]
    assert not (shelf.folder / "ran").exists() and shelf.names() == []
    assert shelf.litter() == ([name] if preset else []), "only a sound file waits for another try"
    assert not list(shelf.home.models.iterdir())


def test_a_path_is_read_where_it_lies_and_an_address_is_fetched(shelf: Shelf, site: Site) -> None:  # noqa: F811
    file = shelf.file(TRIO, "trio.pth")
    assert shelf.ask(source=str(file), name="near")["state"] == "done" and file.exists()
    site.content = file.read_bytes()
    job = shelf.ask(source=f"{site.address}/zoo/far.pth")
    assert (job["state"], job["model"]) == ("done", "far"), job["error"]
    assert models.model_named(shelf.store.database, "far")["source"] == f"{site.address}/zoo/far.pth"
    assert shelf.litter() == []
    for body, words in (({"source": "trio.pth"}, "give the whole path"), ({}, "Give a file"), ({"job": 999}, "no job")):
        assert words in shelf.client.post("/models", json=body).json()["detail"]


def test_a_studio_for_others_reads_and_fetches_only_what_it_may(store: Store, tmp_path: Path) -> None:
    from fastapi import FastAPI

    from studio.api import create_api

    app = FastAPI()
    app.mount("/api/v1", create_api(Home(tmp_path / "home", import_roots=()), store))
    with TestClient(app, base_url="http://studio.test/api/v1") as client:
        for source, words in (
            ("/etc/passwd", "takes no models by their path"),
            ("http://10.0.0.1/x", "fetches nothing"),
        ):
            answer = client.post("/models", json={"source": source})
            assert answer.status_code == 422 and words in answer.json()["detail"]


def test_one_that_is_cancelled_stores_nothing_and_can_be_tried_again(shelf: Shelf) -> None:
    with shelf.file(TRIO, "trio.pth").open("rb") as opened:
        job = shelf.client.post("/models", files={"file": ("trio.pth", opened)}).json()["id"]
    with shelf.store.transaction() as database:  # it is asked to stop as it begins
        database.execute("update jobs set cancel = 1 where id = ?", (job,))
    perform(shelf.store, shelf.home, job)
    assert jobs.job(shelf.store.database, job)["state"] == "cancelled" and shelf.names() == []
    shelf.client.post(f"/jobs/{job}/retry")
    perform(shelf.store, shelf.home, job)
    assert shelf.names() == ["trio"] and shelf.litter() == []


@pytest.mark.parametrize("moment", [".safetensors", ".json", "upload"])
def test_a_worker_killed_as_a_model_gets_its_place_leaves_all_or_nothing(moment: str, shelf: Shelf) -> None:
    """Killed after the first of its files, after both, and between the commit and the removal of what was sent."""
    with shelf.file(TRIO, "trio.pth").open("rb") as opened:
        job = shelf.client.post("/models", files={"file": ("trio.pth", opened)}).json()["id"]
    worker = multiprocessing.get_context("fork").Process(target=_killed, args=(shelf.home, job, moment))
    worker.start()
    worker.join()
    assert worker.exitcode == -signal.SIGKILL
    whole = moment == "upload"
    assert list((shelf.home.models / "added").iterdir()), "the files were there already"
    assert shelf.names() == (["trio"] if whole else [])
    assert ("trio" in {model["name"] for model in shelf.client.get("/models").json()["models"]}) is whole
    jobs.requeue_stale(shelf.store.database)  # as the next worker does
    perform(shelf.store, shelf.home, job)
    assert jobs.job(shelf.store.database, job)["state"] == "done" and shelf.names() == ["trio"]
    assert sorted(path.name for path in (shelf.home.models / "added").iterdir()) == ["trio.json", "trio.safetensors"]
    assert load_model(shelf.home.models / "added" / "trio.safetensors")[1] == TRIO


def _killed(home: Home, job: int, moment: str) -> None:
    """A worker that dies right after the moment."""
    replace = os.replace

    def kill() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def place(source: Path, target: Path) -> None:
        replace(source, target)
        if target.parent.name == "added" and target.suffix == moment:
            kill()

    os.replace = place  # type: ignore[assignment]
    if moment == "upload":
        adding.discard = lambda file: kill()  # type: ignore[assignment]
    perform(Store(home.database), home, job)


def test_a_model_is_removed_by_its_row_so_that_a_kill_leaves_no_row_without_its_file(shelf: Shelf) -> None:
    shelf.send(shelf.file(TRIO, "trio.pth"))
    file = shelf.home.models / "added" / "trio.safetensors"
    kept = file.read_bytes()
    assert shelf.client.delete("/models/trio").status_code in (200, 204) and not file.exists()
    file.write_bytes(kept)  # what a kill after the commit leaves
    assert "trio" not in {model["name"] for model in shelf.client.get("/models").json()["models"]}
    assert shelf.send(shelf.folder / "trio.pth")["model"] == "trio" and file.exists()


def test_an_upload_may_be_larger_than_other_bodies(shelf: Shelf) -> None:
    (shelf.folder / "big.pth").write_bytes(bytes(2 * shelf.home.json_limit))
    assert "so it is no checkpoint" in shelf.send(shelf.folder / "big.pth")["error"]
