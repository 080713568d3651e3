"""Routes of the review page: what is shown of a video, and every change to it."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Header, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from engine.masks import area, decode, encode, from_counts
from studio.api import schemas
from studio.api.access import read_body
from studio.api.context import InStudio, RequestKey, Studio, User
from studio.review import edits, view
from studio.review.edits import Applied
from studio.store import Row, library, runs
from studio.store.errors import Conflict, Invalid

router = APIRouter(tags=["review"])

LARGEST_CHUNK = 256  # frames
MASK_BODY = {
    "requestBody": {
        "required": True,
        "description": "Plain run lengths down the columns, the first one of zeros, as unsigned 32-bit little-endian numbers.",
        "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
    }
}
CONFLICT: dict[int | str, dict[str, Any]] = {409: {"model": schemas.MaskConflict}}
MaskRev = Annotated[str, Header(alias="If-Match", description="The rev of the mask that is replaced; 0 for none.")]


@router.get("/videos/{video_id}/tracks", response_model=schemas.TrackList)
def get_tracks(studio: InStudio, video_id: int) -> Any:
    """The shown tracks."""
    with studio.store.reading() as database:
        return {"rev": library.video(database, video_id)["rev"], "tracks": view.tracks(database, video_id)}


@router.get("/videos/{video_id}/timeline", response_model=schemas.Timeline)
def get_timeline(studio: InStudio, video_id: int) -> Any:
    """Where the shown tracks have masks, whose, and which are verified."""
    with studio.store.reading() as database:
        video = library.video(database, video_id)
        spans = {str(track): spans for track, spans in view.timeline(database, video_id).items()}
        verified = {str(track): spans for track, spans in view.verified_spans(database, video_id).items()}
        return {"rev": video["rev"], "length": video["length"], "tracks": spans, "verified": verified}


@router.get("/videos/{video_id}/masks", response_model=schemas.MaskChunk)
def get_masks(
    studio: InStudio,
    video_id: int,
    start: Annotated[int, Query(ge=0)] = 0,
    n: Annotated[int, Query(ge=1, le=LARGEST_CHUNK)] = 32,
    original: bool = False,
    run: int | None = None,
) -> Response:
    """The shown masks of the frames start..start+n-1 that exist; `original`: those that the model predicted; `run`: those that
    this run predicted."""
    with studio.store.reading() as database:
        video = library.video(database, video_id)
        frames: list[list[dict[str, Any]]] = [[] for _ in range(start, min(start + n, video["length"]))]
        if run is not None:
            runs.run_of(database, video_id, run)
        predicted = video["run_id"] if original else run
        of_run = view.predicted_masks(database, predicted, start, start + len(frames))
        shown = view.masks(database, video_id, start, start + len(frames))
        for mask in of_run if predicted is not None else shown:
            frames[mask["frame"] - start].append(mask_view(video, mask))
    return JSONResponse(
        {"rev": video["rev"], "start": start, "frames": frames}
    )  # large: not checked against the model again


def mask_view(video: Row, mask: Row) -> dict[str, Any]:
    """A shown mask as the API gives it."""
    rest = {key: mask[key] for key in ("track", "counts", "score", "source", "verified", "rev")}
    return rest | {"size": [video["height"], video["width"]]}


@router.put(
    "/videos/{video_id}/tracks/{track}/masks/{frame}",
    response_model=schemas.MaskSaved,
    responses=CONFLICT,
    openapi_extra=MASK_BODY,
)
async def put_mask(
    studio: InStudio,
    user: User,
    request: Request,
    video_id: int,
    track: int,
    frame: int,
    rev: MaskRev,
    key: RequestKey = None,
) -> Any:
    """Save a person's mask. An empty one says that the track is not there. 409, with the current mask, if `rev` is outdated."""
    video = await run_in_threadpool(lambda: library.video(studio.store.database, video_id))
    body = await read_body(request, 4 * (video["width"] * video["height"] + 1))
    return await run_in_threadpool(_save, studio, video, track, frame, body, rev, user, key)


@router.delete("/videos/{video_id}/tracks/{track}/masks/{frame}", response_model=schemas.MaskSaved, responses=CONFLICT)
def delete_mask(
    studio: InStudio, user: User, video_id: int, track: int, frame: int, rev: MaskRev, key: RequestKey = None
) -> Any:
    """Say that the track is not in this frame. 409, with the current mask, if `rev` is outdated."""
    return _save(studio, library.video(studio.store.database, video_id), track, frame, None, rev, user, key)


