"""Exports: the file is what the database shows, in the format others read, and half-written ones never appear."""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from pycocotools import mask as coco

from studio.api import create_api, results
from studio.commands.export import export as export_command
from studio.formats import ytvis
from studio.formats.cut import Cut, clip_names
from studio.jobs.worker import perform
from studio.review import edits, view
from studio.settings import Home
from studio.store import Row, Store, exports, jobs, library
from studio.store.errors import NotFound
from tests.studio.library import HEIGHT, LENGTH, WIDTH, new_store, new_video, predict, square
from tests.videos import make_video, numbered_frames, read_number
from training.ytvis import read_dataset


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return new_store(tmp_path)


@pytest.fixture
def home(tmp_path: Path, store: Store) -> Home:
    return Home(tmp_path / "home")


def start_export(store: Store, project: int, **options: Any) -> Row:
    with store.transaction() as database:
        export = exports.add_export(database, project, "ytvis", options)
        return jobs.add_job(database, "export", project_id=project, export_id=export["id"])


def export(store: Store, home: Home, project: int, **options: Any) -> tuple[dict[str, Any], zipfile.ZipFile]:
    job = start_export(store, project, **options)
    perform(store, home, job["id"])
    assert jobs.job(store.database, job["id"])["state"] == "done"
    folder = home.exports / str(job["export_id"])
    return json.loads((folder / "annotations.json").read_text()), zipfile.ZipFile(folder / "file.zip")


def reviewed(store: Store) -> tuple[Row, Row]:
    """Two videos of one project with predictions, corrections of every kind, a deleted, a hidden and a hand-made track."""
    first = new_video(store, name="a/../../b")
    second = new_video(store, name="A .. b", length=7, project=first["project_id"])
    ids = predict(store, first, {k: range(k, LENGTH - k) for k in range(5)}, scores={4: 0.1})
    predict(store, second, {0: range(2, 5)})
    cat = library.categories(store.database, first["project_id"])[1]["id"]
    edits.set_mask(store, first["id"], ids[0], 3, square(4, 4, 6), 1, "ann")
    edits.set_mask(store, first["id"], ids[0], 5, None, 1, "ann")
    edits.delete_from(store, first["id"], ids[1], 10, "ann")
    edits.delete_track(store, first["id"], ids[2], "ann")
    edits.set_category(store, first["id"], ids[3], cat, "ann")
    made = edits.new_track(store, second["id"], cat, 0, "ann").tracks[0]
    edits.set_mask(store, second["id"], made, 6, square(0, 0, 8), 0, "ann")
    edits.new_track(store, second["id"], cat, 0, "ann")  # stays empty
    edits.set_mask(store, first["id"], ids[0], 7, square(1, 1, 2), 1, "ann")
    edits.undo(store, first["id"], "ann")
    return first, second


def test_the_file_is_what_the_database_shows(store: Store, home: Home) -> None:
    videos = reviewed(store)
    dataset, _ = export(store, home, videos[0]["project_id"])
    assert dataset["categories"] == [{"id": 1, "name": "dog"}, {"id": 2, "name": "cat"}]
    numbers = {row["id"]: row["number"] for row in library.categories(store.database, videos[0]["project_id"])}
    expected = []
    for video in videos:
        for track in view.tracks(store.database, video["id"]):
            shown = view.masks(store.database, video["id"], 0, video["length"], track["id"])
            places = {mask["frame"]: mask["counts"] for mask in shown}
            if places:
                expected.append(
                    (video["id"], numbers[track["category_id"]], [places.get(t) for t in range(video["length"])])
                )
    found = [
        (a["video_id"], a["category_id"], [rle and rle["counts"] for rle in a["segmentations"]])
        for a in dataset["annotations"]
    ]
    assert found == expected
    read = read_dataset(dataset)
    assert [
        (one.video_id, one.category_id, [rle and rle["counts"] for rle in one.segmentations]) for one in read.instances
    ] == found
    assert len(dataset["annotations"]) == 5, (
        "three of the first video, two of the second; empty and hidden ones are left out"
    )


def test_every_entry_has_what_readers_of_the_format_expect(store: Store, home: Home) -> None:
    videos = reviewed(store)
    dataset, archive = export(store, home, videos[0]["project_id"])
    assert json.loads(archive.read("annotations.json")) == dataset
    assert [annotation["id"] for annotation in dataset["annotations"]] == [1, 2, 3, 4, 5]
    lengths = {video["id"]: video["length"] for video in dataset["videos"]}
    assert lengths == {videos[0]["id"]: LENGTH, videos[1]["id"]: 7}
    for video in dataset["videos"]:
        assert (video["height"], video["width"]) == (HEIGHT, WIDTH)
        assert len(set(video["file_names"])) == video["length"]
    for annotation in dataset["annotations"]:
        assert annotation["iscrowd"] == 0
        assert (annotation["height"], annotation["width"]) == (HEIGHT, WIDTH)
        lists = [annotation[key] for key in ("segmentations", "areas", "bboxes")]
        assert {len(entries) for entries in lists} == {lengths[annotation["video_id"]]}
        for rle, area, box in zip(*lists, strict=True):
            assert (rle is None) == (area is None) == (box is None)
            if rle is not None:
                pixels = coco.decode(rle)
                ys, xs = np.nonzero(pixels)
                assert rle["size"] == [HEIGHT, WIDTH]
                assert area == pixels.sum()
                assert box == [xs.min(), ys.min(), xs.max() - xs.min() + 1, ys.max() - ys.min() + 1]


