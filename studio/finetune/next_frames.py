"""Which frames of a project to correct next: read from what its runs keep of every frame, without running a net.

Each video's latest run is looked at, and beside it the latest earlier one of another model: where the two say different things of
one place, one of them is wrong, so the doubt there is 1. Videos that are held out, and frames at or next to verified ones, are
left out. Of long videos some frames, evenly spread, stand for the others. What a frame is worth is in `worth.py`. Read-only.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from sqlite_utils import Database

from engine.detections import FrameDetections, decode_frame
from engine.masks import iou
from engine.retrack import pick
from studio.finetune.roles import roles
from studio.finetune.worth import NEAR, Floats, Look, choose, doubts
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
    """A frame to correct. worth: roughly how many unfamiliar objects in doubt it shows; frame: 0-based ordinal."""

    video: int
    video_name: str
    frame: int
    worth: float
    reason: str


@dataclass(frozen=True, eq=False)
class _Seen:
    """A frame as the latest model saw it. names: of the categories, "nothing" last; said_before: where an earlier model
    disagrees, what it said, by the place of the detection."""

    video: Row
    frame: int
    model: str
    names: list[str]
    logits: Floats
    embeds: Floats
    earlier: str | None
    said_before: dict[int, str]

    @property
    def look(self) -> Look:
        found = doubts(self.logits)
        found[list(self.said_before)] = 1.0
        return Look(self.video["id"], self.frame, self.model, found, self.embeds)


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
        seen += _seen(database, video, runs, _spread(free, most))
        for found in _seen(database, video, runs[:1], _spread(sorted(verified), MOST_KNOWN)):
            known[found.model].append(found.embeds)
    chosen = choose([each.look for each in seen], {model: np.concatenate(all_) for model, all_ in known.items()}, count)
    return [
        NextFrame(
            seen[place].video["id"],
            seen[place].video["name"],
            seen[place].frame,
            round(float(gains.sum()), 3),
            _reason(seen[place], gains),
        )
        for place, gains in chosen
        if gains.sum() >= LEAST_WORTH
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
    latest, *before = [Detections(database, run) for run in runs]
    names = [category.name for category in latest.tracking.categories] + [NOTHING]
    for frame in frames:
        if frame >= len(latest):
            continue
        now = _Answers.of(latest, frame)
        said = now.differing(_Answers.of(before[0], frame)) if before and frame < len(before[0]) else {}
        earlier = runs[1]["model"] if before else None
        yield _Seen(video, frame, runs[0]["model"], names, now.logits, now.embeds, earlier, said)


@dataclass(frozen=True, eq=False)
class _Answers:
    """What a model says of the places of a frame: a category, or nothing. NMS as the run did it."""

    stored: FrameDetections
    places: np.ndarray
    words: list[str]

    @classmethod
    def of(cls, detections: Detections, frame: int) -> "_Answers":
        stored = decode_frame(detections[frame])
        places = pick(stored, detections.tracking.config)
        names = [category.name for category in detections.tracking.categories]
        found = stored.candidates.take(places)
        words = [
            names[label] if score >= SAID else NOTHING
            for label, score in zip(found.categories, found.scores, strict=True)
        ]
        return cls(stored, places, words)

    @property
    def logits(self) -> Floats:
        return self.stored.candidates.logits[self.places]

    @property
    def embeds(self) -> Floats:
        return self.stored.candidates.embeds[self.places]

    def differing(self, before: "_Answers") -> dict[int, str]:
        """What another model said instead, by the place of the detection, where it said otherwise."""
        codes, others = ([each.stored.masks[place].rle for place in each.places] for each in (self, before))
        overlaps = iou(codes, others)
        found = {}
        for place, (word, row) in enumerate(zip(self.words, overlaps, strict=True)):
            said = before.words[int(row.argmax())] if row.max(initial=0) >= SAME_PLACE else NOTHING
            if plain_name(said) != plain_name(word):
                found[place] = said
        return found


def _reason(seen: _Seen, gains: Floats) -> str:
    """What is in doubt there, for a person: the detection that adds most, and how many more."""
    best = int(gains.argmax())
    others = int((gains >= IN_DOUBT).sum()) - 1
    more = f" {others} more in doubt." if others > 0 else ""
    odds = np.exp(seen.logits[best] - seen.logits[best].max())
    odds /= odds.sum()
    second, first = np.argsort(odds)[-2:]
    word, other = seen.names[first], seen.names[second]
    if best in seen.said_before:
        now = word if odds[:-1].max() >= SAID and word != NOTHING else NOTHING
        return f"{seen.earlier} said {seen.said_before[best]}, {seen.model} says {now}.{more}"
    if NOTHING in (word, other):
        thing, sure = (other, odds[second]) if word == NOTHING else (word, odds[first])
        return f"{thing.capitalize()} or nothing? {sure:.0%} sure.{more}"
    return f"{word.capitalize()} or {other}? {odds[first]:.0%} against {odds[second]:.0%}.{more}"
