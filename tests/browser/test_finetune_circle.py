"""Correct, press, and the model is better: the whole way in a real browser, with a real worker and the model that ships.

A clip shows a ladybird, which the model does not know, among objects that it does. A person runs the model, puts ten frames right
by mouse and keys, presses the button, waits, and runs the new model on another clip. AP is measured on clips that nobody taught,
and on many of them: on twelve the AP of a single category went up or down by 0.25 and more from trial to trial.
"""

import argparse
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from benchmarks.finetune_rounds import SIZE, Stage, score, spread
from studio.demo import ensure_demo
from studio.settings import Home
from studio.store import Store
from tests.browser.annotator import Annotator
from tests.browser.studio_server import studio
from tests.studio.processes import wait_for
from training.clipset import encode_video
from training.metrics import Score
from training.sprites import Sprite
from training.synthetic import Clip

STRANGER = "ladybird"
FRAMES = 10  # that are put right
MINUTES = 10  # for the whole way
JUDGED = 96  # clips by which both models are judged afterwards
GAIN = 0.3  # of AP, that the stranger gains at least
LOSS, ONE_LOSS = 0.05, 0.1  # of AP, that the others lose at most in the mean, and any one of them
GOOD = 0.8  # IoU from which a person leaves a mask as it is
FINE = 4  # steps of a pixel that a hand can aim at
REACH = 9  # pixels of the screen around an edge of a polygon in which a click means that edge
LONG = 1000 * 60 * MINUTES


def ladybird() -> np.ndarray:
    """Seen from above, RGBA (160, 220)."""
    pixels = np.zeros((160, 220, 4), np.uint8)
    cv2.ellipse(pixels, (188, 80), (24, 34), 0, 0, 360, (25, 20, 20, 255), -1, cv2.LINE_AA)
    cv2.ellipse(pixels, (100, 80), (92, 72), 0, 0, 360, (205, 35, 25, 255), -1, cv2.LINE_AA)
    cv2.line(pixels, (8, 80), (190, 80), (30, 15, 15, 255), 4, cv2.LINE_AA)
    for x, y in ((60, 45), (60, 115), (115, 38), (115, 122), (155, 55), (155, 105)):
        cv2.circle(pixels, (x, y), 13, (25, 15, 15, 255), -1, cv2.LINE_AA)
    return cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)


def new_stage() -> Stage:
    stage = Stage(argparse.Namespace(library=None, sprite=None))
    stage.names[0], stage.stranger = STRANGER, Sprite(ladybird(), 0, "noto", STRANGER, "")
    return stage


