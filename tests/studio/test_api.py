"""The HTTP interface: what it answers, what it refuses, and that an acknowledged edit survives a killed server."""

import io
import json
import random
import signal
import threading
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import Depends, HTTPException
from fastapi.testclient import TestClient
from PIL import Image

from engine.masks import decode
from studio.api import create_api
from studio.api.frame_cache import FrameCache
from studio.jobs.worker import perform
from studio.settings import Home
from studio.store import Store, jobs, library, runs
from tests.studio.library import HEIGHT, WIDTH, new_video, predict, square
from tests.studio.processes import server, tiny_model
from tests.videos import make_video, numbered_frames, read_number


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path / "home", json_limit=2000, upload_limit=200_000).create()


@pytest.fixture
def clip(tmp_path: Path) -> bytes:
    return make_video(tmp_path / "clip.mp4", numbered_frames(30), options={"g": "7"}).read_bytes()


def new_project(client: TestClient, name: str = "Project") -> int:
    return int(client.post("/projects", json={"name": name}).json()["id"])


def upload(client: TestClient, project: int, content: bytes, name: str = "clip.mp4") -> Any:
    return client.post(f"/projects/{project}/videos", files={"file": (name, io.BytesIO(content), "video/mp4")})


def run_jobs(store: Store, home: Home) -> None:
    for job in jobs.queued(store.database):
        perform(store, home, job["id"])


def runs_of(mask: np.ndarray) -> bytes:
    """A mask (H, W) as the review page sends it."""
    pixels = mask.ravel(order="F").astype(bool)
    edges = np.flatnonzero(np.diff(pixels, prepend=False))
    return np.diff(edges, prepend=0, append=pixels.size).astype("<u4").tobytes()


def drawn(seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).random((HEIGHT, WIDTH)) < 0.4


def put(client: httpx.Client | TestClient, address: str, mask: np.ndarray, rev: int) -> Any:
    return client.put(
        address, content=runs_of(mask), headers={"If-Match": str(rev), "Content-Type": "application/octet-stream"}
    )


def test_a_video_is_uploaded_imported_and_shown_frame_by_frame(
    client: TestClient, store: Store, home: Home, clip: bytes
) -> None:
    project = new_project(client)
    answer = upload(client, project, clip, name="../../<b>clip</b>.mp4")
    assert answer.status_code == 201
    video = answer.json()
    assert (video["name"], video["length"], video["width"], video["height"], video["state"]) == (
        "b>",
        30,
        80,
        48,
        "importing",
    )
    assert client.get(f"/videos/{video['id']}/thumbnail.jpg").status_code == 404
    run_jobs(store, home)
    found = client.get(f"/videos/{video['id']}").json()
    assert (found["state"], found["project"]) == ("ready", "Project")
    assert Image.open(io.BytesIO(client.get(f"/videos/{video['id']}/thumbnail.jpg").content)).size == (80, 48)
    order = list(range(30))
    random.Random(1).shuffle(order)
    for frame in order:
        picture = client.get(f"/videos/{video['id']}/frames/{frame}.jpg")
        assert read_number(np.asarray(Image.open(io.BytesIO(picture.content)))) == frame
    assert list(home.temporary.iterdir()) == []
    assert [path.suffix for path in home.media.iterdir()] == [".mp4"]


def test_the_same_file_twice_is_one_video(client: TestClient, clip: bytes) -> None:
    project, other = new_project(client), new_project(client, "Other")
    first, again, elsewhere = (upload(client, place, clip) for place in (project, project, other))
    assert (first.status_code, again.status_code, elsewhere.status_code) == (201, 200, 201)
    assert first.json()["id"] == again.json()["id"] != elsewhere.json()["id"]


