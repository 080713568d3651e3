"""Routes of the Try page: the clips that ship with the program, and trials.

A trial is a project of its own whose name begins with "Trial: ", so nothing tried is lost; keeping it is giving it a plain name.
"""

import json
import os
import uuid
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel
from starlette.responses import FileResponse

from engine.checkpoint import ASSETS
from engine.video import open_video
from studio.api import schemas
from studio.api.access import read_body
from studio.api.context import InStudio, Studio
from studio.api.library import add_received, add_video, video_view
from studio.api.uploads import ReceivedFile, receive_file
from studio.jobs.importing import video_facts
from studio.jpeg import encode
from studio.store import Row, library, one
from studio.store.errors import Conflict, NotFound

CLIPS = ASSETS / "clips"
TITLES = {  # in the order of the page; other clips follow by name
    "lake": "Lake",
    "table": "Table",
    "launchpad": "Launch pad",
    "strangers": "Strangers",
    "bigbuckbunny": "Big Buck Bunny",
    "cup": "Cup",
}
PREFIX = "Trial: "
THUMBNAIL_HEIGHT = 540  # it is the poster of the stage, too

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
    order = list(TITLES)
    clips = sorted(
        CLIPS.glob("*.mp4"), key=lambda path: (order.index(path.stem) if path.stem in TITLES else len(order), path.stem)
    )
    return {"examples": [_example(path) for path in clips]}


@router.get("/examples/{name}/thumbnail.jpg", response_class=FileResponse)
def get_example_thumbnail(studio: InStudio, name: str) -> FileResponse:
    """A small picture of a shipped clip."""
    return FileResponse(_thumbnail(studio, _clip(name)), headers={"Cache-Control": "private, max-age=3600"})


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


def _numbered(name: str) -> Iterator[str]:
    """`name`, "name 2", "name 3" and so on."""
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
    return {"name": path.stem, "title": TITLES.get(path.stem, path.stem.capitalize()), "seconds": seconds}


def _thumbnail(studio: Studio, path: Path) -> Path:
    """A picture from the middle of a clip, made once per home."""
    place = studio.home.thumbnails / f"example-{path.stem}.jpg"
    if not place.is_file():
        with open_video(path) as source:
            jpeg = encode(source.frame(source.length // 2), THUMBNAIL_HEIGHT)
        partial = place.with_name(f"{place.name}.{uuid.uuid4().hex}")
        partial.write_bytes(jpeg)
        os.replace(partial, place)
    return place


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
