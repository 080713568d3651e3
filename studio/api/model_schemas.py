"""What the API says of models and of the fine-tunings that make them; the same facts have the same shape wherever they are told."""

from typing import Annotated, Any, Literal

from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict
from sqlite_utils import Database

from studio.jobs.finetune import sample_steps
from studio.settings import Home
from studio.store import Row, finetunes

ModelName = Annotated[str, InPath(max_length=100)]


class Schema(BaseModel):
    model_config = ConfigDict(protected_namespaces=())


class ModelFacts(Schema):
    """What is known of a model wherever it is listed.

    untrained: what of it is at random, in words; empty for one that can run. parent: the model that it was fine-tuned from;
    snapshot: the hash of what it was taught; default_of: projects.
    """

    name: str
    ships: bool
    untrained: list[str]
    parent: str | None
    snapshot: str | None
    metrics: dict[str, Any] | None
    settings: dict[str, Any] | None
    categories: list[str]
    default_of: list[str]
    created_at: str | None


class Model(ModelFacts):
    """One of the family. videos: that it ran on."""

    finetune: int | None
    videos: list[str]


class ModelList(Schema):
    models: list[Model]


class NewModelName(Schema):
    name: str


class OfProject(Schema):
    project_id: int


class ModelSource(Schema):
    """Where a model is to be had. source: a path on the server, or an address; job: an earlier try, whose file is taken again."""

    source: str | None = None
    job: int | None = None
    name: str | None = None
    preset: str | None = None


class ModelExport(Schema):
    """job: that writes the file; None where it is there already."""

    job: int | None


class TaughtVideo(Schema):
    """frames: that teach or, of a held-out one, that judge; video: its id, as long as it is in the studio."""

    name: str
    video: int | None
    frames: int
    held_out: bool


class Taught(Schema):
    """What a fine-tuned model saw. masks: verified ones by category; edits: entries of the history that it all came from."""

    videos: list[TaughtVideo]
    frames: int
    masks: dict[str, int]
    rejected: int
    edits: int
    people: list[str]


class CategorySummary(Schema):
    """masks, tracks: verified; known: the model finds it already."""

    name: str
    tracks: int
    masks: int
    held_out_masks: int
    known: bool


class HeldOut(Schema):
    videos: list[str]
    frames: int
    share: float


class Summary(Schema):
    """What would be, or was, taught. dropped: the parent's categories that the project lacks; ready: whether there is anything to
    teach; warnings: sentences."""

    videos: int
    frames: int
    masks: int
    tracks: int
    ignored_masks: int
    rejected_tracks: int
    categories: list[CategorySummary]
    dropped: list[str] = []  # of before it was noted: none
    held_out: HeldOut
    ready: bool
    warnings: list[str]


class Curves(Schema):
    """How a fine-tuning goes, or went. summary: of what it was taught; training, validation: the curves, each point with its step;
    samples: number of pictures by step; result: None until it is done."""

    summary: Summary
    training: list[dict[str, Any]]
    validation: list[dict[str, Any]]
    samples: dict[int, int]
    result: dict[str, Any] | None


class Course(Curves):
    """The fine-tuning that made a model."""

    finetune: int
    project_id: int
    project: str
    steps: int


class Use(Schema):
    project_id: int
    project: str
    video_id: int
    video: str
    runs: int


class ModelDetail(ModelFacts):
    """facts: of the net, in words, by name; held: why it cannot be removed, None if it can; formats: it can be exported in."""

    help: dict[str, str]
    source: str | None
    sha256: str | None
    facts: dict[str, str]
    bytes: int | None
    held: str | None
    formats: list[Literal["safetensors", "ctvis"]]
    uses: list[Use]
    taught: Taught | None
    course: Course | None


class Published(Schema):
    """A checkpoint that others made. ap: in percent, as `source` says; place: the file, or the page that leads to it."""

    fits: str
    dataset: str
    backbone: str
    place: str
    ap: float | None
    source: str


class Zoo(Schema):
    """presets: that a model which is added can be said to have."""

    published: list[Published]
    presets: list[str]


def curves(home: Home, database: Database, found: Row, most: int = 1000) -> dict[str, Any]:
    """The fields of `Curves` of a fine-tuning; of more than `most` points of the training every nth."""
    return {
        "summary": found["summary"],
        "training": finetunes.points(database, found["id"], "training", most),
        "validation": finetunes.points(database, found["id"], "validation"),
        "samples": sample_steps(home, found["id"]),
        "result": found["result"],
    }
