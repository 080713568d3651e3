"""What the model saw in a frame, tracked or not, for a person to choose from.

A candidate is one stored detection: a query of the net with its mask, its likeliest category and how sure the net was. Known
already is one that overlaps a shown mask by half or more: that track is the same object. Read-only.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from sqlite_utils import Database

from engine.anchors import LEAST_OVERLAP
from engine.config import Category
from engine.detections import FrameDetections, decode_frame
from engine.masks import RLE, from_counts, iou
from studio.review import view
from studio.store import detections, library
from studio.store.database import Row, one
from studio.store.errors import Invalid, NotFound


@dataclass(frozen=True)
class Seen:
    """The detections of one frame of a video."""

    database: Database
    video: Row
    frame: int
    stored: FrameDetections
    categories: tuple[Category, ...]

    def place(self, query: int) -> int:
        """Where among the detections a query of the net is."""
        places = np.flatnonzero(self.stored.candidates.queries == query)
        if not len(places):
            raise NotFound(f"The model's query {query} shows nothing in frame {self.frame}.")
        return int(places[0])

    def mask(self, place: int) -> RLE:
        """The mask of a detection at the size of the video."""
        return self.stored.masks[place].rle

    def score(self, place: int) -> float:
        """How sure the net is of a detection's category, 0..1."""
        return float(self.stored.candidates.scores[place])

    def category(self, place: int) -> Category:
        """What a detection most likely is, as the net calls it."""
        return self.categories[self.stored.candidates.categories[place]]

    def category_id(self, place: int) -> int | None:
        """The same as a category of the project; None if the project does not have it yet."""
        values = (self.video["project_id"], self.category(place).name)
        found = one(self.database, "select id from categories where project_id = ? and name = ?", values)
        return found["id"] if found else None

    def known_as(self, place: int) -> Row | None:
        """The shown mask of the same object (`view.masks`), if there is one."""
        return same_object(self.mask(place), self._shown)

    @cached_property
    def _shown(self) -> list[Row]:
        return list(view.masks(self.database, self.video["id"], self.frame, self.frame + 1))


def seen(database: Database, video: Row, frame: int) -> Seen:
    """The detections of a frame. Raises Conflict where the shown run has none, Invalid where it has not seen the frame."""
    blobs = detections.shown(database, video)
    return Seen(database, video, frame, decode_frame(blobs[frame]), blobs.tracking.categories)


def same_object(mask: RLE, shown: Sequence[Row]) -> Row | None:
    """Of the shown masks of a frame the one that overlaps `mask` most, if by half or more."""
    codes: list[RLE] = [{"size": mask["size"], "counts": row["counts"]} for row in shown]
    overlaps = iou([mask], codes)
    return shown[int(overlaps.argmax())] if overlaps.max(initial=0) >= LEAST_OVERLAP else None


def under(database: Database, video_id: int, frame: int, x: int, y: int) -> list[dict[str, Any]]:
    """The detections that cover a pixel, the one that a person most likely means first.

    That is the one with the greatest score; scores within a tenth of each other say little, so of these the smallest comes first:
    who points at a rider does not mean the rider with the horse.
    """
    video = library.video(database, video_id)
    if not (0 <= x < video["width"] and 0 <= y < video["height"]):
        raise Invalid(f"There is no pixel ({x}, {y}): the video is {video['width']} x {video['height']} pixels large.")
    found = seen(database, video, frame)
    point = _pixel(x, y, (video["height"], video["width"]))
    covers = iou([point], [mask.rle for mask in found.stored.masks])[0] > 0
    places = np.flatnonzero(covers).tolist() if len(covers) else []
    return sorted((_as_row(found, place) for place in places), key=lambda row: (-round(row["score"], 1), row["area"]))


def _as_row(found: Seen, place: int) -> dict[str, Any]:
    mask, candidates, known = found.stored.masks[place], found.stored.candidates, found.known_as(place)
    return {
        "query": int(candidates.queries[place]),
        "score": found.score(place),
        "category": found.category(place).name,
        "category_id": found.category_id(place),
        "track": known["track"] if known else None,
        "area": mask.area,
        **mask.rle,
    }


def _pixel(x: int, y: int, size: tuple[int, int]) -> RLE:
    """The mask of a single pixel."""
    before, pixels = x * size[0] + y, size[0] * size[1]
    counts = [before, 1, pixels - before - 1]
    return from_counts(counts if counts[-1] else counts[:-1], size)
