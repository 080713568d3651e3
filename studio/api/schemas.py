"""What goes over the wire, as types. Requests are checked against these; responses are described by them.

Frames are 0-based ordinals of the decoded pictures, sizes are [height, width] in pixels, masks compressed COCO RLE counts.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from studio.formats.cut import MOST_CLIP, MOST_EVERY


def _absent(value: object) -> object:
    """A form's 0 or empty choice means "as the model has it"."""
    return value or None


class Problem(BaseModel):
    """Every error: one sentence for the person. `current` (409 on a mask) is the mask as it is now."""

    detail: str


class Health(BaseModel):
    status: Literal["ok"]
    version: str
    kernel: str


class NewName(BaseModel):
    name: str


class Holdings(BaseModel):
    """What goes when the thing is deleted: runs of models, changes made by people that stand, exports."""

    runs: int
    corrections: int
    exports: int


class ServerPath(BaseModel):
    path: str


class Category(BaseModel):
    id: int
    number: int
    name: str
    color: str


class RunState(BaseModel):
    """`detections`: whether it keeps what the model saw in each frame; those of older versions of the studio do not."""

    id: int
    state: str
    model: str | None
    progress: float
    frames_done: int
    detections: bool


class Run(RunState):
    settings: dict[str, float | int | None]
    shown: bool
    created_at: str
    finished_at: str | None


class RunList(BaseModel):
    runs: list[Run]


class Video(BaseModel):
    """`version` goes into frame addresses as `v=`: such answers may be kept for ever. `in_place`: the file is not the studio's
    own; it lies where it was imported from."""

    id: int
    project_id: int
    name: str
    width: int
    height: int
    length: int
    fps: float
    bytes: int
    state: Literal["importing", "ready", "failed"]
    error: str | None
    rev: int
    version: str
    in_place: bool
    created_at: str
    run: RunState | None


class VideoDetail(Video):
    """`project`: its name; `runs`: all there are, oldest first; one of them is shown."""

    project: str
    categories: list[Category]
    holds: Holdings
    runs: list[Run]


class VideoList(BaseModel):
    videos: list[Video]


class ProjectSummary(BaseModel):
    id: int
    name: str
    videos: int
    created_at: str


class ProjectList(BaseModel):
    projects: list[ProjectSummary]


class Project(BaseModel):
    id: int
    name: str
    created_at: str
    categories: list[Category]
    videos: list[Video]
    holds: Holdings


class Track(BaseModel):
    id: int
    category_id: int
    category: str
    score: float
    color: str
    source: Literal["model", "user"]
    first: int | None
    last: int | None
    count: int


class TrackList(BaseModel):
    rev: int
    tracks: list[Track]


class Mask(BaseModel):
    track: int
    size: tuple[int, int]
    counts: str
    score: float | None
    source: str
    verified: bool
    rev: int


class MaskChunk(BaseModel):
    rev: int
    start: int
    frames: list[list[Mask]]


class Timeline(BaseModel):
    """`tracks` by track id: spans [start, end (exclusive), source]; `verified` likewise, without a source."""

    rev: int
    length: int
    tracks: dict[str, list[tuple[int, int, str]]]
    verified: dict[str, list[tuple[int, int]]]


class FrameTimes(BaseModel):
    """Seconds from the first frame, one for every frame; null where the frame rate says the same."""

    times: list[float] | None


class MaskSaved(BaseModel):
    """`rev` is the mask's, 0 when it is gone."""

    rev: int
    video_rev: int
    edit: int


class MaskConflict(Problem):
    current: Mask | None


class OnTrack(BaseModel):
    track: int


class OnTrackFrom(OnTrack):
    frame: int


class OnTrackCategory(OnTrack):
    category_id: int


class NewTrack(BaseModel):
    category_id: int
    frame: int


class Operated(BaseModel):
    rev: int
    edit: int
    track: int


class EditName(BaseModel):
    id: int
    op: str
    summary: str


class Stepped(BaseModel):
    """`edit` is what was undone or redone, null if there was nothing; `frames` [first, last], null for all."""

    rev: int
    edit: EditName | None
    tracks: list[int]
    frames: tuple[int, int] | None


class Edit(EditName):
    """`own`: done by the one who asks; `tracks`: those that it touched; `frames` [first, last], null for all."""

    user: str
    own: bool
    at: str
    undone: bool
    tracks: list[int]
    frames: tuple[int, int] | None


class EditLog(BaseModel):
    """What everybody did; `can_undo` and `can_redo` are for the one who asks."""

    edits: list[Edit]
    can_undo: bool
    can_redo: bool


class RunRequest(BaseModel):
    model_config = ConfigDict(protected_namespaces=())

    model: str | None = None  # the project's default
    score_threshold: float = Field(0.3, ge=0, le=1)
    match_threshold: Annotated[float | None, Field(ge=0, le=1)] = None
    short_edge: Annotated[Annotated[int, Field(ge=32, le=2160)] | None, BeforeValidator(_absent)] = None


class RunStarted(BaseModel):
    job: int
    run: int


class ExportRequest(BaseModel):
    """every: of how many frames one is kept; clip: how many frames a video of the dataset has at most, null: it stays whole."""

    format: Literal["ytvis"] = "ytvis"
    frames: bool = False
    every: Annotated[int, Field(ge=1, le=MOST_EVERY), BeforeValidator(lambda value: 1 if value is None else value)] = 1
    clip: Annotated[Annotated[int, Field(ge=2, le=MOST_CLIP)] | None, BeforeValidator(_absent)] = None


class ExportStarted(BaseModel):
    job: int
    export: int


class Contents(BaseModel):
    """How much is in an export."""

    videos: int
    frames: int
    tracks: int
    masks: int


class Export(BaseModel):
    """contents: null for those of an older version of the studio."""

    id: int
    project_id: int
    format: str
    options: dict[str, bool | int | None]
    contents: Contents | None
    state: str
    error: str | None
    job: int | None
    bytes: int | None
    created_at: str
    finished_at: str | None


class ResultFile(BaseModel):
    """href: where it is handed out, below /api/v1."""

    kind: Literal["json", "zip", "mp4"]
    href: str
    bytes: int


class Result(BaseModel):
    """What a job made for taking away. contents: of an export; frames: whether its zip holds them."""

    job: int
    files: list[ResultFile]
    contents: Contents | None
    frames: bool


class ResultList(BaseModel):
    results: list[Result]


class ExportList(BaseModel):
    exports: list[Export]
