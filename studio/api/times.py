"""The route of frame times: when each picture is shown, for videos whose rate varies."""

from typing import Any

import numpy as np
from fastapi import APIRouter

from studio.api import schemas
from studio.api.context import InStudio
from studio.store import library

router = APIRouter(tags=["pictures"])

TOLERANCE = 0.002  # seconds by which a time may differ from its place at a constant rate


@router.get("/videos/{video_id}/times", response_model=schemas.FrameTimes)
def get_times(studio: InStudio, video_id: int) -> Any:
    """Seconds from the first frame, for every frame; null where the frame rate says the same."""
    video = library.video(studio.store.database, video_id)
    (packed,) = studio.store.database.execute("select pts from videos where id = ?", (video_id,)).fetchone()
    return {"times": None if packed is None else _varying(np.frombuffer(packed, "<f8"), video["fps"])}


def _varying(pts: "np.ndarray[Any, np.dtype[np.float64]]", fps: float) -> list[float] | None:
    times = pts - pts[:1]
    if (np.abs(times - np.arange(len(times)) / fps) <= TOLERANCE).all():
        return None
    return [round(float(seconds), 4) for seconds in times]
