"""The job that writes a project's annotations: what is shown of every ready video, at one moment.

Everything is read from one snapshot of the database, so edits made meanwhile are either all in or all out. Files are written beside
their place and moved there when they are whole: `exports/ID/annotations.json` and `exports/ID/file.zip`.
"""

import os
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
from sqlite_utils import Database

from engine.masks import RLE
from engine.video import open_video
from studio.formats import ytvis
from studio.jobs.inference import check_unchanged
from studio.review import view
from studio.settings import Home
from studio.store import Row, Store, exports, jobs, library

JPEG_QUALITY = 95
REPORT_SECONDS = 0.3


class Cancelled(Exception):
    """A person stopped the export."""


class Progress:
    """How far an export is; tells the job now and then, and notices when it is to stop."""

    def __init__(self, store: Store, job: Row, total: int) -> None:
        self.store, self.job, self.total, self.done = store, job, total, 0
        self._due = time.monotonic()

    def advance(self, frames: int, message: str) -> None:
        """Count so many more frames as written. Raises Cancelled."""
        self.done += frames
        if time.monotonic() < self._due:
            return
        self._due = time.monotonic() + REPORT_SECONDS
        if jobs.is_cancelled(self.store.database, self.job["id"]):
            raise Cancelled
        jobs.progress(self.store.database, self.job["id"], self.done, self.total, message=message)


def write_export(store: Store, home: Home, job: Row) -> None:
    """Do the job from the beginning; what an earlier worker left half-written is removed."""
    export = exports.export(store.database, job["export_id"])
    partial = home.temporary / f"export-{export['id']}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with store.snapshot() as database:
            _write_files(store, home, job, export, database, partial)
    except Cancelled:
        shutil.rmtree(partial)
        with store.transaction() as database:
            jobs.finish(database, job["id"], "cancelled")
        return
    size = (partial / "file.zip").stat().st_size
    place = home.exports / str(export["id"])
    shutil.rmtree(place, ignore_errors=True)
    os.replace(partial, place)
    with store.transaction() as database:
        exports.finish_export(database, export["id"], size)
        jobs.finish(database, job["id"])


def _write_files(store: Store, home: Home, job: Row, export: Row, database: Database, folder: Path) -> None:
    videos = [row for row in library.videos(database, export["project_id"]) if row["state"] == "ready"]
    folders = ytvis.folder_names({row["id"]: row["name"] for row in videos})
    frames = sum(row["length"] for row in videos)
    with_frames = export["options"].get("frames", False)
    progress = Progress(store, job, frames * 2 if with_frames else frames)
    with (folder / "annotations.json").open("w") as file:
        ytvis.write_dataset(
            file,
            ({"id": row["number"], "name": row["name"]} for row in library.categories(database, export["project_id"])),
            (ytvis.video(v["id"], folders[v["id"]], v["width"], v["height"], v["length"]) for v in videos),
            _annotations(database, videos, progress),
            f'Project "{library.project(database, export["project_id"])["name"]}", exported by CTVIS Studio',
        )
    with zipfile.ZipFile(folder / "file.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "annotations.json", "annotations.json")
        if with_frames:
            for video in videos:
                _write_frames(archive, home, video, folders[video["id"]], progress)


def _annotations(database: Database, videos: list[Row], progress: Progress) -> Iterator[dict[str, Any]]:
    """One entry per shown track that has a mask, video after video."""
    number = 0
    for video in videos:
        size = (video["height"], video["width"])
        numbers = {row["id"]: row["number"] for row in library.categories(database, video["project_id"])}
        for track in view.tracks(database, video["id"]):
            if not track["count"]:
                continue
            number += 1
            segmentations = track_segmentations(database, video, track["id"])
            yield ytvis.annotation(number, video["id"], numbers[track["category_id"]], size, segmentations)
        progress.advance(video["length"], f"Annotations of {video['name']}")


def track_segmentations(database: Database, video: Row, track_id: int) -> list[RLE | None]:
    """The shown masks of a track, one entry for every frame of the video."""
    segmentations: list[RLE | None] = [None] * video["length"]
    for mask in view.masks(database, video["id"], 0, video["length"], track_id):
        segmentations[mask["frame"]] = {"size": [video["height"], video["width"]], "counts": mask["counts"]}
    return segmentations


def _write_frames(archive: zipfile.ZipFile, home: Home, video: Row, folder: str, progress: Progress) -> None:
    """The frames of a video as JPEG, stored without a second compression."""
    with open_video(home.media_path(video["path"])) as source:
        check_unchanged(source, video)
        for frame, rgb in source:
            _, jpeg = cv2.imencode(
                ".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
            )
            name = f"JPEGImages/{ytvis.frame_name(folder, frame)}"
            archive.writestr(name, jpeg.tobytes(), compress_type=zipfile.ZIP_STORED)
            progress.advance(1, f"Frames of {video['name']}")
