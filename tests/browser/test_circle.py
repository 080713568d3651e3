"""The whole circle in a real browser, with a real worker and a real net.

Open the demo project, run the model, go through the frames, paint, undo, delete, relabel, reload, export. What is exported is what
the database shows, mask for mask.
"""

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from engine.masks import decode
from studio.review import view
from studio.settings import Home
from studio.store import Row, Store, library
from tests.browser.studio_server import HEIGHT, LENGTH, WIDTH, new_home, studio
from training.ytvis import read_dataset

LONG = 120_000  # milliseconds; a model runs meanwhile


def idle(page: Any) -> None:
    page.evaluate("window.__studio.idle()")


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        idle(page)


def state(page: Any, name: str) -> Any:
    return page.evaluate(f"window.__studio.state.{name}")


def drag(page: Any, start: tuple[int, int], end: tuple[int, int]) -> None:
    """A stroke between two pixels of the video."""
    for number, (x, y) in enumerate((start, end)):
        point = page.evaluate("([x, y]) => window.__studio.clientPoint(x, y)", [x, y])
        page.mouse.move(point["x"], point["y"])
        if number == 0:
            page.mouse.down()
    page.mouse.up()
    idle(page)


def mask(store: Store, video: int, track: int, frame: int) -> np.ndarray | None:
    """A mask as the database shows it, or None."""
    found = view.mask(store.database, video, track, frame)
    return found and decode({"size": [HEIGHT, WIDTH], "counts": found["counts"]})


def shown(store: Store, video: int) -> dict[int, tuple[str, dict[int, str]]]:
    """Category and masks by frame of every shown track that has any."""
    return {
        track["id"]: (
            track["category"],
            {row["frame"]: row["counts"] for row in view.masks(store.database, video, 0, LENGTH, track["id"])},
        )
        for track in view.tracks(store.database, video)
        if track["count"]
    }


def run_the_model(page: Any, address: str) -> int:
    """From the Library over the Run page to the Review of the demo project's first video; returns its id."""
    page.goto(f"{address}/?view=library")
    card = page.locator(".video-card", has_text="street")
    card.get_by_role("button", name="Run").click(timeout=LONG)
    page.get_by_label("number input for Minimum certainty").last.fill("0")
    page.locator("#run-start").click()
    page.locator("#page-run .job.done", has_text="Find objects").wait_for(timeout=LONG)
    page.locator("#run-review").click()
    page.wait_for_function("window.__studio?.state.tracks.length > 2")
    idle(page)
    return int(state(page, "video.id"))


def exported(page: Any) -> dict[str, Any]:
    """The annotations in the zip that the Export page gives."""
    page.get_by_role("link", name="Export", exact=True).click()
    page.wait_for_function("document.querySelector('#page-export select').value")
    page.locator("#export-start").click()
    with page.expect_download(timeout=LONG) as download:
        page.locator("#page-export .job.done").get_by_role("link", name="ZIP").click(timeout=LONG)
    with zipfile.ZipFile(io.BytesIO(Path(download.value.path()).read_bytes())) as archive:
        assert archive.testzip() is None
        return dict(json.loads(archive.read("annotations.json")))


def as_shown(dataset: dict[str, Any], video: int) -> list[tuple[str, dict[int, str]]]:
    """Category and masks by frame of every annotation of a video, as `shown` gives them."""
    names = {category["id"]: category["name"] for category in dataset["categories"]}
    return [
        (
            names[entry["category_id"]],
            {frame: rle["counts"] for frame, rle in enumerate(entry["segmentations"]) if rle is not None},
        )
        for entry in dataset["annotations"]
        if entry["video_id"] == video
    ]


def other_category(store: Store, video: int, name: str) -> Row:
    """A category of the video's project that is not called `name`."""
    project = library.video(store.database, video)["project_id"]
    return next(row for row in reversed(library.categories(store.database, project)) if row["name"] != name)


def test_the_whole_circle(page: Any, tmp_path: Path) -> None:
    home: Home = new_home(tmp_path)
    with studio(home) as address:
        store = Store(home.database)
        video = run_the_model(page, address)
        tracks = [track["id"] for track in state(page, "tracks")]
        predicted = shown(store, video)
        assert set(predicted) == set(tracks)

        # Through the frames: sixty quick keys are sixty frames.
        for _ in range(60):
            page.keyboard.press("ArrowRight")
        idle(page)
        assert state(page, "drawnFrame") == 60

        # Paint on the first track, undo, paint again.
        before = mask(store, video, tracks[0], 60)
        press(page, "ArrowDown", "b")
        assert state(page, "selected") == tracks[0]
        drag(page, (20, 20), (60, 70))
        painted = mask(store, video, tracks[0], 60)
        assert painted is not None and painted[20, 20] and painted[70, 60]
        press(page, "Control+z")
        undone = mask(store, video, tracks[0], 60)
        assert (undone is None) if before is None else (undone == before).all()
        press(page, "Control+Shift+z")
        assert (mask(store, video, tracks[0], 60) == painted).all()

        # Relabel the first track, delete the second.
        category = other_category(store, video, predicted[tracks[0]][0])
        press(page, "c")
        page.locator(".ct-menu-item", has_text=category["name"]).click()
        idle(page)
        press(page, "v", "ArrowDown")
        assert state(page, "selected") == tracks[1]
        press(page, "Delete")
        corrected = shown(store, video)
        assert set(corrected) == set(tracks) - {tracks[1]}
        assert corrected[tracks[0]][0] == category["name"]
        changed = {
            frame for frame in range(LENGTH) if predicted[tracks[0]][1].get(frame) != corrected[tracks[0]][1].get(frame)
        }
        assert changed <= {60}

        # Reload: all is as it was left, the history too.
        page.reload()
        page.wait_for_function(f"window.__studio?.state.video?.id === {video}")
        idle(page)
        assert {track["id"]: track["category"] for track in state(page, "tracks")} == {
            key: name for key, (name, _) in corrected.items()
        }
        assert state(page, "edits.can_undo")
        for _ in range(60):
            page.keyboard.press("ArrowRight")
        idle(page)
        runs = page.evaluate("track => window.__studio.runs(60, track)", tracks[0])
        bits = np.repeat(np.arange(len(runs)) % 2 == 1, runs).reshape(WIDTH, HEIGHT).T
        assert (bits == painted).all()

        # Export: a valid dataset, equal to what the database shows.
        dataset = exported(page)
        read_dataset(dataset)
        assert sorted(as_shown(dataset, video), key=repr) == sorted(corrected.values(), key=repr)
        page.goto("about:blank")
        store.close()
