"""The line of jobs: which is done next, and the list of them that people see.

Jobs wait in the lines of `LINES`; each is done one after another, in the order of `jobs.position`. A job that is added or asked for
again goes to the end. People see all of them but what nobody asked for: clearing away, and preparing frames, unless that takes
the machine's time right now or has failed.
"""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from sqlite_utils import Database

from studio.store.database import Row, one
from studio.store.errors import Conflict, Invalid
from studio.store.jobs import JOBS, job, with_progress

LINES: Mapping[str, tuple[str, ...]] = {  # kinds of jobs by line
    "library": ("import", "export", "overlay", "remove"),
    "inference": ("run",),
    "review": ("operation",),
    "training": ("finetune",),
    "models": ("add_model", "export_model"),
    "frames": ("frames",),
}
MOVES = ("first", "up", "down", "last")
STATES = ("running", "queued", "paused", "failed", "cancelled", "done")  # as people see them

SEEN = "j.kind != 'remove' and (j.kind != 'frames' or j.state in ('running', 'failed'))"
STATE = "case when j.state = 'queued' and j.paused then 'paused' else j.state end"
WAITING = "state = 'queued' and not paused"
LISTED = f"""
    select * from ({JOBS} where {SEEN} and (:state is null or {STATE} = :state) and (:kind is null or j.kind = :kind))
    order by case state when 'running' then 0 when 'queued' then 1 + paused else 3 end,
      case state when 'queued' then position end, finished_at desc, id desc
    limit :limit offset :offset
"""


def listed(
    database: Database, limit: int = 100, offset: int = 0, state: str | None = None, kind: str | None = None
) -> list[Row]:
    """Jobs as people see them: what runs, what waits in its turn, what is paused, then what is over, the latest first."""
    values = {"limit": limit, "offset": offset, "state": state, "kind": kind}
    return [with_progress(row) for row in database.query(LISTED, values)]


def counts(database: Database, kind: str | None = None) -> dict[str, int]:
    """How many jobs there are of each state that people see."""
    sql = f"select {STATE}, count(*) from jobs j where {SEEN} and (:kind is null or j.kind = :kind) group by 1"
    found = Counter[str](dict(database.execute(sql, {"kind": kind}).fetchall()))
    return {state: found[state] for state in STATES}


def next_in_line(database: Database, line: str) -> int | None:
    """The job of a line whose turn it is."""
    marks = ", ".join("?" * len(LINES[line]))
    sql = f"select id from jobs where {WAITING} and kind in ({marks}) order by position limit 1"
    found = one(database, sql, LINES[line])
    return None if found is None else int(found["id"])


def line_of(kind: str) -> str:
    """The line in which a kind of job waits."""
    return next(line for line, kinds in LINES.items() if kind in kinds)


def move(database: Database, job_id: int, to: str) -> Row:
    """Move a waiting job in its line: "first", "up" or "down" by one, "last"."""
    if to not in MOVES:
        raise Invalid(f'A job can be moved {", ".join(MOVES[:-1])} or {MOVES[-1]}, not "{to}".')
    found = job(database, job_id)
    if found["state"] != "queued" or found["paused"]:
        state = "paused" if found["paused"] else found["state"]
        raise Conflict(f"Job {job_id} does not wait for its turn, so it cannot be moved: it is {state}.")
    if to in ("first", "last"):
        end = "min(position) - 1" if to == "first" else "max(position) + 1"
        database.execute(f"update jobs set position = (select {end} from jobs) where id = ?", (job_id,))
    elif neighbour := _neighbour(database, found, to):
        places: dict[str, Any] = {"one": job_id, "other": neighbour["id"]}
        places |= {"there": neighbour["position"], "here": found["position"]}
        sql = "update jobs set position = case id when :one then :there else :here end where id in (:one, :other)"
        database.execute(sql, places)
    return job(database, job_id)


def _neighbour(database: Database, found: Row, to: str) -> Row | None:
    """The waiting job that comes just before this one in its line, or just after it."""
    kinds = LINES[line_of(found["kind"])]
    side, order = ("<", "desc") if to == "up" else (">", "asc")
    marks = ", ".join("?" * len(kinds))
    sql = f"""
        select id, position from jobs where {WAITING} and kind in ({marks}) and position {side} ?
        order by position {order} limit 1
    """
    return one(database, sql, (*kinds, found["position"]))
