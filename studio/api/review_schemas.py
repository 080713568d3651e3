"""What the review page's operations, teamwork and suggestions answer, as types; the bodies of operations are `operation_bodies.py`.

Frames are 0-based ordinals; `frames` are [first, last], null for all; spans are [start, stop (exclusive)].
"""

from typing import Any, Literal

from pydantic import BaseModel

from studio.api.schemas import EditName, Mask, Problem

ReviewState = Literal["to_do", "in_work", "done", "accepted", "returned"]
SuggestionState = Literal["open", "resolved", "ignored"]


class Done(BaseModel):
    """`track`: the one that the operation made or is about; `made`: all that it made; `spared`: verified masks left alone; `over`:
    other tracks over whose masks a copy or what was interpolated lies."""

    rev: int
    edit: int
    op: str
    summary: str
    track: int | None
    tracks: list[int]
    made: list[int]
    frames: tuple[int, int] | None
    masks: int
    spared: int
    over: list[int]


class TrackShare(BaseModel):
    """How many masks of which track; null: a track that does not exist yet."""

    track: int | None
    masks: int


class Preview(BaseModel):
    """`verified`: of the masks; `overlaps`: the first hundred spans in which masks meet, in `overlapping` frames; `unfinished`:
    only the first frames of a long video were looked at."""

    rev: int
    op: str
    summary: str
    tracks: list[TrackShare]
    frames: tuple[int, int] | None
    masks: int
    verified: int
    spared: int
    overlaps: list[tuple[int, int]]
    overlapping: int
    unfinished: bool


class UnseenEdit(EditName):
    user: str
    at: str
    first_frame: int | None
    last_frame: int | None


class UnseenChanges(BaseModel):
    edits: list[UnseenEdit]


class Overlaps(BaseModel):
    overlaps: list[int]


class OperationConflict(Problem):
    """`current`: what was changed meanwhile, or the mask that is there now, or the frames in which masks meet."""

    current: UnseenChanges | Mask | Overlaps | None


class Review(BaseModel):
    """`user` changed it last, `at`; null: nobody yet."""

    video_id: int
    state: ReviewState
    assignee: str | None
    user: str | None
    at: str | None


class ReviewOfVideo(Review):
    open_comments: int


class ReviewList(BaseModel):
    reviews: list[ReviewOfVideo]


class ReviewChange(BaseModel):
    """What is left out stays; `assignee` null: nobody's."""

    state: ReviewState | None = None
    assignee: str | None = None
    comment: str | None = None


class VerificationProgress(BaseModel):
    """A frame or track is verified when all its shown masks are. Pace and time left are null until there is enough to tell."""

    rev: int
    masks: int
    verified_masks: int
    frames: int
    verified_frames: int
    tracks: int
    verified_tracks: int
    masks_per_minute: float | None
    seconds_left: float | None


class NewComment(BaseModel):
    text: str
    frame: int | None = None
    track: int | None = None


class CommentChange(BaseModel):
    text: str | None = None
    resolved: bool | None = None


class Comment(BaseModel):
    id: int
    video_id: int
    frame: int | None
    track_id: int | None
    text: str
    user: str
    at: str
    resolved_by: str | None
    resolved_at: str | None


class CommentList(BaseModel):
    comments: list[Comment]


class Me(BaseModel):
    name: str


class People(BaseModel):
    """`me`: who asks, "local" where nobody said; `fixed`: the login says it; `people`: all names that are known."""

    me: str
    fixed: bool
    people: list[str]


class Suggestion(BaseModel):
    """A suspicious moment. `other`: a second track; `remedy`: the body of an operation that would mend it."""

    id: int
    kind: str
    track: int
    other: int | None
    frame: int
    stop: int
    severity: float
    reason: str
    remedy: dict[str, Any] | None
    state: SuggestionState
    user: str | None
    at: str | None


class SuggestionList(BaseModel):
    """Worst first. `rev`: of the video when it was searched."""

    rev: int
    suggestions: list[Suggestion]


class SuggestionChange(BaseModel):
    state: SuggestionState


class Confidence(BaseModel):
    """By track id: the lowest score in each of the equal parts of the video (null where no mask has one), and the best frame."""

    rev: int
    length: int
    bins: int
    tracks: dict[str, list[float | None]]
    best: dict[str, int]