def test_a_long_video_becomes_clips_of_the_frames_that_are_kept(store: Store, home: Home) -> None:
    video = new_video(store, name="film")
    new_video(store, name="film-clip-2", length=3, project=video["project_id"])
    predict(store, video, {0: range(LENGTH), 1: range(5, 9), 2: [1]})  # the last one is in no frame that is kept
    dataset, _ = export(store, home, video["project_id"], every=4, clip=4)
    assert LENGTH == 40, "10 frames are kept, in 3 clips"
    films = dataset["videos"][:3]
    assert [v["file_names"] for v in films] == [
        [f"{folder}/{frame:05d}.jpg" for frame in frames]
        for folder, frames in zip(
            ("film-clip-1", "film-clip-2-2", "film-clip-3"),
            (range(0, 12, 4), range(12, 24, 4), range(24, 40, 4)),
            strict=True,
        )
    ]
    assert [(v["id"], v["length"]) for v in dataset["videos"]] == [(1, 3), (2, 3), (3, 4), (4, 1)]
    present = [
        (a["id"], a["video_id"], [rle is not None for rle in a["segmentations"]]) for a in dataset["annotations"]
    ]
    assert present == [(1, 1, [True] * 3), (2, 2, [True] * 3), (3, 3, [True] * 4), (4, 1, [False, False, True])]
    shown = {mask["frame"]: mask["counts"] for mask in view.masks(store.database, video["id"], 0, LENGTH, 1)}
    assert [rle["counts"] for rle in dataset["annotations"][1]["segmentations"]] == [shown[t] for t in (12, 16, 20)]
    read_dataset(dataset)
    contents = exports.export(store.database, 1)["contents"]
    assert contents == {"videos": 4, "frames": 11, "tracks": 4, "masks": 11}


@given(length=st.integers(1, 500), every=st.integers(1, 50), clip=st.none() | st.integers(2, 60))
def test_every_kept_frame_is_in_one_clip_and_no_clip_is_too_long(length: int, every: int, clip: int | None) -> None:
    clips = Cut(every, clip).frames(length)
    assert [frame for frames in clips for frame in frames] == list(range(0, length, every))
    assert all(0 < len(frames) <= (clip or length) for frames in clips)
    assert max(map(len, clips)) - min(map(len, clips)) <= 1
    assert len(set(clip_names("film", clips))) == len(clips)


def test_what_is_in_an_export_is_told_as_far_as_it_is_known(store: Store, home: Home) -> None:
    project = reviewed(store)[0]["project_id"]
    dataset, _ = export(store, home, project)
    api = create_api(home, store)
    api.include_router(results.router)
    client = TestClient(api)
    (result,) = client.get("/results").json()["results"]
    masks = sum(rle is not None for a in dataset["annotations"] for rle in a["segmentations"])
    assert result["contents"] == {
        "videos": 2,
        "frames": LENGTH + 7,
        "tracks": len(dataset["annotations"]),
        "masks": masks,
    }
    assert [file["kind"] for file in result["files"]] == ["json", "zip"]
    for file in result["files"]:
        assert len(client.get(file["href"]).content) == file["bytes"]
    store.database.execute("update exports set options = '{}'")  # as an older version left it
    (home.exports / "1" / "file.zip").unlink()
    (result,) = client.get("/results").json()["results"]
    assert result["contents"] is None and [file["kind"] for file in result["files"]] == ["json"]


def test_no_name_leads_out_of_the_dataset() -> None:
    folders = ytvis.folder_names({1: "../../etc", 2: "a/b", 3: "a b", 4: "..", 5: "A_B", 6: "Hund 🐕", 7: "C:\\x"})
    assert len(set(folders.values())) == 7
    assert folders == {1: "etc", 2: "a_b-2", 3: "a_b-3", 4: "video-4", 5: "A_B-5", 6: "Hund", 7: "C_x"}


