"""Routes of what the model saw in each frame: candidates for a click, and what tracking again would make of the video.

To accept a candidate, to carry a mask and to track again are operations, see `operations.py`.
"""

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request

from studio.api import again_schemas as schemas
from studio.api.context import InStudio, User
from studio.api.newest import Newest
from studio.api.operation_bodies import TrackerSettings
from studio.review import candidates, retrack_preview, retracking
from studio.store import library

PREVIEW_SECONDS = 1.5  # that tracking again may take under a slider; of a longer video the first frames are shown

router = APIRouter(tags=["again"])

Pixel = Annotated[int, Query(ge=0)]


@router.get("/videos/{video_id}/candidates", response_model=schemas.CandidateList)
def get_candidates(studio: InStudio, video_id: int, frame: Pixel, x: Pixel, y: Pixel) -> Any:
    """What the model saw under a pixel of a frame, the likeliest first; 409 where its detections were not stored."""
    with studio.store.reading() as database:
        rev = library.video(database, video_id)["rev"]
        return {"rev": rev, "frame": frame, "candidates": candidates.under(database, video_id, frame, x, y)}


@router.post("/videos/{video_id}/retrack/preview", response_model=schemas.RetrackPreview)
def preview_retrack(request: Request, studio: InStudio, user: User, video_id: int, body: TrackerSettings) -> Any:
    """What tracking again would make of the video; 409 for a preview whose place a newer one of the same person took."""
    newest: Newest = request.app.state.newest_previews
    with newest.turn((user, video_id)) as check, studio.store.reading() as database:
        video = library.video(database, video_id)
        in_force, ran = retracking.settings_in_force(database, video)
        config = retracking.with_settings(in_force, body.given())
        until = time.monotonic() + PREVIEW_SECONDS

        def stop() -> bool:
            check()
            return time.monotonic() >= until

        made = retracking.change(database, video, config, stop)
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
