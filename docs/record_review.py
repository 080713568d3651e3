"""Records docs/screenshots/review.webp: five errors planted in a clip, found by the queue mended with keys alone, and exported.

`python docs/record_review.py` makes a studio in a temporary folder (docs/planted_lake.py), drives the review page in Chromium,
prints each key with what it did, exports the project as a newcomer would, by the buttons of the Export page, and prints the seconds
that it all took and how well the exported file agrees with the true tracks: the IoU of the worst one, and the AP. It writes the
mending as an animated picture. Needs Chromium.
"""

import argparse
import base64
import io
import json
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from docs.planted_lake import Track, planted_home  # noqa: E402
from engine import masks  # noqa: E402
from tests.browser.conftest import FLAGS, find_chromium  # noqa: E402
from tests.browser.studio_server import studio  # noqa: E402
from training.metrics import evaluate  # noqa: E402
from training.ytvis import Dataset, read_dataset, read_results  # noqa: E402

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
    while (moment := page.evaluate(CURRENT)) is not None and len(pressed) < 16:
        if not moment["here"]:
            press("j")
        elif moment["kind"] in ("switch", "flicker", "area"):
            press("Control+Enter")
        elif moment["kind"] == "same":
            press("Control+Enter")
            press("Enter")
        elif moment["masks"] < 10:
            press("Delete")
            press("j")
        else:
            press("Shift+Enter")
    return pressed


CURRENT = """() => {
  const { suggestions, suggestion, tracks } = window.__studio.state;
  const open = suggestions.filter((moment) => moment.state === "open");
  const here = open.find(({ id }) => id === suggestion);
  const moment = here ?? open[0];
  if (!moment) return null;
  return { ...moment, here: Boolean(here), masks: tracks.find(({ id }) => id === moment.track)?.count ?? 0 };
}"""
SUMMARY = """() => {
  const { frame, suggestions } = window.__studio.state;
  const open = suggestions.filter(({ state }) => state === "open").map(({ kind }) => kind);
  return `frame ${frame}, open: ${open.join(", ") || "none"}`;
}"""


def export(page: Any) -> dict[str, Any]:
    """Leaves the review page for the Export page and downloads the annotations there; three clicks."""
    done = page.locator("#page-export .job.done")
    before = done.count()
    page.get_by_role("link", name="Export", exact=True).click()
    page.wait_for_function("document.querySelector('#page-export select').value")
    page.locator("#export-start").click()
    with page.expect_download() as download:
        done.nth(before).wait_for()
        done.first.get_by_role("link", name="JSON").click()
    page.get_by_role("link", name="Review", exact=True).click()
    return dict(json.loads(Path(download.value.path()).read_text()))


def agreement(exported: dict[str, Any], true: dict[str, Track]) -> str:
    """The least IoU, over all frames, of a true track with the best exported one, and the AP of what is exported."""
    tracks = [{t: rle for t, rle in enumerate(it["segmentations"]) if rle} for it in exported["annotations"]]
    worst = min(max(whole_iou(track, other) for other in tracks) for track in true.values())
    truth = ground_truth(exported, true)
    results = [
        {
            "video_id": it["video_id"],
            "category_id": it["category_id"],
            "score": 1.0,
            "segmentations": it["segmentations"],
        }
        for it in exported["annotations"]
    ]
    ap = evaluate(truth, read_results(results, truth)).stats["AP"]
    return f"{len(tracks)} tracks, AP {ap:.3f}, the worst true track agrees to {worst:.3f}"


def ground_truth(exported: dict[str, Any], true: dict[str, Track]) -> Dataset:
    """The true tracks as a data set with the exported file's video and categories."""
    (video,) = exported["videos"]
    ids = {category["name"]: category["id"] for category in exported["categories"]}
    annotations = []
    for number, (name, track) in enumerate(true.items(), 1):
        rles = [track.get(t) for t in range(video["length"])]
        boxes = [rle and [float(edge) for edge in masks.bbox(rle)] for rle in rles]
        entry = {"id": number, "video_id": video["id"], "category_id": ids[name], "iscrowd": 0, "bboxes": boxes}
        annotations.append(entry | {"segmentations": rles, "areas": [rle and masks.area(rle) for rle in rles]})
    return read_dataset(exported | {"annotations": annotations})