def test_frames_are_scaled_and_kept_by_browsers(client: TestClient, store: Store, home: Home, clip: bytes) -> None:
    video = upload(client, new_project(client), clip).json()
    run_jobs(store, home)
    address = f"/videos/{video['id']}/frames/3.jpg"
    small = client.get(address, params={"h": 24})
    assert Image.open(io.BytesIO(small.content)).size == (40, 24)
    assert client.get(address, params={"h": 4000}).headers["etag"] == client.get(address).headers["etag"]
    assert small.headers["etag"] != client.get(address).headers["etag"]
    again = client.get(address, params={"h": 24}, headers={"If-None-Match": small.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    version = client.get(f"/videos/{video['id']}").json()["version"]
    assert "immutable" in client.get(address, params={"v": version}).headers["cache-control"]
    assert "immutable" not in client.get(address, params={"v": "other"}).headers["cache-control"]
    assert client.get(f"/videos/{video['id']}/frames/30.jpg").status_code == 404
    assert client.get(address, params={"h": 0}).status_code == 422


def test_frames_can_be_asked_for_by_many_at_once(client: TestClient, clip: bytes) -> None:
    video = upload(client, new_project(client), clip).json()
    wrong: list[int] = []

    def scrub(seed: int) -> None:
        for frame in random.Random(seed).sample(range(30), 12):
            picture = client.get(f"/videos/{video['id']}/frames/{frame}.jpg", params={"h": 40 + seed})
            if read_number(np.asarray(Image.open(io.BytesIO(picture.content)))) != frame:
                wrong.append(frame)

    threads = [threading.Thread(target=scrub, args=(seed,)) for seed in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_the_frame_cache_stays_within_its_bytes(home: Home, store: Store, tmp_path: Path) -> None:
    make_video(home.media / "clip.mp4", numbered_frames(30))
    cache = FrameCache(Home(home.root, frame_cache=6000))
    row = {"id": 1, "path": "clip.mp4", "width": 80, "height": 48, "length": 30}
    for frame in range(30):
        assert read_number(np.asarray(Image.open(io.BytesIO(cache.jpeg(row, frame))))) == frame
    assert sum(map(len, cache.made._jpegs.values())) == cache.made._bytes <= 6000


def test_what_is_no_video_is_refused_and_leaves_nothing(client: TestClient, home: Home, clip: bytes) -> None:
    project = new_project(client)
    refused = upload(client, project, b"not a video at all", name="evil.mp4")
    assert refused.status_code == 422 and "cannot be read as a video" in refused.json()["detail"]
    assert str(home.root) not in refused.json()["detail"], "where the studio keeps its files is nobody's affair"
    assert upload(client, project, b"").status_code == 422
    assert (
        client.post(
            f"/projects/{project}/videos",
            content=b"--x\r\n",
            headers={"Content-Type": "multipart/form-data; boundary=x"},
        ).status_code
        == 422
    )
    assert client.post(f"/projects/{project}/videos", files={"other": b"x"}).status_code == 422
    assert upload(client, 99, clip).status_code == 404
    large = upload(client, project, b"x" * 300_000)
    assert large.status_code == 413 and "200,000 bytes" in large.json()["detail"]
    assert client.get(f"/projects/{project}/videos").json() == {"videos": []}
    assert list(home.temporary.iterdir()) == list(home.media.iterdir()) == []


def test_server_paths_are_imported_where_they_lie_and_only_from_allowed_folders(tmp_path: Path, clip: bytes) -> None:
    allowed = tmp_path / "videos"
    (allowed / "frames").mkdir(parents=True)
    for number, rgb in enumerate(numbered_frames(5)):
        Image.fromarray(rgb).save(allowed / "frames" / f"{number:03d}.png")
    home = Home(tmp_path / "home", import_roots=(allowed,)).create()
    store = Store(home.database)
    client = TestClient(create_api(home, store), base_url="http://studio.test")
    project = new_project(client)

    def ask(path: object) -> Any:
        return client.post(f"/projects/{project}/videos", json={"path": str(path)})

    assert ask(allowed / "frames").status_code == 201
    assert ask(allowed / "frames").status_code == 200
    assert (
        ask(allowed / ".." / "clip.mp4")
        .json()["detail"]
        .endswith("outside the folders from which videos may be imported.")
    )
    assert ask(allowed / "missing.mp4").status_code == 422
    assert ask("frames").status_code == 422
    assert client.post(f"/projects/{project}/videos", json=["path"]).status_code == 422
    run_jobs(store, home)
    video = client.get(f"/projects/{project}/videos").json()["videos"][0]
    assert (video["name"], video["state"], video["length"]) == ("frames", "ready", 5)


def test_a_drawn_mask_comes_back_bit_for_bit(client: TestClient, store: Store) -> None:
    video = new_video(store)
    track = predict(store, video, {0: range(10)})[0]
    address = f"/videos/{video['id']}/tracks/{track}/masks/4"
    saved = put(client, address, drawn(), rev=1)
    assert saved.status_code == 200
    chunk = client.get(f"/videos/{video['id']}/masks", params={"start": 3, "n": 2}).json()
    assert chunk["rev"] == saved.json()["video_rev"] and [len(frame) for frame in chunk["frames"]] == [1, 1]
    mask = chunk["frames"][1][0]
    assert (mask["track"], mask["source"], mask["verified"], mask["rev"]) == (track, "user", True, saved.json()["rev"])
    np.testing.assert_array_equal(decode({"size": mask["size"], "counts": mask["counts"]}), drawn())
    assert chunk["frames"][0][0] | {"counts": "", "rev": 0} == {
        "track": track, "size": [HEIGHT, WIDTH], "counts": "", "score": 0.5, "source": "model", "verified": False, "rev": 0,
    }  # fmt: skip


def test_an_outdated_mask_is_answered_with_the_one_that_is_there(client: TestClient, store: Store) -> None:
    video = new_video(store)
    track = predict(store, video, {0: range(10)})[0]
    address = f"/videos/{video['id']}/tracks/{track}/masks/4"
    first = put(client, address, drawn(1), rev=1).json()
    conflict = put(client, address, drawn(2), rev=1)
    assert conflict.status_code == 409
    current = conflict.json()["current"]
    assert current["rev"] == first["rev"]
    np.testing.assert_array_equal(decode({"size": current["size"], "counts": current["counts"]}), drawn(1))
    assert client.delete(address, headers={"If-Match": "1"}).status_code == 409
    gone = client.delete(address, headers={"If-Match": f'"{first["rev"]}"'})
    assert gone.json()["rev"] == 0
    assert put(client, address, drawn(2), rev=first["rev"]).json()["current"] is None
    assert put(client, address, drawn(2), rev=0).status_code == 200


def test_an_empty_drawing_means_that_nothing_is_there(client: TestClient, store: Store) -> None:
    video = new_video(store)
    track = predict(store, video, {0: range(10)})[0]
    saved = put(client, f"/videos/{video['id']}/tracks/{track}/masks/4", np.zeros((HEIGHT, WIDTH)), rev=1)
    assert saved.json()["rev"] == 0
    assert client.get(f"/videos/{video['id']}/timeline").json()["tracks"][str(track)] == [
        [0, 4, "model"],
        [5, 10, "model"],
    ]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (np.array([HEIGHT * WIDTH - 1], "<u4").tobytes(), 422),
        (np.array([0, HEIGHT * WIDTH + 1], "<u4").tobytes(), 422),
        (np.array([2**32 - 1, 2**32 - 1, HEIGHT * WIDTH + 2], "<u4").tobytes(), 422),
        (b"", 422),
        (b"abc", 422),
        (b"\0" * (4 * HEIGHT * WIDTH + 8), 413),
    ],
)
def test_masks_that_do_not_fit_are_refused(client: TestClient, store: Store, body: bytes, status: int) -> None:
    video = new_video(store)
    track = predict(store, video, {0: range(10)})[0]
    address = f"/videos/{video['id']}/tracks/{track}/masks/4"
    answer = client.put(address, content=body, headers={"If-Match": "1"})
    assert answer.status_code == status and isinstance(answer.json()["detail"], str)
    assert client.get(f"/videos/{video['id']}/edits").json() == {"edits": [], "can_undo": False, "can_redo": False}


def test_runs_of_length_zero_are_allowed_and_mean_nothing(client: TestClient, store: Store) -> None:
    video = new_video(store)
    track = predict(store, video, {0: range(10)})[0]
    lengths = np.array([5, 0, 3, 4, HEIGHT * WIDTH - 12], "<u4")
    client.put(f"/videos/{video['id']}/tracks/{track}/masks/0", content=lengths.tobytes(), headers={"If-Match": "1"})
    mask = client.get(f"/videos/{video['id']}/masks?start=0&n=1").json()["frames"][0][0]
    expected = np.zeros(HEIGHT * WIDTH, bool)
    expected[8:12] = True
    np.testing.assert_array_equal(decode({"size": mask["size"], "counts": mask["counts"]}).ravel(order="F"), expected)


def test_operations_undo_and_redo_over_http(client: TestClient, store: Store) -> None:
    video = new_video(store)
    track = predict(store, video, {0: range(10)})[0]
    root = f"/videos/{video['id']}"
    cat = library.categories(store.database, video["project_id"])[1]["id"]
    made = client.post(f"{root}/ops/new_track", json={"category_id": cat, "frame": 3}).json()
    client.post(f"{root}/ops/set_category", json={"track": track, "category_id": cat})
    client.post(f"{root}/ops/delete_from", json={"track": track, "frame": 6})
    client.post(f"{root}/ops/delete_track", json={"track": made["track"]})
    tracks = client.get(f"{root}/tracks").json()["tracks"]
    assert [(t["id"], t["category"], t["first"], t["last"], t["count"]) for t in tracks] == [(track, "cat", 0, 5, 6)]
    log = client.get(f"{root}/edits").json()
    assert [entry["op"] for entry in log["edits"]] == ["new_track", "set_category", "delete_from", "delete_track"]
    assert log["edits"][2]["summary"] == f"Deleted cat {track} from frame 6 on" and log["edits"][2]["user"] == "local"
    steps = [client.post(f"{root}/undo").json() for _ in range(5)]
    assert [step["edit"] and step["edit"]["op"] for step in steps] == [
        "delete_track",
        "delete_from",
        "set_category",
        "new_track",
        None,
    ]
    assert [step["frames"] for step in steps] == [None, [6, 39], None, None, None]
    assert [step["tracks"] for step in steps] == [[made["track"]], [track], [track], [made["track"]], []]
    assert client.get(f"{root}/tracks").json()["tracks"][0]["category"] == "dog"
    assert client.post(f"{root}/redo").json()["edit"]["op"] == "new_track"


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/projects/9", None, 404),
        ("GET", "/videos/9", None, 404),
        ("GET", "/videos/9/masks", None, 404),
        ("GET", "/videos/{v}/masks?n=100000", None, 422),
        ("GET", "/videos/{v}/masks?start=-1", None, 422),
        ("GET", "/videos/x", None, 422),
        ("GET", "/jobs/9", None, 404),
        ("GET", "/exports/9/file.zip", None, 404),
        ("POST", "/projects", {"name": " "}, 422),
        ("POST", "/projects", {}, 422),
        ("POST", "/projects", {"name": "Project of clip"}, 409),
        ("POST", "/videos/{v}/ops/delete_track", {"track": 99}, 404),
        ("POST", "/videos/{v}/ops/delete_from", {"track": 99, "frame": 0}, 404),
        ("POST", "/videos/{v}/ops/new_track", {"category_id": 1, "frame": 40}, 422),
        ("POST", "/videos/{v}/ops/new_track", {"category_id": 99, "frame": 0}, 404),
        ("POST", "/videos/{v}/runs", {"model": "../../etc/passwd"}, 404),
        ("POST", "/videos/{v}/runs", {"model": "tiny", "score_threshold": 2}, 422),
        ("POST", "/projects/1/exports", {"format": "zip"}, 422),
        ("POST", "/projects", {"name": "x" * 3000}, 413),
        ("POST", "/jobs/9/cancel", {}, 404),
    ],
)
def test_bad_requests_get_a_status_and_a_sentence(
    client: TestClient, store: Store, method: str, path: str, body: Any, status: int
) -> None:
    video = new_video(store)
    answer = client.request(method, path.format(v=video["id"]), json=body)
    assert answer.status_code == status
    assert isinstance(answer.json()["detail"], str) and len(answer.json()["detail"]) > 10


