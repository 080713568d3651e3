"""All that is shown of a video as arrays, one entry per mask, without decoding any that was predicted.

`shown(database, video_id)` puts the corrections on top of the runs' summaries. What looks over a whole video (suspicions, the
confidence strip) is then a few numpy expressions. Entries are sorted by track, then by frame.
"""

import json
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from studio.review import view
from studio.store import library, summaries
from studio.store.database import Row

BORDER = 0.01  # of the picture's width or height


@dataclass(frozen=True)
class Shown:
    """The shown masks of a video.

    track, frame: (N,) int64; record: (N,) of `summaries.RECORD`, its score NaN where a mask was drawn; verified: (N,) bool;
    tracks: the shown tracks by id, with `name` and `category_id`; emptied: the cells, see `cell`, of which somebody said that
    nothing is there, sorted.
    """

    video: Row
    tracks: dict[int, Row]
    track: NDArray[np.int64]
    frame: NDArray[np.int64]
    record: summaries.Records
    verified: NDArray[np.bool_]
    emptied: NDArray[np.int64]

    @cached_property
    def cell(self) -> NDArray[np.int64]:
        """Track and frame as one number (N,), in the order of the entries."""
        return self.track * (self.video["length"] + 1) + self.frame

    @cached_property
    def center(self) -> NDArray[np.float32]:
        """The middles of the boxes (N, 2), x and y in pixels."""
        return np.asarray((self.box[:, :2] + self.box[:, 2:]) / 2, np.float32)

    @cached_property
    def box(self) -> NDArray[np.float32]:
        """The boxes (N, 4) as left, top, right, bottom in pixels."""
        x, y, width, height = (self.record[name].astype(np.float32) for name in ("x", "y", "width", "height"))
        return np.stack([x, y, x + width, y + height], axis=1)

    @cached_property
    def length(self) -> NDArray[np.float32]:
        """How long the masks are: the square root of their areas (N,) in pixels."""
        return np.sqrt(np.maximum(self.record["area"].astype(np.float32), 1))

    @cached_property
    def at_border(self) -> NDArray[np.bool_]:
        """Which masks come near the border of the picture (N,)."""
        width, height = self.video["width"], self.video["height"]
        left, top, right, bottom = self.box.T
        x, y = max(1.0, BORDER * width), max(1.0, BORDER * height)
        return (left <= x) | (top <= y) | (right >= width - x) | (bottom >= height - y)

    @cached_property
    def by_frame(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The places of the entries in the order of their frames, and these frames (N,)."""
        order = np.argsort(self.frame, kind="stable")
        return order, self.frame[order]

    @cached_property
    def bounds(self) -> NDArray[np.int64]:
        """Where the entries of each track begin, and the number of all."""
        return np.concatenate([[0], np.flatnonzero(np.diff(self.track)) + 1, [len(self.track)]]).astype(np.int64)


def shown(database: Database, video_id: int, track_id: int | None = None) -> Shown:
    """The shown masks of a video whose run has its summaries (`summaries.complete`). `track_id` asks for one track only."""
    video = library.video(database, video_id)
    length = video["length"]
    rows = database.query(
        f"select t.*, c.name as category from ({view.SHOWN_TRACKS}) t join categories c on c.id = t.category_id",
        {"video": video_id},
    )
    tracks = {
        row["id"]: row | {"name": f"{row['category']} {row['id']}"} for row in rows if track_id in (None, row["id"])
    }
    corrected = database.execute(
        """
        select c.track_id, c.frame, c.counts, c.origin, c.verified from json_each(?) k
        cross join corrections c on c.track_id = k.value order by 1, 2
        """,
        (json.dumps(list(tracks)),),
    ).fetchall()
    origins = {origin for _, _, _, origin, _ in corrected if origin is not None}
    owner, predicted = summaries.read(database, sorted(origins | set(tracks)), length)
    places = owner * (length + 1) + predicted["frame"]

    cells = np.array([track * (length + 1) + frame for track, frame, *_ in corrected], np.int64)
    ends = {track: row["ends_before"] for track, row in tracks.items()}
    end = np.array([length if ends.get(k) is None else ends[k] for k in np.unique(owner)], np.int64)
    visible = np.isin(owner, list(tracks)) & (predicted["frame"] < end[np.unique(owner, return_inverse=True)[1]])
    visible &= ~np.isin(places, cells)

    drawn = [row for row in corrected if row[2] is not None]
    moved = [row for row in corrected if row[2] is None and row[3] is not None]
    wanted = np.array([row[3] * (length + 1) + row[1] for row in moved], np.int64)
    found = np.minimum(np.searchsorted(places, wanted), max(len(places) - 1, 0))
    exists = places[found] == wanted if len(places) else np.zeros(len(moved), bool)
    moved = [row for row, there in zip(moved, exists, strict=True) if there]
    size = (video["height"], video["width"])
    drawings = summaries.pack(size, [(row[0], row[1], row[2], np.nan) for row in drawn])

    track = np.concatenate([owner[visible], [row[0] for row in drawn + moved]]).astype(np.int64)
    record = np.concatenate([predicted[visible], drawings, predicted[found[exists]]])
    verified = np.concatenate([np.zeros(visible.sum(), bool), np.array([row[4] for row in drawn + moved], bool)])
    emptied = np.array(
        [row[0] * (length + 1) + row[1] for row in corrected if row[2] is None and row[3] is None], np.int64
    )
    order = np.lexsort([record["frame"], track])
    record = record[order]
    return Shown(video, tracks, track[order], record["frame"].astype(np.int64), record, verified[order], emptied)


def confidence(entries: Shown, bins: int) -> dict[int, list[float | None]]:
    """The lowest score of each track in each of `bins` equal parts of the video; None where no mask has one."""
    scored = ~np.isnan(entries.record["score"])
    ids, place = np.unique(entries.track, return_inverse=True)
    lowest = np.full((len(ids), bins), np.inf, np.float32)
    part = entries.frame * bins // entries.video["length"]
    np.minimum.at(lowest, (place[scored], part[scored]), entries.record["score"][scored])
    return {
        int(track): [None if np.isinf(score) else round(float(score), 3) for score in row]
        for track, row in zip(ids, lowest, strict=True)
    }


def best_frames(entries: Shown) -> dict[int, int]:
    """For each track the frame that shows it best: verified, large, sure, and not cut off by the border of the picture."""
    sure = np.nan_to_num(entries.record["score"], nan=1.0)
    quality = sure * entries.length * np.where(entries.at_border, 0.5, 1.0)
    order = np.lexsort([quality, entries.verified, entries.track])
    last = entries.bounds[1:] - 1
    return {int(entries.track[place]): int(entries.frame[place]) for place in order[last[last >= 0]]}