def parts_of(mask: np.ndarray) -> list[np.ndarray]:
    """Outlines (n, 1, 2), FINE times as large, of the parts of a mask that are worth drawing, the largest first."""
    fine = mask.astype(np.uint8).repeat(FINE, 0).repeat(FINE, 1)
    outlines, _ = cv2.findContours(fine, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    ordered = sorted(outlines, key=cv2.contourArea, reverse=True)
    return [outline for number, outline in enumerate(ordered) if number == 0 or cv2.contourArea(outline) > 60 * FINE**2]


def corners(outline: np.ndarray, reach: float) -> np.ndarray:
    """A polygon (n, 2) in pixels, so coarse that no corner comes nearer than `reach` to an edge that is drawn already."""
    for coarseness in (1.0, 2.0, 4.0, 8.0):
        points = apart(cv2.approxPolyDP(outline, FINE * coarseness, closed=True)[:, 0], FINE * reach)
        if len(points) > 2 and all(not near_edge(points[:n], point, reach) for n, point in enumerate(points) if n > 2):
            return points / FINE
    return cv2.approxPolyDP(cv2.convexHull(outline), FINE, closed=True)[:, 0] / FINE


def apart(points: np.ndarray, distance: float) -> np.ndarray:
    """Those that are not too near to one that is taken: two clicks at one place would end the polygon."""
    taken = points[:1]
    for point in points[1:]:
        if np.linalg.norm(taken - point, axis=1).min() >= distance:
            taken = np.concatenate([taken, point[None]])
    return taken


def near_edge(line: np.ndarray, point: np.ndarray, reach: float) -> bool:
    """Whether a point lies near an open line (n, 2), but for its last edge."""
    canvas = np.zeros((FINE * SIZE[0], FINE * SIZE[1]), np.uint8)
    cv2.polylines(canvas, [line[:-1]], False, 255, round(2 * reach * FINE))
    return bool(canvas[point[1], point[0]])


class Person(Annotator):
    """Who puts a clip right whose truth they see."""

    def __init__(self, page: Any, address: str, clip: Clip, names: list[str]) -> None:
        super().__init__(page, address)
        self.clip, self.names = clip, names
        self.height, self.width = clip.frames.shape[1:3]
        self.own: dict[int, int] = {}  # track by object

    def correct(self, frame: int) -> None:
        self.page.evaluate(f"window.__studio.go({frame})")
        self.idle()
        shown, drawn = self.shown_masks(frame), set()
        for thing, label in enumerate(self.clip.labels.tolist()):
            truth = self.clip.masks[thing, frame]
            if not truth.any():
                continue
            if thing not in self.own:
                self.own[thing] = self.track_of(truth, shown, self.names[label])
            self.select(self.own[thing])
            if overlap(shown.get(self.own[thing]), truth) < GOOD:
                self.outline(truth)
                drawn.add(self.own[thing])
        right = {track for thing, track in self.own.items() if self.clip.masks[thing, frame].any()}
        for track in set(self.shown_masks(frame)) - right:
            self.select(track)
            self.press("Control+Delete")
        self.press("v", "Escape")
        if right - drawn:
            self.press("y")  # with nothing selected: all masks of the frame are right
        wait_for(lambda: set(self.shown_masks(frame)) == right, 10)

    def shown_masks(self, frame: int) -> dict[int, np.ndarray]:
        tracks = [track["id"] for track in self.state("tracks")]
        masks = {track: self.mask(frame, track, self.height, self.width) for track in tracks}
        return {track: np.array(mask) for track, mask in masks.items() if mask is not None}

    def track_of(self, truth: np.ndarray, shown: dict[int, np.ndarray], name: str) -> int:
        """The track that lies there already, under the right category; else a new one."""
        free = {track: overlap(mask, truth) for track, mask in shown.items() if track not in self.own.values()}
        best = max(free, key=lambda track: free[track], default=None)
        if best is not None and free[best] >= 0.5:
            self.select(best)
            self.page.keyboard.press("c")
        else:
            self.page.keyboard.press("n")
        field = self.page.get_by_label("Name of a new category")
        field.wait_for()
        known = self.page.locator(".ct-menu-item").filter(has=self.page.get_by_text(name, exact=True))
        if known.count():
            known.click()
        else:
            field.fill(name)
            field.press("Enter")
        self.page.locator(".ct-menu").wait_for(state="hidden")
        self.idle()
        return int(self.state("selected"))

    def select(self, track: int) -> None:
        self.press("v", "Escape")
        self.page.locator(f".ct-track[data-track='{track}'] .ct-track-main").click()
        self.idle()
        assert self.state("selected") == track

    def outline(self, truth: np.ndarray) -> None:
        self.press("p")
        for number, part in enumerate(parts_of(truth)):
            self.page.get_by_role("radio", name="Add" if number else "Replace").click()
            for x, y in corners(part, REACH / self.state("view.scale")):
                self.page.mouse.click(*self.at(x, y))
            self.press("Enter")
        drawn = self.mask(self.state("frame"), self.state("selected"), self.height, self.width)
        assert overlap(np.array(drawn), truth) > (0.7 if truth.sum() > 400 else 0.3)  # slivers are hard to draw


def overlap(mask: np.ndarray | None, truth: np.ndarray) -> float:
    return 0.0 if mask is None else float((mask & truth).sum() / (mask | truth).sum())


def run_model(page: Any, address: str, clip: str, model: str) -> None:
    page.goto(f"{address}/?view=library")
    page.locator(".video-card", has_text=clip).get_by_role("button", name="Run").click(timeout=LONG)
    page.locator("#page-run").get_by_label("Model", exact=True).click()
    page.get_by_role("option", name=model, exact=True).click()
    page.locator("#run-start").click()
    page.locator("#page-run .job.done", has_text=clip).filter(has_text="Find objects").wait_for(timeout=LONG)
    page.locator("#run-review").click()
    page.wait_for_function("window.__studio?.state.video")
    page.evaluate("window.__studio.idle()")


def by_name(found: Score) -> dict[str, float]:
    return {row.category.name: row.ap for row in found.categories if row.instances}


@pytest.mark.long
@pytest.mark.timeout(60 * (MINUTES + 15))
def test_ten_corrected_frames_and_one_click_teach_a_new_category(new_page: Any, tmp_path: Path) -> None:
    stage, home = new_stage(), Home(tmp_path / "home").create()
    clips = {"garden": stage.clip(7), "meadow": stage.clip(3)}
    folder = tmp_path / "clips"
    folder.mkdir()
    for name, clip in clips.items():
        encode_video(folder / f"{name}.mp4", clip.frames)
    ensure_demo(home, clips=folder)
    page = new_page(1600, 1000)
    began = time.monotonic()
    with studio(home, threads=2) as address:
        run_model(page, address, "garden", "demo")
        person = Person(page, address, clips["garden"], stage.names)
        for frame in spread(len(clips["garden"].frames), FRAMES):
            person.correct(frame)
        corrected = time.monotonic()

        page.goto(f"{address}/?view=finetune")
        page.locator("#finetune-start").click()
        page.locator("#finetune-state", has_text="done").wait_for(timeout=LONG)
        taught = time.monotonic()
        name = page.locator("#page-finetune h1").inner_text()

        run_model(page, address, "meadow", name)
        ended = time.monotonic()
        found = {track["category"] for track in person.state("tracks")}
        page.goto("about:blank")
    store = Store(home.database)
    assert [row[0] for row in store.database.execute("select model from runs order by id")] == ["demo", name]
    judging = stage.judging(count=JUDGED)
    before, after = (by_name(score(home, store, model, judging, stage.names, tmp_path)) for model in ("demo", name))
    store.close()
    print(f"corrected in {corrected - began:.0f} s, taught in {taught - corrected:.0f} s, all in {ended - began:.0f} s")
    print("found in the other clip:", ", ".join(sorted(found)))
    print("AP", {category: (round(before[category], 3), round(after[category], 3)) for category in before})
    others = [category for category in before if category != STRANGER]
    mean = [sum(found[category] for category in others) / len(others) for found in (before, after)]
    print(f"mean of the others {mean[0]:.3f}, {mean[1]:.3f}")
    assert after[STRANGER] >= before[STRANGER] + GAIN
    assert mean[1] >= mean[0] - LOSS
    assert [category for category in others if after[category] < before[category] - ONE_LOSS] == []
    assert STRANGER in found  # at the certainty that the page proposes
    assert ended - began < 60 * MINUTES
