"""The studio's own scripts, styles and icons, sent from memory, at addresses that change when they do.

A page loads more than a hundred small files. Under `/static-<stamp>/` a browser keeps them for ever, for another content has
another stamp; under `/static/`, where people and Gradio look for files, it asks each time. A file that is changed on disk is read
again.
"""

import hashlib
import mimetypes
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

FOLDER = Path(__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
ASK = "no-cache"


class Kept(NamedTuple):
    """A file in memory. `changed` is its time on disk in nanoseconds."""

    changed: int
    content: bytes
    etag: str


class OwnFiles(StaticFiles):
    """The files of `FOLDER`; behind them, where nothing may be kept for ever, Gradio's, which it looks for at the same address."""

    def __init__(self, for_ever: bool = False) -> None:
        super().__init__(directory=FOLDER, packages=[] if for_ever else [("gradio", "templates/frontend/static")])
        self.cache_control = FOR_EVER if for_ever else ASK
        self._kept: dict[str, Kept] = {name: _read(name) for name in own_files()}

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The answer to a request for a path below the folder."""
        if path not in self._kept or scope["method"] not in ("GET", "HEAD"):
            response = await super().get_response(path, scope)
            response.headers["Cache-Control"] = ASK
            return response
        kept = self._fresh(path)
        headers = {"ETag": kept.etag, "Cache-Control": self.cache_control}
        if (b"if-none-match", kept.etag.encode()) in scope["headers"]:
            return Response(status_code=304, headers=headers)
        return Response(kept.content, media_type=mimetypes.guess_type(path)[0], headers=headers)

    def _fresh(self, path: str) -> Kept:
        if (FOLDER / path).stat().st_mtime_ns != self._kept[path].changed:
            self._kept[path] = _read(path)
        return self._kept[path]


@cache
def stamp() -> str:
    """Stands for the content of all files."""
    digest = hashlib.sha256()
    for name in own_files():
        content = (FOLDER / name).read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def address(name: str) -> str:
    """Where a page loads a file from."""
    return f"/static-{stamp()}/{name}"


def own_files() -> Iterator[str]:
    """The names of all files below the folder, in order."""
    return (path.relative_to(FOLDER).as_posix() for path in sorted(FOLDER.rglob("*")) if path.is_file())


def _read(name: str) -> Kept:
    path = FOLDER / name
    content = path.read_bytes()
    return Kept(path.stat().st_mtime_ns, content, f'"{hashlib.sha256(content).hexdigest()[:20]}"')
