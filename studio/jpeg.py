"""Pictures as JPEG: uint8 RGB (H, W, 3) in, bytes out, and back."""

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]

QUALITY = 90
REDUCED = {2: cv2.IMREAD_REDUCED_COLOR_2, 4: cv2.IMREAD_REDUCED_COLOR_4, 8: cv2.IMREAD_REDUCED_COLOR_8}


def encode(picture: Picture, height: int | None = None, quality: int = QUALITY) -> bytes:
    """A picture (H, W, 3) as JPEG, scaled down to `height` pixels if that is less than its own."""
    bgr = cv2.cvtColor(scale(picture, height or picture.shape[0]), cv2.COLOR_RGB2BGR)
    _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return jpeg.tobytes()


def scale(picture: Picture, height: int) -> Picture:
    """A picture at `height` pixels, with its aspect kept; never larger than it is."""
    if height >= picture.shape[0]:
        return picture
    width = max(1, round(picture.shape[1] * height / picture.shape[0]))
    return np.asarray(cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


def decode(jpeg: bytes, height: int, full_height: int) -> Picture:
    """A JPEG of `full_height` pixels as a picture (H, W, 3) of at least `height`, which costs less the smaller it is."""
    fits = [factor for factor in REDUCED if full_height // factor >= height]
    mode = REDUCED[max(fits)] if fits else cv2.IMREAD_COLOR
    bgr = cv2.imdecode(np.frombuffer(jpeg, np.uint8), mode)
    if bgr is None:
        raise ValueError("these bytes are no JPEG")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
