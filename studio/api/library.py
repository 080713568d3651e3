"""Routes of projects, categories and videos; how a video gets in, and out."""

import json
import os
from pathlib import Path
from typing import Any

from fastapi import APIRouter, HTTPException, Request, Response
from fastapi.concurrency import run_in_threadpool
from sqlite_utils import Database

from engine.errors import VideoError
from studio.api import schemas
from studio.api.access import read_body
from studio.api.context import InStudio, Studio
from studio.api.server_paths import readable_path
from studio.api.uploads import ReceivedFile, receive_file
from studio.jobs.importing import video_facts
from studio.store import Row, jobs, library, removal, runs

router = APIRouter(tags=["library"])

NEW_VIDEO_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
            },
            "application/json": {"schema": schemas.ServerPath.model_json_schema()},
        },
    }
}


def run_state(database: Database, video: Row) -> dict[str, Any] | None:
    """The shown run of a video as the API gives it."""
    return run_view(runs.run(database, video["run_id"]), video) if video["run_id"] is not None else None


def run_view(run: Row, video: Row) -> dict[str, Any]:
    """A run with how far it is."""
    progress = 1.0 if run["state"] == "done" else run["frames_done"] / video["length"]
    facts = {"progress": progress, "detections": run["tracking"] is not None}
    return run | facts | {"shown": run["id"] == video["run_id"]}


def video_version(video: Row) -> str:
    """Says which pictures a video has: from its checksum, once that is known."""
    return video["sha256"][:16] if video["sha256"] else f"{video['id']}-{video['bytes']}"


def video_view(database: Database, video: Row) -> dict[str, Any]:
    """A video row as the API gives it."""
    in_place = Path(video["path"]).is_absolute()
    return video | {"run": run_state(database, video), "version": video_version(video), "in_place": in_place}


def project_view(database: Database, project_id: int) -> dict[str, Any]:
    """A project as the API gives it."""
    return library.project(database, project_id) | {
        "categories": library.categories(database, project_id),
        "videos": [video_view(database, video) for video in library.videos(database, project_id)],
        "holds": removal.held_by_project(database, project_id),
    }


@router.get("/projects", response_model=schemas.ProjectList)
def list_projects(studio: InStudio) -> Any:
    """All projects."""
    return {"projects": library.projects(studio.store.database)}


@router.post("/projects", response_model=schemas.Project, status_code=201)
def create_project(studio: InStudio, body: schemas.NewName) -> Any:
    """A new project; 409 if the name is taken."""
    with studio.store.transaction() as database:
        return project_view(database, library.add_project(database, body.name)["id"])


@router.get("/projects/{project_id}", response_model=schemas.Project)
def get_project(studio: InStudio, project_id: int) -> Any:
    """A project with its categories and videos."""
    with studio.store.reading() as database:
        return project_view(database, project_id)


@router.patch("/projects/{project_id}", response_model=schemas.Project)
def rename_project(studio: InStudio, project_id: int, body: schemas.NewName) -> Any:
    """Another name for a project; 409 if it is taken."""
    with studio.store.transaction() as database:
        library.rename_project(database, project_id, body.name)
        return project_view(database, project_id)


@router.delete("/projects/{project_id}", status_code=204)
def delete_project(studio: InStudio, project_id: int) -> None:
    """Delete a project with all that is in it, for good; 409 while it is worked on."""
    with studio.store.transaction() as database:
        videos = library.videos(database, project_id)
        job = removal.remove_project(database, project_id)
    _clear_away(studio, job, videos)


@router.post("/projects/{project_id}/categories", response_model=schemas.Category, status_code=201)
def create_category(studio: InStudio, project_id: int, body: schemas.NewName) -> Any:
    """A new category; 409 if the project has one of that name."""
    with studio.store.transaction() as database:
        return library.add_category(database, project_id, body.name)


@router.get("/projects/{project_id}/videos", response_model=schemas.VideoList)
def list_videos(studio: InStudio, project_id: int) -> Any:
    """The videos of a project."""
    with studio.store.reading() as database:
        return {"videos": [video_view(database, video) for video in library.videos(database, project_id)]}


@router.post(
    "/projects/{project_id}/videos", response_model=schemas.Video, status_code=201, openapi_extra=NEW_VIDEO_BODY
)
async def create_video(studio: InStudio, project_id: int, request: Request, response: Response) -> Any:
    """Add a video: an uploaded `file`, or the `path` of a file or folder on the server. 200 if the project has it already."""
    await run_in_threadpool(library.project, studio.store.database, project_id)
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        received = await receive_file(request, studio.home)
        video, created = await run_in_threadpool(add_received, studio, project_id, received)
    else:
        path = _server_path(await read_body(request, studio.home.json_limit))
        video, created = await run_in_threadpool(add_from_server, studio, project_id, path)
    response.status_code = 201 if created else 200
    return await run_in_threadpool(lambda: video_view(studio.store.database, video))


