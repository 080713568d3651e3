"""Takes the pictures of docs/screenshots: every page in both themes, with the shipped model and clips.

`python docs/take_screenshots.py` starts a studio on a fresh home folder, runs the demo model on one clip in the browser, and writes
NAME-light.png and NAME-dark.png at 1440 x 900. Needs Chromium and assets/demo.safetensors.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from studio.settings import Home  # noqa: E402
from tests.browser.conftest import FLAGS, find_chromium  # noqa: E402
from tests.browser.studio_server import studio  # noqa: E402

OUT = ROOT / "docs" / "screenshots"
CLIP = "launchpad"
FRAME = 40
LONG = 300_000  # milliseconds


def picture(page: Any, name: str) -> None:
    """The page as it is now, in both themes."""
    for theme in ("light", "dark"):
        page.evaluate(
            "theme => { localStorage.setItem('ctvis.theme', theme); document.dispatchEvent(new CustomEvent('ctvis:theme')); }",
            theme,
        )
        page.wait_for_timeout(600)
        page.screenshot(path=OUT / f"{name}-{theme}.png")


def go(page: Any, name: str) -> None:
    page.get_by_role("link", name=name, exact=True).click()
    page.wait_for_timeout(2500)


def take(page: Any, address: str) -> None:
    page.goto(f"{address}/?view=try")
    page.add_style_tag(content="#footer .facts > :last-child { visibility: hidden }")  # the path of a temporary folder
    page.locator(f"[data-example={CLIP}]").click(timeout=LONG)
    page.locator("#try-start").click()
    page.wait_for_function(
        "/frame ([3-9]\\d|\\d\\d\\d) of/.test(document.querySelector('.stage-line').innerText)", timeout=LONG
    )
    page.screenshot(path=OUT / "try-running-light.png")
    page.locator(".result-actions >> text=Keep as project").wait_for(timeout=LONG)
    page.evaluate(
        "() => { const video = document.querySelector('.stage-view video.stage-picture'); video.pause(); video.currentTime = 2; }"
    )
    page.wait_for_timeout(1000)
    picture(page, "try")
    page.locator(".result-actions >> text=Review").click()
    page.wait_for_function("window.__studio?.state.tracks.length > 0")
    for _ in range(FRAME):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    page.evaluate("window.__studio.idle()")
    picture(page, "review")
    go(page, "Library")
    page.locator(".project-list button", has_text="Demo").click()
    page.wait_for_timeout(1500)
    picture(page, "library")
    go(page, "Run")
    page.locator("#run-start").click()
    page.wait_for_function(
        "document.querySelector('#page-run .job.running .bar')?.getAttribute('aria-valuenow') > 20", timeout=LONG
    )
    picture(page, "run")
    go(page, "Export")
    page.locator("#export-start").click()
    page.locator("#page-export .job.done").wait_for(timeout=LONG)
    picture(page, "export")


def main() -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        studio(Home(Path(folder) / "ctvis-studio")) as address,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        take(page, address)
        browser.close()


if __name__ == "__main__":
    OUT.mkdir(exist_ok=True)
    main()
