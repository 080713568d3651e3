"""Nothing is lost: on the real server and database, killed and started again, with the page reloaded in between, and two people on
one mask.
"""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from studio.store import reviews
from tests.browser.annotator import Annotator, runs_of, stroke
from tests.browser.bare_stage import PAGE
from tests.browser.planted import Library, square, steady
from tests.studio.processes import ENVIRONMENT, ROOT, wait_for

SERVER = """
import sys, uvicorn
from pathlib import Path
from fastapi import FastAPI
from fastapi.responses import HTMLResponse
from starlette.staticfiles import StaticFiles
from studio.api import create_api
from studio.settings import Home
from studio.store import Store
home = Home(Path(sys.argv[1]))
app = FastAPI()
app.mount("/api/v1", create_api(home, Store(home.database)))
app.mount("/static", StaticFiles(directory="studio/static"))
app.get("/")(lambda: HTMLResponse(Path(sys.argv[3]).read_text()))
uvicorn.run(app, port=int(sys.argv[2]), log_level="error")
"""
# Which of the network errors comes depends on where the kill met the request.
OFFLINE = ["net::ERR_", "Failed to fetch", "Connection", "404"]


class Server:
    """The API and the review page, without the other pages, in a process of its own; always at the same address."""

    def __init__(self, home: Path) -> None:
        self.home = home
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.page = home / "page.html"
        self.page.write_text(PAGE)
        self.start()

    def start(self) -> None:
        command = [sys.executable, "-c", SERVER, str(self.home), str(self.port), str(self.page)]
        self.process = subprocess.Popen(command, cwd=ROOT, env=ENVIRONMENT)
        wait_for(self.answers, 60)

    def answers(self) -> bool:
        assert self.process.poll() is None, "the server ended"
        try:
            return httpx.get(f"{self.address}/api/v1/health").status_code == 200
        except httpx.TransportError:
            return False

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def server(library: Library) -> Iterator[Server]:
    running = Server(library.home.root)
    yield running
    running.process.kill()
    running.process.wait()


@contextmanager
def gone(server: Server) -> Iterator[None]:
    """The server is killed as by a power cut, and started again afterwards."""
    server.kill()
    try:
        yield
    finally:
        server.start()


@pytest.fixture
def review(server: Server, new_page: Callable[..., Any]) -> Callable[..., Annotator]:
    def start(video: int) -> Annotator:
        page = new_page()
        page.watch.expected += OFFLINE
        return visit(Annotator(page, server.address), video)

    return start


def visit(annotator: Annotator, video: int) -> Annotator:
    annotator.page.goto(f"{annotator.address}/?video={video}")
    annotator.page.wait_for_function("window.__studio && window.__studio.drawnFrame >= 0")
    return annotator.idle()


def edits(library: Library, video: int) -> list[str]:
    sql = "select e.op from edits e join runs r on r.id = e.run_id where r.video_id = ? order by e.id"
    return [op for (op,) in library.store.database.execute(sql, (video,)).fetchall()]


def notes(library: Library, video: int) -> list[tuple[str, int, int]]:
    found = reviews.comments(library.store.database, video)
    return [(note["text"], note["frame"], note["track_id"]) for note in found]


def test_a_stroke_drawn_while_the_server_dies_is_saved_when_it_is_back(
    library: Library, server: Server, review: Callable[..., Annotator]
) -> None:
    video, (track,) = library.video([steady(range(70))])
    annotator = review(video)
    annotator.press("ArrowDown", "b")
    size = annotator.state("brushSize")
    annotator.drag((150, 40), (200, 60), release=False)
    with gone(server):
        annotator.page.mouse.up()
        annotator.drag((220, 100), (240, 120))
        annotator.page.wait_for_function("window.__studio.saving === 'failed'")
        annotator.page.locator(".ct-waiting:visible", has_text="kept in this browser").wait_for()
        assert annotator.text(".ct-waiting:visible").startswith("2 changes wait for the studio")
    annotator.page.get_by_role("button", name="Send now").click()
    annotator.idle()
    drawn = stroke((150, 40), (200, 60), size) | stroke((220, 100), (240, 120), size)
    assert (library.mask(video, track, 0) == square(30, 60, 30) | drawn).all()
    assert edits(library, video) == ["set_mask", "set_mask"]
    assert annotator.page.locator(".ct-waiting:visible").count() == 0


