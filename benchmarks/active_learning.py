"""Active learning, measured: are frames that the queue names worth more than frames picked at random?

Run: `python benchmarks/active_learning.py [--seeds 3] [--first 0] [--every 2] [--steps 150] [--out FILE] [--lists]`. Per seed, in a
studio of its own: clips of objects that the demo model knows, and in every second (--every) a stranger that it does not (as in
finetune_rounds.py). The model runs on all; then frames are put right in a random order, or as the queue
(`studio.finetune.next_frames`) names them. After as many as each budget says, the demo model is fine-tuned on all that is right by
then and judged on clips of its own; the queue is asked anew after the new model has run on the clips. Outcomes are kept in --out: a
run that was cut off goes on with what is missing there. With --lists nothing is taught: it counts how many of the frames that the
queue names first show the stranger.
"""

import argparse
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from finetune_rounds import Stage, add_clip, correct, run_on, score

from engine import find_preset
from studio.commands.finetune import number_or_text
from studio.finetune.next_frames import next_frames
from studio.finetune.roles import keep_roles
from studio.finetune.start import start
from studio.jobs.worker import perform
from studio.settings import Home
from studio.store import Row, Store, finetunes, library
from training.synthetic import Clip

CLIPS, LENGTH, STRIDE = 8, 24, 2.5
JUDGED_LENGTH = 10  # frames of a clip
BUDGETS = {"queue": (3, 6, 9), "random": (5, 10, 15)}  # corrected frames; the queue's are 60 % of random's
Pool = list[tuple[Row, Clip]]
Place = tuple[int, int]  # a video and a frame


@dataclass(frozen=True)
class Outcome:
    """AP after fine-tuning on some frames; `shown`: in how many of them the stranger is."""

    seed: int
    arm: str
    frames: int
    shown: int
    stranger: float
    others: float


def main() -> None:
    options = _options()
    if options.lists:
        return lists(options)
    done = (
        [Outcome(**json.loads(line)) for line in options.out.read_text().splitlines()] if options.out.exists() else []
    )
    ended = 0
    for seed in range(options.first, options.first + options.seeds):
        known = {(found.arm, found.frames) for found in done if found.seed == seed}
        missing = [arm for arm, budgets in BUDGETS.items() if not known >= {(arm, frames) for frames in budgets}]
        if not missing or ended >= options.arms:
            continue
        with tempfile.TemporaryDirectory() as folder:
            stage = Stage(options)
            project, pool = make_pool(Home(Path(folder) / "pool").create(), stage, seed, options.every)
            for arm in missing[: options.arms - ended]:
                home = Home(shutil.copytree(Path(folder) / "pool", Path(folder) / arm))
                for found in outcomes(home, stage, project, pool, seed, arm, options):
                    if (arm, found.frames) not in known:
                        done.append(found)
                        print(found, flush=True)
                        with options.out.open("a") as file:
                            file.write(json.dumps(asdict(found)) + "\n")
                ended += 1
    report(done)


def lists(options: argparse.Namespace) -> None:
    """What the queue names before anything is corrected, for each seed, and what as many random frames would show on average."""
    stage, few, many = Stage(options), BUDGETS["queue"], BUDGETS["random"]
    found, expected = [], []
    for seed in range(options.first, options.first + options.seeds):
        with tempfile.TemporaryDirectory() as folder:
            home = Home(Path(folder)).create()
            project, pool = make_pool(home, stage, seed, options.every)
            clips = {video["id"]: clip for video, clip in pool}
            store = Store(home.database)
            named = [
                shows_stranger(clips[one.video], one.frame) for one in next_frames(store.database, project, few[-1])
            ]
            store.close()
        found.append([sum(named[:frames]) for frames in few])
        share = np.mean([shows_stranger(clip, frame) for clip in clips.values() for frame in range(LENGTH)])
        expected.append([share * frames for frames in many])
        print(f"seed {seed}: of the first {few} frames {found[-1]} show the stranger", flush=True)
    shown, none = np.sum(found, 0), np.sum(np.array(found) == 0, 0)
    print(f"all: the first {few} of the queue {shown}, none in {none} of {options.seeds}", end="; ")
    print(f"{many} at random {np.sum(expected, 0).round(1)}")


def make_pool(home: Home, stage: Stage, seed: int, every: int) -> tuple[int, Pool]:
    """A project with clips that the demo model has run on; all of them teach, for others judge."""
    store = Store(home.database)
    with store.transaction() as database:
        project = library.add_project(database, "Pool")["id"]
        for category in find_preset("demo").categories:
            library.add_category(database, project, category.name, category.id)
    pool = []
    for place in range(CLIPS):
        clip = stage.clip(100 * seed + place, LENGTH, STRIDE, strangers=int(place % every == 1))
        video = add_clip(home, store, project, clip, place)
        run_on(home, store, video, "demo")
        pool.append((video, clip))
    with store.transaction() as database:
        keep_roles(database, {video["id"]: False for video, _ in pool})
    store.close()
    return project, pool