def _save(
    studio: Studio, video: Row, track: int, frame: int, body: bytes | None, rev: str, user: str, key: str | None
) -> dict[str, int]:
    counts = compressed(body, (video["height"], video["width"])) if body is not None else None
    try:
        applied = edits.set_mask(studio.store, video["id"], track, frame, counts, _mask_rev(rev), user, key)
    except Conflict as conflict:
        raise current_mask(video, conflict) from None
    return {"rev": applied.rev if counts is not None else 0, "video_rev": applied.rev, "edit": applied.edit}


def current_mask(video: Row, conflict: Conflict) -> Conflict:
    """A conflict about a mask with the mask as the API gives it; others as they are."""
    current = conflict.current
    if isinstance(current, dict) and "counts" in current:
        return Conflict(str(conflict), mask_view(video, current))
    return conflict


def _mask_rev(header: str) -> int:
    value = header.strip().strip('"')
    if not value.isdecimal():
        raise HTTPException(422, f"If-Match is {header!r}, but it must be the mask's rev, or 0 where there is none.")
    return int(value)


def compressed(body: bytes, size: tuple[int, int]) -> str | None:
    """Run lengths as sent (see `MASK_BODY`) to compressed counts for `size` (H, W); None if nothing is set."""
    if len(body) % 4:
        raise Invalid(f"A mask is a list of 4-byte numbers, but {len(body)} bytes came.")
    counts = np.frombuffer(body, "<u4")
    rle = from_counts(counts, size)
    if (counts[1:] == 0).any():
        rle = encode(decode(rle))  # runs of length zero inside: the same pixels have one code only
    return rle["counts"] if area(rle) else None


def _operated(applied: Applied) -> dict[str, int]:
    return {"rev": applied.rev, "edit": applied.edit, "track": applied.tracks[0]}


@router.post("/videos/{video_id}/ops/delete_track", response_model=schemas.Operated)
def delete_track(studio: InStudio, user: User, video_id: int, body: schemas.OnTrack) -> Any:
    """Remove a track from the whole video."""
    return _operated(edits.delete_track(studio.store, video_id, body.track, user))


@router.post("/videos/{video_id}/ops/delete_from", response_model=schemas.Operated)
def delete_from(studio: InStudio, user: User, video_id: int, body: schemas.OnTrackFrom) -> Any:
    """Remove a track from a frame to the end."""
    return _operated(edits.delete_from(studio.store, video_id, body.track, body.frame, user))


@router.post("/videos/{video_id}/ops/set_category", response_model=schemas.Operated)
def set_category(studio: InStudio, user: User, video_id: int, body: schemas.OnTrackCategory) -> Any:
    """Say what a track is."""
    return _operated(edits.set_category(studio.store, video_id, body.track, body.category_id, user))


@router.post("/videos/{video_id}/ops/new_track", response_model=schemas.Operated)
def new_track(studio: InStudio, user: User, video_id: int, body: schemas.NewTrack, key: RequestKey = None) -> Any:
    """A new, empty track."""
    return _operated(edits.new_track(studio.store, video_id, body.category_id, body.frame, user, key))


@router.post("/videos/{video_id}/undo", response_model=schemas.Stepped)
def undo(studio: InStudio, user: User, video_id: int, key: RequestKey = None) -> Any:
    """Take back one's own latest change that stands. 409 where somebody else has since changed the same thing."""
    return _stepped(*edits.undo(studio.store, video_id, user, key))


@router.post("/videos/{video_id}/redo", response_model=schemas.Stepped)
def redo(studio: InStudio, user: User, video_id: int, key: RequestKey = None) -> Any:
    """Bring back what one has undone last."""
    return _stepped(*edits.redo(studio.store, video_id, user, key))


def _stepped(rev: int, applied: Applied | None) -> dict[str, Any]:
    if applied is None:
        return {"rev": rev, "edit": None, "tracks": [], "frames": None}
    edit = {"id": applied.edit, "op": applied.op, "summary": applied.summary}
    return {"rev": rev, "edit": edit, "tracks": applied.tracks, "frames": applied.frames}


@router.get("/videos/{video_id}/edits", response_model=schemas.EditLog)
def get_edits(studio: InStudio, user: User, video_id: int) -> Any:
    """The log of changes to what is shown, oldest first."""
    with studio.store.reading() as database:
        return edits.log(database, video_id, user)