def test_what_was_drawn_offline_survives_a_reload_and_is_sent_in_order(
    library: Library, server: Server, review: Callable[..., Annotator]
) -> None:
    video, (track,) = library.video([steady(range(70))])
    annotator = review(video)
    annotator.press("ArrowDown", "b")
    size = annotator.state("brushSize")
    with gone(server):
        annotator.drag((150, 40), (200, 60))
        annotator.drag((220, 100), (240, 120))
        annotator.drag((20, 20), (40, 20))
        annotator.page.keyboard.press("Control+z")
        annotator.page.keyboard.press(";")
        annotator.page.keyboard.type("Is this one dog?")
        annotator.page.keyboard.press("Enter")
        annotator.page.wait_for_function("window.__studio.state.pending === 5 && window.__studio.saving === 'failed'")
        annotator.page.wait_for_function("window.__studio.atRisk === false")
        with pytest.raises(Exception, match="ERR_CONNECTION_REFUSED"):
            annotator.page.reload()
    visit(annotator, video)
    drawn = stroke((150, 40), (200, 60), size) | stroke((220, 100), (240, 120), size)
    assert (library.mask(video, track, 0) == square(30, 60, 30) | drawn).all()
    assert annotator.mask(0, track, 180, 320) == (square(30, 60, 30) | drawn).tolist()
    assert edits(library, video) == ["set_mask", "set_mask", "set_mask", "undo"]
    assert notes(library, video) == [("Is this one dog?", 0, track)]

    visit(annotator, video)
    assert edits(library, video) == ["set_mask", "set_mask", "set_mask", "undo"], "what was sent is not sent again"
    assert len(notes(library, video)) == 1


def test_notes_are_changed_resolved_and_deleted_offline_and_the_studio_hears_of_it_later(
    library: Library, server: Server, review: Callable[..., Annotator]
) -> None:
    video, (track,) = library.video([steady(range(70))])
    with library.store.transaction() as database:
        for text in ("a fox?", "two dogs", "too dark"):
            reviews.add_comment(database, video, text, "local", 0, track)
    annotator = review(video)
    page = annotator.page
    page.locator('[data-tab="notes"]').click()
    note = {text: page.locator(".ct-note", has_text=text) for text in ("a fox?", "two dogs", "too dark", "a fox!")}
    note["too dark"].wait_for()
    with gone(server):
        note["a fox?"].get_by_role("button", name="Edit").click()
        page.locator(".ct-note textarea").fill("a fox!")
        page.keyboard.press("Enter")
        note["two dogs"].get_by_role("button", name="Resolve").click()
        note["too dark"].get_by_role("button", name="Delete").click()
        page.wait_for_function("window.__studio.state.pending === 3 && window.__studio.atRisk === false")
        assert [note[text].count() for text in note] == [0, 0, 0, 1], "it shows as if it were done"
        with pytest.raises(Exception, match="ERR_CONNECTION_REFUSED"):
            page.reload()
    assert [text for text, *_ in notes(library, video)] == ["a fox?", "two dogs", "too dark"]
    visit(annotator, video)
    left = reviews.comments(library.store.database, video)
    assert [(one["text"], one["resolved_by"]) for one in left] == [("a fox!", None), ("two dogs", "local")]


def test_a_change_whose_answer_was_lost_is_done_once(library: Library, review: Callable[..., Annotator]) -> None:
    video, (track,) = library.video([steady(range(70))])
    annotator = review(video)
    lost = []

    def lose_answers(route: Any) -> None:
        lost.append(route.fetch())  # the server did its work
        route.abort()

    annotator.page.watch.expected.append("ERR_FAILED")
    annotator.page.route("**/masks/0", lose_answers)
    annotator.press("ArrowDown", "b")
    annotator.drag((150, 40), (200, 60))
    annotator.page.wait_for_function("window.__studio.saving === 'failed' && !window.__studio.atRisk")
    annotator.page.unroute("**/masks/0")
    visit(annotator, video)
    assert edits(library, video) == ["set_mask"] and len(lost) == 1
    annotator.press("Control+z")
    assert (library.mask(video, track, 0) == square(30, 60, 30)).all()


