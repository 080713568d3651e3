"""Routes of what one video leaves to take away: the drawn video, and its tracks in the YouTube-VIS results form."""

import json
from collections.abc import Iterator
from typing import Any

from fastapi import APIRouter
from starlette.responses import FileResponse, StreamingResponse

from studio.api import schemas
from studio.api.context import InStudio, Studio
from studio.jobs.drawing import overlay_path
from studio.jobs.exporting import track_segmentations
from studio.review import view
from studio.store import jobs, library
from studio.store.errors import NotFound

router = APIRouter(tags=["results"])


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
            entry: dict[str, Any] = {
                "video_id": video_id,
                "category_id": numbers[track["category_id"]],
                "score": track["score"],
                "segmentations": track_segmentations(database, video, track["id"]),
            }
            yield (",\n" if place else "\n") + json.dumps(entry)
        yield "\n]\n"
