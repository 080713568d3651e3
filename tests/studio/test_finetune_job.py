"""Fine-tuning in the worker: a real process on a real little net, paused, cancelled, killed. A model is never there by halves."""

import json
import random
import shutil
import time
from pathlib import Path

import pytest
import torch

from studio.finetune.roles import roles
from studio.finetune.snapshot import snapshot_hash
from studio.finetune.speed import measure, measure_apart
from studio.finetune.start import overview, start
from studio.jobs.finetune import finetune_folder, finish, sample_steps
from studio.jobs.models import find_model
from studio.jobs.queue import JobQueue
from studio.jobs.worker import perform
from studio.models import remove_model, rename_model, taught_snapshot
from studio.settings import Home
from studio.store import Row, Store, finetunes, jobs, library, removal
from studio.store import models as table
from studio.store.errors import Conflict
from tests.studio.finetuning import SETTINGS, check_models, new_studio, over, press, state_of
from tests.studio.processes import forked_worker, wait_for, worker
from training.finetune import Ended, best_weights


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> tuple[Home, Store, int, Row]:
    """A fine-tuning that nobody disturbed."""
    home, store, project = new_studio(tmp_path_factory.mktemp("done"))
    found = press(home, store, project)
    perform(store, home, found["job"]["id"])
    return home, store, project, state_of(store, found)


def reopened(done: tuple[Home, Store, int, Row], folder: Path) -> tuple[Home, Store, int, Row]:
    """The same in a copy of its own."""
    home = Home(shutil.copytree(done[0].root, folder / "home"))
    return home, Store(home.database), *done[2:]


def test_one_click_makes_a_model_that_knows_where_it_came_from(done: tuple[Home, Store, int, Row]) -> None:
    home, store, project, found = done
    assert found["state"] == "done", jobs.job(store.database, found["job"]["id"])
    row = table.model_named(store.database, "Cats_dogs")
    assert (row["parent"], row["finetune_id"], row["snapshot"]) == ("tiny", found["id"], found["snapshot"])
    kept = taught_snapshot(home, row)
    assert kept and snapshot_hash(json.loads(kept.read_text())) == row["snapshot"]
    assert row["metrics"]["before"]["categories"].keys() == {"cat"} == row["metrics"]["after"]["categories"].keys()
    assert row["train_config"]["steps"] == 8
    net, preset = find_model(home, store.database, "Cats_dogs").load()
    assert [category.name for category in preset.categories] == ["cat"], "predictions use the project's categories"
    assert net.query_decoder.class_embed.out_features == 2
    assert found["result"]["model"] == "Cats_dogs" and "on the held-out videos" in found["result"]["sentence"]
    worse = found["result"]["worse"]
    assert table.default(store.database, project) == (None if worse else "Cats_dogs")


def test_it_leaves_curves_pictures_and_no_litter(done: tuple[Home, Store, int, Row]) -> None:
    home, store, _, found = done
    curve = finetunes.points(store.database, found["id"], "training")
    assert curve[-1]["step"] == 8 and {"total", "learning_rate", "fps"} <= curve[-1].keys()
    judged = finetunes.points(store.database, found["id"], "validation")
    assert [point["step"] for point in judged] == [0, 2, 4, 6, 8]
    assert set(sample_steps(home, found["id"])) == {0, 4, 8}
    folder = finetune_folder(home, found["id"])
    assert (folder / "snapshot.json").exists() and not (folder / "run" / "state.pt").exists()
    assert not list((folder / "frames").iterdir())
    job = jobs.job(store.database, found["job"]["id"])
    assert job["state"] == "done" and job["progress"] == 1 and job["message"] == found["result"]["sentence"]


def test_the_held_out_videos_stay(done: tuple[Home, Store, int, Row]) -> None:
    home, store, project, found = done
    given = roles(store.database, project)
    assert len(given) == 4 and sum(given.values()) == 1
    assert overview(store, home, project, "tiny")["summary"]["held_out"] == found["summary"]["held_out"]


def test_a_model_is_renamed_everywhere_and_not_removed_while_it_is_needed(tmp_path: Path) -> None:
    home, store, project = new_studio(tmp_path)
    perform(store, home, press(home, store, project)["job"]["id"])
    table.set_default(store.database, project, "Cats_dogs")
    rename_model(store, home, "Cats_dogs", "felines")
    assert table.default(store.database, project) == "felines"
    check_models(home, store)
    with pytest.raises(Conflict, match='it is the default of the project "Cats & dogs"'):
        remove_model(store, home, "felines")
    second = start(store, home, project, "ann", settings=SETTINGS)
    assert (second["parent"], second["in_use"]) == ("tiny", "felines")
    table.set_default(store.database, project, None)
    with pytest.raises(Conflict, match="a fine-tuning needs it"):
        remove_model(store, home, "felines")
    third = start(store, home, project, "ann", model="felines", settings=SETTINGS | {"steps": 1})
    for each in (second, third):
        perform(store, home, each["job"]["id"])
    table.set_default(store.database, project, None)
    place = find_model(home, store.database, "felines").path
    remove_model(store, home, "felines")
    assert not list(place.parent.glob(f"{place.stem}.*"))
    assert table.model_named(store.database, third["name"])["parent"] == "felines", "its child still says so"