def test_a_mask_of_another_videos_track_cannot_be_written(client: TestClient, store: Store) -> None:
    mine, other = new_video(store), new_video(store, name="other")
    track = predict(store, other, {0: range(10)})[0]
    answer = put(client, f"/videos/{mine['id']}/tracks/{track}/masks/4", drawn(), rev=1)
    assert answer.status_code == 404
    assert put(client, f"/videos/{other['id']}/tracks/{track}/masks/40", drawn(), rev=0).status_code == 422
    missing = client.put(f"/videos/{other['id']}/tracks/{track}/masks/4", content=runs_of(drawn()))
    assert missing.status_code == 422 and "if-match" in missing.json()["detail"].lower()


def test_other_sites_may_not_change_anything(client: TestClient) -> None:
    def create(**headers: str) -> int:
        return client.post("/projects", json={"name": f"P{headers}"}, headers=headers).status_code

    assert create(origin="http://evil.test") == 403
    assert create(origin="null") == 403
    assert create(origin="http://studio.test:81") == 403
    assert create(**{"sec-fetch-site": "cross-site"}) == 403
    assert create(origin="http://studio.test") == 201
    assert create() == 201
    assert client.get("/projects", headers={"origin": "http://evil.test"}).status_code == 200


def test_the_document_of_the_api_is_guarded_like_the_api(home: Home, store: Store) -> None:
    def nobody() -> None:
        raise HTTPException(401, "Log in first.")

    guarded = TestClient(create_api(home, store, [Depends(nobody)]))
    assert {guarded.get(path).status_code for path in ("/openapi.json", "/projects", "/health")} == {401}
    assert {guarded.get(path).status_code for path in ("/docs", "/redoc")} == {404}
    document = TestClient(create_api(home, store)).get("/openapi.json").json()
    assert document["paths"]["/videos/{video_id}/tracks/{track}/masks/{frame}"]["put"]["responses"]["409"]


