"""What a suspicious moment is, and what the searches for them share.

The thresholds are in units that do not depend on the video: a jump is measured in lengths of the object and against what the track
usually does.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from studio.review.moments import Shown

NEARBY = 5  # frames; of several moments of one kind so close together the worst is told

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


def badness(suspicion: Suspicion) -> tuple[float, int, int]:
    """By this they are sorted: the worst first, then by frame and track."""
    return (-suspicion.severity, suspicion.frame, suspicion.track)


def worst_nearby(found: Sequence[Suspicion]) -> list[Suspicion]:
    """Of moments of one track within a few frames the worst."""
    kept: list[Suspicion] = []
    for suspicion in sorted(found, key=lambda s: (s.track, s.frame)):
        if kept and kept[-1].track == suspicion.track and suspicion.frame - kept[-1].frame <= NEARBY:
            kept[-1] = min(kept[-1], suspicion, key=badness)
        else:
            kept.append(suspicion)
    return [replace(s, severity=round(s.severity, 3)) for s in kept]


def steps(entries: Shown, longest: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of entries of one track that follow each other, at most `longest` frames apart."""
    first, last = np.arange(len(entries.track) - 1), np.arange(1, len(entries.track))
    close = (entries.track[first] == entries.track[last]) & (entries.frame[last] - entries.frame[first] <= longest)
    return first[close], last[close]


def distance_of(entries: Shown, first: NDArray[np.int64], last: NDArray[np.int64]) -> Floats:
    center = entries.center
    return np.asarray(np.linalg.norm(center[last] - center[first], axis=1))


def usual(track: NDArray[np.int64], values: Floats) -> Floats:
    """For every value the median of its track's values. track: sorted."""
    order = np.lexsort([values, track])
    _, start, count = np.unique(track, return_index=True, return_counts=True)
    return np.repeat(values[order][start + count // 2], count) if len(values) else values


def name_of(entries: Shown, track: int) -> str:
    return str(entries.tracks[track]["name"])
