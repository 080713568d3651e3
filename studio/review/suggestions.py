"""The queue of suspicious moments as the store keeps it: found anew when the video has changed, with what a person said of each.

A moment is known again by its kind, tracks and frame, so what was resolved or ignored stays so; an open one that is no longer found
has been mended and goes.
"""

import json
from typing import Any

from sqlite_utils import Database

from engine.masks import RLE, area, union
from studio.review import moments, suspicions, view
from studio.review.suspicion import Margins, Suspicion
from studio.store import library, runs, summaries
from studio.store.database import Row, Store, one
from studio.store.errors import NotFound

COLUMNS = "kind, track_id, other_id, frame, stop, severity, reason, remedy"


def queue(store: Store, video_id: int, margins: Margins | None = None) -> dict[str, Any]:
    """The suspicious moments of what is shown, the worst first; looks for them if the video has changed since."""
    video = library.video(store.database, video_id)
    if video["run_id"] is None:
        return {"rev": video["rev"], "suggestions": []}
    if margins is not None or runs.run(store.database, video["run_id"])["scanned_rev"] != video["rev"]:
        _scan(store, video, margins)
    with store.reading() as database:
        scanned = runs.run(database, video["run_id"])["scanned_rev"]
        order = "order by severity desc, frame, track_id"
        found = database.query(f"select * from suggestions where run_id = ? {order}", (video["run_id"],))
        return {"rev": scanned, "suggestions": [_shown(row) for row in found]}


def set_state(database: Database, video_id: int, suggestion_id: int, state: str, user: str) -> dict[str, Any]:
    """Say of a moment that it is resolved or ignored, or open again."""
    video = library.video(database, video_id)
    database.execute(
        """
        update suggestions set state = ?, user = ?, at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now')
        where id = ? and run_id is ?
        """,
        (state, user, suggestion_id, video["run_id"]),
    )
    found = one(database, "select * from suggestions where id = ? and run_id is ?", (suggestion_id, video["run_id"]))
    if found is None:
        raise NotFound(f"There is no suggestion {suggestion_id} any more: what it was about has changed.")
    return _shown(found)


def confidence(store: Store, video_id: int, bins: int) -> dict[str, Any]:
    """The lowest score of each shown track in each of `bins` equal parts of the video, and the frame that shows it best."""
    video = library.video(store.database, video_id)
    complete(store, video)
    with store.reading() as database:
        entries = moments.shown(database, video_id)
    bins = min(bins, video["length"])
    tracks = {str(track): scores for track, scores in moments.confidence(entries, bins).items()}
    best = {str(track): frame for track, frame in moments.best_frames(entries).items()}
    return {"rev": entries.video["rev"], "length": video["length"], "bins": bins, "tracks": tracks, "best": best}


def _scan(store: Store, video: Row, margins: Margins | None) -> None:
    """Look for suspicious moments. Reads and computes first; the database is locked only to write what was found."""
    complete(store, video)
    with store.reading() as database:
        entries = moments.shown(database, video["id"])
        found = suspicions.find(
            entries, lambda frame, track, other: _shared_part(database, entries.video, frame, track, other), margins
        )
    with store.transaction() as database:
        _replace(database, video["run_id"], found)
        rev = entries.video["rev"]
        database.execute("update runs set scanned_rev = ? where id = ?", (rev, video["run_id"]))


def complete(store: Store, video: Row) -> None:
    """Make the summaries of masks that an older version of the studio left without."""
    if video["run_id"] is not None and not summaries.is_complete(store.database, video["run_id"]):
        with store.transaction() as database:
            summaries.complete(database, video["run_id"], (video["height"], video["width"]))


def _replace(database: Database, run_id: int, found: list[Suspicion]) -> None:
    """Put what was found in the place of what is open; what a person has settled stays."""
    keys = {(s.kind, s.track, s.other or 0, s.frame) for s in found}
    opened = "select id, kind, track_id, other_id, frame from suggestions where run_id = ? and state = 'open'"
    mended = [(row[0],) for row in database.execute(opened, (run_id,)).fetchall() if row[1:] not in keys]
    database.conn.executemany("delete from suggestions where id = ?", mended)
    database.conn.executemany(
        f"""
        insert into suggestions (run_id, {COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)
        on conflict (run_id, kind, track_id, other_id, frame) do update set
          stop = excluded.stop, severity = excluded.severity, reason = excluded.reason, remedy = excluded.remedy
        """,
        [
            (run_id, s.kind, s.track, s.other or 0, s.frame, s.stop, s.severity, s.reason, json.dumps(s.remedy))
            for s in found
        ],
    )


def _shared_part(database: Database, video: Row, frame: int, track: int, other: int) -> float:
    masks = [view.mask(database, video["id"], which, frame) for which in (track, other)]
    codes: list[RLE] = [{"size": [video["height"], video["width"]], "counts": m["counts"]} for m in masks if m]
    if len(codes) < 2:
        return 0.0
    areas = [area(code) for code in codes]
    return (sum(areas) - area(union(codes))) / max(min(areas), 1)


def _shown(row: Row) -> dict[str, Any]:
    kept = {key: row[key] for key in ("id", "kind", "frame", "stop", "severity", "reason", "state", "user", "at")}
    return kept | {
        "track": row["track_id"],
        "other": row["other_id"] or None,
        "remedy": json.loads(row["remedy"] or "null"),
    }
