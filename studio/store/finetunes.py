"""The tables of fine-tuning: each one from the click to the model, its curves, and the speeds that were measured.

A fine-tuning and its job are one thing to people: `pause`, `go_on` and `close` change both rows. Files are not touched here.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sqlite_utils import Database

from studio.store import jobs, library
from studio.store.database import Row, insert, one
from studio.store.errors import Conflict, NotFound

JSON_COLUMNS = ("config", "summary", "result")
OPEN = ("queued", "running", "paused")  # states of what is not over
FINISHED = "strftime('%Y-%m-%dT%H:%M:%SZ', 'now')"


@dataclass(frozen=True)
class Names:
    """Of the models of a fine-tuning: the one that it begins with, the one that the project uses meanwhile, with which the new one
    is compared, and the new one."""

    parent: str
    in_use: str
    name: str


def add_finetune(
    database: Database,
    project_id: int,
    names: Names,
    config: Mapping[str, Any],
    snapshot: str,
    summary: Mapping[str, Any],
    user: str,
) -> Row:
    """A new fine-tuning with its job, queued. snapshot: the hash of what it will be taught."""
    library.project(database, project_id)
    values = {"project_id": project_id, **asdict(names), "user": user, "state": "queued"}
    texts = {"config": json.dumps(config), "summary": json.dumps(summary), "snapshot": snapshot}
    number = insert(database, "finetunes", values | texts)
    jobs.add_job(database, "finetune", project_id=project_id, finetune_id=number)
    return finetune(database, number)


def finetune(database: Database, finetune_id: int) -> Row:
    """One fine-tuning; JSON columns as values, `job` is its job's row."""
    sql = "select f.* from finetunes f join projects p on p.id = f.project_id where f.id = ? and not p.removed"
    found = one(database, sql, (finetune_id,))
    if found is None:
        raise NotFound(f"There is no fine-tuning {finetune_id}.")
    return _read(database, found)


def finetunes(database: Database, project_id: int) -> list[Row]:
    """The fine-tunings of a project, newest first."""
    library.project(database, project_id)
    rows = database.query("select * from finetunes where project_id = ? order by id desc", (project_id,))
    return [_read(database, row) for row in rows]


def reserved_names(database: Database) -> set[str]:
    """Names that fine-tunings which are not over will give to their models."""
    sql = "select name from finetunes where state in ('queued', 'running', 'paused')"
    return {name for (name,) in database.execute(sql)}


def start(database: Database, finetune_id: int) -> None:
    """Note that the worker has begun, or goes on. A pause that was asked for meanwhile still is."""
    database.execute("update finetunes set state = 'running' where id = ?", (finetune_id,))


def note_step(database: Database, finetune_id: int, step: int) -> None:
    database.execute("update finetunes set step = ? where id = ?", (step, finetune_id))


def add_point(database: Database, finetune_id: int, kind: str, step: int, numbers: Mapping[str, Any]) -> None:
    """A point of the curves, "training" or "validation"; a step that is done again after a kill has it anew."""
    sql = "insert or replace into finetune_points (finetune_id, kind, step, numbers) values (?, ?, ?, ?)"
    database.execute(sql, (finetune_id, kind, step, json.dumps(numbers)))


def points(database: Database, finetune_id: int, kind: str, most: int = 1000) -> list[Row]:
    """The points of one curve in order, each with its step; of more than `most` every nth, and always the last."""
    sql = "select step, numbers from finetune_points where finetune_id = ? and kind = ? order by step"
    found = [{"step": step, **json.loads(numbers)} for step, numbers in database.execute(sql, (finetune_id, kind))]
    nth = -(-len(found) // most) or 1
    return found[(len(found) - 1) % nth :: nth]


def ask_to_pause(database: Database, finetune_id: int) -> Row:
    """Ask for a pause: a queued one pauses at once, a running one after the step that it is at."""
    found = finetune(database, finetune_id)
    if found["state"] == "queued":
        pause(database, finetune_id, "Paused before it started.")
    elif found["state"] == "running":
        database.execute("update finetunes set pause = 1 where id = ?", (finetune_id,))
    else:
        raise Conflict(f"This fine-tuning cannot be paused: it is {found['state']}.")
    return finetune(database, finetune_id)


def pause(database: Database, finetune_id: int, message: str) -> None:
    """Put the fine-tuning aside, with the sentence that says why; its job waits until it is told to go on."""
    database.execute("update finetunes set state = 'paused', pause = 0 where id = ?", (finetune_id,))
    sql = """
        update jobs set state = 'queued', paused = 1, message = ?, fps = null, seconds_left = null
        where finetune_id = ? and state in ('queued', 'running')
    """
    database.execute(sql, (message, finetune_id))


def go_on(database: Database, finetune_id: int) -> Row:
    """Queue a paused one, or one that failed or was cancelled; it goes on from its last checkpoint."""
    found = finetune(database, finetune_id)
    if found["state"] not in ("paused", "failed", "cancelled"):
        raise Conflict(f"This fine-tuning cannot be resumed: it is {found['state']}.")
    database.execute(
        "update finetunes set state = 'queued', pause = 0, finished_at = null where id = ?", (finetune_id,)
    )
    database.execute("update jobs set paused = 0, message = '' where finetune_id = ?", (finetune_id,))
    if found["state"] != "paused":
        jobs.queue_again(database, found["job"]["id"])
    return finetune(database, finetune_id)


def close(database: Database, finetune_id: int, state: str, result: Mapping[str, Any] | None = None) -> None:
    """End it as "done", "failed" or "cancelled"; its job is ended by whoever does that."""
    sql = f"update finetunes set state = ?, pause = 0, result = ?, finished_at = {FINISHED} where id = ?"
    database.execute(sql, (state, None if result is None else json.dumps(result), finetune_id))


def wants_pause(database: Database, finetune_id: int) -> bool:
    found = one(database, "select pause from finetunes where id = ?", (finetune_id,))
    return found is not None and bool(found["pause"])


def speeds(database: Database, model: str) -> dict[str, float]:
    """Seconds per training step of a model on this machine, by the shape of the step, as measured."""
    return dict(database.execute("select shape, seconds from speeds where model = ?", (model,)).fetchall())


def keep_speed(database: Database, model: str, shape: str, seconds: float) -> None:
    sql = "insert or replace into speeds (model, shape, seconds) values (?, ?, ?)"
    database.execute(sql, (model, shape, seconds))


def _read(database: Database, row: Row) -> Row:
    values = {column: row[column] and json.loads(row[column]) for column in JSON_COLUMNS}
    return row | values | {"job": jobs.job_of(database, finetune_id=row["id"])}
