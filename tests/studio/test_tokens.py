"""The colours of the studio's pages: text can be read on every ground that it stands on, in both themes."""

import re

import pytest

from studio.static_files import FOLDER

GROUNDS = ("bg", "surface", "surface-raised", "surface-sunken", "hover", "accent-soft", "row-selected")
PAIRS = [
    *((text, ground) for text in ("text", "text-muted", "text-faint") for ground in GROUNDS),
    *((kind, f"{kind}-soft") for kind in ("success", "warning", "danger", "accent")),
    ("accent-text", "accent"),
]
EDGES = [("border-control", ground) for ground in ("bg", "surface", "surface-raised", "surface-sunken")]


def colours(theme: str) -> dict[str, str]:
    light, dark = (FOLDER / "css" / "tokens.css").read_text().split(".dark {")
    return dict(re.findall(r"--ct-([\w-]+): (#[0-9a-f]{6});", {"light": light, "dark": dark}[theme]))


def luminance(colour: str) -> float:
    """Of "#rrggbb", as WCAG 2 defines it."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_edges_of_fields_have_the_contrast_of_wcag_aa_on_every_ground(theme: str) -> None:
    of = colours(theme)
    for pairs, least in ((PAIRS, 4.5), (EDGES, 3)):
        for mark, ground in pairs:
            darker, lighter = sorted(luminance(of[name]) for name in (mark, ground))
            assert (lighter + 0.05) / (darker + 0.05) >= least, (mark, ground)
