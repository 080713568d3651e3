"""Which frames of a project to correct next: read from what its runs keep of every frame, without running a net.

Each video's latest run is looked at, and beside it the latest earlier one of another model: where the two say different things of
one place, one of them is wrong, so the doubt there is at least as great as the two answers are apart. Doubt is that in a thing,
over all the frames of the video that show it. Videos that are held out, and frames at or next to verified ones, are left out. Of
long videos some frames, evenly spread, stand for the others. What a frame is worth is in `worth.py`. Read-only.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from sqlite_utils import Database

from engine.detections import decode_frame
from engine.masks import RLE, iou
from engine.retrack import pick
from studio.finetune.roles import roles
from studio.finetune.worth import NEAR, Floats, Look, choose, distances, doubts, of_one_thing, softmax
from studio.store import Row, library
from studio.store.detections import Detections
from training.evaluate import plain_name

MOST_FRAMES, MOST_PER_VIDEO = 3000, 64  # that are looked at
MOST_KNOWN = 16  # verified frames of a video whose looks are remembered
SAID = 0.3  # class probability from which a model says that something is there
SAME_PLACE = 0.5  # mask IoU
IN_DOUBT = 0.2  # from which a detection is called doubtful in words
LEAST_WORTH = 0.02  # of a frame, for it to be named
NOTHING = "nothing"


@dataclass(frozen=True)
class NextFrame:
    """A frame to correct. worth: 0..1, of what is most in doubt and least familiar there; frame: 0-based ordinal."""

    video: int
    video_name: str
    frame: int
    worth: float
    reason: str


@dataclass(frozen=True, eq=False)
class _Answers:
    """What a model says of N places of a frame, duplicates left out. names: of its categories, "nothing" last.

    odds: (N, K+1) of the names; embeds: (N, C); codes: the masks.
    """

    names: list[str]
    odds: Floats
    embeds: Floats
    codes: list[RLE]

    @classmethod
    def of(cls, detections: Detections, frame: int) -> "_Answers":
        stored = decode_frame(detections[frame])
        places = pick(stored, detections.tracking.config)
        found = stored.candidates.take(places)
        names = [*(plain_name(category.name) for category in detections.tracking.categories), NOTHING]
        return cls(names, softmax(found.logits), found.embeds, [stored.masks[place].rle for place in places])

    @property
    def words(self) -> list[str]:
        """What it says of each place in a word."""
        said = np.where(self.odds[:, :-1].max(1) >= SAID, self.odds[:, :-1].argmax(1), len(self.names) - 1)
        return [self.names[place] for place in said]

    def at(self, others: list[RLE]) -> tuple[Floats, list[str]]:
        """Odds and words for the places of other masks: those of the mask that lies there, or "nothing" for sure."""
        overlaps = iou(others, self.codes)
        best, there = overlaps.argmax(1), overlaps.max(1) >= SAME_PLACE
        nothing = np.eye(len(self.names))[-1]
        words = self.words
        said = [words[place] if found else NOTHING for place, found in zip(best, there, strict=True)]
        return np.where(there[:, None], self.odds[best], nothing), said


@dataclass(frozen=True, eq=False)
class _Seen:
    """A frame as the latest model saw it. earlier: another model, `before` what it said of each place; doubts: in each (N,);
    odds: of each (N, K+1). Doubts and odds are those of the frame alone, until `_of_things` makes them the things'."""

    video: Row
    frame: int
    model: str
    now: _Answers
    doubts: Floats
    odds: Floats
    earlier: str = ""
    before: list[str] = field(default_factory=list)

    @property
    def look(self) -> Look:
        return Look(self.video["id"], self.frame, self.model, self.doubts, self.now.embeds)


