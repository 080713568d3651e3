"""Operations on whole tracks and on ranges of their frames: begin, delete, say what they are.

A track has one category, as an annotation of YouTube-VIS has. What is another thing from a frame on is therefore another track:
to change the category of a range moves the range to a track of its own.
"""

from collections.abc import Sequence

from studio.review import cells
from studio.review.plan import Birth, Operation, Plan, Scene
from studio.store import library
from studio.store.errors import Invalid


def new_track(category_id: int, frame: int) -> Operation:
    """A new, empty track of a category, begun at `frame`."""

    def plan(scene: Scene) -> Plan:
        scene.frame(frame)
        category = library.category(scene.database, scene.video["project_id"], category_id)
        args = {"category_id": category_id, "frame": frame}
        return Plan("new_track", args, f"New {category['name']}", [-1], births={-1: Birth(category_id)})

    return plan


def delete(tracks: Sequence[int], start: int | None, stop: int | None) -> Operation:
    """Remove tracks in the frames start..stop - 1; None: from the beginning, to the end."""

    def plan(scene: Scene) -> Plan:
        chosen, frames = scene.chosen(tracks), scene.range(start, stop)
        if scene.is_whole(frames):
            return _delete_whole(scene, chosen)
        if scene.is_rest(frames):
            return delete_from(chosen, frames.start)(scene)
        cells.plan_nothing(scene.database, chosen, frames)
        return Plan(
            op="delete",
            args={"tracks": chosen, "start": frames.start, "stop": frames.stop},
            summary=f"Deleted {scene.names(chosen)} {scene.words(frames)}",
            tracks=chosen,
            frames=frames,
            touches=[(chosen, frames)],
        )

    return plan


def delete_from(tracks: Sequence[int], frame: int) -> Operation:
    """Remove tracks from `frame` to the end of the video; masks predicted there later stay hidden too."""

    def plan(scene: Scene) -> Plan:
        chosen, frames = scene.chosen(tracks), scene.range(frame, None)
        return Plan(
            op="delete_from",
            args={"tracks": chosen, "frame": frame},
            summary=f"Deleted {scene.names(chosen)} from frame {frame} on",
            tracks=chosen,
            frames=frames,
            states=end_before(scene, chosen, frame),
            touches=[(chosen, frames)],
        )

    return plan


def delete_below(
    tracks: Sequence[int] | None, score: float, whole_tracks: bool = False, include_verified: bool = False
) -> Operation:
    """Remove predicted masks, or whole predicted tracks, whose score is below `score`; tracks None: of all.

    What is verified stays unless it is asked for, and with it the track that has it.
    """

    def plan(scene: Scene) -> Plan:
        chosen = scene.chosen(list(scene.tracks) if tracks is None else tracks)
        if whole_tracks:
            return _delete_weak_tracks(scene, chosen, score, include_verified)
        scene.database.execute(
            f"""
            insert into planned (track_id, frame) select n.track_id, n.frame from ({cells.SHOWN}) n
            join masks m on m.track_id = n.origin and m.frame = n.frame where n.counts is null and m.score < :score
            """,
            cells.shown_parameters(chosen, scene.everywhere) | {"score": score},
        )
        spared = 0 if include_verified else cells.spare_verified(scene.database)
        touched = [track for (track,) in scene.database.execute("select distinct track_id from planned").fetchall()]
        return Plan(
            op="delete_below",
            args={"tracks": touched, "score": score},
            summary=f"Deleted the masks of {scene.names(chosen)} that score below {score:g}",
            tracks=touched,
            frames=scene.everywhere,
            spared=spared,
        )

    return plan


def change_category(
    tracks: Sequence[int], category_id: int, start: int | None = None, stop: int | None = None
) -> Operation:
    """Say what tracks are, as a whole or in the frames start..stop - 1, which then become tracks of their own."""

    def plan(scene: Scene) -> Plan:
        chosen, frames = scene.chosen(tracks), scene.range(start, stop)
        category = library.category(scene.database, scene.video["project_id"], category_id)
        names = scene.names(chosen)
        here = cells.count_shown(scene.database, chosen, frames)
        everywhere = cells.count_shown(scene.database, chosen, scene.everywhere)
        parts = [track for track in here if here[track] != everywhere[track]]
        wholes = [track for track in chosen if here.get(track) == everywhere.get(track)]
        touches = [(wholes, scene.everywhere), (parts, frames)]
        births, states = {}, {track: {"category_id": category_id} for track in wholes}
        if parts:
            scene.need_settled("Change the category of a part of a track")
        for number, track in enumerate(parts, 1):
            births[-number] = Birth(category_id, scene.tracks[track]["score"])
            cells.plan_moved(scene.database, [track], frames, -number)
        cells.plan_nothing(scene.database, parts, frames)
        words = "" if scene.is_whole(frames) else f" {scene.words(frames)}"
        return Plan(
            op="set_category",
            args={"tracks": chosen, "category_id": category_id, "start": frames.start, "stop": frames.stop},
            summary=f"Changed {names} to {category['name']}{words}",
            tracks=[*wholes, *parts, *births],
            frames=frames if parts else None,
            states=states,
            births=births,
            touches=touches,
        )

    return plan


def end_before(scene: Scene, tracks: Sequence[int], frame: int) -> dict[int, dict[str, int | None]]:
    """The states that end the tracks before `frame`; their corrections from there on are planned to go."""
    cells.plan_end(scene.database, tracks, frame)
    ends = {track: scene.tracks[track]["ends_before"] for track in tracks}
    return {track: {"ends_before": frame if end is None else min(end, frame)} for track, end in ends.items()}


def _delete_whole(scene: Scene, chosen: list[int]) -> Plan:
    return Plan(
        op="delete_track",
        args={"tracks": chosen},
        summary=f"Deleted {scene.names(chosen)}",
        tracks=chosen,
        states={track: {"deleted": 1} for track in chosen},
        touches=[(chosen, scene.everywhere)],
    )


def _delete_weak_tracks(scene: Scene, chosen: list[int], score: float, include_verified: bool) -> Plan:
    weak = [t for t in chosen if scene.tracks[t]["source"] == "model" and scene.tracks[t]["score"] < score]
    shown = cells.count_shown(scene.database, weak, scene.everywhere)
    verified = {track: count for track, (_, count) in shown.items() if count and not include_verified}
    doomed = [track for track in weak if track not in verified]
    if not doomed:
        raise Invalid(f"None of these tracks scores below {score:g}, or all that do have verified masks.")
    plan = _delete_whole(scene, doomed)
    plan.op, plan.args, plan.spared = "delete_below", {"tracks": doomed, "score": score}, sum(verified.values())
    plan.summary = f"Deleted {scene.names(doomed)}, which scored below {score:g}"
    return plan
