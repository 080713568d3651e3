"""Strips for the timeline: small pictures of a video side by side, evenly spaced.

Small pictures come from frames that are kept ready, scaled down while they are decoded. Where there are none, a long stretch
shows the nearest key pictures, each of which costs one decoded picture.
"""

import cv2
import numpy as np

from studio.api.frame_cache import FrameCache
from studio.jpeg import Picture, encode
from studio.store import Row

QUALITY = 75
EXACT_STRETCH = 128  # frames; so few are decoded one and all


def draw_strip(frames: FrameCache, video: Row, start: int, stop: int, count: int, height: int) -> tuple[bytes, bool]:
    """The strip as JPEG, and whether each picture is of the very frame in the middle of its part of start..stop-1."""
    key = (video["id"], "strip", start, stop, count, height)
    if (known := frames.made.get(key)) is not None:
        return known, True
    places = [start + (2 * part + 1) * (stop - start) // (2 * count) for part in range(count)]
    near = stop - start <= EXACT_STRETCH
    pictures: dict[int, Picture] = {}
    exact = True
    for frame in sorted(set(places)):
        if near or frames.is_ready(video, frame, height):
            pictures[frame] = frames.picture(video, frame, height)
        else:
            pictures[frame] = frames.near_picture(video, frame, height)
            exact = False
    size = (max(1, round(video["width"] * height / video["height"])), height)
    row = np.concatenate([cv2.resize(pictures[frame], size) for frame in places], axis=1)
    strip = encode(row, quality=QUALITY)
    return (frames.made.put(key, strip) if exact else strip), exact
