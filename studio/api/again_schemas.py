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
