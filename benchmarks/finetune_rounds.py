"""Rounds of "correct, press, and the model is better", measured: a category that no model knows, learnt from a few frames.

Run: `python benchmarks/finetune_rounds.py [--rounds 3] [--frames 10] [--steps N] [--library LIBRARY]`. In a studio of its own it
composes clips with a moving stranger (a drawn beetle, or with --library the held-out sprite --sprite) among objects that the
model knows, cut from the clips that ship. Each round takes one clip: the model in use runs on it, `--frames` of its frames are
put right with the true masks through the operations of the review page, a fine-tuning with the proposed settings is pressed, and
the worker's own functions do it. After each round: AP on clips that nothing ever taught, of the stranger and of all others.
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from engine import find_preset, masks
from engine.config import Category
from engine.video import open_video
from studio.commands.finetune import number_or_text
from studio.finetune.speed import measure
from studio.finetune.start import overview, start
from studio.jobs.importing import video_facts
from studio.jobs.models import find_model
from studio.jobs.worker import perform
from studio.review import edits, view
from studio.settings import Home
from studio.store import Row, Store, finetunes, jobs, library, runs
from studio.store import models as table
from training.backgrounds import Scene, plain_scene, random_texture
from training.clipset import encode_video
from training.cut_outs import cut_out
from training.evaluate import category_ids, predict_video
from training.metrics import Score, evaluate
from training.sprites import Sprite, load_sprites
from training.synthetic import Clip, compose
from training.ytvis import Dataset, Instance, Video, read_results

SHIPPED = Path(__file__).resolve().parents[1] / "assets" / "clips"
SIZE, LENGTH, STRIDE = (240, 400), 40, 1.5
STRANGER = "beetle"
KNOWN = ("dog", "cat", "rabbit", "duck", "person", "elephant", "giraffe", "boat", "airplane", "truck", "sedan")
# Many short clips with fast motion to judge by: an AP of few objects says little.
JUDGING, JUDGED_LENGTH, JUDGED_STRIDE = 12, 15, 4.0
SAME = 0.5  # IoU from which a person takes a predicted track for the object


def main() -> None:
    options = _options()
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder)).create()
        store = Store(home.database)
        stage = Stage(options)
        judging = stage.judging()
        with store.transaction() as database:
            project = library.add_project(database, "Rounds")["id"]
            for category in find_preset("demo").categories:  # as a project that began with the demo model has them
                library.add_category(database, project, category.name, category.id)
        report(0, "demo", score(home, store, "demo", judging, stage.names, home.temporary), 0.0, stage.names)
        for number in range(1, options.rounds + 1):
            model = table.default(store.database, project) or "demo"
            began = time.monotonic()
            truth = stage.clip(number)
            video = add_clip(home, store, project, truth, number)
            run_on(home, store, video, model)
            correct(store, video, truth, stage.names, spread(video["length"], options.frames), {})
            ran = time.monotonic() - began
            found = press(home, store, project, options)
            seconds = time.monotonic() - began
            after = score(home, store, found["result"]["model"], judging, stage.names, home.temporary)
            report(number, found["result"]["model"], after, seconds, stage.names)
            print(f"  run and corrected in {ran:.0f} s; {found['result']['sentence']}", flush=True)
            table.set_default(store.database, project, found["result"]["model"])


class Stage:
    """Composes clips; the same number gives the same clip."""

    def __init__(self, options: argparse.Namespace) -> None:
        self.names = [STRANGER, *KNOWN]
        self.cast = shipped_cut_outs(self.names)
        if options.library:
            self.names[0] = options.sprite
            sprites = {sprite.name: sprite for sprite in load_sprites(options.library, "heldout")}
            chosen = sprites[options.sprite]
            self.stranger = Sprite(chosen.pixels, 0, chosen.kind, chosen.name, chosen.licence)
        else:
            self.stranger = Sprite(beetle(), 0, "noto", STRANGER, "")

    def clip(self, number: int, length: int = LENGTH, stride: float = STRIDE, strangers: int = 1) -> Clip:
        """Three objects, of which `strangers` (0 or 1) are strangers; a stranger shows in more than half of the frames."""
        rng = np.random.default_rng([7, number])
        labels = sorted(self.cast)
        others = [self.cast[labels[i]] for i in rng.permutation(len(labels))[: 3 - strangers]]
        players = [sprites[rng.integers(len(sprites))] for sprites in others]
        cast = [*players, self.stranger][:3]
        while True:
            ordered = [cast[i] for i in rng.permutation(3)]
            clip = compose(rng, self.scene(rng), ordered, SIZE, length, stride, degrade=False)
            labelled = clip.labels.tolist()
            if not strangers or (0 in labelled and clip.visible[labelled.index(0)].sum() > length // 2):
                return clip

    def judging(self, length: int = JUDGED_LENGTH, count: int = JUDGING) -> list[Clip]:
        """Clips that nothing is ever taught of."""
        return [self.clip(1000 + number, length, JUDGED_STRIDE) for number in range(count)]

    def scene(self, rng: np.random.Generator) -> Scene:
        if rng.random() < 0.5:
            return random_texture(rng, (300, 500))
        with open_video(SHIPPED / "cup.mp4") as source:  # a real desk, blurred so that its own objects go
            image = cv2.GaussianBlur(source.frame(0), (0, 0), 12)
        return plain_scene(image, "desk")


def shipped_cut_outs(names: list[str]) -> dict[int, list[Sprite]]:
    """The objects of the shipped clips where they show most, by their place among the names."""
    truth = json.loads((SHIPPED / "annotations.json").read_text())
    categories = {category["id"]: category["name"] for category in truth["categories"]}
    videos = {video["id"]: video["file_names"][0].split("/")[0] for video in truth["videos"]}
    found: dict[int, list[Sprite]] = {}
    for entry in truth["annotations"]:
        name = categories[entry["category_id"]]
        if name not in names:
            continue
        frame = int(np.argmax([area or 0 for area in entry["areas"]]))
        with open_video(SHIPPED / f"{videos[entry['video_id']]}.mp4") as source:
            rgb = source.frame(frame)
        sprite = cut_out(rgb, masks.decode(entry["segmentations"][frame]), names.index(name))
        found.setdefault(names.index(name), []).append(replace(sprite, kind="noto"))  # a drawn object, as the stranger
    return found


def beetle() -> np.ndarray:
    """A beetle seen from above, RGBA (200, 240), drawn: nobody's picture, and no category of any data set here."""
    pixels = np.zeros((200, 240, 4), np.uint8)

    def body(centre: tuple[int, int], axes: tuple[int, int], color: tuple[int, int, int]) -> None:
        cv2.ellipse(pixels, centre, axes, 0, 0, 360, (*color, 255), -1, cv2.LINE_AA)

    for x, reach in ((70, -30), (110, 0), (150, 30)):  # legs
        for side in (-1, 1):
            knee, foot = (x + reach // 2, 100 + side * 62), (x + reach, 100 + side * 88)
            for first, second in (((x, 100), knee), (knee, foot)):
                cv2.line(pixels, first, second, (40, 30, 20, 255), 9, cv2.LINE_AA)
    body((110, 100), (72, 52), (190, 40, 30))
    body((190, 100), (28, 32), (40, 30, 30))
    for x, y in ((80, 75), (80, 125), (120, 70), (120, 130), (60, 100), (145, 100)):
        body((x, y), (9, 9), (30, 20, 20))
    cv2.line(pixels, (40, 100), (180, 100), (90, 10, 10, 255), 3, cv2.LINE_AA)
    for side in (-1, 1):
        cv2.line(pixels, (205, 100), (232, 100 + side * 26), (40, 30, 20, 255), 5, cv2.LINE_AA)
    return cv2.cvtColor(pixels, cv2.COLOR_RGBA2mRGBA)


def add_clip(home: Home, store: Store, project: int, clip: Clip, number: int) -> Row:
    path = home.media / f"round{number}.mp4"
    encode_video(path, clip.frames)
    with store.transaction() as database:
        video = library.add_video(database, project, name=f"round {number}", path=path.name, **video_facts(path))
        job = jobs.add_job(database, "import", project_id=project, video_id=video["id"])
    perform(store, home, job["id"])
    return library.video(store.database, video["id"])


def run_on(home: Home, store: Store, video: Row, model: str) -> None:
    with store.transaction() as database:
        run = runs.add_run(database, video["id"], model, {"score_threshold": 0.3})
        references = {"project_id": video["project_id"], "video_id": video["id"], "run_id": run["id"]}
        job = jobs.add_job(database, "run", frames_total=video["length"], **references)
    perform(store, home, job["id"])


def spread(length: int, count: int) -> list[int]:
    """Frames of a video, evenly spread."""
    return [int(frame) for frame in np.linspace(0, length - 1, count)]


def correct(
    store: Store, video: Row, truth: Clip, names: list[str], frames: Iterable[int], own: dict[int, int]
) -> None:
    """Put some frames right as a person would: every object its mask, under one track each; what is nothing goes.

    own: the tracks by object, those of frames that were put right before; grows."""
    for frame in frames:
        objects = [k for k in range(len(truth.labels)) if truth.masks[k, frame].any()]
        for k in objects:
            shown = {mask["track"]: mask for mask in view.masks(store.database, video["id"], frame, frame + 1)}
            code = masks.encode(truth.masks[k, frame])
            if k not in own:
                own[k] = _track_of(store, video, shown, code, frame, names[truth.labels[k]], set(own.values()))
            rev = shown[own[k]]["rev"] if own[k] in shown else 0
            edits.set_mask(store, video["id"], own[k], frame, code["counts"], rev, "person")
        right = {own[k] for k in objects}
        for mask in list(view.masks(store.database, video["id"], frame, frame + 1)):
            if mask["track"] not in right:
                edits.set_mask(store, video["id"], mask["track"], frame, None, mask["rev"], "person")


def _track_of(
    store: Store, video: Row, shown: dict[int, Row], code: masks.RLE, frame: int, name: str, taken: set[int]
) -> int:
    """The predicted track that lies on the object, under the category that it has; a new one where none does."""
    with store.transaction() as database:
        category = library.category_named(database, video["project_id"], name)["id"]
    free = [track for track in shown if track not in taken]
    codes: list[masks.RLE] = [{"size": code["size"], "counts": shown[track]["counts"]} for track in free]
    overlaps = masks.iou(codes, [code])[:, 0] if free else np.zeros(0)
    if len(free) and overlaps.max() >= SAME:
        track = free[int(overlaps.argmax())]
        if view.track(store.database, video["id"], track)["category_id"] != category:
            edits.set_category(store, video["id"], track, category, "person")
        return track
    return edits.new_track(store, video["id"], category, frame, "person").tracks[0]


def press(home: Home, store: Store, project: int, options: argparse.Namespace) -> Row:
    measure(store, home, project)
    shown = overview(store, home, project)
    for warning in shown["summary"]["warnings"]:
        print(f"  note: {warning}", flush=True)
    settings = dict(pair.split("=") for pair in options.set)
    numbers: dict[str, Any] = {name: number_or_text(text) for name, text in settings.items()}
    found = start(
        store, home, project, "person", settings=numbers | ({"steps": options.steps} if options.steps else {})
    )
    print(f"  {found['parent']} -> {found['name']}: {found['config']}", flush=True)
    perform(store, home, found["job"]["id"])
    done = finetunes.finetune(store.database, found["id"])
    if done["state"] != "done":
        raise SystemExit(done["job"]["error"] or done["job"]["message"])
    return done


def score(home: Home, store: Store, model: str, clips: list[Clip], names: list[str], folder: Path) -> Score:
    """AP of a model on clips, per category of the stage. names: its categories, the stranger first."""
    net, preset = find_model(home, store.database, model).load()
    truth = dataset(clips, names)
    ids = category_ids(preset.categories, truth)
    results: list[dict[str, Any]] = []
    for video, clip in zip(truth.videos.values(), clips, strict=True):
        path = folder / f"judging{video.id}.mp4"
        if not path.exists():
            encode_video(path, clip.frames)
        with open_video(path) as source:
            results += predict_video(net, preset, source, video, ids)
    return evaluate(truth, read_results(results, truth))


def dataset(clips: list[Clip], names: list[str]) -> Dataset:
    videos, instances = {}, []
    for number, clip in enumerate(clips, start=1):
        length, height, width = clip.frames.shape[:3]
        videos[number] = Video(number, width, height, length)
        for shape, label in zip(clip.masks, clip.labels.tolist(), strict=True):
            codes = tuple(masks.encode(mask) if mask.any() else None for mask in shape)
            areas = tuple(float(masks.area(code)) if code else None for code in codes)
            instances.append(Instance(number, label + 1, codes, areas))
    return Dataset(videos, {i: Category(i, name) for i, name in enumerate(names, start=1)}, tuple(instances))


def report(number: int, model: str, found: Score, seconds: float, names: list[str]) -> None:
    rows = {row.category.name: row for row in found.categories if row.instances}
    line = ", ".join(f"{name} {row.ap:.3f} (AP50 {row.ap50:.3f})" for name, row in rows.items())
    stranger, known = rows[names[0]].ap, [row.ap for name, row in rows.items() if name != names[0]]
    print(
        f"round {number}, {model}, {seconds:.0f} s: stranger {stranger:.3f}, others {np.mean(known):.3f}",
        flush=True,
    )
    print(f"  {line}", flush=True)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--frames", type=int, default=10, help="frames that a person puts right, per round")
    parser.add_argument("--steps", type=int, help="instead of the proposed number")
    parser.add_argument("--set", action="append", default=[], help="any other setting, as NAME=VALUE")
    parser.add_argument("--library", type=Path, help="sprite library of training.sources, for a stranger from there")
    parser.add_argument("--sprite", default="noto-1f993", help="name of its held-out sprite")
    return parser.parse_args()


if __name__ == "__main__":
    main()
