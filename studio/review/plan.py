"""What an operation finds (`Scene`) and what it is about to do (`Plan`), before anything is changed.

An operation is a function from a `Scene` to a `Plan`. It may read, and lay out cells with `cells.py`; it writes nothing else. So
the same function serves the preview and the deed.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlite_utils import Database

from engine.config import Category
from studio.review import cells, view
from studio.review.cells import Range
from studio.store import runs
from studio.store.database import Row
from studio.store.errors import Conflict, Invalid

# Told after every frame of a long operation how many of how many frames are done. False: enough, go on with what there is. It may
# raise, which ends the operation.
Patience = Callable[[int, int], bool]

MOST_TRACKS = 100_000  # in one selection
NAMED = 3  # tracks that a sentence names; of more it gives the number


@dataclass(frozen=True)
class Birth:
    """A track that an operation makes. It goes by a negative number until it exists.

    category_id None: it is of a category of a model, `learnt`, that the project does not have yet, and will have then.
    """

    category_id: int | None
    score: float = 1.0
    learnt: Category | None = None
    source: str = "user"


@dataclass
class Plan:
    """What an operation is about to do, besides the planned cells.

    `tracks` are all whose masks or state it touches. `frames` are those whose masks may look different afterwards, None: all.
    `touches` are the shown masks that a person should know of, by tracks and frames; where it is empty the planned cells are.
    `over`: other tracks over whose masks the planned ones lie. `unfinished`: patience ended before the operation had seen all.
    """

    op: str
    args: dict[str, Any]
    summary: str
    tracks: Sequence[int]
    frames: Range | None = None
    states: Mapping[int, Mapping[str, int | None]] = field(default_factory=dict)  # new values in track_states
    births: Mapping[int, Birth] = field(default_factory=dict)
    touches: Sequence[tuple[Sequence[int], Range]] = ()
    spared: int = 0  # verified masks that were left alone
    overlaps: Sequence[int] = ()  # frames in which masks met
    over: Sequence[int] = ()
    marks: Sequence[tuple[int, str, str]] = ()  # log entries whose mark changes: id, from, to
    unfinished: bool = False


Operation = Callable[["Scene"], Plan]


def endless(done: int, total: int) -> bool:
    """The patience of who waits for the end."""
    return True


class Scene:
    """A video as an operation finds it: its row, the tracks that are shown, the database to read from, and how long one waits."""

    def __init__(self, database: Database, video: Row, patience: Patience = endless) -> None:
        self.database, self.video, self.patience = database, video, patience
        found = database.query(
            f"select t.*, c.name as category from ({view.SHOWN_TRACKS}) t join categories c on c.id = t.category_id order by t.id",
            {"video": video["id"]},
        )
        self.tracks = {row["id"]: row for row in found}
        cells.begin(database)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the video in pixels."""
        return self.video["height"], self.video["width"]

    @property
    def everywhere(self) -> Range:
        """All frames of the video."""
        return Range(0, self.video["length"])

    def track(self, track_id: int) -> Row:
        """A shown track."""
        return self.tracks.get(track_id) or view.track(self.database, self.video["id"], track_id)

    def chosen(self, track_ids: Sequence[int]) -> list[int]:
        """A selection without repetitions; all of it must be shown."""
        chosen = [self.track(track_id)["id"] for track_id in dict.fromkeys(track_ids)]
        if not chosen:
            raise Invalid("Select at least one track.")
        if len(chosen) > MOST_TRACKS:
            raise Invalid(f"These are {len(chosen)} tracks; at most {MOST_TRACKS} can be changed at once.")
        return chosen

    def frame(self, frame: int) -> int:
        """A frame that exists."""
        if not 0 <= frame < self.video["length"]:
            raise Invalid(f"Frame {frame} does not exist: the video has the frames 0 to {self.video['length'] - 1}.")
        return frame

    def range(self, start: int | None, stop: int | None) -> Range:
        """The frames start..stop - 1; None: from the beginning, to the end."""
        first = self.frame(start or 0)
        last = self.frame((self.video["length"] if stop is None else stop) - 1)
        if last < first:
            raise Invalid(f"The frames {first} to {last} are none: the first one must not come after the last.")
        return Range(first, last + 1)

    def is_whole(self, frames: Range) -> bool:
        """Whether these are all frames of the video."""
        return frames == self.everywhere

    def is_rest(self, frames: Range) -> bool:
        """Whether these frames go on to the end of the video."""
        return frames.stop == self.video["length"]

    def words(self, frames: Range) -> str:
        """The frames as people say it."""
        if self.is_whole(frames):
            return "everywhere"
        if self.is_rest(frames) and frames.stop - frames.start > 1:
            return f"from frame {frames.start} on"
        if frames.start == 0 and frames.stop > 1:
            return f"before frame {frames.stop}"
        return frames.words

    def name(self, track_id: int) -> str:
        """A track as people know it: its category and id."""
        return f"{self.track(track_id)['category']} {track_id}"

    def names(self, track_ids: Sequence[int]) -> str:
        """Some tracks as people know them."""
        if len(track_ids) > NAMED:
            return f"{len(track_ids)} tracks"
        names = [self.name(track_id) for track_id in track_ids]
        return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))

    def need_settled(self, deed: str) -> None:
        """Refuse what later frames would not follow, as long as the model still makes them."""
        if runs.run(self.database, self.video["run_id"])["state"] in ("queued", "running"):
            raise Conflict(
                f"The model is still running on this video. {deed} when it is done; drawing and deleting work already now."
            )
