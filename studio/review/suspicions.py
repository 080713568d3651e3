"""The search for suspicious moments of a video: all kinds together, the worst first.

Each moment has its reason in words and, where there is one, the operation that would mend it. The kinds are in
`track_suspicions.py` and `pair_suspicions.py`.
"""

from studio.review.moments import Shown
from studio.review.pair_suspicions import SharedPart, exchanged, hesitations, overlaps, same_looks
from studio.review.suspicion import Margins, Suspicion, badness
from studio.review.track_suspicions import departures, flickers, low_scores, short_tracks, sudden_changes

MOST_OF_A_KIND = 500


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
    worst = [s for kind in found for s in sorted(kind, key=badness)[:MOST_OF_A_KIND]]
    return sorted(worst, key=badness)
