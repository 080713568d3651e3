"""What every route works with: the home folder, the store, the queue and the frames, made once per application."""

from dataclasses import dataclass
from typing import Annotated
from urllib.parse import unquote

from fastapi import Depends, Header, Request

from studio.api.frame_cache import FrameCache
from studio.jobs.queue import JobQueue
from studio.settings import Home
from studio.store import Store, library

NAME_COOKIE = "ctvis_name"


@dataclass(frozen=True)
class Studio:
    """The parts of one running studio."""

    home: Home
    store: Store
    queue: JobQueue
    frames: FrameCache
    version: str


def _studio(request: Request) -> Studio:
    studio: Studio = request.app.state.studio
    return studio


def _user(request: Request) -> str:
    """Who asks: whatever the access rule noted on the request, or the name they gave (`people.py`), or "local"."""
    given = unquote(request.cookies.get(NAME_COOKIE, ""))[: library.NAME_LIMIT]
    return getattr(request.state, "user", None) or given.strip() or "local"


InStudio = Annotated[Studio, Depends(_studio)]
User = Annotated[str, Depends(_user)]
RequestKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=100, description="The client's own, unique name for this request."),
]
