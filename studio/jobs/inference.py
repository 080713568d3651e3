"""The job that runs a model on a video.

Frames go through a `VideoSession` one by one; every second or so a window of them is committed: masks, tracks, packed
detections to track again with, what the session needs to go on, and the job's progress, in one transaction. So a killed worker
loses nothing that was shown, and the next one goes on from the last committed frame with the same result. Cancelling keeps what
there is.
"""

import io
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch
from sqlite_utils import Database

from engine import CTVIS, FrameFormat, Preset, TrackerConfig
from engine.errors import VideoError
from engine.masks import area
from engine.output_tracks import TrackSummary
from engine.run import pick_device, segment_video
from engine.session import VideoSession
from engine.tracker import Observation
from engine.tuning import keep_freed_memory, tune
from engine.video import VideoSource
from studio.jobs.models import find_model
from studio.settings import Home
from studio.sources import open_source
from studio.store import Row, Store, detections, jobs, library, runs
from studio.store.detections import Tracking

WINDOW_FRAMES = 16
WINDOW_SECONDS = 1.0


def run_model(store: Store, home: Home, job: Row) -> None:
    """Do the job, from the beginning or from where an earlier worker stood."""
    run = runs.run(store.database, job["run_id"])
    video = library.video(store.database, run["video_id"])
    jobs.progress(store.database, job["id"], run["frames_done"], video["length"], message="Loading the model")
    model, preset = find_model(home, store.database, run["model"]).load()
    tune(model.to(pick_device()))
    keep_freed_memory()
    with open_source(home, video) as source:
        check_unchanged(source, video)
        seen: list[bytes] = []
        size = (video["height"], video["width"])
        session = open_session(model, preset, run["settings"], size, source.fps, seen.append)
        saved = runs.session_state(store.database, run["id"])
        if saved is not None:
            session.load_state_dict(torch.load(io.BytesIO(saved), weights_only=True))
        _begin_detections(store, run, session, preset)
        cancelled = _follow(store, job, run, video, source, session, seen, preset)
    with store.transaction() as database:
        state = "cancelled" if cancelled else "done"
        runs.close_run(database, run["id"], state)
        jobs.finish(database, job["id"], state)


def open_session(
    model: CTVIS,
    preset: Preset,
    settings: Mapping[str, Any],
    size: tuple[int, int],
    fps: float,
    hand_out: Callable[[bytes], None],
) -> VideoSession:
    """A session for a video of `size` (H, W) with the run's settings in the place of the preset's.

    `hand_out` is given the packed detections of each frame, duplicates too: a person may choose one of them, and NMS is a setting.
    """
    tracker: TrackerConfig = preset.tracker
    frame: FrameFormat = preset.frame
    if settings.get("match_threshold") is not None:
        tracker = replace(tracker, match_threshold=settings["match_threshold"])
    if settings.get("short_edge") is not None:
        frame = frame.at(settings["short_edge"])
    return VideoSession(
        model, size, tracker, frame_format=frame, spool=False, fps=fps, detections=hand_out, before_nms=True
    )


def _begin_detections(store: Store, run: Row, session: VideoSession, preset: Preset) -> None:
    """Note how the run tracks, before its first frame. A run that an older version began goes on without detections."""
    if session.frame == 0:
        with store.transaction() as database:
            detections.begin(database, run["id"], Tracking(session.tracker.config, preset.categories))


def check_unchanged(source: VideoSource, video: Row) -> None:
    """Raise VideoError unless the file still holds the video that was imported."""
    found = (source.width, source.height, source.length)
    known = (video["width"], video["height"], video["length"])
    if found != known:
        raise VideoError(
            f'"{video["name"]}" has changed since it was imported: it was {known[0]} x {known[1]} with {known[2]} frames '
            f"and is now {found[0]} x {found[1]} with {found[2]}. Import it again."
        )


def _follow(
    store: Store,
    job: Row,
    run: Row,
    video: Row,
    source: VideoSource,
    session: VideoSession,
    seen: list[bytes],
    preset: Preset,
) -> bool:
    """Run the rest of the video and commit it in windows. Returns whether a person stopped it.

    The session puts the packed detections of its frames into `seen`.
    """
    began, first = time.monotonic(), session.frame
    keeps = detections.are_kept(store.database, run["id"])
    window: list[runs.Prediction] = []
    committed, due = session.frame, time.monotonic() + WINDOW_SECONDS
    for frame, _, observations in segment_video(session, source, start=session.frame):
        window.extend(_predictions(frame, observations))
        cancelled = jobs.is_cancelled(store.database, job["id"])
        last = session.frame == video["length"]
        if cancelled or last or session.frame - committed >= WINDOW_FRAMES or time.monotonic() >= due:
            fps = (session.frame - first) / (time.monotonic() - began)
            state = _packed(session)
            with store.transaction() as database:
                # Until the end, a track that is short may still grow: it is not to be withdrawn.
                tracks = session.finish().tracks if last else session.tracks.summaries()
                estimates = _estimates(database, video["project_id"], tracks, preset)
                kept = seen if keeps else ()
                runs.commit_window(database, run["id"], session.frame, window, estimates, state, kept)
                jobs.progress(database, job["id"], session.frame, video["length"], fps=fps, kept=True)
            window, committed, due = [], session.frame, time.monotonic() + WINDOW_SECONDS
            seen.clear()
        if cancelled:
            return True
    if session.frame < video["length"]:
        raise VideoError(f'"{video["name"]}" cannot be decoded after frame {session.frame - 1}. Import it again.')
    return False


def _predictions(frame: int, observations: list[Observation]) -> Iterator[runs.Prediction]:
    """The masks of a frame that are not empty at the size of the video."""
    for seen in observations:
        if seen.rle is not None and area(seen.rle):
            yield runs.Prediction(seen.track_id, frame, seen.rle["counts"], seen.score)


def _estimates(
    database: Database, project_id: int, summaries: Mapping[int, TrackSummary], preset: Preset
) -> dict[int, runs.TrackEstimate]:
    """What the tracks are held to be; the project learns categories that it did not have."""
    category_ids: dict[int, int] = {}
    for place in {summary.category for summary in summaries.values()}:
        category = preset.categories[place]
        category_ids[place] = library.category_named(database, project_id, category.name, category.id)["id"]
    return {
        track_id: runs.TrackEstimate(category_ids[summary.category], summary.score, summary.first_frame)
        for track_id, summary in summaries.items()
    }


def _packed(session: VideoSession) -> bytes:
    buffer = io.BytesIO()
    torch.save(session.state_dict(), buffer)
    return buffer.getvalue()
