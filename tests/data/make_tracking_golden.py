"""Makes tracking_golden.json: random scenes, and what TrackEval 1.3.0 says of them. Needs `pip install --no-deps trackeval tabulate`.

Its metric classes are called directly, on pairs made by training.tracking_metrics: the reader of YouTube-VIS files in TrackEval takes
neither compressed RLEs nor videos of one folder. Run: `python -m tests.data.make_tracking_golden`.
"""

import json
from pathlib import Path

import numpy as np
from trackeval.metrics import CLEAR, HOTA, Identity

from engine import masks
from training.tracking_metrics import frame_pairs, likeliest
from training.ytvis import Dataset, read_dataset, read_results

LEAST_SCORE = 0.3
HEIGHT, WIDTH, LENGTH = 24, 32, 9


def main() -> None:
    cases = [case(seed) for seed in range(24)]
    Path(__file__).with_name("tracking_golden.json").write_text(json.dumps(cases))


def case(seed: int) -> dict:
    rng = np.random.default_rng(seed)
    videos = [{"id": i, "width": WIDTH, "height": HEIGHT, "length": LENGTH, "file_names": []} for i in (1, 2)]
    categories = [{"id": 1, "name": "one"}, {"id": 2, "name": "two"}]
    annotations, results = [], []
    for video in (1, 2):
        paths = [
            rng.uniform(4, 18, 2) + np.cumsum(rng.normal(0, 1.5, (LENGTH, 2)), 0) for _ in range(rng.integers(1, 5))
        ]
        for path in paths:
            label = int(rng.integers(1, 3))
            shown = rng.random(LENGTH) < 0.85
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "video_id": video,
                    "category_id": label,
                    "iscrowd": int(rng.random() < 0.1),
                }
                | {"segmentations": [box(at) if there else None for at, there in zip(path, shown, strict=True)]}
            )
        for path in paths:
            label, other = (
                (annotations[-1]["category_id"] if rng.random() < 0.8 else 1),
                paths[rng.integers(len(paths))],
            )
            turn = int(rng.integers(1, LENGTH + 4))  # from here on it follows another object
            noisy = np.where(np.arange(LENGTH)[:, None] < turn, path, other) + rng.normal(0, 0.8, (LENGTH, 2))
            shown = rng.random(LENGTH) < 0.8
            entry = {
                "video_id": video,
                "segmentations": [box(at) if s else None for at, s in zip(noisy, shown, strict=True)],
            }
            results.append(entry | {"category_id": label, "score": round(float(rng.uniform(0.1, 1)), 3)})
            if rng.random() < 0.3:  # the same masks under a second name
                results.append(entry | {"category_id": 3 - label, "score": round(float(rng.uniform(0.1, 1)), 3)})
    truth = {"videos": videos, "categories": categories, "annotations": annotations}
    return {"truth": truth, "results": results, "expected": expected(read_dataset(truth), results)}


def box(at: np.ndarray) -> dict | None:
    top, left = np.round(at).astype(int)
    mask = np.zeros((HEIGHT, WIDTH), np.uint8)
    mask[max(top, 0) : max(top + 7, 0), max(left, 0) : max(left + 9, 0)] = 1
    return masks.encode(mask) if mask.any() else None


def expected(dataset: Dataset, entries: list[dict]) -> dict:
    tracks = likeliest(read_results(entries, dataset), LEAST_SCORE)
    hota, clear, identity = HOTA(), CLEAR({"PRINT_CONFIG": False}), Identity({"PRINT_CONFIG": False})
    sequences = {}
    for video in dataset.videos:
        for category in dataset.categories:
            theirs = [it for it in dataset.instances if (it.video_id, it.category_id) == (video, category)]
            ours = [it for it in tracks if (it.video_id, it.category_id) == (video, category)]
            if theirs or ours:
                sequences[f"{video}/{category}"] = data(list(frame_pairs(theirs, ours)))
    sums = [
        metric.combine_sequences({key: metric.eval_sequence(value) for key, value in sequences.items()})
        for metric in (hota, clear, identity)
    ]
    return {
        "hota": float(np.mean(sums[0]["HOTA"])),
        "det_a": float(np.mean(sums[0]["DetA"])),
        "ass_a": float(np.mean(sums[0]["AssA"])),
        "mota": float(sums[1]["MOTA"]),
        "switches": int(sums[1]["IDSW"]),
        "fragments": int(sums[1]["Frag"]),
        "idf1": float(sums[2]["IDF1"]),
    }


def data(frames: list) -> dict:
    """A sequence as TrackEval's metrics want it."""
    objects, tracks = ([frame[side] for frame in frames] for side in (0, 1))
    return {
        "gt_ids": objects,
        "tracker_ids": tracks,
        "similarity_scores": [frame.overlap for frame in frames],
        "num_timesteps": len(frames),
        "num_gt_ids": 1 + max((int(ids.max(initial=-1)) for ids in objects), default=-1),
        "num_tracker_ids": 1 + max((int(ids.max(initial=-1)) for ids in tracks), default=-1),
        "num_gt_dets": sum(map(len, objects)),
        "num_tracker_dets": sum(map(len, tracks)),
    }


if __name__ == "__main__":
    main()
