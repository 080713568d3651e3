"""What people said of one run of a model, frame by frame, as far as a model can be taught by it.

A frame is `whole` where somebody verified something in it, a mask or that a track is not there: then what no mask covers is
background. Its verified masks teach; the other shown ones are ignored, for nobody said whether they are right. A prediction that
was taken away (a deleted track, the end that was cut off, "nothing here") is `rejected` where it was, unless another shown mask
lies there: then it was only a duplicate, or went to another track. Frames that hold nothing but rejected predictions say nothing
else, so a few of each track do. Read-only.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from sqlite_utils import Database

from engine.masks import RLE, iou
from studio.store.database import Row

REJECTED_FRAMES = 10  # frames of a rejected track that are taken beside the whole ones
SAME_PLACE = 0.5  # IoU from which a rejected prediction lies where another mask is shown

TRACKS = """
    select t.id, coalesce(s.category_id, t.category_id) as category_id, t.source, s.ends_before, coalesce(s.deleted, 0) as deleted
    from tracks t join runs r on r.id = t.run_id left join track_states s on s.track_id = t.id
    where t.run_id = :run and (t.source = 'user' or s.track_id is not null or t.score >= r.score_threshold)
"""
SHOWN = f"""
    with shown as materialized (select * from ({TRACKS}) where not deleted),
    wanted as materialized (select value as frame from json_each(:frames))
    select m.frame, t.id, m.counts, 0 as verified from shown t cross join wanted w
    cross join masks m on m.track_id = t.id and m.frame = w.frame
    where (t.ends_before is null or m.frame < t.ends_before)
      and not exists (select 1 from corrections c where c.track_id = m.track_id and c.frame = m.frame)
    union all
    select c.frame, t.id, coalesce(c.counts, o.counts), c.verified from shown t cross join wanted w
    cross join corrections c on c.track_id = t.id and c.frame = w.frame
    left join masks o on c.counts is null and o.track_id = c.origin and o.frame = c.frame
    where c.counts is not null or o.counts is not null
    order by 1, 2
"""
# A prediction that is shown nowhere: not on its own track, and not moved to another one. What tracking again left out nobody
# rejected: there `deleted` is 2, or the source of "nothing here" is the model's.
REJECTED = f"""
    with known as materialized ({TRACKS})
    select t.id, m.frame from known t cross join masks m on m.track_id = t.id
    where t.source = 'model'
      and (t.deleted = 1 or coalesce(
        (select c.counts is null and c.origin is null and c.source <> 'model' from corrections c
          where c.track_id = t.id and c.frame = m.frame),
        t.ends_before is not null and m.frame >= t.ends_before))
      and (t.deleted = 1 or t.ends_before is not null
        or exists (select 1 from corrections c
          where c.track_id = t.id and c.counts is null and c.origin is null and c.source <> 'model'))
      and not exists (
        select 1 from known s cross join corrections c on c.track_id = s.id and c.frame = m.frame
        where not s.deleted and c.origin = t.id)
    order by 1, 2
