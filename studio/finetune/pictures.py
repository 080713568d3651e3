"""The frames of a snapshot as files, for as long as a fine-tuning lasts: decoded once, so that training can draw them in any order.

Frames that teach are kept at the size that training needs, held-out ones at the size of their video. What is there already is not
made again, so a killed run goes on.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine.video import VideoSource
from studio.finetune.snapshot import Snapshot
from training.finetune import StorageFault
from training.finetune_clips import picture_size
from training.finetune_config import FinetuneConfig

QUALITY = 95


def write_pictures(
    snapshot: Snapshot,
    folder: Path,
    config: FinetuneConfig,
    longest: int,
    open_source: Callable[[Mapping[str, Any]], VideoSource],
    advance: Callable[[int, int], bool],
) -> bool:
    """longest: of a frame's edges; open_source: opens the video of an entry of the snapshot; advance: is told (done, of how many)
    after each frame and says whether to stop. Returns whether all are there."""
    total, done = sum(len(video["frames"]) for video in snapshot["videos"]), 0
    for video in snapshot["videos"]:
        size = (video["height"], video["width"])
        wanted = size if video["held_out"] else picture_size(size, config, longest)
        places = list(zip(video["frames"], video["file_names"], strict=True))
        missing = [(ordinal, folder / name) for ordinal, name in places if not (folder / name).exists()]
        done += len(places) - len(missing)
        if not missing:
            continue
        missing[0][1].parent.mkdir(parents=True, exist_ok=True)
        with open_source(video) as source:
            for ordinal, path in missing:
                write_picture(path, source.frame(ordinal), wanted)
                done += 1
                if advance(done, total):
                    return False
    return True


def write_picture(path: Path, rgb: np.ndarray, size: tuple[int, int] | None = None, quality: int = QUALITY) -> None:
    """A frame (H, W, 3) as JPEG, at `size` (H, W) if one is given; the file appears whole."""
    if size is not None and rgb.shape[:2] != size:
        rgb = cv2.resize(rgb, size[::-1], interpolation=cv2.INTER_AREA)
    _, jpeg = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    partial = path.with_suffix(".partial")
    try:
        partial.write_bytes(jpeg.tobytes())
        os.replace(partial, path)
    except OSError as fault:
        partial.unlink(missing_ok=True)
        raise StorageFault(
            f"{path.parent} cannot be written to: {fault.strerror}. Make room there, then resume."
        ) from fault
