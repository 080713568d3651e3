"""Colours of tracks, the same in the overlay video and in the web application.

`track_color(7) -> "#rrggbb"`. A track's colour depends on its id alone, so it never changes, and neighbouring ids look
different: the hue walks by the golden angle through a perceptually even colour space (OKLCH) while the lightness goes up and
down. Every colour is light enough to carry black text.
"""

import math
from functools import lru_cache

GOLDEN_ANGLE = 137.508  # degrees
LIGHTNESS = (0.64, 0.76, 0.80, 0.84, 0.68, 0.60)  # chosen so that any 24 neighbouring ids differ clearly in OKLAB
CHROMA = 0.17


def track_color(track_id: int) -> str:
    """The colour of a track as "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*track_rgb(track_id))


@lru_cache(maxsize=4096)
def track_rgb(track_id: int) -> tuple[int, int, int]:
    """The colour of a track as (red, green, blue), 0..255."""
    hue = math.radians(25 + GOLDEN_ANGLE * track_id)
    lightness, chroma = LIGHTNESS[track_id % len(LIGHTNESS)], CHROMA
    while True:  # the most vivid colour of this hue and lightness that a screen can show
        linear = _oklab_to_linear_rgb(lightness, chroma * math.cos(hue), chroma * math.sin(hue))
        if all(-1e-3 <= value <= 1 + 1e-3 for value in linear):
            red, green, blue = (round(255 * _gamma(min(max(value, 0.0), 1.0))) for value in linear)
            return red, green, blue
        chroma *= 0.95


def _oklab_to_linear_rgb(lightness: float, a: float, b: float) -> tuple[float, float, float]:
    # Björn Ottosson, "A perceptual color space for image processing" (2020), the inverse of its two matrices.
    long = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
    medium = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
    short = (lightness - 0.0894841775 * a - 1.2914855480 * b) ** 3
    return (
        4.0767416621 * long - 3.3077115913 * medium + 0.2309699292 * short,
        -1.2684380046 * long + 2.6097574011 * medium - 0.3413193965 * short,
        -0.0041960863 * long - 0.7034186147 * medium + 1.7076147010 * short,
    )


def _gamma(linear: float) -> float:
    return 12.92 * linear if linear <= 0.0031308 else 1.055 * linear ** (1 / 2.4) - 0.055
