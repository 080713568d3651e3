"""Routes of how people share the work on a video: its review state, whose it is, comments, and how far it is."""

from typing import Any

from fastapi import APIRouter

from studio.api import review_schemas as schemas
from studio.api.context import InStudio, RequestKey, User
from studio.review import verification
from studio.store import reviews

router = APIRouter(tags=["teamwork"])


@router.get("/projects/{project_id}/reviews", response_model=schemas.ReviewList)
def get_reviews(studio: InStudio, project_id: int) -> Any:
    """Where all videos of a project stand."""
    with studio.store.reading() as database:
        return {"reviews": reviews.reviews(database, project_id)}


@router.get("/videos/{video_id}/review", response_model=schemas.Review)
def get_review(studio: InStudio, video_id: int) -> Any:
    """Where a video stands."""
    return reviews.review(studio.store.database, video_id)


@router.patch("/videos/{video_id}/review", response_model=schemas.Review)
def change_review(studio: InStudio, user: User, video_id: int, body: schemas.ReviewChange) -> Any:
    """Bring a video to another state, or make it somebody's; what is left out stays. Returning it needs a comment."""
    with studio.store.transaction() as database:
        if "assignee" in body.model_fields_set:
            reviews.assign(database, video_id, body.assignee, user)
        if body.state is not None:
            reviews.set_state(database, video_id, body.state, user, body.comment)
        return reviews.review(database, video_id)


@router.get("/videos/{video_id}/progress", response_model=schemas.VerificationProgress)
def get_progress(studio: InStudio, video_id: int) -> Any:
    """How much of what is shown is verified, and how long the rest will take at the pace so far."""
    with studio.store.reading() as database:
        return verification.progress(database, video_id)


@router.get("/videos/{video_id}/comments", response_model=schemas.CommentList)
def get_comments(studio: InStudio, video_id: int) -> Any:
    """The comments on a video, oldest first."""
    with studio.store.reading() as database:
        return {"comments": reviews.comments(database, video_id)}


@router.post("/videos/{video_id}/comments", response_model=schemas.Comment, status_code=201)
def add_comment(studio: InStudio, user: User, video_id: int, body: schemas.NewComment, key: RequestKey = None) -> Any:
    """A comment on a video, pinned to a frame and a track if they are given."""
    with studio.store.transaction() as database:
        return reviews.add_comment(database, video_id, body.text, user, body.frame, body.track, key)


@router.patch("/comments/{comment_id}", response_model=schemas.Comment)
def change_comment(studio: InStudio, user: User, comment_id: int, body: schemas.CommentChange) -> Any:
    """Resolve a comment or open it again; give one's own another text."""
    with studio.store.transaction() as database:
        if body.text is not None:
            reviews.rewrite_comment(database, comment_id, body.text, user)
        if body.resolved is not None:
            reviews.resolve_comment(database, comment_id, body.resolved, user)
        return reviews.comment(database, comment_id)


@router.delete("/comments/{comment_id}", status_code=204)
def remove_comment(studio: InStudio, user: User, comment_id: int) -> None:
    """Take away one's own comment."""
    with studio.store.transaction() as database:
        reviews.remove_comment(database, comment_id, user)
