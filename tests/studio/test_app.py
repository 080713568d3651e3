"""The assembled application: what it serves, to whom, under which rules; trials; and the process that serves it."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import av
import pytest
from starlette.testclient import TestClient

from engine.video import open_video
from studio.app import create_app
from studio.commands.serve import ServeError, folders_to_import_from
from studio.jobs.supervisor import WorkerProcess
from studio.jobs.worker import perform
from studio.login import COOKIE, LoginGate
from studio.settings import Home
from studio.store import Store, jobs
from tests.studio.library import HEIGHT, WIDTH, new_video, predict
from tests.studio.processes import ENVIRONMENT, ROOT, wait_for
from tests.videos import make_video, numbered_frames

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return Home(tmp_path_factory.mktemp("home")).create()


@pytest.fixture(scope="module")
def client(home: Home) -> Iterator[TestClient]:
    with TestClient(create_app(home), base_url="http://127.0.0.1:7860", follow_redirects=False) as client:
        yield client


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A studio with a password."""
    app = create_app(Home(tmp_path_factory.mktemp("guarded")), password=PASSWORD)
    with TestClient(app, base_url="http://studio.lab:7860", follow_redirects=False) as client:
        yield client


@pytest.fixture
def store(home: Home) -> Iterator[Store]:
    store = Store(home.database)
    yield store
    store.close()


def clip(folder: Path, name: str = "clip.mp4", frames: int = 6) -> Path:
    return make_video(folder / name, numbered_frames(frames))


def test_the_page_loads_nothing_from_elsewhere_and_may_not_be_framed(client: TestClient) -> None:
    page = client.get("/")
    assert page.status_code == 200
    loaded = re.findall(r'<(?:script|link|img|iframe)[^>]+(?:src|href)="([^"]+)"', page.text)
    assert loaded and not [address for address in loaded if address.startswith(("http", "//"))]
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy and "frame-ancestors 'self'" in policy and "http" not in policy
    assert page.headers["x-content-type-options"] == "nosniff"


def test_every_answer_carries_the_security_headers(client: TestClient) -> None:
    for path in ("/", "/api/v1/health", "/api/v1/projects/999", "/static/css/app.css", "/manifest.json", "/nothing"):
        assert "content-security-policy" in client.get(path).headers, path


def test_another_host_name_is_not_answered(client: TestClient) -> None:
    assert client.get("/api/v1/health", headers={"Host": "evil.test"}).status_code == 400
    assert client.get("/api/v1/health", headers={"Host": "localhost:7860"}).status_code == 200


def test_another_origin_gets_no_permission(client: TestClient) -> None:
    asked = {"Origin": "https://evil.test", "Access-Control-Request-Method": "PUT"}
    for path in ("/", "/config", "/api/v1/projects", "/api/v1/videos/1/tracks/1/masks/0"):
        assert "access-control-allow-origin" not in client.options(path, headers=asked).headers, path
        assert "access-control-allow-origin" not in client.get(path, headers={"Origin": "https://evil.test"}).headers
    refused = client.post("/api/v1/projects", json={"name": "theirs"}, headers={"Origin": "https://evil.test"})
    assert refused.status_code == 403


def test_the_data_folder_is_not_served(client: TestClient, home: Home) -> None:
    assert home.database.is_file()
    for path in (home.database, ROOT / "pyproject.toml", Path("/etc/passwd")):
        assert client.get(f"/gradio_api/file={path}").status_code in (403, 404), path
    assert client.get("/static/../app.py").status_code == 404
    assert client.get("/static/%2e%2e/app.py").status_code == 404


def test_the_pages_add_no_public_endpoint(client: TestClient) -> None:
    endpoints = client.get("/gradio_api/info").json()
    assert endpoints["named_endpoints"] == {} and endpoints["unnamed_endpoints"] == {}


def test_it_can_be_installed_as_an_application(client: TestClient) -> None:
    manifest = client.get("/manifest.json")
    assert manifest.json()["name"] == "CTVIS Studio"
    for icon in manifest.json()["icons"]:
        assert client.get(icon["src"]).status_code == 200, icon


def test_the_same_clip_tried_twice_is_one_trial(client: TestClient, tmp_path: Path) -> None:
    path = clip(tmp_path, "walk.mp4")
    first, second = (client.post("/api/v1/trials", files={"file": (path.name, path.read_bytes())}) for _ in range(2))
    assert first.status_code == second.status_code == 201
    assert first.json()["id"] == second.json()["id"]
    assert (first.json()["name"], first.json()["length"]) == ("walk", 6)
    names = [project["name"] for project in client.get("/api/v1/projects").json()["projects"]]
    assert names.count("Trial: walk") == 1


