"""Receiving a file: a multipart body, straight to the home's folder for half-written files.

Nothing is held in memory and nothing passes through the system's temporary folder. The checksum is taken on the way.
"""

import hashlib
import re
import shutil
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from fastapi import HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from python_multipart import MultipartParser
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import parse_options_header

from studio.api.access import limited
from studio.model_files import clear_published
from studio.settings import Home

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

PIECE = 1024**2  # bytes gathered before they are written
DAY = 86_400  # seconds
FIELD = b"file"


@dataclass
class ReceivedFile:
    """A file that has arrived. `name` is what the sender calls it, without folders; `path` is where it lies for now."""

    path: Path
    name: str
    sha256: str


@dataclass
class _Part:
    """What the parser is reading: the headers of a part, and the bytes of the wanted one that are not written yet."""

    headers: dict[bytes, bytes] = field(default_factory=dict)
    header_name: bytes = b""
    header_value: bytes = b""
    wanted: bool = False
    filename: str | None = None
    complete: bool = False
    pending: bytearray = field(default_factory=bytearray)

    def callbacks(self) -> "MultipartCallbacks":
        return {
            "on_part_begin": self.begin,
            "on_header_field": self.header_field,
            "on_header_value": self.header_text,
            "on_header_end": self.end_header,
            "on_headers_finished": self.end_headers,
            "on_part_data": self.take,
            "on_end": self.end,
        }

    def begin(self) -> None:
        self.headers, self.wanted = {}, False

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self.header_name += data[start:end]

    def header_text(self, data: bytes, start: int, end: int) -> None:
        self.header_value += data[start:end]

    def end_header(self) -> None:
        self.headers[self.header_name.lower()] = self.header_value
        self.header_name = self.header_value = b""

    def end_headers(self) -> None:
        _, options = parse_options_header(self.headers.get(b"content-disposition", b""))
        self.wanted = options.get(b"name") == FIELD and self.filename is None
        if self.wanted:
            self.filename = options.get(b"filename", b"").decode("utf-8", "replace")

    def take(self, data: bytes, start: int, end: int) -> None:
        if self.wanted:
            self.pending += data[start:end]

    def end(self) -> None:
        self.complete = True


async def receive_file(request: Request, home: Home) -> ReceivedFile:
    """Store the field `file` of a multipart body in the home's temporary folder. The caller moves or removes it."""
    _, options = parse_options_header(request.headers.get("content-type", ""))
    if b"boundary" not in options:
        raise HTTPException(422, "Send the file as the field 'file' of a multipart form.")
    part = _Part()
    parser = MultipartParser(options[b"boundary"], part.callbacks())
    digest = hashlib.sha256()
    path = home.temporary / f"upload-{uuid.uuid4().hex}"

    def write(file: BinaryIO) -> None:
        digest.update(part.pending)
        file.write(part.pending)
        part.pending.clear()

    try:
        with path.open("wb") as file:
            async for piece in limited(request, home.upload_limit):
                parser.write(piece)
                if len(part.pending) >= PIECE:
                    await run_in_threadpool(write, file)
            write(file)
        if not part.complete:
            raise FormParserError("the last boundary is missing")
        if not part.filename:
            raise HTTPException(422, "The form has no field 'file' with a file in it.")
        name = re.split(r"[/\\]", part.filename)[-1]
        return ReceivedFile(path.rename(path.with_suffix(safe_suffix(name))), name, digest.hexdigest())
    except FormParserError as error:
        path.unlink(missing_ok=True)
        raise HTTPException(422, "The upload broke off or is no multipart form. Send it again.") from error
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def safe_suffix(name: str) -> str:
    """The suffix of a file name in lower case if it is an ordinary one, else nothing."""
    suffix = Path(name).suffix.lower()
    return suffix if re.fullmatch(r"\.[a-z0-9]{1,8}", suffix) else ""


def remove_leftovers(home: Home) -> None:
    """Remove uploads that a server before this one never finished, and what came of models a day ago or longer: half added,
    downloaded in part, exported."""
    for path in home.temporary.glob("upload-*"):
        path.unlink(missing_ok=True)
    # a younger one may be in the making, or waits for another try
    for path in [*home.temporary.glob("model-*"), *home.temporary.glob("downloads/*")]:
        with suppress(FileNotFoundError):
            if time.time() - path.stat().st_mtime > DAY:
                shutil.rmtree(path) if path.is_dir() else path.unlink()
    clear_published(home)
