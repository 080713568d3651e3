"""Files that a person names by their path on the server: which of them may be read."""

from pathlib import Path

from studio.settings import Home
from studio.store.errors import Invalid


def readable_path(home: Home, path: Path, what: str) -> Path:
    """The path without links, if it may be read and is there; `what` is asked for, in words. Raises Invalid."""
    if not path.is_absolute():
        raise Invalid(f"'{path}' does not say where to begin: give the whole path.")
    if home.import_roots == ():
        raise Invalid(
            f"This studio takes no {what} by their path: upload the file, or start it with --import-from FOLDER."
        )
    if not home.may_import(path):
        raise Invalid(f"'{path}' lies outside the folders from which {what} may be imported.")
    if not path.exists():
        raise Invalid(f"There is no file or folder '{path}' on the server.")
    return path.resolve()
