"""The job that draws a video with its tracks on it, as people would play it: `overlays/VIDEO.mp4`.

Masks are read from one snapshot of the database, a window of frames at a time, and drawn in the frames of the source at the
times of the source. The file appears when it is whole; an unfinished one is removed.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from sqlite_utils import Database

from engine.masks import decode
from studio.formats.overlay import DrawnTrack, OverlayWriter, draw_overlay
from studio.jobs.inference import check_unchanged
from studio.jobs.progress import Progress
from studio.review import view
from studio.settings import Home
from studio.sources import open_source
from studio.store import Row, Store, jobs, library

WINDOW = 32  # frames whose masks are read at once


def overlay_path(home: Home, video_id: int) -> Path:
    """Where the drawn video lies once its job is done."""
    return home.exports / "overlays" / f"{video_id}.mp4"


def draw_video(store: Store, home: Home, job: Row) -> None:
    """Do the job from the beginning."""
    place = overlay_path(home, job["video_id"])
    place.parent.mkdir(parents=True, exist_ok=True)
    with store.snapshot() as database:
        _draw(store, home, job, database, place)
    with store.transaction() as database:
        jobs.finish(database, job["id"])


def _draw(store: Store, home: Home, job: Row, database: Database, place: Path) -> None:
    video = library.video(database, job["video_id"])
    progress = Progress(store, job, video["length"])
    labels: dict[int, tuple[str, ...]] = {
        track["id"]: (
            str(track["id"]),
            track["category"],
            *([f"{track['score']:.0%}"] if track["source"] == "model" else []),
        )
        for track in view.tracks(database, video["id"])
    }
    with open_source(home, video) as source, OverlayWriter(place, source.fps) as writer:
        check_unchanged(source, video)
        drawn = _tracks_per_frame(database, video, labels)
        for (frame, rgb), tracks in zip(source, drawn, strict=True):
            seconds = source.pts[frame] if source.pts is not None else frame / source.fps
            writer.write(draw_overlay(rgb, tracks), seconds)
            progress.advance(1, "")


def _tracks_per_frame(database: Database, video: Row, labels: dict[int, tuple[str, ...]]) -> Iterator[list[DrawnTrack]]:
    """What to draw in every frame of a video, in order."""
    size = [video["height"], video["width"]]
    for start in range(0, video["length"], WINDOW):
        stop = min(start + WINDOW, video["length"])
        masks: dict[int, list[Row]] = defaultdict(list)
        for mask in view.masks(database, video["id"], start, stop):
            masks[mask["frame"]].append(mask)
        for frame in range(start, stop):
            yield [
                DrawnTrack(mask["track"], decode({"size": size, "counts": mask["counts"]}), labels[mask["track"]])
                for mask in masks[frame]
            ]
