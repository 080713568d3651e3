"""The web application: the HTTP API, the static files and the Gradio pages, behind one set of rules.

`create_app(home)` opens the store and starts no process; `commands/serve.py` runs it with a worker beside it.
"""

import gradio as gr
from fastapi import FastAPI
from starlette.responses import JSONResponse

from studio.api import create_api, live, results, trials
from studio.login import LoginGate, read_secret
from studio.pages.shell import build_blocks
from studio.security import LOOPBACK_HOSTS, secure
from studio.settings import Home
from studio.static_files import OwnFiles, address, own_files, stamp
from studio.store import Store
from studio.theme import studio_theme

HEAD = f"""
<script src="{address("pages/boot.js")}"></script>
<link rel="icon" type="image/svg+xml" href="/static/icons/mark.svg">
<link rel="stylesheet" href="{address("css/tokens.css")}">
<link rel="stylesheet" href="{address("css/app.css")}">
<link rel="stylesheet" href="{address("css/finetune.css")}">
<link rel="stylesheet" href="{address("css/jobs.css")}">
<link rel="stylesheet" href="{address("css/models.css")}">
"""
# The modules of the pages name each other; with their names in the head a browser need not find them one after the other.
MODULES = "\n".join(
    f'<link rel="modulepreload" fetchpriority="low" href="{address(name)}">'
    for name in own_files()
    if name.startswith(("review/", "pages/")) and name.endswith(".js") and name != "pages/boot.js"
)
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
    app.mount("/static", OwnFiles())
    app.mount(f"/static-{stamp()}", OwnFiles(for_ever=True))

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
        head=HEAD + MODULES,
        footer_links=[],
        run_history=False,
        show_error=False,
        enable_monitoring=False,
        allowed_paths=[],
        blocked_paths=[str(home.root)],
        max_file_size="1mb",  # uploads go through the API
    )
