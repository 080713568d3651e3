"""Suspicious moments of a video, each with its reason in words and, where there is one, the operation that would mend it.

Pure functions from what is shown (`moments.Shown`) to lists of `Suspicion`. Each kind is one function. The thresholds are in units
that do not depend on the video: a jump is measured in lengths of the object and against what the track usually does. A moment
whose masks a person has verified is never suspicious. The cost is a few passes over the entries; pairs of masks are looked at in as
many frames, evenly spread, as `MOST_PAIRS` allows.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.review.moments import Shown

JUMP = 0.75  # lengths of the object, from a frame to the next
UNUSUAL = 5.0  # times what the track usually does
AREA_JUMP = 2.0  # times the area
FLICKER_GAP = 8  # frames
LOW_SCORE = 0.3
SHORT = 5  # frames
OVERLAP = 0.15  # of the smaller mask
SAME_GAP = 60  # frames between the end of a track and the beginning of what may be the same
NEARBY = 5  # frames; of several moments of one kind so close together the worst is told
HESITATION = 0.1  # margin between the best and the next track of a detection
MOST_PAIRS = 20_000_000
MOST_OVERLAPS = 300  # pairs of tracks whose pixels are compared
MOST_OF_A_KIND = 500

Floats = NDArray[np.floating]


@dataclass(frozen=True)
class Suspicion:
    """A suspicious moment: the frames frame..stop - 1 of a track, and of another one (None: none). severity: 0..1, 1 is worst."""

    kind: str
    track: int
    other: int | None
    frame: int
    stop: int
    severity: float
    reason: str
    remedy: dict[str, Any] | None = None


@dataclass(frozen=True)
class Margins:
    """How sure the tracker was: by how much the track that a detection went to was nearer than the next one. All (N,)."""

    track: NDArray[np.int64]
    frame: NDArray[np.int64]
    other: NDArray[np.int64]  # the next nearest track, 0: none
    margin: Floats


# Of a frame and two tracks: how much of the smaller of their masks both cover, 0..1.
SharedPart = Callable[[int, int, int], float]


def find(entries: Shown, shared_part: SharedPart, margins: Margins | None = None) -> list[Suspicion]:
    """All suspicious moments, the worst first."""
    if not len(entries.track):
        return []
    switches = exchanged(entries)
    switched = {(track, s.frame) for s in switches for track in (s.track, s.other)}
    jumps = [s for s in sudden_changes(entries) if (s.track, s.frame) not in switched]
    same = same_looks(entries)
    continued = {s.track for s in same}
    found = [
        switches,
        hesitations(entries, margins) if margins is not None else [],
        jumps,
        same,
        flickers(entries),
        low_scores(entries),
        short_tracks(entries),
        overlaps(entries, shared_part),
        [s for s in departures(entries) if s.track not in continued],
    ]
    worst = [s for kind in found for s in sorted(kind, key=_badness)[:MOST_OF_A_KIND]]
    return sorted(worst, key=_badness)


def exchanged(entries: Shown) -> list[Suspicion]:
    """Two tracks that from one frame to the next lie where the other one lay."""
    first, last = _steps(entries, longest=1)
    shift = _distance(entries, first, last) / np.sqrt(entries.length[first] * entries.length[last])
    moved = (shift > 0.3) & (shift > 2 * _usual(entries.track[first], shift))
    first, last = first[moved], last[moved]
    order = np.argsort(entries.frame[last], kind="stable")
    first, last = first[order], last[order]
    box = entries.box
    found = []
    for group in np.split(np.arange(len(last)), np.flatnonzero(np.diff(entries.frame[last])) + 1):
        if len(group) < 2:
            continue
        was, now = box[first[group]], box[last[group]]
        crossed = _iou(now, was)  # (n, n): how well the box of a track now fits each box of the frame before
        own = np.diagonal(crossed)
        both = np.minimum(crossed, crossed.T)
        better = (both > 0.4) & (both > own[:, None] + 0.2) & (both > own[None, :] + 0.2)
        for i, j in np.argwhere(np.triu(better, 1)):
            a, b = last[group[i]], last[group[j]]
            if entries.verified[a] and entries.verified[b]:
                continue
            track, other, frame = int(entries.track[a]), int(entries.track[b]), int(entries.frame[a])
            reason = f"{_name(entries, track)} and {_name(entries, other)} seem to change places in frame {frame}"
            remedy = {"op": "swap", "first": track, "second": other, "start": frame}
            severity = 0.8 + 0.2 * float(both[i, j])
            found.append(Suspicion("switch", track, other, frame, frame + 1, severity, reason, remedy))
    return found


def hesitations(entries: Shown, margins: Margins) -> list[Suspicion]:
    """Where the tracker could nearly as well have taken another track."""
    found = []
    verified = set(zip(entries.track[entries.verified].tolist(), entries.frame[entries.verified].tolist(), strict=True))
    for i in np.flatnonzero(margins.margin < HESITATION):
        track, frame, other = int(margins.track[i]), int(margins.frame[i]), int(margins.other[i]) or None
        if track not in entries.tracks or (track, frame) in verified:
            continue
        other = other if other in entries.tracks else None
        whom = _name(entries, other) if other else "a new object"
        reason = f"The model hesitated in frame {frame} whether this is {_name(entries, track)} or {whom}"
        remedy = {"op": "swap", "first": track, "second": other, "start": frame} if other else None
        severity = 0.5 + 0.4 * (1 - max(float(margins.margin[i]), 0) / HESITATION)
        found.append(Suspicion("hesitation", track, other, frame, frame + 1, severity, reason, remedy))
    return _worst_nearby(found)


def sudden_changes(entries: Shown) -> list[Suspicion]:
    """Tracks that from one frame to the next lie elsewhere, or are much larger or smaller, as they usually are not."""
    first, last = _steps(entries, longest=2)
    length = np.sqrt(entries.length[first] * entries.length[last])
    shift = _distance(entries, first, last) / length / (entries.frame[last] - entries.frame[first])
    areas = entries.record["area"].astype(np.float64)
    ratio = np.abs(np.log(np.maximum(areas[last], 1) / np.maximum(areas[first], 1)))
    border = entries.at_border
    limit = np.where(border[first] | border[last], np.log(2 * AREA_JUMP), np.log(AREA_JUMP))
    far = (shift > JUMP) & (shift > UNUSUAL * _usual(entries.track[first], shift))
    other_size = (ratio > limit) & (ratio > UNUSUAL * _usual(entries.track[first], ratio))
    seen = ~(entries.verified[first] & entries.verified[last])
    found = []
    for i in np.flatnonzero((far | other_size) & seen):
        track, frame = int(entries.track[last[i]]), int(entries.frame[last[i]])
        name = _name(entries, track)
        if far[i]:
            severity = min(0.55 + 0.1 * float(shift[i]), 0.9)
            reason = f"{name} jumps by {shift[i]:.1f} times its own length to frame {frame}"
            found.append(Suspicion("jump", track, None, frame, frame + 1, severity, reason))
        else:
            grown = "larger" if areas[last[i]] > areas[first[i]] else "smaller"
            severity = min(0.4 + 0.15 * float(ratio[i]), 0.85)
            reason = f"{name} is suddenly {np.exp(ratio[i]):.1f} times {grown} in frame {frame}"
            found.append(Suspicion("area", track, None, frame, frame + 1, severity, reason))
    return _worst_nearby(found)


def same_looks(entries: Shown) -> list[Suspicion]:
    """Tracks of one category of which one begins where and when the other has ended: they may be one."""
    starts, ends = entries.bounds[:-1], entries.bounds[1:] - 1
    begin, end = entries.frame[starts], entries.frame[ends]
    category = np.array([entries.tracks[int(track)]["category_id"] for track in entries.track[starts]])
    center, length, areas = entries.center, entries.length, entries.record["area"].astype(np.float64)
    pairs = []
    order = np.argsort(begin, kind="stable")
    for a in range(len(starts)):
        low, high = np.searchsorted(begin[order], [end[a] + 1, end[a] + SAME_GAP + 1])
        near = order[low:high]
        near = near[category[near] == category[a]]
        if not len(near):
            continue
        gap = begin[near] - end[a]
        # The object may have gone on as it went before, or have stayed: whichever fits better.
        back = max(ends[a] - 5, starts[a])
        pace = (center[ends[a]] - center[back]) / max(entries.frame[ends[a]] - entries.frame[back], 1)
        there = center[starts[near]]
        stayed = np.linalg.norm(there - center[ends[a]], axis=1)
        went = np.linalg.norm(there - center[ends[a]] - pace * gap[:, None], axis=1)
        distance = np.minimum(stayed, went) / np.sqrt(length[ends[a]] * length[starts[near]])
        fits = distance / (1.0 + 0.05 * gap)
        alike = np.abs(np.log(areas[starts[near]] / max(areas[ends[a]], 1))) < np.log(2.5)
        unseen = ~(entries.verified[ends[a]] & entries.verified[starts[near]])
        pairs += [(float(fits[i]), a, int(near[i])) for i in np.flatnonzero((fits < 1) & alike & unseen)]
    found, ended, begun = [], set(), set()
    for fit, a, b in sorted(pairs):
        if a in ended or b in begun:
            continue
        ended.add(a)
        begun.add(b)
        track, other = int(entries.track[starts[a]]), int(entries.track[starts[b]])
        reason = (
            f"{_name(entries, other)} begins in frame {begin[b]} where {_name(entries, track)} ends in frame {end[a]}: "
            "the same object?"
        )
        remedy = {"op": "merge", "into": track, "tracks": [other]}
        found.append(
            Suspicion("same", track, other, int(end[a]), int(begin[b]) + 1, 0.6 + 0.3 * (1 - fit), reason, remedy)
        )
    return found


def flickers(entries: Shown) -> list[Suspicion]:
    """Tracks that are missing for some frames and come back."""
    first, last = np.arange(len(entries.track) - 1), np.arange(1, len(entries.track))
    gap = entries.frame[last] - entries.frame[first] - 1
    missing = (entries.track[first] == entries.track[last]) & (gap > 0) & (gap <= FLICKER_GAP)
    missing &= ~(entries.verified[first] & entries.verified[last])
    found = []
    places = np.flatnonzero(missing)
    together = (np.diff(entries.track[places]) == 0) & (np.diff(entries.frame[places]) <= 4 * FLICKER_GAP)
    for group in np.split(places, np.flatnonzero(~together) + 1):
        if not len(group):
            continue
        track, begin, end = (
            int(entries.track[group[0]]),
            int(entries.frame[group[0]]),
            int(entries.frame[group[-1] + 1]),
        )
        name = _name(entries, track)
        if len(group) == 1:
            frames = f"frame {begin + 1}" if end - begin == 2 else f"the frames {begin + 1} to {end - 1}"
            remedy = {"op": "interpolate", "tracks": [track], "start": begin, "stop": end}
            reason = f"{name} is missing in {frames}"
            found.append(Suspicion("flicker", track, None, begin + 1, end, 0.35, reason, remedy))
        else:
            reason = f"{name} comes and goes {len(group)} times in the frames {begin} to {end}"
            severity = min(0.35 + 0.08 * len(group), 0.8)
            found.append(Suspicion("flicker", track, None, begin + 1, end, severity, reason))
    return found


def low_scores(entries: Shown) -> list[Suspicion]:
    """Stretches in which the model was not sure of a mask."""
    with np.errstate(invalid="ignore"):
        low = (entries.record["score"] < LOW_SCORE) & ~entries.verified
    places = np.flatnonzero(low)
    together = (np.diff(entries.track[places]) == 0) & (np.diff(entries.frame[places]) <= NEARBY)
    found = []
    for group in np.split(places, np.flatnonzero(~together) + 1):
        if not len(group):
            continue
        track, begin, end = int(entries.track[group[0]]), int(entries.frame[group[0]]), int(entries.frame[group[-1]])
        score = float(entries.record["score"][group].min())
        where = f"in frame {begin}" if begin == end else f"in the frames {begin} to {end}"
        reason = f"The model is not sure of {_name(entries, track)} {where}: its score falls to {score:.2f}"
        severity = 0.2 + 0.4 * (1 - max(score, 0) / LOW_SCORE)
        found.append(Suspicion("score", track, None, begin, end + 1, severity, reason))
    return found


def short_tracks(entries: Shown) -> list[Suspicion]:
    """Tracks of a few frames: often not an object, or a piece of one."""
    found = []
    for start, stop in pairwise(entries.bounds):
        if stop - start > SHORT or entries.verified[start:stop].all():
            continue
        track, begin, end = (
            int(value) for value in (entries.track[start], entries.frame[start], entries.frame[stop - 1])
        )
        frames = "one frame" if stop - start == 1 else f"{stop - start} frames"
        reason = f"{_name(entries, track)} is there in {frames} only"
        severity = 0.3 + 0.25 * (1 - (stop - start) / (SHORT + 1))
        remedy = {"op": "delete", "tracks": [track]}
        found.append(Suspicion("short", track, None, begin, end + 1, float(severity), reason, remedy))
    return found


def overlaps(entries: Shown, shared_part: SharedPart) -> list[Suspicion]:
    """Tracks of one category whose masks cover the same pixels."""
    frames, counts = np.unique(entries.frame, return_counts=True)
    step = max(1, int(np.ceil((counts.astype(np.float64) ** 2).sum() / MOST_PAIRS)))
    looked_at = frames[::step]
    order = np.argsort(entries.frame, kind="stable")
    starts = np.searchsorted(entries.frame[order], looked_at)
    stops = np.searchsorted(entries.frame[order], looked_at, side="right")
    box = entries.box
    ids, place = np.unique(entries.track, return_inverse=True)
    category = np.array([entries.tracks[int(track)]["category_id"] for track in ids])[place]
    best: dict[tuple[int, int], tuple[float, int, int, int]] = {}  # by pair: part, frame, first and last frame
    for start, stop in zip(starts[stops - starts > 1], stops[stops - starts > 1], strict=True):
        here = order[start:stop]
        part = _contained(box[here]) * (category[here][:, None] == category[here])
        part *= ~(entries.verified[here][:, None] & entries.verified[here])
        for i, j in np.argwhere(np.triu(part, 1) > 0.5):
            pair = int(entries.track[here[i]]), int(entries.track[here[j]])
            frame, value = int(entries.frame[here[i]]), float(part[i, j])
            known = best.get(pair, (0.0, frame, frame, frame))
            best[pair] = (*max(known[:2], (value, frame), key=lambda item: item[0]), known[2], frame)
    found = []
    for (track, other), (_, frame, begin, end) in sorted(best.items(), key=lambda item: -item[1][0])[:MOST_OVERLAPS]:
        part = shared_part(frame, track, other)
        if part < OVERLAP:
            continue
        reason = f"{_name(entries, track)} and {_name(entries, other)} overlap by {part:.0%} in frame {frame}"
        severity = 0.35 + 0.5 * min(part, 1.0)
        found.append(Suspicion("overlap", track, other, frame, frame + 1, severity, _until(reason, begin, end)))
    return found


def departures(entries: Shown) -> list[Suspicion]:
    """Tracks that end before the video does, and not at the border of the picture."""
    border, length = entries.at_border, entries.length
    found = []
    for start, stop in pairwise(entries.bounds):
        last = stop - 1
        frame = int(entries.frame[last])
        if frame + 1 >= entries.video["length"] or border[last] or entries.verified[last] or stop - start <= SHORT:
            continue
        faded = length[last] / np.median(
            length[max(start, stop - 15) : stop]
        )  # what goes behind another thing shrinks first
        severity = 0.3 + 0.2 * min(float(faded), 1.0)
        track = int(entries.track[last])
        reason = f"{_name(entries, track)} ends in frame {frame} in the midst of the picture"
        found.append(Suspicion("departure", track, None, frame, frame + 1, severity, reason))
    return found


def _badness(suspicion: Suspicion) -> tuple[float, int, int]:
    """By this they are sorted: the worst first, then by frame and track."""
    return (-suspicion.severity, suspicion.frame, suspicion.track)


def _worst_nearby(found: Sequence[Suspicion]) -> list[Suspicion]:
    """Of moments of one track within a few frames the worst."""
    kept: list[Suspicion] = []
    for suspicion in sorted(found, key=lambda s: (s.track, s.frame)):
        if kept and kept[-1].track == suspicion.track and suspicion.frame - kept[-1].frame <= NEARBY:
            kept[-1] = min(kept[-1], suspicion, key=_badness)
        else:
            kept.append(suspicion)
    return [replace(s, severity=round(s.severity, 3)) for s in kept]


def _steps(entries: Shown, longest: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of entries of one track that follow each other, at most `longest` frames apart."""
    first, last = np.arange(len(entries.track) - 1), np.arange(1, len(entries.track))
    close = (entries.track[first] == entries.track[last]) & (entries.frame[last] - entries.frame[first] <= longest)
    return first[close], last[close]


