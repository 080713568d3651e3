"""The log of operations, which makes all of them undoable: for ever, across restarts, and for each person alone.

Every operation is one transaction: it lays out its plan, notes what it is about to change, changes it, notes it again and raises
the video's revision. Undo puts the first side back, redo the second; both are entries of the log themselves. A person's undo takes
back that person's latest operation, and a new operation of theirs discards what they could have redone. Predictions are never
written to, and the log belongs to the run that is shown. What the operations are is said elsewhere.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from studio.review import cells, notes
from studio.review.cells import Range
from studio.review.plan import Operation, Patience, Plan, Scene, endless
from studio.store import library, runs
from studio.store.database import Row, Store, insert, one
from studio.store.errors import Conflict, Invalid

MOST_SPANS = 100  # of overlaps that a preview lists
MOST_REHEARSALS = 3  # of an operation, while others go on changing the video


@dataclass(frozen=True)
class Applied:
    """An operation that is on disk. rev: the video's; tracks, frames (first, last): what it touched, frames None for all.

    masks: how many it changed; spared: verified ones that it left alone; made: the tracks that it made; over: other tracks over
    whose masks the new ones lie.
    """

    rev: int
    edit: int
    op: str
    summary: str
    tracks: list[int]
    frames: tuple[int, int] | None
    masks: int = 0
    spared: int = 0
    made: tuple[int, ...] = ()
    over: tuple[int, ...] = ()


@dataclass(frozen=True)
class Preview:
    """What an operation would do. tracks: (id, or None for a new one, and how many of its masks); verified: of the masks.

    overlaps: spans of frames (stop exclusive) in which masks meet, the first hundred; overlapping: in how many frames they do.
    unfinished: patience ended before all frames were looked at.
    """

    rev: int
    op: str
    summary: str
    tracks: list[tuple[int | None, int]]
    frames: tuple[int, int] | None
    masks: int
    verified: int
    spared: int
    overlaps: list[tuple[int, int]]
    overlapping: int
    unfinished: bool


def perform(
    store: Store,
    video_id: int,
    user: str,
    operation: Operation,
    request: str | None = None,
    seen: int | None = None,
    rehearse: bool = False,
    patience: Patience = endless,
) -> Applied:
    """Do an operation, on disk when this returns.

    `request` is the client's own name for it: what was sent twice is done once. `seen` is the video's revision that the person
    looked at: raises Conflict, with what was changed since, if the operation would go over a change that they have not seen.
    `rehearse` lets an operation that works on pixels do so before the write lock is taken, with this `patience`; again where
    somebody changed the video meanwhile, so that it need not do so while it keeps everybody waiting.
    """
    attempt = 0
    while True:
        attempt += 1
        rehearsed = _rehearse(store, video_id, operation, request, patience) if rehearse else None
        with store.transaction() as database:
            video = library.video(database, video_id)
            if rehearsed in (None, video["rev"]) or attempt == MOST_REHEARSALS:
                return _do(database, _with_run(database, video), user, operation, request, seen)


def _rehearse(store: Store, video_id: int, operation: Operation, request: str | None, patience: Patience) -> int:
    """Let an operation work out what it will do. Returns the video's revision that it saw."""
    with store.reading() as database:
        video = library.video(database, video_id)
        if _repeated(database, video["run_id"], request) is None:
            operation(Scene(database, video, patience))
        return int(video["rev"])


def _do(
    database: Database, video: Row, user: str, operation: Operation, request: str | None, seen: int | None
) -> Applied:
    """What `perform` does in its transaction."""
    repeated = _repeated(database, video["run_id"], request)
    if repeated is not None:
        return _applied(database, repeated)
    plan = operation(Scene(database, video))
    if not (plan.states or plan.births or database.execute("select exists (select 1 from planned)").fetchone()[0]):
        raise Invalid(f'There is nothing to change for "{plan.summary}".')
    if seen is not None:
        _check_seen(database, video["run_id"], seen, plan)
    return _write(database, video, user, plan, request)


def preview(store: Store, video_id: int, operation: Operation, patience: Patience = endless) -> Preview:
    """What an operation would do, without doing it."""
    with store.reading() as database:
        video = library.video(database, video_id)
        plan = operation(Scene(database, video, patience))
        tracks, verified = _counted(database, plan)
        overlaps = spans(sorted(plan.overlaps))
        return Preview(
            rev=video["rev"],
            op=plan.op,
            summary=plan.summary,
            tracks=[(track if track > 0 else None, masks) for track, masks in tracks],
            frames=_first_last(plan.frames),
            masks=sum(masks for _, masks in tracks),
            verified=verified,
            spared=plan.spared,
            overlaps=overlaps[:MOST_SPANS],
            overlapping=len(plan.overlaps),
            unfinished=plan.unfinished,
        )


