"""The exports table: which annotation files were asked for, and what is in them. Their state is that of their job; the files lie in
the home folder."""

import json
from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from studio.store import library
from studio.store.database import Row, insert, one
from studio.store.errors import NotFound
from studio.store.jobs import job_of


def add_export(database: Database, project_id: int, format: str, options: Mapping[str, Any]) -> Row:
    """A new export that waits for its job."""
    library.project(database, project_id)
    values = {"project_id": project_id, "format": format, "options": json.dumps(options)}
    return export(database, insert(database, "exports", values))


def export(database: Database, export_id: int) -> Row:
    """One export; `options` as a dict, `contents` as noted at its end (None: unknown), `state` and `error` from its job."""
    sql = "select e.* from exports e join projects p on p.id = e.project_id where e.id = ? and not p.removed"
    found = one(database, sql, (export_id,))
    if found is None:
        raise NotFound(f"There is no export {export_id}.")
    job = job_of(database, export_id=export_id)
    state = {"job": job and job["id"], "state": job["state"] if job else "queued", "error": job and job["error"]}
    options = json.loads(found["options"])
    return found | {"contents": options.pop("contents", None), "options": options} | state


def exports(database: Database, project_id: int) -> list[Row]:
    """The exports of a project, newest first."""
    library.project(database, project_id)
    ids = database.execute("select id from exports where project_id = ? order by id desc", (project_id,)).fetchall()
    return [export(database, export_id) for (export_id,) in ids]


def finish_export(database: Database, export_id: int, size: int, contents: Mapping[str, int]) -> None:
    """Note that the files are in their place; size: of the zip, in bytes; contents: numbers of what is in them, by name."""
    sql = """
        update exports set bytes = ?, options = json_set(options, '$.contents', json(?)),
          finished_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') where id = ?
    """
    database.execute(sql, (size, json.dumps(contents), export_id))