def add_received(studio: Studio, project_id: int, received: ReceivedFile) -> tuple[Row, bool]:
    """Take a received file into the media folder and the project; False if the project has it already."""
    facts = None
    try:
        known = library.find_video(studio.store.database, project_id, sha256=received.sha256)
        if known is not None and known["state"] != "failed":
            return known, False
        facts = video_facts(received.path)
    except VideoError as error:  # the sender knows the file by its name, not by where it lies for now
        raise VideoError(str(error).replace(str(received.path), received.name)) from error
    finally:
        if facts is None:
            received.path.unlink(missing_ok=True)
    stored = received.sha256 + received.path.suffix
    name = Path(received.name).stem[: library.NAME_LIMIT] or "video"
    values = {"name": name, "path": stored, "sha256": received.sha256, **facts}
    try:
        return add_video(studio, project_id, known, received.path, **values)
    finally:
        received.path.unlink(missing_ok=True)


def add_from_server(studio: Studio, project_id: int, path: Path) -> tuple[Row, bool]:
    """Add a video that lies on the server, where it lies; False if the project has it already."""
    path = readable_path(studio.home, path, "videos")
    known = library.find_video(studio.store.database, project_id, path=str(path))
    if known is not None and known["state"] != "failed":
        return known, False
    facts = video_facts(path)
    name = (path.name if path.is_dir() else path.stem)[: library.NAME_LIMIT]
    return add_video(studio, project_id, known, name=name, path=str(path), **facts)


def add_video(
    studio: Studio, project_id: int, failed: Row | None, received: Path | None = None, **values: Any
) -> tuple[Row, bool]:
    """Store a new video, or one that failed once more, and put its import in the queue.

    A received file moves into the media folder in the same transaction: nobody can find it unused there and remove it.
    """
    with studio.store.transaction() as database:
        if failed is None:
            video = library.add_video(database, project_id, **values)
        else:
            database.execute("update videos set state = 'importing', error = null where id = ?", (failed["id"],))
            video = library.video(database, failed["id"])
        if received is not None:
            os.replace(received, studio.home.media / values["path"])
        job = jobs.add_job(database, "import", project_id=project_id, video_id=video["id"])
    studio.queue.put(job)
    return video, True


def _server_path(body: bytes) -> Path:
    try:
        return Path(schemas.ServerPath.model_validate(json.loads(body)).path)
    except ValueError as error:
        raise HTTPException(
            422, 'Send a video as the field "file" of a form, or as {"path": "/where/it/is.mp4"}.'
        ) from error


@router.get("/videos/{video_id}", response_model=schemas.VideoDetail)
def get_video(studio: InStudio, video_id: int) -> Any:
    """A video, its categories and the run that is shown."""
    with studio.store.reading() as database:
        return video_detail(database, video_id)


@router.patch("/videos/{video_id}", response_model=schemas.VideoDetail)
def rename_video(studio: InStudio, video_id: int, body: schemas.NewName) -> Any:
    """Another name for a video; its file keeps its own."""
    with studio.store.transaction() as database:
        library.rename_video(database, video_id, body.name)
        return video_detail(database, video_id)


@router.delete("/videos/{video_id}", status_code=204)
def delete_video(studio: InStudio, video_id: int) -> None:
    """Delete a video with its runs and corrections, for good; 409 while it is worked on.

    A file that the studio received goes too, unless another project has it; one that was imported where it lies stays.
    """
    with studio.store.transaction() as database:
        video = library.video(database, video_id)
        job = removal.remove_video(database, video_id)
    _clear_away(studio, job, [video])


def _clear_away(studio: Studio, job: Row, videos: list[Row]) -> None:
    for video in videos:
        studio.frames.forget(video["id"])
    studio.queue.put(job)


def video_detail(database: Database, video_id: int) -> dict[str, Any]:
    """A video as its own page needs it."""
    video = library.video(database, video_id)
    return video_view(database, video) | {
        "project": library.project(database, video["project_id"])["name"],
        "categories": library.categories(database, video["project_id"]),
        "holds": removal.held_by_video(database, video_id),
        "runs": [run_view(run, video) for run in runs.runs(database, video_id)],
    }
