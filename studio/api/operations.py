"""Routes of the operations of the review page: one to do each, and one that says what any of them would do.

Each is one entry of the log and one step of undo. Sent again with the same `Idempotency-Key` it is not done again. With `If-Match`,
the rev of the video that the person looked at, it is refused (409) where it would go over changes that they have not seen. One that
takes too long for a request is left to the worker (`long_operations.py`).
"""

from dataclasses import dataclass
from typing import Annotated, Any, Protocol

from fastapi import APIRouter, Depends, Header, HTTPException
from starlette.responses import JSONResponse

from studio.api import long_operations
from studio.api import operation_bodies as bodies
from studio.api import review_schemas as schemas
from studio.api.context import InStudio, RequestKey, Studio, User
from studio.api.long_operations import Postponed, Underway, UnderwayList
from studio.api.review import current_mask
from studio.review import log
from studio.review.plan import Operation, endless
from studio.store import library
from studio.store.errors import Conflict

router = APIRouter(tags=["operations"])

SeenRev = Annotated[str | None, Header(alias="If-Match", description="The rev of the video that the person looked at.")]

REFUSED: dict[int | str, dict[str, Any]] = {409: {"model": schemas.OperationConflict}}
LONG = REFUSED | {202: {"model": Underway}}


class Body(Protocol):
    """What asks for an operation."""

    def operation(self) -> Operation: ...

    def model_dump_json(self) -> str: ...


@dataclass(frozen=True)
class Deed:
    """Who does something to which video, and what they knew of it."""

    studio: Studio
    user: str
    video_id: int
    request: str | None
    seen: int | None

    def do(self, body: Body, long: bool = False) -> Any:
        """Do the operation. `long`: it works on pixels or looks at many frames, which it does before it takes the database's
        write lock, and in the worker if it is not done at once."""
        store, known = self.studio.store, (self.request, self.seen)
        patience = long_operations.at_once() if long else endless
        try:
            if long and long_operations.is_left_to_worker(self.studio, self.video_id, self.request):
                raise Postponed
            operation = body.operation()
            applied = log.perform(store, self.video_id, self.user, operation, *known, long, patience)
        except Postponed:
            left = (self.studio, self.video_id, self.user, body.model_dump_json(), *known)
            return JSONResponse(long_operations.leave_to_worker(*left).model_dump(), 202)
        except Conflict as conflict:
            raise current_mask(library.video(store.database, self.video_id), conflict) from None
        return {
            "rev": applied.rev,
            "edit": applied.edit,
            "op": applied.op,
            "summary": applied.summary,
            "track": next(iter([*applied.made, *applied.tracks]), None),
            "tracks": applied.tracks,
            "made": applied.made,
            "frames": applied.frames,
            "masks": applied.masks,
            "spared": applied.spared,
            "over": applied.over,
        }


def _deed(studio: InStudio, user: User, video_id: int, request: RequestKey = None, seen: SeenRev = None) -> Deed:
    rev = (seen or "").strip().strip('"')
    if rev and not rev.isdecimal():
        raise HTTPException(422, f"If-Match is {seen!r}, but it must be the rev of the video.")
    return Deed(studio, user, video_id, request, int(rev) if rev else None)


Doing = Annotated[Deed, Depends(_deed)]


@router.post("/videos/{video_id}/ops/preview", response_model=schemas.Preview)
def preview(studio: InStudio, video_id: int, body: bodies.AnyOperation) -> Any:
    """What an operation would do, without doing it."""
    said = log.preview(studio.store, video_id, body.operation(), long_operations.until(long_operations.PREVIEW_SECONDS))
    return vars(said) | {"tracks": [{"track": track, "masks": masks} for track, masks in said.tracks]}


@router.get("/videos/{video_id}/ops", response_model=UnderwayList)
def list_under_way(studio: InStudio, video_id: int) -> Any:
    """The operations that the worker is doing, or has yet to do."""
    return {"operations": long_operations.under_way(studio, video_id)}


@router.post("/videos/{video_id}/ops/swap", response_model=schemas.Done, responses=REFUSED)
def swap(deed: Doing, body: bodies.Swap) -> Any:
    """Two tracks change places from a frame on, or in a range."""
    return deed.do(body)


@router.post("/videos/{video_id}/ops/split", response_model=schemas.Done, responses=REFUSED)
def split(deed: Doing, body: bodies.Split) -> Any:
    """Tracks end before a frame; what follows becomes tracks of their own."""
    return deed.do(body)


