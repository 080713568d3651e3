"""What the net saw in each frame of a run, kept so that the video can be tracked again without the net.

A row holds one frame, packed (`engine/detections.py`); the worker writes it with the masks of the frame. `Detections` is a look
into the rows of one run, as `engine.propagate` and `engine.retrack` take them. Frames are 0-based ordinals of the video. This
module unpacks nothing.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from sqlite_utils import Database

from engine.config import Category, TrackerConfig
from studio.store.database import Row, one
from studio.store.errors import Conflict, Invalid


@dataclass(frozen=True)
class Tracking:
    """How a run tracks. config: absences in frames; categories: those of the net, in the order of its class logits."""

    config: TrackerConfig
    categories: tuple[Category, ...]

    def to_json(self) -> str:
        """As it is stored."""
        return json.dumps({"config": asdict(self.config), "categories": [asdict(each) for each in self.categories]})

    @classmethod
    def from_json(cls, text: str) -> "Tracking":
        """The inverse of `to_json`."""
        stored = json.loads(text)
        return cls(TrackerConfig(**stored["config"]), tuple(Category(**each) for each in stored["categories"]))


class Detections:
    """The packed frames of a run, by frame or one after the other. Read-only."""

    def __init__(self, database: Database, run: Row) -> None:
        """run: a run whose detections are kept."""
        self.database, self.run_id, self.length = database, run["id"], run["frames_done"]
        self.tracking = Tracking.from_json(run["tracking"])

    def __len__(self) -> int:
        return int(self.length)

    def __getitem__(self, frame: int) -> bytes:
        found = one(self.database, "select blob from detections where run_id = ? and frame = ?", (self.run_id, frame))
        if found is None:
            raise Invalid(f"The model has not seen frame {frame}: its run has the frames 0 to {self.length - 1}.")
        blob: bytes = found["blob"]
        return blob

    def __iter__(self) -> Iterator[bytes]:
        sql = "select blob from detections where run_id = ? order by frame"
        for (blob,) in self.database.execute(sql, (self.run_id,)):
            yield blob


def begin(database: Database, run_id: int, tracking: Tracking) -> None:
    """Keep the detections of a run, which has not seen a frame yet."""
    database.execute("update runs set tracking = ? where id = ?", (tracking.to_json(), run_id))


def are_kept(database: Database, run_id: int) -> bool:
    """Whether the run keeps its detections; those of older versions of the studio do not."""
    return one(database, "select 1 from runs where id = ? and tracking is not null", (run_id,)) is not None


def add(database: Database, run_id: int, first: int, blobs: Sequence[bytes]) -> None:
    """Store the packed frames from `first` on."""
    rows = [(run_id, first + place, blob) for place, blob in enumerate(blobs)]
    database.conn.executemany("insert into detections (run_id, frame, blob) values (?, ?, ?)", rows)


def shown(database: Database, video: Row) -> Detections:
    """Those of the run that the video shows. Raises Conflict, with what to do, if there are none."""
    run = one(database, "select * from runs where id = ?", (video["run_id"],))
    if run is None or run["model"] is None:
        raise Conflict("No model has run on this video, so there is nothing of a model to choose from. Run one first.")
    if run["tracking"] is None:
        raise Conflict(
            "This run keeps nothing of what the model saw, so no mask can be carried or tracked again. Copy or interpolate masks, "
            "or run the model once more: corrections stay with this run."
        )
    return Detections(database, run)


def delete(database: Database, video_id: int, start: int, stop: int) -> None:
    """Delete those of the frames start..stop-1 of a video, in all its runs."""
    sql = """
        delete from detections where frame >= ? and frame < ? and run_id in (select id from runs where video_id = ?)
    """
    database.execute(sql, (start, stop, video_id))
