"""Operations that draw: a person's mask, copies, moved and scaled ones, tools on pixels, what lies between two keyframes, and masks
put behind others.

Pixels are worked on before the operation takes the database's write lock, and again inside it only if somebody changed the video
meanwhile. A mask that was made for one frame a person has looked at, so it is verified; where many frames are done at once they
are not, and a mask that was keeps its mark.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np

from engine.masks import BoolMask, area, decode, encode
from studio.review import cells, mask_tools, occlusion, view
from studio.review.cells import Drawn, Range
from studio.review.plan import Operation, Plan, Scene
from studio.store.database import Row
from studio.store.errors import Conflict, Invalid, NotFound

Tool = Literal["fill_holes", "remove_specks", "grow", "shrink", "smooth"]
TOOLS: dict[Tool, tuple[str, Callable[[BoolMask, float], BoolMask]]] = {  # what it did to {}, and how
    "fill_holes": ("Filled the holes of {}", lambda mask, _: mask_tools.fill_holes(mask)),
    "remove_specks": ("Removed the specks of {}", lambda mask, amount: mask_tools.remove_specks(mask, int(amount))),
    "grow": ("Grew {}", mask_tools.grow),
    "shrink": ("Shrank {}", mask_tools.shrink),
    "smooth": ("Smoothed {}", mask_tools.smooth),
}
MOST_DRAWN = 100_000  # masks that one operation may draw: their codes are held until all are there

Change = Callable[[Scene, int, BoolMask], BoolMask]  # of the mask that a track has in a frame


class Redrawn(NamedTuple):
    """Masks that an operation worked out; unfinished: patience ended before the last."""

    masks: list[Drawn]
    unfinished: bool


def set_mask(track: int, frame: int, counts: str | None, expected_rev: int) -> Operation:
    """Put a mask (compressed RLE counts at the video's size) in a frame of a track; None says that nothing is there.

    `expected_rev` is the revision of the mask the person saw, 0 for none. Raises Conflict, carrying the current mask, if it is
    another one now.
    """

    def plan(scene: Scene) -> Plan:
        name = scene.name(track)
        scene.frame(frame)
        current = view.mask(scene.database, scene.video["id"], track, frame)
        if (current["rev"] if current else 0) != expected_rev:
            raise Conflict(
                f"The mask of track {track} in frame {frame} was changed by someone else meanwhile. Look at it and try again.",
                current,
            )
        if counts is None and current is None:
            raise NotFound(f"Track {track} has no mask in frame {frame}.")
        cells.plan_drawn(scene.database, [Drawn(track, frame, counts, "user", True)])
        verb = "Removed" if counts is None else "Changed" if current else "Drew"
        return Plan(
            op="delete_mask" if counts is None else "set_mask",
            args={"frame": frame},
            summary=f"{verb} {name} in frame {frame}",
            tracks=[track],
            frames=Range(frame, frame + 1),
        )

    return plan


def draw(
    track: int,
    frame: int,
    expected_rev: int,
    box: tuple[float, float, float, float] | None = None,
    polygons: Sequence[Sequence[tuple[float, float]]] = (),
) -> Operation:
    """Put a box (left, top, right, bottom) or polygons (points x, y), in pixels, as the mask in a frame of a track."""

    def plan(scene: Scene) -> Plan:
        mask = mask_tools.from_box(scene.size, *box) if box else mask_tools.from_polygons(scene.size, polygons)
        if not mask.any():
            raise Invalid("This covers no pixel of the picture.")
        return set_mask(track, frame, encode(mask)["counts"], expected_rev)(scene)

    return plan


def copy(tracks: Sequence[int], frame: int, start: int, stop: int | None, include_verified: bool = False) -> Operation:
    """The masks of `frame` again in the frames start..stop - 1."""

    def compute(scene: Scene) -> list[Drawn]:
        chosen, frames = scene.chosen(tracks), scene.range(start, stop)
        sources = list(_shown(scene, chosen, Range(scene.frame(frame), frame + 1)))
        targets = [place for place in range(frames.start, frames.stop) if place != frame]
        if not sources:
            raise Invalid(f"{scene.names(chosen)} has no mask in frame {frame} to copy.")
        if len(sources) * len(targets) > scene.video["length"] * 10:
            raise Invalid(
                f"That makes {len(sources) * len(targets)} masks, too many at once. Choose fewer frames or tracks."
            )
        alone = len(targets) == 1
        return [Drawn(mask["track"], place, mask["counts"], "user", alone) for mask in sources for place in targets]

    def plan(scene: Scene) -> Plan:
        cells.plan_drawn(scene.database, compute(scene))
        chosen, frames = scene.chosen(tracks), scene.range(start, stop)
        summary = f"Copied {scene.names(chosen)} from frame {frame} to {_to(frames)}"
        alone = frames.stop - frames.start == 1  # a person looks at it: there is nothing to protect
        return _drawn_plan(
            scene, "copy", {"frame": frame}, summary, chosen, frames, include_verified or alone, covers=True
        )

    return plan


def transform(
    tracks: Sequence[int],
    start: int | None,
    stop: int | None,
    dx: float,
    dy: float,
    scale: float,
    include_verified: bool = False,
) -> Operation:
    """Masks scaled about their middle and moved by dx to the right and dy down, in pixels."""
    if not 0.01 <= scale <= 100:
        raise Invalid(f"A mask cannot be scaled to {scale:g} times its size: between 0.01 and 100 is possible.")
    values = {"dx": dx, "dy": dy, "scale": scale}

    def change(scene: Scene, frame: int, mask: BoolMask) -> BoolMask:
        return mask_tools.move_and_scale(mask, dx, dy, scale)

    return _redraw("transform", values, "Moved {}", tracks, start, stop, change, include_verified)


def refine(
    tracks: Sequence[int],
    start: int | None,
    stop: int | None,
    tool: Tool,
    amount: float,
    include_verified: bool = False,
) -> Operation:
    """A tool on the pixels of masks; amount: a radius in pixels, for remove_specks an area in pixels."""
    words, work = TOOLS[tool]

    def change(scene: Scene, frame: int, mask: BoolMask) -> BoolMask:
        return work(mask, amount)

    values = {"tool": tool, "amount": amount}
    return _redraw("refine", values, words, tracks, start, stop, change, include_verified)


def put_behind(
    tracks: Sequence[int],
    start: int | None,
    stop: int | None,
    front: Sequence[int] | None = None,
    include_verified: bool = False,
) -> Operation:
    """Masks without what the tracks in front of them show, of which nothing changes; front None: all that are not chosen."""

    def change(scene: Scene, frame: int, mask: BoolMask) -> BoolMask:
        return mask & ~occlusion.others(scene, tracks, frame, front)

    words = "Put {} behind the others"
    return _redraw("put_behind", {"front": front}, words, tracks, start, stop, change, include_verified)


def interpolate(
    tracks: Sequence[int], start: int, stop: int, include_verified: bool = False, behind: bool = False
) -> Operation:
    """Masks for all frames between the keyframes `start` and `stop`, which both have one; verified ones stay.

    behind: the objects pass behind others, so what other tracks show is left out.
    """

    def compute(scene: Scene) -> Redrawn:
        chosen = scene.chosen(tracks)
        between = range(scene.frame(start) + 1, scene.frame(stop))
        amount = _checked_amount(len(between) * len(chosen))
        if not between:
            raise Invalid(f"There is no frame between {start} and {stop}.")
        ends = {
            (mask["track"], frame): mask
            for frame in (start, stop)
            for mask in _shown(scene, chosen, Range(frame, frame + 1))
        }
        for track in chosen:
            for frame in (start, stop):
                if (track, frame) not in ends:
                    raise Invalid(f"{scene.name(track)} has no mask in frame {frame}. Draw it there first.")
        found: list[Drawn] = []
        for track in chosen:
            first, last = (_pixels(scene, ends[track, frame]) for frame in (start, stop))
            fractions = [(frame - start) / (stop - start) for frame in between]
            for frame, mask in zip(between, mask_tools.interpolate(first, last, fractions), strict=True):
                free = mask & ~occlusion.others(scene, chosen, frame) if behind else mask
                found.append(_drawn(track, frame, free, "interpolated", False))
                if not scene.patience(len(found), amount):
                    return Redrawn(found, True)
        return Redrawn(found, False)

    return _prepared(
        compute,
        lambda scene, unfinished: _drawn_plan(
            scene,
            "interpolate",
            {"start": start, "stop": stop, "behind": behind},
            f"Interpolated {scene.names(scene.chosen(tracks))} between the frames {start} and {stop}"
            + (", without what other tracks show" if behind else ""),
            scene.chosen(tracks),
            Range(start + 1, stop),
            include_verified,
            covers=not behind,
            unfinished=unfinished,
        ),
    )


def place(op: str, summary: str, masks: Sequence[Drawn], include_verified: bool = False) -> Operation:
    """Masks that were computed elsewhere, such as propagated ones, in the cells of shown tracks; verified ones stay."""

    def plan(scene: Scene) -> Plan:
        chosen = scene.chosen([mask.track_id for mask in masks])
        frames = [scene.frame(mask.frame) for mask in masks]
        cells.plan_drawn(scene.database, masks)
        return _drawn_plan(scene, op, {}, summary, chosen, Range(min(frames), max(frames) + 1), include_verified)

    return plan


def _redraw(
    op: str,
    values: dict[str, Any],
    words: str,
    tracks: Sequence[int],
    start: int | None,
    stop: int | None,
    change: Change,
    include_verified: bool,
) -> Operation:
    """Every mask of the tracks in the frames start..stop - 1 changed by a function; those that stay the same are left alone.

    words: what was done, with {} where the tracks are named.
    """

    def compute(scene: Scene) -> Redrawn:
        chosen, frames = scene.chosen(tracks), scene.range(start, stop)
        shown = cells.count_shown(scene.database, chosen, frames).values()
        amount = _checked_amount(sum(masks for masks, _ in shown))
        alone = frames.stop - frames.start == 1
        found: list[Drawn] = []
        for done, mask in enumerate(_shown(scene, chosen, frames), 1):
            before = _pixels(scene, mask)
            after = change(scene, mask["frame"], before)
            if not np.array_equal(before, after):
                found.append(_drawn(mask["track"], mask["frame"], after, "user", alone or mask["verified"]))
            if not scene.patience(done, amount):
                return Redrawn(found, True)
        if not found:
            raise Invalid(f'There is nothing to change for "{summary(scene)}".')
        return Redrawn(found, False)

    def summary(scene: Scene) -> str:
        return f"{words.format(scene.names(scene.chosen(tracks)))} {scene.words(scene.range(start, stop))}"

    def describe(scene: Scene, unfinished: bool) -> Plan:
        chosen, frames = scene.chosen(tracks), scene.range(start, stop)
        free = include_verified or frames.stop - frames.start == 1
        return _drawn_plan(scene, op, values, summary(scene), chosen, frames, free, unfinished=unfinished)

    return _prepared(compute, describe)


def _prepared(compute: Callable[[Scene], Redrawn], describe: Callable[[Scene, bool], Plan]) -> Operation:
    """An operation whose masks are computed once for each state of the video it meets."""
    known: dict[int, Redrawn] = {}

    def plan(scene: Scene) -> Plan:
        rev = scene.video["rev"]
        if rev not in known:
            known.clear()
            known[rev] = compute(scene)
        cells.plan_drawn(scene.database, known[rev].masks)
        return describe(scene, known[rev].unfinished)

    return plan


def _drawn_plan(
    scene: Scene,
    op: str,
    args: dict[str, Any],
    summary: str,
    tracks: Sequence[int],
    frames: Range,
    include_verified: bool,
    covers: bool = False,
    unfinished: bool = False,
) -> Plan:
    """covers: say over whose masks they lie."""
    spared = 0 if include_verified else cells.spare_verified(scene.database)
    over = occlusion.covered(scene, frames) if covers else ()
    args = args | {"tracks": list(tracks)}
    return Plan(op, args, summary, tracks, frames, spared=spared, over=over, unfinished=unfinished)


def _shown(scene: Scene, tracks: Sequence[int], frames: Range) -> Iterator[Row]:
    wanted = set(tracks)
    only = tracks[0] if len(wanted) == 1 else None
    found = view.masks(scene.database, scene.video["id"], frames.start, frames.stop, only)
    return (mask for mask in found if mask["track"] in wanted)


def _pixels(scene: Scene, mask: Row) -> BoolMask:
    return decode({"size": list(scene.size), "counts": mask["counts"]})


def _drawn(track: int, frame: int, mask: BoolMask, source: str, verified: bool) -> Drawn:
    code = encode(mask)
    return Drawn(track, frame, code["counts"] if area(code) else None, source, verified)


def _checked_amount(masks: int) -> int:
    if masks > MOST_DRAWN:
        raise Invalid(
            f"These are {masks} masks; at most {MOST_DRAWN} can be redrawn at once. Choose fewer frames or tracks."
        )
    return masks


def _to(frames: Range) -> str:
    alone = frames.stop - frames.start == 1
    return f"frame {frames.start}" if alone else f"the frames {frames.start} to {frames.stop - 1}"
