"""Where an operation lays out what it wants before anything is changed.

A cell is the place of one mask: a track and a frame. An operation fills the temporary table `planned` with the cells that it wants
to be different; a preview counts them, `log.py` puts them in the place of what is there. Everything is set-based: a cell that shows
a prediction refers to it by `origin`, the track that the model put it on, so five thousand masks change hands without one being
read. The table belongs to the connection and is empty outside an operation.
"""

import json
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from sqlite_utils import Database

# What is shown of the tracks :tracks (JSON list, `rank` is the place in it) in the frames :start..:stop - 1. No mask is read:
# predictions are found in the index of their places.
SHOWN = """
    select k.key as rank, m.track_id, m.frame, null as counts, m.track_id as origin, 'model' as source, 0 as verified
    from json_each(:tracks) k cross join masks m on m.track_id = k.value left join track_states s on s.track_id = k.value
    where m.frame >= :start and m.frame < :stop and (s.ends_before is null or m.frame < s.ends_before)
      and not exists (select 1 from corrections c where c.track_id = m.track_id and c.frame = m.frame)
    union all
    select k.key, c.track_id, c.frame, c.counts, c.origin, c.source, c.verified
    from json_each(:tracks) k cross join corrections c on c.track_id = k.value
    where c.frame >= :start and c.frame < :stop and (c.counts is not null or c.origin is not null)
"""
CONTENT = "counts, origin, source, verified"  # of a cell; counts and origin null: nothing is here


class Range(NamedTuple):
    """The frames start..stop - 1."""

    start: int
    stop: int

    @property
    def words(self) -> str:
        """The frames as people say it."""
        if self.stop - self.start == 1:
            return f"in frame {self.start}"
        return f"in the frames {self.start} to {self.stop - 1}"


class Drawn(NamedTuple):
    """A mask for a cell; counts None: nothing is here."""

    track_id: int
    frame: int
    counts: str | None
    source: str
    verified: bool


class Cell(NamedTuple):
    """Any cell: `origin` refers to the prediction of that track in the frame; `gone`: there shall be no correction at all."""

    track_id: int
    frame: int
    counts: str | None = None
    origin: int | None = None
    source: str = "model"
    gone: bool = False


def begin(database: Database) -> None:
    """An empty table of planned cells."""
    database.execute("""
        create temp table if not exists planned (
          track_id integer not null,
          frame integer not null,
          counts text,
          origin integer,
          source text not null default 'user',
          verified integer not null default 0,
          rev integer,  -- null: the one that the operation makes
          gone integer not null default 0,  -- there shall be no correction at all
          primary key (track_id, frame)
        ) without rowid
    """)
    database.execute("delete from planned")


def shown_parameters(tracks: Sequence[int], frames: Range) -> dict[str, object]:
    """What `SHOWN` asks for."""
    return {"tracks": json.dumps(list(tracks)), "start": frames.start, "stop": frames.stop}


def plan_moved(database: Database, tracks: Sequence[int], frames: Range, target: int) -> None:
    """What is shown of `tracks` shall be shown on `target`; where two of them meet, the first in the list."""
    database.execute(
        f"""
        insert or ignore into planned (track_id, frame, {CONTENT})
        select :target, frame, {CONTENT} from ({SHOWN}) order by frame, rank
        """,
        shown_parameters(tracks, frames) | {"target": target},
    )


def plan_nothing(database: Database, tracks: Sequence[int], frames: Range) -> None:
    """Where `tracks` show a mask nothing shall be, unless something else is planned there already."""
    database.execute(
        f"insert or ignore into planned (track_id, frame) select track_id, frame from ({SHOWN})",
        shown_parameters(tracks, frames),
    )


def plan_end(database: Database, tracks: Sequence[int], start: int) -> None:
    """The corrections of `tracks` from `start` on shall go; `ends_before` then hides the predictions."""
    database.execute(
        """
        insert or ignore into planned (track_id, frame, gone)
        select c.track_id, c.frame, 1 from json_each(:tracks) k cross join corrections c on c.track_id = k.value
        where c.frame >= :start
        """,
        {"tracks": json.dumps(list(tracks)), "start": start},
    )


def plan_drawn(database: Database, masks: Iterable[Drawn]) -> None:
    """Put these masks in their cells."""
    sql = "insert or replace into planned (track_id, frame, counts, source, verified) values (?, ?, ?, ?, ?)"
    database.conn.executemany(sql, masks)


def plan_cells(database: Database, wanted: Iterable[Cell]) -> None:
    """Put these in their places."""
    sql = "insert or replace into planned (track_id, frame, counts, origin, source, gone) values (?, ?, ?, ?, ?, ?)"
    database.conn.executemany(sql, wanted)


def spare_verified(database: Database) -> int:
    """Plan nothing for cells whose mask a person has verified. Returns how many that are."""
    verified = """
        select c.track_id, c.frame from planned p
        join corrections c on c.track_id = p.track_id and c.frame = p.frame
        where c.verified and (c.counts is not null or c.origin is not null)
    """
    return database.execute(f"delete from planned where (track_id, frame) in ({verified})").rowcount


def count_shown(database: Database, tracks: Sequence[int], frames: Range) -> dict[int, tuple[int, int]]:
    """How many masks the tracks show in the frames and how many of them are verified, by track."""
    sql = f"select track_id, count(*), sum(verified) from ({SHOWN}) group by track_id"
    found = database.execute(sql, shown_parameters(tracks, frames)).fetchall()
    return {track: (masks, verified) for track, masks, verified in found}
