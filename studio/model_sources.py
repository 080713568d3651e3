"""A model's files on their way into a studio: fetched from the web, taken out of a zip, removed when they are of no use any more.

What is made of them, and who is told how far it is, is the caller's part (`models.py`, `commands/models.py`, `jobs/adding.py`).
"""

import re
import shutil
import uuid
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import CtvisError
from studio.download import DownloadError, download
from studio.model_files import unzipped_pair
from studio.settings import Home

OWN = "model-"  # how folders begin that were made for one model's files


def fetched(url: str, home: Home, on_progress: Callable[[int, int | None], None]) -> tuple[Path, str | None]:
    """The file at an address, and a sentence where it is half of a pair and the other half is not to be had."""
    folder = home.temporary / "downloads"
    folder.mkdir(exist_ok=True)
    file = download(url, folder, on_progress)
    beside = re.sub(r"\.safetensors(?=$|[?#])", ".json", url)
    if beside == url:
        return file, None
    try:
        download(beside, folder).replace(file.with_suffix(".json"))
    except DownloadError as fault:
        return file, f"No preset came with it. {fault}"
    return file, None


def own_folder(home: Home) -> Path:
    """A new folder for one model's files, removed with them; after a kill by a later server (`api/uploads.py`)."""
    folder = home.temporary / f"{OWN}{uuid.uuid4().hex}"
    folder.mkdir()
    return folder


@contextmanager
def unpacked(file: Path, home: Home) -> Iterator[Path]:
    """The checkpoint itself, where `file` is the zip that the page Models exports; any other file as it is."""
    folder = own_folder(home)
    try:
        yield unzipped_pair(file, folder)
    except zipfile.BadZipFile as fault:
        raise CtvisError(f"{file.name} is damaged or cut off ({fault}). Copy or download it again.") from fault
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def discard(file: Path) -> None:
    """Remove a file that the studio fetched or received, and its other half."""
    file.unlink(missing_ok=True)
    file.with_suffix(".json").unlink(missing_ok=True)
    if file.parent.name.startswith(OWN):
        shutil.rmtree(file.parent, ignore_errors=True)
