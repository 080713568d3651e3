"""The models table: what a person added or trained, where it came from, and which runs used it. Files are not touched here."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from studio.store.database import Row, insert, one
from studio.store.errors import Conflict, NotFound

NAMING = (  # where a model is spoken of by its name
    ("models", "name"),
    ("models", "parent"),
    ("runs", "model"),
    ("projects", "model"),
    ("finetunes", "parent"),
    ("finetunes", "in_use"),
)


def add_model(
    database: Database,
    name: str,
    path: str,
    preset: Mapping[str, Any],
    *,
    sha256: str | None = None,
    source: str | None = None,
    untrained: Sequence[str] = (),
) -> Row:
    """A new model. path: its file in the models folder. sha256, source: of the file it was made from, as it was given."""
    if one(database, "select 1 from models where name = ?", (name,)):
        raise Conflict(f'There is a model "{name}" already. Give another name.')
    values = {"name": name, "path": path, "preset": json.dumps(preset), "sha256": sha256, "source": source}
    insert(database, "models", values | {"untrained": json.dumps(list(untrained))})
    return model_named(database, name)


def add_child(database: Database, finetune: Row, name: str, path: str, preset: Mapping[str, Any], **values: Any) -> Row:
    """The model that a fine-tuning made. values: sha256 of its file, metrics."""
    parent = one(database, "select id from models where name = ?", (finetune["parent"],))
    row = {
        "name": name,
        "path": path,
        "preset": json.dumps(preset),
        "parent": finetune["parent"],
        "parent_id": parent and parent["id"],
        "finetune_id": finetune["id"],
        "snapshot": finetune["snapshot"],
        "train_config": json.dumps(finetune["config"]),
        "untrained": "[]",
        **{column: json.dumps(value) if isinstance(value, dict) else value for column, value in values.items()},
    }
    insert(database, "models", row)
    return model_named(database, name)


def model_named(database: Database, name: str) -> Row:
    """One model; `preset` and `untrained` as JSON values."""
    found = one(database, "select * from models where name = ?", (name,))
    if found is None:
        raise NotFound(f'There is no model "{name}" in the table.')
    return _read(found)


def models(database: Database) -> list[Row]:
    """All models of the table, oldest first."""
    return [_read(row) for row in database.query("select * from models order by id")]


def uses(database: Database, name: str) -> list[str]:
    """The names of the videos that the model has run on or is to run on."""
    sql = """
        select distinct v.name from runs r join videos v on v.id = r.video_id join projects p on p.id = v.project_id
        where r.model = ? and not v.removed and not p.removed order by v.id
    """
    return [video for (video,) in database.execute(sql, (name,))]


def runs_with(database: Database, name: str) -> list[Row]:
    """The videos that the model has run on or is to run on: project_id, project, video_id, video, runs."""
    sql = """
        select p.id as project_id, p.name as project, v.id as video_id, v.name as video, count(*) as runs
        from runs r join videos v on v.id = r.video_id join projects p on p.id = v.project_id
        where r.model = ? and not v.removed and not p.removed group by v.id order by p.id, v.id
    """
    return list(database.query(sql, (name,)))


def defaults(database: Database) -> dict[str, list[str]]:
    """By model, the names of the projects whose default it is."""
    found: dict[str, list[str]] = {}
    sql = "select model, name from projects where model is not null and not removed order by id"
    for model, project in database.execute(sql):
        found.setdefault(model, []).append(project)
    return found


def set_default(database: Database, project_id: int, name: str | None) -> None:
    """Say with which model a project's runs begin; None: with the program's own."""
    database.execute("update projects set model = ? where id = ?", (name, project_id))


def default(database: Database, project_id: int) -> str | None:
    """The model with which a project's runs begin, if one was chosen."""
    (name,) = database.execute("select model from projects where id = ?", (project_id,)).fetchone() or (None,)
    return str(name) if name else None


def rename(database: Database, name: str, new: str) -> Row:
    """Give a model another name, everywhere it is spoken of. Its file keeps its own."""
    model_named(database, name)
    for table, column in NAMING:
        database.execute(f"update {table} set {column} = ? where {column} = ?", (new, name))
    database.execute("delete from speeds where model = ?", (name,))
    return model_named(database, new)


def why_kept(database: Database, name: str) -> str | None:
    """Why a model cannot be removed, as a sentence; None if it can."""
    if videos := uses(database, name):
        shown = ", ".join(f'"{video}"' for video in videos[:3]) + (
            f" and {len(videos) - 3} more" if len(videos) > 3 else ""
        )
        return f'"{name}" cannot be removed: runs on {shown} were made with it. Delete those videos first.'
    if projects := defaults(database).get(name):
        return f'"{name}" cannot be removed: it is the default of the project "{projects[0]}". Choose another first.'
    sql = "select 1 from finetunes where ? in (parent, in_use) and state in ('queued', 'running', 'paused')"
    if one(database, sql, (name,)):
        return f'"{name}" cannot be removed: a fine-tuning needs it. Cancel that first, or wait until it is done.'
    return None


def remove_model(database: Database, name: str) -> None:
    """Take the model off the table. Raises Conflict while something needs it."""
    if reason := why_kept(database, name):
        raise Conflict(reason)
    database.execute("delete from models where name = ?", (name,))
    database.execute("delete from speeds where model = ?", (name,))


def _read(row: Row) -> Row:
    columns = ("preset", "untrained", "metrics", "train_config")
    return row | {column: row[column] and json.loads(row[column]) for column in columns}
