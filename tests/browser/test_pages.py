"""The pages in a real browser: getting about, trying a clip, bringing videos in, running, exporting."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import httpx
import numpy as np
import pytest

from engine.masks import encode
from studio.review import edits
from studio.settings import Home
from studio.store import Store, library, runs
from tests.browser.studio_server import HEIGHT, WIDTH, new_home, studio
from tests.studio.processes import wait_for
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


def test_the_studio_opens_where_it_was_left(visit: Any, address: str) -> None:
    page = visit("models")
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("#page-models", state="visible")
    assert shown_pages(page) == ["page-models"] and "view=models" in page.url
    page.watch.expected.append("404")
    page.goto(f"{address}/?view=review&video=12345")  # a video that has been removed since
    page.get_by_text("no video 12345").first.wait_for()
    page.goto("about:blank")
    page.goto(address)
    page.get_by_text("no video 12345").first.wait_for()
    page.get_by_role("link", name="Open the Library").click()
    page.wait_for_selector("#page-library", state="visible")


def test_every_page_is_a_click_away_and_has_an_address(visit: Any) -> None:
    page = visit("try")
    for name in ("Library", "Run", "Fine-tune", "Models", "Jobs", "Export", "Try"):
        page.get_by_role("link", name=name, exact=True).click()
        view = name.lower().replace("-", "")
        assert shown_pages(page) == [f"page-{view}"]
        assert f"view={view}" in page.url
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
    page.wait_for_function("document.querySelector('.stage-view video.stage-picture').videoWidth > 0")
    seconds = page.evaluate("document.querySelector('.stage-view video.stage-picture').duration")
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


def new_project(address: str, name: str, *clips: Path) -> int:
    """A project with clips that are imported where they lie; its id."""
    api = f"{address}/api/v1"
    project = int(httpx.post(f"{api}/projects", json={"name": name}).json()["id"])
    for clip in clips:
        httpx.post(f"{api}/projects/{project}/videos", json={"path": str(clip)}).raise_for_status()
    wait_for(lambda: all(video["state"] == "ready" for video in videos_of(address, project)) or None)
    return project


def videos_of(address: str, project: int) -> list[dict[str, Any]]:
    videos: list[dict[str, Any]] = httpx.get(f"{address}/api/v1/projects/{project}/videos").json()["videos"]
    return videos


def test_a_video_is_deleted_by_mouse_after_it_was_said_what_goes_with_it(
    visit: Any, tmp_path: Path, home: Home, address: str
) -> None:
    clips = [make_video(tmp_path / f"{name}.mp4", numbered_frames(8, HEIGHT, WIDTH)) for name in ("lake", "shore")]
    clips[1].write_bytes(clips[1].read_bytes() + b"\0")  # another checksum
    project = new_project(address, "By mouse", *clips)
    lake = videos_of(address, project)[0]["id"]
    store = Store(home.database)
    edits.new_track(store, lake, library.add_category(store.database, project, "boat")["id"], 0, "local")
    runs.add_run(store.database, lake, "demo", {}, state="done")
    store.close()
    page = visit("library", project=project)
    page.get_by_role("button", name="More for lake").click()
    page.get_by_role("menuitem", name="Delete").click()
    question = page.get_by_role("dialog", name="Delete “lake”?")
    text = question.inner_text()
    assert "Its 1 run and 1 correction go with it. The video file itself stays where it is." in text
    question.get_by_role("button", name="Cancel").click()
    question.wait_for(state="detached")
    assert len(videos_of(address, project)) == 2
    page.get_by_role("button", name="More for lake").click()
    page.get_by_role("menuitem", name="Delete").click()
    question.get_by_role("button", name="Delete video").click()
    page.wait_for_selector(".video-card:has-text('lake')", state="detached")
    assert [video["name"] for video in videos_of(address, project)] == ["shore"] and clips[0].is_file()


def test_a_video_is_drawn_as_it_was_corrected_and_taken_away(
    visit: Any, tmp_path: Path, home: Home, address: str
) -> None:
    project = new_project(address, "By hand", make_video(tmp_path / "pond.mp4", numbered_frames(8, HEIGHT, WIDTH)))
    pond = videos_of(address, project)[0]["id"]
    store = Store(home.database)
    runs.add_run(store.database, pond, "demo", {}, state="done")
    boat = edits.new_track(store, pond, library.add_category(store.database, project, "boat")["id"], 0, "local")
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[60:90, 10:50] = 1
    edits.set_mask(store, pond, boat.tracks[0], 5, encode(mask)["counts"], 0, "local")
    store.close()

    page = visit("review", video=pond)
    page.get_by_role("button", name="Fine-tune a model").click()
    assert f"view=finetune&project={project}" in page.url and shown_pages(page) == ["page-finetune"]
    page.go_back()
    page.get_by_role("button", name="Draw the tracks").click()
    row = page.locator("#page-export .job:has-text('pond')")
    with page.expect_download(timeout=LONG) as download:
        row.get_by_role("link", name="MP4").click(timeout=LONG)
    with av.open(str(download.value.path())) as container:
        drawn = [frame.to_ndarray(format="rgb24").astype(int) for frame in container.decode(video=0)]
    colour = [np.ptp(picture[60:90, 10:50], axis=-1).mean() for picture in drawn]
    assert len(drawn) == 8 and colour[5] > 20 > max(colour[:5] + colour[6:]), "grey but for what was drawn by hand"

    page = visit("library", project=project)
    page.get_by_role("button", name="More for pond").click()
    page.get_by_role("menuitem", name="Draw as video").click()
    page.wait_for_selector("#page-export", state="visible")
    row.wait_for()  # one row: it is drawn over what was drawn before


def test_a_video_is_renamed_and_deleted_by_keyboard_alone(visit: Any, tmp_path: Path, address: str) -> None:
    clip = make_video(tmp_path / "lake.mp4", numbered_frames(8, HEIGHT, WIDTH))
    project = new_project(address, "By keyboard", clip)
    page = visit("library", project=project)
    page.get_by_role("button", name="More for lake").focus()
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.textContent === 'Rename'")
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.ariaLabel === 'More for lake'")
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Rename video").wait_for()
    page.keyboard.type("pond")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.ariaLabel === 'More for pond'")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Delete “pond”?").wait_for()
    page.keyboard.press("Escape")
    page.wait_for_function("document.activeElement.ariaLabel === 'More for pond'")
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.get_by_role("dialog", name="Delete “pond”?").wait_for()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_selector("#page-library .empty-state")
    assert videos_of(address, project) == [] and clip.is_file()


def test_projects_are_deleted_and_all_trials_with_one_button(visit: Any, tmp_path: Path, address: str) -> None:
    clip = make_video(tmp_path / "attempt.mp4", numbered_frames(8, HEIGHT, WIDTH))
    trial = httpx.post(f"{address}/api/v1/trials", files={"file": clip.open("rb")}).json()
    wait_for(lambda: videos_of(address, trial["project_id"])[0]["state"] == "ready" or None)
    new_project(address, "Old work")
    page = visit("library")
    page.get_by_role("button", name="Remove all trials").click()
    page.get_by_role("button", name="Remove trials").click()
    page.wait_for_selector(".project-list:has-text('Trials')", state="detached")
    page.get_by_title("Old work").hover()
    page.get_by_role("button", name="More for Old work").click()
    page.get_by_role("menuitem", name="Delete").click()
    page.get_by_role("button", name="Delete project").click()
    page.wait_for_selector(".project-list:has-text('Old work')", state="detached")
    names = [project["name"] for project in httpx.get(f"{address}/api/v1/projects").json()["projects"]]
    assert "Demo" in names and "Old work" not in names and not any(name.startswith("Trial: ") for name in names)


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


def test_the_review_page_opens_the_video_and_frame_of_the_address(visit: Any) -> None:
    page = visit("review", video=2, frame=3)
    page.wait_for_function("window.__studio?.state.video?.id === 2 && window.__studio.state.frame === 3")
    assert page.locator(".ct-review").bounding_box()["height"] > 700
    page.get_by_role("link", name="Library", exact=True).click()
    page.get_by_role("link", name="Review", exact=True).click()
    page.wait_for_function("window.__studio.state.video.id === 2 && window.__studio.state.frame === 3")
