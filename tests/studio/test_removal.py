"""Deleting videos and projects: what goes, what stays, what stands in the way, and that a kill in between does no harm."""

import io
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from studio.jobs import removing
from studio.jobs.drawing import overlay_path
from studio.jobs.worker import perform
from studio.review import edits, suggestions
from studio.settings import Home
from studio.store import Row, Store, jobs, library, removal, reviews
from tests.studio.library import new_video, predict, square
from tests.studio.processes import tiny_model
from tests.videos import make_video, numbered_frames

HANGING = (
    "videos",
    "runs",
    "tracks",
    "masks",
    "spans",
    "corrections",
    "track_states",
    "edits",
    "edit_cells",
    "edit_tracks",
    "mask_summaries",
    "suggestions",
    "reviews",
    "comments",
)


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home").create()


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return make_video(tmp_path / "clip.mp4", numbered_frames(6))


def run_jobs(store: Store, home: Home) -> None:
    for job in jobs.queued(store.database):
        perform(store, home, job["id"])


def new_project(client: TestClient, name: str = "Project") -> int:
    return int(client.post("/projects", json={"name": name}).json()["id"])


def upload(client: TestClient, project: int, clip: Path) -> Any:
    files = {"file": (clip.name, io.BytesIO(clip.read_bytes()), "video/mp4")}
    return client.post(f"/projects/{project}/videos", files=files).json()


def correct(store: Store, video: Row, track: int) -> None:
    """Two changes that stand and one that was undone, and what people said of the video."""
    edits.set_mask(store, video["id"], track, 1, square(2, 2), 1, "local")
    edits.delete_from(store, video["id"], track, 5, "local")
    edits.delete_track(store, video["id"], track, "local")
    edits.undo(store, video["id"], "local")
    reviews.assign(store.database, video["id"], "ann", "local")
    reviews.add_comment(store.database, video["id"], "Look here.", "local", 1, track)
    suggestions.queue(store, video["id"])


def counts(store: Store) -> dict[str, int]:
    return {table: store.database[table].count for table in HANGING}


def refused(answer: Any) -> str:
    assert answer.status_code == 409
    return str(answer.json()["detail"])


def test_a_deleted_video_takes_its_runs_and_corrections_along_and_nothing_else(
    client: TestClient, store: Store, home: Home
) -> None:
    kept = new_video(store, name="kept")
    correct(store, kept, predict(store, kept, {0: range(10), 1: range(3)})[0])
    before = counts(store)
    gone = new_video(store, name="gone", project=kept["project_id"])
    correct(store, gone, predict(store, gone, {0: range(10), 1: range(3)})[1])
    predict(store, gone, {0: range(4)})
    assert client.get(f"/videos/{gone['id']}").json()["holds"] == {"runs": 2, "corrections": 2, "exports": 0}

    assert client.delete(f"/videos/{gone['id']}").status_code == 204
    for path in ("", "/tracks", "/masks", "/timeline", "/edits", "/runs", "/frames/0.jpg", "/thumbnail.jpg"):
        assert client.get(f"/videos/{gone['id']}{path}").status_code == 404
    assert client.delete(f"/videos/{gone['id']}").status_code == 404
    project = client.get(f"/projects/{kept['project_id']}").json()
    assert [video["name"] for video in project["videos"]] == ["kept"]
    assert project["holds"] == {"runs": 1, "corrections": 2, "exports": 0}
    assert [project["videos"] for project in client.get("/projects").json()["projects"]] == [1]
    assert client.get("/jobs").json()["jobs"] == []

    run_jobs(store, home)
    assert counts(store) == before
    assert jobs.queued(store.database) == []
    assert list(store.database.query("pragma foreign_key_check")) == []


def test_files_go_with_the_last_video_that_uses_them(client: TestClient, store: Store, home: Home, clip: Path) -> None:
    first, second = (upload(client, new_project(client, name), clip) for name in ("one", "two"))
    run_jobs(store, home)
    overlay = overlay_path(home, first["id"])
    overlay.parent.mkdir()
    overlay.touch()
    client.delete(f"/videos/{first['id']}")
    run_jobs(store, home)
    assert not overlay.exists()
    assert [path.stem for path in home.thumbnails.iterdir()] == [str(second["id"])]
    assert client.get(f"/videos/{second['id']}/frames/3.jpg").status_code == 200
    client.delete(f"/projects/{second['project_id']}")
    run_jobs(store, home)
    assert list(home.thumbnails.iterdir()) == list(home.media.iterdir()) == []


