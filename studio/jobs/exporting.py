"""The job that writes a project's annotations: what is shown of every ready video, at one moment.

Everything is read from one snapshot of the database, so edits made meanwhile are either all in or all out. Files are written beside
their place and moved there when they are whole: `exports/ID/annotations.json` and `exports/ID/file.zip`.
"""

import os
import shutil
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
from sqlite_utils import Database

from engine.masks import RLE
from studio.formats import ytvis
from studio.jobs.inference import check_unchanged
from studio.jobs.progress import Progress
from studio.review import view
from studio.settings import Home
from studio.sources import open_source
from studio.store import Row, Store, exports, jobs, library

JPEG_QUALITY = 95


def write_export(store: Store, home: Home, job: Row) -> None:
    """Do the job from the beginning; what an earlier worker left half-written is removed."""
    export = exports.export(store.database, job["export_id"])
    partial = home.temporary / f"export-{export['id']}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with store.snapshot() as database:
            with_frames = export["options"].get("frames", False)
            progress = Progress(store, job, frames_to_write(database, export["project_id"], with_frames))
            write_project(database, home, export["project_id"], partial, with_frames, progress.advance)
            numbers = contents(database, export["project_id"])
        size = (partial / "file.zip").stat().st_size
        place = home.exports / str(export["id"])
        shutil.rmtree(place, ignore_errors=True)
        os.replace(partial, place)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    with store.transaction() as database:
        exports.finish_export(database, export["id"], size, numbers)
        jobs.finish(database, job["id"])


def frames_to_write(database: Database, project_id: int, with_frames: bool) -> int:
    """How far `write_project` counts."""
    frames = sum(video["length"] for video in _ready_videos(database, project_id))
    return 2 * frames if with_frames else frames


def contents(database: Database, project_id: int) -> dict[str, int]:
    """How much `write_project` writes: videos and their frames, tracks and masks."""
    videos = _ready_videos(database, project_id)
    masks = [track["count"] for video in videos for track in view.tracks(database, video["id"]) if track["count"]]
    return {
        "videos": len(videos),
        "frames": sum(video["length"] for video in videos),
        "tracks": len(masks),
        "masks": sum(masks),
    }


def write_project(
    database: Database,
    home: Home,
    project_id: int,
    folder: Path,
    with_frames: bool,
    advance: Callable[[int, str], None],
) -> None:
    """Write a project's `annotations.json` and `file.zip` into a folder; `advance` hears of the frames and what they are for."""
    videos = _ready_videos(database, project_id)
    folders = ytvis.folder_names({row["id"]: row["name"] for row in videos})
    with (folder / "annotations.json").open("w", encoding="utf-8") as file:
        ytvis.write_dataset(
            file,
            ({"id": row["number"], "name": row["name"]} for row in library.categories(database, project_id)),
            (ytvis.video(v["id"], folders[v["id"]], v["width"], v["height"], v["length"]) for v in videos),
            _annotations(database, videos, advance),
            f'Project "{library.project(database, project_id)["name"]}", exported by CTVIS Studio',
        )
    with zipfile.ZipFile(folder / "file.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "annotations.json", "annotations.json")
        for video in videos if with_frames else []:
            _write_frames(archive, home, video, folders[video["id"]], advance)


def _ready_videos(database: Database, project_id: int) -> list[Row]:
    return [row for row in library.videos(database, project_id) if row["state"] == "ready"]


def _annotations(
    database: Database, videos: list[Row], advance: Callable[[int, str], None]
) -> Iterator[dict[str, Any]]:
    """One entry per shown track that has a mask, video after video."""
    number = 0
    for video in videos:
        size = (video["height"], video["width"])
        numbers = {row["id"]: row["number"] for row in library.categories(database, video["project_id"])}
        for track in view.tracks(database, video["id"]):
            advance(0, f"Annotations of {video['name']}")
            if not track["count"]:
                continue
            number += 1
            segmentations = track_segmentations(database, video, track["id"])
            yield ytvis.annotation(number, video["id"], numbers[track["category_id"]], size, segmentations)
        advance(video["length"], f"Annotations of {video['name']}")


def track_segmentations(database: Database, video: Row, track_id: int) -> list[RLE | None]:
    """The shown masks of a track, one entry for every frame of the video."""
    segmentations: list[RLE | None] = [None] * video["length"]
    for mask in view.masks(database, video["id"], 0, video["length"], track_id):
        segmentations[mask["frame"]] = {"size": [video["height"], video["width"]], "counts": mask["counts"]}
    return segmentations


def _write_frames(
    archive: zipfile.ZipFile, home: Home, video: Row, folder: str, advance: Callable[[int, str], None]
) -> None:
    """The frames of a video as JPEG, stored without a second compression."""
    with open_source(home, video) as source:
        check_unchanged(source, video)
        for frame, rgb in source:
            _, jpeg = cv2.imencode(
                ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
            )
            name = f"JPEGImages/{ytvis.frame_name(folder, frame)}"
            archive.writestr(name, jpeg.tobytes(), compress_type=zipfile.ZIP_STORED)
            advance(1, f"Frames of {video['name']}")
