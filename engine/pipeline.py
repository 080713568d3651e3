"""Steps of a stream that run at the same time, each in a thread of its own, in order and a bounded distance apart.

`ahead` makes the items of an iterable before they are asked for; `side_by_side` works on several of them at once; `Behind`
does calls after they were made. An exception of such a thread reaches whoever takes the items or makes the calls; who stops
early stops the thread, and waits for it. The work itself must let other threads run, as decoding, nets and encoding do.
"""

from collections import deque
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from queue import SimpleQueue
from threading import Event, Semaphore, Thread
from types import TracebackType
from typing import Any, NamedTuple, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class _Over(NamedTuple):
    """The end of a stream, and what broke it off, if anything did."""

    error: BaseException | None


def ahead(items: Generator[Item, None, None], depth: int) -> Generator[Item, None, None]:
    """The same items; at most `depth` of them wait to be taken. `items` runs in the other thread from beginning to end."""
    made: SimpleQueue[Item | _Over] = SimpleQueue()
    room, stopped = Semaphore(depth - 1), Event()

    def make() -> None:
        error = None
        try:
            with closing(items):
                for item in items:
                    made.put(item)
                    room.acquire()
                    if stopped.is_set():
                        break
        except BaseException as raised:  # whatever it is belongs to who takes the items
            error = raised
        made.put(_Over(error))

    thread = Thread(target=make, daemon=True)
    thread.start()
    try:
        while not isinstance(item := made.get(), _Over):
            room.release()
            yield item
        if item.error is not None:
            raise item.error
    finally:
        stopped.set()
        room.release()
        thread.join()


def side_by_side(
    work: Callable[[Item], Result], items: Generator[Item, None, None], workers: int
) -> Generator[Result, None, None]:
    """`work` of each item, in the order of the items; so many threads work on one each, and as many results may wait."""
    pool = ThreadPoolExecutor(workers)

    def hand_out() -> Generator[Future[Result], None, None]:
        with closing(items):
            for item in items:
                yield pool.submit(work, item)

    try:
        with closing(ahead(hand_out(), workers)) as futures:
            for future in futures:
                yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


class Behind:
    """Does calls one after the other, at most `depth` of them outstanding: `with Behind(2) as later: later(save, picture)`.

    A call that failed raises its error at a later one, or at the end of the block. A block that is left by an exception
    drops what is outstanding.
    """

    def __init__(self, depth: int) -> None:
        self._depth = depth
        self._thread = ThreadPoolExecutor(max_workers=1)
        self._outstanding: deque[Future[Any]] = deque()

    def __call__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._wait(self._depth - 1)
        self._outstanding.append(self._thread.submit(function, *arguments))

    def __enter__(self) -> "Behind":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._wait(0)
        finally:
            self._thread.shutdown(cancel_futures=True)

    def _wait(self, most: int) -> None:
        while len(self._outstanding) > most:
            self._outstanding.popleft().result()