def undo(store: Store, video_id: int, user: str, request: str | None = None) -> tuple[int, Applied | None]:
    """Take back the person's latest operation that stands.

    Returns the video's revision and what was taken back, None if nothing was. Raises Conflict if somebody else has since changed
    what it changed.
    """
    return _step(store, video_id, user, "undo", request)


def redo(store: Store, video_id: int, user: str, request: str | None = None) -> tuple[int, Applied | None]:
    """Bring back the person's operation that was undone last. As `undo` otherwise."""
    return _step(store, video_id, user, "redo", request)


def spans(frames: Sequence[int]) -> list[tuple[int, int]]:
    """Ascending frames as spans (start, stop exclusive)."""
    found: list[tuple[int, int]] = []
    for frame in frames:
        if found and found[-1][1] == frame:
            found[-1] = (found[-1][0], frame + 1)
        else:
            found.append((frame, frame + 1))
    return found


def _write(database: Database, video: Row, user: str, plan: Plan, request: str | None) -> Applied:
    """Put a plan on disk with its entry in the log."""
    masks = sum(count for _, count in _counted(database, plan)[0])
    made = _give_birth(database, video, plan)
    rev = library.bump(database, video["id"])
    tracks = [made.get(track, track) for track in plan.tracks]
    args = plan.args | {"track": tracks[0] if tracks else None}
    args |= {"masks": masks, "spared": plan.spared, "made": list(made.values()), "over": list(plan.over)}
    discard = "update edits set state = 'discarded' where run_id = ? and state = 'undone' and user = ?"
    database.execute(discard, (video["run_id"], user))
    entry = {"op": plan.op, "args": json.dumps(args), "summary": plan.summary, "state": "applied"}
    edit = _write_entry(database, video["run_id"], user, rev, plan.frames, entry | {"request": request})
    touched = json.dumps(tracks)
    notes.note(database, edit, "before", touched)
    _change(database, plan, made, tracks, rev)
    notes.note(database, edit, "after", touched)
    notes.forget_untouched(database, touched)
    database.execute("update edits set verified = ? where id = ?", (notes.verified_gain(database, edit), edit))
    return _applied(database, one(database, "select * from edits where id = ?", (edit,)) or {})


def _step(store: Store, video_id: int, user: str, op: str, request: str | None) -> tuple[int, Applied | None]:
    """One undo or redo: put one side of an entry in the place of whatever the entry touched."""
    latest, here, side, wanted, becomes = {
        "undo": ("max(id)", "after", "before", "applied", "undone"),
        "redo": ("min(id)", "before", "after", "undone", "applied"),
    }[op]
    with store.transaction() as database:
        video = library.video(database, video_id)
        repeated = _repeated(database, video["run_id"], request)
        if repeated is not None:
            target = one(database, "select * from edits where id = ?", (repeated["target_id"],))
            return repeated["rev"], _applied(database, target, repeated["rev"]) if target else None
        where = (
            f"select * from edits where id = (select {latest} from edits where run_id = ? and state = ? and user = ?)"
        )
        target = one(database, where, (video["run_id"], wanted, user))
        if target is None:
            return video["rev"], None
        notes.check_untouched(database, target, here)
        touched = json.dumps(notes.touched_tracks(database, target["id"]))
        rev = library.bump(database, video_id)
        entry = {"op": op, "args": "{}", "summary": f"{op.capitalize()}: {target['summary']}", "state": None}
        entry |= {"target_id": target["id"], "request": request}
        entry["verified"] = target["verified"] if op == "redo" else -target["verified"]
        frames = None if target["first_frame"] is None else Range(target["first_frame"], target["last_frame"] + 1)
        edit = _write_entry(database, video["run_id"], user, rev, frames, entry)
        notes.note_states(database, edit, "before", touched)
        notes.put_back(database, target["id"], side)
        notes.note_states(database, edit, "after", touched)
        _mark(database, {target["id"]: becomes})
        _mark(database, {number: old if op == "undo" else new for number, old, new in _marks(target)})
        notes.forget_untouched(database, touched)
        return rev, _applied(database, target, rev)


def _with_run(database: Database, video: Row) -> Row:
    """The video with a run that is shown; one made by hand if it has none."""
    if video["run_id"] is not None:
        return video
    runs.add_run(database, video["id"], None, {}, state="done")
    return library.video(database, video["id"])


def _repeated(database: Database, run_id: int | None, request: str | None) -> Row | None:
    """The entry that an earlier arrival of the same request made."""
    if request is None:
        return None
    return one(database, "select * from edits where run_id = ? and request = ?", (run_id, request))


