"""Projects, their categories and their videos.

Functions take a `Database` (a thread's own connection, or one inside a transaction) and return rows as dicts. They raise
`NotFound`, `Conflict` or `Invalid` with a sentence for the user. What was removed (`removal.py`) is not found here any more.
Files are not touched here.
"""

from typing import Any

from sqlite_utils import Database

from studio.palette import track_color
from studio.store.database import Row, insert, one
from studio.store.errors import Conflict, Invalid, NotFound

NAME_LIMIT = 200  # characters

VIDEO_COLUMNS = (
    "id, project_id, name, path, sha256, bytes, width, height, length, fps, state, error, rev, run_id, created_at"
)


def checked_name(name: str, what: str) -> str:
    """`name` without surrounding space; any other character is allowed, for names are only ever shown as text."""
    name = name.strip()
    if not name:
        raise Invalid(f"The {what} needs a name.")
    if len(name) > NAME_LIMIT:
        raise Invalid(f"The name of the {what} has {len(name)} characters; at most {NAME_LIMIT} are allowed.")
    return name


def projects(database: Database) -> list[Row]:
    """All projects with the number of their videos, oldest first."""
    return list(
        database.query("""
            select p.*, (select count(*) from videos v where v.project_id = p.id and not v.removed) as videos
            from projects p where not p.removed order by p.id
        """)
    )


def project(database: Database, project_id: int) -> Row:
    """One project."""
    found = one(database, "select * from projects where id = ? and not removed", (project_id,))
    if found is None:
        raise NotFound(f"There is no project {project_id}.")
    return found


def project_named(database: Database, name: str) -> Row:
    """The project called `name`."""
    found = one(database, "select * from projects where name = ?", (name,))
    if found is None:
        raise NotFound(f'There is no project called "{name}".')
    return found


def add_project(database: Database, name: str) -> Row:
    """A new, empty project. Names are unique."""
    return project(database, insert(database, "projects", {"name": _free_name(database, name)}))


def rename_project(database: Database, project_id: int, name: str) -> Row:
    """Give a project another name."""
    if project(database, project_id)["name"] != name.strip():
        name = _free_name(database, name)
        database.execute("update projects set name = ? where id = ?", (name, project_id))
    return project(database, project_id)


def _free_name(database: Database, name: str) -> str:
    name = checked_name(name, "project")
    if one(database, "select 1 from projects where name = ?", (name,)):
        raise Conflict(f'There is already a project called "{name}".')
    return name


def categories(database: Database, project_id: int) -> list[Row]:
    """The categories of a project in the order of their numbers."""
    return list(database.query("select * from categories where project_id = ? order by number", (project_id,)))


def category(database: Database, project_id: int, category_id: int) -> Row:
    """One category, which must belong to the project."""
    found = one(database, "select * from categories where id = ? and project_id = ?", (category_id, project_id))
    if found is None:
        raise NotFound(f"There is no category {category_id} in project {project_id}.")
    return found


def add_category(database: Database, project_id: int, name: str, number: int | None = None) -> Row:
    """A new category. `number` is its id in datasets; by default the next free one."""
    project(database, project_id)
    name = checked_name(name, "category")
    if one(database, "select 1 from categories where project_id = ? and name = ?", (project_id, name)):
        raise Conflict(f'The project already has a category called "{name}".')
    taken = {row["number"] for row in categories(database, project_id)}
    if number is None or number in taken:
        number = max(taken, default=0) + 1
    row = {"project_id": project_id, "number": number, "name": name, "color": track_color(number)}
    return category(database, project_id, insert(database, "categories", row))


def category_named(database: Database, project_id: int, name: str, number: int | None = None) -> Row:
    """The project's category called `name`, made if it is missing: a model may know categories that the project does not."""
    found = one(database, "select * from categories where project_id = ? and name = ?", (project_id, name))
    return found or add_category(database, project_id, name, number)


def videos(database: Database, project_id: int) -> list[Row]:
    """The videos of a project, oldest first."""
    project(database, project_id)
    sql = f"select {VIDEO_COLUMNS} from videos where project_id = ? and not removed order by id"
    return list(database.query(sql, (project_id,)))


def video(database: Database, video_id: int) -> Row:
    """One video, without its frame times."""
    found = one(database, f"select {VIDEO_COLUMNS} from videos where id = ? and not removed", (video_id,))
    if found is None:
        raise NotFound(f"There is no video {video_id}.")
    return found


def find_video(database: Database, project_id: int, **values: Any) -> Row | None:
    """The project's first video whose columns have these values."""
    where = " and ".join(f"{column} = :{column}" for column in values)
    sql = f"select {VIDEO_COLUMNS} from videos where project_id = :project_id and not removed and {where} order by id"
    return one(database, sql, {"project_id": project_id, **values})


def add_video(database: Database, project_id: int, **values: Any) -> Row:
    """A new video in the state "importing"."""
    project(database, project_id)
    values["name"] = checked_name(values["name"], "video")
    row = {"project_id": project_id, "state": "importing", **values}
    return video(database, insert(database, "videos", row))


def rename_video(database: Database, video_id: int, name: str) -> Row:
    """Give a video another name; its file keeps its own."""
    database.execute("update videos set name = ? where id = ?", (checked_name(name, "video"), video_id))
    return video(database, video_id)


def bump(database: Database, video_id: int) -> int:
    """Count one more change of what the video shows. Returns the new revision."""
    sql = "update videos set rev = rev + 1 where id = ? returning rev"
    return int(database.execute(sql, (video_id,)).fetchone()[0])
