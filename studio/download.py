"""Fetching a file from the web: streamed to disk, taken up again where it broke off, in its place only when it is whole.

What has come so far lies in the folder as `<hash of the address>.partial`, with the server's mark of the version (ETag or
date) beside it: another try asks for the rest of that same version, or begins anew. Only http and https.
"""

import hashlib
import http.client
import json
import os
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

from engine.errors import CtvisError

CHUNK = 1024 * 1024  # bytes
TIMEOUT = 60.0  # seconds without a byte
PAGES = ("text/html", "application/xhtml+xml")


class DownloadError(CtvisError):
    """A file cannot be fetched."""


def is_address(text: str) -> bool:
    """Whether a person means a place on the web rather than a file."""
    return text.lower().startswith(("http://", "https://"))


def download(url: str, folder: Path, on_progress: Callable[[int, int | None], None] = lambda done, total: None) -> Path:
    """The file at `url`, in `folder` under its own name. `on_progress` is given the bytes that are there and those in all."""
    mark = hashlib.sha256(url.encode()).hexdigest()[:16]
    partial, version = folder / f"{mark}.partial", folder / f"{mark}.json"
    try:
        with _opened(url, partial, version) as response:
            if response.headers.get_content_type() in PAGES:
                raise DownloadError(
                    f"{url} leads to a web page, not to a file. Open it in a browser, download the file there, and add that."
                )
            resumed = response.status == http.HTTPStatus.PARTIAL_CONTENT
            had = partial.stat().st_size if resumed else 0
            length = response.headers.get("Content-Length")
            total = had + int(length) if length else None
            version.write_text(json.dumps(_version(response)))
            _receive(response, partial, had, total, on_progress)
            place = folder / _name(url, response)
    except urllib.error.HTTPError as fault:
        _forget(partial, version, fault.code)
        raise DownloadError(
            f"{url} answers {fault.code} {fault.reason}. Check the address, or try again later."
        ) from fault
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as fault:
        reason = getattr(fault, "reason", None) or fault
        raise DownloadError(
            f"{url} cannot be fetched: {str(reason) or type(fault).__name__}. {_advice(partial)}"
        ) from fault
    except (OSError, ValueError) as fault:
        raise DownloadError(f"{url} cannot be fetched: {fault}.") from fault
    if total is not None and partial.stat().st_size != total:
        raise DownloadError(f"{url} broke off at {partial.stat().st_size} of {total} bytes. {_advice(partial)}")
    os.replace(partial, place)
    version.unlink(missing_ok=True)
    return place


def _opened(url: str, partial: Path, version: Path) -> Any:
    request = urllib.request.Request(url, headers={"User-Agent": "ctvis-studio", "Accept-Encoding": "identity"})
    known = _known(partial, version)
    if known:
        request.add_header("Range", f"bytes={partial.stat().st_size}-")
        request.add_header("If-Range", known)
    return urllib.request.urlopen(request, timeout=TIMEOUT)


def _known(partial: Path, version: Path) -> str | None:
    """The version that the partial file is a beginning of; None where there is nothing to go on from."""
    try:
        found = json.loads(version.read_text()) if partial.stat().st_size else None
    except (OSError, ValueError):
        return None
    return found if isinstance(found, str) else None


def _version(response: Any) -> str | None:
    """A mark that changes with the content. A weak ETag (W/) does not promise that."""
    etag: str | None = response.headers.get("ETag")
    return etag if etag and not etag.startswith("W/") else response.headers.get("Last-Modified")


def _receive(
    response: Any, partial: Path, had: int, total: int | None, on_progress: Callable[[int, int | None], None]
) -> None:
    with partial.open("r+b" if had else "wb") as file:
        file.seek(had)
        on_progress(had, total)
        while chunk := response.read(CHUNK):
            file.write(chunk)
            on_progress(file.tell(), total)
        file.flush()
        os.fsync(file.fileno())


def _name(url: str, response: Any) -> str:
    """The file's own name, in plain letters and without any folder; the server's word goes before the address."""
    said = response.headers.get_filename() or urllib.parse.unquote(urllib.parse.urlsplit(response.url or url).path)
    return re.sub(r"[^A-Za-z0-9._-]+", "_", said.replace("\\", "/").rpartition("/")[2]).strip("._")[-100:] or "download"


def _forget(partial: Path, version: Path, status: int) -> None:
    """The server has no such rest: what is here belongs to no file any more."""
    if status == http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
        partial.unlink(missing_ok=True)
        version.unlink(missing_ok=True)


def _advice(partial: Path) -> str:
    if partial.exists() and partial.stat().st_size:
        return "What has come is kept: the same command goes on from there."
    return "Check the address and the connection."
