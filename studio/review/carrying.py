"""Operations that carry an object to other frames by what the model saw there: no second model, no drawing.

`accept` makes a candidate a mask of a track, `carry` starts from a mask that a track has. Both follow the object through the stored
detections (`engine/propagate.py`) and put what they find in the track's cells, as `propagated`. Verified masks stay. Where another
track shows the object already, it is left to that one or taken from it, as the person says. The object is followed before the
operation takes the database's write lock. That takes a third of a millisecond a frame, so it is done once: if somebody changes the
video meanwhile, only what is found is compared with what is shown then.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from engine.anchors import Anchor
from engine.masks import RLE, area
from engine.propagate import propagate
from studio.review import candidates, cells, shapes, view
from studio.review.candidates import Seen
from studio.review.cells import Drawn, Range
from studio.review.plan import Birth, Operation, Plan, Scene
from studio.store import detections, library
from studio.store.database import Row
from studio.store.errors import Conflict, Invalid

# Where another track shows the object already: it keeps it, or gives it to the one that it is carried to.
TakenRule = Literal["leave", "take"]
NEW = -1  # the track that `accept` makes


@dataclass
class Carried:
    """What following an object found. followed: the first and the last frame in which it was seen, the one it began in included.

    met: by other track the frames in which that shows the object; taken: those of them in which it loses it; spared: verified
    masks of the track itself that stay; unfinished: patience ended before the object was lost.
    """

    followed: tuple[int, int]
    masks: list[Drawn] = field(default_factory=list)
    met: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    taken: list[tuple[int, int]] = field(default_factory=list)
    spared: int = 0
    unfinished: bool = False

    def lay_out(self, scene: Scene) -> None:
        """Plan it."""
        cells.plan_drawn(scene.database, self.masks)
        cells.plan_drawn(scene.database, [Drawn(track, frame, None, "user", False) for track, frame in self.taken])

    @property
    def losers(self) -> list[int]:
        """The tracks that lose masks."""
        return sorted({track for track, _ in self.taken})

    def words(self, scene: Scene) -> str:
        """What becomes of the frames that other tracks have."""
        met = {(track, frame) for track, frames in self.met.items() for frame in frames}
        parts = [("left to", sorted(met.difference(self.taken))), ("taken from", sorted(self.taken))]
        named = [
            (len(cells), verb, scene.names(sorted({track for track, _ in cells}))) for verb, cells in parts if cells
        ]
        return "".join(f", {count} of them {verb} {names}" for count, verb, names in named)


def accept(
    frame: int,
    query: int,
    track: int | None = None,
    category_id: int | None = None,
    start: int | None = None,
    stop: int | None = None,
    expected_rev: int | None = None,
    taken: TakenRule = "leave",
) -> Operation:
    """What a query of the net shows in `frame` becomes a mask of a track (None: a new one), carried through start..stop - 1.

    category_id: of a new track, None: the candidate's own. `expected_rev`: of the track's mask that the person saw, 0 for none.
    """
    follower = Follower()

    def plan(scene: Scene) -> Plan:
        seen = candidates.seen(scene.database, scene.video, scene.frame(frame))
        place = seen.place(query)
        rle, target = seen.mask(place), NEW if track is None else scene.track(track)["id"]
        frames = scene.range(start, stop)
        if not frames.start <= frame < frames.stop:
            raise Invalid(
                f"Frame {frame} is none of the frames {frames.start} to {frames.stop - 1} to carry the object to."
            )
        if not area(rle):
            raise Invalid(f"The model's query {query} covers no pixel of frame {frame}.")
        owner = _owner(scene, seen.known_as(place), target, taken)
        if expected_rev is not None:
            shapes.set_mask(target, frame, rle["counts"], expected_rev)(scene)
        found = follower.carry(scene, Anchor(frame, rle, target), frames, taken)
        found.lay_out(scene)
        here = [Drawn(target, frame, rle["counts"], "user", True)]  # a person looks at this one
        cells.plan_drawn(scene.database, [*here, *(Drawn(other, frame, None, "user", False) for other in owner)])
        births, name = {}, f"Set {scene.name(track)}" if track is not None else ""
        if track is None:
            births[NEW], category = _birth(scene, seen, place, category_id)
            name = f"New {category}"
        first, last = found.followed
        further = " or further" if found.unfinished else ""
        carried = f", carried to the frames {first} to {last}{further}{found.words(scene)}" if first < last else ""
        return Plan(
            op="accept",
            args={"frame": frame, "query": query},
            summary=f"{name} in frame {frame}{carried}",
            tracks=list(dict.fromkeys([target, *owner, *found.losers])),
            frames=Range(first, last + 1),
            births=births,
            spared=found.spared,
            overlaps=sorted({place for frames in found.met.values() for place in frames}),
            unfinished=found.unfinished,
        )

    return plan


def carry(track: int, frame: int, stop: int, taken: TakenRule = "take") -> Operation:
    """The mask of a track in `frame` carried up to the frame before `stop`; back to frame `stop` where that lies before `frame`."""
    follower = Follower()

    def plan(scene: Scene) -> Plan:
        name, forward = scene.name(track), stop > frame
        frames = scene.range(frame, stop) if forward else scene.range(stop, frame + 1)
        if frames.stop - frames.start < 2:
            raise Invalid(f"There is no frame to carry {name} to: choose another end than frame {frame}.")
        shown = view.mask(scene.database, scene.video["id"], track, scene.frame(frame))
        if shown is None:
            raise Invalid(f"{name} has no mask in frame {frame} to carry to other frames. Draw it there first.")
        anchor = Anchor(frame, {"size": list(scene.size), "counts": shown["counts"]}, track)
        found = follower.carry(scene, anchor, frames, taken)
        first, last = found.followed
        if first == last and not found.unfinished:
            where = f"{'after' if forward else 'before'} frame {frame}"
            raise Conflict(f"The model does not see {name} again {where}, so there is nothing to carry it to.")
        if not found.masks and not found.met and not found.unfinished:
            kept = f", and {found.spared} verified stay" if found.spared else ""
            raise Invalid(
                f"There is nothing to carry: {name} shows what the model sees in the frames {first} to {last} already"
                f"{kept}."
            )
        found.lay_out(scene)
        reach = f"on to frame {last}" if forward else f"back to frame {first}"
        reach += " or further" if found.unfinished else ""
        return Plan(
            op="propagate",
            args={"track": track, "frame": frame, "stop": stop},
            summary=f"Carried {name} from frame {frame} {reach}{found.words(scene)}",
            tracks=[track, *found.losers],
            frames=Range(first, last + 1),
            spared=found.spared,
            overlaps=sorted({place for frames in found.met.values() for place in frames}),
            unfinished=found.unfinished,
        )

    return plan


class Follower:
    """Follows an object once, however often what comes of it is planned: detections do not change."""

    def __init__(self) -> None:
        self._asked: tuple[Anchor, Range] | None = None
        self._masks: dict[int, RLE] = {}
        self._unfinished = False
        self._carried: tuple[int, Carried] | None = None  # with the video's revision

    def carry(self, scene: Scene, anchor: Anchor, frames: Range, taken: TakenRule) -> Carried:
        """Where the anchor's object is in the frames before and after its own, and whose it is there now."""
        if self._asked != (anchor, frames):
            self._unfinished = not self._follow(scene, anchor, frames)
            self._asked, self._carried = (anchor, frames), None
        if self._carried is None or self._carried[0] != scene.video["rev"]:
            self._carried = scene.video["rev"], _compare(scene, anchor, self._masks, taken)
        self._carried[1].unfinished = self._unfinished
        return self._carried[1]

    def _follow(self, scene: Scene, anchor: Anchor, frames: Range) -> bool:
        """Find the object in the frames; False if patience ended before."""
        blobs = detections.shown(scene.database, scene.video)
        config, last, done = blobs.tracking.config, min(frames.stop, len(blobs)) - 1, 0
        self._masks = {}
        for end in (frames.start, last):
            if end == anchor.frame:
                continue
            for found in propagate(blobs, anchor, end, config):
                if found.rle is not None and area(found.rle):
                    self._masks[found.frame] = found.rle
                done += 1
                if not scene.patience(done, last - frames.start):
                    return False
        return True


