"""Routes of what the model saw in each frame: candidates for a click. Tracking and carrying are operations, see `operations.py`."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from studio.api import again_schemas as schemas
from studio.api.context import InStudio
from studio.review import candidates
from studio.store import library

router = APIRouter(tags=["again"])

Pixel = Annotated[int, Query(ge=0)]


@router.get("/videos/{video_id}/candidates", response_model=schemas.CandidateList)
def get_candidates(studio: InStudio, video_id: int, frame: Pixel, x: Pixel, y: Pixel) -> Any:
    """What the model saw under a pixel of a frame, the likeliest first; 409 where its detections were not stored."""
    with studio.store.reading() as database:
        rev = library.video(database, video_id)["rev"]
        return {"rev": rev, "frame": frame, "candidates": candidates.under(database, video_id, frame, x, y)}
