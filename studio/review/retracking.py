"""Tracking a whole video again, with other settings and with what people said, from the stored detections.

It is an operation like any other: predictions stay as they are, and cells that are to be different refer to them or hold a mask,
as `model`. Tracks that go on keep their ids, new ones are made, and those that are found no more are hidden. Cells of people stay
(`statements.py`). So one step of undo brings back exactly what was, and the same settings give the same result whatever
re-tracking came before. What becomes of which track is `Change`; words and spans for people are in `retrack_preview.py`.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from typing import Any

from sqlite_utils import Database

from engine.config import Category, TrackerConfig
from engine.masks import area
from engine.result import VideoResult
from engine.retrack import Retracker
from studio.review import cells, retrack_preview, statements
from studio.review.cells import Cell
from studio.review.log import MOST_REHEARSALS
from studio.review.plan import Birth, Operation, Patience, Plan, Scene, endless
from studio.review.statements import BY_TRACKER, FRESH, Content, Statements
from studio.store import detections, runs
from studio.store.database import Row, one
from studio.store.errors import Conflict

Cells = dict[int, Content]  # by frame
NOTHING: Content = (None, None)


@dataclass
class Found:
    """What tracking again found in the first `frames` frames: by the tracker's number what each frame shows."""

    frames: int
    result: VideoResult
    cells: dict[int, Cells]


@dataclass
class Change:
    """What is different by tracking again, in the first `frames` of `length` frames. Cells that are kept are no part of it.

    now: what each track shows, or would if it were shown; after: what the tracks that are shown then show; new ones go by negative
    numbers. shown: tracks that are shown now; hidden: those of them that are found no more.
    """

    said: Statements
    frames: int
    length: int
    missed: int = 0  # masks of people that no detection lies under
    now: dict[int, Cells] = field(default_factory=dict)
    after: dict[int, Cells] = field(default_factory=dict)
    births: dict[int, Birth] = field(default_factory=dict)
    shown: list[int] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)

    @property
    def revived(self) -> list[int]:
        """Tracks that are shown then and are not now."""
        return [track for track in self.after if track > 0 and track not in set(self.shown)]

    @property
    def before(self) -> dict[int, Cells]:
        """What the tracks that are shown now show."""
        return {track: self.now[track] for track in self.shown}

    def differences(self, before: Mapping[int, Cells]) -> Iterator[tuple[int, int, Content, Content]]:
        """Track, frame, what it shows there `before`, and what then, where these are not the same."""
        for track in before.keys() | self.after.keys():
            now, then = before.get(track, {}), self.after.get(track, {})
            for frame in now.keys() | then.keys():
                if (old := now.get(frame, NOTHING)) != (new := then.get(frame, NOTHING)):
                    yield track, frame, old, new


def settings_in_force(database: Database, video: Row) -> tuple[TrackerConfig, TrackerConfig]:
    """The settings that made what is shown, and those that the run was made with."""
    ran = detections.shown(database, video).tracking.config
    latest = "select args from edits where run_id = ? and op = 'retrack' and state = 'applied' order by id desc limit 1"
    found = one(database, latest, (video["run_id"],))
    return TrackerConfig(**json.loads(found["args"])["settings"]) if found else ran, ran


def with_settings(config: TrackerConfig, settings: Mapping[str, Any]) -> TrackerConfig:
    """The settings with some of them replaced; ConfigError if one makes no sense."""
    return replace(config, **settings)


def retrack(settings: Mapping[str, Any]) -> Operation:
    """Track the video again with these settings (fields of `TrackerConfig`) in the place of those that made what is shown."""
    known: dict[int, Change] = {}  # the latest, by the rev of the video
    attempts = count(1)

    def plan(scene: Scene) -> Plan:
        scene.need_settled("Track it again")
        config = with_settings(settings_in_force(scene.database, scene.video)[0], settings)
        rev = scene.video["rev"]
        if rev not in known:
            if next(attempts) > MOST_REHEARSALS:  # to compute it anew under the write lock would hold up everybody
                raise Conflict(
                    "The video was changed again and again while it was tracked. Wait for that to end and try again."
                )
            known.clear()
            known[rev] = change(scene.database, scene.video, config, scene.patience)
        found = known[rev]
        _lay_out(scene.database, found)
        states: dict[int, dict[str, int | None]] = {track: {"deleted": BY_TRACKER} for track in found.hidden}
        states |= {track: {"deleted": 0} for track in found.revived}
        touched = {track for (track,) in scene.database.execute("select distinct track_id from planned")}
        return Plan(
            op="retrack",
            args={"settings": asdict(config)},
            summary=f"Tracked again: {retrack_preview.words(found)}",
            tracks=sorted(touched | states.keys()),
            states=states,
            births=found.births,
            touches=[(found.hidden, scene.everywhere)] if found.hidden and not touched else (),
            unfinished=found.frames < found.length,
        )

    return plan


