"""Routes of what a person set for themselves, such as their keys: a JSON object that the pages read and write as a whole."""

from typing import Any

from fastapi import APIRouter

from studio.api.context import InStudio, User
from studio.store import preferences

router = APIRouter(tags=["people"])


@router.get("/preferences")
def get_preferences(studio: InStudio, user: User) -> dict[str, Any]:
    """One's own preferences; an empty object at first."""
    with studio.store.reading() as database:
        return preferences.preferences(database, user)


@router.put("/preferences")
def set_preferences(studio: InStudio, user: User, chosen: dict[str, Any]) -> dict[str, Any]:
    """Put an object in the place of one's preferences. 422 if it is larger than 64 KiB."""
    with studio.store.transaction() as database:
        return preferences.set_preferences(database, user, chosen)
