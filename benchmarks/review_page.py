"""How fast the review page is, in a real Chromium against the real studio: every figure with its bound.

    python benchmarks/review_page.py [--library DIR] [--frames 20000] [--tracks 300] [--only NAME ...] [--size 1440 900]

Makes a library in a temporary folder (or in DIR, which is kept and used again), starts the studio on it, waits until the worker has
prepared the frames, and drives the page through Playwright. "drawn": until the frame and its masks are on the canvas; "painted":
until the browser has made a picture of the page with them, which waits for the screen's next turn.
"""

import argparse
import contextlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from playwright.sync_api import Page, sync_playwright
from review_library import films, make_library

from studio.frame_store import FrameStore
from studio.settings import Home

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SCRIPT = (Path(__file__).parent / "review_page.js").read_text()
KEY_REPEAT = 33  # ms between steps of a held arrow key


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--library", type=Path, help="folder of the library, made if it is not there, and kept")
    parser.add_argument("--frames", type=int, default=20_000, help="of the long video")
    parser.add_argument("--tracks", type=int, default=300, help="of the long video")
    parser.add_argument("--only", nargs="+", choices=list(PARTS), default=list(PARTS), help="what to measure")
    parser.add_argument("--size", type=int, nargs=2, default=(1440, 900), metavar=("W", "H"), help="of the window")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(options.library or Path(folder) / "home")
        if not home.database.exists():
            make_library(home, films(options.frames, options.tracks))
        with studio(home) as address:
            videos = wait_until_ready(home, address)
            with browser(options.size) as new_page:
                for name in options.only:
                    PARTS[name](address, videos, new_page)


def report(name: str, times: Sequence[float], median: float | None = None, p95: float | None = None) -> None:
    """One line: median and 95th percentile in milliseconds, against their bounds."""
    middle, slow = statistics.median(times), float(np.percentile(times, 95))
    bounds = [f"{text} <= {bound:g}" for text, bound in (("median", median), ("p95", p95)) if bound is not None]
    held = all(value <= bound for value, bound in ((middle, median), (slow, p95)) if bound is not None)
    verdict = f"{', '.join(bounds)}: {'held' if held else 'MISSED'}" if bounds else ""
    print(f"{name:52}{middle:8.1f}{slow:8.1f}{len(times):6}   {verdict}", flush=True)


def measure_server(address: str, videos: dict[str, Any], _: Callable[[], Page]) -> None:
    """Time to the first byte of a frame, ready and decoded from the file."""
    with httpx.Client(base_url=f"{address}/api/v1") as client:
        for name in ("street", "cinema"):
            video = videos[name]
            frames = np.random.default_rng(4).integers(0, video["length"], 40).tolist()
            for kind, height in (("ready", 720), ("from the file", video["height"])):
                steps = [first_byte(client, video, frame, height) for frame in range(10, 50)]
                report(f"server, {name}: next frame, {kind}", steps)
                report(f"server, {name}: random frame, {kind}", [first_byte(client, video, t, height) for t in frames])


def first_byte(client: httpx.Client, video: dict[str, Any], frame: int, height: int) -> float:
    """Milliseconds."""
    began = time.perf_counter()
    with client.stream("GET", f"/videos/{video['id']}/frames/{frame}.jpg", params={"h": height}) as answer:
        next(answer.iter_bytes())
        spent = 1000 * (time.perf_counter() - began)
        assert answer.status_code == 200, answer.status_code
    return spent


def measure_usable(address: str, videos: dict[str, Any], new_page: Callable[[], Page]) -> None:
    """Until the first frame of the long video is painted with its lists around it."""
    page = new_page()
    times = [1000 * show(page, address, videos["archive"]) for _ in range(6)]
    report("page usable, first visit of a new browser", times[:1])
    report(f"page usable, {videos['archive']['length']:,} frames", times[1:], median=1500)
    page.context.close()


def measure_frames(address: str, videos: dict[str, Any], new_page: Callable[[], Page]) -> None:
    """Steps and jumps in the 1080p video with 10 masks in every frame."""
    page = new_page()
    show(page, address, videos["street"])
    page.wait_for_timeout(1500)
    steps = page.evaluate("([count, pace]) => window.bench.steps(count, pace)", [120, KEY_REPEAT])
    report("next frame, 1080p, 10 masks: drawn", [step["drawn"] for step in steps], median=16, p95=33)
    report("next frame, 1080p, 10 masks: painted", [step["painted"] for step in steps])
    frames = np.random.default_rng(5).permutation(videos["street"]["length"])[:60].tolist()
    jumps = page.evaluate("([frames, pace]) => window.bench.jumps(frames, pace)", [frames, 300])
    report("random jump, 1080p, 10 masks: drawn", [jump["drawn"] for jump in jumps], median=60)
    report("random jump, 1080p, 10 masks: painted", [jump["painted"] for jump in jumps])
    page.context.close()


def measure_brush(address: str, videos: dict[str, Any], new_page: Callable[[], Page]) -> None:
    """Moves of the brush over a mask of the 4K video. "work": what of a move the page's own thread does."""
    page = new_page()
    show(page, address, videos["cinema"])
    track = page.evaluate("window.__studio.state.tracks[0].id")
    x, y = center(page, track)
    page.mouse.click(x, y)
    page.keyboard.press("b")
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate("window.bench.watchMoves(true)")
    for step in range(150):
        page.mouse.move(x + 120 * np.sin(step / 11), y + 70 * np.sin(step / 7))
    page.wait_for_timeout(200)
    moves = page.evaluate("window.bench.watchMoves(false)")
    before = page.evaluate("(track) => window.__studio.runs(0, track)", track)
    page.mouse.up()
    page.evaluate("window.__studio.idle()")
    assert before != page.evaluate("(track) => window.__studio.runs(0, track)", track), "nothing was painted"
    report("brush at 4K, a move: work", [move["work"] for move in moves], median=16)
    report("brush at 4K, a move: painted", [move["painted"] for move in moves])
    page.context.close()


