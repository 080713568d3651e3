"""Routes of pictures: frames by ordinal, thumbnails.

An address with `v=` (the video's version) names one picture for ever and may be kept. Without it a browser asks again each
time and, by the ETag, gets an empty answer: video 1 of another home folder may be another video.
"""

from typing import Any

import anyio
from anyio import to_thread
from fastapi import APIRouter, Request, Response
from starlette.responses import FileResponse

from studio.api.context import InStudio, Studio
from studio.api.library import video_version
from studio.store import library
from studio.store.errors import Invalid, NotFound

router = APIRouter(tags=["pictures"])

DECODING = anyio.CapacityLimiter(3)  # requests that wait here hold no thread
SMALLEST = 16
JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "A JPEG."},
    304: {"description": "As before."},
}


@router.get("/videos/{video_id}/frames/{frame}.jpg", response_class=Response, responses=JPEG)
async def get_frame(
    studio: InStudio, request: Request, video_id: int, frame: int, h: int | None = None, v: str | None = None
) -> Response:
    """Picture `frame` (0-based). `h`: height in pixels, at most the video's own; `v`: the video's version."""
    etag = request.headers.get("if-none-match")
    return await to_thread.run_sync(_frame, studio, video_id, frame, h, v, etag, limiter=DECODING)


def _frame(studio: Studio, video_id: int, frame: int, h: int | None, v: str | None, known: str | None) -> Response:
    video = library.video(studio.store.database, video_id)
    if not 0 <= frame < video["length"]:
        raise NotFound(f"Frame {frame} does not exist: the video has the frames 0 to {video['length'] - 1}.")
    if h is not None and h < SMALLEST:
        raise Invalid(f"h is {h}, but a frame is at least {SMALLEST} pixels high.")
    version = video_version(video)
    height = min(h or video["height"], video["height"])
    etag = f'"{version}-{frame}-{height}"'
    lasting = v == version and video["sha256"] is not None
    keep = "private, max-age=31536000, immutable" if lasting else "private, no-cache"
    headers = {"ETag": etag, "Cache-Control": keep}
    if known == etag:
        return Response(status_code=304, headers=headers)
    return Response(studio.frames.jpeg(video, frame, height), media_type="image/jpeg", headers=headers)


@router.get("/videos/{video_id}/thumbnail.jpg", response_class=FileResponse, responses={200: JPEG[200]})
def get_thumbnail(studio: InStudio, video_id: int) -> FileResponse:
    """A small picture of the video; 404 until it is imported."""
    library.video(studio.store.database, video_id)
    path = studio.home.thumbnails / f"{video_id}.jpg"
    if not path.is_file():
        raise NotFound(f"Video {video_id} has no thumbnail yet.")
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "private, no-cache"})
