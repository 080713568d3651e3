"""Taking over what another run of a model found, in the place of what nobody touched: one operation, one step of undo.

What people drew, moved, emptied or verified stays as it is, and so does a track that they deleted: no mask comes to lie where
one of these does. Cells refer to the predictions of the other run, so no mask is copied. A shown track that is the same object as
one of the run keeps its number; tracks that the run has more are made, those that it lacks are hidden. What is the same object,
`run_comparison.py` says.
"""

from collections import defaultdict
from dataclasses import dataclass, field
from itertools import count

from engine.anchors import LEAST_OVERLAP
from studio.review import cells, statements
from studio.review.cells import Cell, Range
from studio.review.log import MOST_REHEARSALS
from studio.review.plan import Birth, Operation, Plan, Scene
from studio.review.run_comparison import Comparison, compare
from studio.review.statements import BY_TRACKER, Statements
from studio.store.errors import Conflict

BY_MACHINE = ("retrack", "take_over")  # what these did may be replaced


@dataclass(frozen=True)
class Wanted:
    """What is to be taken over, in the frames start..stop - 1 or all.

    pair: one object alone, as its shown track and its track in the run; None where a side has none. None: all objects.
    """

    run_id: int
    start: int | None = None
    stop: int | None = None
    pair: tuple[int | None, int | None] | None = None


@dataclass
class Change:
    """What taking over makes different. kept: how many masks of people stay where something else would come or go."""

    cells: list[Cell] = field(default_factory=list)
    births: dict[int, Birth] = field(default_factory=dict)
    states: dict[int, dict[str, int | None]] = field(default_factory=dict)
    kept: int = 0

    @property
    def hidden(self) -> list[int]:
        """The tracks that the run has not found."""
        return [track for track, values in self.states.items() if "deleted" in values]

    @property
    def words(self) -> str:
        """It in words."""
        masks = sum(cell.origin is not None for cell in self.cells)
        counts = (
            (masks, "mask", "masks"),
            (len(self.births), "new track", "new tracks"),
            (len(self.hidden), "track gone", "tracks gone"),
            (len(self.cells) - masks, "mask gone", "masks gone"),
            (self.kept, "of yours kept", "of yours kept"),
        )
        return ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts if count) or "nothing"


def take_over(wanted: Wanted) -> Operation:
    """Show what a run predicted wherever nobody has said what is there."""
    known: dict[int, Comparison] = {}  # the latest, by the rev of the video
    attempts = count(1)

    def plan(scene: Scene) -> Plan:
        scene.need_settled("Take another run over")
        rev = scene.video["rev"]
        if rev not in known:
            if next(attempts) > MOST_REHEARSALS:  # to compare anew under the write lock would hold up everybody
                raise Conflict("The video was changed again and again meanwhile. Wait for that to end and try again.")
            known.clear()
            known[rev] = compare(scene.database, scene.video, wanted.run_id, scene.patience)
        found = known[rev]
        if found.run["state"] in ("queued", "running"):
            raise Conflict("That run is still under way. Take it over when it is done.")
        frames = scene.range(wanted.start, wanted.stop)
        made = _change(scene, found, wanted, frames)
        cells.plan_cells(scene.database, made.cells)
        touched = {cell.track_id for cell in made.cells} | made.states.keys()
        everything = bool(made.states) or scene.is_whole(frames)
        where = "" if everything else f" {scene.words(frames)}"
        return Plan(
            op="take_over",
            args={"run": wanted.run_id},
            summary=f"Took over from {found.run['model'] or 'a run by hand'}{where}: {made.words}",
            tracks=sorted(touched),
            frames=None if everything else frames,
            states=made.states,
            births=made.births,
            touches=[(made.hidden, scene.everywhere)] if made.hidden and not made.cells else (),
            unfinished=found.frames < found.reach,
        )

    return plan


def _change(scene: Scene, found: Comparison, wanted: Wanted, frames: Range) -> Change:
    said = statements.read(scene.database, scene.video, BY_MACHINE)
    occupied = _occupied(found, said)
    made, whole = Change(), scene.is_whole(frames)
    for now, then in found.couples():
        if wanted.pair not in (None, (now, then)):
            continue
        seen = found.found[then] - occupied[then] if then is not None else set()
        coming = {frame for frame in seen if frames.start <= frame < frames.stop}
        if now is None:
            _bear(made, found, then, coming)
        elif whole and not coming and _may_hide(found, said, now):
            made.states[now] = {"deleted": BY_TRACKER}
        else:
            leaving = {frame for frame in found.shown[now] if frames.start <= frame < frames.stop}
            _replace(made, said, now, then, coming, leaving)
            if whole and then is not None and not said.worked_on(said.tracks[now]):
                _rename(made, found, now, then)
    return made


def _occupied(found: Comparison, said: Statements) -> dict[int, set[int]]:
    """By track of the run the frames in which its object is one that people said something of."""
    occupied = defaultdict(set, {track: set(frames) for track, frames in found.thrown_away.items()})
    for (now, then), values in found.overlap.items():
        kept = said.kept.get(now, {})
        occupied[then] |= {frame for frame, value in values.items() if value >= LEAST_OVERLAP and frame in kept}
    return occupied


def _bear(made: Change, found: Comparison, then: int | None, coming: set[int]) -> None:
    """A new track for an object that is not shown yet."""
    if then is None or not coming:
        return
    key, row = -1 - len(made.births), found.then[then]
    made.births[key] = Birth(row["category_id"], row["score"], source="model")
    made.cells += [Cell(key, frame, origin=then) for frame in sorted(coming)]


def _may_hide(found: Comparison, said: Statements, now: int) -> bool:
    """Whether a track may go as a whole: nobody worked on it, and the run has come as far as it lasts."""
    last = found.now[now]["last"]
    return not said.worked_on(said.tracks[now]) and (last is None or last < found.frames)


def _replace(made: Change, said: Statements, now: int, then: int | None, coming: set[int], leaving: set[int]) -> None:
    """Other masks for a shown track, where people left it to the model."""
    kept, tracked = said.kept.get(now, {}), said.tracked.get(now, {})
    end = said.tracks[now]["ends_before"]
    for frame in sorted(coming | leaving):
        if frame in kept:
            made.kept += 1
        elif end is None or frame < end:
            cell = Cell(now, frame, origin=then if frame in coming else None)
            if tracked.get(frame) != (cell.origin, None):
                made.cells.append(cell)


def _rename(made: Change, found: Comparison, now: int, then: int) -> None:
    category = found.then[then]["category_id"]
    if category != found.now[now]["category_id"]:
        made.states[now] = {"category_id": category}
