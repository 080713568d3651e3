"""Of several requests for the same thing the newest counts: an older one that is still being worked on gives up.

For answers that take a second while a person goes on moving a slider. Safe between threads.
"""

import threading
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager

from studio.store.errors import Conflict


class Newest:
    """Who is the newest, by what is asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._latest: dict[Hashable, object] = {}

    @contextmanager
    def turn(self, key: Hashable) -> Iterator[Callable[[], None]]:
        """While it lasts, the given function raises Conflict once somebody newer asks for `key`."""
        mine = object()
        with self._lock:
            self._latest[key] = mine

        def check() -> None:
            if self._latest.get(key) is not mine:
                raise Conflict("A newer preview took the place of this one.")

        try:
            yield check
        finally:
            with self._lock:
                if self._latest.get(key) is mine:
                    del self._latest[key]
