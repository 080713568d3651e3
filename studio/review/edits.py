"""The operations of one track that the review page has had from the beginning, each done at once.

Others are functions that make an operation (`tracks.py`, `identity.py`, `verification.py`, `shapes.py`), to be done or previewed by
`log.py`. These do both steps.
"""

from typing import Any

from sqlite_utils import Database

from studio.review import history, shapes, tracks
from studio.review.log import Applied, perform, redo, undo
from studio.store import Store

__all__ = ["Applied", "delete_from", "delete_track", "log", "new_track", "redo", "set_category", "set_mask", "undo"]


def set_mask(
    store: Store,
    video_id: int,
    track_id: int,
    frame: int,
    counts: str | None,
    expected_rev: int,
    user: str,
    request: str | None = None,
) -> Applied:
    """Put a mask (compressed RLE counts at the video's size) in a frame of a track; None says that nothing is there.

    `expected_rev` is the revision of the mask the person saw, 0 for none. Raises Conflict, carrying the current mask, if it
    is another one now.
    """
    return perform(store, video_id, user, shapes.set_mask(track_id, frame, counts, expected_rev), request)


def delete_track(store: Store, video_id: int, track_id: int, user: str) -> Applied:
    """Remove a track from the whole video."""
    return perform(store, video_id, user, tracks.delete([track_id], None, None))


def delete_from(store: Store, video_id: int, track_id: int, frame: int, user: str) -> Applied:
    """Remove a track from `frame` to the end of the video; masks predicted there later stay hidden too."""
    return perform(store, video_id, user, tracks.delete_from([track_id], frame))


def set_category(store: Store, video_id: int, track_id: int, category_id: int, user: str) -> Applied:
    """Say what a track is."""
    return perform(store, video_id, user, tracks.change_category([track_id], category_id))


def new_track(
    store: Store, video_id: int, category_id: int, frame: int, user: str, request: str | None = None
) -> Applied:
    """A new, empty track of a category, begun at `frame`. On a video that was never run it opens a run made by hand."""
    return perform(store, video_id, user, tracks.new_track(category_id, frame), request)


def log(database: Database, video_id: int, user: str | None = None) -> dict[str, Any]:
    """The operations on the shown run, oldest first, and whether `user` (None: anybody) can undo or redo something."""
    return history.entries(database, video_id, user)