def test_any_string_may_be_a_name(client: TestClient) -> None:
    name = "</script><img src=x onerror=alert(1)>'; drop table projects; -- 🐕\u202e"
    project = client.post("/projects", json={"name": name}).json()
    assert client.post(f"/projects/{project['id']}/categories", json={"name": name}).json()["name"] == name
    assert client.get("/projects").json()["projects"][0]["name"] == name


def test_a_run_is_started_once_and_its_progress_is_seen(
    client: TestClient, store: Store, home: Home, clip: bytes
) -> None:
    tiny_model(home)
    video = upload(client, new_project(client), clip).json()
    assert {model["name"] for model in client.get("/models").json()["models"]} >= {"tiny"}
    started = client.post(
        f"/videos/{video['id']}/runs", json={"model": "tiny", "score_threshold": 0.0, "short_edge": 0}
    )
    assert started.status_code == 202
    assert client.post(f"/videos/{video['id']}/runs", json={"model": "tiny"}).status_code == 409
    run_jobs(store, home)
    job = client.get(f"/jobs/{started.json()['job']}").json()
    assert (job["state"], job["progress"], job["frames_done"], job["frames_total"], job["title"]) == (
        "done",
        1.0,
        30,
        30,
        "clip",
    )
    shown = client.get(f"/videos/{video['id']}").json()["run"]
    assert (shown["id"], shown["state"], shown["progress"]) == (started.json()["run"], "done", 1.0)
    assert client.get(f"/videos/{video['id']}/tracks").json()["tracks"]
    assert client.post(f"/jobs/{job['id']}/cancel").status_code == 409
    assert [job["kind"] for job in client.get("/jobs").json()["jobs"]] == ["run", "import"]


