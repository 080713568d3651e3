"""Runs: what one model predicted on one video.

A worker appends whole windows of frames with `commit_window` and ends with `close_run`, each in one transaction with the job's
progress. Predictions are never edited; the only ones that go are those that the tracker itself withdraws while the run goes on.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlite_utils import Database

from studio.store import detections, library, summaries
from studio.store.database import Row, insert, one
from studio.store.errors import NotFound


@dataclass(frozen=True)
class Prediction:
    """One mask of a window. `number` is the tracker's id, `frame` the 0-based ordinal, `counts` a compressed RLE."""

    number: int
    frame: int
    counts: str
    score: float


@dataclass(frozen=True)
class TrackEstimate:
    """What a track is held to be. `first_frame` is where its output begins: earlier masks were withdrawn by the tracker."""

    category_id: int
    score: float
    first_frame: int = 0


def add_run(
    database: Database, video_id: int, model: str | None, settings: Mapping[str, Any], state: str = "queued"
) -> Row:
    """A new run. It is shown at once if the video shows none yet, otherwise from its first frames on, or beside what people
    have worked on (`gives_way`)."""
    values = {
        "video_id": video_id,
        "model": model,
        "settings": json.dumps(settings),
        "score_threshold": settings.get("score_threshold", 0.0),
        "state": state,
    }
    found = run(database, insert(database, "runs", values))
    database.execute("update videos set run_id = ? where id = ? and run_id is null", (found["id"], video_id))
    return found


def run(database: Database, run_id: int) -> Row:
    """One run; `settings` as a dict."""
    found = one(database, "select * from runs where id = ?", (run_id,))
    if found is None:
        raise NotFound(f"There is no run {run_id}.")
    return found | {"settings": json.loads(found["settings"])}


def runs(database: Database, video_id: int) -> list[Row]:
    """The runs of a video, oldest first."""
    library.video(database, video_id)
    rows = database.query("select * from runs where video_id = ? order by id", (video_id,))
    return [row | {"settings": json.loads(row["settings"])} for row in rows]


def run_of(database: Database, video_id: int, run_id: int) -> Row:
    """One run, which must be of the video."""
    found = run(database, run_id)
    if found["video_id"] != video_id:
        raise NotFound(f"Video {video_id} has no run {run_id}.")
    return found


def gives_way(database: Database, run_id: int | None) -> bool:
    """Whether a newer run may take the place of a shown one: not where changes that people made to it stand."""
    return one(database, "select 1 from edits where run_id = ? and state = 'applied'", (run_id,)) is None


def show_run(database: Database, video_id: int, run_id: int) -> None:
    """Show this run of the video. Corrections stay with the run they were made on."""
    run_of(database, video_id, run_id)
    database.execute("update videos set run_id = ? where id = ?", (run_id, video_id))
    library.bump(database, video_id)


def session_state(database: Database, run_id: int) -> bytes | None:
    """What an unfinished run needs to go on, as `commit_window` stored it."""
    found = one(database, "select state from run_sessions where run_id = ?", (run_id,))
    return found["state"] if found else None


def commit_window(
    database: Database,
    run_id: int,
    frames_done: int,
    predictions: Sequence[Prediction],
    estimates: Mapping[int, TrackEstimate],
    state: bytes,
    seen: Sequence[bytes] = (),
) -> None:
    """Store the masks of the next frames, in order, with what it takes to go on from `frames_done`.

    `seen`: the packed detections of these frames, if they are to be kept.

    `estimates` says by tracker number what the tracks are held to be after these frames. What they leave out, or let begin
    later, the tracker has withdrawn: those masks go, and the row of a track without any unless a person has worked on it.
    """
    current = run(database, run_id)
    kept = [p for p in predictions if p.number in estimates and p.frame >= estimates[p.number].first_frame]
    _withdraw(database, run_id, estimates)
    tracks = _upsert_tracks(database, run_id, estimates, {p.number for p in kept})
    rows = [(tracks[p.number], p.frame, p.counts, p.score) for p in kept]
    database.conn.executemany("insert into masks (track_id, frame, counts, score) values (?, ?, ?, ?)", rows)
    video = library.video(database, current["video_id"])
    summaries.write(database, (video["height"], video["width"]), rows)
    for track_id, frame, _, _ in rows:
        _extend_spans(database, track_id, frame)
    detections.add(database, run_id, frames_done - len(seen), seen)
    database.execute("insert or replace into run_sessions (run_id, state) values (?, ?)", (run_id, state))
    database.execute("update runs set state = 'running', frames_done = ? where id = ?", (frames_done, run_id))
    if current["frames_done"] == 0 and gives_way(database, video["run_id"]):
        database.execute("update videos set run_id = ? where id = ?", (run_id, current["video_id"]))
    _bump_if_shown(database, run_id)


