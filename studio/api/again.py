"""Routes of what the model saw in each frame: candidates for a click, and what tracking again would make of the video.

To accept a candidate, to carry a mask and to track again are operations, see `operations.py`.
"""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool

from studio.api import again_schemas as schemas
from studio.api import long_operations
from studio.api.context import InStudio, Studio, User
from studio.api.newest import Newest
from studio.api.operation_bodies import TrackerSettings
from studio.review import candidates, retrack_preview, retracking
from studio.store import library

GLANCE_SECONDS = 0.2  # between looks whether the one who asks is still there

router = APIRouter(tags=["again"])

Pixel = Annotated[int, Query(ge=0)]


@router.get("/videos/{video_id}/candidates", response_model=schemas.CandidateList)
def get_candidates(studio: InStudio, video_id: int, frame: Pixel, x: Pixel, y: Pixel) -> Any:
    """What the model saw under a pixel of a frame, the likeliest first; 409 where its detections were not stored."""
    with studio.store.reading() as database:
        rev = library.video(database, video_id)["rev"]
        return {"rev": rev, "frame": frame, "candidates": candidates.under(database, video_id, frame, x, y)}


@router.post("/videos/{video_id}/retrack/preview", response_model=schemas.RetrackPreview)
async def preview_retrack(
    request: Request, studio: InStudio, user: User, video_id: int, body: TrackerSettings, whole: bool = False
) -> Any:
    """What tracking again would make of the video: as much of it as is found in a moment, or (`whole`) all of it, which may take
    long. 409 for a preview whose place a newer one of the same person took; one that nobody waits for any more ends too."""
    newest: Newest = request.app.state.newest_previews
    async with _gone(request) as gone:
        return await run_in_threadpool(_preview, newest, studio, user, video_id, body, whole, gone)


def _preview(
    newest: Newest,
    studio: Studio,
    user: str,
    video_id: int,
    body: TrackerSettings,
    whole: bool,
    gone: threading.Event,
) -> dict[str, Any]:
    with newest.turn((user, video_id)) as check, studio.store.reading() as database:
        video = library.video(database, video_id)
        in_force, ran = retracking.settings_in_force(database, video)
        config = retracking.with_settings(in_force, body.given())
        enough = long_operations.until(long_operations.PREVIEW_SECONDS)

        def patience(done: int, total: int) -> bool:
            check()
            return not gone.is_set() and (whole or enough(done, total))

        made = retracking.change(database, video, config, patience)
        names = {row["id"]: row["name"] for row in library.categories(database, video["project_id"])}
        return {
            "rev": video["rev"],
            "length": video["length"],
            "frames": made.frames,
            "tracks": {str(track): spans for track, spans in retrack_preview.spans(made).items()},
            "verified": {str(track): spans for track, spans in retrack_preview.verified_spans(made).items()},
            "made": retrack_preview.newcomers(made, names),
            "hidden": made.hidden,
            "summary": retrack_preview.words(made),
            "numbers": retrack_preview.numbers(made),
            "settings": vars(config),
            "in_force": vars(in_force),
            "of_run": vars(ran),
        }


@asynccontextmanager
async def _gone(request: Request) -> AsyncIterator[threading.Event]:
    """An event that is set when the one who asks does not wait for the answer any more."""
    gone = threading.Event()

    async def watch() -> None:
        while not await request.is_disconnected():
            await asyncio.sleep(GLANCE_SECONDS)
        gone.set()

    watching = asyncio.create_task(watch())
    try:
        yield gone
    finally:
        watching.cancel()
