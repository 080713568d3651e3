"""The Try page's camera in a real browser, with Chromium's own fake camera in front of it."""

import contextlib
import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from studio.settings import Home
from tests.browser.conftest import FLAGS, Watch, find_chromium
from tests.browser.studio_server import new_home, studio
from tests.studio.processes import wait_for

LONG = 120_000  # milliseconds; a model is loaded meanwhile
FAKE_CAMERA = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
NUMBERS = re.compile(r"\d+ objects? · [\d.]+ frames/s · \d+ ms latency · \d+ frames? dropped")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return new_home(tmp_path_factory.mktemp("live"))


@pytest.fixture(scope="module")
def address(home: Home) -> Iterator[str]:
    with studio(home) as address:
        yield address


@pytest.fixture(scope="module")
def browser(chromium: Any) -> Iterator[Any]:
    """A second Chromium, which has a camera."""
    browser = chromium.browser_type.launch(executable_path=find_chromium(), args=[*FLAGS, *FAKE_CAMERA])
    yield browser
    browser.close()


@pytest.fixture
def visit(browser: Any, home: Home, address: str) -> Iterator[Callable[[], Any]]:
    """visit() -> the Try page in a context of its own."""
    opened = []

    def open_page(script: str = "") -> Any:
        context = browser.new_context(viewport={"width": 1440, "height": 900}, permissions=["camera"])
        page = context.new_page()
        page.set_default_timeout(20_000)
        page.watch = Watch(page)
        opened.append((context, page))
        page.add_init_script(script)
        page.goto(f"{address}/?view=try")
        page.get_by_role("button", name="Use the camera").wait_for()
        page.get_by_label("number input for Minimum certainty").first.fill("0")
        return page

    yield open_page
    for context, page in opened:
        page.goto("about:blank")  # a closed page ends its session
        context.close()
    wait_for(lambda: idle(home) or None)
    assert [problem for _, page in opened for problem in page.watch.unexpected()] == []


def idle(home: Home) -> bool:
    """Whether no process of a session runs in this home: the camera is free."""
    commands = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it has just ended
            commands.append(path.read_bytes())
    return not any(b"studio.live.process" in command and str(home.root).encode() in command for command in commands)


def follow(page: Any) -> None:
    """Choose the camera, start, and wait for the first answer."""
    page.get_by_role("button", name="Use the camera").click()
    page.wait_for_function("document.querySelector('.camera-picture').videoWidth > 0")
    page.locator("#try-start").click()
    page.wait_for_function("/frames.s · /.test(document.querySelector('.stage-line').innerText)", timeout=LONG)


def status(page: Any) -> str:
    return str(page.locator(".stage-line .muted").inner_text())


def test_the_camera_is_followed_and_its_recording_kept(
    visit: Callable[..., Any], address: str, home: Home, tmp_path: Path
) -> None:
    page = visit()
    follow(page)
    assert NUMBERS.fullmatch(status(page)), status(page)
    page.wait_for_function(  # masks are drawn over the frame
        """() => {
          const canvas = document.querySelectorAll(".camera-view canvas")[1];
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return data.some((value) => value > 0);
        }"""
    )
    page.wait_for_timeout(1500)
    page.locator(".stage-line").get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Keep the recording").wait_for()
    assert page.evaluate("document.querySelector('.camera-picture').srcObject === null")  # the camera is off
    page.get_by_role("button", name="Keep the recording").click()
    page.wait_for_selector("#page-library h1:has-text('Camera 20')")
    page.wait_for_selector(".video-card:has-text('Camera 20') >> text=New", timeout=LONG)
    projects = httpx.get(f"{address}/api/v1/projects").json()["projects"]
    project = next(one["id"] for one in projects if one["name"].startswith("Camera 20"))
    (video,) = httpx.get(f"{address}/api/v1/projects/{project}/videos").json()["videos"]
    assert video["length"] > 3 and video["width"] > video["height"]
    assert not list(home.temporary.glob("upload-live-*"))


def test_one_frame_is_under_way_at_a_time_and_the_rest_is_counted_as_dropped(visit: Callable[..., Any]) -> None:
    page = visit()
    under_way: list[int] = [0]
    most: list[int] = [0]

    def began(request: Any) -> None:
        if "/frames?" in request.url:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])

    def ended(request: Any) -> None:
        if "/frames?" in request.url:
            under_way[0] -= 1

    page.on("request", began)
    page.on("requestfinished", ended)
    page.route(re.compile("/frames[?]"), lambda route: (time.sleep(0.3), route.continue_()))
    follow(page)
    page.wait_for_function("!/ 0 frames dropped/.test(document.querySelector('.stage-line').innerText)")
    assert most[0] == 1
    page.unroute(re.compile("/frames[?]"))
    page.locator(".stage-line").get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Discard").click()
    page.wait_for_selector(".stage-line:has-text('The camera is off')")


def test_a_second_page_is_told_that_the_camera_is_followed_already(visit: Callable[..., Any]) -> None:
    first, second = visit(), visit()
    follow(first)
    second.watch.expected.append("409")
    second.get_by_role("button", name="Use the camera").click()
    second.wait_for_function("document.querySelector('.camera-picture').videoWidth > 0")
    second.locator("#try-start").click()
    assert "one at a time" in second.locator(".toast.error").inner_text()
    assert "frames/s" in status(first)


def test_a_camera_that_is_not_allowed_is_said_in_words(visit: Callable[..., Any]) -> None:
    page = visit(
        "if (navigator.mediaDevices) navigator.mediaDevices.getUserMedia = "
        "async () => { throw new DOMException('no', 'NotAllowedError'); };"
    )
    page.get_by_role("button", name="Use the camera").click()
    assert "does not let this page use the camera" in page.locator(".toast.error").inner_text()


def test_choosing_a_clip_turns_the_camera_off(visit: Callable[..., Any]) -> None:
    page = visit()
    page.get_by_role("button", name="Use the camera").click()
    page.wait_for_function("document.querySelector('.camera-picture').videoWidth > 0")
    page.locator(".example").first.click()
    page.wait_for_function("document.querySelector('.camera-picture').srcObject === null")
    assert page.locator(".camera-view").is_hidden()


def test_the_numbers_are_about_the_last_seconds(modules: Any) -> None:
    text = modules.evaluate(
        """async () => {
          const { Numbers } = await import("/static/pages/live_camera.js");
          const numbers = new Numbers();
          const texts = [];
          for (let n = 0; n < 20; n++) numbers.add(100 * n, 400, 3); // ten frames a second, slow to come
          texts.push(numbers.text(1));
          for (let n = 0; n < 40; n++) numbers.add(10_000 + 200 * n, 50, 0); // then five a second
          texts.push(numbers.text(2));
          return texts;
        }"""
    )
    assert text == [
        "1 object · 10.0 frames/s · 400 ms latency · 60 frames dropped",
        "2 objects · 5.0 frames/s · 50 ms latency · 60 frames dropped",
    ]