def _applied(database: Database, entry: Row, rev: int | None = None) -> Applied:
    args = json.loads(entry["args"])
    frames = None if entry["first_frame"] is None else (entry["first_frame"], entry["last_frame"])
    tracks = notes.touched_tracks(database, entry["id"])
    if args.get("track") in tracks:  # the one that the operation is about comes first
        tracks = [args["track"], *(track for track in tracks if track != args["track"])]
    known = (rev or entry["rev"], entry["id"], entry["op"], entry["summary"], tracks, frames)
    made, over = (tuple(args.get(name, ())) for name in ("made", "over"))
    return Applied(*known, args.get("masks", 0), args.get("spared", 0), made, over)


def _counted(database: Database, plan: Plan) -> tuple[list[tuple[int, int]], int]:
    """How many masks of which track the plan changes, and how many of all are verified now."""
    found: dict[int, int] = {}
    verified = 0
    for tracks, frames in plan.touches:
        for track, (masks, of_them) in cells.count_shown(database, tracks, frames).items():
            found[track] = found.get(track, 0) + masks
            verified += of_them
    counted = json.dumps(list({track for tracks, _ in plan.touches for track in tracks}))
    if not plan.touches:
        planned = "select track_id, count(*) from planned group by track_id"
        found = dict(database.execute(planned).fetchall())
    replaced = """
        select count(*) from planned p cross join corrections c on c.track_id = p.track_id and c.frame = p.frame
        where not p.gone and c.verified and (c.counts is not null or c.origin is not null)
          and p.track_id not in (select value from json_each(?))
    """
    verified += database.execute(replaced, (counted,)).fetchone()[0]
    return sorted(found.items()), verified


def _check_seen(database: Database, run_id: int, seen: int, plan: Plan) -> None:
    """Raise Conflict if entries that the person has not seen touch what the plan touches."""
    touched: Mapping[str, object] = {"run": run_id, "seen": seen, "tracks": json.dumps(list(plan.tracks))}
    frames = plan.frames or Range(0, 1 << 40)
    unseen = list(
        database.query(
            """
            select e.id, e.op, e.summary, e.user, e.at, e.first_frame, e.last_frame from edits e
            where e.run_id = :run and e.rev > :seen
              and (e.first_frame is null or (e.first_frame < :stop and e.last_frame >= :start))
              and exists (
                select 1 from edit_tracks t where t.edit_id in (e.id, e.target_id)
                  and t.track_id in (select value from json_each(:tracks))
              )
            order by e.id
            """,
            dict(touched) | {"start": frames.start, "stop": frames.stop},
        )
    )
    if unseen:
        raise Conflict(
            f"The same tracks were changed meanwhile: {unseen[-1]['summary']} ({unseen[-1]['user']}). Look at it and try again.",
            {"edits": unseen},
        )


def _give_birth(database: Database, video: Row, plan: Plan) -> dict[int, int]:
    """Make the plan's new tracks. Returns their ids by the numbers that the plan calls them."""
    made = {}
    for number, birth in plan.births.items():
        category = birth.category_id
        if birth.learnt:
            category = library.category_named(database, video["project_id"], birth.learnt.name, birth.learnt.id)["id"]
        values = {"run_id": video["run_id"], "category_id": category, "score": birth.score, "source": birth.source}
        made[number] = insert(database, "tracks", values)
        # The row stays when the operation is undone, so that redo brings back the same track: before it, it is deleted.
        database.execute("insert into track_states (track_id, deleted) values (?, 1)", (made[number],))
        database.execute("update planned set track_id = ? where track_id = ?", (made[number], number))
    return made


def _change(database: Database, plan: Plan, made: Mapping[int, int], tracks: Sequence[int], rev: int) -> None:
    """Put what is planned in the place of what is there."""
    for track in tracks:
        notes.set_state(database, track, {"deleted": 0} if track in made.values() else {})
    for track, values in plan.states.items():
        notes.set_state(database, made.get(track, track), dict(values))
    database.execute(
        "delete from corrections where (track_id, frame) in (select track_id, frame from planned where gone)"
    )
    database.execute(
        f"""
        insert or replace into corrections ({notes.CELL})
        select track_id, frame, counts, origin, source, verified, coalesce(rev, ?) from planned where not gone
        """,
        (rev,),
    )
    _mark(database, {number: new for number, _, new in plan.marks})


def _marks(entry: Row) -> list[tuple[int, str, str]]:
    return [tuple(mark) for mark in json.loads(entry["args"]).get("marks", ())]


def _mark(database: Database, states: Mapping[int, str]) -> None:
    pairs = [(state, number) for number, state in states.items()]
    database.conn.executemany("update edits set state = ? where id = ?", pairs)


def _write_entry(
    database: Database, run_id: int, user: str, rev: int, frames: Range | None, values: Mapping[str, Any]
) -> int:
    first, last = _first_last(frames) or (None, None)
    place = {"run_id": run_id, "user": user, "rev": rev, "first_frame": first, "last_frame": last}
    return insert(database, "edits", place | dict(values))


def _first_last(frames: Range | None) -> tuple[int, int] | None:
    return None if frames is None else (frames.start, frames.stop - 1)