@pytest.mark.parametrize("options", [{}, {"every": 2, "clip": 2}], ids=["whole", "in clips"])
def test_frames_in_the_zip_are_the_frames_of_the_video(store: Store, home: Home, options: dict[str, int]) -> None:
    video = new_video(store, length=6)
    make_video(
        home.media / "clip.mp4",
        numbered_frames(6, height=HEIGHT, width=WIDTH * 5),
        options={"crf": "0"},
        pixel_format="yuv444p",
    )
    store.database.execute("update videos set width = ? where id = ?", (WIDTH * 5, video["id"]))
    dataset, archive = export(store, home, video["project_id"], frames=True, **options)
    names = [name for one in dataset["videos"] for name in one["file_names"]]
    assert [Path(name).stem for name in names] == [f"{t:05d}" for t in range(0, 6, options.get("every", 1))]
    assert {f"JPEGImages/{name}" for name in names} == set(archive.namelist()) - {"annotations.json"}
    for name in names:
        picture = Image.open(io.BytesIO(archive.read(f"JPEGImages/{name}")))
        assert read_number(np.asarray(picture)) == int(Path(name).stem)


def test_an_edit_made_meanwhile_is_all_out(store: Store, home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    video = new_video(store)
    track = predict(store, video, {0: range(10), 1: range(10)})[1]
    plain = ytvis.annotation
    edited: list[edits.Applied] = []

    def meddle(*arguments: Any) -> dict[str, Any]:
        if not edited:
            edited.append(edits.delete_track(store, video["id"], track, "ann"))
        return plain(*arguments)

    monkeypatch.setattr("studio.jobs.exporting.ytvis.annotation", meddle)
    dataset, _ = export(store, home, video["project_id"])
    assert edited and len(dataset["annotations"]) == 2


def test_a_broken_export_leaves_nothing_and_a_second_try_works(
    store: Store, home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    video = new_video(store)
    predict(store, video, {0: range(10)})
    job = start_export(store, video["project_id"])
    client = TestClient(create_api(home, store))
    assert client.get(f"/exports/{job['export_id']}/file.zip").status_code == 409
    monkeypatch.setattr("studio.jobs.exporting.zipfile.ZipFile.write", lambda *_: 1 / 0)
    perform(store, home, job["id"])
    monkeypatch.undo()
    assert client.get(f"/exports/{job['export_id']}").json()["state"] == "failed"
    assert list(home.exports.iterdir()) == list(home.temporary.iterdir()) == []
    store.database.execute("update jobs set state = 'queued' where id = ?", (job["id"],))
    perform(store, home, job["id"])
    answer = client.get(f"/exports/{job['export_id']}/file.zip")
    assert answer.headers["content-type"] == "application/zip"
    assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist() == ["annotations.json"]
    assert list(home.temporary.iterdir()) == []


def test_an_export_can_be_cancelled(store: Store, home: Home) -> None:
    video = new_video(store)
    predict(store, video, {0: range(10)})
    job = start_export(store, video["project_id"])
    store.database.execute("update jobs set cancel = 1")
    perform(store, home, job["id"])
    assert jobs.job(store.database, job["id"])["state"] == "cancelled"
    assert list(home.exports.iterdir()) == list(home.temporary.iterdir()) == []


def test_the_routes_start_an_export_and_hand_it_out(store: Store, home: Home) -> None:
    video = new_video(store, name='quote " and Ümlaut')
    predict(store, video, {0: range(10)})
    client = TestClient(create_api(home, store))
    started = client.post(f"/projects/{video['project_id']}/exports", json={"format": "ytvis", "frames": False}).json()
    perform(store, home, started["job"])
    listed = client.get(f"/projects/{video['project_id']}/exports").json()["exports"]
    assert [(one["id"], one["state"], one["options"]) for one in listed] == [
        (started["export"], "done", {"frames": False, "every": 1, "clip": None})
    ]
    answer = client.get(f"/exports/{started['export']}/annotations.json")
    assert len(answer.json()["annotations"]) == 1
    assert "attachment" in answer.headers["content-disposition"]


def test_the_command_writes_what_the_studio_shows(store: Store, home: Home, tmp_path: Path) -> None:
    videos = reviewed(store)
    dataset, _ = export(store, home, videos[0]["project_id"])
    project = library.project(store.database, videos[0]["project_id"])["name"]
    export_command(project=project, out=tmp_path / "new" / "out.json", home=home.root)
    assert json.loads((tmp_path / "new" / "out.json").read_text()) == dataset
    export_command(project=project, out=tmp_path / "new" / "out.zip", home=home.root)
    assert json.loads(zipfile.ZipFile(tmp_path / "new" / "out.zip").read("annotations.json")) == dataset
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["out.json", "out.zip"]
    with pytest.raises(NotFound, match='no project called "Nobody"'):
        export_command(project="Nobody", out=tmp_path / "out.json", home=home.root)
    with pytest.raises(NotFound, match="There is no studio in"):
        export_command(project=project, out=tmp_path / "out.json", home=tmp_path / "elsewhere")
