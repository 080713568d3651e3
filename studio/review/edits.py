"""What a person can do to the masks and tracks of a video, and the log that makes all of it undoable.

Every operation is one transaction: it notes the corrections it is about to change ("before"), changes them, notes them again
("after") and raises the video's revision. Undo puts the "before" side back, redo the "after" side; both are entries of the log
themselves. A new operation after an undo discards what could have been redone. Predictions are never written to.
The log belongs to the run that is shown: undo never reaches into another run.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from studio.review import view
from studio.store import library, runs
from studio.store.database import Row, Store, insert, one
from studio.store.errors import Conflict, Invalid, NotFound

CELL = "track_id, frame, counts, source, verified, rev"
STATE = "track_id, deleted, category_id, ends_before"


@dataclass(frozen=True)
class Applied:
    """An operation that is on disk. rev: the video's; tracks, frames (first, last): what it touched, frames None for all."""

    rev: int
    edit: int
    op: str
    summary: str
    tracks: list[int]
    frames: tuple[int, int] | None


@dataclass(frozen=True)
class Change:
    """What an operation is about to do: which rows it may touch, its entry in the log, and the doing."""

    op: str
    args: dict[str, Any]
    summary: str
    track_id: int
    statements: tuple[str, ...]  # SQL that may use :track, :rev (the video's new revision), the args and the values
    frames: tuple[int, int] | None = None  # first and last frame whose masks it may touch; None: the track as a whole
    values: dict[str, Any] = field(default_factory=dict)


def set_mask(
    store: Store, video_id: int, track_id: int, frame: int, counts: str | None, expected_rev: int, user: str
) -> Applied:
    """Put a mask (compressed RLE counts at the video's size) in a frame of a track; None says that nothing is there.

    `expected_rev` is the revision of the mask the person saw, 0 for none. Raises Conflict, carrying the current mask, if it
    is another one now.
    """

    def change(database: Database, video: Row) -> Change:
        track = view.track(database, video_id, track_id)
        _check_frame(video, frame)
        current = view.mask(database, video_id, track_id, frame)
        if (current["rev"] if current else 0) != expected_rev:
            raise Conflict(
                f"The mask of track {track_id} in frame {frame} was changed by someone else meanwhile. Look at it and try again.",
                current,
            )
        if counts is None and current is None:
            raise NotFound(f"Track {track_id} has no mask in frame {frame}.")
        verb = "Removed" if counts is None else "Changed" if current else "Drew"
        return Change(
            op="delete_mask" if counts is None else "set_mask",
            args={"frame": frame},
            summary=f"{verb} {_name(database, track)} in frame {frame}",
            track_id=track_id,
            statements=(
                f"insert or replace into corrections ({CELL}) values (:track, :frame, :counts, 'user', 1, :rev)",
            ),
            frames=(frame, frame),
            values={"counts": counts},
        )

    return _perform(store, video_id, user, change)


def delete_track(store: Store, video_id: int, track_id: int, user: str) -> Applied:
    """Remove a track from the whole video."""

    def change(database: Database, video: Row) -> Change:
        summary = f"Deleted {_name(database, view.track(database, video_id, track_id))}"
        return Change(
            "delete_track", {}, summary, track_id, ("update track_states set deleted = 1 where track_id = :track",)
        )

    return _perform(store, video_id, user, change)


def delete_from(store: Store, video_id: int, track_id: int, frame: int, user: str) -> Applied:
    """Remove a track from `frame` to the end of the video; masks predicted there later stay hidden too."""

    def change(database: Database, video: Row) -> Change:
        track = view.track(database, video_id, track_id)
        _check_frame(video, frame)
        return Change(
            op="delete_from",
            args={"frame": frame},
            summary=f"Deleted {_name(database, track)} from frame {frame} on",
            track_id=track_id,
            statements=(
                "update track_states set ends_before = min(coalesce(ends_before, :frame), :frame) where track_id = :track",
                "delete from corrections where track_id = :track and frame >= :frame",
            ),
            frames=(frame, video["length"] - 1),
        )

    return _perform(store, video_id, user, change)


def set_category(store: Store, video_id: int, track_id: int, category_id: int, user: str) -> Applied:
    """Say what a track is."""

    def change(database: Database, video: Row) -> Change:
        track = view.track(database, video_id, track_id)
        category = library.category(database, video["project_id"], category_id)
        summary = f"Changed {_name(database, track)} to {category['name']}"
        update = "update track_states set category_id = :category_id where track_id = :track"
        return Change("set_category", {"category_id": category_id}, summary, track_id, (update,))

    return _perform(store, video_id, user, change)


def new_track(store: Store, video_id: int, category_id: int, frame: int, user: str) -> Applied:
    """A new, empty track of a category, begun at `frame`. On a video that was never run it opens a run made by hand."""

    def change(database: Database, video: Row) -> Change:
        _check_frame(video, frame)
        category = library.category(database, video["project_id"], category_id)
        values = {"run_id": video["run_id"], "category_id": category_id, "score": 1.0, "source": "user"}
        track_id = insert(database, "tracks", values)
        # The row stays when the operation is undone, so that redo brings back the same track: before it, it is deleted.
        database.execute("insert into track_states (track_id, deleted) values (?, 1)", (track_id,))
        args = {"category_id": category_id, "frame": frame}
        show = "update track_states set deleted = 0 where track_id = :track"
        return Change("new_track", args, f"New {category['name']} {track_id}", track_id, (show,))

    return _perform(store, video_id, user, change)


