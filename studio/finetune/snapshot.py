"""The training set that a project's corrections make, at one moment, as one file that is kept with the model.

`snapshot.json` is a YouTube-VIS dataset of the frames that teach, one video per run of a model, with fields of its own beside:

videos       `frames`: the ordinals of the frames in the source; `whole`: whether what no mask covers is background; `held_out`;
             `video`, `run`, `name`, `path`, `sha256`: where the frames come from, for the pictures are not in here
annotations  `track`; only verified masks have a segmentation
ignored      shown masks that nobody verified: neither object nor background
rejected     predictions that a person took away, where they were
edits        the entries of the log that it all came from

`build_snapshot` reads the database and writes nothing. `snapshot_hash` is the same for the same content.
"""

import hashlib
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from engine.masks import RLE
from studio.finetune.roles import Material, choose_roles, roles
from studio.finetune.taught import Counts, TaughtFrame, TaughtRun, taught_runs
from studio.formats import ytvis
from studio.store import Row, library

Snapshot = dict[str, Any]


def build_snapshot(database: Database, project_id: int) -> Snapshot:
    """The training set of a project as it is now. Its categories are the project's, under the numbers that they have there."""
    project = library.project(database, project_id)
    videos = [row for row in library.videos(database, project_id) if row["state"] == "ready"]
    categories = {row["id"]: row for row in library.categories(database, project_id)}
    taught = {video["id"]: runs for video in videos if (runs := taught_runs(database, video))}
    material = {
        video["id"]: _material(video, taught[video["id"]], categories) for video in videos if video["id"] in taught
    }
    held_out = choose_roles(material, roles(database, project_id))
    folders = ytvis.folder_names({video["id"]: video["name"] for video in videos})
    found: Snapshot = {
        "info": {"description": f'What was verified in the project "{project["name"]}"', "project": project_id},
        "categories": [{"id": row["number"], "name": row["name"]} for row in categories.values()],
        "videos": [],
        "annotations": [],
        "ignored": [],
        "rejected": [],
        "edits": _edits(database, [run.run_id for runs in taught.values() for run in runs]),
    }
    for video in videos:
        for run in taught.get(video["id"], []):
            _add(found, video, run, folders[video["id"]], held_out[video["id"]], categories)
    return found


def given_roles(snapshot: Snapshot) -> dict[int, bool]:
    """Which of the studio's videos the snapshot holds out."""
    return {video["video"]: video["held_out"] for video in snapshot["videos"]}


def snapshot_hash(snapshot: Snapshot) -> str:
    """sha256 of the content, as hexadecimal digits."""
    return hashlib.sha256(_text(snapshot).encode()).hexdigest()


def write_snapshot(snapshot: Snapshot, path: Path) -> None:
    """Write the file, whole or not at all."""
    partial = path.with_suffix(".partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(_text(snapshot))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)


def _text(snapshot: Snapshot) -> str:
    return json.dumps(snapshot, separators=(",", ":"), sort_keys=True)


def _material(video: Row, runs: Iterable[TaughtRun], categories: Mapping[int, Row]) -> Material:
    masks = Counter[str]()
    frames = 0
    for run in runs:
        frames += sum(frame.whole for frame in run.frames)
        masks.update(categories[run.categories[track]]["name"] for frame in run.frames for track in frame.masks)
    key = hashlib.sha256((video["sha256"] or video["name"]).encode()).hexdigest()  # no order that means something
    return Material(frames, masks, key)


def _add(
    found: Snapshot, video: Row, run: TaughtRun, folder: str, held_out: bool, categories: Mapping[int, Row]
) -> None:
    number = len(found["videos"]) + 1
    size = (video["height"], video["width"])
    found["videos"].append(
        {
            "id": number,
            "width": size[1],
            "height": size[0],
            "length": len(run.frames),
            "file_names": [ytvis.frame_name(folder, frame.frame) for frame in run.frames],
            "frames": [frame.frame for frame in run.frames],
            "whole": [frame.whole for frame in run.frames],
            "held_out": held_out,
            "video": video["id"],
            "run": run.run_id,
            **{column: video[column] for column in ("name", "path", "sha256")},
        }
    )
    for track in _tracks(run, lambda frame: frame.masks):
        codes = _segmentations(run, track, size, lambda frame: frame.masks)
        category = categories[run.categories[track]]["number"]
        entry = ytvis.annotation(len(found["annotations"]) + 1, number, category, size, codes)
        found["annotations"].append(entry | {"track": track})
    layers: dict[str, Callable[[TaughtFrame], Counts]] = {
        "ignored": lambda frame: frame.ignored,
        "rejected": lambda frame: frame.rejected,
    }
    for name, layer in layers.items():
        for track in _tracks(run, layer):
            category = categories[run.categories[track]]["number"]
            entry = {"video_id": number, "track": track, "category_id": category}
            found[name].append(entry | {"segmentations": _segmentations(run, track, size, layer)})


def _tracks(run: TaughtRun, layer: Callable[[TaughtFrame], Counts]) -> list[int]:
    return sorted({track for frame in run.frames for track in layer(frame)})


def _segmentations(
    run: TaughtRun, track: int, size: tuple[int, int], layer: Callable[[TaughtFrame], Counts]
) -> list[RLE | None]:
    counts = [layer(frame).get(track) for frame in run.frames]
    return [None if text is None else {"size": list(size), "counts": text} for text in counts]


def _edits(database: Database, run_ids: Iterable[int]) -> list[Row]:
    sql = """
        select id, run_id as run, op, summary, user, at from edits
        where state = 'applied' and run_id in (select value from json_each(?)) order by id
    """
    return list(database.query(sql, (json.dumps(list(run_ids)),)))