@router.post("/videos/{video_id}/ops/merge", response_model=schemas.Done, responses=REFUSED)
def merge(deed: Doing, body: bodies.Merge) -> Any:
    """Tracks become one."""
    return deed.do(body)


@router.post("/videos/{video_id}/ops/move", response_model=schemas.Done, responses=REFUSED)
def move(deed: Doing, body: bodies.Move) -> Any:
    """A range of frames goes to another track, or to a new one."""
    return deed.do(body)


@router.post("/videos/{video_id}/ops/delete", response_model=schemas.Done, responses=REFUSED)
def delete(deed: Doing, body: bodies.Delete) -> Any:
    """Tracks go: in a frame, before or from it, in a range, or everywhere."""
    return deed.do(body)


@router.post("/videos/{video_id}/ops/delete_below", response_model=schemas.Done, responses=REFUSED)
def delete_below(deed: Doing, body: bodies.DeleteBelow) -> Any:
    """Predicted masks or tracks with a low score go."""
    return deed.do(body)


@router.post("/videos/{video_id}/ops/change_category", response_model=schemas.Done, responses=REFUSED)
def change_category(deed: Doing, body: bodies.ChangeCategory) -> Any:
    """Say what tracks are, as a whole or in a range."""
    return deed.do(body)


@router.post("/videos/{video_id}/ops/verify", response_model=schemas.Done, responses=REFUSED)
def verify(deed: Doing, body: bodies.Verify) -> Any:
    """Say that masks are right, or take that back."""
    return deed.do(body)


@router.post("/videos/{video_id}/ops/draw", response_model=schemas.Done, responses=REFUSED)
def draw(deed: Doing, body: bodies.Draw) -> Any:
    """A box or polygons as a mask. 409 holds the current mask if `rev` is outdated."""
    return deed.do(body)


@router.post("/videos/{video_id}/ops/copy", response_model=schemas.Done, responses=REFUSED)
def copy(deed: Doing, body: bodies.Copy) -> Any:
    """The masks of a frame again in other frames."""
    return deed.do(body)


@router.post("/videos/{video_id}/ops/transform", response_model=schemas.Done, responses=LONG)
def transform(deed: Doing, body: bodies.Transform) -> Any:
    """Masks moved and scaled."""
    return deed.do(body, long=True)


@router.post("/videos/{video_id}/ops/refine", response_model=schemas.Done, responses=LONG)
def refine(deed: Doing, body: bodies.Refine) -> Any:
    """Holes filled, specks removed, grown, shrunk, or smoothed."""
    return deed.do(body, long=True)


@router.post("/videos/{video_id}/ops/interpolate", response_model=schemas.Done, responses=LONG)
def interpolate(deed: Doing, body: bodies.Interpolate) -> Any:
    """Masks between two keyframes."""
    return deed.do(body, long=True)


@router.post("/videos/{video_id}/ops/put_behind", response_model=schemas.Done, responses=LONG)
def put_behind(deed: Doing, body: bodies.PutBehind) -> Any:
    """Masks lose what other tracks show in front of them."""
    return deed.do(body, long=True)


@router.post("/videos/{video_id}/ops/accept", response_model=schemas.Done, responses=LONG)
def accept(deed: Doing, body: bodies.Accept) -> Any:
    """A candidate becomes a mask of a track, and is carried to other frames."""
    return deed.do(body, long=True)


@router.post("/videos/{video_id}/ops/propagate", response_model=schemas.Done, responses=LONG)
def propagate(deed: Doing, body: bodies.Propagate) -> Any:
    """A mask is carried on, or back, by what the model saw in the other frames."""
    return deed.do(body, long=True)


@router.post("/videos/{video_id}/ops/retrack", response_model=schemas.Done, responses=LONG)
def retrack(deed: Doing, body: bodies.Retrack) -> Any:
    """The whole video is tracked again, from what the model saw and what people said."""
    return deed.do(body, long=True)


@router.post("/videos/{video_id}/ops/take_over", response_model=schemas.Done, responses=LONG)
def take_over(deed: Doing, body: bodies.TakeOver) -> Any:
    """What another run found is shown where nobody has said what is there."""
    return deed.do(body, long=True)


@router.post("/videos/{video_id}/ops/go_back", response_model=schemas.Done, responses=REFUSED)
def go_back(deed: Doing, body: bodies.GoBack) -> Any:
    """Everything as it was right after an entry of the history."""
    return deed.do(body)
