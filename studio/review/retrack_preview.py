"""What tracking again would make of a video, for people: in words, in numbers, and as the spans of a timeline.

Reads a `Change` (`retracking.py`); computes nothing anew.
"""

from typing import TYPE_CHECKING, Any

from studio.palette import track_color
from studio.review.view import Span

if TYPE_CHECKING:
    from studio.review.retracking import Change


def numbers(made: "Change") -> dict[str, int]:
    """How many tracks, masks and verified tracks come out of it, and how many there are now.

    moved: masks that go to another track; dropped, added: that are shown no more, or were not yet. unchanged: verified tracks that
    show what they show now.
    """
    leaving, coming, touched = set(), set(), set()
    for track, frame, now, then in made.differences(made.before):
        touched.add(track)
        if now != (None, None):
            leaving.add((now, frame))
        if then != (None, None):
            coming.add((then, frame))
    verified = {track for track, kept in made.said.kept.items() if any(cell.verified for cell in kept.values())}
    return {
        "tracks_now": sum(_has_mask(made, track, made.now) for track in made.shown),
        "tracks": sum(_has_mask(made, track, made.after) for track in made.after),
        "moved": len(leaving & coming),
        "dropped": len(leaving - coming),
        "added": len(coming - leaving),
        "verified_tracks": len(verified),
        "unchanged": len(verified - touched),
        "missed": made.missed,
    }


def words(made: "Change") -> str:
    """The same in a sentence without its end."""
    count = numbers(made)
    tracks, now = count["tracks"], count["tracks_now"]
    parts = [f"{_many(tracks, 'track')} as before" if tracks == now else f"{_many(tracks, 'track')} instead of {now}"]
    for name, verb in (("moved", "to another track"), ("dropped", "dropped"), ("added", "added")):
        if count[name]:
            parts.append(f"{_many(count[name], 'mask')} {verb}")
    if count["verified_tracks"]:
        parts.append(f"{count['unchanged']} of {_many(count['verified_tracks'], 'verified track')} unchanged")
    if count["missed"]:
        parts.append(f"{_many(count['missed'], 'mask')} of yours where the model saw nothing")
    where = f"in the first {made.frames} of {made.length} frames: " if made.frames < made.length else ""
    return where + "; ".join(parts)


def spans(made: "Change") -> dict[int, list[Span]]:
    """Per track the spans of frames in which it would have masks, with their source, as `view.timeline` gives them."""
    found = {}
    for track, cells in made.after.items():
        kept = made.said.kept.get(track, {})
        own = {frame: cell.source for frame, cell in kept.items() if cell.source and frame < made.frames}
        if sources := dict.fromkeys(cells, "model") | own:
            found[track] = _joined(sources)
    return found


def verified_spans(made: "Change") -> dict[int, list[tuple[int, int]]]:
    """Per track the spans of frames in which its mask is verified, as `view.verified_spans` gives them."""
    found = {}
    for track in made.after:
        kept = made.said.kept.get(track, {})
        if verified := {frame: "" for frame, cell in kept.items() if cell.verified and frame < made.frames}:
            found[track] = [(start, stop) for start, stop, _ in _joined(verified)]
    return found


def _joined(sources: dict[int, str]) -> list[Span]:
    """Frames with a source each as spans."""
    joined: list[Span] = []
    for frame in sorted(sources):
        if joined and joined[-1][1:] == (frame, sources[frame]):
            joined[-1] = (joined[-1][0], frame + 1, sources[frame])
        else:
            joined.append((frame, frame + 1, sources[frame]))
    return joined


def newcomers(made: "Change", names: dict[int, str]) -> list[dict[str, Any]]:
    """The tracks that would be new: number, category and colour."""
    return [
        {
            "track": track,
            "category": birth.learnt.name if birth.learnt else names[birth.category_id or 0],
            "score": birth.score,
            "color": track_color(-track),
        }
        for track, birth in made.births.items()
    ]


def _has_mask(made: "Change", track: int, cells: dict[int, Any]) -> bool:
    kept = made.said.kept.get(track, {})
    return bool(cells.get(track)) or any(cell.source and frame < made.frames for frame, cell in kept.items())


def _many(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