def test_the_second_click_teaches_everything_anew_and_must_do_better_than_the_first(
    done: tuple[Home, Store, int, Row], tmp_path: Path
) -> None:
    home, store, project, first = reopened(done, tmp_path)
    table.set_default(store.database, project, "Cats_dogs")
    assert (shown := overview(store, home, project))["model"] == "tiny" and shown["in_use"] == "Cats_dogs"
    found = start(store, home, project, "ann", settings=SETTINGS | {"steps": 1})
    perform(store, home, found["job"]["id"])
    second = state_of(store, found)["result"]
    assert table.model_named(store.database, second["model"])["parent"] == "tiny"
    assert second["before"] == first["result"]["after"], "it is compared with the model in use, not with its parent"
    assert (
        " than Cats_dogs on the held-out" in second["sentence"] or "as Cats_dogs on the held-out" in second["sentence"]
    )
    assert overview(store, home, project, "Cats_dogs")["model"] == "Cats_dogs", "whoever wants to go on from it can"


def test_where_less_is_verified_than_was_taught_the_next_one_goes_on_from_what_was_taught(
    done: tuple[Home, Store, int, Row], tmp_path: Path
) -> None:
    home, store, project, _ = reopened(done, tmp_path)
    table.set_default(store.database, project, "Cats_dogs")
    video = library.videos(store.database, project)[0]
    removal.remove_video(store.database, video["id"])
    assert overview(store, home, project)["model"] == "Cats_dogs"


def test_a_model_that_is_worse_than_the_one_in_use_says_so_and_does_not_become_the_default(tmp_path: Path) -> None:
    home, store, project = new_studio(tmp_path)
    found = press(home, store, project)
    job = jobs.claim(store.database, found["job"]["id"])
    assert job
    folder = finetune_folder(home, found["id"]) / "run"
    folder.mkdir()
    for suffix in (".json", ".safetensors"):  # what training left
        shutil.copyfile(home.models / f"tiny{suffix}", best_weights(folder).with_suffix(suffix))
    finish(store, home, job, found, Ended(8, "early", 4, {"AP": 0.5}, {"AP": 0.25}))
    done = state_of(store, found)
    assert done["result"]["worse"] and not done["result"]["default"]
    assert "Worse than tiny on the held-out videos (AP 0.250 and 0.500)" in done["job"]["message"]
    assert "stopped early" in done["job"]["message"]
    assert table.default(store.database, project) is None
    check_models(home, store)


def test_nothing_verified_nothing_started(tmp_path: Path) -> None:
    home, store, project = new_studio(tmp_path, videos=0)
    with pytest.raises(Conflict, match="Nothing is verified yet"):
        start(store, home, project, "ann", model="tiny")
    assert finetunes.finetunes(store.database, project) == []


def test_pause_resume_queue_and_cancel(tmp_path: Path) -> None:
    home, store, project = new_studio(tmp_path)
    found = press(home, store, project, steps=2000, validate_steps=2000, sample_steps=0)
    with worker(home):
        wait_for(lambda: state_of(store, found)["step"] > 0 or None)
        with store.transaction() as database:
            finetunes.ask_to_pause(database, found["id"])
        paused = wait_for(lambda: over(store, found))
        assert paused["state"] == "paused" and "Paused at step" in paused["job"]["message"]
        with pytest.raises(Conflict, match="cannot be deleted now: a model is being fine-tuned"):
            removal.remove_project(store.database, project)
        with store.transaction() as database:
            finetunes.go_on(database, found["id"])
        JobQueue(home).put(found["job"])
        wait_for(lambda: state_of(store, found)["step"] > paused["step"] or None)
        second = press(home, store, project)
        at = state_of(store, found)["step"]
        wait_for(lambda: state_of(store, found)["step"] > at + 10 or None)
        assert state_of(store, second)["state"] == "queued", "one trains, the others wait"
        jobs.cancel(store.database, found["job"]["id"])
        assert wait_for(lambda: over(store, found))["state"] == "cancelled"
        assert wait_for(lambda: over(store, second))["state"] == "done"
    check_models(home, store)
    assert [row["finetune_id"] for row in table.models(store.database)] == [second["id"]]


