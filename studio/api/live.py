"""Routes of a live session: a camera of the browser, followed as it shows.

A page begins a session, posts its newest frame as a JPEG, draws the answer, posts the next; so there is one frame under way, and
what the camera showed meanwhile is never sent. Posts obey the same rules as everything else: login, origin, size of the body.
"""

from io import BytesIO
from pathlib import Path
from typing import Annotated, Any

import anyio
from anyio import to_thread
from fastapi import APIRouter, Depends, FastAPI, Query, Request
from PIL import Image, UnidentifiedImageError
from pydantic import BaseModel, Field

from studio.api import schemas
from studio.api.access import read_body
from studio.api.context import InStudio, Studio
from studio.api.library import add_received, video_view
from studio.api.uploads import ReceivedFile
from studio.jobs.importing import sha256
from studio.jobs.models import find_model
from studio.live.desk import LiveDesk, LiveSession
from studio.live.wire import JpegFrame
from studio.settings import Home
from studio.store import Row, library
from studio.store.errors import Conflict, Invalid

LONGEST_EDGE = 1920  # pixels of a frame
FRAMES = anyio.CapacityLimiter(2)  # threads that wait for a model; a second one only to be told to wait

router = APIRouter(prefix="/live", tags=["live"])


class LiveRequest(BaseModel):
    model: str
    score_threshold: float = Field(0.3, ge=0, le=1)


class LiveStarted(BaseModel):
    session: str


class LiveTrack(BaseModel):
    """A track in a frame; `counts` is a compressed RLE."""

    track: int
    category: str
    score: float
    color: str
    size: tuple[int, int]
    counts: str


class LiveAnswer(BaseModel):
    """recorded: seconds that the recording holds."""

    tracks: list[LiveTrack]
    recorded: float


class LiveEnded(BaseModel):
    """Whether there is a recording that can be kept."""

    recording: bool


class Keep(BaseModel):
    project_id: int
    name: str = "Camera"


def add_live(api: FastAPI, home: Home) -> None:
    """Give the API its live routes, and a desk for their sessions."""
    api.state.live = LiveDesk(home)
    api.include_router(router)


def _desk(request: Request) -> LiveDesk:
    desk: LiveDesk = request.app.state.live
    return desk


def _session(request: Request, session_id: str) -> LiveSession:
    return _desk(request).find(session_id)


Session = Annotated[LiveSession, Depends(_session)]


@router.post("", response_model=LiveStarted, status_code=201)
def begin(studio: InStudio, request: Request, body: LiveRequest) -> Any:
    """Load a model for a camera; 409 while another camera is followed."""
    find_model(studio.home, studio.store.database, body.model)
    return {"session": _desk(request).begin(body.model, body.score_threshold).id}


@router.post("/{session_id}/frames", response_model=LiveAnswer)
async def follow(
    studio: InStudio, session: Session, request: Request, t: Annotated[float, Query(ge=0, le=1e9, allow_inf_nan=False)]
) -> Any:
    """What is seen in a frame, a JPEG. `t`: seconds since the first one. 409 while the one before is under way."""
    jpeg = await read_body(request, studio.home.json_limit)
    check_jpeg(jpeg)
    return await to_thread.run_sync(session.step, JpegFrame(t, jpeg), limiter=FRAMES)


@router.post("/{session_id}/stop", response_model=LiveEnded)
def stop(session: Session) -> Any:
    """End a session; its recording waits to be kept."""
    return {"recording": session.stop() is not None}


@router.post("/{session_id}/keep", response_model=schemas.Video, status_code=201)
def keep(studio: InStudio, session: Session, body: Keep) -> Any:
    """End a session and make its recording a video of a project."""
    library.project(studio.store.database, body.project_id)
    name = library.checked_name(body.name, "video")
    recording = session.stop()
    if recording is None:
        raise Conflict("There is no recording to keep: the session had no frame.")
    video = _take(studio, recording, body.project_id, name)
    session.discard()
    return video_view(studio.store.database, video)


@router.delete("/{session_id}", status_code=204)
def discard(session: Session) -> None:
    """End a session and remove its recording."""
    session.discard()


def check_jpeg(jpeg: bytes) -> None:
    """Raise Invalid unless this begins like a JPEG of a reasonable size; nothing is decoded here."""
    try:
        with Image.open(BytesIO(jpeg), formats=["JPEG"]) as image:
            width, height = image.size
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise Invalid("Send the frame as a JPEG.") from error
    if max(width, height) > LONGEST_EDGE:
        raise Invalid(f"The frame has {width} x {height} pixels; at most {LONGEST_EDGE} along an edge are taken.")


def _take(studio: Studio, recording: Path, project_id: int, name: str) -> Row:
    received = ReceivedFile(recording, f"{name}{recording.suffix}", sha256(recording))
    return add_received(studio, project_id, received)[0]