@pytest.mark.parametrize("choice", ["theirs", "mine", "both"])
def test_two_people_on_one_mask_see_both_versions_and_choose(
    library: Library, review: Callable[..., Annotator], choice: str
) -> None:
    video, (track,) = library.video([steady(range(70))])
    first, second = review(video), review(video)
    second.page.watch.expected.append("409")
    for annotator in (first, second):
        annotator.press("ArrowDown", "b")
    size = first.state("brushSize")
    before = square(30, 60, 30)
    second.drag((220, 100), (240, 120), release=False)
    first.drag((150, 40), (200, 60))
    wait_for(lambda: edits(library, video) == ["set_mask"], 20)
    second.page.mouse.up()  # before it hears of the other's
    first.idle()
    second.page.locator("dialog.ct-conflict[open]").wait_for()
    theirs = before | stroke((150, 40), (200, 60), size)
    mine = before | stroke((220, 100), (240, 120), size)
    assert (library.mask(video, track, 0) == theirs).all()
    assert second.page.locator(".ct-version canvas").count() == 3

    if choice == "mine":  # decided later, after a reload: nothing is lost meanwhile
        second.page.keyboard.press("Escape")
        assert "1 mask has two versions" in second.text(".ct-waiting-conflict")
        visit(second, video)
        second.page.locator("dialog.ct-conflict[open]").wait_for()
    second.page.keyboard.press({"theirs": "1", "mine": "2", "both": "3"}[choice])
    second.page.locator("dialog.ct-conflict[open]").wait_for(state="hidden")
    second.idle()
    expected: np.ndarray = {"theirs": theirs, "mine": mine, "both": theirs | mine}[choice]
    assert (library.mask(video, track, 0) == expected).all()
    assert second.mask(0, track, 180, 320) == expected.tolist()
    visit(second, video)
    assert second.page.locator("dialog.ct-conflict[open]").count() == 0


def test_the_page_warns_before_it_closes_only_while_something_is_nowhere_kept(
    library: Library, server: Server, review: Callable[..., Annotator]
) -> None:
    video, _ = library.video([steady(range(70))])
    annotator = review(video)
    asked = []
    annotator.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.accept()))
    annotator.press("ArrowDown", "b")
    with gone(server):
        annotator.drag((150, 40), (200, 60))
        annotator.page.wait_for_function("window.__studio.saving === 'failed' && !window.__studio.atRisk")
        annotator.page.goto("about:blank")
        assert asked == [], "it is kept in the browser"
    annotator = visit(annotator, video)
    annotator.page.evaluate("indexedDB.deleteDatabase('ctvis-studio')")
    annotator.page.add_init_script("Object.defineProperty(window, 'indexedDB', { value: undefined })")
    visit(annotator, video)
    annotator.press("ArrowDown", "b")
    with gone(server):
        annotator.drag((220, 100), (240, 120))
        annotator.page.wait_for_function("window.__studio.saving === 'failed'")
        assert "Keep this page open" in annotator.text(".ct-waiting:visible")
        annotator.page.goto("about:blank")
        assert asked == ["beforeunload"]


def test_both_versions_together_are_every_pixel_of_either(modules: Any) -> None:
    rng = np.random.default_rng(0)
    script = """async (pairs) => {
      const { unionOfRuns } = await import("/static/review/saving/union.js");
      return pairs.map(([a, b]) => [...unionOfRuns(Uint32Array.from(a), Uint32Array.from(b))]);
    }"""
    masks = [(rng.random((2, 7, 9)) < share) for share in (0.0, 0.1, 0.5, 0.9, 1.0) for _ in range(20)]
    pairs = [[runs_of(mask) for mask in pair] for pair in masks]
    assert modules.evaluate(script, pairs) == [runs_of(a | b) for a, b in masks]
