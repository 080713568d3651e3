"""The job that writes a project's annotations: what is shown of every ready video, at one moment.

Everything is read from one snapshot of the database, so edits made meanwhile are either all in or all out. Files are written beside
their place and moved there when they are whole: `exports/ID/annotations.json` and `exports/ID/file.zip`.
"""

import os
import shutil
import zipfile
from bisect import bisect_left
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

import cv2
from sqlite_utils import Database

from engine.masks import RLE
from studio.formats import ytvis
from studio.formats.cut import Cut, clip_names
from studio.jobs.inference import check_unchanged
from studio.jobs.progress import Progress
from studio.review import view
from studio.settings import Home
from studio.sources import open_source
from studio.store import Row, Store, exports, jobs, library

JPEG_QUALITY = 95


@dataclass(frozen=True)
class Clip:
    """A video of the dataset: these frames of a video of the project. `id` and `folder` are the dataset's."""

    id: int
    folder: str
    video: Row
    frames: range


def write_export(store: Store, home: Home, job: Row) -> None:
    """Do the job from the beginning; what an earlier worker left half-written is removed."""
    export = exports.export(store.database, job["export_id"])
    partial = home.temporary / f"export-{export['id']}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with store.snapshot() as database:
            options = export["options"]
            with_frames, cut = options.get("frames", False), Cut(options.get("every", 1), options.get("clip"))
            progress = Progress(store, job, frames_to_write(database, export["project_id"], with_frames))
            numbers = write_project(database, home, export["project_id"], partial, with_frames, cut, progress.advance)
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


def write_project(
    database: Database,
    home: Home,
    project_id: int,
    folder: Path,
    with_frames: bool,
    cut: Cut,
    advance: Callable[[int, str], None],
) -> dict[str, int]:
    """Write a project's `annotations.json` and `file.zip` into a folder; `advance` hears of the frames and what they are for.

    Returns how many videos, frames, tracks and masks the dataset has.
    """
    clips = dataset_clips(_ready_videos(database, project_id), cut)
    written = {"videos": len(clips), "frames": sum(len(clip.frames) for clip in clips), "tracks": 0, "masks": 0}
    with (folder / "annotations.json").open("w", encoding="utf-8") as file:
        ytvis.write_dataset(
            file,
            ({"id": row["number"], "name": row["name"]} for row in library.categories(database, project_id)),
            (ytvis.video(c.id, c.folder, c.video["width"], c.video["height"], c.frames) for c in clips),
            _annotations(database, clips, written, advance),
            f'Project "{library.project(database, project_id)["name"]}", exported by CTVIS Studio',
        )
    with zipfile.ZipFile(folder / "file.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "annotations.json", "annotations.json")
        for _, own in _by_video(clips) if with_frames else []:
            _write_frames(archive, home, own, advance)
    return written


def dataset_clips(videos: list[Row], cut: Cut) -> list[Clip]:
    """The videos of the dataset. Where every video is whole they keep their ids; clips are numbered from 1."""
    pieces = [(video, cut.frames(video["length"])) for video in videos]
    named = [
        (name, video, frames)
        for video, clips in pieces
        for name, frames in zip(clip_names(video["name"], clips), clips, strict=True)
    ]
    whole = len(named) == len(videos)
    ids = [video["id"] if whole else number for number, (_, video, _) in enumerate(named, 1)]
    folders = ytvis.folder_names({key: name for key, (name, _, _) in zip(ids, named, strict=True)})
    return [Clip(key, folders[key], video, frames) for key, (_, video, frames) in zip(ids, named, strict=True)]


def _ready_videos(database: Database, project_id: int) -> list[Row]:
    return [row for row in library.videos(database, project_id) if row["state"] == "ready"]


def _by_video(clips: list[Clip]) -> Iterator[tuple[Row, list[Clip]]]:
    for _, group in groupby(clips, key=lambda clip: clip.video["id"]):
        own = list(group)
        yield own[0].video, own


def _annotations(
    database: Database, clips: list[Clip], written: dict[str, int], advance: Callable[[int, str], None]
) -> Iterator[dict[str, Any]]:
    """One entry per shown track and clip in which it has a mask, video after video; counts them in `written`."""
    for video, own in _by_video(clips):
        size = (video["height"], video["width"])
        numbers = {row["id"]: row["number"] for row in library.categories(database, video["project_id"])}
        tracks = view.tracks(database, video["id"])
        told = 0
        for place, track in enumerate(tracks, 1):
            for clip, segmentations in _in_clips(own, track_masks(database, video, track["id"])):
                written["tracks"] += 1
                written["masks"] += sum(rle is not None for rle in segmentations)
                yield ytvis.annotation(written["tracks"], clip.id, numbers[track["category_id"]], size, segmentations)
            done = video["length"] * place // len(tracks)
            advance(done - told, f"Annotations of {video['name']}")
            told = done
        advance(video["length"] - told, f"Annotations of {video['name']}")


def _in_clips(clips: list[Clip], masks: dict[int, RLE]) -> Iterator[tuple[Clip, list[RLE | None]]]:
    """The clips in which masks, by frame, are, each with one entry for every frame."""
    seen = sorted(masks)
    for clip in clips:
        around = seen[bisect_left(seen, clip.frames.start) : bisect_left(seen, clip.frames.stop)]
        if any(frame in clip.frames for frame in around):
            yield clip, [masks.get(frame) for frame in clip.frames]


def track_masks(database: Database, video: Row, track_id: int) -> dict[int, RLE]:
    """The shown masks of a track by frame."""
    size = [video["height"], video["width"]]
    shown = view.masks(database, video["id"], 0, video["length"], track_id)
    return {mask["frame"]: {"size": size, "counts": mask["counts"]} for mask in shown}


def _write_frames(archive: zipfile.ZipFile, home: Home, clips: list[Clip], advance: Callable[[int, str], None]) -> None:
    """The frames of the clips of one video as JPEG, stored without a second compression."""
    video = clips[0].video
    folders = {frame: clip.folder for clip in clips for frame in clip.frames}
    with open_source(home, video) as source:
        check_unchanged(source, video)
        for frame, rgb in source:
            if frame in folders:
                bgr = cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR)
                _, jpeg = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
                name = f"JPEGImages/{ytvis.frame_name(folders[frame], frame)}"
                archive.writestr(name, jpeg.tobytes(), compress_type=zipfile.ZIP_STORED)
            advance(1, f"Frames of {video['name']}")
