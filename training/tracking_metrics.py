"""How well identities are kept: HOTA, IDF1, MOTA and identity switches of scored tracks.

In: a Dataset and Results (training.ytvis). Out: a TrackingScore. Unlike average precision these look at every track alike, so
tracks below a score are left out first, and of the entries that give the same masks several categories only the likeliest
stays. Objects and tracks are compared per video and category by the IoU of their masks in each frame; counts are summed
over all of them. Crowds are not counted, nor are masks that lie on nothing else.

After "HOTA: A Higher Order Metric for Evaluating Multi-Object Tracking" (Luiten et al., IJCV 2021), CLEAR MOT (Bernardin and
Stiefelhagen 2008) and IDF1 (Ristani et al. 2016); equal to TrackEval 1.3.0 on the golden file. Average precision: metrics.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import product
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from engine import masks
from engine.masks import RLE
from training.metrics import by_place
from training.ytvis import Dataset, Instance, Result

ALPHAS = np.linspace(0.05, 0.95, 19)  # HOTA's localisation thresholds
SAME = 0.5  # IoU from which CLEAR and IDF1 take a mask for the object's
LEAST_SCORE = 0.3

Floats = NDArray[np.float64]
Ids = NDArray[np.int64]


class FramePairs(NamedTuple):
    """Who is in a frame: objects (G,) and tracks (D,) by number, and the IoU of their masks (G, D)."""

    objects: Ids
    tracks: Ids
    overlap: Floats


@dataclass(frozen=True)
class TrackingScore:
    """All 0..1 but mota, which may fall below 0, and the counts. det_a, ass_a: the parts of HOTA for finding and for linking."""

    hota: float
    det_a: float
    ass_a: float
    idf1: float
    mota: float
    switches: int
    fragments: int
    objects: int
    tracks: int
    least_score: float

    def to_json(self) -> dict[str, float]:
        return asdict(self)


@dataclass
class _Counts:
    """Sums over all videos and categories; arrays are per alpha."""

    found: Floats = field(default_factory=lambda: np.zeros(len(ALPHAS)))  # masks on their object
    missed: Floats = field(default_factory=lambda: np.zeros(len(ALPHAS)))
    false: Floats = field(default_factory=lambda: np.zeros(len(ALPHAS)))
    linked: Floats = field(
        default_factory=lambda: np.zeros(len(ALPHAS))
    )  # sum over found masks of how well they are linked
    identified: int = 0
    clear_found: int = 0
    clear_false: int = 0
    switches: int = 0
    fragments: int = 0
    object_masks: int = 0
    track_masks: int = 0


def tracking_score(dataset: Dataset, results: Sequence[Result], least_score: float = LEAST_SCORE) -> TrackingScore:
    """HOTA and the others of the tracks that score at least `least_score`, one category each."""
    tracks = likeliest(results, least_score)
    counts = _Counts()
    annotated, predicted = by_place(dataset.instances, dataset.videos), by_place(tracks, dataset.videos)
    for place in product(dataset.videos, dataset.categories):
        theirs, ours = annotated[place], predicted[place]
        if theirs or ours:
            _add(counts, list(frame_pairs(theirs, ours)))
    objects = sum(not instance.crowd for instance in dataset.instances)
    return _score(counts, objects, len(tracks), least_score)


def likeliest(results: Sequence[Result], least_score: float) -> list[Result]:
    """Of the entries of one video that have the same masks the one with the best score, if that is good enough."""
    best: dict[tuple, Result] = {}
    for result in results:
        if result.score < least_score or not any(result.segmentations):
            continue
        key = (result.video_id, *(rle["counts"] if rle else None for rle in result.segmentations))
        if key not in best or result.score > best[key].score:
            best[key] = result
    return list(best.values())


def frame_pairs(instances: Sequence[Instance], tracks: Sequence[Result]) -> Iterator[FramePairs]:
    """One video and category, frame by frame. Masks that lie on a crowd and on no object are left out."""
    counted = [it.segmentations for it in instances if not it.crowd]
    crowds = [it.segmentations for it in instances if it.crowd]
    length = len((instances or tracks)[0].segmentations)
    for frame in range(length):
        objects, theirs = _seen(counted, frame)
        seen, ours = _seen([track.segmentations for track in tracks], frame)
        overlap, crowd = masks.iou(theirs, ours), masks.iou(_seen(crowds, frame)[1], ours)
        stays = (overlap >= SAME).any(0) | ~(crowd >= SAME).any(0)
        yield FramePairs(objects, seen[stays], overlap[:, stays])


def _seen(segmentations: Sequence[Sequence[RLE | None]], frame: int) -> tuple[Ids, list[RLE]]:
    """The numbers and the masks of those that have any pixel in a frame."""
    there = [(number, rle) for number, track in enumerate(segmentations) if (rle := track[frame]) and masks.area(rle)]
    return np.array([number for number, _ in there], np.int64), [rle for _, rle in there]


def _add(counts: _Counts, frames: list[FramePairs]) -> None:
    shape = (
        1 + max((int(f.objects.max(initial=-1)) for f in frames), default=-1),
        1 + max((int(f.tracks.max(initial=-1)) for f in frames), default=-1),
    )
    object_lengths, track_lengths = np.zeros(shape[0]), np.zeros(shape[1])
    for frame in frames:
        object_lengths[frame.objects] += 1
        track_lengths[frame.tracks] += 1
    counts.object_masks += int(object_lengths.sum())
    counts.track_masks += int(track_lengths.sum())
    _add_hota(counts, frames, object_lengths, track_lengths)
    _add_identity(counts, frames, object_lengths, track_lengths)
    _add_clear(counts, frames, len(object_lengths))


def _add_hota(counts: _Counts, frames: list[FramePairs], object_lengths: Floats, track_lengths: Floats) -> None:
    """HOTA pairs masks in each frame so that pairs that overlap over the whole video come first (section 4 of the paper)."""
    shared = np.zeros((len(object_lengths), len(track_lengths)))
    for objects, tracks, overlap in frames:
        rivalry = overlap.sum(0) + overlap.sum(1)[:, None] - overlap
        shared[np.ix_(objects, tracks)] += np.divide(overlap, rivalry, out=np.zeros_like(overlap), where=rivalry > 0)
    alignment = _jaccard(shared, object_lengths, track_lengths)
    paired = np.zeros((len(ALPHAS), *shared.shape))
    for objects, tracks, overlap in frames:
        rows, columns = linear_sum_assignment(-alignment[np.ix_(objects, tracks)] * overlap)
        good = overlap[rows, columns] >= ALPHAS[:, None] - np.finfo(float).eps  # (A, pairs)
        for alpha, fits in enumerate(good):
            paired[alpha, objects[rows[fits]], tracks[columns[fits]]] += 1
    found = paired.sum((1, 2))
    counts.found += found
    counts.missed += object_lengths.sum() - found
    counts.false += track_lengths.sum() - found
    counts.linked += (paired * _jaccard(paired, object_lengths, track_lengths)).sum((1, 2))


def _jaccard(shared: Floats, object_lengths: Floats, track_lengths: Floats) -> Floats:
    union = object_lengths[:, None] + track_lengths - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def _add_identity(counts: _Counts, frames: list[FramePairs], object_lengths: Floats, track_lengths: Floats) -> None:
    """IDF1 gives each object one track for the whole video, so that the most masks are right."""
    shared = np.zeros((len(object_lengths), len(track_lengths)))
    for objects, tracks, overlap in frames:
        shared[np.ix_(objects, tracks)] += overlap >= SAME
    rows, columns = linear_sum_assignment(-shared)
    counts.identified += int(shared[rows, columns].sum())


def _add_clear(counts: _Counts, frames: list[FramePairs], objects_in_all: int) -> None:
    """CLEAR goes from frame to frame and keeps a pair of the frame before as long as it still overlaps."""
    latest = np.full(objects_in_all, -1)  # the track that each object had when it was last found
    before = np.full(objects_in_all, -1)  # and in the frame before this one
    pieces = np.zeros(objects_in_all, dtype=int)
    for objects, tracks, overlap in frames:
        keeps = before[objects][:, None] == tracks
        worth = np.where(overlap >= SAME - np.finfo(float).eps, 1000.0 * keeps + overlap, 0.0)
        rows, columns = linear_sum_assignment(-worth)
        right = worth[rows, columns] > 0
        found, by = objects[rows[right]], tracks[columns[right]]
        counts.switches += int(((latest[found] >= 0) & (latest[found] != by)).sum())
        pieces[found[before[found] < 0]] += 1
        latest[found] = by
        if len(objects) and len(tracks):  # as TrackEval has it, a frame without either of them breaks no pair
            before[:] = -1
        before[found] = by
        counts.clear_found += len(found)
        counts.clear_false += len(tracks) - len(found)
    counts.fragments += int(np.maximum(pieces - 1, 0).sum())


def _score(counts: _Counts, objects: int, tracks: int, least_score: float) -> TrackingScore:
    det_a = counts.found / np.maximum(1, counts.found + counts.missed + counts.false)
    ass_a = counts.linked / np.maximum(1, counts.found)
    missed = counts.object_masks - counts.clear_found
    return TrackingScore(
        hota=float(np.sqrt(det_a * ass_a).mean()),
        det_a=float(det_a.mean()),
        ass_a=float(ass_a.mean()),
        idf1=2 * counts.identified / max(1, counts.object_masks + counts.track_masks),
        mota=1 - (missed + counts.clear_false + counts.switches) / max(1, counts.object_masks),
        switches=counts.switches,
        fragments=counts.fragments,
        objects=objects,
        tracks=tracks,
        least_score=least_score,
    )
