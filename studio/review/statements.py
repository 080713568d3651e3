"""What people said of a run's tracks, as far as tracking again has to heed it.

A cell that a person drew, moved, emptied or verified is `kept` as it is, and its mask says to the tracker which object is which
(`Anchor`). A track that a person threw away is `rejected`. What an earlier re-tracking did is nobody's word: its cells are told
apart by their rev, which is that of its entry in the log; `by_machine` names what else is to count so. Read-only; what follows
from all this is decided in `retracking.py`.

The tracker knows tracks by numbers: one that it made by its own, another (drawn, split off, accepted) by `NAMED` + its id.
"""

import json
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass

from sqlite_utils import Database

from engine.anchors import LEAST_OVERLAP, Anchor
from engine.masks import RLE, iou
from studio.store.database import Row

NAMED = 1 << 30  # numbers from here on are ids of tracks that no tracker made
FRESH = 1 << 40  # numbers from here on are tracks that are made by tracking again
BY_PERSON, BY_TRACKER = 1, 2  # `deleted` of a track: thrown away, or found no more by a re-tracking

Cell = tuple[int, int, str]  # track, frame, counts
Content = tuple[
    int | None, str | None
]  # of a cell: the track whose prediction it shows, or a mask's counts; both None: nothing

TRACKS = """
    select t.id, t.number, t.source, t.category_id, coalesce(s.deleted, 0) as deleted, s.ends_before,
      s.category_id is not null as renamed,
      coalesce(s.deleted, 0) = 0 and (t.source = 'user' or s.track_id is not null or t.score >= r.score_threshold) as shown
    from tracks t join runs r on r.id = t.run_id left join track_states s on s.track_id = t.id where t.run_id = :run
"""
# `by_tracker`: cells of a re-tracking, and predictions where they belong that are not verified any more.
CELLS = """
    select c.track_id, c.frame, c.counts, c.origin, c.source, c.verified, o.counts as predicted,
      c.origin = c.track_id and not c.verified
        or c.rev in (
          select rev from edits where run_id = :run and op in (select value from json_each(:by_machine))
        ) as by_tracker
    from tracks t cross join corrections c on c.track_id = t.id left join masks o
      on c.counts is null and o.track_id = coalesce(c.origin, c.track_id) and o.frame = c.frame
    where t.run_id = :run
"""


@dataclass(frozen=True)
class Kept:
    """A cell that stays. content: what it shows; source: of its mask, None: nothing is there."""

    content: Content
    source: str | None
    verified: bool


@dataclass(frozen=True)
class Statements:
    """tracks: rows of `TRACKS` by id; kept: cells that stay, by track and frame; tracked: what re-tracking put in others."""

    tracks: dict[int, Row]
    numbers: dict[int, int]  # of the tracks that a tracker made: their ids
    kept: dict[int, dict[int, Kept]]
    tracked: dict[int, dict[int, Content]]
    anchors: list[Anchor]
    rejected: frozenset[int]

    def track(self, number: int) -> Row | None:
        """The track that goes by a number of the tracker's; None for a new one, or where a person threw that away."""
        found = self.tracks.get(self.numbers.get(number, number - NAMED))
        return found if found and found["deleted"] != BY_PERSON else None

    def worked_on(self, track: Row) -> bool:
        """Whether a person said anything of a track, so that it stays whatever its score."""
        return bool(
            self.kept.get(track["id"])
            or track["renamed"]
            or track["ends_before"] is not None
            or track["source"] == "user"
        )


def read(database: Database, video: Row, by_machine: Collection[str] = ("retrack",)) -> Statements:
    """What people said of the run that a video shows. by_machine: the operations whose cells are nobody's word."""
    run = {"run": video["run_id"], "by_machine": json.dumps(list(by_machine))}
    tracks = {row["id"]: row for row in database.query(TRACKS, run)}
    kept: dict[int, dict[int, Kept]] = defaultdict(dict)
    tracked: dict[int, dict[int, Content]] = defaultdict(dict)
    masks: list[Cell] = []  # of the cells that are kept
    emptied: list[Cell] = []  # predictions of which a person said that they are nothing
    shown_of: set[int] = set()  # tracks whose predictions are shown on others
    for track, frame, counts, origin, source, verified, predicted, by_tracker in database.execute(CELLS, run):
        if tracks[track]["deleted"] == BY_PERSON:
            continue
        if by_tracker:
            tracked[track][frame] = (origin, counts)
            continue
        something = counts is not None or origin is not None
        kept[track][frame] = Kept((origin, counts), source if something else None, bool(verified) and something)
        mask = counts if counts is not None else predicted  # None: the tracker withdrew what was confirmed
        if mask is not None:
            (masks if something else emptied).append((track, frame, mask))
        if origin is not None:
            shown_of.add(origin)
    size = [video["height"], video["width"]]
    masks += _thrown_away(emptied, masks, size)
    number = {row["id"]: NAMED + row["id"] if row["number"] is None else row["number"] for row in tracks.values()}
    anchors = [Anchor(frame, {"size": size, "counts": counts}, number[track]) for track, frame, counts in masks]
    thrown_away = {
        row["number"] for row in tracks.values() if row["deleted"] == BY_PERSON and row["id"] not in shown_of
    }
    numbers = {row["number"]: row["id"] for row in tracks.values() if row["number"] is not None}
    return Statements(tracks, numbers, kept, tracked, anchors, frozenset(thrown_away - {None}))


def _thrown_away(emptied: list[Cell], masks: list[Cell], size: list[int]) -> list[Cell]:
    """Of the predictions that a person said are nothing those that are not another track's now."""
    there: dict[int, list[RLE]] = defaultdict(list)
    for _, frame, counts in masks:
        there[frame].append({"size": size, "counts": counts})
    return [
        (track, frame, counts)
        for track, frame, counts in emptied
        if iou([{"size": size, "counts": counts}], there[frame]).max(initial=0) < LEAST_OVERLAP
    ]
