"""Where commands are found at the review page: context menus, the palette, the sheet of keys that can be changed."""

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from tests.browser.four_tracks import Page, open_page
from tests.browser.planted import Library


@pytest.fixture
def review(library: Library, address: str, new_page: Callable[..., Any]) -> Callable[..., Page]:
    """review() opens a new video with four tracks; review(page) another page on the same video."""
    return partial(open_page, library, address, new_page)


def test_the_context_menu_offers_the_same_commands(review: Callable[..., Page]) -> None:
    page = review()
    page.page.mouse.click(*page.at(35, 15), button="right")
    menu = page.page.get_by_role("menu", name="What to do with")
    assert "Split at this frame" in menu.inner_text()
    assert page.state("selected") == page.ids[0]
    menu.get_by_role("menuitem", name="Delete in this frame").click()
    page.idle()
    assert page.made.mask(page.video, page.ids[0], 0) is None
    assert page.made.mask(page.video, page.ids[0], 1) is not None


def test_the_palette_finds_commands_tracks_and_frames(review: Callable[..., Page]) -> None:
    page = review()
    page.press("Control+k")
    page.page.keyboard.type("#42")
    page.press("Enter")
    assert page.state("frame") == 42
    page.press("Control+k")
    page.page.keyboard.type(f"dog {page.ids[3]}")
    page.press("Enter")
    assert page.state("selected") == page.ids[3]
    page.press("Control+k")
    page.page.keyboard.type("del from")
    page.press("Enter")
    assert page.latest()["summary"] == f"Deleted dog {page.ids[3]} from frame 42 on"
    page.press("Control+k")
    page.page.keyboard.type("a cat")
    page.press("Enter")
    assert page.state("tracks")[3]["category"] == "cat"


def test_the_palette_opens_again_in_the_very_moment_it_closed(review: Callable[..., Page]) -> None:
    page = review()
    page.press("Control+k")
    page.page.evaluate(
        """() => {
          const press = (key, ctrlKey = false) => document.activeElement.dispatchEvent(
            new KeyboardEvent("keydown", { key, ctrlKey, bubbles: true, cancelable: true }));
          press("Enter");
          press("k", true);
        }"""
    )
    assert page.page.locator(".ct-palette").get_attribute("open") is not None


def kept(answer: Any) -> bool:
    """Whether the studio has got what a person set for themselves."""
    return answer.url.endswith("/preferences") and answer.request.method == "PUT"


def test_a_key_is_changed_told_where_it_conflicts_and_found_again_in_another_browser(
    review: Callable[..., Page],
) -> None:
    page = review()
    page.press("?")
    page.page.get_by_label("Search commands and keys").fill("split")
    page.page.get_by_role("button", name="Change the key of Split at this frame").click()
    with page.page.expect_response(kept):
        page.page.keyboard.press("x")
        assert "X was the key of “Swap two tracks" in page.text(".ct-help-said")
    page.press("Escape")
    other = review(page)
    other.go(25)
    other.select(0)
    other.press("x")
    assert other.latest()["op"] == "split"
    assert other.page.get_by_label("Split at this frame (X)").count() == 1
    other.press("?")
    with other.page.expect_response(kept):
        other.page.get_by_role("button", name="Reset all keys").click()
    assert page.visit().state("keys") == {}


def test_the_context_menu_of_a_row_of_the_timeline_is_about_that_track(review: Callable[..., Page]) -> None:
    page = review()
    box = page.page.locator(".ct-timeline-area").bounding_box()
    page.page.mouse.click(box["x"] + 40, box["y"] + 95, button="right")  # the first row's name
    assert page.page.get_by_role("menu", name="What to do with dog").is_visible()
    assert page.state("selected") in page.ids


def test_no_key_does_two_things(review: Callable[..., Page]) -> None:
    commands = review().page.evaluate("window.__studio.commands")
    keys = [key for command in commands for key in command["keys"]]
    assert sorted({key for key in keys if keys.count(key) > 1}) == []
    assert len({command["id"] for command in commands}) == len(commands) > 40


