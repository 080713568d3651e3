"""Routes of who is who: the name under which somebody works, and the names that are known.

A studio has one password for all, so a name is what a person says of themselves: it marks their edits and comments and gives them
an undo of their own. It is kept in a cookie of their browser and proves nothing. Where the application's own rule names the user
(see `create_api`), that name counts and cannot be changed here.
"""

from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import JSONResponse, Response

from studio.api import review_schemas as schemas
from studio.api.context import NAME_COOKIE, InStudio, User
from studio.store import library, reviews
from studio.store.errors import Conflict

router = APIRouter(tags=["people"])

YEAR = 365 * 86400  # seconds


@router.get("/people", response_model=schemas.People)
def get_people(studio: InStudio, user: User, request: Request) -> Any:
    """Who asks, and who else has worked here or is assigned to something."""
    with studio.store.reading() as database:
        known = reviews.people(database)
    fixed = getattr(request.state, "user", None) is not None
    return {"me": user, "fixed": fixed, "people": sorted({*known, user} - {"local"}, key=str.casefold)}


@router.put("/me", response_model=schemas.Me)
def set_name(body: schemas.Me, request: Request) -> Response:
    """Say who one is, from now on and in this browser."""
    if getattr(request.state, "user", None) is not None:
        raise Conflict("Your name comes from your login and cannot be changed here.")
    name = library.checked_name(body.name, "person")
    response = JSONResponse({"name": name})
    secure = request.url.scheme == "https"
    response.set_cookie(NAME_COOKIE, quote(name, safe=""), YEAR, httponly=True, samesite="lax", secure=secure, path="/")
    return response
