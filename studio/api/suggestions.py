"""Routes of where to look: the queue of suspicious moments, and how sure the model was over time."""

from typing import Annotated, Any

from fastapi import APIRouter, Query

from studio.api import review_schemas as schemas
from studio.api.context import InStudio, User
from studio.review import suggestions

router = APIRouter(tags=["suggestions"])


@router.get("/videos/{video_id}/suggestions", response_model=schemas.SuggestionList)
def get_suggestions(studio: InStudio, video_id: int) -> Any:
    """The suspicious moments, the worst first, each with its reason; what a person settled is marked."""
    return suggestions.queue(studio.store, video_id)


@router.patch("/videos/{video_id}/suggestions/{suggestion_id}", response_model=schemas.Suggestion)
def settle_suggestion(
    studio: InStudio, user: User, video_id: int, suggestion_id: int, body: schemas.SuggestionChange
) -> Any:
    """Say that a moment is resolved or to be ignored, or open again."""
    with studio.store.transaction() as database:
        return suggestions.set_state(database, video_id, suggestion_id, body.state, user)


@router.get("/videos/{video_id}/confidence", response_model=schemas.Confidence)
def get_confidence(studio: InStudio, video_id: int, bins: Annotated[int, Query(ge=1, le=4096)] = 512) -> Any:
    """The lowest score of each track in equal parts of the video, for a strip of colour, and the frame that shows it best."""
    return suggestions.confidence(studio.store, video_id, bins)
