"""Routes of the Try page: the clips that ship with the program, and trials.

A trial is a project of its own whose name begins with "Trial: ", so nothing tried is lost; keeping it is giving it a plain name.
"""

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from engine.checkpoint import ASSETS
from engine.video import open_video
from studio.api import schemas
from studio.api.access import read_body
from studio.api.context import InStudio, Studio
from studio.api.frame_cache import encode
from studio.api.library import add_received, add_video, video_view
from studio.api.uploads import ReceivedFile, receive_file
from studio.jobs.importing import video_facts
from studio.store import Row, library, one
from studio.store.errors import Conflict, NotFound

CLIPS = ASSETS / "clips"
PREFIX = "Trial: "
THUMBNAIL_HEIGHT = 180

router = APIRouter(tags=["trials"])


class Example(BaseModel):
    name: str
    title: str
    seconds: float


class ExampleList(BaseModel):
    examples: list[Example]


class ExampleName(BaseModel):
    example: str


@router.get("/examples", response_model=ExampleList)
def list_examples() -> Any:
    """The clips that ship with the program."""
    return {"examples": [_example(path) for path in sorted(CLIPS.glob("*.mp4"))]}


@router.get("/examples/{name}/thumbnail.jpg", response_class=Response)
def get_example_thumbnail(name: str) -> Response:
    """A small picture of a shipped clip."""
    return Response(
        _thumbnail(_clip(name)), media_type="image/jpeg", headers={"Cache-Control": "private, max-age=3600"}
    )


@router.post("/trials", response_model=schemas.Video, status_code=201)
async def create_trial(studio: InStudio, request: Request) -> Any:
    """Try an uploaded `file`, or {"example": name}. The same clip again is the same trial."""
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        received = await receive_file(request, studio.home)
        video = await run_in_threadpool(_try_received, studio, received)
    else:
        clip = _clip(_example_name(await read_body(request, studio.home.json_limit)))
        video = await run_in_threadpool(_try_example, studio, clip)
    return await run_in_threadpool(lambda: video_view(studio.store.database, video))


@router.post("/projects/{project_id}/keep", response_model=schemas.ProjectSummary)
def keep_trial(studio: InStudio, project_id: int) -> Any:
    """Make a trial an ordinary project: its name loses "Trial: ", and gains a number if there is one of that name already."""
    with studio.store.transaction() as database:
        name = library.project(database, project_id)["name"]
        if not name.startswith(PREFIX):
            raise Conflict(f'"{name}" is kept already.')
        taken = {project["name"] for project in library.projects(database)}
        plain = name.removeprefix(PREFIX)
        kept = next(candidate for candidate in _numbered(plain) if candidate not in taken)
        database.execute("update projects set name = ? where id = ?", (kept, project_id))
        return next(project for project in library.projects(database) if project["id"] == project_id)


def _numbered(name: str) -> Any:
    yield name
    number = 2
    while True:
        yield f"{name} {number}"
        number += 1


def _clip(name: str) -> Path:
    """The shipped clip called `name`; looked up in the list, so that no name can lead elsewhere."""
    known = {path.stem: path for path in CLIPS.glob("*.mp4")}
    if name not in known:
        raise NotFound(f'There is no example clip "{name}". Examples: {", ".join(sorted(known)) or "none"}.')
    return known[name]


def _example_name(body: bytes) -> str:
    try:
        return ExampleName.model_validate(json.loads(body)).example
    except ValueError as error:
        raise HTTPException(422, 'Send a clip as the field "file" of a form, or as {"example": "name"}.') from error


@lru_cache
def _example(path: Path) -> dict[str, Any]:
    with open_video(path) as source:
        seconds = source.length / source.fps
    return {"name": path.stem, "title": path.stem.replace("_", " ").replace("-", " ").capitalize(), "seconds": seconds}


@lru_cache
def _thumbnail(path: Path) -> bytes:
    with open_video(path) as source:
        return encode(source.frame(source.length // 2), THUMBNAIL_HEIGHT)


def _try_received(studio: Studio, received: ReceivedFile) -> Row:
    project = _trial_project(studio, Path(received.name).stem)
    return add_received(studio, project["id"], received)[0]


def _try_example(studio: Studio, clip: Path) -> Row:
    project = _trial_project(studio, clip.stem)
    known = library.find_video(studio.store.database, project["id"], path=str(clip))
    if known is not None and known["state"] != "failed":
        return known
    return add_video(studio, project["id"], known, name=clip.stem, path=str(clip), **video_facts(clip))[0]


def _trial_project(studio: Studio, name: str) -> Row:
    name = PREFIX + (name.strip() or "video")[: library.NAME_LIMIT - len(PREFIX)]
    with studio.store.transaction() as database:
        found = one(database, "select * from projects where name = ?", (name,))
        return found or library.add_project(database, name)