def test_a_command_that_cannot_be_done_is_grey_everywhere_and_says_why(review: Callable[..., Page]) -> None:
    page = review()
    undo = page.page.get_by_label("Undo (Ctrl+Z)")
    assert undo.get_attribute("aria-description") == "Nothing to undo."
    assert undo.get_attribute("title") == "Undo (Ctrl+Z)\nNothing to undo."
    page.press("Control+k")
    page.page.keyboard.type("swap two")
    row = page.page.get_by_role("option", name="Swap two tracks").first
    assert row.get_attribute("aria-disabled") == "true" and "Select a track first" in row.inner_text()
    page.page.keyboard.press("Escape")
    page.select(3)  # it begins in frame 20
    page.press("ContextMenu")
    item = page.page.get_by_role("menuitem", name="Delete in this frame")
    assert item.get_attribute("title") == "What is selected has no mask in this frame."
    item.click(force=True)
    page.idle()
    assert "has no mask in this frame" in page.text(".ct-toasts")
    for key, why in {
        "Home": "This is the first frame.",
        "s": f"All masks of dog {page.ids[3]} lie on one side of this frame.",
        "Alt+Delete": "What is selected has no mask before this frame.",
        "e": "What is selected has no mask in this frame.",
        "w": "What is selected has no mask in this frame.",
        "Alt+3": "What is selected has no mask in this frame.",
        "Shift+B": "What is selected has no mask in this frame.",
        "Shift+D": "What is selected has no mask in frame 1 to copy.",
        "u": "Draw or verify the track in a frame before and one after this, or choose a range (I and O).",
        "Shift+P": "This run keeps nothing of what the model saw. Copy or interpolate masks, or run the model once more.",
    }.items():
        page.press(key)
        assert why in page.text(".ct-toasts"), key
    assert page.state("tool") == "select"
    page.go(30)
    page.press("Control+Delete")
    page.page.wait_for_function("!document.querySelector('[aria-label^=Undo]').hasAttribute('aria-disabled')")
    assert undo.get_attribute("title") == "Undo (Ctrl+Z)"


def test_the_legend_is_drawn_as_the_timeline_is(review: Callable[..., Page]) -> None:
    page = review()
    page.page.evaluate("document.querySelector('.ct-timeline').style.setProperty('--ct-success', 'rgb(1, 2, 3)')")
    page.page.evaluate("document.body.classList.toggle('dark')")
    page.press("Alt+t")
    legend = page.page.get_by_role("dialog", name="Legend of the timeline")
    assert legend.is_visible()
    drawn = legend.locator("canvas").evaluate_all(
        """(all) => all.map((canvas) => {
          const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
          return [...new Uint32Array(data.buffer)].join();
        })"""
    )
    texts = legend.locator("dd").all_inner_texts()
    verified = drawn[texts.index("verified: the line above")].split(",")
    assert str(0xFF030201) in verified, "the token of the timeline is that of its legend"
    assert len(texts) == len(drawn) == len(set(drawn)) > 10
    page.page.keyboard.press("Escape")
    assert not legend.is_visible()


def test_the_page_names_video_and_project_and_no_message_covers_the_picture(review: Callable[..., Page]) -> None:
    page = review()
    project = page.page.locator(".ct-title a")
    assert project.inner_text().startswith("Project ")
    assert project.get_attribute("href") == f"?view=library&project={page.state('video')['project_id']}"
    assert page.page.title() == f"clip.mp4 · {project.inner_text()} · CTVIS Studio"
    page.press("x")
    boxes = [page.page.locator(name).bounding_box() for name in (".ct-toast", ".ct-stage", ".ct-timeline")]
    toast, *others = boxes
    assert all(toast["x"] >= box["x"] + box["width"] for box in others)
