"""The login of a studio that others can reach: one password, a signed cookie, and a gate in front of everything.

The gate is plain ASGI around the whole application, so API, pages and files share it. Whoever changes the password or removes
the secret file logs everybody out. It keeps no list of sessions.
"""

import asyncio
import hashlib
import hmac
import secrets
import time
from pathlib import Path
from urllib.parse import parse_qs, quote

from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

COOKIE = "ctvis_session"
SESSION_SECONDS = 30 * 86400
WRONG_PASSWORD_PAUSE = 1.0  # seconds; guesses are answered one after the other
BODY_LIMIT = 4096  # bytes of the login form
OPEN_PATHS = ("/static/css/", "/static/icons/", "/api/v1/health", "/manifest.json")
PAGE = Path(__file__).parent / "static" / "login.html"


def read_secret(path: Path) -> bytes:
    """The key that signs cookies, made at the first call and readable by its owner only."""
    if not path.exists():
        path.touch(mode=0o600)
        path.write_bytes(secrets.token_bytes(32))
    return path.read_bytes()


class LoginGate:
    """Lets requests through that carry a valid cookie; answers /login and /logout itself."""

    def __init__(self, app: ASGIApp, password: str, secret: bytes):
        self.app = app
        self.password = password.encode()
        self.key = hmac.digest(secret, self.password, hashlib.sha256)
        self.guessing = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        path = scope["path"]
        if path in ("/login", "/logout") and scope["type"] == "http":
            request = Request(scope, receive)
            response = self.log_out() if path == "/logout" else await self.log_in(request)
            await response(scope, receive, send)
        elif path.startswith(OPEN_PATHS) or self.is_valid(HTTPConnection(scope).cookies.get(COOKIE, "")):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self.refuse(HTTPConnection(scope))(scope, receive, send)

    def refuse(self, request: HTTPConnection) -> Response:
        """The login page for a person, a sentence for a program."""
        if "text/html" in request.headers.get("accept", ""):
            wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
            return RedirectResponse(f"/login?next={quote(wanted)}", status_code=303)
        return JSONResponse({"detail": "Log in first: this studio has a password."}, status_code=401)

    async def log_in(self, request: Request) -> Response:
        """GET shows the form; POST with the right `password` sets the cookie and goes on to `next`."""
        if request.method != "POST":
            return FileResponse(PAGE)
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > BODY_LIMIT:
                return JSONResponse({"detail": "The login form is too long."}, status_code=413)
        given = parse_qs(body.decode(errors="replace")).get("password", [""])[0]
        target = request.query_params.get("next", "/")
        if not hmac.compare_digest(given.encode(), self.password):
            async with self.guessing:
                await asyncio.sleep(WRONG_PASSWORD_PAUSE)
            return RedirectResponse(f"/login?wrong=1&next={quote(target)}", status_code=303)
        # Only a path of this studio: "//host" and "/\host" would lead elsewhere.
        inside = target.startswith("/") and target[1:2] not in ("/", "\\")
        response = RedirectResponse(target if inside else "/", status_code=303)
        secure = request.url.scheme == "https"
        response.set_cookie(COOKIE, self.sign(), SESSION_SECONDS, httponly=True, samesite="lax", secure=secure)
        return response

    def log_out(self) -> Response:
        response = RedirectResponse("/login", status_code=303)
        response.delete_cookie(COOKIE)
        return response

    def sign(self, now: float | None = None) -> str:
        """A cookie value: when it ends, and a signature of that."""
        until = str(int((time.time() if now is None else now) + SESSION_SECONDS))
        return f"{until}.{self.signature(until)}"

    def signature(self, until: str) -> str:
        return hmac.new(self.key, until.encode(), hashlib.sha256).hexdigest()

    def is_valid(self, cookie: str) -> bool:
        until, _, signature = cookie.partition(".")
        genuine = hmac.compare_digest(signature.encode(), self.signature(until).encode())
        return genuine and int(until) > time.time()