"""

Counts = dict[int, str]  # compressed RLE counts by track


@dataclass(frozen=True)
class TaughtFrame:
    """One frame. `whole`: what lies outside of all these masks is background."""

    frame: int
    whole: bool
    masks: Counts  # verified
    ignored: Counts
    rejected: Counts


@dataclass(frozen=True)
class TaughtRun:
    """What one run teaches: frames in order, and the category (row id) of every track in them."""

    run_id: int
    frames: list[TaughtFrame]
    categories: Mapping[int, int]


def taught_runs(database: Database, video: Row) -> list[TaughtRun]:
    """What the runs of a video teach, the newest first; a frame that two of them teach counts for the newer one."""
    found: list[TaughtRun] = []
    done: set[int] = set()
    for (run_id,) in database.execute("select id from runs where video_id = ? order by id desc", (video["id"],)):
        run = taught_run(database, run_id, (video["height"], video["width"]), done)
        if run.frames:
            found.append(run)
            done |= {frame.frame for frame in run.frames if frame.whole}
    return found


def taught_run(database: Database, run_id: int, size: tuple[int, int], without: Iterable[int] = ()) -> TaughtRun:
    """What a run of a video of `size` (H, W) teaches; `without`: frames that are to be left out."""
    left_out = set(without)
    whole = {frame for frame in _looked_at(database, run_id) if frame not in left_out}
    rejected = [place for place in _rejected(database, run_id, whole) if place[1] not in left_out]
    frames = sorted(whole | {frame for _, frame in rejected})
    masks, ignored = _shown(database, run_id, frames, whole)
    refused = _without_duplicates(_counts(database, rejected), masks, ignored, size)
    taught = [
        TaughtFrame(t, t in whole, masks[t], ignored[t] if t in whole else {}, refused[t])
        for t in frames
        if t in whole or refused[t]
    ]
    categories = {row["id"]: row["category_id"] for row in database.query(TRACKS, {"run": run_id})}
    return TaughtRun(run_id, taught, categories)


def _looked_at(database: Database, run_id: int) -> Iterator[int]:
    sql = f"""
        with known as materialized ({TRACKS})
        select distinct c.frame from known t cross join corrections c on c.track_id = t.id where not t.deleted and c.verified
    """
    return (frame for (frame,) in database.execute(sql, {"run": run_id}).fetchall())


def _rejected(database: Database, run_id: int, whole: set[int]) -> list[tuple[int, int]]:
    """(track, frame) of rejected predictions: all in whole frames, of the others a few of each track, evenly spread."""
    frames: dict[int, list[int]] = defaultdict(list)
    for track, frame in database.execute(REJECTED, {"run": run_id}):
        frames[track].append(frame)
    chosen: list[tuple[int, int]] = []
    for track, places in frames.items():
        others = [frame for frame in places if frame not in whole]
        picked = np.linspace(0, len(others) - 1, min(REJECTED_FRAMES, len(others))).astype(int)
        spread = {others[index] for index in picked}
        chosen += [(track, frame) for frame in places if frame in whole or frame in spread]
    return chosen


def _shown(
    database: Database, run_id: int, frames: Sequence[int], whole: set[int]
) -> tuple[dict[int, Counts], dict[int, Counts]]:
    """The shown masks by frame: verified ones, and the others."""
    right: dict[int, Counts] = defaultdict(dict)
    unsaid: dict[int, Counts] = defaultdict(dict)
    rows = database.execute(SHOWN, {"run": run_id, "frames": json.dumps(list(frames))})
    for frame, track, counts, verified in rows:
        (right if verified and frame in whole else unsaid)[frame][track] = counts
    return right, unsaid


def _counts(database: Database, places: Sequence[tuple[int, int]]) -> dict[int, Counts]:
    found: dict[int, Counts] = defaultdict(dict)
    for track, frame in places:
        sql = "select counts from masks where track_id = ? and frame = ?"
        found[frame][track] = database.execute(sql, (track, frame)).fetchone()[0]
    return found


def _without_duplicates(
    rejected: Mapping[int, Counts],
    masks: Mapping[int, Counts],
    ignored: Mapping[int, Counts],
    size: tuple[int, int],
) -> dict[int, Counts]:
    kept: dict[int, Counts] = defaultdict(dict)
    for frame, found in rejected.items():
        shown = [*masks[frame].values(), *ignored[frame].values()]
        overlaps = iou(_codes(found.values(), size), _codes(shown, size)) if shown else np.zeros((len(found), 1))
        for (track, counts), own in zip(found.items(), overlaps, strict=True):
            if own.max() < SAME_PLACE:
                kept[frame][track] = counts
    return kept


def _codes(counts: Iterable[str], size: tuple[int, int]) -> list[RLE]:
    return [{"size": list(size), "counts": text} for text in counts]
