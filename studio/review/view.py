"""What is shown of a video: the predictions of its current run, with the corrections of people on top.

Read-only. A track is shown unless it was deleted, and a predicted one only if its score reaches the run's threshold or a person has
worked on it. A frame's mask is the correction if there is one (a drawn mask, the prediction of another track, or "nothing here"),
otherwise the prediction, unless the track was made to end before that frame. Masks are compressed RLE counts at the size of
the video.
"""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from sqlite_utils import Database

from studio.palette import track_color
from studio.store.database import Row, one
from studio.store.errors import NotFound

PREDICTED_REV = 1  # of every mask that nobody touched; a correction's rev is the video's, which is larger

Span = tuple[int, int, str]  # start, stop (exclusive), source

SHOWN_TRACKS = """
    select t.id, coalesce(s.category_id, t.category_id) as category_id, t.score, t.source, s.ends_before
    from videos v join runs r on r.id = v.run_id join tracks t on t.run_id = r.id left join track_states s on s.track_id = t.id
    where v.id = :video and coalesce(s.deleted, 0) = 0
      and (t.source = 'user' or s.track_id is not null or t.score >= r.score_threshold)
"""

# The joins are `cross` so that SQLite visits the shown tracks first and seeks each one's frames, never all masks of the range.
SHOWN_MASKS = f"""
    with shown as materialized ({SHOWN_TRACKS})
    select m.frame as frame, t.id as track, m.counts, m.score, 'model' as source, 0 as verified, {PREDICTED_REV} as rev
    from shown t cross join masks m on m.track_id = t.id
    where m.frame >= :start and m.frame < :stop and (t.ends_before is null or m.frame < t.ends_before)
      and (:track is null or t.id = :track)
      and not exists (select 1 from corrections c where c.track_id = m.track_id and c.frame = m.frame)
    union all
    select c.frame, t.id, coalesce(c.counts, o.counts), o.score, c.source, c.verified, c.rev
    from shown t cross join corrections c on c.track_id = t.id
    left join masks o on c.counts is null and o.track_id = c.origin and o.frame = c.frame
    where c.frame >= :start and c.frame < :stop and (:track is null or t.id = :track)
      and (c.counts is not null or o.counts is not null)
    order by 1, 2
"""

PREDICTED_MASKS = f"""
    select m.frame as frame, t.id as track, m.counts, m.score, 'model' as source, 0 as verified, {PREDICTED_REV} as rev
    from runs r cross join tracks t on t.run_id = r.id and t.source = 'model' and t.score >= r.score_threshold
    cross join masks m on m.track_id = t.id
    where r.id = :run and m.frame >= :start and m.frame < :stop order by 1, 2
"""


def masks(database: Database, video_id: int, start: int, stop: int, track_id: int | None = None) -> Iterator[Row]:
    """The shown masks of frames start..stop-1 by frame and track: frame, track, counts, score, source, verified, rev.

    A drawn mask has no score. `track_id` asks for one track only.
    """
    parameters = {"video": video_id, "start": start, "stop": stop, "track": track_id}
    for row in database.query(SHOWN_MASKS, parameters):
        yield row | {"verified": bool(row["verified"])}


def predicted_masks(database: Database, run_id: int | None, start: int, stop: int) -> Iterator[Row]:
    """What a run predicted in frames start..stop-1, before any correction; as `masks` otherwise."""
    for row in database.query(PREDICTED_MASKS, {"run": run_id, "start": start, "stop": stop}):
        yield row | {"verified": False}


def mask(database: Database, video_id: int, track_id: int, frame: int) -> Row | None:
    """The shown mask of a track in one frame, or None."""
    return next(masks(database, video_id, frame, frame + 1, track_id), None)


def track(database: Database, video_id: int, track_id: int) -> Row:
    """A shown track: id, category_id, score, source, ends_before."""
    found = one(database, f"select * from ({SHOWN_TRACKS}) where id = :track", {"video": video_id, "track": track_id})
    if found is None:
        raise NotFound(
            f"Video {video_id} shows no track {track_id}: it was deleted, or it belongs to another run or video."
        )
    return found