def undo(store: Store, video_id: int, user: str) -> tuple[int, Applied | None]:
    """Take back the latest operation that stands. Returns the video's revision and what was taken back, None if nothing was."""
    return _step(store, video_id, user, "undo")


def redo(store: Store, video_id: int, user: str) -> tuple[int, Applied | None]:
    """Bring back the operation that was undone last. Returns as `undo` does."""
    return _step(store, video_id, user, "redo")


def log(database: Database, video_id: int) -> dict[str, Any]:
    """The operations on the shown run, oldest first, and whether there is something to undo or redo."""
    video = library.video(database, video_id)
    entries = list(
        database.query(
            """
            select id, op, summary, user, at, state <> 'applied' as undone, state
            from edits where run_id = ? and state is not null order by id
            """,
            (video["run_id"],),
        )
    )
    states = {entry.pop("state") for entry in entries}
    edits = [entry | {"undone": bool(entry["undone"])} for entry in entries]
    return {"edits": edits, "can_undo": "applied" in states, "can_redo": "undone" in states}


def _perform(store: Store, video_id: int, user: str, plan: Callable[[Database, Row], Change]) -> Applied:
    """Run an operation in one transaction, with its entry in the log."""
    with store.transaction() as database:
        video = _with_run(database, library.video(database, video_id))
        change = plan(database, video)
        rev = library.bump(database, video_id)
        database.execute(
            "update edits set state = 'discarded' where run_id = ? and state = 'undone'", (video["run_id"],)
        )
        args = change.args | {"track": change.track_id}
        edit = _write_entry(
            database, video["run_id"], change.op, args, change.summary, user, rev, change.frames, "applied"
        )
        _note(database, edit, "before", change)
        database.execute("insert or ignore into track_states (track_id) values (?)", (change.track_id,))
        for statement in change.statements:
            database.execute(statement, args | change.values | {"rev": rev})
        _note(database, edit, "after", change)
    return Applied(rev, edit, change.op, change.summary, [change.track_id], change.frames)


def _with_run(database: Database, video: Row) -> Row:
    """The video with a run that is shown; one made by hand if it has none."""
    if video["run_id"] is not None:
        return video
    runs.add_run(database, video["id"], None, {}, state="done")
    return library.video(database, video["id"])


def _note(database: Database, edit: int, side: str, change: Change) -> None:
    """Copy the rows that the change may touch to one side of the log entry."""
    keys = {"edit": edit, "side": side, "track": change.track_id}
    database.execute(
        f"insert into edit_tracks (edit_id, side, {STATE}) select :edit, :side, {STATE} from track_states where track_id = :track",
        keys,
    )
    if change.frames is not None:
        first, last = change.frames
        database.execute(
            f"""
            insert into edit_cells (edit_id, side, {CELL}) select :edit, :side, {CELL} from corrections
            where track_id = :track and frame >= :first and frame <= :last
            """,
            keys | {"first": first, "last": last},
        )


def _step(store: Store, video_id: int, user: str, op: str) -> tuple[int, Applied | None]:
    """One undo or redo: put one side of an entry in the place of whatever the entry touched."""
    latest, side, wanted, becomes = {
        "undo": ("max(id)", "before", "applied", "undone"),
        "redo": ("min(id)", "after", "undone", "applied"),
    }[op]
    with store.transaction() as database:
        video = library.video(database, video_id)
        where = f"select * from edits where id = (select {latest} from edits where run_id = ? and state = ?)"
        target = one(database, where, (video["run_id"], wanted))
        if target is None:
            return video["rev"], None
        _restore(database, target["id"], side)
        database.execute("update edits set state = ? where id = ?", (becomes, target["id"]))
        rev = library.bump(database, video_id)
        frames = None if target["first_frame"] is None else (target["first_frame"], target["last_frame"])
        summary = f"{op.capitalize()}: {target['summary']}"
        _write_entry(database, video["run_id"], op, {}, summary, user, rev, frames, None, target["id"])
        tracks = [json.loads(target["args"])["track"]]
    return rev, Applied(rev, target["id"], target["op"], target["summary"], tracks, frames)


def _restore(database: Database, edit: int, side: str) -> None:
    """Make all that the entry touched what it was on that side. A row that is missing there is removed."""
    for table, noted, columns, keys in (
        ("corrections", "edit_cells", CELL, "track_id, frame"),
        ("track_states", "edit_tracks", STATE, "track_id"),
    ):
        touched = f"select {keys} from {noted} where edit_id = ?"
        database.execute(f"delete from {table} where ({keys}) in ({touched})", (edit,))
        database.execute(
            f"insert into {table} ({columns}) select {columns} from {noted} where edit_id = ? and side = ?",
            (edit, side),
        )


def _write_entry(
    database: Database,
    run_id: int,
    op: str,
    args: dict[str, Any],
    summary: str,
    user: str,
    rev: int,
    frames: tuple[int, int] | None,
    state: str | None,
    target: int | None = None,
) -> int:
    first, last = frames or (None, None)
    values = {
        "run_id": run_id,
        "op": op,
        "args": json.dumps(args),
        "summary": summary,
        "user": user,
        "rev": rev,
        "first_frame": first,
        "last_frame": last,
        "state": state,
        "target_id": target,
    }
    return insert(database, "edits", values)


def _name(database: Database, track: Row) -> str:
    """A track as people know it: its category and id."""
    found = one(database, "select name from categories where id = ?", (track["category_id"],))
    return f"{found['name'] if found else 'track'} {track['id']}"


def _check_frame(video: Row, frame: int) -> None:
    if not 0 <= frame < video["length"]:
        raise Invalid(f"Frame {frame} does not exist: the video has the frames 0 to {video['length'] - 1}.")