def test_a_waiting_run_can_be_cancelled_and_another_one_started(client: TestClient, store: Store, home: Home) -> None:
    tiny_model(home)
    video = new_video(store)
    started = client.post(f"/videos/{video['id']}/runs", json={"model": "tiny"}).json()
    assert client.post(f"/jobs/{started['job']}/cancel").json()["state"] == "cancelled"
    assert runs.run(store.database, started["run"])["state"] == "cancelled"
    assert client.post(f"/videos/{video['id']}/runs", json={"model": "tiny"}).status_code == 202


def test_every_edit_that_was_acknowledged_survives_a_killed_server(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    store = Store(home.database)
    video = new_video(store)
    track = predict(store, video, {0: range(video["length"])})[0]
    acknowledged: dict[int, int] = {}
    revs = dict.fromkeys(range(video["length"]), 1)
    with server(home) as (process, client):

        def draw() -> None:
            try:
                for seed in range(100_000):
                    frame = seed % video["length"]
                    saved = put(client, f"/videos/{video['id']}/tracks/{track}/masks/{frame}", drawn(seed), revs[frame])
                    revs[frame] = saved.json()["rev"]
                    acknowledged[frame] = seed
            except httpx.TransportError:
                pass

        artist = threading.Thread(target=draw)
        artist.start()
        while len(acknowledged) < 25:
            assert artist.is_alive()
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        artist.join()
    with server(home) as (_, client):
        frames = client.get(f"/videos/{video['id']}/masks", params={"n": video["length"]}).json()["frames"]
        for frame, seed in acknowledged.items():
            mask = decode({"size": [HEIGHT, WIDTH], "counts": frames[frame][0]["counts"]})
            # the one request that was under way may or may not have been done
            assert (mask == drawn(seed)).all() or (mask == drawn(seed + video["length"])).all()
        edits = client.get(f"/videos/{video['id']}/edits").json()
        assert len(edits["edits"]) - max(acknowledged.values()) in (1, 2)
        undone = client.post(f"/videos/{video['id']}/undo").json()
        assert undone["edit"]["op"] == "set_mask"


def test_every_route_is_in_the_documentation(home: Home, store: Store) -> None:
    text = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
    for path in TestClient(create_api(home, store)).get("/openapi.json").json()["paths"]:
        shape = (
            path.replace("{video_id}", "{v}")
            .replace("{project_id}", "{p}")
            .replace("{job_id}", "{j}")
            .replace("{export_id}", "{e}")
        )
        shape = shape.replace("{run_id}", "{r}").replace("{frame}", "{t}").replace("{track}", "{k}")
        assert f"`{shape}`" in text, f"docs/api.md does not name {shape}"


def test_json_answers_are_what_the_document_says(client: TestClient, store: Store) -> None:
    video = new_video(store)
    predict(store, video, {0: range(10)})
    text = client.get(f"/videos/{video['id']}/masks").text
    assert set(json.loads(text)) == {"rev", "start", "frames"}
    assert square(0, 0) in text
