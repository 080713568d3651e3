"""Suspicious moments of single tracks: sudden changes, flicker, low scores, short tracks, ends in the middle of the picture.

Pure functions from what is shown to lists of `Suspicion`, one for each kind, in a few passes over the entries. A moment whose
masks a person has verified is never suspicious.
"""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from studio.review.moments import Shown
from studio.review.suspicion import NEARBY, Suspicion, distance_of, name_of, steps, usual, worst_nearby

JUMP = 0.75  # lengths of the object, from a frame to the next
UNUSUAL = 5.0  # times what the track usually does
AREA_JUMP = 2.0  # times the area
EXPLAINED_JUMP = 1.5  # lengths, where the border or another object may be the reason
EXPLAINED_AREA_JUMP = 4.0  # times the area, likewise
FLICKER_GAP = 8  # frames
LOW_SCORE = 0.3
SHORT = 5  # frames
FADED = 0.6  # of the length that a mask had lately
PACE = 5  # frames over which the pace of a leaving object is taken
SOON = 8  # frames within which it has to be gone, or back at its size
SWOLLEN = 0.3  # of the growth may be left of it


def sudden_changes(entries: Shown) -> list[Suspicion]:
    """Tracks that from one frame to the next lie elsewhere, or are much larger or smaller, as they usually are not.

    At the border of the picture, and where another object lies before or behind it, a mask may well change at once. There only
    what is undone by the next frame is suspicious, or a change that is far too large; amid others also masks that swell, as
    what lies in front of an object can only make it smaller.
    """
    first, last = steps(entries, longest=2)
    length = np.sqrt(entries.length[first] * entries.length[last])
    shift = distance_of(entries, first, last) / length / (entries.frame[last] - entries.frame[first])
    growth = np.log(np.maximum(entries.record["area"], 1).astype(np.float64))
    growth = growth[last] - growth[first]
    ratio = np.abs(growth)
    far = (shift > JUMP) & (shift > UNUSUAL * usual(entries.track[first], shift))
    other_size = (ratio > np.log(AREA_JUMP)) & (ratio > UNUSUAL * usual(entries.track[first], ratio))
    seen = ~(entries.verified[first] & entries.verified[last])
    border = entries.at_border[first] | entries.at_border[last]
    found = []
    for i in np.flatnonzero((far | other_size) & seen):
        track, frame = int(entries.track[last[i]]), int(entries.frame[last[i]])
        name = name_of(entries, track)
        again = i + 1 < len(first) and first[i + 1] == last[i]  # the step after this one
        jumps = far[i] and (shift[i] > EXPLAINED_JUMP or (again and far[i + 1]))
        resizes = other_size[i] and again and ratio[i + 1] > ratio[i] / 2 and growth[i + 1] * growth[i] < 0
        back = swollen_until(growth, first, last, int(i)) if other_size[i] and not border[i] else None
        resizes = resizes or back is not None
        if not (jumps or resizes) and (border[i] or crowded(entries, first[i]) or crowded(entries, last[i])):
            jumps = False
            resizes = not border[i] and other_size[i] and ratio[i] > np.log(EXPLAINED_AREA_JUMP)
        else:
            jumps, resizes = far[i], other_size[i]
        if jumps:
            severity = min(0.55 + 0.1 * float(shift[i]), 0.9)
            reason = f"{name} jumps by {shift[i]:.1f} times its own length to frame {frame}"
            found.append(Suspicion("jump", track, None, frame, frame + 1, severity, reason))
        elif resizes:
            grown = "larger" if growth[i] > 0 else "smaller"
            severity = min(0.4 + 0.15 * float(ratio[i]), 0.85)
            begin, end = int(entries.frame[first[i]]), frame + 1
            remedy = None
            if back is not None:
                end = int(entries.frame[last[back]])
                remedy = {"op": "interpolate", "tracks": [track], "start": begin, "stop": end}
            where = f"in frame {frame}" if end == frame + 1 else f"in the frames {frame} to {end - 1}"
            reason = f"{name} is suddenly {np.exp(ratio[i]):.1f} times {grown} {where}"
            found.append(Suspicion("area", track, None, frame, end, severity, reason, remedy))
    return worst_nearby(found)


def swollen_until(
    growth: NDArray[np.float64], first: NDArray[np.int64], last: NDArray[np.int64], step: int
) -> int | None:
    """The step with which a mask that grows at `step` is soon back at its size. growth: logarithm of the areas' ratio of each."""
    since = growth[step]
    for later in range(step + 1, min(step + 1 + SOON, len(first))):
        if growth[step] < 0 or first[later] != last[later - 1]:
            return None
        since += growth[later]
        if abs(since) < SWOLLEN * growth[step]:
            return later
    return None