def _distance(entries: Shown, first: NDArray[np.int64], last: NDArray[np.int64]) -> Floats:
    center = entries.center
    return np.asarray(np.linalg.norm(center[last] - center[first], axis=1))


def _usual(track: NDArray[np.int64], values: Floats) -> Floats:
    """For every value the median of its track's values. track: sorted."""
    order = np.lexsort([values, track])
    _, start, count = np.unique(track, return_index=True, return_counts=True)
    return np.repeat(values[order][start + count // 2], count) if len(values) else values


def _intersections(first: Floats, second: Floats) -> Floats:
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    return np.prod(np.maximum(high - low, 0), axis=2)


def _areas(boxes: Floats) -> Floats:
    return np.maximum((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1]), 1)


def _iou(first: Floats, second: Floats) -> Floats:
    """Intersection over union of boxes (N, 4) with boxes (M, 4)."""
    inside = _intersections(first, second)
    return inside / (_areas(first)[:, None] + _areas(second) - inside)


def _contained(boxes: Floats) -> Floats:
    """Which part of the smaller box of each pair lies in the other one: (N, N)."""
    areas = _areas(boxes)
    return _intersections(boxes, boxes) / np.minimum(areas[:, None], areas)


def _name(entries: Shown, track: int) -> str:
    return str(entries.tracks[track]["name"])


def _until(reason: str, begin: int, end: int) -> str:
    return reason if begin == end else f"{reason} (they are close in the frames {begin} to {end})"
