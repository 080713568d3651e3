"""Routes of models: the family, one model with what it was taught and who uses it, naming and deleting it, a file to take away,
and the model zoo."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from studio.api.context import InStudio
from studio.jobs.finetune import sample_steps
from studio.jobs.models import ModelFile, find_model, find_runnable, runnable_models
from studio.model_files import REFERENCE_BACKBONES, published_form, zipped_pair
from studio.models import remove_model, rename_model, taught_snapshot
from studio.store import Row, finetunes, library
from studio.store import models as table
from studio.store.errors import Conflict, NotFound
from studio.zoo import ZOO
from training.finetune_config import settings_help

router = APIRouter(tags=["models"])
ModelName = Annotated[str, InPath(max_length=100)]


class Schema(BaseModel):
    model_config = ConfigDict(protected_namespaces=())


class Model(Schema):
    """parent: the model that it was fine-tuned from; snapshot: the hash of what it was taught; default_of: projects."""

    name: str
    ships: bool
    parent: str | None
    finetune: int | None
    snapshot: str | None
    metrics: dict[str, Any] | None
    settings: dict[str, Any] | None
    categories: list[str]
    default_of: list[str]
    videos: list[str]
    created_at: str | None


class ModelList(Schema):
    models: list[Model]


class NewModelName(Schema):
    name: str


class OfProject(Schema):
    project_id: int


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


@router.get("/models", response_model=ModelList)
def list_models(studio: InStudio) -> Any:
    """The models that can run, with where each came from, what it was taught and how it did."""
    with studio.store.reading() as database:
        rows = {row["name"]: row for row in table.models(database)}
        chosen = table.defaults(database)
        return {
            "models": [
                {
                    "name": name,
                    "ships": file.ships,
                    "categories": [category.name for category in file.preset.categories] if file.preset else [],
                    "default_of": chosen.get(name, []),
                    "videos": table.uses(database, name),
                    **_family(rows.get(name)),
                }
                for name, file in runnable_models(studio.home, database).items()
            ]
        }


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
    return {
        "name": name,
        "ships": file.ships,
        "help": settings_help(),
        "course": course,
        "taught": _taught(studio, snapshot) if snapshot else None,
        **_family(row),
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


@router.patch("/models/{name}", response_model=NewModelName)
def rename(studio: InStudio, name: ModelName, body: NewModelName) -> Any:
    """Give a model another name, everywhere it is spoken of."""
    return {"name": rename_model(studio.store, studio.home, name, body.name)["name"]}


@router.delete("/models/{name}", status_code=204)
def remove(studio: InStudio, name: ModelName) -> Response:
    """Delete a model and its files; 409, with the reason, while runs, a project or a fine-tuning need it."""
    remove_model(studio.store, studio.home, name)
    return Response(status_code=204)


@router.post("/models/{name}/default", response_model=NewModelName)
def make_default(studio: InStudio, name: ModelName, body: OfProject) -> Any:
    """Begin a project's runs and fine-tunings with this model."""
    with studio.store.transaction() as database:
        library.project(database, body.project_id)
        table.set_default(database, body.project_id, find_runnable(studio.home, database, name).name)
    return {"name": name}


@router.get("/models/{name}/snapshot.json", response_class=FileResponse)
def get_snapshot(studio: InStudio, name: ModelName) -> FileResponse:
    """What a fine-tuned model was taught, in YouTube-VIS form."""
    find_model(studio.home, studio.store.database, name)
    row = next((row for row in table.models(studio.store.database) if row["name"] == name), None)
    path = taught_snapshot(studio.home, row) if row else None
    if path is None:
        raise Conflict(f'"{name}" was not fine-tuned here, so nothing is known of what it was taught.')
    return FileResponse(path, media_type="application/json", filename=f"{name}.snapshot.json")


def _family(row: Row | None) -> dict[str, Any]:
    columns = {"parent": "parent", "finetune": "finetune_id", "snapshot": "snapshot", "metrics": "metrics"}
    columns |= {"settings": "train_config", "created_at": "created_at", "source": "source", "sha256": "sha256"}
    return {key: row[column] if row else None for key, column in columns.items()}


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
