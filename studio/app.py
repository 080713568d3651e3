"""The web application: the HTTP API, the static files and the Gradio pages, behind one set of rules.

`create_app(home)` opens the store and starts no process; `commands/serve.py` runs it with a worker beside it.
"""

from pathlib import Path

import gradio as gr
from fastapi import FastAPI
from starlette.responses import JSONResponse
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

from studio.api import create_api, live, results, trials
from studio.login import LoginGate, read_secret
from studio.pages.shell import build_blocks
from studio.security import LOOPBACK_HOSTS, secure
from studio.settings import Home
from studio.store import Store
from studio.theme import studio_theme

STATIC = Path(__file__).parent / "static"
HEAD = """
<script src="/static/pages/boot.js"></script>
<link rel="icon" type="image/svg+xml" href="/static/icons/mark.svg">
<link rel="stylesheet" href="/static/css/tokens.css">
<link rel="stylesheet" href="/static/css/app.css">
"""
MANIFEST = {
    "id": "/",
    "name": "CTVIS Studio",
    "short_name": "CTVIS",
    "description": "Find, follow and correct every object in a video.",
    "start_url": "/",
    "display": "standalone",
    "background_color": "#0e1115",
    "theme_color": "#0e1115",
    "icons": [
        {"src": "/static/icons/icon-192.png", "sizes": "192x192", "type": "image/png"},
        {"src": "/static/icons/icon-512.png", "sizes": "512x512", "type": "image/png"},
        {"src": "/static/icons/mark.svg", "sizes": "any", "type": "image/svg+xml"},
    ],
}


def create_app(home: Home, password: str | None = None) -> FastAPI:
    """The application of one home folder. With a password everything but the login page needs it, under any host name;
    without one only this machine's own names are answered."""
    store = Store(home.create().database)
    api = create_api(home, store)
    api.include_router(trials.router)
    api.include_router(results.router)
    live.add_live(api, home)

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    app.mount("/api/v1", api)
    app.mount("/static", static_files())

    @app.get("/manifest.json", include_in_schema=False)
    def manifest() -> JSONResponse:
        return JSONResponse(MANIFEST, media_type="application/manifest+json")

    if password:
        # A name of the attacker's own that leads here brings no cookie, so any host name may be used.
        app.add_middleware(LoginGate, password=password, secret=read_secret(home.root / "secret"))
    secure(app, ("*",) if password else LOOPBACK_HOSTS)
    return gr.mount_gradio_app(
        app,
        build_blocks(home, store),
        path="/",
        pwa=True,
        theme=studio_theme(),
        head=HEAD,
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        allowed_paths=[],
        blocked_paths=[str(home.root)],
        max_file_size="1mb",  # uploads go through the API
    )


class RevalidatedFiles(StaticFiles):
    """Files that a browser keeps but asks about each time, so that an update is seen at once."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_header(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"].append((b"cache-control", b"no-cache"))
            await send(message)

        await super().__call__(scope, receive, send_with_header)


def static_files() -> StaticFiles:
    """The studio's own files, and behind them Gradio's, which it looks for under the same address."""
    return RevalidatedFiles(directory=STATIC, packages=[("gradio", "templates/frontend/static")])
