"""The route that compares what is shown of a video with another run of it. To take that over is an operation (`operations.py`);
its masks come from `masks?run=` (`review.py`)."""

from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel

from studio.api.context import InStudio
from studio.palette import track_color
from studio.review import run_comparison
from studio.store import library

MOST = 500  # differences, the worst ones

router = APIRouter(tags=["review"])


class Couple(BaseModel):
    """A track that is shown, one of the run, or both where they are one object. iou: the mean over all frames that have either;
    shown, found, both: numbers of frames."""

    track: int | None
    other: int | None
    category: str | None
    other_category: str | None
    color: str
    iou: float
    shown: int
    found: int
    both: int


class Difference(BaseModel):
    """Frames start..stop - 1 in which the two are not alike, by their masks (`shape`), because only one has a mask, or by their
    `category`. frame: where it is worst, with the `iou` there; verified: how many of the shown masks there a person verified."""

    kind: Literal["shape", "only_now", "only_then", "category"]
    track: int | None
    other: int | None
    start: int
    stop: int
    frame: int
    iou: float
    verified: int


class Comparison(BaseModel):
    """The first `frames` of `length` frames, for that is how far the run has come. `total`: of the differences, the worst first."""

    rev: int
    run: int
    model: str | None
    frames: int
    length: int
    tracks: list[Couple]
    differences: list[Difference]
    total: int


@router.get("/videos/{video_id}/runs/{run_id}/comparison", response_model=Comparison)
def get_comparison(studio: InStudio, video_id: int, run_id: int) -> Any:
    """What another run found beside what is shown: which tracks are one object, and where they differ."""
    with studio.store.reading() as database:
        video = library.video(database, video_id)
        found = run_comparison.compare(database, video, run_id)
        listed = run_comparison.differences(found)
        verified = run_comparison.verified_frames(database, video_id)
    return {
        "rev": video["rev"],
        "run": run_id,
        "model": found.run["model"],
        "frames": found.frames,
        "length": video["length"],
        "tracks": [_couple(found, now, then) for now, then in found.couples()],
        "differences": [
            vars(each) | {"verified": len(verified.get(each.track, set()).intersection(range(each.start, each.stop)))}
            for each in listed[:MOST]
        ],
        "total": len(listed),
    }


def _couple(found: run_comparison.Comparison, now: int | None, then: int | None) -> dict[str, Any]:
    shown = found.shown[now] if now is not None else set()
    seen = found.found[then] if then is not None else set()
    return {
        "track": now,
        "other": then,
        "category": found.now[now]["category"] if now is not None else None,
        "other_category": found.then[then]["category"] if then is not None else None,
        "color": track_color(now or then or 0),
        "iou": run_comparison.mean_overlap(found, now, then) if now is not None and then is not None else 0.0,
        "shown": len(shown),
        "found": len(seen),
        "both": len(shown & seen),
    }
