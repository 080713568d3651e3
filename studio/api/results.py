"""Routes of what there is to take away: the list of it, a drawn video, and a video's tracks in the YouTube-VIS results form."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlite_utils import Database
from starlette.responses import FileResponse, StreamingResponse

from studio.api import schemas
from studio.api.context import InStudio, Studio
from studio.jobs.drawing import overlay_path
from studio.jobs.exporting import track_masks
from studio.review import view
from studio.store import Row, exports, job_line, jobs, library
from studio.store.errors import NotFound

router = APIRouter(tags=["results"])


@router.get("/results", response_model=schemas.ResultList)
def list_results(studio: InStudio, limit: Annotated[int, Query(ge=1, le=500)] = 100) -> Any:
    """What the latest exports and drawn videos left, with its size; of a file that is gone there is nothing."""
    with studio.store.reading() as database:
        exported = job_line.listed(database, limit, state="done", kind="export")
        drawn = job_line.listed(database, limit, state="done", kind="overlay")
        made = [_exported(studio, database, job) for job in exported] + [_drawn(studio, job) for job in drawn]
    return {"results": [result for result in made if result is not None]}


def _exported(studio: Studio, database: Database, job: Row) -> dict[str, Any] | None:
    try:
        export = exports.export(database, job["export_id"])
    except NotFound:
        return None  # its project is being cleared away
    folder, href = studio.home.exports / str(export["id"]), f"/exports/{export['id']}"
    places = {"json": "annotations.json", "zip": "file.zip"}
    files = _files({kind: (folder / name, f"{href}/{name}") for kind, name in places.items()})
    frames = export["options"].get("frames", False)
    return {"job": job["id"], "files": files, "contents": export["contents"], "frames": frames}


def _drawn(studio: Studio, job: Row) -> dict[str, Any]:
    video = job["video_id"]
    files = _files({"mp4": (overlay_path(studio.home, video), f"/videos/{video}/overlay.mp4")})
    return {"job": job["id"], "files": files, "contents": None, "frames": False}


def _files(places: Mapping[str, tuple[Path, str]]) -> list[dict[str, Any]]:
    """kind: (path, where it is handed out)."""
    there = {kind: (path, href) for kind, (path, href) in places.items() if path.is_file()}
    return [{"kind": kind, "href": href, "bytes": path.stat().st_size} for kind, (path, href) in there.items()]


@router.post("/videos/{video_id}/overlay", status_code=202)
def start_overlay(studio: InStudio, video_id: int) -> dict[str, int]:
    """Draw the video with its tracks as they are now; `overlay.mp4` is there when the job is done."""
    with studio.store.transaction() as database:
        video = library.video(database, video_id)
        references = {"project_id": video["project_id"], "video_id": video_id}
        job = jobs.add_job(database, "overlay", frames_total=video["length"], **references)
    studio.queue.put(job)
    return {"job": job["id"]}


@router.get("/videos/{video_id}/overlay.mp4", response_class=FileResponse)
def get_overlay(studio: InStudio, video_id: int) -> FileResponse:
    """The video as it was drawn last; 404 if it never was."""
    video = library.video(studio.store.database, video_id)
    path = overlay_path(studio.home, video_id)
    if not path.is_file():
        raise NotFound(
            f'"{video["name"]}" has not been drawn yet. Ask for it first: POST /api/v1/videos/{video_id}/overlay.'
        )
    return FileResponse(
        path,
        media_type="video/mp4",
        filename=f"{video['name']}-overlay.mp4",
        content_disposition_type="inline",
        headers={"Cache-Control": "private, no-cache"},
    )


@router.get("/videos/{video_id}/results.json", response_model=None, responses={404: {"model": schemas.Problem}})
def get_results(studio: InStudio, video_id: int) -> StreamingResponse:
    """The shown tracks in the YouTube-VIS results form: video_id, category_id, score, one RLE or null per frame."""
    video = library.video(studio.store.database, video_id)
    name = f"{video['name']}-results.json".encode("ascii", "replace").decode().replace('"', "'")
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return StreamingResponse(_results(studio, video_id), media_type="application/json", headers=headers)


def _results(studio: Studio, video_id: int) -> Iterator[str]:
    """The document in pieces, one track at a time, all from one state of the database."""
    with studio.store.snapshot() as database:
        video = library.video(database, video_id)
        numbers = {row["id"]: row["number"] for row in library.categories(database, video["project_id"])}
        yield "["
        for place, track in enumerate(track for track in view.tracks(database, video_id) if track["count"]):
            masks = track_masks(database, video, track["id"])
            entry: dict[str, Any] = {
                "video_id": video_id,
                "category_id": numbers[track["category_id"]],
                "score": track["score"],
                "segmentations": [masks.get(frame) for frame in range(video["length"])],
            }
            yield (",\n" if place else "\n") + json.dumps(entry)
        yield "\n]\n"