def close_run(database: Database, run_id: int, state: str) -> None:
    """End a run as "done", "cancelled" or "failed"; what it stored so far stays and is shown."""
    database.execute("delete from run_sessions where run_id = ?", (run_id,))
    finished = "update runs set state = ?, finished_at = strftime('%Y-%m-%dT%H:%M:%SZ', 'now') where id = ?"
    database.execute(finished, (state, run_id))
    _bump_if_shown(database, run_id)


def _bump_if_shown(database: Database, run_id: int) -> None:
    """Count a change of what the video shows, if it shows this run."""
    shown = one(database, "select id from videos where run_id = ?", (run_id,))
    if shown is not None:
        library.bump(database, shown["id"])


def _withdraw(database: Database, run_id: int, estimates: Mapping[int, TrackEstimate]) -> None:
    """Remove the masks that lie before the beginning of their track, and all masks of tracks without an estimate."""
    stored = database.execute(
        """
        select t.id, t.number, min(s.start) from tracks t join spans s on s.track_id = t.id
        where t.run_id = ? and t.source = 'model' group by t.id
        """,
        (run_id,),
    ).fetchall()
    for track_id, number, first in stored:
        begin = estimates[number].first_frame if number in estimates else sys.maxsize
        if first < begin:
            database.execute("delete from masks where track_id = ? and frame < ?", (track_id, begin))
            database.execute("delete from spans where track_id = ? and stop <= ?", (track_id, begin))
            database.execute("update spans set start = ? where track_id = ? and start < ?", (begin, track_id, begin))
    database.execute(
        """
        delete from tracks where run_id = ? and source = 'model'
          and not exists (select 1 from spans where track_id = tracks.id)
          and not exists (select 1 from track_states where track_id = tracks.id)
          and not exists (select 1 from edit_tracks where track_id = tracks.id)
          and not exists (select 1 from edit_cells where track_id = tracks.id)
        """,
        (run_id,),
    )


def _upsert_tracks(
    database: Database, run_id: int, estimates: Mapping[int, TrackEstimate], seen: set[int]
) -> dict[int, int]:
    """Store the estimates of the run's tracks and of those now `seen` first. Returns row ids by tracker number.

    No upsert: one that updates counts the next row id up all the same, and an id is the number by which a person knows a track.
    """
    stored = "select number, id from tracks where run_id = ? and number is not null"
    known = dict(database.execute(stored, (run_id,)).fetchall())
    new = sorted(seen - known.keys())
    database.conn.executemany(
        "update tracks set category_id = ?, score = ? where id = ?",
        [
            (estimates[number].category_id, estimates[number].score, known[number])
            for number in known.keys() & estimates.keys()
        ],
    )
    database.conn.executemany(
        "insert into tracks (run_id, number, category_id, score, source) values (?, ?, ?, ?, 'model')",
        [(run_id, number, estimates[number].category_id, estimates[number].score) for number in new],
    )
    return dict(database.execute(stored, (run_id,)).fetchall())


def _extend_spans(database: Database, track_id: int, frame: int) -> None:
    """Count `frame`, later than any before, into the spans of a track."""
    grown = database.execute("update spans set stop = stop + 1 where track_id = ? and stop = ?", (track_id, frame))
    if not grown.rowcount:
        database.execute("insert into spans (track_id, start, stop) values (?, ?, ?)", (track_id, frame, frame + 1))
