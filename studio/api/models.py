"""Routes of models: the family, one model with what it was taught and who uses it, naming and deleting it, a file to take away,
and the model zoo. What takes a while, adding a model for one, is in `model_work.py`."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal

from fastapi import APIRouter, Response
from sqlite_utils import Database
from starlette.background import BackgroundTask
from starlette.responses import FileResponse

from engine.presets import PRESETS
from studio.api.context import InStudio
from studio.api.model_schemas import ModelDetail, ModelList, ModelName, NewModelName, OfProject, Zoo, curves
from studio.jobs.models import ModelFile, find_model, find_runnable, models
from studio.model_files import REFERENCE_BACKBONES, published_form, zipped_pair
from studio.models import remove_model, rename_model, taught_snapshot
from studio.settings import Home
from studio.store import Row, finetunes, library
from studio.store import models as table
from studio.store.errors import Conflict, NotFound
from studio.zoo import ZOO
from training.finetune_config import settings_help

router = APIRouter(tags=["models"])


@router.get("/zoo", response_model=Zoo)
def show_zoo() -> Any:
    """Models that others published, with where they are to be had, and the presets that a model can have."""
    return {"published": [asdict(entry) for entry in ZOO], "presets": list(PRESETS)}


@router.get("/models", response_model=ModelList)
def list_models(studio: InStudio, starts: bool = False) -> Any:
    """The models that can run, and with `starts` those that are starts for training, with where each came from and how it did."""
    with studio.store.reading() as database:
        rows = {row["name"]: row for row in table.models(database)}
        chosen = table.defaults(database)
        return {
            "models": [
                _facts(file, rows.get(name), chosen)
                | {
                    "finetune": rows[name]["finetune_id"] if name in rows else None,
                    "videos": table.uses(database, name),
                }
                for name, file in models(studio.home, database).items()
                if starts or not file.untrained
            ]
        }


@router.get("/models/{name}", response_model=ModelDetail)
def show_model(studio: InStudio, name: ModelName) -> Any:
    """A model with what it was taught, how that went, and who uses it."""
    with studio.store.reading() as database:
        file = find_model(studio.home, database, name)
        row = next((row for row in table.models(database) if row["name"] == name), None)
        found = _facts(file, row, table.defaults(database)) | {
            "course": _course(studio.home, database, row) if row and row["finetune_id"] else None,
            "uses": table.runs_with(database, name),
            "held": f'"{name}" is part of the program.' if file.ships else table.why_kept(database, name),
        }
    snapshot = taught_snapshot(studio.home, row) if row else None
    taught = _taught(studio, snapshot) if snapshot else None
    origin = {column: row[column] if row else None for column in ("source", "sha256")}
    return found | origin | _net(file) | {"help": settings_help(), "taught": taught}


@router.get("/models/{name}/export", response_class=FileResponse)
def export_model(
    studio: InStudio, name: ModelName, format: Literal["safetensors", "ctvis"] = "safetensors"
) -> FileResponse:
    """The model as a file: `safetensors`, our two files in a zip; `ctvis`, a `.pth` for the reference implementation, once POST
    has had it written."""
    file = find_model(studio.home, studio.store.database, name)
    if format == "ctvis":
        path = published_form(studio.home, file)
        if not path.is_file():
            raise Conflict(f'"{name}" is not written as .pth yet. Ask for it with POST, then come again.')
        return FileResponse(path, filename=f"{name}.pth")
    path = zipped_pair(studio.home, file)
    return FileResponse(path, filename=f"{name}.zip", background=BackgroundTask(path.unlink, missing_ok=True))


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
    """Begin a project's runs with this model."""
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


def _facts(file: ModelFile, row: Row | None, chosen: dict[str, list[str]]) -> dict[str, Any]:
    """The fields of `ModelFacts`. chosen: the projects whose default a model is, by name."""
    columns = {"parent": "parent", "snapshot": "snapshot", "metrics": "metrics", "settings": "train_config"}
    known = {key: row[column] if row else None for key, column in (columns | {"created_at": "created_at"}).items()}
    return known | {
        "name": file.name,
        "ships": file.ships,
        "untrained": list(file.untrained),
        "categories": [category.name for category in file.preset.categories] if file.preset else [],
        "default_of": chosen.get(file.name, []),
    }


def _net(file: ModelFile) -> dict[str, Any]:
    preset = file.preset
    found: dict[str, Any] = {"bytes": file.path.stat().st_size if file.path.is_file() else None}
    if preset is None:
        return found | {"facts": {}, "formats": []}
    net, frame = preset.model, preset.frame
    facts = {
        "backbone": net.backbone,
        "queries": f"{net.num_queries} of width {net.hidden_dim}",
        "frames": f"short edge {frame.short_edge}, long edge at most {frame.max_edge} pixels",
        "preset": preset.name,
    }
    formats = ["safetensors", *(["ctvis"] if net.backbone in REFERENCE_BACKBONES else [])]
    return found | {"facts": facts, "formats": formats}


def _course(home: Home, database: Database, row: Row) -> dict[str, Any] | None:
    """None where the project that it was taught by has gone."""
    try:
        found = finetunes.finetune(database, row["finetune_id"])
    except NotFound:
        return None
    project = library.project(database, found["project_id"])
    known = {"finetune": found["id"], "project_id": project["id"], "project": project["name"], "steps": found["step"]}
    return known | curves(home, database, found, most=300)


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
