"""A whole studio for browser tests: the real command with its worker, on a home folder with a demo project and a tiny model."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from studio.demo import ensure_demo
from studio.settings import Home
from tests.studio.processes import ENVIRONMENT, ROOT, tiny_model
from tests.videos import make_video, numbered_frames

LENGTH, HEIGHT, WIDTH = 70, 96, 128


def new_home(folder: Path) -> Home:
    """A home whose demo project holds the videos "street" and "yard", with random weights as the model "demo"."""
    home = Home(folder / "home").create()
    clips = folder / "clips"
    clips.mkdir()
    for number, name in enumerate(("street", "yard")):
        make_video(clips / f"{name}.mp4", numbered_frames(LENGTH, HEIGHT, WIDTH, start=100 * number))
    ensure_demo(home, clips=clips)
    tiny_model(home, "demo")
    return home


@contextmanager
def studio(home: Home, threads: int = 1) -> Iterator[str]:
    """The command `serve` on a free port; gives its address once it is ready, and stops it as Ctrl-C does."""
    environment = ENVIRONMENT | {"OMP_NUM_THREADS": str(threads)}
    command = [sys.executable, "-u", "-m", "studio.cli", "serve", "--no-browser", "--home", str(home.root)]
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield _address(process)
    finally:
        process.terminate()
        process.wait(60)


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    said = []
    for line in process.stdout:
        said.append(line)
        if found := re.search(r"ready: (http://\S+)", line):
            return found[1]
    raise RuntimeError("The studio did not start: " + "".join(said))
