"""Why tracks do not score: each wrong one gets one of seven kinds, each object nobody found an eighth, and each kind its price.

In: a Dataset and Results (training.ytvis). Out: an ErrorReport. The price of a kind is what AP at IoU .5 would gain were all
errors of that kind mended, and only those, as in TIDE (Bolya et al., ECCV 2020), here for tracks: what may be wrong with
them over time (switched, split, merged) has kinds of its own. Prices do not add up: mending one kind uncovers others.
Figures without reasons: metrics.py, whose AP50 this starts from.
"""

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine import masks
from engine.masks import RLE
from training.metrics import MAX_TRACKS, average_precision
from training.ytvis import Dataset, Instance, Result

KINDS = {
    "wrong class": "on an object of another category",
    "poor mask": "on an object all along, but its masks are too far off, or it lies mostly beside objects",
    "identity switch": "good masks, but of one object first and of another one later",
    "split": "good masks of one object, for less than half of its time",
    "merged": "its masks cover two or more objects at once",
    "duplicate": "on an object that a track with a better score has already",
    "background": "on nothing that is annotated",
    "missed": "an object that no track found, not even with one of the faults above",
}
RIGHT = 0.5  # IoU of a whole track, and of a mask in a frame
NEAR = 0.1  # IoU of a whole track below which it is on nothing
STAY = 0.2  # share of a track's frames on a second object that makes it a switch

Floats = NDArray[np.float64]


class Finding(NamedTuple):
    """One error. score: None for a missed object; target: the number in dataset.instances of the object it is about."""

    kind: str
    video_id: int
    category_id: int
    score: float | None
    target: int | None


@dataclass(frozen=True)
class ErrorReport:
    """ap50: as measured, 0..1; price: what it would gain without errors of a kind; findings: every error."""

    ap50: float
    counts: dict[str, int]
    price: dict[str, float]
    findings: tuple[Finding, ...]

    def to_json(self) -> dict[str, Any]:
        kinds = {
            kind: {"count": self.counts[kind], "costs_AP50": self.price[kind], "means": KINDS[kind]} for kind in KINDS
        }
        return {"AP50": self.ap50, "kinds": kinds}


class _Verdict(NamedTuple):
    """A track: right with its object, ignored (kind None, target None), or wrong."""

    category_id: int
    score: float
    right: bool
    kind: str | None
    target: int | None


class _Overlap(NamedTuple):
    """How D tracks and G objects of a video overlap: in each of T frames, and over all."""

    shared: Floats  # (T, D, G) pixels
    track_areas: Floats  # (T, D)
    object_areas: Floats  # (T, G)

    def whole(self) -> Floats:
        """IoU over all frames, (D, G)."""
        shared = self.shared.sum(0)
        return _ratio(shared, self.track_areas.sum(0)[:, None] + self.object_areas.sum(0) - shared)

    def by_frame(self) -> Floats:
        """IoU in each frame, (T, D, G)."""
        return _ratio(self.shared, self.track_areas[:, :, None] + self.object_areas[:, None] - self.shared)


def error_report(dataset: Dataset, results: Sequence[Result]) -> ErrorReport:
    """Every error of the results, and what each kind costs."""
    annotated: dict[int, list[tuple[int, Instance]]] = defaultdict(list)
    for number, instance in enumerate(dataset.instances):
        annotated[instance.video_id].append((number, instance))
    predicted: dict[int, list[Result]] = defaultdict(list)
    for result in results:
        predicted[result.video_id].append(result)
    verdicts: list[_Verdict] = []
    findings: list[Finding] = []
    for video in dataset.videos:
        theirs, ours = annotated[video], _best(predicted[video])
        judged = _judge(ours, theirs)
        verdicts += judged
        findings += [
            Finding(v.kind, video, track.category_id, track.score, v.target)
            for v, track in zip(judged, ours, strict=True)
            if v.kind
        ]
        findings += _missed(judged, theirs)
    missed = [finding for finding in findings if finding.kind == "missed"]
    price = {}
    counted = Counter(it.category_id for it in dataset.instances if not it.crowd)
    ap50 = _ap50(verdicts, counted)
    for kind in KINDS:
        if kind == "missed":
            price[kind] = _ap50(verdicts, counted - Counter(it.category_id for it in missed)) - ap50
        else:
            price[kind] = _ap50(list(_mended(verdicts, kind, dataset.instances)), counted) - ap50
    counts = Counter(finding.kind for finding in findings)
    return ErrorReport(ap50, {kind: counts[kind] for kind in KINDS}, price, tuple(findings))


def _best(tracks: Sequence[Result]) -> list[Result]:
    """Of one video, what counts: the best of each category, likeliest first."""
    taken: Counter[int] = Counter()
    best = []
    for track in sorted(tracks, key=lambda it: -it.score):  # stable: ties stay in the order of the file
        taken[track.category_id] += 1
        if taken[track.category_id] <= MAX_TRACKS[-1]:
            best.append(track)
    return best


