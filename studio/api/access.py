"""Who may change something, and how much may be sent.

Changes are refused when a browser says that another site asks for them. Bodies are capped before anything reads them; the routes
that take large ones (`LARGE_BODIES`) read them piece by piece with `read_body` or `receive_file`, which have limits of their own.
Who may ask at all is the application's affair: see the `dependencies` of `create_api`.
"""

import re
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from fastapi import HTTPException, Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

READING = {"GET", "HEAD", "OPTIONS"}
LARGE_BODIES = re.compile(r"/projects/[^/]+/videos$|/trials$|/models$|/masks/[^/]+$")


def same_origin(request: Request) -> None:
    """Refuse (403) a change that a page of another site asks for. Programs that are no browsers send no Origin."""
    if request.method in READING:
        return
    origin = request.headers.get("origin")
    elsewhere = origin is not None and urlsplit(origin).netloc != request.headers.get("host")
    if elsewhere or request.headers.get("sec-fetch-site") in ("cross-site", "same-site"):
        raise HTTPException(
            403, "This change was asked for by another site, so it was refused. Open the studio itself."
        )


def too_large(limit: int) -> HTTPException:
    """413 with the limit in bytes."""
    return HTTPException(413, f"The request is too large: at most {limit:,} bytes are taken here.")


async def limited(request: Request, limit: int) -> AsyncIterator[bytes]:
    """The body in pieces; raises 413 as soon as it is known to exceed `limit` bytes."""
    announced = request.headers.get("content-length", "0")
    if announced.isdecimal() and int(announced) > limit:
        raise too_large(limit)
    received = 0
    async for piece in request.stream():
        received += len(piece)
        if received > limit:
            raise too_large(limit)
        yield piece


async def read_body(request: Request, limit: int) -> bytes:
    """The whole body, at most `limit` bytes."""
    return b"".join([piece async for piece in limited(request, limit)])


class BodyLimit:
    """Middleware: answers 413 to bodies over `limit` bytes, except where `LARGE_BODIES` says that the route looks after it."""

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app, self.limit = app, limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or LARGE_BODIES.search(scope["path"]):
            await self.app(scope, receive, send)
            return
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if len(body) > self.limit:
                error = too_large(self.limit)
                await JSONResponse({"detail": error.detail}, error.status_code)(scope, receive, send)
                return
            if not message.get("more_body"):
                break
        pending: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return pending.pop() if pending else await receive()

        await self.app(scope, replay, send)
