"""Where a studio keeps its data when nobody says so: the platform's folder for an application's data."""

import os
import sys
from pathlib import Path

NAME = "ctvis-studio"


def default_home() -> Path:
    """$CTVIS_HOME, or ~/.local/share/ctvis-studio and its equals on macOS and Windows. Makes nothing."""
    if given := os.environ.get("CTVIS_HOME"):
        return Path(given)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / NAME
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local")) / NAME
    return Path(os.environ.get("XDG_DATA_HOME", Path.home() / ".local" / "share")) / NAME
