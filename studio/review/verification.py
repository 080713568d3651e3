"""Saying that masks are right, and how far a video is from being right everywhere.

The pace is taken from the log: verified masks gained per time at work, where a pause counts as `PAUSE` seconds at most. From it
comes an estimate of the time left. Nothing of it is stored but what each entry of the log gained.
"""

from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any

import numpy as np
from sqlite_utils import Database

from studio.review import cells, view
from studio.review.plan import Operation, Plan, Scene
from studio.store import library

PAUSE = 120.0  # seconds; a longer one between two operations is no work
ENTRIES = 500  # the latest, from which the pace is taken
LEAST_WORK = 20.0  # seconds of work, below which there is no pace yet


def verify(
    tracks: Sequence[int] | None, start: int | None = None, stop: int | None = None, verified: bool = True
) -> Operation:
    """Say that the shown masks of tracks (None: all) in the frames start..stop - 1 are right, or take that back."""

    def plan(scene: Scene) -> Plan:
        chosen, frames = scene.chosen(list(scene.tracks) if tracks is None else tracks), scene.range(start, stop)
        scene.database.execute(
            f"""
            insert into planned (track_id, frame, counts, origin, source, verified)
            select track_id, frame, counts, origin, source, :verified from ({cells.SHOWN}) where verified <> :verified
            """,
            cells.shown_parameters(chosen, frames) | {"verified": int(verified)},
        )
        touched = [track for (track,) in scene.database.execute("select distinct track_id from planned").fetchall()]
        names = "all tracks" if tracks is None else scene.names(chosen)
        return Plan(
            op="verify" if verified else "unverify",
            args={"tracks": touched, "start": frames.start, "stop": frames.stop},
            summary=f"{'Verified' if verified else 'Unverified'} {names} {scene.words(frames)}",
            tracks=touched,
            frames=frames,
        )

    return plan


def progress(database: Database, video_id: int) -> dict[str, Any]:
    """How much of what is shown is verified: masks, frames whose masks all are, tracks likewise; pace and time left.

    `masks_per_minute` and `seconds_left` are None until there is enough work to tell.
    """
    video = library.video(database, video_id)
    shown, right = view.timeline(database, video_id), view.verified_spans(database, video_id)
    present, verified = (np.zeros(video["length"] + 1, np.int64) for _ in range(2))
    whole = 0
    for track, spans in shown.items():
        own = right.get(track, [])
        for counter, pieces in ((present, [span[:2] for span in spans]), (verified, own)):
            for start, stop in pieces:
                counter[start] += 1
                counter[stop] -= 1
        masks = sum(stop - start for start, stop, _ in spans)
        whole += masks > 0 and masks == sum(stop - start for start, stop in own)
    present, verified = present.cumsum()[:-1], verified.cumsum()[:-1]
    masks, done = int(present.sum()), int(verified.sum())
    pace = _pace(database, video["run_id"])
    return {
        "rev": video["rev"],
        "masks": masks,
        "verified_masks": done,
        "frames": int((present > 0).sum()),
        "verified_frames": int(((present > 0) & (verified == present)).sum()),
        "tracks": sum(bool(spans) for spans in shown.values()),
        "verified_tracks": int(whole),
        "masks_per_minute": None if pace is None else 60 * pace,
        "seconds_left": None if pace is None else (masks - done) / pace,
    }


def _pace(database: Database, run_id: int | None) -> float | None:
    """Verified masks gained per second of work, over the latest entries of the log."""
    latest = "select at, verified from edits where run_id = ? order by id desc limit ?"
    entries = database.execute(latest, (run_id, ENTRIES)).fetchall()[::-1]
    times = [datetime.fromisoformat(at.replace("Z", "+00:00")).timestamp() for at, _ in entries]
    worked = sum(min(later - earlier, PAUSE) for earlier, later in pairwise(times))
    gained = sum(verified for _, verified in entries[1:])  # the first one's work lies before what is counted
    return gained / worked if worked >= LEAST_WORK and gained > 0 else None
