"""Routes of long work: runs of models, and exports. The jobs that do them are told of by `jobs.py`."""

from typing import Any

from fastapi import APIRouter
from starlette.responses import FileResponse

from studio.api import schemas
from studio.api.context import InStudio, Studio
from studio.api.library import run_view
from studio.finetune.start import default_model
from studio.jobs.models import find_runnable
from studio.store import Row, exports, jobs, library, runs
from studio.store.errors import Conflict

router = APIRouter(tags=["work"])


@router.post("/videos/{video_id}/runs", response_model=schemas.RunStarted, status_code=202)
def start_run(studio: InStudio, video_id: int, body: schemas.RunRequest) -> Any:
    """Run a model on a video, by default the project's; 409 while another run of it is under way."""
    project = library.video(studio.store.database, video_id)["project_id"]
    model = body.model or default_model(studio.store.database, project)
    find_runnable(studio.home, studio.store.database, model)
    with studio.store.transaction() as database:
        video = library.video(database, video_id)
        if video["state"] == "failed":
            raise Conflict(f'"{video["name"]}" could not be imported: {video["error"]}')
        under_way = next((r for r in runs.runs(database, video_id) if r["state"] in ("queued", "running")), None)
        if under_way is not None:
            raise Conflict(
                f'"{video["name"]}" is being worked on already. Wait for run {under_way["id"]} or cancel it.'
            )
        run = runs.add_run(database, video_id, model, body.model_dump(exclude={"model"}))
        references = {"project_id": video["project_id"], "video_id": video_id, "run_id": run["id"]}
        job = jobs.add_job(database, "run", frames_total=video["length"], **references)
    studio.queue.put(job)
    return {"job": job["id"], "run": run["id"]}


@router.get("/videos/{video_id}/runs", response_model=schemas.RunList)
def list_runs(studio: InStudio, video_id: int) -> Any:
    """All runs of a video, oldest first."""
    with studio.store.reading() as database:
        video = library.video(database, video_id)
        return {"runs": [run_view(run, video) for run in runs.runs(database, video_id)]}


@router.post("/videos/{video_id}/runs/{run_id}/show", response_model=schemas.Run)
def show_run(studio: InStudio, video_id: int, run_id: int) -> Any:
    """Show this run, with the corrections that were made on it."""
    with studio.store.transaction() as database:
        runs.show_run(database, video_id, run_id)
        return run_view(runs.run(database, run_id), library.video(database, video_id))


@router.post("/projects/{project_id}/exports", response_model=schemas.ExportStarted, status_code=202)
def start_export(studio: InStudio, project_id: int, body: schemas.ExportRequest) -> Any:
    """Write a project's annotations; `frames` puts the pictures into the zip."""
    with studio.store.transaction() as database:
        export = exports.add_export(database, project_id, body.format, body.model_dump(exclude={"format"}))
        job = jobs.add_job(database, "export", project_id=project_id, export_id=export["id"])
    studio.queue.put(job)
    return {"job": job["id"], "export": export["id"]}


@router.get("/projects/{project_id}/exports", response_model=schemas.ExportList)
def list_exports(studio: InStudio, project_id: int) -> Any:
    """The exports of a project, newest first."""
    return {"exports": exports.exports(studio.store.database, project_id)}


@router.get("/exports/{export_id}", response_model=schemas.Export)
def get_export(studio: InStudio, export_id: int) -> Any:
    """An export and whether it is done."""
    return exports.export(studio.store.database, export_id)


@router.get("/exports/{export_id}/annotations.json", response_class=FileResponse)
def get_annotations(studio: InStudio, export_id: int) -> FileResponse:
    """The annotations of a finished export."""
    return _export_file(studio, export_id, "annotations.json", "application/json")


@router.get("/exports/{export_id}/file.zip", response_class=FileResponse)
def get_zip(studio: InStudio, export_id: int) -> FileResponse:
    """A finished export as a zip."""
    return _export_file(studio, export_id, "file.zip", "application/zip")


def _export_file(studio: Studio, export_id: int, name: str, media_type: str) -> FileResponse:
    export: Row = exports.export(studio.store.database, export_id)
    path = studio.home.exports / str(export_id) / name
    if export["state"] != "done" or not path.is_file():
        raise Conflict(f"Export {export_id} is not ready ({export['state']}).")
    project = library.project(studio.store.database, export["project_id"])
    return FileResponse(path, media_type=media_type, filename=f"{project['name']}-{export_id}{path.suffix}")
