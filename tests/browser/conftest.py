"""What browser tests share: one Chromium for all of them, a page that forgives nothing, a server for an ASGI app.

A message on the console of level error, an uncaught exception or a request to another host fails the test that caused it.
"""

import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
import uvicorn

from tests.pace import unhurried

if TYPE_CHECKING:
    from tests.browser.annotator import Annotator
    from tests.browser.fake_api import FakeVideo
    from tests.browser.planted import Library

playwright_api = pytest.importorskip("playwright.sync_api")

__all__ = ["unhurried"]

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)


def find_chromium() -> str | None:
    """A Chromium of the system; None lets Playwright take its own."""
    return next((path for path in map(shutil.which, NAMES) if path), None)


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    with playwright_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        yield browser
        browser.close()


class Watch:
    """What a page did that it should not have; `expected` are texts of console errors a test provokes on purpose."""

    def __init__(self, page: Any) -> None:
        self.problems: list[str] = []
        self.requests: list[str] = []
        self.expected: list[str] = []
        page.on("console", lambda message: self.console(message))
        page.on("pageerror", lambda error: self.note(f"exception: {error}"))
        page.on("request", lambda request: self.request(request.url))

    def console(self, message: Any) -> None:
        if message.type == "error":
            self.note(f"console: {message.text} {message.location.get('url', '')}")

    def note(self, problem: str) -> None:
        self.problems.append(problem)

    def request(self, url: str) -> None:
        self.requests.append(url)
        if urlsplit(url).scheme in ("http", "https", "ws", "wss") and urlsplit(url).hostname not in (
            "127.0.0.1",
            "localhost",
        ):
            self.note(f"request to another host: {url}")

    def unexpected(self) -> list[str]:
        return [problem for problem in self.problems if not any(text in problem for text in self.expected)]


@pytest.fixture
def new_page(chromium: Any) -> Iterator[Callable[..., Any]]:
    """new_page(width=1440, height=900, **context arguments) -> a page with `page.watch`."""
    opened = []

    def create(width: int = 1440, height: int = 900, **arguments: Any) -> Any:
        context = chromium.new_context(viewport={"width": width, "height": height}, **arguments)
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.watch = Watch(page)
        opened.append((context, page.watch))
        return page

    yield create
    for context, _ in opened:
        context.close()
    assert [problem for _, watch in opened for problem in watch.unexpected()] == []


@pytest.fixture
def page(new_page: Callable[..., Any]) -> Any:
    return new_page()


@contextmanager
def serve(app: Any) -> Iterator[str]:
    """Serve an ASGI app on a free port of this machine; gives its address."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 30
    while not server.started:
        if not thread.is_alive() or time.monotonic() > deadline:
            raise RuntimeError("The server under test did not start.")
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> "Library":
    """A home folder for the tests of a file, with its database."""
    from tests.browser.planted import Library

    return Library.new(tmp_path_factory.mktemp("library"))


@pytest.fixture(scope="module")
def address(library: "Library") -> Iterator[str]:
    """Where the real application serves that folder, and /stage?video=N the review stage alone."""
    from tests.browser.bare_stage import create_stage_app

    with serve(create_stage_app(library.home)) as address:
        yield address


@pytest.fixture
def studio(page: Any) -> Iterator[Callable[..., tuple["Annotator", "FakeVideo"]]]:
    """studio(**facts of the video) -> the annotator with the video open, and the video on an imitation of the server."""
    from tests.browser.annotator import Annotator
    from tests.browser.fake_api import FakeVideo, create_app

    with ExitStack() as servers:

        def start(**facts: Any) -> tuple[Annotator, FakeVideo]:
            video = FakeVideo(**facts)
            return Annotator(page, servers.enter_context(serve(create_app(video)))).open(), video

        yield start
        page.context.close()  # before the servers: a page that polls would complain


@pytest.fixture(scope="session")
def modules(chromium: Any) -> Iterator[Any]:
    """A blank page of the static server, for tests of single JavaScript modules: modules.evaluate("async () => ...")."""
    from tests.browser.fake_api import FakeVideo, create_app

    with serve(create_app(FakeVideo(objects=1, length=1))) as address:
        page = chromium.new_page()
        page.goto(f"{address}/blank")
        yield page
        page.close()
