"""What can be known of predicted masks without decoding them: score, area and box, packed some frames to a row.

A run writes them with its masks. To look through a whole video then takes one pass over 20 bytes a mask, in numpy. Records that the
tracker withdrew later stay in their rows and are left out when they are read: `spans` says which masks there are.
"""

from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray
from sqlite_utils import Database

from engine.masks import RLE, measure

# x, y, width, height: the box in pixels
RECORD = np.dtype(
    [("frame", "<i4"), ("score", "<f4"), ("area", "<u4")] + [(name, "<u2") for name in ("x", "y", "width", "height")]
)
BATCH = 256  # masks that are measured at once when a run has no records yet

Records = NDArray[np.void]
MaskRow = tuple[int, int, str, float]  # track id, frame, counts, score


def write(database: Database, size: tuple[int, int], masks: Iterable[MaskRow]) -> None:
    """Store the records of new masks of videos of `size` (H, W)."""
    rows = sorted(masks, key=lambda row: row[:2])
    records = pack(size, rows)
    start = 0
    for track_id, group in groupby(rows, key=lambda row: row[0]):
        stop = start + len(list(group))
        database.execute(
            "insert or replace into mask_summaries (track_id, start, records) values (?, ?, ?)",
            (track_id, int(records["frame"][start]), records[start:stop].tobytes()),
        )
        start = stop


def pack(size: tuple[int, int], masks: Sequence[MaskRow]) -> Records:
    """The records of masks of `size` (H, W), in their order."""
    codes: list[RLE] = [{"size": list(size), "counts": counts} for _, _, counts, _ in masks]
    areas, boxes = measure(codes)
    records = np.zeros(len(masks), RECORD)
    records["frame"] = [frame for _, frame, _, _ in masks]
    records["score"] = [np.nan if score is None else score for _, _, _, score in masks]
    records["area"] = areas
    for column, name in enumerate(("x", "y", "width", "height")):
        records[name] = np.clip(boxes[:, column], 0, 65535)
    return records


def complete(database: Database, run_id: int, size: tuple[int, int]) -> None:
    """Make the records of tracks that have masks but no records: runs of an older version of the studio."""
    missing = """
        select t.id from tracks t where t.run_id = ?
          and exists (select 1 from spans s where s.track_id = t.id)
          and not exists (select 1 from mask_summaries m where m.track_id = t.id)
    """
    for (track_id,) in database.execute(missing, (run_id,)).fetchall():
        sql = "select track_id, frame, counts, score from masks where track_id = ? order by frame"
        rows = database.execute(sql, (track_id,)).fetchall()
        for start in range(0, len(rows), BATCH):
            write(database, size, rows[start : start + BATCH])


def is_complete(database: Database, run_id: int) -> bool:
    """Whether `complete` would find nothing to do."""
    missing = """
        select exists (
          select 1 from tracks t where t.run_id = ? and exists (select 1 from spans s where s.track_id = t.id)
            and not exists (select 1 from mask_summaries m where m.track_id = t.id)
        )
    """
    return not database.execute(missing, (run_id,)).fetchone()[0]


def read(database: Database, track_ids: Sequence[int], length: int) -> tuple[NDArray[np.int64], Records]:
    """The records of tracks of a video with `length` frames, by track and frame: their track ids (N,) and themselves (N,)."""
    owners: list[int] = []
    pieces: list[bytes] = []
    for track_id in sorted(track_ids):
        found = database.execute("select records from mask_summaries where track_id = ? order by start", (track_id,))
        piece = b"".join(row[0] for row in found)
        owners.append(track_id)
        pieces.append(piece)
    tracks = np.repeat(np.array(owners, np.int64), [len(piece) // RECORD.itemsize for piece in pieces])
    records = np.frombuffer(b"".join(pieces), RECORD)
    exists = _exists(database, owners, tracks * (length + 1) + records["frame"], length)
    return tracks[exists], records[exists]


def _exists(database: Database, track_ids: Sequence[int], places: NDArray[np.int64], length: int) -> NDArray[np.bool_]:
    """Which places (track id * (length + 1) + frame) lie within the spans of their tracks."""
    spans = [
        (track_id * (length + 1) + start, track_id * (length + 1) + stop)
        for track_id in track_ids
        for start, stop in database.execute(
            "select start, stop from spans where track_id = ? order by start", (track_id,)
        )
    ]
    if not spans:
        return np.zeros(len(places), bool)
    starts, stops = np.array(spans, np.int64).T
    span = np.searchsorted(starts, places, side="right") - 1
    return (span >= 0) & (places < stops[np.maximum(span, 0)])