def test_keeping_a_trial_takes_a_name_that_is_free(client: TestClient, tmp_path: Path) -> None:
    client.post("/api/v1/projects", json={"name": "jump"})
    path = clip(tmp_path, "jump.mp4", frames=7)
    project = client.post("/api/v1/trials", files={"file": (path.name, path.read_bytes())}).json()["project_id"]
    assert client.post(f"/api/v1/projects/{project}/keep").json()["name"] == "jump 2"
    again = client.post(f"/api/v1/projects/{project}/keep")
    assert (again.status_code, again.json()["detail"]) == (409, '"jump 2" is kept already.')


def test_a_trial_of_something_else_is_refused_with_a_sentence(client: TestClient) -> None:
    unknown = client.post("/api/v1/trials", json={"example": "../../secret"})
    assert unknown.status_code == 404 and "no example clip" in unknown.json()["detail"]
    assert client.post("/api/v1/trials", json={"sample": 1}).status_code == 422
    text = client.post("/api/v1/trials", files={"file": ("notes.mp4", b"no video at all")})
    assert text.status_code == 422 and text.json()["detail"]


def test_results_are_what_is_shown(client: TestClient, store: Store) -> None:
    video = new_video(store, name="shown")
    tracks = predict(store, video, {1: range(0, 10), 2: range(5, 40)})
    client.post(f"/api/v1/videos/{video['id']}/ops/delete_track", json={"track": tracks[1]})
    answer = client.get(f"/api/v1/videos/{video['id']}/results.json")
    assert answer.headers["content-disposition"] == 'attachment; filename="shown-results.json"'
    (entry,) = answer.json()
    assert (entry["video_id"], entry["category_id"], entry["score"]) == (video["id"], 1, 0.9)
    present = [frame for frame, rle in enumerate(entry["segmentations"]) if rle is not None]
    assert present == list(range(5, 40))
    assert entry["segmentations"][5]["size"] == [HEIGHT, WIDTH]


def test_a_video_without_tracks_gives_an_empty_list_of_results(client: TestClient, store: Store) -> None:
    video = new_video(store, name="bare")
    assert json.loads(client.get(f"/api/v1/videos/{video['id']}/results.json").text) == []


def test_the_overlay_has_every_frame_and_shows_the_mask(client: TestClient, store: Store, home: Home) -> None:
    video = new_video(store, length=9, name="drawn")
    make_video(home.media / video["path"], numbered_frames(9, HEIGHT, WIDTH))
    assert client.get(f"/api/v1/videos/{video['id']}/overlay.mp4").status_code == 404
    predict(store, video, {1: range(0, 9)})
    job = client.post(f"/api/v1/videos/{video['id']}/overlay").json()["job"]
    perform(store, home, job)
    assert jobs.job(store.database, job)["state"] == "done"
    answer = client.get(f"/api/v1/videos/{video['id']}/overlay.mp4")
    with av.open(BytesIO(answer.content)) as container:
        drawn = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    with open_video(home.media / video["path"]) as source:
        plain = [rgb.astype(int) for _, rgb in source]
    assert len(drawn) == 9
    # The square of track 1 stands at (x, y) = (frame, 1), 3 pixels wide: grey there has become coloured.
    colored = [abs(picture[1:4, t : t + 3] - plain[t][1:4, t : t + 3]).mean() for t, picture in enumerate(drawn)]
    assert min(colored) > 20
    part = client.get(f"/api/v1/videos/{video['id']}/overlay.mp4", headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.content)) == (206, 100)


def test_without_the_password_there_is_only_the_login(guarded: TestClient) -> None:
    for path in ("/api/v1/projects", "/config", "/gradio_api/info", "/static/pages/shell.js", "/api/v1/openapi.json"):
        assert guarded.get(path).status_code == 401, path
    page = guarded.get("/?view=review&video=3", headers={"Accept": "text/html"})
    assert (page.status_code, page.headers["location"]) == (303, "/login?next=/%3Fview%3Dreview%26video%3D3")
    assert "Password" in guarded.get("/login").text
    assert guarded.get("/api/v1/health").status_code == 200


def test_the_password_opens_the_studio_and_leads_where_one_wanted_to_go(guarded: TestClient) -> None:
    wrong = guarded.post("/login?next=/x", data={"password": "wrong"})
    assert (wrong.status_code, wrong.headers["location"]) == (303, "/login?wrong=1&next=/x")
    assert COOKIE not in wrong.cookies
    right = guarded.post("/login?next=/%3Fview%3Drun", data={"password": PASSWORD})
    assert (right.status_code, right.headers["location"]) == (303, "/?view=run")
    assert "httponly" in right.headers["set-cookie"].lower() and "samesite=lax" in right.headers["set-cookie"].lower()
    assert guarded.get("/api/v1/projects").status_code == 200
    guarded.cookies.clear()


