"""Fine-tuning over HTTP and on the command line: press, watch, pause, and the family of models that comes of it."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.api import create_api
from studio.cli import main
from studio.jobs.worker import perform
from studio.review import log, verification
from studio.settings import Home
from studio.store import Store, finetunes, jobs, library
from studio.store import models as table
from tests.studio.finetuning import SETTINGS, new_studio
from tests.studio.processes import ENVIRONMENT, ROOT, wait_for


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Store, int]:
    """A project whose default model is `tiny`."""
    home, store, project = new_studio(tmp_path_factory.mktemp("home"))
    table.set_default(store.database, project, "tiny")
    return home, store, project


@pytest.fixture(scope="module")
def client(studio: tuple[Home, Store, int]) -> Iterator[TestClient]:
    home, store, _ = studio
    app = FastAPI()
    app.mount("/api/v1", create_api(home, store))
    with TestClient(app, base_url="http://studio.test/api/v1") as client:
        yield client


def test_the_way_from_the_click_to_the_model(studio: tuple[Home, Store, int], client: TestClient) -> None:
    home, store, project = studio
    shown = client.get(f"/projects/{project}/finetune").json()
    assert shown["model"] == "tiny" and shown["summary"]["ready"] and set(shown["help"]) == set(shown["settings"])
    assert shown["summary"]["held_out"]["frames"] == 6 and shown["seconds"] is None
    answer = client.post(f"/projects/{project}/finetune", json={"name": "felines", "settings": SETTINGS})
    assert answer.status_code == 202, answer.text
    started = answer.json()
    assert (started["state"], started["parent"], started["steps"]) == ("queued", "tiny", 8)
    assert client.post(f"/finetunes/{started['id']}/pause").json()["state"] == "paused"
    perform(store, home, started["job"])
    assert client.get(f"/finetunes/{started['id']}").json()["state"] == "paused", "it waits for the person"
    assert client.post(f"/finetunes/{started['id']}/resume").json()["state"] == "queued"
    perform(store, home, started["job"])
    done = client.get(f"/finetunes/{started['id']}").json()
    assert done["state"] == "done" and done["result"]["model"] == "felines", done
    assert done["training"][-1]["step"] == 8 and done["validation"][0]["step"] == 0
    step, pictures = next(iter(done["samples"].items()))
    picture = client.get(f"/finetunes/{started['id']}/samples/{step}/{pictures - 1}.jpg")
    assert picture.headers["content-type"] == "image/jpeg"
    assert client.get(f"/finetunes/{started['id']}/samples/7/0.jpg").status_code == 404
    assert any("checkpoint kept" in line for line in client.get(f"/jobs/{started['job']}/log").json()["lines"])
    assert client.post(f"/finetunes/{started['id']}/cancel").status_code == 409

    models = {model["name"]: model for model in client.get("/models").json()["models"]}
    child = models["felines"]
    assert (child["parent"], child["finetune"], child["snapshot"]) == ("tiny", started["id"], done["snapshot"])
    assert child["categories"] == ["cat"] and set(child["metrics"]) == {"before", "after", "best_step"}
    assert models["demo"]["ships"] and models["tiny"]["parent"] is None
    assert client.get("/models/felines/snapshot.json").json()["annotations"]
    assert client.get("/models/demo/snapshot.json").status_code == 409
    detail = client.get("/models/felines").json()
    assert next((video["name"], video["frames"]) for video in detail["taught"]["videos"]) == ("clip 0", 6)
    assert sum(video["held_out"] for video in detail["taught"]["videos"]) == 1
    assert (detail["taught"]["masks"], detail["taught"]["edits"], detail["taught"]["people"]) == (
        {"cat": 24},
        4,
        ["ann"],
    )
    course = detail["course"]
    assert (course["project"], course["validation"], course["samples"].keys()) == (
        "Cats & dogs",
        done["validation"],
        done["samples"].keys(),
    )

    assert client.post("/models/felines/default", json={"project_id": project}).json() == {"name": "felines"}
    refused = client.delete("/models/felines")
    assert refused.status_code == 409 and "is the default of the project" in refused.json()["detail"]
    assert client.patch("/models/felines", json={"name": "cats only"}).status_code == 422
    assert client.patch("/models/felines", json={"name": "demo"}).status_code == 409
    assert client.patch("/models/demo", json={"name": "mine"}).status_code == 409
    assert client.patch("/models/felines", json={"name": "cats"}).json() == {"name": "cats"}
    proposed = client.get(f"/projects/{project}/finetune").json()
    assert (proposed["model"], proposed["in_use"]) == ("tiny", "cats")

    video = library.videos(store.database, project)[0]
    run = client.post(f"/videos/{video['id']}/runs", json={})
    assert run.status_code == 202
    perform(store, home, run.json()["job"])
    known = client.get(f"/videos/{video['id']}").json()
    assert known["runs"][-1]["model"] == "cats", "runs begin with the default"
    assert known["run"]["model"] == "tiny", "and stay beside what people verified"
    client.post("/models/tiny/default", json={"project_id": project})
    refused = client.delete("/models/cats")
    assert refused.status_code == 409 and "runs on" in refused.json()["detail"]


def test_settings_that_make_no_sense_are_refused(studio: tuple[Home, Store, int], client: TestClient) -> None:
    project = studio[2]
    for settings in ({"steps": 0}, {"colour": 3}, {"trained": "some"}):
        answer = client.post(f"/projects/{project}/finetune", json={"settings": settings})
        assert answer.status_code == 422 and next(iter(settings)) in answer.json()["detail"]
    assert client.get("/projects/99/finetune").status_code == 404
    assert client.get("/finetunes/99").status_code == 404


def test_jobs_on_the_command_line(
    studio: tuple[Home, Store, int], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, store, project = studio
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: object) -> str:
        with pytest.raises(SystemExit) as stopped:
            main([*map(str, arguments), "--home", str(home.root)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return said.out + said.err + str(stopped.value.code)

    with store.transaction() as database:
        job = jobs.add_job(database, "overlay", project_id=project, video_id=1)["id"]
    assert "overlay" in command("jobs", "list") and "waiting" in command("jobs", "list", "--open")
    assert f"Job {job} is cancelled" in command("jobs", "cancel", job)
    assert "is over already" in command("jobs", "cancel", job)
    assert f"Job {job} is waiting" in command("jobs", "retry", job)
    assert jobs.job(store.database, job)["state"] == "queued"
    jobs.cancel(store.database, job)
    assert "There is no job 999" in command("jobs", "log", 999)


def test_fine_tuning_on_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    home, store, _ = new_studio(tmp_path)
    given = [f"--set={name}={value}" for name, value in SETTINGS.items() if name != "steps"]
    with pytest.raises(SystemExit) as stopped:
        main(["finetune", "Cats & dogs", "--model", "tiny", "--steps", "4", *given, "--home", str(home.root)])
    said = capsys.readouterr()
    assert stopped.value.code == 0, said.err
    assert "24 verified frames of 4 videos" in said.out and "Expected time" in said.out
    assert "The model is called Cats_dogs" in said.out
    assert table.model_named(store.database, "Cats_dogs")["parent"] == "tiny"
    with pytest.raises(SystemExit) as stopped:
        main(["finetune", "Nothing", "--home", str(home.root)])
    assert stopped.value.code == 1 and "no project called" in capsys.readouterr().err


def test_ctrl_c_pauses_and_retry_lets_it_go_on(tmp_path: Path) -> None:
    home, store, project = new_studio(tmp_path)
    given = [f"--set={name}={value}" for name, value in SETTINGS.items() if name not in ("steps", "validate_steps")]
    command = [sys.executable, "-m", "studio.cli", "finetune", "Cats & dogs", "--model", "tiny", "--steps", "2000"]
    with subprocess.Popen([*command, *given, "--home", str(home.root)], cwd=ROOT, env=ENVIRONMENT) as process:
        wait_for(lambda: any(row["step"] for row in finetunes.finetunes(store.database, project)) or None)
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 1
    (found,) = finetunes.finetunes(store.database, project)
    assert found["state"] == "paused" and "Paused at step" in found["job"]["message"]
    with pytest.raises(SystemExit) as stopped:
        main(["jobs", "retry", str(found["job"]["id"]), "--home", str(home.root)])
    assert stopped.value.code == 0
    assert finetunes.finetune(store.database, found["id"])["state"] == "queued"


def test_what_is_verified_while_one_waits_is_for_the_next_one(tmp_path: Path) -> None:
    from studio.finetune.start import start

    home, store, project = new_studio(tmp_path, videos=1)
    video = library.videos(store.database, project)[0]
    first = start(store, home, project, "ann", model="tiny", settings=SETTINGS)
    log.perform(store, video["id"], "ann", verification.verify(None, 0, 3, verified=False))
    second = start(store, home, project, "ann", model="tiny", settings=SETTINGS)
    assert first["snapshot"] != second["snapshot"] and first["name"] != second["name"]
    assert (first["summary"]["frames"], second["summary"]["frames"]) == (6, 3)
