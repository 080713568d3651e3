"""`ctvis-studio doctor`: what this installation consists of, and whether its parts work.

Tries, rather than asks: the op kernels compute something, a video is written and read back, the shipped model is loaded, the
database answers. Prints one line per finding; exit code 1 if anything that the program needs is broken.
"""

import platform
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, NamedTuple

import av
import numpy as np
import torch
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

import engine
from engine import load_model
from engine.errors import CtvisError
from engine.ops import active_kernel, ms_deform_attn
from engine.run import available_devices
from engine.video import open_video
from studio.commands.home import default_home
from studio.formats.overlay import OverlayWriter
from studio.settings import Home
from studio.version import studio_version

PACKAGES = ("torch", "torchvision", "timm", "numpy", "av", "opencv-python-headless", "pycocotools", "gradio", "huey")
ENGINE = Path(engine.__file__).parent
BINARIES = {"cpu": "_C", "cuda": "_C_cuda"}  # of the op's compiled kernels, per type of device


class Finding(NamedTuple):
    """One line of the report. fault: None if all is well, else a sentence."""

    part: str
    state: str
    fault: str | None = None


def doctor(home: Annotated[Path | None, typer.Option(help="Folder of the studio's data.")] = None) -> None:
    """Check the installation: versions, devices, the op kernel, video, models, the database."""
    findings = list(examine(Home(home or default_home())))
    table = Table(show_header=False, box=None)
    for part, state, fault in findings:
        table.add_row("[red]broken[/red]" if fault else "[green]ok[/green]", part, escape(fault or state))
    Console(highlight=False).print(table)
    if any(finding.fault for finding in findings):
        raise typer.Exit(1)


def examine(home: Home) -> Iterator[Finding]:
    """Everything that is worth knowing about this installation."""
    yield Finding("CTVIS Studio", f"{studio_version()}, Python {platform.python_version()}, {platform.platform()}")
    yield _tried("packages", _packages)
    yield Finding("devices", ", ".join(_describe(name) for name in available_devices()))
    for device in [name for name in available_devices() if name != "mps"]:
        yield _tried(f"attention op on {device}", lambda device=device: _op(device))  # type: ignore[misc]
    if not torch.cuda.is_available() and active_kernel("cuda") != "torch":
        yield Finding("attention op on cuda", f"{active_kernel('cuda')} kernel built, not tried: there is no GPU here")
    yield _tried("video", _video)
    yield _tried("demo model", _demo_model)
    yield _tried("database", lambda: _database(home))


def _tried(part: str, trial: Callable[[], str]) -> Finding:
    try:
        return Finding(part, trial())
    except (
        CtvisError,
        OSError,
        RuntimeError,
        ValueError,
        PackageNotFoundError,
        av.FFmpegError,
        sqlite3.Error,
    ) as error:
        return Finding(part, "", f"{type(error).__name__}: {error}")


def _packages() -> str:
    return ", ".join(f"{name} {version(name)}" for name in PACKAGES)


def _describe(device: str) -> str:
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.startswith("cuda") else device


def _op(device: str) -> str:
    """The active kernel, once it has agreed with the plain torch body on the processor."""
    kind = torch.device(device).type
    kernel = active_kernel(kind)
    built = [path for path in ENGINE.glob(f"{BINARIES[kind]}.*") if path.suffix in (".so", ".pyd")]
    if built and kernel == "torch":
        raise RuntimeError(
            f"{built[0].name} was built but does not fit this Python and PyTorch, so the slower plain torch serves; "
            "reinstall: pip install --no-build-isolation -e ."
        )
    generator = torch.Generator().manual_seed(0)
    value = torch.rand(1, 20, 2, 4, generator=generator)
    places, weights = torch.rand(1, 3, 2, 2, 2, 2, generator=generator), torch.rand(1, 3, 2, 2, 2, generator=generator)
    shapes = [(4, 4), (2, 2)]
    found = ms_deform_attn(value.to(device), shapes, places.to(device), weights.to(device)).cpu()
    # Float64 sums on the processor are the reference.
    expected = ms_deform_attn(value.double(), shapes, places.double(), weights.double()).float()
    if not torch.allclose(found, expected, atol=1e-4):
        raise RuntimeError("the kernel computes wrong numbers; rebuild it, or install without it (CTVIS_OP=off)")
    return f"{kernel} kernel, agrees with its reference"


def _video() -> str:
    """Write a tiny mp4 and read it back."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "check.mp4"
        with OverlayWriter(path, fps=10) as writer:
            for number in range(3):
                writer.write(np.full((48, 64, 3), 80 * number, np.uint8), number / 10)
        with open_video(path) as source:
            if [abs(int(rgb.mean()) - 80 * number) <= 4 for number, rgb in source] != [True] * 3:
                raise RuntimeError("a video that was written does not come back the same; reinstall PyAV")
    return f"mp4 can be written and read, PyAV {av.__version__} with FFmpeg {av.ffmpeg_version_info}"


def _demo_model() -> str:
    model, preset = load_model("demo")
    count = sum(parameter.numel() for parameter in model.parameters())
    return f"preset {preset.name}, {count / 1e6:.1f} M parameters, {len(preset.categories)} categories"


def _database(home: Home) -> str:
    """SQLite's own check, without touching the file."""
    if not home.database.exists():
        return f"none yet; it is made in {home.root} when the studio starts"
    with closing(sqlite3.connect(f"{home.database.resolve().as_uri()}?mode=ro", uri=True)) as connection:
        problems = [line for (line,) in connection.execute("pragma quick_check(5)") if line != "ok"]
        if problems:
            raise RuntimeError(f"{home.database} is damaged: {'; '.join(problems)}. Restore it from a backup.")
        videos = connection.execute("select count(*) from videos").fetchone()[0]
    return f"{home.database}, {home.database.stat().st_size / 1e6:.1f} MB, {videos} videos"