def test_a_pause_asked_for_while_the_worker_was_dead_is_kept(tmp_path: Path) -> None:
    home, store, project = new_studio(tmp_path)
    found = press(home, store, project)
    with store.transaction() as database:  # what a killed worker leaves
        jobs.claim(database, found["job"]["id"])
        finetunes.start(database, found["id"])
        finetunes.ask_to_pause(database, found["id"])
        jobs.requeue_stale(database)
    perform(store, home, found["job"]["id"])
    assert state_of(store, found)["state"] == "paused"


def test_a_worker_killed_at_ten_random_moments_ends_with_one_whole_model(tmp_path: Path) -> None:
    home, store, project = new_studio(tmp_path)
    found = press(home, store, project, steps=24, sample_steps=12)
    choose = random.Random(11)
    for _ in range(10):
        before = len(finetunes.points(store.database, found["id"], "training")), state_of(store, found)["step"]
        with forked_worker(home) as process:
            until = time.monotonic() + 20
            while time.monotonic() < until and not over(store, found):
                now = len(finetunes.points(store.database, found["id"], "training")), state_of(store, found)["step"]
                if now > before:
                    break
                time.sleep(0.005)
            time.sleep(choose.random() * 0.2)
            process.kill()
            process.join()
        check_models(home, store)
        state = finetune_folder(home, found["id"]) / "run" / "state.pt"
        if state.exists():
            torch.load(state, weights_only=True)
    with forked_worker(home):
        assert wait_for(lambda: over(store, found))["state"] == "done"
    assert len(table.models(store.database)) == 1
    check_models(home, store)


def test_a_click_that_dies_while_the_model_is_placed_is_finished_by_the_next_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, store, project = new_studio(tmp_path)
    found = press(home, store, project)

    def dies(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed, pytest.raises(KeyboardInterrupt):
        killed.setattr("studio.store.models.add_child", dies)  # the files are in their place, the row is not
        perform(store, home, found["job"]["id"])
    check_models(home, store)
    assert table.models(store.database) == []
    with store.transaction() as database:
        jobs.requeue_stale(database)
    perform(store, home, found["job"]["id"])
    assert state_of(store, found)["state"] == "done"
    check_models(home, store)


def test_what_fails_says_why_and_can_be_resumed(tmp_path: Path) -> None:
    home, store, project = new_studio(tmp_path)
    found = press(home, store, project)
    moved = home.media / "away.mp4"
    (home.media / "1.mp4").rename(moved)
    perform(store, home, found["job"]["id"])
    assert state_of(store, found)["state"] == "failed" and "1.mp4" in state_of(store, found)["job"]["error"]
    moved.rename(home.media / "1.mp4")
    with store.transaction() as database:
        finetunes.go_on(database, found["id"])
    perform(store, home, found["job"]["id"])
    assert state_of(store, found)["state"] == "done"


def test_what_cannot_be_written_pauses_it_with_a_sentence(tmp_path: Path) -> None:
    home, store, project = new_studio(tmp_path)
    found = press(home, store, project)
    in_the_way = finetune_folder(home, found["id"]) / "run" / "state.partial"
    in_the_way.mkdir(parents=True)
    perform(store, home, found["job"]["id"])
    now = state_of(store, found)
    assert now["state"] == "paused" and now["job"]["state"] == "queued" and now["job"]["paused"]
    assert "cannot be written to" in now["job"]["message"] and "then resume" in now["job"]["message"]
    in_the_way.rmdir()
    with store.transaction() as database:
        finetunes.go_on(database, found["id"])
    perform(store, home, found["job"]["id"])
    assert state_of(store, found)["state"] == "done"


def test_half_precision_is_not_tried_where_it_is_only_emulated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, store, project = new_studio(tmp_path, videos=1)
    monkeypatch.setattr("studio.finetune.speed.is_emulated", lambda dtype, device: True)
    assert len(measure(store, home, project, "tiny")) == 1
    monkeypatch.setattr("studio.finetune.speed.is_emulated", lambda dtype, device: False)
    assert len(measure(store, home, project, "tiny")) == 2


def test_the_expected_time_is_measured_or_not_said(tmp_path: Path) -> None:
    home, store, project = new_studio(tmp_path, videos=1)
    shown = overview(store, home, project, "tiny")
    assert shown["seconds"] is None and shown["settings"]["short_edge"] == 64
    measured = measure(store, home, project, "tiny")
    shown = overview(store, home, project, "tiny")
    assert shown["seconds"] == pytest.approx(min(measured.values()) * shown["settings"]["steps"])
    store.database.execute("delete from speeds")
    measure_apart(home, project, "tiny", {"length": 1})
    assert overview(store, home, project, "tiny", {"length": 1})["seconds_per_step"] > 0
    assert overview(store, home, project, "tiny")["seconds_per_step"] is None, "nobody measured the proposed settings"