@pytest.mark.parametrize("target", ["//evil.test", "https://evil.test", "/\\evil.test"])
def test_the_login_leads_to_no_other_site(guarded: TestClient, target: str) -> None:
    answer = guarded.post("/login", params={"next": target}, data={"password": PASSWORD})
    guarded.cookies.clear()
    assert answer.headers["location"] == "/"


def test_a_cookie_that_is_forged_or_over_opens_nothing() -> None:
    gate = LoginGate(None, PASSWORD, b"key")  # type: ignore[arg-type]
    genuine = gate.sign()
    until, _, signature = genuine.partition(".")
    assert gate.is_valid(genuine)
    assert not gate.is_valid(f"{int(until) + 1}.{signature}")
    assert not gate.is_valid(gate.sign(now=0))
    assert not gate.is_valid("")
    assert not LoginGate(None, "another password", b"key").is_valid(genuine)  # type: ignore[arg-type]


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "studio.cli", "serve", "--no-browser", *arguments]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_a_taken_port_is_named_in_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        ended = subprocess.run(
            command("--port", port, "--home", str(tmp_path)), cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True
        )
    assert ended.returncode != 0
    assert f"Port {port} is taken" in ended.stderr and "Traceback" not in ended.stderr


def test_the_network_is_not_served_without_a_password(tmp_path: Path) -> None:
    environment = {key: value for key, value in ENVIRONMENT.items() if key != "CTVIS_STUDIO_PASSWORD"}
    ended = subprocess.run(
        command("--host", "0.0.0.0", "--home", str(tmp_path)), cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert ended.returncode != 0
    assert "CTVIS_STUDIO_PASSWORD" in ended.stderr and "Traceback" not in ended.stderr


def test_files_of_this_machine_are_for_those_who_sit_at_it_unless_folders_are_named(tmp_path: Path) -> None:
    assert folders_to_import_from("127.0.0.1", []) is None
    assert folders_to_import_from("0.0.0.0", []) == ()
    assert folders_to_import_from("0.0.0.0", [tmp_path]) == folders_to_import_from("::1", [tmp_path]) == (tmp_path,)
    with pytest.raises(ServeError, match="no folder"):
        folders_to_import_from("127.0.0.1", [tmp_path / "missing"])


def test_a_studio_without_folders_to_import_from_takes_uploads_only(tmp_path: Path) -> None:
    (home := Home(tmp_path / "home", import_roots=())).create()
    film = clip(tmp_path)
    with TestClient(create_app(home), base_url="http://127.0.0.1:7860") as client:
        project = client.post("/api/v1/projects", json={"name": "Project"}).json()["id"]
        videos = f"/api/v1/projects/{project}/videos"
        refused = client.post(videos, json={"path": str(film)})
        assert refused.status_code == 422 and "--import-from" in refused.json()["detail"]
        assert client.post(videos, json={"path": "/no/such/file"}).json() == refused.json(), (
            "it tells nobody what exists"
        )
        assert client.post(videos, files={"file": film.open("rb")}).status_code == 201


def test_a_terminated_studio_ends_well_and_takes_its_worker_along(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    process = subprocess.Popen(
        command("--port", str(free_port()), "--home", str(home.root)),
        cwd=ROOT,
        env=ENVIRONMENT | {"PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert process.stdout is not None
        lines: list[str] = []
        while not any("is ready" in line for line in lines):
            line = process.stdout.readline()
            assert line, "".join(lines)
            lines.append(line)
        worker = wait_for(lambda: worker_of(home))
        process.send_signal(signal.SIGTERM)
        rest = process.communicate(timeout=60)[0]
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 0
    assert "Stopped." in rest and "Traceback" not in rest
    wait_for(lambda: not is_alive(worker))


def test_a_worker_that_dies_is_started_again(tmp_path: Path) -> None:
    home = Home(tmp_path).create()
    with WorkerProcess(home):
        first = wait_for(lambda: worker_of(home))
        os.kill(first, signal.SIGKILL)
        second = wait_for(lambda: found if (found := worker_of(home)) != first else None)
        assert is_alive(second)
    wait_for(lambda: not is_alive(second))


def worker_of(home: Home) -> int | None:
    """The process id that the worker's log names last."""
    if not home.worker_log.exists():
        return None
    found = re.findall(r"worker (\d+) serves", home.worker_log.read_text())
    return int(found[-1]) if found else None


def is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True