def test_a_video_that_was_imported_where_it_lies_stays_there(
    client: TestClient, store: Store, home: Home, clip: Path
) -> None:
    project = new_project(client)
    video = client.post(f"/projects/{project}/videos", json={"path": str(clip)}).json()
    run_jobs(store, home)
    assert video["in_place"] and not upload(client, new_project(client, "other"), clip)["in_place"]
    client.delete(f"/videos/{video['id']}")
    run_jobs(store, home)
    assert clip.is_file()
    assert store.database.execute("select count(*) from videos").fetchone() == (1,)


def test_a_deleted_video_can_come_again_before_the_worker_has_cleared_it_away(
    client: TestClient, store: Store, home: Home, clip: Path
) -> None:
    project = new_project(client)
    first = upload(client, project, clip)
    run_jobs(store, home)
    client.delete(f"/videos/{first['id']}")
    second = upload(client, project, clip)
    assert second["id"] != first["id"]
    run_jobs(store, home)
    assert client.get(f"/videos/{second['id']}").json()["state"] == "ready"
    assert client.get(f"/videos/{second['id']}/frames/3.jpg").status_code == 200


def test_a_deleted_project_is_gone_with_its_exports_and_gives_its_name_back(
    client: TestClient, store: Store, home: Home, clip: Path
) -> None:
    project = new_project(client)
    video = upload(client, project, clip)
    run_jobs(store, home)
    correct(store, video, predict(store, video_with_categories(store, video), {0: range(6)})[0])
    export = client.post(f"/projects/{project}/exports", json={}).json()["export"]
    run_jobs(store, home)
    assert (home.exports / str(export) / "file.zip").is_file()
    assert client.get(f"/projects/{project}").json()["holds"] == {"runs": 1, "corrections": 2, "exports": 1}

    assert client.delete(f"/projects/{project}").status_code == 204
    for path in (f"/projects/{project}", f"/videos/{video['id']}", f"/exports/{export}", f"/exports/{export}/file.zip"):
        assert client.get(path).status_code == 404
    assert client.post(f"/projects/{project}/exports", json={}).status_code == 404
    assert client.get("/projects").json() == {"projects": []} and client.get("/jobs").json()["jobs"] == []
    assert new_project(client) != project
    run_jobs(store, home)
    assert not (home.exports / str(export)).exists()
    assert set(counts(store).values()) == {0}
    assert [row["name"] for row in store.database.query("select name from projects")] == ["Project"]


def video_with_categories(store: Store, video: Row) -> Row:
    library.add_category(store.database, video["project_id"], "dog")
    return library.video(store.database, video["id"])


def test_what_is_worked_on_is_not_deleted_until_that_is_stopped(client: TestClient, store: Store, home: Home) -> None:
    tiny_model(home)
    video = new_video(store, name="lake")
    other = new_video(store, name="yard", project=video["project_id"])
    video_path, project_path = f"/videos/{video['id']}", f"/projects/{video['project_id']}"
    job = client.post(f"{video_path}/runs", json={"model": "tiny"}).json()["job"]
    jobs.claim(store.database, job)
    reason = 'a model is running on "lake". Stop that first, or wait until it is done.'
    assert refused(client.delete(video_path)) == f'"lake" cannot be deleted now: {reason}'
    assert refused(client.delete(project_path)) == f'"Project of lake" cannot be deleted now: {reason}'
    assert client.delete(f"/videos/{other['id']}").status_code == 204, "nobody works on the other one"
    jobs.finish(store.database, job, "cancelled")
    export = client.post(f"{project_path}/exports", json={}).json()["job"]
    assert '"Project of lake" is being exported' in refused(client.delete(video_path))
    client.post(f"/jobs/{export}/cancel")
    overlay = jobs.add_job(store.database, "overlay", project_id=video["project_id"], video_id=video["id"])
    assert 'the overlay of "lake" is being drawn' in refused(client.delete(video_path))
    jobs.finish(store.database, overlay["id"])
    assert client.get(video_path).json()["name"] == "lake"
    assert client.delete(project_path).status_code == 204


