"""A server under test has no worker beside it: what the studio leaves to one after 0.2 s, because the machine is busy, would wait
for ever. So there it takes its time; the tests that are about this set their own."""

import pytest

from studio.api import long_operations


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Operations and previews may take a minute before they become jobs or show the first frames alone."""
    monkeypatch.setattr(long_operations, "AT_ONCE_SECONDS", 60.0)
    monkeypatch.setattr(long_operations, "PREVIEW_SECONDS", 60.0)
