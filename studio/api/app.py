"""The application under /api/v1, ready to be mounted.

`create_api(home, store)` puts the routers together, turns errors into sentences with a status, and refuses foreign or oversized
requests. Its OpenAPI document is a route like the others, so whatever guards them guards it too.
"""

import sqlite3
from collections.abc import Sequence
from typing import Any

from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends as Dependency
from starlette.responses import JSONResponse

from engine.errors import CtvisError
from engine.ops import active_kernel
from studio.api import (
    again,
    comparison,
    finetune,
    frames,
    jobs,
    library,
    model_work,
    models,
    operations,
    people,
    preferences,
    review,
    schemas,
    suggestions,
    teamwork,
    times,
    work,
)
from studio.api.access import BodyLimit, same_origin
from studio.api.context import InStudio, Studio
from studio.api.frame_cache import FrameCache
from studio.api.newest import Newest
from studio.api.uploads import remove_leftovers
from studio.jobs.full_disk import SENTENCE, is_full
from studio.jobs.queue import JobQueue
from studio.settings import Home
from studio.store import Store
from studio.store.errors import Conflict, NotFound
from studio.version import studio_version


def create_api(home: Home, store: Store, dependencies: Sequence[Dependency] = ()) -> FastAPI:
    """The API of one studio. `dependencies` decide who may use it; they may set `request.state.user`."""
    remove_leftovers(home)
    rules = [Depends(same_origin), *dependencies]
    app = FastAPI(
        title="CTVIS Studio",
        version=studio_version(),
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=rules,
    )
    app.state.studio = Studio(home, store, JobQueue(home), FrameCache(home), studio_version())
    app.state.newest_previews = Newest()
    app.add_middleware(BodyLimit, limit=home.json_limit)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(CtvisError, _refused)
    app.add_exception_handler(OSError, _unwritten)
    app.add_exception_handler(sqlite3.OperationalError, _unwritten)
    problems: dict[int | str, dict[str, Any]] = {
        status: {"model": schemas.Problem} for status in (403, 404, 409, 413, 422)
    }
    review_parts = (review, operations, again, comparison, suggestions, teamwork, people, preferences, times)
    for module in (library, frames, *review_parts, work, jobs, finetune, models, model_work):
        app.include_router(module.router, responses=problems)

    @app.get("/health", response_model=schemas.Health)
    def health(studio: InStudio) -> Any:
        """Whether the studio answers, its version, and what serves the deformable attention op."""
        return {"status": "ok", "version": studio.version, "kernel": active_kernel()}

    @app.get("/openapi.json", include_in_schema=False)
    def openapi() -> dict[str, Any]:
        return app.openapi()

    return app


def _refused(request: Request, error: Exception) -> JSONResponse:
    """An error that is meant for the user, with the status that fits it."""
    body: dict[str, Any] = {"detail": str(error)}
    if isinstance(error, Conflict):
        return JSONResponse(body | {"current": error.current}, 409)
    return JSONResponse(body, 404 if isinstance(error, NotFound) else 422)


def _unwritten(request: Request, fault: Exception) -> JSONResponse:
    """507 where the disk is full; what else may be wrong with it is for the log."""
    studio: Studio = request.app.state.studio
    if not is_full(studio.home, fault):
        raise fault
    return JSONResponse({"detail": SENTENCE.format("try again")}, 507)


def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    """What is wrong with a request's values, as sentences."""
    assert isinstance(error, RequestValidationError)
    sentences = [
        f"{'.'.join(str(part) for part in e['loc'][1:]) or 'The request'}: {e['msg']}." for e in error.errors()
    ]
    return JSONResponse({"detail": " ".join(sentences)}, 422)
