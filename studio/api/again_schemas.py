"""What the routes of stored detections answer, as types."""

from pydantic import BaseModel


class Candidate(BaseModel):
    """A mask that the model saw. `track`: the shown one that is this object; `category_id` null: the project lacks the category."""

    query: int
    score: float
    category: str
    category_id: int | None
    track: int | None
    area: int
    size: tuple[int, int]
    counts: str


class CandidateList(BaseModel):
    rev: int
    frame: int
    candidates: list[Candidate]


class Newcomer(BaseModel):
    """A track that would be made; `track` is a negative number."""

    track: int
    category: str
    score: float
    color: str


class RetrackNumbers(BaseModel):
    """Tracks now and then; masks that would go to another track, be dropped, or added; verified tracks and how many of them would
    stay as they are; masks of people where the model saw nothing (`missed`)."""

    tracks_now: int
    tracks: int
    moved: int
    dropped: int
    added: int
    verified_tracks: int
    unchanged: int
    missed: int


class Settings(BaseModel):
    """Of the tracker, see docs/tracking.md."""

    select_threshold: float
    nms_threshold: float
    match_threshold: float
    init_threshold: float
    max_absence: int
    memory_length: int
    frame_weight: bool
    matching: str
    class_aware_nms: bool
    min_length: int


class RetrackPreview(BaseModel):
    """`frames`: how many were tracked in time, of `length`; `tracks`, `verified`: as in the timeline, for those frames; `hidden`:
    tracks that would be found no more; `settings`: those of this preview, of what is shown (`in_force`), and of the run."""

    rev: int
    length: int
    frames: int
    tracks: dict[str, list[tuple[int, int, str]]]
    verified: dict[str, list[tuple[int, int]]]
    made: list[Newcomer]
    hidden: list[int]
    summary: str
    numbers: RetrackNumbers
    settings: Settings
    in_force: Settings
    of_run: Settings
