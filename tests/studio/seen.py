"""A run without a net: things that move as a test says, tracked and stored as the worker would have stored them.

A `Thing` is what a net sees of an object: where it is, how it looks (a number: things with the same one look the same), how sure
the net is of it. The video is 96 x 64 pixels; things are squares of 16 pixels.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import torch

from engine.config import Category, FrameFormat, TrackerConfig
from engine.masks import area
from engine.session import VideoSession
from studio.store import Row, Store, detections, library, runs
from studio.store.detections import Tracking

HEIGHT, WIDTH, LENGTH = 64, 96, 40
GRID, EDGE, LOOKS = (16, 24), 4, 12  # cells of 4 pixels; a thing's edge in cells; channels of an embedding
NO_NET = SimpleNamespace(frame_format=FrameFormat(short_edge=64))  # `VideoSession.track` is given what a net would say
CATEGORIES = (Category(1, "dog"), Category(2, "cat"), Category(9, "owl"))
QUERIES = 8


@dataclass(frozen=True)
class Thing:
    """look: 0..11; places: (x, y) of the corner by frame, in cells of 4 pixels; score: how sure the net is; kind: category."""

    look: int
    places: Mapping[int, tuple[int, int]]
    score: float = 0.9
    kind: int = 0


def still(x: int, y: int, frames: Sequence[int] = range(LENGTH)) -> dict[int, tuple[int, int]]:
    """A thing that stays where it is."""
    return dict.fromkeys(frames, (x, y))


def video_row(store: Store, length: int = LENGTH, path: str = "clip.mp4") -> Row:
    """A ready video in a project of its own with the categories dog and cat; it does not know the owl yet."""
    with store.transaction() as database:
        project = library.add_project(database, f"Project {len(library.projects(database)) + 1}")["id"]
        for name in ("dog", "cat"):
            library.add_category(database, project, name)
        facts = {"bytes": 1, "width": WIDTH, "height": HEIGHT, "length": length, "fps": 25.0}
        video = library.add_video(database, project, name="clip", path=path, **facts)
        database.execute("update videos set state = 'ready' where id = ?", (video["id"],))
    return library.video(store.database, video["id"])


def run(
    store: Store,
    video: Row,
    things: Sequence[Thing],
    config: TrackerConfig | None = None,
    threshold: float = 0.0,
    keep: bool = True,
    noise: float = 0.0,
    model: str = "demo",
) -> dict[int, int]:
    """A finished run. Returns the rows of its tracks by the tracker's number, which counts from 0 in the order of appearance.

    keep: whether its detections are kept, as runs of today do; noise: how much things change their looks from frame to frame.
    """
    blobs: list[bytes] = []
    config = config or TrackerConfig()
    session = VideoSession(
        NO_NET,
        (HEIGHT, WIDTH),
        config,
        spool=False,
        detections=blobs.append,
        before_nms=True,  # type: ignore[arg-type]
    )
    masks: list[runs.Prediction] = []
    for frame in range(video["length"]):
        for seen in session.track(*_output(things, frame, noise)):
            if seen.rle is not None and area(seen.rle):
                masks.append(runs.Prediction(seen.track_id, frame, seen.rle["counts"], seen.score))
    with store.transaction() as database:
        row = runs.add_run(database, video["id"], model, {"score_threshold": threshold})
        if keep:
            detections.begin(database, row["id"], Tracking(config, CATEGORIES))
        estimates = {}
        for number, track in session.finish().tracks.items():
            category = library.category_named(database, video["project_id"], CATEGORIES[track.category].name)
            estimates[number] = runs.TrackEstimate(category["id"], track.score, track.first_frame)
        runs.commit_window(database, row["id"], video["length"], masks, estimates, b"state", blobs if keep else ())
        runs.close_run(database, row["id"], "done")
        return dict(database.execute("select number, id from tracks where run_id = ?", (row["id"],)).fetchall())


def _output(things: Sequence[Thing], frame: int, noise: float) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """What the net would say: a query for each thing in its order, the rest empty."""
    logits = torch.zeros(QUERIES, len(CATEGORIES) + 1)
    logits[:, -1] = 20
    masks = torch.full((QUERIES, *GRID), -8.0)
    embeds = noise * torch.randn(QUERIES, LOOKS, generator=torch.Generator().manual_seed(frame))
    for query, thing in enumerate(things):
        if (place := thing.places.get(frame)) is not None:
            x, y = place
            masks[query, y : y + EDGE, x : x + EDGE] = 8
            odds = thing.score / (1 - thing.score)
            logits[query] = torch.full((len(CATEGORIES) + 1,), -20.0)
            logits[query, thing.kind], logits[query, -1] = float(torch.log(torch.tensor(odds))), 0
            embeds[query, thing.look] += 4
    return logits, masks, embeds
