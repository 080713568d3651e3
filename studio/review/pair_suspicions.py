"""Suspicious moments of two tracks: they change places, one goes on where the other ends, they overlap, the tracker hesitated.

Pure functions from what is shown to lists of `Suspicion`, one for each kind. Where the masks of a frame are compared with one
another, as many frames are looked at, evenly spread, as `MOST_PAIRS` allows. A moment whose masks a person has verified is never
suspicious.
"""

from collections.abc import Callable

import numpy as np

from studio.review.moments import Shown
from studio.review.suspicion import Floats, Margins, Suspicion, distance_of, name_of, steps, usual, worst_nearby

OVERLAP = 0.15  # of the smaller mask
SAME_GAP = 60  # frames between the end of a track and the beginning of what may be the same
HESITATION = 0.1  # margin between the best and the next track of a detection
MOST_PAIRS = 20_000_000  # of masks whose boxes are compared
MOST_OVERLAPS = 300  # pairs of tracks whose pixels are compared

# Of a frame and two tracks: how much of the smaller of their masks both cover, 0..1.
SharedPart = Callable[[int, int, int], float]


def exchanged(entries: Shown) -> list[Suspicion]:
    """Two tracks that from one frame to the next lie where the other one lay."""
    first, last = steps(entries, longest=1)
    shift = distance_of(entries, first, last) / np.sqrt(entries.length[first] * entries.length[last])
    moved = (shift > 0.3) & (shift > 2 * usual(entries.track[first], shift))
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
            reason = f"{name_of(entries, track)} and {name_of(entries, other)} seem to change places in frame {frame}"
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
        whom = name_of(entries, other) if other else "a new object"
        reason = f"The model hesitated in frame {frame} whether this is {name_of(entries, track)} or {whom}"
        remedy = {"op": "swap", "first": track, "second": other, "start": frame} if other else None
        severity = 0.5 + 0.4 * (1 - max(float(margins.margin[i]), 0) / HESITATION)
        found.append(Suspicion("hesitation", track, other, frame, frame + 1, severity, reason, remedy))
    return worst_nearby(found)


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
            f"{name_of(entries, other)} begins in frame {begin[b]} where {name_of(entries, track)} ends in frame {end[a]}: "
            "the same object?"
        )
        remedy = {"op": "merge", "into": track, "tracks": [other]}
        found.append(
            Suspicion("same", track, other, int(end[a]), int(begin[b]) + 1, 0.6 + 0.3 * (1 - fit), reason, remedy)
        )
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
        reason = f"{name_of(entries, track)} and {name_of(entries, other)} overlap by {part:.0%} in frame {frame}"
        severity = 0.35 + 0.5 * min(part, 1.0)
        found.append(Suspicion("overlap", track, other, frame, frame + 1, severity, _until(reason, begin, end)))
    return found


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


def _until(reason: str, begin: int, end: int) -> str:
    return reason if begin == end else f"{reason} (they are close in the frames {begin} to {end})"
