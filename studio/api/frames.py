"""Routes of pictures: frames by ordinal, strips of small ones for the timeline, thumbnails of videos and of tracks.

An address with `v=` (the video's version) names one picture for ever and may be kept. Without it a browser asks again each
time and, by the ETag, gets an empty answer: video 1 of another home folder may be another video.
"""

from dataclasses import dataclass
from typing import Annotated, Any

import anyio
from anyio import to_thread
from fastapi import APIRouter, Query, Request, Response
from starlette.responses import FileResponse

from studio.api.context import InStudio, Studio
from studio.api.library import video_version
from studio.api.strips import draw_strip
from studio.jpeg import encode
from studio.review import portrait
from studio.store import Row, jobs, library
from studio.store.errors import Invalid, NotFound

router = APIRouter(tags=["pictures"])

READING = anyio.CapacityLimiter(8)  # requests that wait here hold no thread
DECODING = anyio.CapacityLimiter(3)
LISTED = anyio.CapacityLimiter(2)  # small pictures of lists and strips, for which no frame on show shall wait
SMALLEST = 16
JPEG: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/jpeg": {}}, "description": "A JPEG."},
    304: {"description": "As before."},
}
SMALL_QUALITY = 82

SmallHeight = Annotated[int, Query(ge=SMALLEST, le=256)]


@router.get("/videos/{video_id}/frames/{frame}.jpg", response_class=Response, responses=JPEG)
async def get_frame(
    studio: InStudio, request: Request, video_id: int, frame: int, h: int | None = None, v: str | None = None
) -> Response:
    """Picture `frame` (0-based). `h`: height in pixels, at most the video's own; `v`: the video's version."""
    known = request.headers.get("if-none-match")
    answer = await to_thread.run_sync(_ready_frame, studio, video_id, frame, h, v, known, limiter=READING)
    if isinstance(answer, Response):
        return answer
    async with DECODING:
        if await request.is_disconnected():  # whoever asked has moved on
            return Response(status_code=499)
        jpeg = await to_thread.run_sync(studio.frames.jpeg, answer.video, frame, answer.height)
    return Response(jpeg, media_type="image/jpeg", headers=answer.headers)


@dataclass(frozen=True)
class Undecoded:
    """A frame that has to be decoded first."""

    video: Row
    height: int
    headers: dict[str, str]


def _ready_frame(
    studio: Studio, video_id: int, frame: int, h: int | None, v: str | None, known: str | None
) -> Response | Undecoded:
    """The answer, if it takes no decoding."""
    video = library.video(studio.store.database, video_id)
    if not 0 <= frame < video["length"]:
        raise NotFound(f"Frame {frame} does not exist: the video has the frames 0 to {video['length'] - 1}.")
    if h is not None and h < SMALLEST:
        raise Invalid(f"h is {h}, but a frame is at least {SMALLEST} pixels high.")
    height = min(h or video["height"], video["height"])
    headers = _headers(video, f"{frame}-{height}", v)
    if known == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    if studio.frames.wants(video, frame) and video["state"] == "ready":
        _prepare(studio, video)
    jpeg = studio.frames.ready_jpeg(video, frame, height)
    return (
        Undecoded(video, height, headers) if jpeg is None else Response(jpeg, media_type="image/jpeg", headers=headers)
    )


@router.get("/videos/{video_id}/strip.jpg", response_class=Response, responses=JPEG)
async def get_strip(
    studio: InStudio,
    request: Request,
    video_id: int,
    start: Annotated[int, Query(ge=0)] = 0,
    stop: Annotated[int | None, Query(ge=1)] = None,
    n: Annotated[int, Query(ge=1, le=120)] = 12,
    h: SmallHeight = 48,
    v: str | None = None,
) -> Response:
    """`n` small pictures of equal width side by side, each of the frame in the middle of its part of `start` .. `stop` - 1.

    A long stretch of a video whose frames are not prepared yet shows frames that are quickly reached instead; such an answer is
    never kept.
    """
    etag = request.headers.get("if-none-match")
    return await to_thread.run_sync(_strip, studio, video_id, start, stop, n, h, v, etag, limiter=LISTED)


def _strip(
    studio: Studio, video_id: int, start: int, stop: int | None, n: int, h: int, v: str | None, known: str | None
) -> Response:
    video = library.video(studio.store.database, video_id)
    stop = video["length"] if stop is None else min(stop, video["length"])
    if start >= stop:
        raise Invalid(f"A strip needs at least one frame, but start is {start} and stop is {stop}.")
    headers = _headers(video, f"{start}-{stop}-{n}-{h}", v)
    if known == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    jpeg, exact = draw_strip(studio.frames, video, start, stop, n, h)
    if not exact:
        headers = {"Cache-Control": "no-store"}
    return Response(jpeg, media_type="image/jpeg", headers=headers)


@router.get("/videos/{video_id}/tracks/{track}/thumbnail.jpg", response_class=Response, responses=JPEG)
async def get_track_thumbnail(
    studio: InStudio, request: Request, video_id: int, track: int, h: SmallHeight = 64
) -> Response:
    """The track where it is seen best, cut out of its frame, `h` pixels high; 204 if it has no mask, or is no longer shown: lists
    ask for what has just gone, and that is no error."""
    etag = request.headers.get("if-none-match")
    return await to_thread.run_sync(_track_thumbnail, studio, video_id, track, h, etag, limiter=LISTED)


def _track_thumbnail(studio: Studio, video_id: int, track: int, h: int, known: str | None) -> Response:
    video = library.video(studio.store.database, video_id)
    try:
        mask = portrait.best_mask(studio.store, video, track)
    except NotFound:
        return Response(status_code=204, headers={"Cache-Control": "no-store"})
    headers = _headers(video, f"{track}-{mask['frame']}-{mask['rev']}-{h}", None)
    if known == headers["ETag"]:
        return Response(status_code=304, headers=headers)
    key = (video_id, "track", headers["ETag"])
    jpeg = studio.frames.made.get(key)
    if jpeg is None:
        height = portrait.height_needed(video, mask, h)
        picture = studio.frames.picture(video, mask["frame"], height)
        jpeg = studio.frames.made.put(key, encode(portrait.crop(picture, video, mask, h), quality=SMALL_QUALITY))
    return Response(jpeg, media_type="image/jpeg", headers=headers)


@router.get("/videos/{video_id}/thumbnail.jpg", response_class=FileResponse, responses={200: JPEG[200]})
def get_thumbnail(studio: InStudio, video_id: int) -> FileResponse:
    """A small picture of the video; 404 until it is imported."""
    library.video(studio.store.database, video_id)
    path = studio.home.thumbnails / f"{video_id}.jpg"
    if not path.is_file():
        raise NotFound(f"Video {video_id} has no thumbnail yet.")
    return FileResponse(path, media_type="image/jpeg", headers={"Cache-Control": "private, no-cache"})


def _headers(video: Row, picture: str, v: str | None) -> dict[str, str]:
    """The ETag of a picture, and how long it may be kept: `v` is the version of the video that the address names."""
    version = video_version(video)
    lasting = v == version and video["sha256"] is not None
    keep = "private, max-age=31536000, immutable" if lasting else "private, no-cache"
    return {"ETag": f'"{version}-{picture}"', "Cache-Control": keep}


def _prepare(studio: Studio, video: Row) -> None:
    with studio.store.transaction() as database:
        job = jobs.prepare_frames(database, video)
    if job is not None:
        studio.queue.put(job)