def tracks(database: Database, video_id: int) -> list[Row]:
    """The shown tracks with category name, colour and where they have masks: first and last frame (None if none) and count."""
    spans = timeline(database, video_id)
    rows = database.query(
        f"select t.*, c.name as category from ({SHOWN_TRACKS}) t join categories c on c.id = t.category_id order by t.id",
        {"video": video_id},
    )
    return [row | {"color": track_color(row["id"])} | _extent(spans[row["id"]]) for row in rows]


def _extent(spans: Sequence[Span]) -> dict[str, Any]:
    if not spans:
        return {"first": None, "last": None, "count": 0}
    return {"first": spans[0][0], "last": spans[-1][1] - 1, "count": sum(stop - start for start, stop, _ in spans)}


def timeline(database: Database, video_id: int) -> dict[int, list[Span]]:
    """Per shown track the spans of frames in which it has masks, in order; each span has one source."""
    ends = {row["id"]: row["ends_before"] for row in database.query(SHOWN_TRACKS, {"video": video_id})}
    predicted: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for track_id, start, stop in database.execute(
        f"""
        with shown as materialized ({SHOWN_TRACKS})
        select t.id, s.start, s.stop from shown t cross join spans s on s.track_id = t.id order by 1, 2
        """,
        {"video": video_id},
    ):
        predicted[track_id].append((start, stop))
    content = "case when c.counts is null and c.origin is null then null else c.source end"
    corrected = _corrected_spans(database, video_id, content)
    return {key: overlay(_until(predicted[key], end), corrected.get(key, [])) for key, end in ends.items()}


def verified_spans(database: Database, video_id: int) -> dict[int, list[tuple[int, int]]]:
    """Per shown track the spans of frames (stop exclusive) in which a person has verified its mask."""
    right = "case when c.verified and (c.counts is not null or c.origin is not null) then 'yes' end"
    found = _corrected_spans(database, video_id, right)
    return {key: pieces for key, spans in found.items() if (pieces := [span[:2] for span in spans if span[2]])}


def _corrected_spans(database: Database, video_id: int, value: str) -> dict[int, list[tuple[int, int, str | None]]]:
    """Per shown track its corrections as spans of frames that share `value`, an SQL expression on a correction c."""
    spans: dict[int, list[tuple[int, int, str | None]]] = defaultdict(list)
    # Frames that follow each other with one value keep the difference to their place among those with that value.
    for track_id, start, stop, found in database.execute(
        f"""
        with shown as materialized ({SHOWN_TRACKS}),
        cells as (
          select t.id, c.frame, {value} as value from shown t cross join corrections c on c.track_id = t.id
        ),
        placed as (
          select id, frame, value, frame - row_number() over (partition by id, value order by frame) as island from cells
        )
        select id, min(frame), max(frame) + 1, value from placed group by id, value, island order by 1, 2
        """,
        {"video": video_id},
    ):
        spans[track_id].append((start, stop, found))
    return spans


def _until(spans: Iterable[tuple[int, int]], end: int | None) -> list[tuple[int, int]]:
    """The parts of spans that lie before frame `end`."""
    if end is None:
        return list(spans)
    return [(start, min(stop, end)) for start, stop in spans if start < end]


def overlay(predicted: Iterable[tuple[int, int]], corrected: Sequence[tuple[int, int, str | None]]) -> list[Span]:
    """Predicted spans with corrected ones on top, both in order. A corrected span has its masks' source, None: "nothing here"."""
    spans: list[Span] = []
    stops = [stop for _, stop, _ in corrected]
    for start, stop in predicted:
        for first, after, _ in corrected[bisect_right(stops, start) :]:
            if first >= stop:
                break
            if start < first:
                spans.append((start, first, "model"))
            start = after
        if start < stop:
            spans.append((start, stop, "model"))
    spans.extend((start, stop, source) for start, stop, source in corrected if source is not None)
    return _joined(sorted(spans))


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans in order, those that touch and have one source as one."""
    found: list[Span] = []
    for start, stop, source in spans:
        if found and found[-1][1] == start and found[-1][2] == source:
            found[-1] = (found[-1][0], stop, source)
        else:
            found.append((start, stop, source))
    return found
