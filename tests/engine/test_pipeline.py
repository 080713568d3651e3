"""Steps of a stream in threads of their own: order, bounds, errors and stopping."""

import threading
import time
from collections.abc import Generator

import pytest

from engine.pipeline import Behind, ahead, side_by_side


def counted(count: int, made: list[int], closed: threading.Event | None = None) -> Generator[int, None, None]:
    try:
        for number in range(count):
            made.append(number)
            yield number
    finally:
        if closed:
            closed.set()


def eventually(condition) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.005)
    return condition()


def test_items_come_in_order_and_are_made_before_they_are_asked_for():
    made: list[int] = []
    items = ahead(counted(20, made), depth=3)
    assert next(items) == 0
    assert eventually(lambda: len(made) == 4)  # the one that was taken, and three that wait
    assert list(items) == list(range(1, 20))


def test_never_more_than_the_depth_wait():
    made: list[int] = []
    for taken, item in enumerate(ahead(counted(30, made), depth=2)):
        time.sleep(0.002)
        assert item == taken and len(made) <= taken + 1 + 2


def test_an_error_arrives_after_the_items_before_it():
    def items():
        yield 1
        yield 2
        raise ValueError("the third")

    taken = []
    with pytest.raises(ValueError, match="the third"):
        for item in ahead(items(), depth=5):
            taken.append(item)
    assert taken == [1, 2]


def test_who_stops_early_stops_the_thread_and_closes_what_it_read():
    closed, before = threading.Event(), threading.active_count()
    items = ahead(counted(1000, [], closed), depth=2)
    assert next(items) == 0
    items.close()
    assert closed.is_set() and threading.active_count() == before


def test_streams_that_read_each_other_stop_together():
    closed, before = threading.Event(), threading.active_count()
    inner = ahead(counted(1000, [], closed), depth=2)
    items = ahead((2 * item for item in inner), depth=2)
    assert [next(items), next(items)] == [0, 2]
    items.close()
    inner.close()
    assert closed.is_set() and threading.active_count() == before


def test_items_are_worked_on_at_the_same_time_and_come_out_in_their_order():
    both = threading.Barrier(2)

    def work(number):
        both.wait(20)  # nobody gets past it alone
        time.sleep(0.01 * (number % 2 == 0))  # every second one overtakes the one before it
        return -number

    assert list(side_by_side(work, counted(10, []), workers=2)) == [-number for number in range(10)]


def test_the_work_that_fails_is_raised_in_its_place_and_nothing_goes_on():
    closed, before = threading.Event(), threading.active_count()
    results = side_by_side(lambda number: 6 // (3 - number), counted(1000, [], closed), workers=2)
    assert [next(results) for _ in range(3)] == [2, 3, 6]
    with pytest.raises(ZeroDivisionError):
        next(results)
    assert closed.is_set() and threading.active_count() == before


def test_who_stops_taking_results_waits_for_no_more_than_is_in_work():
    made: list[int] = []
    closed, before = threading.Event(), threading.active_count()
    results = side_by_side(lambda number: number, counted(1000, made, closed), workers=2)
    assert next(results) == 0
    results.close()
    assert closed.is_set() and len(made) <= 4 and threading.active_count() == before


def test_later_calls_are_done_in_order_and_all_before_the_block_ends():
    done = []
    with Behind(2) as later:
        for number in range(10):
            later(done.append, number)
    assert done == list(range(10))


def test_the_caller_waits_when_too_many_calls_are_outstanding():
    gate, done = threading.Event(), []

    def work(number):
        gate.wait(20)
        done.append(number)

    threading.Timer(0.2, gate.set).start()
    with Behind(2) as later:
        for number in range(3):
            later(work, number)
        assert done  # the third could only be handed over once the first was done


def test_a_failed_call_is_raised_in_the_block_or_at_its_end():
    def fail():
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"), Behind(1) as later:
        later(fail)
    with pytest.raises(OSError, match="disk full"), Behind(1) as later:
        later(fail)
        later(print)
        pytest.fail("the second call must not be accepted")


def test_a_block_left_by_an_exception_drops_what_is_outstanding():
    gate, done = threading.Event(), []
    threading.Timer(0.2, gate.set).start()
    with pytest.raises(KeyboardInterrupt), Behind(5) as later:
        later(gate.wait, 20)
        later(done.append, "never")
        raise KeyboardInterrupt
    assert not done
