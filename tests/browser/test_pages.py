"""The pages in a real browser: getting about, trying a clip, bringing videos in, running, exporting."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from studio.settings import Home
from studio.store import Store, library
from tests.browser.studio_server import HEIGHT, WIDTH, new_home, studio
from tests.videos import make_video, numbered_frames

LONG = 120_000  # milliseconds; a model runs meanwhile


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return new_home(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="module")
def address(home: Home) -> Iterator[str]:
    with studio(home) as address:
        yield address


@pytest.fixture
def visit(page: Any, address: str) -> Iterator[Any]:
    """visit("run") -> the page, with that page of the studio on show."""

    def go(view: str, **asked: Any) -> Any:
        query = "&".join(f"{key}={value}" for key, value in {"view": view, **asked}.items())
        page.goto(f"{address}/?{query}")
        page.wait_for_selector(f"#page-{view}", state="visible")
        page.wait_for_selector("#footer .facts:has-text('Kernel')")
        return page

    yield go
    page.goto("about:blank")  # so that no poll breaks off as an error


def shown_pages(page: Any) -> list[str]:
    return [found.get_attribute("id") for found in page.locator(".page:visible").all()]


def test_every_page_is_a_click_away_and_has_an_address(visit: Any) -> None:
    page = visit("try")
    for name in ("Library", "Run", "Export", "Try"):
        page.get_by_role("link", name=name, exact=True).click()
        assert shown_pages(page) == [f"page-{name.lower()}"]
        assert f"view={name.lower()}" in page.url
        assert page.title() == f"{name} · CTVIS Studio"
    page.go_back()
    assert shown_pages(page) == ["page-export"]
    page.reload()
    page.wait_for_selector("#page-export", state="visible")
    assert shown_pages(page) == ["page-export"]


def test_the_theme_is_chosen_with_one_click_and_stays(visit: Any) -> None:
    page = visit("library")
    before = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Dark or light").click()
    after = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert after != before
    page.reload()
    page.wait_for_selector("#page-library", state="visible")
    page.wait_for_timeout(500)
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == after


def test_the_footer_says_what_runs_and_where_the_data_is(visit: Any, home: Home) -> None:
    text = visit("library").locator("#footer").inner_text()
    assert str(home.root) in text and "Kernel" in text


def test_a_clip_is_tried_watched_and_kept(visit: Any, tmp_path: Path, address: str) -> None:
    clip = make_video(tmp_path / "garden.mp4", numbered_frames(24, HEIGHT, WIDTH))
    page = visit("try")
    page.locator("#page-try input[type=file]").set_input_files(clip)
    page.get_by_label("number input for Minimum certainty").first.fill("0")
    page.locator("#try-start").click()
    page.wait_for_selector(".result-actions >> text=Keep as project", timeout=LONG)
    page.wait_for_function("document.querySelector('.stage-view video').videoWidth > 0")
    seconds = page.evaluate("document.querySelector('.stage-view video').duration")
    assert seconds == pytest.approx(24 / 25, abs=0.05)
    with page.expect_download() as download:
        page.get_by_role("link", name="Video", exact=True).click()
    assert download.value.suggested_filename == "garden-overlay.mp4"
    with page.expect_download() as download:
        page.get_by_role("link", name="results.json").click()
    assert download.value.suggested_filename == "garden-results.json"
    page.get_by_text("Keep as project").click()
    page.wait_for_selector("#page-library h1:has-text('garden')")
    names = [project["name"] for project in httpx.get(f"{address}/api/v1/projects").json()["projects"]]
    assert "garden" in names and "Trial: garden" not in names


def test_a_run_can_be_stopped_and_keeps_what_it_has(visit: Any, home: Home, tmp_path: Path, address: str) -> None:
    clip = make_video(tmp_path / "long.mp4", numbered_frames(1000, HEIGHT, WIDTH))
    page = visit("try")
    page.locator("#page-try input[type=file]").set_input_files(clip)
    page.get_by_label("number input for Minimum certainty").first.fill("0")
    page.locator("#try-start").click()
    page.wait_for_function("/frame \\d+ of 1000/.test(document.querySelector('.stage-line').innerText)", timeout=LONG)
    page.locator(".stage-line").get_by_role("button", name="Stop").click()
    page.wait_for_selector(".stage-line:has-text('Cancelled')", timeout=LONG)
    job = next(
        job
        for job in httpx.get(f"{address}/api/v1/jobs").json()["jobs"]
        if job["title"] == "long" and job["kind"] == "run"
    )
    assert job["state"] == "cancelled" and 0 < job["frames_done"] < 1000


def test_a_file_that_is_no_video_is_refused_in_words(visit: Any, tmp_path: Path) -> None:
    text = tmp_path / "notes.mp4"
    text.write_text("no video")
    page = visit("try")
    page.watch.expected.append("422")
    page.locator("#page-try input[type=file]").set_input_files(text)
    page.locator("#try-start").click()
    assert "notes" in page.locator(".toast.error").inner_text() or "video" in page.locator(".toast.error").inner_text()
    assert "It did not work." in page.locator(".stage-line").inner_text()


def test_videos_come_in_by_upload_and_by_path(visit: Any, tmp_path: Path) -> None:
    page = visit("library")
    page.get_by_role("button", name="New project").click()
    page.get_by_label("Name of the project").fill("Field work")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1:has-text('Field work')")
    first = make_video(tmp_path / "first.mp4", numbered_frames(8, HEIGHT, WIDTH))
    page.locator("#page-library input[type=file]").set_input_files(first)
    page.wait_for_selector(".video-card:has-text('first') >> text=New", timeout=LONG)
    second = make_video(tmp_path / "second.mp4", numbered_frames(9, HEIGHT, WIDTH))
    page.get_by_role("button", name="From this computer").click()
    page.get_by_label("Path of a video file or a folder of images").fill(str(second))
    page.keyboard.press("Enter")
    page.wait_for_selector(".video-card:has-text('second') >> text=New", timeout=LONG)
    assert "2 videos" in page.locator("#page-library .page-head").inner_text()
    page.watch.expected.append("422")
    page.get_by_role("button", name="From this computer").click()
    page.get_by_label("Path of a video file or a folder of images").fill("/no/such/film.mp4")
    page.keyboard.press("Enter")
    assert "no file or folder" in page.locator(".toast.error").inner_text()


def test_names_are_shown_as_text_whatever_they_contain(visit: Any, home: Home) -> None:
    payload = "<img src=x onerror=window.hit=1>${window.hit=1}{{constructor}}"
    store = Store(home.database)
    with store.transaction() as database:
        library.add_project(database, payload)
    store.close()
    page = visit("library")
    page.wait_for_selector(f".project-list button[title='{payload}']")
    page.get_by_title(payload).click()
    page.wait_for_function("name => document.querySelector('#page-library h1').innerText === name", arg=payload)
    page.get_by_role("link", name="Export", exact=True).click()
    page.wait_for_function("document.querySelectorAll('#page-export option').length > 1")
    assert page.evaluate("window.hit") is None


def test_the_review_page_opens_the_video_of_the_address(visit: Any) -> None:
    page = visit("review", video=2)
    page.wait_for_function("window.__studio?.state.video?.id === 2")
    assert page.locator(".ct-review").bounding_box()["height"] > 700
    page.get_by_role("link", name="Library", exact=True).click()
    page.get_by_role("link", name="Review", exact=True).click()
    page.wait_for_function("window.__studio.state.video.id === 2")