def _compare(scene: Scene, anchor: Anchor, masks: Mapping[int, RLE], taken: TakenRule) -> Carried:
    """What it would change to show these masks of the anchor's object, by frame."""
    everywhere = [anchor.frame, *masks]
    carried = Carried((min(everywhere), max(everywhere)))
    shown = _shown(scene, Range(carried.followed[0], carried.followed[1] + 1))
    for frame, rle in sorted(masks.items()):
        own = next((mask for mask in shown[frame] if mask["track"] == anchor.track_id), None)
        other = candidates.same_object(rle, [mask for mask in shown[frame] if mask["track"] != anchor.track_id])
        if own and own["verified"]:
            carried.spared += 1
            continue
        if other:
            carried.met[other["track"]].append(frame)
            if taken == "leave" or other["verified"]:
                continue
            carried.taken.append((other["track"], frame))
        if own is None or own["counts"] != rle["counts"]:
            carried.masks.append(Drawn(anchor.track_id, frame, rle["counts"], "propagated", False))
    return carried


def _shown(scene: Scene, frames: Range) -> dict[int, list[Row]]:
    found: dict[int, list[Row]] = defaultdict(list)
    for mask in view.masks(scene.database, scene.video["id"], frames.start, frames.stop):
        found[mask["frame"]].append(mask)
    return found


def _owner(scene: Scene, known: Row | None, target: int, taken: TakenRule) -> list[int]:
    """The track, if any, that has to give the candidate away; Conflict if it does not."""
    if known is None or known["track"] == target:
        return []
    if taken == "leave" or known["verified"]:
        why = ", and a person has verified it" if known["verified"] else ""
        raise Conflict(f"This object is {scene.name(known['track'])} already{why}. Swap or merge the two instead.")
    return [known["track"]]


def _birth(scene: Scene, seen: Seen, place: int, category_id: int | None) -> tuple[Birth, str]:
    """The track that a candidate becomes, and the name of its category."""
    if category_id is not None:
        category = library.category(scene.database, scene.video["project_id"], category_id)
        return Birth(category_id, seen.score(place)), category["name"]
    known, said = seen.category_id(place), seen.category(place)
    return Birth(known, seen.score(place), None if known else said), said.name
