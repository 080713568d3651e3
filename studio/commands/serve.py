"""`ctvis-studio serve`: the web application, the worker beside it, and the browser in front of it.

Runs until Ctrl-C or SIGTERM. Everything it writes is under --home. To be registered as a command and as the default one;
faults are CtvisErrors, which the command line prints.
"""

import contextlib
import errno
import logging
import os
import signal
import socket
import sys
import threading
import time
import urllib.error
import urllib.request
import webbrowser
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from engine.errors import CtvisError
from studio.commands.home import default_home
from studio.settings import Home

DEFAULT_PORT = 7860
PORTS_TO_TRY = 20  # from the default one on
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PASSWORD = "CTVIS_STUDIO_PASSWORD"
STOP_SECONDS = 3  # for open connections to end


class ServeError(CtvisError):
    """The studio cannot be served as asked."""


def serve(
    home: Annotated[Path | None, typer.Option(help="folder of the database, the videos and the exports")] = None,
    host: Annotated[
        str, typer.Option(help=f"address to listen on; beyond this machine only with ${PASSWORD}")
    ] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(help=f"port; {DEFAULT_PORT} or the next free one if not given")] = None,
    demo: Annotated[bool, typer.Option("--demo", help="bring the demo project back if it was removed")] = False,
    import_from: Annotated[
        list[Path] | None,
        typer.Option(
            help="folder from which videos may be imported where they lie, may be given several times; if not given, any on this "
            "machine's own address, none on another"
        ),
    ] = None,
    keep_frames: Annotated[
        float, typer.Option(min=0, metavar="GB", help="disk space for frames made ready to be reviewed; 0: none")
    ] = Home.frames_limit / 1e9,
    browser: Annotated[bool, typer.Option(help="open the browser once the studio answers")] = True,
) -> None:
    """Serve the studio on this machine and open it in the browser."""
    password = os.environ.get(PASSWORD)
    if host not in LOOPBACK and not password:
        raise ServeError(
            f"Listening on {host} would let everybody on the network in. Set a password in the environment variable {PASSWORD}, "
            "or leave out --host to serve this machine only."
        )
    import_roots = folders_to_import_from(host, import_from or [])
    listener = listen(host, port)  # before anything is started: a taken port costs nothing
    place = Home((home or default_home()).expanduser().resolve(), import_roots, frames_limit=int(keep_frames * 1e9))
    place.create()
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    address = f"http://{f'[{shown}]' if ':' in shown else shown}:{listener.getsockname()[1]}"
    console = Console(highlight=False)
    console.print("Starting CTVIS Studio ...")
    with quiet_end():
        run(place, listener, password, demo, partial(announce, console, address, place, browser))
    console.print("Stopped. Everything is saved.")


def run(home: Home, listener: socket.socket, password: str | None, demo: bool, announce: Callable[[], None]) -> None:
    """Serve until a signal comes; `announce` runs beside. Imports late, for the framework takes seconds that --help lacks."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(home.temporary / "gradio")

    import uvicorn

    from studio.app import create_app
    from studio.demo import ensure_demo
    from studio.jobs.supervisor import WorkerProcess

    ensure_demo(home, again=demo)
    app = create_app(home, password=password)
    config = uvicorn.Config(app, log_level=logging.WARNING, access_log=False, timeout_graceful_shutdown=STOP_SECONDS)
    with WorkerProcess(home):
        threading.Thread(target=announce, daemon=True).start()
        uvicorn.Server(config).run(sockets=[listener])


def folders_to_import_from(host: str, folders: list[Path]) -> tuple[Path, ...] | None:
    """Where people may name files of this machine: in `folders`. Without any: everywhere (None) if they sit at it, else nowhere."""
    for folder in folders:
        if not folder.expanduser().is_dir():
            raise ServeError(
                f"There is no folder '{folder}' to import from. Correct --import-from, or make the folder."
            )
    if not folders and host in LOOPBACK:
        return None
    return tuple(folder.expanduser().resolve() for folder in folders)


def listen(host: str, port: int | None) -> socket.socket:
    """A bound socket. A port that was asked for must be free; otherwise the next free one from the default on is taken."""
    ports = [port] if port is not None else range(DEFAULT_PORT, DEFAULT_PORT + PORTS_TO_TRY)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for candidate in ports:
        # With the protocol named, asyncio sends small packets at once; else an answer waits up to 40 ms for its second half.
        listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        if sys.platform != "win32":  # there the option would let two programs share the port
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen(2048)
            return listener
        except OSError as fault:
            listener.close()
            if fault.errno == errno.EADDRINUSE:
                continue
            raise ServeError(f"Cannot listen on {host} port {candidate}: {fault.strerror}.") from fault
    if port is not None:
        raise ServeError(f"Port {port} is taken by another program. Stop that one, or give another port with --port.")
    last = DEFAULT_PORT + PORTS_TO_TRY - 1
    raise ServeError(f"All ports from {DEFAULT_PORT} to {last} are taken. Give a free one with --port.")


def announce(console: Console, address: str, home: Home, browser: bool) -> None:
    """Say where the studio is once it answers, and open the browser there if a person sits in front of this machine."""
    if not answers(f"{address}/api/v1/health", seconds=60):
        console.print(f"[yellow]The studio does not answer on {address} yet.[/yellow]")
        return
    console.print(f"CTVIS Studio is ready: [bold]{address}[/bold]\nData: {home.root}\nCtrl-C stops it.")
    answers(f"{address}/", seconds=5)  # the first page takes Gradio a second: let nobody wait for it
    if browser and has_display():
        webbrowser.open(address)


def answers(url: str, seconds: float) -> bool:
    """Whether `url` answers with success within some seconds."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(urllib.error.URLError, OSError), urllib.request.urlopen(url, timeout=5):
            return True
        time.sleep(0.1)
    return False


def has_display() -> bool:
    """Whether a browser would open a window rather than take over the terminal."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


@contextlib.contextmanager
def quiet_end() -> Iterator[None]:
    """SIGTERM ends like Ctrl-C does: what was started is stopped, and no traceback is shown."""

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    except KeyboardInterrupt:
        pass
    finally:
        signal.signal(signal.SIGTERM, before)
