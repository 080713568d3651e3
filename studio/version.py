"""The version of this program."""

from importlib.metadata import PackageNotFoundError, version


def studio_version() -> str:
    """As installed; "dev" in a checkout that was never installed."""
    try:
        return version("ctvis-studio")
    except PackageNotFoundError:
        return "dev"
