"""A stream in a thread: results appear as they come, stop keeps them, errors are told."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

from rnnapp.errors import DataError, TrainingError
from rnnapp.evaluation.background import BackgroundStream


def test_results_are_there_before_the_end():
    gate = threading.Event()

    def slow(stop: threading.Event) -> Iterator[int]:
        yield 1
        gate.wait(10)
        yield 2

    stream = BackgroundStream(slow, 2)
    end = time.monotonic() + 5
    while not stream.items and time.monotonic() < end:
        time.sleep(0.01)
    assert (stream.items, stream.done) == ([1], False)
    assert stream.seconds_left < 10
    gate.set()
    assert stream.wait(5)
    assert stream.items == [1, 2]


def test_stop_keeps_what_is_there():
    def endless(stop: threading.Event) -> Iterator[int]:
        while not stop.wait(0.001):
            yield 1

    stream = BackgroundStream(endless, 10**6)
    while not stream.items:
        time.sleep(0.001)
    stream.stop()
    assert stream.wait(5)
    assert stream.stopped
    assert stream.items


def test_an_error_is_kept_for_the_page():
    def broken(error: Exception):
        def make(stop: threading.Event) -> Iterator[int]:
            yield 1
            raise error

        stream = BackgroundStream(make, 2)
        stream.wait(5)
        return stream

    assert str(broken(DataError("no rows")).error) == "no rows"
    unexpected = broken(KeyError("x"))
    assert isinstance(unexpected.error, TrainingError)
    assert unexpected.items == [1]
