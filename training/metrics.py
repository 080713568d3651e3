"""YouTube-VIS average precision and recall, equal to the official tool's numbers.

In: a Dataset and Results (training.ytvis). Out: a Score. A track matches an instance of the same video and category by
the IoU of their masks over all frames: sum of intersections / sum of unions. Greedy in score order, IoU thresholds
.50:.05:.95, 101 recall points, mean over the categories that have ground truth.

Follows YTVOSeval (youtubevos/cocoapi, BSD), its habits included: ties keep the order of the file; crowd instances match
any number of tracks, which then do not count; area bins go by the mean of the areas stated in the ground truth; at most
100 tracks per video and category count. A number without ground truth to measure it on is -1. Where the tool breaks (no
results, annotation id 0) this does the obvious. Not here: tracking metrics, and the frames of a video that nobody
annotated.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from engine import masks
from engine.config import Category
from engine.masks import RLE
from training.ytvis import Dataset, Instance, Result

IOU_THRESHOLDS = np.linspace(0.5, 0.95, 10)
RECALL_POINTS = np.linspace(0.0, 1.0, 101)
AREA_EDGES = {"all": (0.0, 1e10), "s": (0.0, 128.0**2), "m": (128.0**2, 256.0**2), "l": (256.0**2, 1e10)}  # pixels
MAX_TRACKS = (1, 10, 100)  # per video and category
SETTINGS = (
    "IoU .50:.05:.95 over whole tracks; at most 1 / 10 / 100 tracks per video and category; "
    "mean areas up to 128 x 128 (s), up to 256 x 256 (m) and above (l)"
)

_AREAS = np.array(list(AREA_EDGES.values()))

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Track = TypeVar("Track", Instance, Result)


class CategoryScore(NamedTuple):
    category: Category
    instances: int  # annotated ones, without crowds
    tracks: int  # predicted ones
    ap: float
    ap50: float


@dataclass(frozen=True, eq=False)
class Score:
    """The official tool's 12 numbers by name (AP, AP50, AP75, APs, APm, APl, AR1, ...), and each category's; 0..1 or -1."""

    stats: Mapping[str, float]
    categories: tuple[CategoryScore, ...]
    precision: Floats  # (T, R, K, A, M): IoU threshold, recall point, category, area bin, most tracks
    recall: Floats  # (T, K, A, M)

    def to_json(self) -> dict[str, Any]:
        """Plain values, with the settings that the numbers depend on."""
        return {
            "stats": dict(self.stats),
            "per_category": [
                {"id": c.category.id, "name": c.category.name, "AP": c.ap, "AP50": c.ap50}
                | {"instances": c.instances, "tracks": c.tracks}
                for c in self.categories
            ],
            "settings": {
                "iou_thresholds": IOU_THRESHOLDS.round(2).tolist(),
                "max_tracks_per_video_and_category": list(MAX_TRACKS),
                "area_edges": {name: list(edges) for name, edges in AREA_EDGES.items()},
            },
        }


class _Verdicts(NamedTuple):
    """What became of the D best tracks of one video and category, for A area bins and T IoU thresholds."""

    scores: Floats  # (D,)
    matched: Bools  # (A, T, D)
    ignored: Bools  # (A, T, D)
    counted: NDArray[np.int64]  # (A,) instances that count


def evaluate(
    dataset: Dataset,
    results: Sequence[Result],
    video_ids: Collection[int] | None = None,
    counts: Callable[[Instance], bool] = lambda instance: True,
) -> Score:
    """Scores results against a dataset; video_ids limits both to a subset (such as YouTube-VIS 2022's short videos).

    counts: which instances are to be found. The others are ignored as those outside an area bin are: no track has to find
    them, and one that does counts neither way.
    """
    chosen = set(dataset.videos) if video_ids is None else set(video_ids)
    instances, tracks = by_place(dataset.instances, chosen), by_place(results, chosen)
    shape = (len(IOU_THRESHOLDS), len(dataset.categories), len(_AREAS), len(MAX_TRACKS))
    recall, precision = np.full(shape, -1.0), np.full((shape[0], len(RECALL_POINTS), *shape[1:]), -1.0)
    rows = []
    for k, category in enumerate(dataset.categories.values()):
        pairs = [(instances[video, category.id], tracks[video, category.id]) for video in dataset.videos]
        verdicts = [_judge(annotated, predicted, counts) for annotated, predicted in pairs if annotated or predicted]
        for m, most in enumerate(MAX_TRACKS):
            for a in range(len(_AREAS)):
                _accumulate(verdicts, a, most, precision[:, :, k, a, m], recall[:, k, a, m])
        counted = sum(not it.crowd and counts(it) for annotated, _ in pairs for it in annotated)
        curve = precision[:, :, k, 0, -1]
        rows.append(CategoryScore(category, counted, sum(len(p) for _, p in pairs), _mean(curve), _mean(curve[0])))
    return Score(_summarise(precision, recall), tuple(rows), precision, recall)


def track_ious(tracks: Sequence[Sequence[RLE | None]], instances: Sequence[Sequence[RLE | None]]) -> Floats:
    """IoU over all frames of every track with every instance of one video, (D, G); 0 where both are empty."""
    intersections, totals = np.zeros((2, len(tracks), len(instances)))
    if intersections.size == 0:
        return intersections
    for ours, theirs in zip(zip(*tracks, strict=True), zip(*instances, strict=True), strict=True):  # frame by frame
        our_areas, their_areas = _areas(ours), _areas(theirs)
        sums = our_areas[:, None] + their_areas
        totals += sums
        ious = masks.iou([rle for rle in ours if rle], [rle for rle in theirs if rle])
        seen = np.ix_([rle is not None for rle in ours], [rle is not None for rle in theirs])
        # IoU = i / (sum - i), solved for i; i is a whole number, so rounding makes it exact again.
        intersections[seen] += np.rint(ious * sums[seen] / (1 + ious))
    unions = totals - intersections
    return np.divide(intersections, unions, out=np.zeros_like(unions), where=unions > 0)


def _judge(instances: Sequence[Instance], tracks: Sequence[Result], counts: Callable[[Instance], bool]) -> _Verdicts:
    order = np.argsort([-track.score for track in tracks], kind="stable")[: MAX_TRACKS[-1]]
    best = [tracks[i] for i in order]
    ious = track_ious([track.segmentations for track in best], [instance.segmentations for instance in instances])
    crowd = np.array([instance.crowd for instance in instances], dtype=bool)
    aside = crowd | np.array([not counts(instance) for instance in instances], dtype=bool)
    ignore = aside | _outside(_mean_areas([instance.areas for instance in instances]))  # (A, G)
    matched, ignored = _match(ious, crowd, ignore)
    outside = _outside(_mean_areas([_areas(track.segmentations) for track in best]))  # (A, D)
    ignored |= ~matched & outside[:, None]
    return _Verdicts(np.array([track.score for track in best]), matched, ignored, (~ignore).sum(-1))


def _match(ious: Floats, crowd: Bools, ignore: Bools) -> tuple[Bools, Bools]:
    """Greedy: each track, best score first, takes the free instance of highest IoU, one that counts if there is any.

    ious (D, G), crowd (G,), ignore (A, G) -> per track (A, T, D): did it match, and is what it matched ignored.
    """
    shape = (len(ignore), len(IOU_THRESHOLDS), len(ious))
    matched, ignored = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    if ious.size == 0:
        return matched, ignored
    free = np.ones((*shape[:2], ious.shape[1]), dtype=bool)  # (A, T, G)
    for d, iou in enumerate(ious):
        fits = free & (iou >= IOU_THRESHOLDS[:, None])
        counts = fits & ~ignore[:, None]
        pool = np.where(counts.any(-1, keepdims=True), counts, fits)
        values = np.where(pool, iou, -1.0)
        taken = ious.shape[1] - 1 - values[..., ::-1].argmax(-1)[..., None]  # of equal ones the last, as the tool does
        matched[..., d] = pool.any(-1)
        ignored[..., d] = matched[..., d] & np.take_along_axis(ignore[:, None], taken, -1)[..., 0]
        used = (np.arange(ious.shape[1]) == taken) & matched[..., d, None] & ~crowd
        free &= ~used
    return matched, ignored


def _accumulate(verdicts: Sequence[_Verdicts], area: int, most: int, precision: Floats, recall: Floats) -> None:
    """Writes one category's precision (T, R) and recall (T,) over all its videos; nothing where no instance counts."""
    counted = sum(int(v.counted[area]) for v in verdicts)
    if counted == 0:
        return
    scores = np.concatenate([v.scores[:most] for v in verdicts])
    order = np.argsort(-scores, kind="stable")
    matched = np.concatenate([v.matched[area, :, :most] for v in verdicts], axis=1)[:, order]
    ignored = np.concatenate([v.ignored[area, :, :most] for v in verdicts], axis=1)[:, order]
    true = np.cumsum(matched & ~ignored, axis=1).astype(np.float64)
    false = np.cumsum(~matched & ~ignored, axis=1).astype(np.float64)
    precision[:] = _precision_at_recalls(true, false, counted)
    recall[:] = true[:, -1] / counted if len(order) else 0.0


def average_precision(scores: Sequence[float], right: Sequence[bool], counted: int) -> float:
    """AP of one category at one IoU threshold from its tracks, of which some are right, and the number of its objects."""
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")
    hits = np.asarray(right, dtype=bool)[None, order]
    return float(_precision_at_recalls(np.cumsum(hits, 1, float), np.cumsum(~hits, 1, float), counted).mean())


def _precision_at_recalls(true: Floats, false: Floats, counted: int) -> Floats:
    """(T, R) from the numbers of right and wrong tracks among the first 1, 2, ... D of each threshold, (T, D)."""
    recalls, precisions = true / counted, true / (true + false + np.spacing(1))
    precisions = np.maximum.accumulate(precisions[:, ::-1], axis=1)[:, ::-1]  # never rising with recall
    precisions = np.pad(precisions, ((0, 0), (0, 1)))  # 0 beyond the highest recall
    places = [np.searchsorted(reached, RECALL_POINTS, side="left") for reached in recalls]
    return np.take_along_axis(precisions, np.array(places), axis=1)


def _summarise(precision: Floats, recall: Floats) -> dict[str, float]:
    """The official tool's 12 numbers; axes as in Score."""
    areas = {"s": 1, "m": 2, "l": 3}
    fifty, seventy_five = 0, 5
    return (
        {"AP": _mean(precision[..., 0, -1])}
        | {"AP50": _mean(precision[fifty, ..., 0, -1]), "AP75": _mean(precision[seventy_five, ..., 0, -1])}
        | {f"AP{name}": _mean(precision[..., a, -1]) for name, a in areas.items()}
        | {f"AR{most}": _mean(recall[..., 0, m]) for m, most in enumerate(MAX_TRACKS)}
        | {f"AR{name}": _mean(recall[..., a, -1]) for name, a in areas.items()}
    )


def _mean(values: Floats) -> float:
    measured = values[values > -1]
    return float(measured.mean()) if measured.size else -1.0


def by_place(records: Sequence[Track], videos: Collection[int]) -> dict[tuple[int, int], list[Track]]:
    """Records by (video, category), in the order of the file."""
    places: dict[tuple[int, int], list[Track]] = defaultdict(list)
    for record in records:
        if record.video_id in videos:
            places[record.video_id, record.category_id].append(record)
    return places


def _areas(segmentations: Sequence[RLE | None]) -> Floats:
    """Pixels of each mask, 0 for None."""
    return np.array([masks.area(rle) if rle else 0 for rle in segmentations], dtype=np.float64)


def _mean_areas(tracks: Sequence[Sequence[float | None] | Floats]) -> Floats:
    """Each track's mean area over the frames in which it has one; 0 if it never has."""
    seen = [[area for area in areas if area] for areas in tracks]
    return np.array([np.mean(areas) if areas else 0.0 for areas in seen])


def _outside(areas: Floats) -> Bools:
    """areas (N,) -> which lie outside each bin, (A, N); both edges belong to a bin."""
    return (areas < _AREAS[:, :1]) | (areas > _AREAS[:, 1:])