def whole_iou(first: Track, second: Track) -> float:
    shared = union = 0.0
    for t in first.keys() | second.keys():
        both = [masks.decode(track[t]) if t in track else np.zeros((360, 640), bool) for track in (first, second)]
        shared += np.count_nonzero(both[0] & both[1])
        union += np.count_nonzero(both[0] | both[1])
    return shared / union


class Recording:
    """What Chromium shows of a page, as pictures with their times."""

    def __init__(self, page: Any) -> None:
        self.pictures: list[tuple[float, bytes]] = []
        self._session = page.context.new_cdp_session(page)
        self._session.on("Page.screencastFrame", self._keep)
        self._session.send("Page.startScreencast", {"format": "jpeg", "quality": 90, "everyNthFrame": 1})

    def _keep(self, frame: dict[str, Any]) -> None:
        self.pictures.append((frame["metadata"]["timestamp"], base64.b64decode(frame["data"])))
        self._session.send("Page.screencastFrameAck", {"sessionId": frame["sessionId"]})

    def stop(self) -> None:
        self._session.send("Page.stopScreencast")
        self._session.detach()

    def animate(self, file: Path) -> None:
        """An animated picture, smaller, with as many pictures a second as are worth it."""
        shown = [self.pictures[0]]
        for picture in self.pictures[1:]:
            if picture[0] - shown[-1][0] >= 1 / SHOWN_FPS:
                shown.append(picture)
        images = [Image.open(io.BytesIO(data)) for _, data in shown]
        size = SHOWN_WIDTH, round(SHOWN_WIDTH * images[0].height / images[0].width)
        small = [image.resize(size, Image.Resampling.LANCZOS) for image in images]
        times = [time for time, _ in shown]
        durations = [round(1000 * (after - time)) for time, after in pairwise(times)] + [1500]
        small[0].save(file, save_all=True, append_images=small[1:], duration=durations, loop=0, quality=60, method=4)
        print(f"{file.name}: {sum(durations) / 1000:.0f} s, {len(small)} pictures, {file.stat().st_size / 1e6:.1f} MB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pause", type=int, default=1200, help="milliseconds after each key")
    parser.add_argument("--no-recording", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, video, true = planted_home(Path(folder) / "ctvis-studio")
        with studio(home) as address, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=find_chromium(), args=FLAGS)
            page = browser.new_page(viewport=SIZE)
            page.goto(f"{address}/?view=review&video={video}")
            page.add_style_tag(
                content="#footer .facts > :last-child { visibility: hidden }"
            )  # the path of a temporary folder
            page.wait_for_function("window.__studio?.drawnFrame >= 0 && window.__studio.state.suggestions.length > 0")
            page.wait_for_timeout(1500)
            print(f"before: {agreement(export(page), true)}")
            page.wait_for_timeout(1500)
            recording = None if arguments.no_recording else Recording(page)
            began = time.monotonic()
            pressed = mend(page, arguments.pause)
            seconds = time.monotonic() - began
            pauses = len(pressed) * arguments.pause / 1000
            print(f"{len(pressed)} keys in {seconds:.1f} s, of which {pauses:.1f} s were pauses")
            page.wait_for_timeout(1500)
            if recording:
                recording.stop()
            began = time.monotonic()
            exported = export(page)
            print(f"exported with three clicks in {time.monotonic() - began:.1f} s")
            print(f"after: {agreement(exported, true)}")
            browser.close()
    if recording:
        recording.animate(OUT)


if __name__ == "__main__":
    main()