def center(page: Page, track: int) -> tuple[float, float]:
    """A point of the window in the middle of a track's mask in frame 0."""
    runs = np.array(page.evaluate("(track) => window.__studio.runs(0, track)", track))
    video = page.evaluate("(({ width, height }) => ({ width, height }))(window.__studio.state.video)")
    pixels = np.repeat(np.arange(len(runs)) % 2, runs).reshape(video["width"], video["height"])
    x, y = (int(axis.mean()) for axis in np.nonzero(pixels))
    point = page.evaluate("([x, y]) => window.__studio.clientPoint(x, y)", [x, y])
    return point["x"], point["y"]


def measure_operation(address: str, videos: dict[str, Any], new_page: Callable[[], Page]) -> None:
    """Operations on 5,000 masks, from the click to the answer, and their undoing."""
    page = new_page()
    video = videos["archive"]["id"]
    show(page, address, videos["archive"])
    first, second = page.evaluate("window.__studio.state.tracks.slice(0, 2).map((track) => track.id)")
    bodies = {"swap": {"first": first, "second": second, "start": 0}, "verify": {"tracks": [first, second]}}
    for name, body in bodies.items():
        times, undone = [], []
        for _ in range(5):
            done = page.evaluate("([a, b]) => window.bench.request(a, b)", [f"/api/v1/videos/{video}/ops/{name}", body])
            assert done["masks"] == 5000, done
            times.append(done["time"])
            undo = page.evaluate("(a) => window.bench.request(a, {})", f"/api/v1/videos/{video}/undo")
            undone.append(undo["time"])
        report(f"{name} of 5,000 masks acknowledged", times, median=500)
        report(f"{name} of 5,000 masks undone", undone, median=500)
    page.context.close()


def measure_playing(address: str, videos: dict[str, Any], new_page: Callable[[], Page]) -> None:
    """Playing at true speed: frames drawn, dropped, and how far off the clock they were."""
    for name in ("street", "cinema", "archive"):
        page = new_page()
        show(page, address, videos[name])
        page.wait_for_timeout(1500)
        seconds = min(8.0, videos[name]["length"] / videos[name]["fps"] - 0.3)
        played = page.evaluate("(time) => window.bench.play(time)", 1000 * seconds)
        drawn = [entry for entry in played["drawn"] if entry["frame"] > 0]
        gaps = [b["now"] - a["now"] for a, b in pairwise(drawn)]
        report(f"playing {name}: between frames (true: {1000 / videos[name]['fps']:.0f})", gaps)
        due = drawn[-1]["frame"] - drawn[0]["frame"] + 1
        print(f"    {len(drawn)} of {due} frames drawn, {played['dropped']} dropped by the page's own count")
        page.context.close()


PARTS: dict[str, Callable[[str, dict[str, Any], Callable[[], Page]], None]] = {
    "server": measure_server,
    "usable": measure_usable,
    "frames": measure_frames,
    "brush": measure_brush,
    "operation": measure_operation,
    "playing": measure_playing,
}


def show(page: Page, address: str, video: dict[str, Any]) -> float:
    """Open a video's review page. Seconds until its first frame is painted."""
    began = time.perf_counter()
    page.goto(f"{address}/?view=review&video={video['id']}", wait_until="commit")
    page.wait_for_function("window.__studio?.drawnFrame >= 0", polling="raf")  # which comes after the lists
    spent = time.perf_counter() - began
    page.evaluate("window.__studio.idle()")
    return spent


def wait_until_ready(home: Home, address: str) -> dict[str, Any]:
    """The videos by name, once all their frames are prepared."""
    with httpx.Client(base_url=f"{address}/api/v1") as client:
        frames = FrameStore(home.frames, home.frames_limit)
        began = time.monotonic()
        while True:
            videos = {video["name"]: video for video in client.get("/projects/1/videos").json()["videos"]}
            waiting = [v for v in videos.values() if frames.next_missing(v["id"], v["length"]) is not None]
            if not waiting:
                break
            time.sleep(0.5)
        print(f"frames were ready after {time.monotonic() - began:.0f} s and take {frames.bytes() / 1e6:.0f} MB")
    print(f"{'milliseconds':52}{'median':>8}{'p95':>8}{'n':>6}   bound")
    return videos


@contextlib.contextmanager
def studio(home: Home) -> Iterator[str]:
    """The command `serve` with its worker on a free port; its address."""
    command = [sys.executable, "-u", "-m", "studio.cli", "serve", "--no-browser", "--home", str(home.root)]
    root = Path(__file__).parents[1]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert process.stdout is not None
    try:
        yield next(found[1] for line in process.stdout if (found := re.search(r"ready: (http://\S+)", line)))
    finally:
        process.terminate()
        process.wait(60)


@contextlib.contextmanager
def browser(size: tuple[int, int]) -> Iterator[Callable[[], Page]]:
    """new_page() -> a page of a fresh browser context with the measuring script in it."""
    found = next((path for path in map(shutil.which, BROWSERS) if path), None)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=FLAGS)

        def new_page() -> Page:
            page = chromium.new_context(viewport={"width": size[0], "height": size[1]}).new_page()
            page.set_default_timeout(60_000)
            page.on("pageerror", lambda error: print(f"    the page threw: {error}"))
            page.add_init_script(SCRIPT)
            return page

        yield new_page
        chromium.close()


if __name__ == "__main__":
    main()
