"""Downloads from a real server on this machine: whole or not at all, taken up again where they broke off."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from studio.download import DownloadError, download

CONTENT = bytes(range(256)) * 40


@dataclass
class Site:
    """What the server gives, and what it was asked. `cut`: bytes after which it hangs up, once."""

    address: str = ""
    content: bytes = CONTENT
    etag: str | None = '"one"'
    kind: str = "application/octet-stream"
    status: int = 200
    cut: int | None = None
    asked: list[str | None] = field(default_factory=list)  # the ranges


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.asked.append(self.headers["Range"])
            start = 0
            if self.headers["Range"] and self.headers["If-Range"] == site.etag:
                start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
            body = site.content[start:]
            self.send_response(206 if start else site.status)
            self.send_header("Content-Type", site.kind)
            self.send_header("Content-Length", str(len(body)))
            if site.etag:
                self.send_header("ETag", site.etag)
            self.end_headers()
            if site.cut is not None:
                body, site.cut = body[: site.cut], None
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    site.address = f"http://127.0.0.1:{server.server_address[1]}"
    yield site
    server.shutdown()
    server.server_close()


def test_a_file_arrives_whole_under_its_own_name_and_alone(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    file = download(f"{site.address}/nets/ct%20vis.pth?download=1", tmp_path, lambda *step: seen.append(step))
    assert file == tmp_path / "ct_vis.pth"
    assert file.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [file]
    assert seen[0] == (0, len(CONTENT)) and seen[-1] == (len(CONTENT), len(CONTENT))


def test_what_broke_off_is_kept_and_only_the_rest_is_fetched(site: Site, tmp_path: Path) -> None:
    site.cut = 3000
    with pytest.raises(DownloadError, match=r"broke off at 3000 of 10240 bytes\. What has come is kept"):
        download(f"{site.address}/net.pth", tmp_path)
    assert not (tmp_path / "net.pth").exists()
    assert download(f"{site.address}/net.pth", tmp_path).read_bytes() == CONTENT
    assert site.asked == [None, "bytes=3000-"]


def test_the_rest_of_another_version_is_not_put_behind_the_beginning_of_this_one(site: Site, tmp_path: Path) -> None:
    site.cut = 3000
    with pytest.raises(DownloadError):
        download(f"{site.address}/net.pth", tmp_path)
    site.content, site.etag = CONTENT[::-1], '"two"'
    assert download(f"{site.address}/net.pth", tmp_path).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("etag", [None, 'W/"weak"'])
def test_without_a_sure_mark_of_the_version_it_begins_anew(etag: str | None, site: Site, tmp_path: Path) -> None:
    site.cut, site.etag = 3000, etag
    with pytest.raises(DownloadError):
        download(f"{site.address}/net.pth", tmp_path)
    assert download(f"{site.address}/net.pth", tmp_path).read_bytes() == CONTENT
    assert site.asked == [None, None]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"status": 404}, "answers 404 Not Found"),
        ({"kind": "text/html; charset=utf-8"}, "leads to a web page, not to a file"),
    ],
)
def test_what_is_no_file_is_said_in_a_sentence(
    change: dict[str, object], sentence: str, site: Site, tmp_path: Path
) -> None:
    for name, value in change.items():
        setattr(site, name, value)
    with pytest.raises(DownloadError, match=sentence):
        download(f"{site.address}/net.pth", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "address", [lambda port: f"http://127.0.0.1:{port}/net.pth", lambda port: "http://name.invalid/net.pth"]
)
def test_a_server_that_is_not_there_is_said_in_a_sentence(address: Callable[[int], str], tmp_path: Path) -> None:
    with ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as closed:
        port = closed.server_address[1]
    with pytest.raises(DownloadError, match=r"cannot be fetched: .*Check the address and the connection"):
        download(address(port), tmp_path)
