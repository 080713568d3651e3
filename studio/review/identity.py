"""Operations on who is who: swap two tracks, split, merge, move frames from one track to another.

They move references to masks from track to track and copy no mask. Where two masks would come to lie in one frame of one track, a
rule decides (`OverlapRule`); a preview lists these frames.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Literal

from engine.masks import RLE, area, union
from studio.review import cells
from studio.review.cells import Drawn, Range
from studio.review.plan import Birth, Operation, Plan, Scene
from studio.review.tracks import end_before
from studio.store.errors import Conflict, Invalid

# Of two masks in one frame: none, for the operation is refused; the one of the track that is named first, where the track that
# receives comes before all; the larger one; both as one mask.
OverlapRule = Literal["refuse", "first", "larger", "union"]

MOST_JOINED = 5000  # overlaps in which pixels must be compared


def swap(first: int, second: int, start: int, stop: int | None = None) -> Operation:
    """Two tracks change places in the frames start..stop - 1; None: to the end."""

    def plan(scene: Scene) -> Plan:
        chosen, frames = scene.chosen([first, second]), scene.range(start, stop)
        if len(chosen) != 2:
            raise Invalid("Two different tracks are needed to swap them.")
        scene.need_settled("Swap tracks")
        for track, other in (chosen, reversed(chosen)):
            cells.plan_moved(scene.database, [track], frames, other)
        cells.plan_nothing(scene.database, chosen, frames)
        return Plan(
            op="swap",
            args={"tracks": chosen, "start": frames.start, "stop": frames.stop},
            summary=f"Swapped {scene.names(chosen)} {scene.words(frames)}",
            tracks=chosen,
            frames=frames,
            touches=[(chosen, frames)],
        )

    return plan


def split(tracks: Sequence[int], frame: int) -> Operation:
    """Tracks end before `frame`; what they show from there on becomes tracks of their own. Those on one side of it stay whole."""

    def plan(scene: Scene) -> Plan:
        named, frames = scene.chosen(tracks), scene.range(frame, None)
        scene.need_settled("Split tracks")
        before = cells.count_shown(scene.database, named, Range(0, frame))
        after = cells.count_shown(scene.database, named, frames)
        chosen = [track for track in named if track in before and track in after]
        if not chosen:
            raise Invalid(f"{scene.names(named)} cannot be split at frame {frame}: all masks lie on one side of it.")
        whole = [track for track in named if track not in chosen]
        left = f", left {scene.names(whole)} whole" if whole else ""
        births = {}
        for number, track in enumerate(chosen, 1):
            births[-number] = Birth(scene.tracks[track]["category_id"], scene.tracks[track]["score"])
            cells.plan_moved(scene.database, [track], frames, -number)
        return Plan(
            op="split",
            args={"tracks": chosen, "frame": frame},
            summary=f"Split {scene.names(chosen)} at frame {frame}{left}",
            tracks=[*chosen, *births],
            frames=frames,
            states=end_before(scene, chosen, frame),
            births=births,
            touches=[(chosen, frames)],
        )

    return plan


def merge(into: int, tracks: Sequence[int], rule: OverlapRule = "refuse") -> Operation:
    """All masks of `tracks` become masks of `into`, and the tracks go."""

    def plan(scene: Scene) -> Plan:
        sources = scene.chosen([into, *tracks])[1:]
        if not sources:
            raise Invalid("Select at least two tracks to merge them.")
        scene.need_settled("Merge tracks")
        overlaps = _join(scene, [into, *sources], into, scene.everywhere, rule)
        return Plan(
            op="merge",
            args={"tracks": [into, *sources], "overlap": rule},
            summary=f"Merged {scene.names(sources)} into {scene.name(into)}",
            tracks=[into, *sources],
            states={track: {"deleted": 1} for track in sources},
            touches=[(sources, scene.everywhere)],
            overlaps=overlaps,
        )

    return plan


def move(
    tracks: Sequence[int], start: int | None, stop: int | None, to: int | None, rule: OverlapRule = "refuse"
) -> Operation:
    """What `tracks` show in the frames start..stop - 1 goes to the track `to`, or to a new one of the first one's category."""

    def plan(scene: Scene) -> Plan:
        sources, frames = scene.chosen(tracks), scene.range(start, stop)
        scene.need_settled("Move frames to another track")
        if to in sources:
            raise Invalid(f"{scene.name(to)} cannot take over its own frames.")
        if not cells.count_shown(scene.database, sources, frames):
            raise Invalid(f"{scene.names(sources)} has no masks {scene.words(frames)}.")
        births = {}
        target = -1 if to is None else scene.track(to)["id"]
        if to is None:
            births[target] = Birth(scene.tracks[sources[0]]["category_id"], scene.tracks[sources[0]]["score"])
        overlaps = _join(scene, sources if to is None else [target, *sources], target, frames, rule)
        cells.plan_nothing(scene.database, sources, frames)
        name = "a new track" if to is None else scene.name(to)
        return Plan(
            op="move",
            args={"tracks": sources, "start": frames.start, "stop": frames.stop, "to": to, "overlap": rule},
            summary=f"Moved {scene.names(sources)} {scene.words(frames)} to {name}",
            tracks=[*sources, target],
            frames=frames,
            births=births,
            touches=[(sources, frames)],
            overlaps=overlaps,
        )

    return plan