def next_frames(database: Database, project_id: int, count: int = 12) -> list[NextFrame]:
    """The frames that are worth most to correct, the best first; fewer where no more is in doubt."""
    held_out = {video for video, is_held_out in roles(database, project_id).items() if is_held_out}
    videos = [row for row in library.videos(database, project_id) if row["id"] not in held_out and row["run_id"]]
    seen: list[_Seen] = []
    known: dict[str, list[Floats]] = defaultdict(list)
    for video in videos:
        runs = _runs(database, video["id"])
        if not runs:
            continue
        verified = set(_verified(database, video["id"]))
        shown = {frame for place in verified for frame in range(place - NEAR, place + NEAR + 1)}
        free = [frame for frame in range(runs[0]["frames_done"]) if frame not in shown]
        most = min(MOST_PER_VIDEO, max(1, MOST_FRAMES // len(videos)))
        seen += _of_things(list(_seen(database, video, runs, _spread(free, most))))
        for found in _seen(database, video, runs[:1], _spread(sorted(verified), MOST_KNOWN)):
            known[found.model].append(found.now.embeds)
    chosen = choose([each.look for each in seen], known, count)
    return [
        NextFrame(
            seen[place].video["id"],
            seen[place].video["name"],
            seen[place].frame,
            round(float(gains.max()), 3),
            _reason(seen[place], gains),
        )
        for place, gains in chosen
        if gains.max(initial=0) >= LEAST_WORTH
    ]


def _runs(database: Database, video_id: int) -> list[Row]:
    """The latest run whose detections are kept, and the latest earlier one of another model if there is one."""
    sql = """
        select * from runs where video_id = ? and tracking is not null and model is not null and frames_done > 0
        order by id desc
    """
    rows = list(database.query(sql, (video_id,)))
    return rows[:1] + [row for row in rows if row["model"] != rows[0]["model"]][:1]


def _verified(database: Database, video_id: int) -> Iterator[int]:
    sql = """
        select distinct c.frame from runs r cross join tracks t on t.run_id = r.id cross join corrections c on c.track_id = t.id
        where r.video_id = ? and c.verified
    """
    return (frame for (frame,) in database.execute(sql, (video_id,)).fetchall())


def _spread(frames: list[int], most: int) -> list[int]:
    picked = np.linspace(0, len(frames) - 1, min(most, len(frames))).round().astype(int)
    return [frames[place] for place in picked]


def _seen(database: Database, video: Row, runs: list[Row], frames: Iterable[int]) -> Iterator[_Seen]:
    latest, *others = [Detections(database, run) for run in runs]
    for frame in frames:
        if frame >= len(latest):
            continue
        now = _Answers.of(latest, frame)
        seen = _Seen(video, frame, runs[0]["model"], now, doubts(now.odds), now.odds)
        for run, detections in zip(runs[1:], others, strict=True):
            if frame < len(detections):
                earlier = _Answers.of(detections, frame)
                odds, before = earlier.at(now.codes)
                apart = distances((now.names, now.odds), (earlier.names, odds))
                seen = replace(seen, earlier=run["model"], before=before, doubts=np.maximum(seen.doubts, apart))
        yield seen


def _of_things(seen: list[_Seen]) -> Iterator[_Seen]:
    """Frames of one video, with doubts and odds taken over all of them for each thing that they show."""
    if not seen:
        return
    odds, found = np.concatenate([each.odds for each in seen]), np.concatenate([each.doubts for each in seen])
    shares = of_one_thing(np.concatenate([each.now.embeds for each in seen]), 1 - odds[:, -1])
    ends = np.cumsum([len(each.odds) for each in seen])[:-1]
    of_things = zip(seen, np.split(shares @ found, ends), np.split(shares @ odds, ends), strict=True)
    for each, own_doubts, own_odds in of_things:
        yield replace(each, doubts=own_doubts, odds=own_odds)


def _reason(seen: _Seen, gains: Floats) -> str:
    """What is in doubt there, for a person: the detection that adds most, and how many more."""
    best = int(gains.argmax())
    others = int((gains >= IN_DOUBT).sum()) - 1
    more = f" {others} more in doubt." if others > 0 else ""
    if seen.before and seen.before[best] != (now := seen.now.words[best]):
        return f"{seen.earlier} said {seen.before[best]}, {seen.model} says {now}.{more}"
    odds = seen.odds[best]
    second, first = np.argsort(odds)[-2:]
    word, other = seen.now.names[first], seen.now.names[second]
    if NOTHING in (word, other):
        thing, sure = (other, odds[second]) if word == NOTHING else (word, odds[first])
        return f"{thing.capitalize()} or nothing? {sure:.0%} sure.{more}"
    return f"{word.capitalize()} or {other}? {odds[first]:.0%} against {odds[second]:.0%}.{more}"