def outcomes(
    home: Home, stage: Stage, project: int, pool: Pool, seed: int, arm: str, options: argparse.Namespace
) -> Iterator[Outcome]:
    """Corrects frames as an arm picks them, and fine-tunes at each budget."""
    store, judging, rng = Store(home.database), stage.judging(JUDGED_LENGTH), np.random.default_rng([seed, 1])
    places = [(video["id"], frame) for video, _ in pool for frame in range(LENGTH)]
    shuffled = [places[i] for i in rng.permutation(len(places))]
    own: dict[int, dict[int, int]] = {video["id"]: {} for video, _ in pool}
    clips = {video["id"]: (video, clip) for video, clip in pool}
    right: list[Place] = []
    for budget in BUDGETS[arm]:
        wanted = budget - len(right)
        named = [(found.video, found.frame) for found in next_frames(store.database, project, wanted)]
        chosen = named if arm == "queue" else shuffled[len(right) : budget]
        for video_id, frame in chosen:
            correct(store, *clips[video_id], stage.names, [frame], own[video_id])
        right += chosen
        model = teach(home, store, project, options)
        found = score(home, store, model, judging, stage.names, home.temporary)
        rows = {row.category.name: row.ap for row in found.categories if row.instances}
        stranger, others = rows.pop(stage.names[0]), float(np.mean(list(rows.values())))
        shown = sum(shows_stranger(clips[video][1], frame) for video, frame in right)
        yield Outcome(seed, arm, budget, shown, round(stranger, 4), round(others, 4))
        if arm == "queue" and budget < BUDGETS[arm][-1]:
            for video, _ in pool:
                run_on(home, store, video, model)
    store.close()


def shows_stranger(clip: Clip, frame: int) -> bool:
    return bool(clip.masks[clip.labels == 0, frame].any())


def teach(home: Home, store: Store, project: int, options: argparse.Namespace) -> str:
    """Fine-tunes the demo model on what is verified; gives the new one's name."""
    settings: dict[str, Any] = {"steps": options.steps, "validate_steps": options.steps, "sample_steps": 0}
    settings |= {"trained": "no backbone"}  # the same however few the frames are
    settings |= {name: number_or_text(text) for name, text in (pair.split("=") for pair in options.set)}
    started = start(store, home, project, "person", model="demo", settings=settings)
    perform(store, home, started["job"]["id"])
    result = finetunes.finetune(store.database, started["id"])["result"]
    return str(result["model"])


def report(done: list[Outcome]) -> None:
    """Mean and spread over the seeds, then each pair of budgets with the queue at 60 % of random choice."""
    for arm, budgets in BUDGETS.items():
        for frames in budgets:
            found = [each for each in done if (each.arm, each.frames) == (arm, frames)]
            for name in ("stranger", "others", "shown") if found else ():
                values = [getattr(each, name) for each in found]
                print(f"{arm:8}{frames:4} frames {name:9}{np.mean(values):7.3f}  ({min(values):g} to {max(values):g})")
    for few, many in zip(BUDGETS["queue"], BUDGETS["random"], strict=True):
        of = {(each.seed, each.arm, each.frames): each.stranger for each in done}
        seeds = [seed for seed, arm, frames in of if (arm, frames) == ("queue", few) and (seed, "random", many) in of]
        gains = [of[seed, "queue", few] - of[seed, "random", many] for seed in seeds]
        if gains:
            spread = f"({min(gains):+.3f} to {max(gains):+.3f})"
            print(f"stranger, queue {few} frames less random {many}: {np.mean(gains):+.3f} {spread}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="how many")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--lists", action="store_true", help="only count what the queue names first")
    parser.add_argument(
        "--every", type=int, default=2, help="the stranger is in every nth clip; a file --out per value"
    )
    parser.add_argument("--arms", type=int, default=1000, help="end after so many arms of a seed")
    parser.add_argument("--steps", type=int, default=150, help="of each fine-tuning")
    parser.add_argument("--set", action="append", default=[], help="any other setting, as NAME=VALUE")
    parser.add_argument("--out", type=Path, default=Path("active_learning.jsonl"), help="where outcomes are kept")
    parser.add_argument("--library", type=Path, help="sprite library of training.sources, for a stranger from there")
    parser.add_argument("--sprite", default="noto-1f993", help="name of its held-out sprite")
    return parser.parse_args()


if __name__ == "__main__":
    main()
