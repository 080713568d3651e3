"""The real application with one page more, /stage?video=N: the review stage alone. Gradio's shell around it takes seconds to
load, so only the tests that are about the shell go through it.
"""

from typing import Any

from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from studio.app import create_app
from studio.settings import Home

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>review</title><link rel="icon" href="data:,">
<body style="margin:0"><div id="stage"></div><script type="module">
import { mount } from "/static/review/main.js";
const stage = await mount(document.getElementById("stage"));
await stage.open(Number(new URLSearchParams(location.search).get("video")));
</script></body></html>"""


def create_stage_app(home: Home) -> FastAPI:
    """The application of a home folder, with the page."""

    def page(request: Request) -> HTMLResponse:
        return HTMLResponse(PAGE)

    app = create_app(home)
    app.router.routes.insert(0, Route("/stage", page))
    return app


def open_stage(page: Any, address: str, video: int) -> None:
    """Opens a video and waits until a frame is on show."""
    page.goto(f"{address}/stage?video={video}")
    page.wait_for_function("window.__studio && window.__studio.drawnFrame >= 0")
