"""The job that fine-tunes a model: `training.finetune` driven from the jobs table, its events kept for people.

The folder of a fine-tuning (`finetunes/ID`) holds `snapshot.json`, the frames, the checkpoint and sample pictures. What a killed
worker left goes on from its last checkpoint. A pause, or a disk that is full, puts the job aside until a person lets it go on.
The model appears, file and row together, in the transaction that ends the job.
"""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from engine import CTVIS, Preset
from engine.errors import CheckpointError
from engine.run import pick_device
from engine.video import VideoSource
from studio.finetune.pictures import write_picture, write_pictures
from studio.finetune.snapshot import Snapshot
from studio.formats.samples import draw_sample
from studio.jobs.full_disk import SENTENCE, insist, is_full
from studio.jobs.inference import check_unchanged
from studio.jobs.models import find_runnable
from studio.models import place_child
from studio.settings import Home
from studio.sources import open_source
from studio.store import Row, Store, finetunes, jobs, library
from training.events import Kept, Trained
from training.finetune import Ended, Event, Judged, StorageFault, best_weights, finetune
from training.finetune_config import FinetuneConfig
from training.finetune_data import read_taught
from training.samples import Sampled

SAMPLE_QUALITY = 88


def run_finetune(store: Store, home: Home, job: Row) -> None:
    """Do the job, from the beginning or from where an earlier worker stood."""
    found = finetunes.finetune(store.database, job["finetune_id"])
    try:
        with store.transaction() as database:
            finetunes.start(database, found["id"])
        _train(store, home, job, found)
    except (StorageFault, OSError, sqlite3.OperationalError) as fault:
        if isinstance(fault, StorageFault):
            sentence = str(fault)
        elif is_full(home, fault):
            sentence = SENTENCE.format("resume")
        else:
            raise
        _log(finetune_folder(home, found["id"]), sentence)
        insist(home, lambda: _pause(store, found, sentence))


def _pause(store: Store, found: Row, sentence: str) -> None:
    with store.transaction() as database:
        finetunes.pause(database, found["id"], sentence)


def finetune_folder(home: Home, finetune_id: int) -> Path:
    return home.finetunes / str(finetune_id)


def sample_path(home: Home, finetune_id: int, step: int, number: int) -> Path:
    """The picture of what the net found after a step in one of the frames that are shown."""
    return finetune_folder(home, finetune_id) / "samples" / f"{step:06d}-{number}.jpg"


def sample_steps(home: Home, finetune_id: int) -> dict[int, int]:
    """How many sample pictures there are, by step."""
    found: dict[int, int] = {}
    for path in sorted((finetune_folder(home, finetune_id) / "samples").glob("*-*.jpg")):
        step = int(path.stem.split("-")[0])
        found[step] = found.get(step, 0) + 1
    return found


def _train(store: Store, home: Home, job: Row, found: Row) -> None:
    folder, config = finetune_folder(home, found["id"]), FinetuneConfig(**found["config"])
    snapshot: Snapshot = json.loads((folder / "snapshot.json").read_text(encoding="utf-8"))
    jobs.progress(store.database, job["id"], 0, 0, message="Loading the model")
    model, preset = find_runnable(home, store.database, found["parent"]).load()
    if preset is None:
        raise CheckpointError(f'"{found["parent"]}" does not say which net it is.')
    model.to(pick_device())

    def should_stop() -> bool:
        database = store.database
        return jobs.is_cancelled(database, job["id"]) or finetunes.wants_pause(database, found["id"])

    def opened(video: Mapping[str, Any]) -> VideoSource:
        row = library.video(store.database, video["video"])
        source = open_source(home, row)
        check_unchanged(source, row)
        return source

    def advance(done: int, total: int) -> bool:
        jobs.progress(store.database, job["id"], 0, 0, message=f"Reading frame {done} of {total}")
        return should_stop()

    pictures = folder / "frames"
    if not write_pictures(snapshot, pictures, config, preset.frame.max_edge, opened, advance):
        _put_aside(store, job, found, 0)
        return
    taught = read_taught("snapshot.json", snapshot)
    in_use = None if found["in_use"] == found["parent"] else partial(_judged_by, store, home, found["in_use"])
    run = finetune(model, preset, found["name"], taught, pictures, config, folder / "run", should_stop, in_use)
    _log(
        folder, f"{'goes on' if found['step'] else 'starts'} from {found['parent']} with {json.dumps(found['config'])}"
    )
    for event in run:
        if line := _told(event):
            _log(folder, line)
        if isinstance(event, Ended) and event.why == "stopped":
            _put_aside(store, job, found, event.step)
        elif isinstance(event, Ended):
            finish(store, home, job, found, event)
        else:
            _note(store, home, job, found, config, event)