def _join(scene: Scene, tracks: Sequence[int], target: int, frames: Range, rule: OverlapRule) -> list[int]:
    """Plan that all masks of `tracks`, the more important first, lie on `target`. Returns the frames in which some meet."""
    parameters = cells.shown_parameters(tracks, frames)
    meeting = f"select frame from ({cells.SHOWN}) group by frame having count(*) > 1 order by frame"
    overlaps = [frame for (frame,) in scene.database.execute(meeting, parameters)]
    if overlaps and rule == "refuse":
        raise Conflict(
            f"{scene.names([track for track in tracks if track > 0])} have masks in the same {len(overlaps)} frames, the first is "
            f"{overlaps[0]}. Say which to keep: the first track's, the larger one, or both as one.",
            {"overlaps": overlaps},
        )
    if rule in ("larger", "union") and overlaps:
        if len(overlaps) > MOST_JOINED:
            raise Invalid(f"The tracks meet in {len(overlaps)} frames; at most {MOST_JOINED} can be compared at once.")
        _decide(scene, overlaps, parameters, target, rule)
    own = "" if target < 0 else "where frame not in (select frame from own)"
    scene.database.execute(
        f"""
        with shown as materialized ({cells.SHOWN}), own as (select frame from shown where track_id = :target)
        insert or ignore into planned (track_id, frame, {cells.CONTENT})
        select :target, frame, {cells.CONTENT} from shown {own} order by frame, rank
        """,
        parameters | {"target": target},
    )
    return overlaps


def _decide(
    scene: Scene, overlaps: Sequence[int], parameters: dict[str, object], target: int, rule: OverlapRule
) -> None:
    """Plan the cells in which masks meet by their pixels."""
    meeting = scene.database.execute(
        f"""
        select n.frame, n.track_id, coalesce(n.counts, m.counts), n.counts, n.origin, n.source, n.verified
        from ({cells.SHOWN}) n left join masks m on m.track_id = n.origin and m.frame = n.frame and n.counts is null
        where n.frame in (select value from json_each(:overlaps)) order by n.frame, n.rank
        """,
        parameters | {"overlaps": json.dumps(list(overlaps))},
    ).fetchall()
    for frame, rows in _by_frame(meeting):
        codes: list[RLE] = [{"size": list(scene.size), "counts": row[2]} for row in rows]
        if rule == "union":
            cells.plan_drawn(scene.database, [Drawn(target, frame, union(codes)["counts"], "user", False)])
            continue
        areas = [area(code) for code in codes]
        _, track, _, *content = rows[areas.index(max(areas))]
        if track != target:
            sql = f"insert into planned (track_id, frame, {cells.CONTENT}) values (?, ?, ?, ?, ?, ?)"
            scene.database.execute(sql, (target, frame, *content))


def _by_frame(rows: Sequence[tuple]) -> Iterator[tuple[int, list[tuple]]]:
    """Rows that begin with a frame, in order, frame by frame."""
    start = 0
    for place in range(1, len(rows) + 1):
        if place == len(rows) or rows[place][0] != rows[start][0]:
            yield rows[start][0], list(rows[start:place])
            start = place
