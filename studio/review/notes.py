"""The two sides of a log entry: what the rows that it touched were before, and what they were after.

`edit_cells` and `edit_tracks` keep them. A row that is missing on a side says that there was none. To put a side back is to undo
or to redo; it is refused where somebody else has changed the same thing since, for then there is more than this entry to take back.
A row of `track_states` exists as long as an operation that touched the track stands.
"""

from typing import Any

from sqlite_utils import Database

from studio.store.database import Row, one
from studio.store.errors import Conflict

CELL = "track_id, frame, counts, origin, source, verified, rev"
STATE = "track_id, deleted, category_id, ends_before"
UNTOUCHED: dict[str, int | None] = {"deleted": 0, "category_id": None, "ends_before": None}
OTHER_SIDE = {"before": "after", "after": "before"}


def note(database: Database, edit: int, side: str, tracks: str) -> None:
    """Copy what is now in the planned cells, and the states of the tracks (a JSON list), to a side of the entry."""
    note_states(database, edit, side, tracks)
    columns = ", ".join(f"c.{column}" for column in CELL.split(", "))
    database.execute(
        f"""
        insert into edit_cells (edit_id, side, {CELL}) select :edit, :side, {columns}
        from planned p cross join corrections c on c.track_id = p.track_id and c.frame = p.frame
        """,
        {"edit": edit, "side": side},
    )


def note_states(database: Database, edit: int, side: str, tracks: str) -> None:
    """Copy the states of the tracks (a JSON list) to a side of the entry."""
    database.execute(
        f"""
        insert into edit_tracks (edit_id, side, {STATE})
        select :edit, :side, {STATE} from track_states where track_id in (select value from json_each(:tracks))
        """,
        {"edit": edit, "side": side, "tracks": tracks},
    )


def touched_tracks(database: Database, edit: int) -> list[int]:
    """The tracks that an entry touched."""
    sql = "select distinct track_id from edit_tracks where edit_id = ? order by track_id"
    return [track for (track,) in database.execute(sql, (edit,))]


def verified_gain(database: Database, edit: int) -> int:
    """How many more verified masks there are after the entry than before it."""
    sql = """
        select coalesce(sum(case side when 'after' then 1 else -1 end), 0) from edit_cells
        where edit_id = ? and verified and (counts is not null or origin is not null)
    """
    return int(database.execute(sql, (edit,)).fetchone()[0])


def check_untouched(database: Database, entry: Row, side: str) -> None:
    """Raise Conflict unless all that the entry touched still is as that side says."""
    noted = "select track_id, frame from edit_cells where edit_id = :edit and side = :side"
    other = "select track_id, frame from edit_cells where edit_id = :edit and side = :other"
    changed = database.execute(
        f"""
        select exists (
            select 1 from edit_cells n left join corrections c on c.track_id = n.track_id and c.frame = n.frame
            where n.edit_id = :edit and n.side = :side and c.rev is not n.rev
        ) or exists (
            select 1 from ({other} except {noted}) n join corrections c on c.track_id = n.track_id and c.frame = n.frame
        )
        """,
        {"edit": entry["id"], "side": side, "other": OTHER_SIDE[side]},
    ).fetchone()[0]
    if not changed:
        changed = any(
            states[column] != wanted[column]
            for states, wanted, columns in _states(database, entry["id"], side)
            for column in columns
        )
    if changed or _would_vanish(database, entry, side):
        raise Conflict(
            f'"{entry["summary"]}" cannot be taken back or brought back alone: the same masks or tracks were changed since. '
            "Take that back first, or go back in the history."
        )


def put_back(database: Database, edit: int, side: str) -> None:
    """Make all that the entry touched what it was on that side; of a track only what the entry changed in it."""
    touched = "select track_id, frame from edit_cells where edit_id = ?"
    database.execute(f"delete from corrections where (track_id, frame) in ({touched})", (edit,))
    database.execute(
        f"insert into corrections ({CELL}) select {CELL} from edit_cells where edit_id = ? and side = ?", (edit, side)
    )
    for _, other, columns in list(_states(database, edit, OTHER_SIDE[side])):
        values = _noted(database, edit, side, other["track_id"])
        set_state(database, other["track_id"], {column: values[column] for column in columns})


def set_state(database: Database, track_id: int, values: dict[str, int | None]) -> None:
    """Change some columns of a track's state."""
    database.execute("insert or ignore into track_states (track_id) values (?)", (track_id,))
    for column, value in values.items():
        database.execute(f"update track_states set {column} = ? where track_id = ?", (value, track_id))


def forget_untouched(database: Database, tracks: str) -> None:
    """Remove the states, among those of the tracks (a JSON list), that say nothing and that no standing operation needs."""
    database.execute(
        """
        delete from track_states where track_id in (select value from json_each(?))
          and not deleted and category_id is null and ends_before is null
          and not exists (
            select 1 from edit_tracks n join edits e on e.id = n.edit_id
            where n.track_id = track_states.track_id and e.state = 'applied' and e.op <> 'go_back'
          )
        """,
        (tracks,),
    )


def _states(database: Database, edit: int, side: str) -> list[tuple[dict[str, Any], dict[str, Any], list[str]]]:
    """Per touched track: its state now, its state on that side, and the columns that the entry changed."""
    found = []
    for track_id in touched_tracks(database, edit):
        now = one(database, f"select {STATE} from track_states where track_id = ?", (track_id,))
        wanted, other = (_noted(database, edit, which, track_id) for which in (side, OTHER_SIDE[side]))
        columns = [column for column in UNTOUCHED if wanted[column] != other[column]]
        found.append((now or UNTOUCHED | {"track_id": track_id}, wanted, columns))
    return found


def _noted(database: Database, edit: int, side: str, track_id: int) -> dict[str, Any]:
    sql = f"select {STATE} from edit_tracks where edit_id = ? and side = ? and track_id = ?"
    return one(database, sql, (edit, side, track_id)) or UNTOUCHED | {"track_id": track_id}


def _would_vanish(database: Database, entry: Row, side: str) -> bool:
    """Whether to undo the entry would take away a track that it brought and that a later standing operation has touched."""
    if side == "before":
        return False
    sql = """
        select exists (
          select 1 from edit_tracks b
          join edit_tracks a on a.edit_id = b.edit_id and a.track_id = b.track_id and a.side = 'after'
          join edit_tracks l on l.track_id = b.track_id and l.edit_id > b.edit_id
          join edits e on e.id = l.edit_id
          where b.edit_id = ? and b.side = 'before' and b.deleted and not a.deleted and e.state = 'applied'
        )
    """
    return bool(database.execute(sql, (entry["id"],)).fetchone()[0])