def _judged_by(store: Store, home: Home, name: str) -> tuple[CTVIS, Preset]:
    """The net of a model that the new one is compared with."""
    net, preset = find_runnable(home, store.database, name).load()
    return net.to(pick_device()), preset


def _log(folder: Path, text: str) -> None:
    """A line with the time; that it cannot be written is no reason to stop."""
    with suppress(OSError), (folder / "log.txt").open("a", encoding="utf-8") as file:
        file.write(f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ} {text}\n")


def _told(event: Event) -> str | None:
    """An event as a line of the log; None for those that the curves tell better."""
    if isinstance(event, Judged):
        return f"step {event.step}: AP {event.score['AP']:.4f}" + (", the best so far" if event.best else "")
    if isinstance(event, Kept):
        return f"step {event.step}: checkpoint kept"
    if isinstance(event, Ended):
        return f"step {event.step}: {event.why}; the best is of step {event.best_step}"
    return None


def _note(store: Store, home: Home, job: Row, found: Row, config: FinetuneConfig, event: Event) -> None:
    """Keep an event for people; together with it, how far the job is."""
    if isinstance(event, Sampled):
        for number, sample in enumerate(event.samples):
            path = sample_path(home, found["id"], event.step, number)
            path.parent.mkdir(exist_ok=True)
            write_picture(path, draw_sample(sample), quality=SAMPLE_QUALITY)
        return
    with store.transaction() as database:
        if isinstance(event, Trained):
            numbers = event.losses | {"learning_rate": event.learning_rate, "fps": event.frames_per_second}
            finetunes.add_point(database, found["id"], "training", event.step, numbers)
            finetunes.note_step(database, found["id"], event.step)
            frames = config.frames_per_step
            message = f"Step {event.step} of {config.steps}, loss {event.losses.get('total', float('nan')):.3g}"
            done, total = event.step * frames, config.steps * frames
            jobs.progress(database, job["id"], done, total, message=message, fps=event.frames_per_second)
        elif isinstance(event, Judged):
            finetunes.add_point(database, found["id"], "validation", event.step, event.score | {"best": event.best})
        elif isinstance(event, Kept):
            finetunes.note_step(database, found["id"], event.step)
            frames = config.frames_per_step
            message = f"Step {event.step} of {config.steps}, kept"
            done, total = event.step * frames, config.steps * frames
            jobs.progress(database, job["id"], done, total, message=message, kept=True)


def _put_aside(store: Store, job: Row, found: Row, step: int) -> None:
    with store.transaction() as database:
        if jobs.is_cancelled(database, job["id"]):
            finetunes.close(database, found["id"], "cancelled")
            jobs.finish(database, job["id"], "cancelled", f"Cancelled at step {step}.")
        else:
            finetunes.pause(database, found["id"], f"Paused at step {step}.")


def finish(store: Store, home: Home, job: Row, found: Row, event: Ended) -> None:
    """Make a model of the best net: its files first, then its row, in one transaction with the end of the job."""
    folder = finetune_folder(home, found["id"])
    result: dict[str, Any] = {"why": event.why, "step": event.step, "best_step": event.best_step}
    result |= {"before": event.before, "after": event.after, "worse": event.worse, "default": not event.worse}
    sentence = verdict(found["in_use"], event)
    with store.transaction() as database:
        metrics = {"before": event.before, "after": event.after, "best_step": event.best_step}
        row = place_child(database, home, found, best_weights(folder / "run"), folder / "snapshot.json", metrics)
        if not event.worse:
            database.execute("update projects set model = ? where id = ?", (row["name"], found["project_id"]))
        result |= {"model": row["name"], "sentence": sentence}
        finetunes.note_step(database, found["id"], event.step)
        finetunes.close(database, found["id"], "done", result)
        jobs.finish(database, job["id"], message=sentence)
    _clean(folder)


def verdict(in_use: str, event: Ended) -> str:
    """What became of it, for a person. in_use: the model that it was compared with."""
    early = f" Training stopped early, at step {event.step}: it got no better any more." if event.why == "early" else ""
    if event.before is None or event.after is None:
        return f"The new model was not judged, for no video is held out.{early}"
    scores = f"AP {event.after['AP']:.3f} and {event.before['AP']:.3f}"
    if event.worse:
        return f"Worse than {in_use} on the held-out videos ({scores}), so it did not become the default.{early}"
    better = "Better than" if event.after["AP"] > event.before["AP"] else "As good as"
    return f"{better} {in_use} on the held-out videos: {scores}.{early}"


def _clean(folder: Path) -> None:
    """Remove what only a run that goes on needs; what it was taught, and its pictures, stay."""
    (folder / "run" / "state.pt").unlink(missing_ok=True)
    for path in sorted((folder / "frames").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
