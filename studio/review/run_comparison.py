"""What another run of a model found in a video, beside what is shown: which tracks are one object, and where they differ.

`compare` reads both, frame by frame; two tracks are one object where their masks lie at the same place in most of the frames that
have both. `differences` are stretches of frames in which they are not alike, the worst first. Nothing is changed here;
`taking_over.py` puts the one in the place of the other.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from sqlite_utils import Database

from engine.anchors import LEAST_OVERLAP
from engine.masks import RLE, iou
from studio.review import view
from studio.review.plan import Patience, endless
from studio.store import runs
from studio.store.database import Row
from studio.store.errors import Invalid

ALIKE = 0.75  # IoU from which two masks of one object are not worth a look
CHUNK = 512  # frames whose masks are read at once

Kind = Literal["shape", "only_now", "only_then", "category"]


@dataclass
class Comparison:
    """The first `frames` frames of a video as they are shown, and as `run`, which has come as far as `reach`, predicted them.

    shown, found: frames by track.
    overlap: the IoU by frame of a shown track and one of the run, wherever their masks touch; thrown_away: the frames in which a
    track of the run lies on one that a person deleted. now, then: rows of the tracks, which have a category.
    """

    run: Row
    reach: int
    frames: int
    now: dict[int, Row]
    then: dict[int, Row]
    shown: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    found: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))
    overlap: dict[tuple[int, int], dict[int, float]] = field(default_factory=lambda: defaultdict(dict))
    thrown_away: dict[int, set[int]] = field(default_factory=lambda: defaultdict(set))

    def pairs(self) -> dict[int, int]:
        """By shown track the one of the run that is the same object. The pairs that share most choose first."""
        shared = {
            (now, then): sum(value for value in values.values() if value >= LEAST_OVERLAP)
            for (now, then), values in self.overlap.items()
            if self._is_one(now, then, values)
        }
        chosen: dict[int, int] = {}
        for now, then in sorted(shared, key=lambda pair: (-shared[pair], pair)):
            if now not in chosen and then not in chosen.values():
                chosen[now] = then
        return chosen

    def couples(self) -> Iterator[tuple[int | None, int | None]]:
        """All tracks, each with its like on the other side, or None."""
        pairs = self.pairs()
        yield from ((track, pairs.get(track)) for track in self.now if track in pairs or self.shown[track])
        yield from ((None, track) for track in self.then if self.found[track] and track not in pairs.values())

    def _is_one(self, now: int, then: int, values: dict[int, float]) -> bool:
        same = sum(value >= LEAST_OVERLAP for value in values.values())
        return same > 0 and 2 * same >= len(self.shown[now] & self.found[then])


@dataclass(frozen=True)
class Difference:
    """Frames start..stop - 1 in which a shown track and one of the run are not alike.

    frame: where it is worst; iou: of the masks there, 0 where one is missing; weight: how much it is, over all its frames.
    """

    kind: Kind
    track: int | None
    other: int | None
    start: int
    stop: int
    frame: int
    iou: float
    weight: float


def compare(database: Database, video: Row, run_id: int, patience: Patience = endless) -> Comparison:
    """A video as it is shown beside another run of it, as far as that run has come and as there is patience for."""
    run = runs.run_of(database, video["id"], run_id)
    if run_id == video["run_id"]:
        raise Invalid("This run is the one that is shown. Choose another one to compare it with.")
    now = {row["id"]: row for row in view.tracks(database, video["id"])}
    then = {row["id"]: row for row in _tracks(database, run)}
    made = Comparison(run, min(run["frames_done"], video["length"]), 0, now, then)
    size = [video["height"], video["width"]]
    for start in range(0, made.reach, CHUNK):
        stop = min(start + CHUNK, made.reach)
        shown = _by_frame(view.masks(database, video["id"], start, stop))
        found = _by_frame(view.predicted_masks(database, run_id, start, stop))
        deleted = _by_frame(_deleted(database, video["run_id"], start, stop))
        for frame in range(start, stop):
            _note(made, frame, size, shown[frame], found[frame], deleted[frame])
        made.frames = stop
        if not patience(stop, made.reach):
            break
    return made


def differences(made: Comparison) -> list[Difference]:
    """Where the two are not alike, the worst first."""
    listed: list[Difference] = []
    for now, then in made.couples():
        if now is not None and then is not None:
            listed += _of_pair(made, now, then)
        elif now is not None:
            listed += _stretches("only_now", now, None, dict.fromkeys(made.shown[now], 0.0))
        elif then is not None:
            listed += _stretches("only_then", None, then, dict.fromkeys(made.found[then], 0.0))
    return sorted(listed, key=lambda each: (-each.weight, each.start, each.track or 0))


def verified_frames(database: Database, video_id: int) -> dict[int | None, set[int]]:
    """By shown track the frames in which a person has verified its mask."""
    spans = view.verified_spans(database, video_id)
    return {track: {frame for start, stop in found for frame in range(start, stop)} for track, found in spans.items()}


def mean_overlap(made: Comparison, now: int, then: int) -> float:
    """The mean IoU of two tracks over all frames that have either."""
    frames = made.shown[now] | made.found[then]
    return sum(made.overlap[now, then].values()) / max(1, len(frames))


def _tracks(database: Database, run: Row) -> Iterator[Row]:
    sql = """
        select t.id, t.category_id, t.score, c.name as category from tracks t join categories c on c.id = t.category_id
        where t.run_id = :id and t.source = 'model' and t.score >= :score_threshold order by t.id
    """
    yield from database.query(sql, {"id": run["id"], "score_threshold": run["score_threshold"]})


def _deleted(database: Database, run_id: int | None, start: int, stop: int) -> Iterator[Row]:
    """What was predicted of the tracks that a person deleted."""
    sql = """
        select m.frame, m.track_id as track, m.counts from tracks t join track_states s on s.track_id = t.id
        cross join masks m on m.track_id = t.id
        where t.run_id = :run and s.deleted = 1 and m.frame >= :start and m.frame < :stop order by 1
    """
    yield from database.query(sql, {"run": run_id, "start": start, "stop": stop})


def _by_frame(masks: Iterable[Row]) -> dict[int, list[tuple[int, str]]]:
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    for mask in masks:
        found[mask["frame"]].append((mask["track"], mask["counts"]))
    return found


def _note(
    made: Comparison,
    frame: int,
    size: list[int],
    shown: Sequence[tuple[int, str]],
    found: Sequence[tuple[int, str]],
    deleted: Sequence[tuple[int, str]],
) -> None:
    def codes(masks: Sequence[tuple[int, str]]) -> list[RLE]:
        return [{"size": size, "counts": counts} for _, counts in masks]

    for track, _ in shown:
        made.shown[track].add(frame)
    for track, _ in found:
        made.found[track].add(frame)
    if not found:
        return
    then = codes(found)
    for (track, _), values in zip(shown, iou(codes(shown), then), strict=True):
        for column in np.flatnonzero(values).tolist():
            made.overlap[track, found[column][0]][frame] = float(values[column])
    lying = iou(codes(deleted), then).max(axis=0, initial=0)
    for column in np.flatnonzero(lying >= LEAST_OVERLAP).tolist():
        made.thrown_away[found[column][0]].add(frame)


def _of_pair(made: Comparison, now: int, then: int) -> list[Difference]:
    shown, found, overlap = made.shown[now], made.found[then], made.overlap[now, then]
    values = {frame: overlap.get(frame, 0.0) for frame in shown & found}
    listed = _stretches("shape", now, then, {frame: value for frame, value in values.items() if value < ALIKE})
    listed += _stretches("only_now", now, then, dict.fromkeys(shown - found, 0.0))
    listed += _stretches("only_then", now, then, dict.fromkeys(found - shown, 0.0))
    if made.now[now]["category_id"] != made.then[then]["category_id"]:
        best = max(values, key=lambda frame: values[frame])
        listed.append(Difference("category", now, then, min(shown), max(shown) + 1, best, values[best], len(values)))
    return listed


def _stretches(kind: Kind, now: int | None, then: int | None, values: dict[int, float]) -> list[Difference]:
    """Frames that follow each other as one difference each. values: the IoU by frame."""
    listed: list[Difference] = []
    frames = sorted(values)
    first = 0
    for place, frame in enumerate(frames, 1):
        if place < len(frames) and frames[place] == frame + 1:
            continue
        stretch = frames[first:place]
        worst = min(stretch, key=lambda each: values[each])
        if kind != "shape":  # one mask is missing in all of them: the middle says most
            worst = stretch[len(stretch) // 2]
        weight = sum(1 - values[each] for each in stretch)
        listed.append(Difference(kind, now, then, stretch[0], frame + 1, worst, values[worst], weight))
        first = place
    return listed