def change(database: Database, video: Row, config: TrackerConfig, patience: Patience = endless) -> Change:
    """What tracking again makes different, in as many frames as there is patience for."""
    said = statements.read(database, video)
    found = _find(database, video, said, config, patience)
    made = Change(said, found.frames, len(detections.shown(database, video)))
    made.missed = sum(anchor.frame < found.frames for anchor in found.result.missed)
    wanted = _wanted(database, video, found, made)
    predicted = _predicted(database, video["run_id"], found.frames)
    for key, track in said.tracks.items():
        end, kept = _end(track), said.kept.get(key, {})
        of_tracker = said.tracked.get(key, {})
        now = {frame: what for frame, what in predicted[key].items() if frame < end} | of_tracker
        made.now[key] = {
            frame: what for frame, what in now.items() if what != NOTHING and frame < found.frames and frame not in kept
        }
        if track["shown"]:
            made.shown.append(key)
        if key in wanted or (track["shown"] and said.worked_on(track)):
            then = wanted.get(key, {})
            made.after[key] = {frame: what for frame, what in then.items() if frame < end and frame not in kept}
        elif track["shown"]:
            made.hidden.append(key)
    return made


def _find(database: Database, video: Row, said: Statements, config: TrackerConfig, patience: Patience) -> Found:
    retracker = Retracker(config, said.anchors, said.rejected, keep_ids=True, spool=False, fresh_ids=FRESH)
    seen: dict[int, Cells] = defaultdict(dict)
    frames, predicted = 0, _Present(database, video["run_id"])
    blobs = detections.shown(database, video)
    for frame, blob in enumerate(blobs):
        own = predicted.go_to(frame)
        for each in retracker.step(blob):
            track = said.numbers.get(each.recorded) if each.recorded is not None else None
            if track is not None and track in own:
                seen[each.track_id][frame] = own[track]
            elif area(each.rle):
                seen[each.track_id][frame] = (None, each.rle["counts"])
        frames = frame + 1
        if not patience(frames, len(blobs)):
            break
    return Found(frames, retracker.finish(), seen)


def _wanted(database: Database, video: Row, found: Found, made: Change) -> dict[int, Cells]:
    """What the tracks that go on are to show; the new ones are put into `made`."""
    threshold = runs.run(database, video["run_id"])["score_threshold"]
    categories = detections.shown(database, video).tracking.categories
    wanted: dict[int, Cells] = {}
    for number, summary in found.result.tracks.items():
        # What lies before is what the noise filter dropped.
        content = {frame: what for frame, what in found.cells[number].items() if frame >= summary.first_frame}
        track = made.said.track(number)
        if track is None and content and summary.score >= threshold:
            key = -1 - len(made.births)
            made.births[key] = _birth(database, video, categories[summary.category], summary.score)
            made.after[key] = content
        elif track is not None and (summary.score >= threshold or made.said.worked_on(track)):
            wanted[track["id"]] = content
    return wanted


def _birth(database: Database, video: Row, category: Category, score: float) -> Birth:
    values = (video["project_id"], category.name)
    found = one(database, "select id from categories where project_id = ? and name = ?", values)
    return Birth(found["id"] if found else None, score, None if found else category, "model")


def _lay_out(database: Database, made: Change) -> None:
    """Plan the cells that are to be different; those of hidden tracks may stay as they are."""
    predicted = {track: _frames(database, track, _end(made.said.tracks[track])) for track in made.after if track > 0}

    def planned() -> Iterator[Cell]:
        there = {track: made.now[track] for track in predicted}  # also of tracks that are hidden now
        for track, frame, _, then in made.differences(there):
            gone = then == (track, None) or (then == NOTHING and frame not in predicted[track])
            yield Cell(track, frame, *((None, None) if gone else then[::-1]), gone=gone)

    cells.plan_cells(database, planned())


def _predicted(database: Database, run_id: int, frames: int) -> dict[int, Cells]:
    """Where the tracks of a run have predictions, in the first `frames` frames, as cells that show them."""
    found: dict[int, Cells] = defaultdict(dict)
    sql = "select s.track_id, s.start, s.stop from tracks t join spans s on s.track_id = t.id where t.run_id = ?"
    for track, start, stop in database.execute(sql, (run_id,)):
        found[track] |= dict.fromkeys(range(start, min(stop, frames)), (track, None))
    return found


def _frames(database: Database, track: int, end: float) -> set[int]:
    """The frames before `end` in which a track has predictions."""
    found = database.execute("select start, stop from spans where track_id = ?", (track,)).fetchall()
    return {frame for start, stop in found for frame in range(start, stop) if frame < end}


def _end(track: Row) -> float:
    """The frame before which a person ended a track."""
    return float("inf") if track["ends_before"] is None else int(track["ends_before"])


class _Present:
    """Which tracks of a run have a prediction in a frame, asked for one frame after the other."""

    def __init__(self, database: Database, run_id: int) -> None:
        sql = "select s.start, s.stop, s.track_id from tracks t join spans s on s.track_id = t.id where t.run_id = ?"
        self._coming = sorted(database.execute(sql, (run_id,)), reverse=True)
        self._stops: dict[int, int] = {}
        self._own: dict[int, Content] = {}

    def go_to(self, frame: int) -> Mapping[int, Content]:
        """Those of this frame, each with the cell that shows its prediction."""
        while self._coming and self._coming[-1][0] <= frame:
            _, stop, track = self._coming.pop()
            self._stops[track], self._own[track] = stop, (track, None)
        for track in [track for track, stop in self._stops.items() if stop <= frame]:
            del self._stops[track], self._own[track]
        return self._own
