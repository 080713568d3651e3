"""How far half precision is from float32 on whole videos: scores and masks of the tracks.

Run: `python benchmarks/precision.py [--model demo] [--dtype bfloat16] [--frames 60] [VIDEO ...]`; without videos, the demo
clips. For every track that float32 is sure of, the track of the same category that overlaps it most in half precision is
looked up; printed are the largest difference of their scores, and the intersection over union of their masks frame by frame.
"""

import argparse
from itertools import islice
from pathlib import Path

import numpy as np
import torch

from engine import CTVIS, Preset, load_model, masks
from engine.masks import RLE
from engine.result import VideoResult
from engine.run import see
from engine.session import VideoSession
from engine.tuning import tune
from engine.video import open_video

CLIPS = Path(__file__).resolve().parent.parent / "assets" / "clips"
SURE = 0.3  # score of a track from which on it counts


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("videos", nargs="*", type=Path, default=sorted(CLIPS.glob("*.mp4")))
    parser.add_argument("--model", default="demo")
    parser.add_argument("--dtype", default="bfloat16", choices=["bfloat16", "float16"])
    parser.add_argument("--frames", type=int, default=60, help="of each video, from its beginning")
    arguments = parser.parse_args()
    dtype = getattr(torch, arguments.dtype)
    full, half = load_model(arguments.model), load_model(arguments.model)
    tune(full[0])
    tune(half[0], dtype)
    for video in arguments.videos:
        results = follow(*full, video, arguments.frames, None), follow(*half, video, arguments.frames, dtype)
        print(f"{video.stem:16} {describe(*results)}")


def follow(model: CTVIS, preset: Preset, path: Path, frames: int, dtype: torch.dtype | None) -> VideoResult:
    """The tracks of the first frames of a video."""
    with open_video(path) as source:
        session = VideoSession(model, (source.height, source.width), preset.tracker)
        for _, rgb in islice(source.frames(), frames):
            (output,) = see(session, session.prepare(rgb)[None], dtype)
            session.track(*output)
        return session.finish()


def describe(full: VideoResult, half: VideoResult) -> str:
    """The agreement of two results of one video in a line."""
    sure = {track_id: track for track_id, track in full.tracks.items() if track.score >= SURE}
    differences, overlaps = [], list[float]()
    for track_id, track in sure.items():
        same = [other for other, candidate in half.tracks.items() if candidate.category == track.category]
        pairs = [frame_overlaps(full.segmentations(track_id), half.segmentations(other), full.size) for other in same]
        if not pairs:
            differences.append(track.score)
            overlaps.append(0.0)
            continue
        best = int(np.argmax([np.mean(pair) for pair in pairs]))
        differences.append(abs(track.score - half.tracks[same[best]].score))
        overlaps += pairs[best]
    if not sure:
        return "no track that float32 is sure of"
    low = np.quantile(overlaps, 0.05)
    return (
        f"{len(sure):3} tracks   score off by at most {max(differences):.4f}   "
        f"mask IoU: mean {np.mean(overlaps):.4f}, 5 % below {low:.4f}, least {min(overlaps):.4f}"
    )


def frame_overlaps(first: list[RLE | None], second: list[RLE | None], size: tuple[int, int]) -> list[float]:
    """Intersection over union in each frame in which either track is seen."""
    empty = masks.encode(np.zeros(size, bool))
    seen = [(one or empty, other or empty) for one, other in zip(first, second, strict=True) if one or other]
    return [float(masks.iou([one], [other])[0, 0]) for one, other in seen]


if __name__ == "__main__":
    main()
