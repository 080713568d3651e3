"""The line of jobs: whose turn it is, moving in it, and a list that stays quick however long it is."""

import time
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from studio.api import create_api
from studio.cli import main
from studio.jobs.worker import work_off
from studio.settings import Home
from studio.store import Row, Store, finetunes, job_line, jobs, runs
from studio.store.errors import Conflict
from tests.studio.library import new_store, new_video
from tests.studio.test_jobs import ended, new_studio, start_run

MANY = 500
QUICK = 0.05  # seconds for a page of the list, beside which the page's own work is what one notices


def waiting_runs(store: Store, video: Row, number: int) -> list[int]:
    """So many jobs that wait to run a model; their ids in order."""
    with store.transaction() as database:
        made = [runs.add_run(database, video["id"], "demo", {})["id"] for _ in range(number)]
        return [jobs.add_job(database, "run", video_id=video["id"], run_id=run)["id"] for run in made]


def line(store: Store) -> list[int]:
    return [job["id"] for job in jobs.queued(store.database)]


def test_a_job_moves_among_those_that_wait_in_its_line(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    one, two, three = waiting_runs(store, new_video(store), 3)
    between = jobs.add_job(store.database, "export")["id"]  # another line: it is no neighbour
    four = waiting_runs(store, new_video(store, name="other"), 1)[0]
    job_line.move(store.database, four, "up")
    assert line(store) == [one, two, four, between, three]
    job_line.move(store.database, three, "first")
    job_line.move(store.database, one, "last")
    assert line(store) == [three, two, four, between, one]
    job_line.move(store.database, three, "up")  # it is there already
    job_line.move(store.database, two, "down")
    assert [job_line.next_in_line(store.database, each) for each in ("inference", "library", "frames")] == [
        three, between, None,
    ]  # fmt: skip
    jobs.claim(store.database, three)
    with pytest.raises(Conflict, match=f"Job {three} does not wait for its turn, .* it is running"):
        job_line.move(store.database, three, "first")
    jobs.cancel(store.database, four)
    jobs.queue_again(store.database, four)
    assert line(store) == [two, between, one, four], "what is asked for again waits at the end"


def test_the_worker_does_jobs_in_the_order_of_the_line(tmp_path: Path) -> None:
    home, store, video = new_studio(tmp_path, length=4)
    made = [start_run(home, store, video) for _ in range(3)]
    job_line.move(store.database, made[2]["id"], "first")
    work_off(store, home, "inference")
    assert all(ended(store, job) for job in made)
    order = (
        "select id from jobs where kind = 'run' order by (select min(id) from tracks t where t.run_id = jobs.run_id)"
    )
    assert [job for (job,) in store.database.execute(order)] == [made[2]["id"], made[0]["id"], made[1]["id"]]


def test_the_list_shows_what_runs_then_what_waits_in_turn_then_what_is_over(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    video = new_video(store)
    over, running, paused, first, second = waiting_runs(store, video, 5)
    hidden = jobs.add_job(store.database, "remove")["id"]
    jobs.claim(store.database, over)
    jobs.fail(store.database, over, "No room.")
    jobs.claim(store.database, running)
    store.database.execute("update jobs set paused = 1 where id = ?", (paused,))
    job_line.move(store.database, second, "first")
    seen = job_line.listed(store.database)
    assert [job["id"] for job in seen] == [running, second, first, paused, over] and hidden not in {
        j["id"] for j in seen
    }
    assert (seen[0]["project"], seen[0]["video"], seen[0]["model"]) == ("Project of clip", "clip", "demo")
    assert job_line.counts(store.database) == {
        "running": 1, "queued": 2, "paused": 1, "failed": 1, "cancelled": 0, "done": 0,
    }  # fmt: skip
    assert [job["id"] for job in job_line.listed(store.database, state="paused")] == [paused]
    assert [job["id"] for job in job_line.listed(store.database, limit=2, offset=1)] == [second, first]
    assert job_line.listed(store.database, kind="export") == []


def test_hundreds_of_waiting_jobs_are_listed_and_moved_at_once(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    waiting = waiting_runs(store, new_video(store), MANY)
    app = FastAPI()
    app.mount("/api/v1", create_api(Home(tmp_path / "home"), store))
    with TestClient(app, base_url="http://studio.test/api/v1") as client:

        def seconds(address: str) -> float:
            began = time.perf_counter()
            assert client.get(address).status_code == 200
            return time.perf_counter() - began

        for address in ("/jobs?limit=50", "/jobs?limit=50&offset=400", "/jobs?limit=50&state=queued&kind=run"):
            assert min(seconds(address) for _ in range(5)) < QUICK
        found = client.get("/jobs?limit=50&offset=450").json()
        assert [job["id"] for job in found["jobs"]] == waiting[450:] and found["counts"]["queued"] == MANY
        moved = client.post(f"/jobs/{waiting[-1]}/move", json={"to": "first"})
        assert moved.status_code == 200 and moved.json()["model"] == "demo"
        assert client.get("/jobs?limit=1").json()["jobs"][0]["id"] == waiting[-1]
        assert client.post("/jobs/99999/move", json={"to": "first"}).status_code == 404
        assert client.post(f"/jobs/{waiting[0]}/move", json={"to": "away"}).status_code == 422
        assert client.get("/jobs?limit=0").status_code == 422


def test_a_job_is_moved_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = new_store(tmp_path)
    one, two = waiting_runs(store, new_video(store), 2)

    def command(*arguments: object) -> str:
        with pytest.raises(SystemExit):
            main([*map(str, arguments), "--home", str(tmp_path / "home")])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return said.out + said.err

    assert f"Job {two} is moved." in command("jobs", "move", two, "first")
    assert line(store) == [two, one]
    assert "first, up, down or last" in command("jobs", "move", two, "aside")


def test_a_fine_tuning_that_goes_on_keeps_its_place(tmp_path: Path) -> None:
    store = new_store(tmp_path)
    project = new_video(store)["project_id"]
    with store.transaction() as database:
        names = [finetunes.Names("demo", "demo", name) for name in "ab"]
        first, second = (finetunes.add_finetune(database, project, each, {}, "", {}, "ann") for each in names)
        finetunes.ask_to_pause(database, first["id"])
    assert job_line.next_in_line(store.database, "training") == second["job"]["id"]
    finetunes.go_on(store.database, first["id"])
    assert job_line.next_in_line(store.database, "training") == first["job"]["id"]
