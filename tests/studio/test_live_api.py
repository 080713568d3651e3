"""A live session over HTTP: a real model in a process of its own follows frames that are posted; who may, and what is refused."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import pytest
from starlette.testclient import TestClient

from engine.masks import decode
from engine.video import open_video
from studio.app import create_app
from studio.live import desk as live_desk
from studio.live.desk import LiveDesk
from studio.login import COOKIE
from studio.palette import track_color
from studio.settings import Home
from studio.store.errors import NotFound
from tests.studio.processes import tiny_model, wait_for
from tests.videos import numbered_frames, read_number

HEIGHT, WIDTH = 48, 80


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    home = Home(tmp_path_factory.mktemp("home")).create()
    tiny_model(home)
    return home


@pytest.fixture(scope="module")
def client(home: Home) -> Iterator[TestClient]:
    app = create_app(home)
    with TestClient(app, base_url="http://127.0.0.1:7860/api/v1") as client:
        yield client


@pytest.fixture
def session(client: TestClient) -> Iterator[str]:
    """A session of the tiny model that shows whatever it sees; over at the end of the test."""
    answer = begin(client)
    assert answer.status_code == 201, answer.text
    session = answer.json()["session"]
    yield session
    client.delete(f"/live/{session}")


def begin(client: TestClient, **settings: Any) -> Any:
    return client.post("/live", json={"model": "tiny", "score_threshold": 0, **settings})


def jpeg(number: int, height: int = HEIGHT, width: int = WIDTH) -> bytes:
    (rgb,) = numbered_frames(1, height, width, start=number)
    return cv2.imencode(".jpg", rgb[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


def post(client: TestClient, session: str, seconds: float, body: bytes | None = None) -> Any:
    return client.post(
        f"/live/{session}/frames",
        params={"t": seconds},
        content=jpeg(round(10 * seconds)) if body is None else body,
        headers={"Content-Type": "image/jpeg"},
    )


def test_what_a_frame_shows_comes_back_with_ids_that_stay(client: TestClient, session: str) -> None:
    answers = [post(client, session, n / 10).json() for n in range(5)]
    first = answers[0]["tracks"][0]
    assert decode({"size": first["size"], "counts": first["counts"]}).shape == (HEIGHT, WIDTH)
    assert first["category"] in ("cat", "dog") and 0 <= first["score"] <= 1
    assert first["color"] == track_color(first["track"])
    shown = [{track["track"] for track in answer["tracks"]} for answer in answers]
    assert set.intersection(*shown)


def test_the_recording_becomes_a_video_whose_frames_lie_at_their_times(
    client: TestClient, session: str, home: Home
) -> None:
    times = [0.0, 0.1, 0.4, 0.5, 1.3]
    recorded = [post(client, session, seconds).json()["recorded"] for seconds in times]
    assert recorded == pytest.approx([0.0, *times[:-1]])
    project = client.post("/projects", json={"name": "Kept"}).json()["id"]
    assert client.post(f"/live/{session}/stop").json() == {"recording": True}
    kept = client.post(f"/live/{session}/keep", json={"project_id": project, "name": "Door"})
    assert kept.status_code == 201 and kept.json()["name"] == "Door"
    (stored,) = home.media.iterdir()
    with open_video(stored) as video:
        assert video.pts == pytest.approx(times)
        assert [read_number(rgb) for _, rgb in video] == [round(10 * seconds) for seconds in times]
    assert post(client, session, 2.0).status_code == 404
    assert not list(home.temporary.glob("upload-live-*"))


def test_one_camera_at_a_time(client: TestClient, session: str) -> None:
    refused = begin(client)
    assert refused.status_code == 409 and "one at a time" in refused.json()["detail"]
    client.delete(f"/live/{session}")
    again = begin(client)
    assert again.status_code == 201
    client.delete(f"/live/{again.json()['session']}")


def test_a_session_that_is_stopped_takes_no_frames_but_frees_the_place(client: TestClient, session: str) -> None:
    assert client.post(f"/live/{session}/stop").json() == {"recording": False}
    refused = post(client, session, 0.0)
    assert refused.status_code == 409 and "has ended" in refused.json()["detail"]
    nothing = client.post("/projects", json={"name": "Empty"}).json()["id"]
    assert client.post(f"/live/{session}/keep", json={"project_id": nothing}).status_code == 409
    other = begin(client)
    assert other.status_code == 201
    client.delete(f"/live/{other.json()['session']}")


BAD_FRAMES = [
    (b"no picture", 0.2, 422, "as a JPEG"),
    (jpeg(1)[:200], 0.2, 422, "JPEG"),
    (jpeg(1, 16, 2000), 0.2, 422, "1920"),
    (jpeg(1, WIDTH, HEIGHT), 0.2, 422, "size"),  # turned over since the first one
    (jpeg(1), -1.0, 422, "t:"),
    (jpeg(1), float("nan"), 422, "t:"),
    (b"\xff" * (1024**2 + 1), 0.2, 413, "too large"),
]


def test_a_bad_frame_is_refused_in_words_and_the_session_goes_on(client: TestClient, session: str) -> None:
    assert post(client, session, 0.1).status_code == 200
    for body, seconds, status, words in BAD_FRAMES:
        refused = post(client, session, seconds, body)
        assert refused.status_code == status and words in refused.json()["detail"]
        assert post(client, session, 1.0).status_code == 200, words


def test_an_unknown_model_or_session_is_not_found(client: TestClient) -> None:
    assert begin(client, model="../../etc/passwd").status_code == 404
    assert post(client, "0" * 32, 0.0).status_code == 404
    assert client.delete("/live/none").status_code == 404


def test_a_model_that_cannot_be_loaded_is_said_and_frees_the_place(client: TestClient, home: Home) -> None:
    (home.models / "broken.safetensors").write_bytes(b"nothing")
    refused = begin(client, model="broken")
    assert refused.status_code == 422 and "broken" in refused.json()["detail"]
    (home.models / "broken.safetensors").unlink()
    again = begin(client)
    assert again.status_code == 201
    client.delete(f"/live/{again.json()['session']}")


def test_another_site_and_a_stranger_may_not_use_the_camera(client: TestClient, tmp_path: Path) -> None:
    elsewhere = {"Origin": "https://evil.test"}
    assert client.post("/live", json={"model": "tiny"}, headers=elsewhere).status_code == 403
    assert client.post("/live/x/frames?t=0", content=jpeg(0), headers=elsewhere).status_code == 403
    guarded = create_app(Home(tmp_path / "guarded"), password="correct horse")
    with TestClient(guarded, base_url="http://studio.lab/api/v1") as stranger:
        for path in ("/live", "/live/x/frames?t=0", "/live/x/stop", "/live/x/keep"):
            assert stranger.post(path, json={"model": "tiny"}).status_code == 401, path
        assert COOKIE not in stranger.cookies


def test_the_page_may_use_the_camera_and_nobody_else(client: TestClient) -> None:
    assert "camera=(self)" in client.get("/health").headers["permissions-policy"]


# ---------- the desk, without the web ----------


@pytest.fixture
def desk(home: Home) -> Iterator[LiveDesk]:
    desk = LiveDesk(home, idle_seconds=1.0)
    yield desk
    desk.close()


def frame(number: int) -> Any:
    return live_desk.JpegFrame(number / 10, jpeg(number))


def test_a_session_without_frames_ends_and_keeps_its_recording_for_a_while(
    desk: LiveDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(live_desk, "KEPT_SECONDS", 2.0)
    session = desk.begin("tiny", 0.0)
    session.step(frame(0))
    wait_for(lambda: not session.running or None)
    wait_for(lambda: session.recording.exists() or None)
    assert desk.find(session.id) is session
    wait_for(lambda: not session.recording.exists() or None)
    with pytest.raises(NotFound):
        desk.find(session.id)


def test_a_second_frame_at_once_is_told_to_wait(desk: LiveDesk) -> None:
    session = desk.begin("tiny", 0.0)
    results: list[str] = []

    def step(number: int) -> None:
        try:
            session.step(frame(number))
            results.append("done")
        except live_desk.Conflict as error:
            results.append(str(error))

    with session._stepping:  # as if a frame were under way
        step(0)
    assert "one at a time" in results[0]
    threads = [threading.Thread(target=step, args=(number,)) for number in range(1, 5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert "done" in results and session.step(frame(9))["tracks"] is not None


def test_a_process_that_dies_is_said_and_what_it_recorded_stays(desk: LiveDesk) -> None:
    session = desk.begin("tiny", 0.0)
    for number in range(40):  # four seconds: more than a fragment
        session.step(frame(number))
    session._process.kill()
    with pytest.raises(live_desk.LiveError, match="broke off"):
        session.step(frame(40))
    assert not session.running
    recording = session.stop()
    assert recording is not None
    with open_video(recording) as video:
        numbers = [read_number(rgb) for _, rgb in video]
    assert len(numbers) >= 15 and numbers == list(range(len(numbers)))


def test_the_process_of_a_session_ends_with_its_input(desk: LiveDesk) -> None:
    session = desk.begin("tiny", 0.0)
    assert session._process.stdin is not None
    session._process.stdin.close()  # as the end of the web process does
    assert session._process.wait(60) == 0


def test_the_server_answers_while_a_model_works(client: TestClient, session: str) -> None:
    worst, done = 0.0, threading.Event()

    def follow() -> None:
        for number in range(10):
            post(client, session, number / 10, jpeg(number, 480, 640))
        done.set()

    threading.Thread(target=follow, daemon=True).start()
    while not done.is_set():
        began = time.monotonic()
        assert client.get("/health").status_code == 200
        worst = max(worst, time.monotonic() - began)
        time.sleep(0.01)
    assert worst < 2.0, f"a page waited {worst:.2f} seconds"
