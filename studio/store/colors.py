"""Colours for things that have a number: stable, and far apart for neighbours."""

import colorsys

GOLDEN_RATIO = 0.6180339887498949


def color(number: int) -> str:
    """`#rrggbb` for a track or category. The hue walks by the golden ratio; three lightnesses keep long lists apart."""
    hue = number * GOLDEN_RATIO % 1.0
    lightness = (0.58, 0.48, 0.68)[number % 3]
    red, green, blue = colorsys.hls_to_rgb(hue, lightness, 0.78)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
