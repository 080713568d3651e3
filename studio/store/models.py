"""The models table: what a person added or trained, where it came from, and which runs used it. Files are not touched here."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlite_utils import Database

from studio.store.database import Row, insert, one
from studio.store.errors import Conflict, NotFound


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
        raise Conflict(f'There is a model "{name}" already. Give another name with --name.')
    values = {"name": name, "path": path, "preset": json.dumps(preset), "sha256": sha256, "source": source}
    insert(database, "models", values | {"untrained": json.dumps(list(untrained))})
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


def remove_model(database: Database, name: str) -> None:
    """Take the model off the table. Raises Conflict while runs refer to it."""
    if videos := uses(database, name):
        shown = ", ".join(f'"{video}"' for video in videos[:3]) + (
            f" and {len(videos) - 3} more" if len(videos) > 3 else ""
        )
        raise Conflict(f'"{name}" cannot be removed: runs on {shown} were made with it. Delete those videos first.')
    database.execute("delete from models where name = ?", (name,))


def _read(row: Row) -> Row:
    return row | {column: row[column] and json.loads(row[column]) for column in ("preset", "untrained")}