def flickers(entries: Shown) -> list[Suspicion]:
    """Tracks that are missing for some frames and come back.

    Where masks on both sides are verified, only a gap beside a drawn one is suspicious: whoever verifies what a model found has
    seen the gap, whoever draws mask after mask may forget one. What somebody has emptied is said, not forgotten.
    """
    first, last = np.arange(len(entries.track) - 1), np.arange(1, len(entries.track))
    gap = entries.frame[last] - entries.frame[first] - 1
    missing = (entries.track[first] == entries.track[last]) & (gap > 0) & (gap <= FLICKER_GAP)
    checked = entries.verified[first] & entries.verified[last]
    drawn = np.isnan(entries.record["score"])
    emptied = np.diff(np.searchsorted(entries.emptied, entries.cell)) > 0
    missing &= ~checked | ((drawn[first] | drawn[last]) & ~emptied)
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
        name = name_of(entries, track)
        if len(group) == 1:
            frames = f"frame {begin + 1}" if end - begin == 2 else f"the frames {begin + 1} to {end - 1}"
            # what a model misses for a moment has mostly gone behind something
            remedy = {"op": "interpolate", "tracks": [track], "start": begin, "stop": end, "behind": True}
            reason = f"{name} is missing in {frames}"
            if checked[group[0]]:
                reason += " between two masks that a person drew or verified: hidden, or forgotten?"
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
        reason = f"The model is not sure of {name_of(entries, track)} {where}: its score falls to {score:.2f}"
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
        reason = f"{name_of(entries, track)} is there in {frames} only"
        severity = 0.3 + 0.25 * (1 - (stop - start) / (SHORT + 1))
        remedy = {"op": "delete", "tracks": [track]}
        found.append(Suspicion("short", track, None, begin, end + 1, float(severity), reason, remedy))
    return found


def departures(entries: Shown) -> list[Suspicion]:
    """Tracks that end before the video does and are not about to leave the picture."""
    border, length = entries.at_border, entries.length
    found = []
    for start, stop in pairwise(entries.bounds):
        last = stop - 1
        frame = int(entries.frame[last])
        if frame + 1 >= entries.video["length"] or entries.verified[last] or stop - start <= SHORT:
            continue
        # What goes behind another thing, or out of the picture, shrinks first.
        faded = float(length[last] / np.median(length[max(start, stop - 15) : stop]))
        if border[last] and (faded < FADED or leaving(entries, int(start), int(last))):
            continue
        severity = 0.3 + 0.2 * min(faded, 1.0) - (0.1 if border[last] else 0.0)
        track = int(entries.track[last])
        where = "at the border, though it was not leaving" if border[last] else "in the middle of the picture"
        reason = f"{name_of(entries, track)} ends in frame {frame} {where}"
        found.append(Suspicion("departure", track, None, frame, frame + 1, severity, reason))
    return found


def leaving(entries: Shown, start: int, last: int) -> bool:
    """Whether a track whose last mask is at the border of the picture goes over it within some frames at its latest pace."""
    before = max(start, last - PACE)
    frames = max(int(entries.frame[last] - entries.frame[before]), 1)
    width, height = entries.video["width"], entries.video["height"]
    (x0, y0, x1, y1), was = entries.box[last], entries.box[before]
    left, top, right, bottom = (entries.box[last] - was) / frames  # pixels a frame
    touching = 0.01 * np.array([width, height]) + 1
    out = (
        (x0 <= touching[0], -right, x1),  # which side, how fast its inner edge goes there, how far it has to go
        (y0 <= touching[1], -bottom, y1),
        (x1 >= width - touching[0], left, width - x0),
        (y1 >= height - touching[1], top, height - y0),
    )
    return any(at and pace * SOON >= room for at, pace, room in out)


def crowded(entries: Shown, place: int) -> bool:
    """Whether the box of another track reaches into the box of this mask."""
    order, frames = entries.by_frame
    low, high = np.searchsorted(frames, [entries.frame[place], entries.frame[place] + 1])
    here = order[low:high]
    inner = np.minimum(entries.box[here, 2:], entries.box[place, 2:]) - np.maximum(
        entries.box[here, :2], entries.box[place, :2]
    )
    return bool(((inner > 0).all(axis=1) & (here != place)).any())
