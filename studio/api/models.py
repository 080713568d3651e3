"""Routes of one model as its page shows it: what it is, what it was taught, who uses it; a file to take away; the model zoo.

The family as a whole, and what changes it, is in `finetune.py`.
"""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from studio.api.context import InStudio
from studio.jobs.finetune import sample_steps
from studio.jobs.models import ModelFile, find_model
from studio.model_files import REFERENCE_BACKBONES, published_form, zipped_pair
from studio.models import taught_snapshot
from studio.store import Row, finetunes, library
from studio.store import models as table
from studio.store.errors import NotFound
from studio.zoo import ZOO
from training.finetune_config import settings_help

router = APIRouter(tags=["models"])
ModelName = Annotated[str, InPath(max_length=100)]


class Schema(BaseModel):
    model_config = ConfigDict(protected_namespaces=())


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


class Course(Schema):
    """How a fine-tuning went: its curves, and how many sample pictures there are by step. summary: of what it was taught."""

    finetune: int
    project_id: int
    project: str
    steps: int
    summary: dict[str, Any]
    result: dict[str, Any] | None
    training: list[dict[str, Any]]
    validation: list[dict[str, Any]]
    samples: dict[int, int]


class Use(Schema):
    project_id: int
    project: str
    video_id: int
    video: str
    runs: int


class ModelDetail(Schema):
    """facts: of the net, in words, by name; held: why it cannot be removed, None if it can; formats: it can be exported in."""

    name: str
    ships: bool
    parent: str | None
    snapshot: str | None
    metrics: dict[str, Any] | None
    settings: dict[str, Any] | None
    help: dict[str, str]
    categories: list[str]
    default_of: list[str]
    created_at: str | None
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
    published: list[Published]


@router.get("/zoo", response_model=Zoo)
def show_zoo() -> Any:
    """Models that others published, with where they are to be had; `ctvis-studio models add` takes them."""
    return {"published": [asdict(entry) for entry in ZOO]}


@router.get("/models/{name}", response_model=ModelDetail)
def show_model(studio: InStudio, name: ModelName) -> Any:
    """A model with what it was taught, how that went, and who uses it."""
    with studio.store.reading() as database:
        file = find_model(studio.home, database, name)
        row = next((row for row in table.models(database) if row["name"] == name), None)
        course = _course(studio, row) if row and row["finetune_id"] else None
        found = {
            "default_of": table.defaults(database).get(name, []),
            "uses": table.runs_with(database, name),
            "held": f'"{name}" is part of the program.' if file.ships else table.why_kept(database, name),
        }
    snapshot = taught_snapshot(studio.home, row) if row else None
    columns = {"parent": "parent", "snapshot": "snapshot", "metrics": "metrics", "settings": "train_config"}
    columns |= {"created_at": "created_at", "source": "source", "sha256": "sha256"}
    return {
        "name": name,
        "ships": file.ships,
        "help": settings_help(),
        "course": course,
        "taught": _taught(studio, snapshot) if snapshot else None,
        **{key: row[column] if row else None for key, column in columns.items()},
        **found,
        **_net(file),
    }


@router.get("/models/{name}/export", response_class=FileResponse)
def export_model(
    studio: InStudio, name: ModelName, format: Literal["safetensors", "ctvis"] = "safetensors"
) -> FileResponse:
    """The model as a file: `safetensors`, our two files in a zip; `ctvis`, a `.pth` for the reference implementation."""
    file = find_model(studio.home, studio.store.database, name)
    path = zipped_pair(studio.home, file) if format == "safetensors" else published_form(studio.home, file)
    return FileResponse(path, filename=f"{name}{path.suffix}", background=BackgroundTask(path.unlink, missing_ok=True))


def _net(file: ModelFile) -> dict[str, Any]:
    preset = file.preset
    found: dict[str, Any] = {"bytes": file.path.stat().st_size if file.path.is_file() else None}
    if preset is None:
        return found | {"facts": {}, "categories": [], "formats": []}
    net, frame = preset.model, preset.frame
    facts = {
        "backbone": net.backbone,
        "queries": f"{net.num_queries} of width {net.hidden_dim}",
        "frames": f"short edge {frame.short_edge}, long edge at most {frame.max_edge} pixels",
        "preset": preset.name,
    }
    formats = ["safetensors", *(["ctvis"] if net.backbone in REFERENCE_BACKBONES else [])]
    return found | {"facts": facts, "categories": [each.name for each in preset.categories], "formats": formats}


def _course(studio: InStudio, row: Row) -> dict[str, Any] | None:
    """None where the project that it was taught by has gone."""
    database = studio.store.database
    try:
        found = finetunes.finetune(database, row["finetune_id"])
    except NotFound:
        return None
    return {
        "finetune": found["id"],
        "project_id": found["project_id"],
        "project": library.project(database, found["project_id"])["name"],
        "steps": found["step"],
        "summary": found["summary"],
        "result": found["result"],
        "training": finetunes.points(database, found["id"], "training", most=300),
        "validation": finetunes.points(database, found["id"], "validation"),
        "samples": sample_steps(studio.home, found["id"]),
    }


def _taught(studio: InStudio, path: Path) -> dict[str, Any]:
    snapshot = json.loads(path.read_text(encoding="utf-8"))
    names = {category["id"]: category["name"] for category in snapshot["categories"]}
    there = {video for (video,) in studio.store.database.execute("select id from videos where not removed")}
    masks: dict[str, int] = {}
    for annotation in snapshot["annotations"]:
        name = names[annotation["category_id"]]
        masks[name] = masks.get(name, 0) + sum(code is not None for code in annotation["segmentations"])
    videos: dict[int, dict[str, Any]] = {}
    for entry in snapshot["videos"]:
        known = {key: entry[key] for key in ("name", "held_out")} | {"frames": 0}
        known["video"] = entry["video"] if entry["video"] in there else None
        videos.setdefault(entry["video"], known)["frames"] += sum(entry["whole"])
    return {
        "videos": list(videos.values()),
        "frames": sum(video["frames"] for video in videos.values()),
        "masks": masks,
        "rejected": len(snapshot["rejected"]),
        "edits": len(snapshot["edits"]),
        "people": sorted({edit["user"] for edit in snapshot["edits"]}),
    }
