"""The bodies of the operations of the review page, as types; each knows the operation that it asks for.

Frames are 0-based ordinals. `start` and `stop` are a range whose `stop` is exclusive; null means from the beginning, or to the end.
`include_verified` lets an automatic operation go over masks that a person has verified. `op` is needed in a preview only.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, model_validator

from studio.review import carrying, history, identity, retracking, shapes, tracks, verification
from studio.review.carrying import TakenRule
from studio.review.identity import OverlapRule
from studio.review.plan import Operation
from studio.review.shapes import Tool
from studio.review.taking_over import Wanted, take_over

Point = tuple[float, float]
Share = Annotated[float | None, Field(ge=0, le=1)]
Pixels = Annotated[float, Field(ge=-100_000, le=100_000, allow_inf_nan=False)]


class Tracks(BaseModel):
    tracks: list[int]


class TracksInRange(Tracks):
    start: int | None = None
    stop: int | None = None


class Swap(BaseModel):
    """Two tracks change places; by default from `start` to the end."""

    op: Literal["swap"] = "swap"
    first: int
    second: int
    start: int
    stop: int | None = None

    def operation(self) -> Operation:
        return identity.swap(self.first, self.second, self.start, self.stop)


class Split(Tracks):
    """What the tracks show from `frame` on becomes tracks of their own."""

    op: Literal["split"] = "split"
    frame: int

    def operation(self) -> Operation:
        return identity.split(self.tracks, self.frame)


class Merge(Tracks):
    """All masks of `tracks` become masks of `into`. `overlap` says what happens where two meet in a frame."""

    op: Literal["merge"] = "merge"
    into: int
    overlap: OverlapRule = "refuse"

    def operation(self) -> Operation:
        return identity.merge(self.into, self.tracks, self.overlap)


class Move(TracksInRange):
    """The masks of a range go to the track `to`, null: to a new one."""

    op: Literal["move"] = "move"
    to: int | None = None
    overlap: OverlapRule = "refuse"

    def operation(self) -> Operation:
        return identity.move(self.tracks, self.start, self.stop, self.to, self.overlap)


class Delete(TracksInRange):
    """The tracks are not there: in one frame, before or from a frame, in a range, or anywhere."""

    op: Literal["delete"] = "delete"

    def operation(self) -> Operation:
        return tracks.delete(self.tracks, self.start, self.stop)


class DeleteBelow(BaseModel):
    """Predicted masks, or whole predicted tracks, whose score is below `score` go; tracks null: of all."""

    op: Literal["delete_below"] = "delete_below"
    tracks: list[int] | None = None
    score: Annotated[float, Field(ge=0, le=1)]
    whole_tracks: bool = False
    include_verified: bool = False

    def operation(self) -> Operation:
        return tracks.delete_below(self.tracks, self.score, self.whole_tracks, self.include_verified)


class ChangeCategory(TracksInRange):
    """The tracks are something else: as a whole, or in a range, which then is a track of its own."""

    op: Literal["change_category"] = "change_category"
    category_id: int

    def operation(self) -> Operation:
        return tracks.change_category(self.tracks, self.category_id, self.start, self.stop)


class Verify(BaseModel):
    """The masks are right (`verified` true), or that is taken back (false); tracks null: of all."""

    op: Literal["verify"] = "verify"
    tracks: list[int] | None = None
    start: int | None = None
    stop: int | None = None
    verified: bool = True

    def operation(self) -> Operation:
        return verification.verify(self.tracks, self.start, self.stop, self.verified)


class Draw(BaseModel):
    """A box (left, top, right, bottom) or polygons (points x, y), in pixels, as a mask. `rev`: of the one it replaces, or 0."""

    op: Literal["draw"] = "draw"
    track: int
    frame: int
    rev: int
    box: tuple[Pixels, Pixels, Pixels, Pixels] | None = None
    polygons: list[Annotated[list[tuple[Pixels, Pixels]], Field(min_length=3)]] | None = None

    @model_validator(mode="after")
    def _one_shape(self) -> "Draw":
        if (self.box is None) == (not self.polygons):
            raise ValueError("give either a box or polygons")
        return self

    def operation(self) -> Operation:
        return shapes.draw(self.track, self.frame, self.rev, self.box, self.polygons or ())


class Copy(TracksInRange):
    """The masks of `frame` again in every frame of the range."""

    op: Literal["copy"] = "copy"
    frame: int
    start: int
    include_verified: bool = False

    def operation(self) -> Operation:
        return shapes.copy(self.tracks, self.frame, self.start, self.stop, self.include_verified)


class Transform(TracksInRange):
    """The masks scaled about their middle, then moved by dx to the right and dy down, in pixels."""

    op: Literal["transform"] = "transform"
    dx: Pixels = 0.0
    dy: Pixels = 0.0
    scale: Annotated[float, Field(ge=0.01, le=100)] = 1.0
    include_verified: bool = False

    def operation(self) -> Operation:
        values = (self.dx, self.dy, self.scale, self.include_verified)
        return shapes.transform(self.tracks, self.start, self.stop, *values)


class Refine(TracksInRange):
    """A tool on the pixels. amount: a radius in pixels; for remove_specks the pixels of the smallest part that stays."""

    op: Literal["refine"] = "refine"
    tool: Tool
    amount: Annotated[float, Field(ge=0, le=10_000)] = 1.0
    include_verified: bool = False

    def operation(self) -> Operation:
        return shapes.refine(self.tracks, self.start, self.stop, self.tool, self.amount, self.include_verified)


class Interpolate(Tracks):
    """Masks for the frames between the keyframes `start` and `stop`, which both have one. behind: less what other tracks show."""

    op: Literal["interpolate"] = "interpolate"
    start: int
    stop: int
    include_verified: bool = False
    behind: bool = False

    def operation(self) -> Operation:
        return shapes.interpolate(self.tracks, self.start, self.stop, self.include_verified, self.behind)


class PutBehind(TracksInRange):
    """The masks without what the tracks `front` show there, null: all other tracks. Nothing of those changes."""

    op: Literal["put_behind"] = "put_behind"
    front: list[int] | None = None
    include_verified: bool = False

    def operation(self) -> Operation:
        return shapes.put_behind(self.tracks, self.start, self.stop, self.front, self.include_verified)


class GoBack(BaseModel):
    """Everything as it was right after this entry of the history; 0: as the model predicted it."""

    op: Literal["go_back"] = "go_back"
    edit: Annotated[int, Field(ge=0)]

    def operation(self) -> Operation:
        return history.go_back(self.edit)


class Accept(BaseModel):
    """What the model's `query` shows in `frame` becomes a mask of `track` (null: of a new one), carried through start..stop - 1.

    `category_id`: of a new track, null: the candidate's. `rev`: of the track's mask that it replaces, 0 for none; null: whichever.
    `taken`: what happens where another track shows the object already.
    """

    op: Literal["accept"] = "accept"
    frame: int
    query: int
    track: int | None = None
    category_id: int | None = None
    start: int | None = None
    stop: int | None = None
    rev: int | None = None
    taken: TakenRule = "leave"

    def operation(self) -> Operation:
        where = (self.start, self.stop, self.rev, self.taken)
        return carrying.accept(self.frame, self.query, self.track, self.category_id, *where)


class Propagate(BaseModel):
    """The mask of `track` in `frame` carried up to the frame before `stop`, or back to `stop` where that comes before `frame`."""

    op: Literal["propagate"] = "propagate"
    track: int
    frame: int
    stop: int
    taken: TakenRule = "take"

    def operation(self) -> Operation:
        return carrying.carry(self.track, self.frame, self.stop, self.taken)


class TrackerSettings(BaseModel):
    """How to track; what is null stays as what is shown was made. See docs/tracking.md; absences are in frames."""

    select_threshold: Share = None
    nms_threshold: Share = None
    match_threshold: Share = None
    init_threshold: Share = None
    max_absence: Annotated[int | None, Field(ge=0, le=100_000)] = None
    memory_length: Annotated[int | None, Field(ge=1, le=1000)] = None
    frame_weight: bool | None = None
    matching: Literal["greedy", "hungarian"] | None = None
    class_aware_nms: bool | None = None
    min_length: Annotated[int | None, Field(ge=1, le=100_000)] = None

    def given(self) -> dict[str, Any]:
        """Those that were said, as fields of a `TrackerConfig`."""
        return {name: value for name, value in self if name in TrackerSettings.model_fields and value is not None}


class Retrack(TrackerSettings):
    """The video is tracked again, from what the model saw, with these settings and with what people said."""

    op: Literal["retrack"] = "retrack"

    def operation(self) -> Operation:
        return retracking.retrack(self.given())


class TakeOver(BaseModel):
    """What run `run` found comes in the place of what nobody drew, moved or verified; `pair`: for one object alone, as its shown
    track and its track in the run, null where one side has none."""

    op: Literal["take_over"] = "take_over"
    run: int
    pair: tuple[int | None, int | None] | None = None
    start: int | None = None
    stop: int | None = None

    def operation(self) -> Operation:
        return take_over(Wanted(self.run, self.start, self.stop, self.pair))


AnyOperation = Annotated[
    Swap
    | Split
    | Merge
    | Move
    | Delete
    | DeleteBelow
    | ChangeCategory
    | Verify
    | Draw
    | Copy
    | Transform
    | Refine
    | Interpolate
    | PutBehind
    | Accept
    | Propagate
    | Retrack
    | TakeOver
    | GoBack,
    Field(discriminator="op"),
]
