"""The review stage inside Gradio: mounted once, told by Python which video to show, hidden and shown again with its page."""

from collections.abc import Iterator
from typing import Any

import gradio as gr
import pytest

from studio.pages.review_stage import review_stage
from tests.browser.conftest import serve
from tests.browser.fake_api import FakeVideo, create_app


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    app = create_app(FakeVideo(), page=False)
    nonces = iter(range(1, 1000))
    with gr.Blocks(analytics_enabled=False) as blocks:
        with gr.Row():
            opener = gr.Button("Open")
            closer = gr.Button("Close")
        with gr.Tabs(), gr.Tab("Review"):
            stage = review_stage(elem_id="stage")
        with gr.Tabs(), gr.Tab("Other"):
            gr.Textbox(label="Elsewhere")
        opener.click(lambda: {"video": 1, "nonce": next(nonces)}, None, stage, queue=False, api_visibility="private")
        closer.click(lambda: {"video": None, "nonce": next(nonces)}, None, stage, queue=False, api_visibility="private")
    gr.mount_gradio_app(app, blocks, path="/", footer_links=[], run_history=False, ssr_mode=False)
    with serve(app) as url:
        yield url


@pytest.fixture
def gradio_page(page: Any, address: str) -> Any:
    page.goto(address)
    page.wait_for_function("window.__studio")
    return page


def open_video(page: Any) -> None:
    page.get_by_role("button", name="Open").click()
    page.wait_for_function("window.__studio.drawnFrame >= 0")
    page.evaluate("window.__studio.idle()")


def test_without_a_video_it_says_what_to_do(gradio_page: Any) -> None:
    assert gradio_page.locator(".ct-notice span").inner_text() == "Choose a video to review."


def test_python_opens_a_video_and_keys_move_it_once(gradio_page: Any) -> None:
    open_video(gradio_page)
    assert gradio_page.locator(".ct-title h1").inner_text() == "walk.mp4"
    gradio_page.keyboard.press("ArrowRight")
    gradio_page.evaluate("window.__studio.idle()")
    assert gradio_page.evaluate("window.__studio.frame") == 1


def test_opening_it_again_keeps_the_stage_and_the_place(gradio_page: Any) -> None:
    open_video(gradio_page)
    gradio_page.evaluate("document.querySelector('.ct-review').dataset.first = 'yes'")
    gradio_page.keyboard.press("Shift+ArrowRight")
    with gradio_page.expect_request("**/api/v1/videos/1/tracks"):
        gradio_page.get_by_role("button", name="Open").click()
    gradio_page.evaluate("window.__studio.idle()")
    assert gradio_page.locator(".ct-review[data-first=yes]").is_visible()
    assert gradio_page.evaluate("window.__studio.frame") == 10


def test_python_closes_the_video(gradio_page: Any) -> None:
    open_video(gradio_page)
    gradio_page.get_by_role("button", name="Close").click()
    gradio_page.wait_for_function("document.querySelector('.ct-notice span').innerText === 'Choose a video to review.'")


def test_keys_typed_into_gradios_fields_stay_there(gradio_page: Any) -> None:
    open_video(gradio_page)
    gradio_page.get_by_label("Elsewhere").fill("bird")
    gradio_page.keyboard.press("ArrowRight")
    gradio_page.keyboard.press("b")
    assert gradio_page.evaluate("[window.__studio.want, window.__studio.state.tool]") == [0, "select"]