@pytest.mark.parametrize("whole_project", [False, True])
def test_a_worker_that_dies_while_it_clears_away_leaves_no_row_without_its_file(
    store: Store, home: Home, monkeypatch: pytest.MonkeyPatch, whole_project: bool
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    video = new_video(store)
    (home.media / video["path"]).touch()
    predict(store, video, {0: range(10), 1: range(3)})
    with store.transaction() as database:
        if whole_project:
            job = removal.remove_project(database, video["project_id"])
        else:
            job = removal.remove_video(database, video["id"])
    delete_masks = removal.delete_masks
    monkeypatch.setattr(removal, "delete_masks", lambda *rest: die(delete_masks(*rest)))
    with pytest.raises(Killed):
        perform(store, home, job["id"])
    assert (home.media / video["path"]).exists() and counts(store)["videos"] == 1

    monkeypatch.undo()
    monkeypatch.setattr(removing, "_remove_media", die)
    jobs.requeue_stale(store.database)
    with pytest.raises(Killed):
        perform(store, home, job["id"])
    assert counts(store)["videos"] == 0
    monkeypatch.undo()
    jobs.requeue_stale(store.database)
    run_jobs(store, home)
    assert store.database["projects"].count == (0 if whole_project else 1)


def test_a_removal_that_failed_is_tried_again_by_the_next_worker(
    store: Store, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    video = new_video(store)
    with store.transaction() as database:
        job = removal.remove_video(database, video["id"])
    monkeypatch.setattr(removal, "delete_masks", full)
    perform(store, home, job["id"])
    monkeypatch.undo()
    assert jobs.queued(store.database) == [] and counts(store)["videos"] == 1
    jobs.requeue_stale(store.database)
    run_jobs(store, home)
    assert counts(store)["videos"] == 0


def test_masks_are_deleted_some_frames_at_a_time_so_that_others_can_write_in_between(
    store: Store, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = new_video(store, name="kept")
    predict(store, kept, {0: range(40)})
    video = new_video(store, project=kept["project_id"])
    predict(store, video, {0: range(40), 1: range(10, 20)})
    predict(store, video, {0: range(40)})
    with store.transaction() as database:
        job = removal.remove_video(database, video["id"])
    left: list[int] = []

    def someone_writes(_: float) -> None:
        left.append(counts(store)["masks"])
        with Store(home.database).transaction() as database:
            library.add_project(database, f"{len(left)}")

    monkeypatch.setattr(removing, "WINDOW", 16)
    monkeypatch.setattr("studio.jobs.removing.time.sleep", someone_writes)
    perform(store, home, job["id"])
    assert left == [40 + 2 * 24 + 4, 40 + 2 * 8, 40] and counts(store)["videos"] == 1


def test_a_file_that_comes_while_its_project_goes_is_not_left_behind(
    client: TestClient, store: Store, home: Home, clip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from studio.api import library as routes

    project = new_project(client)
    facts = routes.video_facts

    def slow_facts(path: Path) -> dict[str, Any]:
        assert client.delete(f"/projects/{project}").status_code == 204
        return facts(path)

    monkeypatch.setattr(routes, "video_facts", slow_facts)
    assert upload(client, project, clip)["detail"] == f"There is no project {project}."
    assert list(home.media.iterdir()) == list(home.temporary.iterdir()) == []


def test_projects_and_videos_get_other_names(client: TestClient, store: Store) -> None:
    video = new_video(store)
    project = f"/projects/{video['project_id']}"
    new_project(client, "taken")
    assert client.patch(project, json={"name": " Dogs "}).json()["name"] == "Dogs"
    assert client.patch(project, json={"name": "Dogs"}).status_code == 200
    assert "already a project" in refused(client.patch(project, json={"name": "taken"}))
    assert client.patch(f"/videos/{video['id']}", json={"name": "lake <i>"}).json()["name"] == "lake <i>"
    assert client.get(f"{project}/videos").json()["videos"][0]["name"] == "lake <i>"
    assert client.patch(f"/videos/{video['id']}", json={"name": "  "}).status_code == 422
    assert client.patch("/videos/9", json={"name": "x"}).status_code == 404
    assert client.patch("/projects/9", json={"name": "x"}).status_code == 404
