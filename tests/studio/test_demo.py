"""The demo project: there at the first start, gone for good once removed, back when asked for."""

from pathlib import Path

from engine import PRESETS
from studio.demo import ensure_demo
from studio.jobs.queue import JobQueue
from studio.jobs.worker import perform
from studio.settings import Home
from studio.store import Store, jobs, library, removal
from tests.videos import make_video, numbered_frames


def test_a_new_home_gets_the_demo_project_once(tmp_path: Path) -> None:
    clips = tmp_path / "clips"
    clips.mkdir()
    for number, name in enumerate(("one", "two")):
        make_video(clips / f"{name}.mp4", numbered_frames(5, start=10 * number))
    home = Home(tmp_path / "home")
    ensure_demo(home, clips=clips)
    ensure_demo(home, clips=clips)
    store = Store(home.database)
    (project,) = library.projects(store.database)
    assert [video["name"] for video in library.videos(store.database, project["id"])] == ["one", "two"]
    names = [row["name"] for row in library.categories(store.database, project["id"])]
    assert names == [category.name for category in PRESETS["demo"].categories]
    assert not JobQueue(home).is_empty
    for job in jobs.queued(store.database):
        perform(store, home, job["id"])
    assert {video["state"] for video in library.videos(store.database, project["id"])} == {"ready"}

    with store.transaction() as database:
        removal.remove_project(database, project["id"])
    for cleared_away in (False, True):
        for job in jobs.queued(store.database) if cleared_away else []:
            perform(store, home, job["id"])
        ensure_demo(home, clips=clips)
        assert library.projects(store.database) == []
    assert list(home.media.iterdir()) == []
    ensure_demo(home, again=True, clips=clips)
    assert [project["name"] for project in library.projects(store.database)] == ["Demo"]
