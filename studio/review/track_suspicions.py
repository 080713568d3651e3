"""Suspicious moments of single tracks: sudden changes, flicker, low scores, short tracks, ends in the midst of the picture.

Pure functions from what is shown to lists of `Suspicion`, one for each kind, in a few passes over the entries. A moment whose
masks a person has verified is never suspicious.
"""

from itertools import pairwise

import numpy as np

from studio.review.moments import Shown
from studio.review.suspicion import NEARBY, Suspicion, distance_of, name_of, steps, usual, worst_nearby

JUMP = 0.75  # lengths of the object, from a frame to the next
UNUSUAL = 5.0  # times what the track usually does
AREA_JUMP = 2.0  # times the area
FLICKER_GAP = 8  # frames
LOW_SCORE = 0.3
SHORT = 5  # frames


def sudden_changes(entries: Shown) -> list[Suspicion]:
    """Tracks that from one frame to the next lie elsewhere, or are much larger or smaller, as they usually are not."""
    first, last = steps(entries, longest=2)
    length = np.sqrt(entries.length[first] * entries.length[last])
    shift = distance_of(entries, first, last) / length / (entries.frame[last] - entries.frame[first])
    areas = entries.record["area"].astype(np.float64)
    ratio = np.abs(np.log(np.maximum(areas[last], 1) / np.maximum(areas[first], 1)))
    border = entries.at_border
    limit = np.where(border[first] | border[last], np.log(2 * AREA_JUMP), np.log(AREA_JUMP))
    far = (shift > JUMP) & (shift > UNUSUAL * usual(entries.track[first], shift))
    other_size = (ratio > limit) & (ratio > UNUSUAL * usual(entries.track[first], ratio))
    seen = ~(entries.verified[first] & entries.verified[last])
    found = []
    for i in np.flatnonzero((far | other_size) & seen):
        track, frame = int(entries.track[last[i]]), int(entries.frame[last[i]])
        name = name_of(entries, track)
        if far[i]:
            severity = min(0.55 + 0.1 * float(shift[i]), 0.9)
            reason = f"{name} jumps by {shift[i]:.1f} times its own length to frame {frame}"
            found.append(Suspicion("jump", track, None, frame, frame + 1, severity, reason))
        else:
            grown = "larger" if areas[last[i]] > areas[first[i]] else "smaller"
            severity = min(0.4 + 0.15 * float(ratio[i]), 0.85)
            reason = f"{name} is suddenly {np.exp(ratio[i]):.1f} times {grown} in frame {frame}"
            found.append(Suspicion("area", track, None, frame, frame + 1, severity, reason))
    return worst_nearby(found)


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
        name = name_of(entries, track)
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
        reason = f"{name_of(entries, track)} ends in frame {frame} in the midst of the picture"
        found.append(Suspicion("departure", track, None, frame, frame + 1, severity, reason))
    return found
