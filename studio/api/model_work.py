"""Routes of work on models that takes a while, and so is a job: adding one, and writing one for the reference implementation."""

import json
import re
import urllib.parse
from pathlib import Path
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response
from fastapi.concurrency import run_in_threadpool

from engine.build import find_preset
from studio.api.access import read_body
from studio.api.context import InStudio, Studio
from studio.api.jobs import Job
from studio.api.model_schemas import ModelExport, ModelName, ModelSource
from studio.api.server_paths import readable_path
from studio.api.uploads import ReceivedFile, receive_file
from studio.download import is_address
from studio.jobs.models import find_model
from studio.model_files import published_form
from studio.model_sources import own_folder
from studio.models import check_free, free_name, plain_name
from studio.store import Row, jobs
from studio.store.errors import Conflict, Invalid, NotFound

router = APIRouter(tags=["models"])

NEW_MODEL_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "properties": {"file": {"type": "string", "format": "binary"}}}
            },
            "application/json": {"schema": ModelSource.model_json_schema()},
        },
    }
}


@router.post("/models", response_model=Job, status_code=202, openapi_extra=NEW_MODEL_BODY)
async def add_model(
    studio: InStudio,
    request: Request,
    name: Annotated[str | None, Query(max_length=100)] = None,
    preset: Annotated[str | None, Query(max_length=100)] = None,
) -> Any:
    """Add a model; the answer is the job that does it.

    A file comes as multipart field `file`, with `name` and `preset` in the address; a path on the server, an address on the web, or
    another try with the file of an earlier job as JSON. Without a name it is called as its file, without a preset that is guessed.
    """
    if request.headers.get("content-type", "").startswith("multipart/form-data"):
        await run_in_threadpool(_check, studio, name, preset)  # before it comes: it may be large
        received = await receive_file(request, studio.home)
        return await run_in_threadpool(_from_upload, studio, received, name, preset)
    body = _source(await read_body(request, studio.home.json_limit))
    await run_in_threadpool(_check, studio, body.name, body.preset)
    return await run_in_threadpool(_again if body.job is not None else _from_server, studio, body)


@router.post("/models/{name}/export", response_model=ModelExport)
def write_published_form(studio: InStudio, response: Response, name: ModelName) -> Any:
    """Have the `.pth` for the reference implementation written: 202 with the job, or 200 with none where it is there already."""
    if published_form(studio.home, find_model(studio.home, studio.store.database, name)).is_file():
        return {"job": None}
    job = _queued(studio, "export_model", {"name": name})
    response.status_code = 202
    return {"job": job["id"]}


def _check(studio: Studio, name: str | None, preset: str | None) -> None:
    if name is not None:
        check_free(studio.store, studio.home, name)
    if preset is not None:
        find_preset(preset)


def _source(body: bytes) -> ModelSource:
    try:
        return ModelSource.model_validate(json.loads(body))
    except ValueError as error:
        raise HTTPException(
            422, 'Send a model as the field "file" of a form, or as {"source": "/where/it/is.pth"}.'
        ) from error


def _from_upload(studio: Studio, received: ReceivedFile, name: str | None, preset: str | None) -> Row:
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", received.name).strip("._")[-100:]
    place = own_folder(studio.home) / (plain or "model")
    received.path.rename(place)
    return _add(studio, str(place), received.name, name, preset, own=True)


def _from_server(studio: Studio, body: ModelSource) -> Row:
    source = (body.source or "").strip()
    if not source:
        raise Invalid("Give a file, its path on the server, or its address on the web.")
    if not is_address(source):
        path = readable_path(studio.home, Path(source), "models")
        return _add(studio, str(path), path.name, body.name, body.preset)
    if studio.home.import_roots is not None:  # it would fetch from its own network what the asker cannot reach
        raise Invalid("This studio fetches nothing from the web for others: download the file, and upload it here.")
    last = urllib.parse.unquote(urllib.parse.urlsplit(source).path).rpartition("/")[2]
    return _add(studio, source, last, body.name, body.preset)


def _add(studio: Studio, source: str, file_name: str, name: str | None, preset: str | None, own: bool = False) -> Row:
    chosen = name or free_name(studio.home, studio.store.database, plain_name(file_name))
    asked = {"name": chosen, "preset": preset, "source": source, "origin": file_name if own else source, "own": own}
    return _queued(studio, "add_model", asked)


def _again(studio: Studio, body: ModelSource) -> Row:
    """Another try of a job that failed or was stopped, under another name or preset."""
    assert body.job is not None
    with studio.store.transaction() as database:
        job = jobs.job(database, body.job)
        if job["kind"] != "add_model":
            raise Conflict(f"Job {body.job} did not add a model.")
        asked = jobs.asked(job)
        if not is_address(asked["source"]) and not Path(asked["source"]).exists():
            raise NotFound("The file of that try is gone: it was no checkpoint, or a day has passed. Choose it again.")
        jobs.ask_for(database, body.job, asked | {"preset": body.preset, "name": body.name or asked["name"]})
        job = jobs.queue_again(database, body.job)
    studio.queue.put(job)
    return job


def _queued(studio: Studio, kind: str, asked: dict[str, Any]) -> Row:
    with studio.store.transaction() as database:
        job = jobs.add_model_job(database, kind, asked)
    studio.queue.put(job)
    return job
