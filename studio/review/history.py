"""The history of a video: who did what and when, and the way back to any point of it.

To go back puts everything as it was right after an entry of the log, whoever did what came later, and is an operation like any
other: one step of undo takes it back.
"""

import json
from typing import Any

from sqlite_utils import Database

from studio.review import notes
from studio.review.plan import Operation, Plan, Scene
from studio.store import library
from studio.store.database import Row, one
from studio.store.errors import Invalid, NotFound

# The log after entry :edit, in the order of time: which side of which notes tells what was there just before each entry.
LATER = """
    select id as entry, coalesce(target_id, id) as noted, case op when 'undo' then 'after' else 'before' end as side
    from edits where run_id = :run and id > :edit
"""


def entries(database: Database, video_id: int, user: str | None = None) -> dict[str, Any]:
    """The operations on the shown run, oldest first, and whether `user` (None: anybody) can undo or redo something."""
    video = library.video(database, video_id)
    found = list(
        database.query(
            """
            select id, op, summary, user, at, state <> 'applied' as undone, state, rev, first_frame, last_frame,
              (select json_group_array(track_id) from (
                select distinct track_id from edit_tracks where edit_id = edits.id order by track_id
              )) as tracks
            from edits where run_id = ? and state is not null order by id
            """,
            (video["run_id"],),
        )
    )
    states = {entry["state"] for entry in found if user in (None, entry["user"])}
    shown = [_shown(entry, user) for entry in found]
    return {"edits": shown, "can_undo": "applied" in states, "can_redo": "undone" in states}


def _shown(entry: Row, user: str | None) -> Row:
    first, last = entry["first_frame"], entry["last_frame"]
    kept = {key: entry[key] for key in ("id", "op", "summary", "user", "at")}
    place = {"tracks": json.loads(entry["tracks"]), "frames": None if first is None else (first, last)}
    return kept | {"undone": bool(entry["undone"]), "own": entry["user"] == user} | place


def go_back(edit: int) -> Operation:
    """Everything as it was right after this entry of the log; 0: as the model predicted it."""

    def plan(scene: Scene) -> Plan:
        database, run = scene.database, scene.video["run_id"]
        at = one(database, "select * from edits where id = ? and run_id = ? and state is not null", (edit, run))
        if edit != 0 and at is None:
            raise NotFound(f"The history of what is shown has no entry {edit}.")
        place = {"run": run, "edit": edit}
        _plan_cells(database, place)
        states = _states(database, place)
        marks = _marks(database, place)
        if not marks:
            raise Invalid("Nothing was changed since then.")
        touched = [track for (track,) in database.execute("select distinct track_id from planned").fetchall()]
        words = f"to the state after: {at['summary']}" if at else "to the beginning"
        return Plan(
            op="go_back",
            args={"edit": edit, "marks": marks},
            summary=f"Went back {words}",
            tracks=sorted({*touched, *states}),
            states=states,
            marks=marks,
        )

    return plan


def _plan_cells(database: Database, place: dict[str, int]) -> None:
    """What every cell that was touched later held then: what it held before the first of the later entries that touch it."""
    database.execute(
        f"""
        with later as materialized ({LATER}),
        first as materialized (
          select c.track_id, c.frame, min(l.entry) as entry
          from later l join edit_cells c on c.edit_id = l.noted group by c.track_id, c.frame
        )
        insert into planned (track_id, frame, counts, origin, source, verified, rev, gone)
        select f.track_id, f.frame, c.counts, c.origin, coalesce(c.source, 'user'), coalesce(c.verified, 0), c.rev, c.rev is null
        from first f join later l on l.entry = f.entry
        left join edit_cells c on c.edit_id = l.noted and c.side = l.side and c.track_id = f.track_id and c.frame = f.frame
        """,
        place,
    )
    # What is so already needs no change.
    database.execute("""
        delete from planned where (track_id, frame) in (
          select p.track_id, p.frame from planned p left join corrections c on c.track_id = p.track_id and c.frame = p.frame
          where c.rev is p.rev
        )
    """)


def _states(database: Database, place: dict[str, int]) -> dict[int, dict[str, int | None]]:
    """The same for the states of tracks. An undo or redo notes them itself, for it changes only a part of them."""
    rows = database.execute(
        f"""
        with later as materialized ({LATER}),
        own as materialized (
          select l.entry, case when exists (select 1 from edit_tracks n where n.edit_id = l.entry) then l.entry else l.noted end
            as noted, case when exists (select 1 from edit_tracks n where n.edit_id = l.entry) then 'before' else l.side end as side
          from later l
        ),
        first as (select n.track_id, min(o.entry) as entry from own o join edit_tracks n on n.edit_id = o.noted group by 1)
        select f.track_id, coalesce(n.deleted, 0), n.category_id, n.ends_before
        from first f join own o on o.entry = f.entry
        left join edit_tracks n on n.edit_id = o.noted and n.side = o.side and n.track_id = f.track_id
        """,
        place,
    ).fetchall()
    return {track: dict(zip(notes.UNTOUCHED, values, strict=True)) for track, *values in rows}


def _marks(database: Database, place: dict[str, int]) -> list[tuple[int, str, str]]:
    """Which entries stand now and did not then, or the other way round: id, mark now, mark then."""
    log = list(
        database.query("select id, op, state, target_id, args from edits where run_id = ? order by id", (place["run"],))
    )
    marks = {entry["id"]: json.loads(entry["args"]).get("marks", []) for entry in log}
    stood: dict[int, bool] = {}
    for entry in log:
        if entry["id"] > place["edit"]:
            break
        deed = entry["target_id"] or entry["id"]
        stood[deed] = entry["op"] != "undo"
        for number, old, new in marks[deed]:
            stood[number] = (old if entry["op"] == "undo" else new) == "applied"
    differences = []
    for entry in log:
        then, now = stood.get(entry["id"], False), entry["state"] == "applied"
        if entry["state"] is not None and then != now:
            old, new = ("applied", "discarded") if now else ("discarded", "applied")
            differences.append((entry["id"], old, new))
    return differences