def _judge(tracks: Sequence[Result], objects: Sequence[tuple[int, Instance]]) -> list[_Verdict]:
    """What each track of one video is, likeliest first."""
    if not tracks:
        return []
    overlap = _measure(tracks, [it for _, it in objects])
    whole = overlap.whole()
    labels = np.array([it.category_id for _, it in objects], dtype=int)
    crowd = np.array([it.crowd for _, it in objects], dtype=bool)
    free = np.ones(len(objects), dtype=bool)
    causes = _Causes(overlap, whole, labels)
    verdicts = []
    for place, track in enumerate(tracks):
        same = labels == track.category_id
        fits = same & (whole[place] >= RIGHT)
        pool = fits & free & ~crowd if (fits & free & ~crowd).any() else fits & crowd
        if pool.any():
            values = np.where(pool, whole[place], -1)
            taken = len(values) - 1 - int(values[::-1].argmax())  # of equal ones the last, as in metrics.py
            free[taken] = bool(crowd[taken])
            target = None if crowd[taken] else objects[taken][0]
            verdicts.append(_Verdict(track.category_id, track.score, not crowd[taken], None, target))
        else:
            kind, object_place = causes.of(place, track.category_id)
            target = None if object_place is None else objects[object_place][0]
            verdicts.append(_Verdict(track.category_id, track.score, False, kind, target))
    return verdicts


class _Causes:
    """Tells for one video what is wrong with a track, and which object it is about."""

    def __init__(self, overlap: _Overlap, whole: Floats, labels: NDArray[np.int64]):
        self.overlap, self.whole, self.labels = overlap, whole, labels
        self.on = overlap.by_frame() >= RIGHT  # (T, D, G)
        self.seen = overlap.track_areas > 0  # (T, D)
        self.covered = (
            _ratio(overlap.shared, np.broadcast_to(overlap.object_areas[:, None], overlap.shared.shape)) >= RIGHT
        )

    def of(self, place: int, category: int) -> tuple[str, int | None]:
        if self.whole.shape[1] == 0 or not self.seen[:, place].any():
            return "background", None
        whole, frames = self.whole[place], int(self.seen[:, place].sum())
        on = self.on[:, place].sum(0)  # (G,) frames on each object
        nearest = int(whole.argmax())
        if (whole * (self.labels == category)).max() >= RIGHT:
            return "duplicate", None
        if whole[nearest] >= RIGHT:
            return "wrong class", nearest
        if (self.covered[:, place].sum(1) >= 2).sum() >= RIGHT * frames:
            return "merged", nearest
        if on.sum() < RIGHT * frames:
            return ("poor mask", nearest) if whole[nearest] >= NEAR else ("background", None)
        if (on >= STAY * frames).sum() >= 2:
            return "identity switch", int(on.argmax())
        one = int(on.argmax())
        time = (self.overlap.object_areas[:, one] > 0).sum()
        return ("split" if on[one] < RIGHT * time else "poor mask"), one


def _missed(verdicts: Sequence[_Verdict], objects: Sequence[tuple[int, Instance]]) -> Iterator[Finding]:
    touched = {verdict.target for verdict in verdicts}
    for number, it in objects:
        if not it.crowd and number not in touched:
            yield Finding("missed", it.video_id, it.category_id, None, number)


def _mended(verdicts: Sequence[_Verdict], kind: str, instances: Sequence[Instance]) -> Iterator[_Verdict]:
    """The verdicts as they would be without errors of a kind: the likeliest is right about its object, the rest are gone."""
    right = {verdict.target for verdict in verdicts if verdict.right}
    for verdict in sorted(verdicts, key=lambda it: -it.score):
        if verdict.kind != kind:
            yield verdict
        elif verdict.target is not None and verdict.target not in right:
            right.add(verdict.target)
            yield _Verdict(instances[verdict.target].category_id, verdict.score, True, None, verdict.target)


def _ap50(verdicts: Sequence[_Verdict], counted: Counter[int]) -> float:
    """Mean over the categories that have objects; -1 without any."""
    by_category: dict[int, list[_Verdict]] = defaultdict(list)
    for verdict in verdicts:
        if verdict.right or verdict.kind:  # what lies on a crowd does not count
            by_category[verdict.category_id].append(verdict)
    values = [
        average_precision([v.score for v in by_category[category]], [v.right for v in by_category[category]], objects)
        for category, objects in counted.items()
        if objects
    ]
    return float(np.mean(values)) if values else -1.0


def _measure(tracks: Sequence[Result], objects: Sequence[Instance]) -> _Overlap:
    ours = [track.segmentations for track in tracks]
    theirs = [it.segmentations for it in objects]
    length = len(ours[0])
    overlap = _Overlap(
        np.zeros((length, len(ours), len(theirs))), np.zeros((length, len(ours))), np.zeros((length, len(theirs)))
    )
    for frame in range(length):
        places, found = _present(ours, frame)
        numbers, annotated = _present(theirs, frame)
        overlap.track_areas[frame, places] = [masks.area(rle) for rle in found]
        overlap.object_areas[frame, numbers] = [masks.area(rle) for rle in annotated]
        iou = masks.iou(found, annotated)
        sums = overlap.track_areas[frame, places][:, None] + overlap.object_areas[frame, numbers]
        overlap.shared[frame][np.ix_(places, numbers)] = np.rint(
            iou * sums / (1 + iou)
        )  # IoU = i / (sum - i), solved for i
    return overlap


def _present(tracks: Sequence[Sequence[RLE | None]], frame: int) -> tuple[list[int], list[RLE]]:
    there = [(place, rle) for place, track in enumerate(tracks) if (rle := track[frame])]
    return [place for place, _ in there], [rle for _, rle in there]


def _ratio(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)
