"""Records docs/screenshots/review.webp: five errors planted in a clip, found by the queue and mended with keys alone.

`python docs/record_review.py` makes a studio in a temporary folder (docs/planted_lake.py), drives the review page in Chromium,
prints each key with what it did, the seconds that it all took and how well the result agrees with the true tracks, and writes
the recording as an animated picture. Needs Chromium.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import av
import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from docs.planted_lake import planted_home  # noqa: E402
from engine import masks  # noqa: E402
from tests.browser.conftest import FLAGS, find_chromium  # noqa: E402
from tests.browser.studio_server import studio  # noqa: E402

OUT = ROOT / "docs" / "screenshots" / "review.webp"
SIZE = {"width": 1280, "height": 800}
SHOWN_WIDTH, SHOWN_FPS = 960, 5


def mend(page: Any, pause: int) -> list[str]:
    """Settles the queue with keys, as the moments come; returns the keys."""
    pressed: list[str] = []

    def press(key: str) -> None:
        pressed.append(key)
        page.keyboard.press(key)
        page.evaluate("window.__studio.idle()")
        page.wait_for_timeout(pause)
        print(f"{key:14} {page.evaluate(SUMMARY)}", flush=True)

    press("j")
    while (moment := page.evaluate(CURRENT)) is not None and len(pressed) < 40:
        if moment["kind"] in ("switch", "flicker"):
            press("Control+Enter")
        elif moment["kind"] == "same":
            press("Control+Enter")
            press("Enter")
        elif moment["kind"] == "area":  # good masks before and after: choose what lies between, and interpolate
            press("i")
            for _ in range(moment["stop"] - moment["frame"] - 1):
                press("ArrowRight")
            press("o")
            press("u")
            press("Shift+I")
            press("j")
        elif moment["track"]["masks"] < 10:
            press("Delete")
            press("j")
        else:
            press("Shift+Enter")
    return pressed


CURRENT = """() => {
  const { suggestions, suggestion, tracks } = window.__studio.state;
  const open = suggestions.filter((moment) => moment.state === "open");
  const moment = open.find(({ id }) => id === suggestion) ?? open[0];
  if (!moment) return null;
  return { ...moment, track: { masks: tracks.find(({ id }) => id === moment.tracks[0])?.count ?? 0 } };
}"""
SUMMARY = """() => {
  const { frame, suggestions } = window.__studio.state;
  return `frame ${frame}, ${suggestions.filter(({ state }) => state === "open").length} open`;
}"""


def agreement(page: Any, address: str, video: int, true: dict[str, dict[int, masks.RLE]]) -> float:
    """The least IoU, over all frames, of a true track with the best shown one."""
    answer = page.request.get(f"{address}/api/v1/videos/{video}/masks?start=0&n=75").json()
    size = [360, 640]
    shown: dict[int, dict[int, masks.RLE]] = {}
    for t, frame in enumerate(answer["frames"]):
        for mask in frame:
            shown.setdefault(mask["track"], {})[t] = {"size": size, "counts": mask["counts"]}
    return min(max(whole_iou(track, other) for other in shown.values()) for track in true.values())


def whole_iou(first: dict[int, masks.RLE], second: dict[int, masks.RLE]) -> float:
    shared = union = 0.0
    for t in first.keys() | second.keys():
        both = [masks.decode(track[t]) if t in track else np.zeros((360, 640), bool) for track in (first, second)]
        shared += np.count_nonzero(both[0] & both[1])
        union += np.count_nonzero(both[0] | both[1])
    return shared / union


def animate(recording: Path, begin: float) -> None:
    """The recording from `begin` seconds on as an animated picture, smaller and slower."""
    pictures = []
    with av.open(str(recording)) as container:
        due = begin
        for frame in container.decode(video=0):
            if frame.time is not None and frame.time >= due:
                image = frame.to_image()
                pictures.append(
                    image.resize((SHOWN_WIDTH, round(SHOWN_WIDTH * image.height / image.width)), Image.LANCZOS)
                )
                due += 1 / SHOWN_FPS
    pictures[0].save(
        OUT, save_all=True, append_images=pictures[1:], duration=round(1000 / SHOWN_FPS), loop=0, quality=60, method=4
    )
    print(f"{OUT.relative_to(ROOT)}: {len(pictures) / SHOWN_FPS:.0f} s, {OUT.stat().st_size / 1e6:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pause", type=int, default=1200, help="milliseconds after each key")
    parser.add_argument("--no-recording", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, video, true = planted_home(Path(folder) / "ctvis-studio")
        with studio(home) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            context = browser.new_context(viewport=SIZE, record_video_dir=folder, record_video_size=SIZE)
            page = context.new_page()
            opened = time.monotonic()
            page.goto(f"{address}/?view=review&video={video}")
            page.wait_for_function("window.__studio?.drawnFrame >= 0 && window.__studio.state.suggestions.length > 0")
            page.wait_for_timeout(1500)
            print(f"before: the worst true track agrees to {agreement(page, address, video, true):.3f}")
            began = time.monotonic()
            pressed = mend(page, arguments.pause)
            seconds = time.monotonic() - began
            print(
                f"{len(pressed)} keys in {seconds:.1f} s, of which {len(pressed) * arguments.pause / 1000:.1f} s were pauses"
            )
            print(f"after: the worst true track agrees to {agreement(page, address, video, true):.3f}")
            page.wait_for_timeout(1500)
            context.close()
            browser.close()
            if not arguments.no_recording:
                (recording,) = Path(folder).glob("*.webm")
                animate(recording, began - opened - 0.5)


if __name__ == "__main__":
    main()
