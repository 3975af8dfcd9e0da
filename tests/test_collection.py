"""Collection is paused while a block runs, however many overlap, and goes on after it."""

from __future__ import annotations

import gc
import threading

import pytest

from rnnapp.collection import pause_collection


def test_collection_pauses_for_as_long_as_any_block_runs() -> None:
    entered = threading.Event()
    leave = threading.Event()

    def hold() -> None:
        with pause_collection():
            entered.set()
            leave.wait(10)

    other = threading.Thread(target=hold)
    with pause_collection():
        other.start()
        assert entered.wait(10)
        assert not gc.isenabled()
    assert not gc.isenabled(), "the other thread's block still runs"
    leave.set()
    other.join()
    assert gc.isenabled()


def test_an_error_in_a_block_ends_the_pause_too() -> None:
    with pytest.raises(ZeroDivisionError), pause_collection():
        raise ZeroDivisionError
    assert gc.isenabled()


def test_what_was_made_in_a_block_is_left_out_of_later_collections() -> None:
    before = gc.get_freeze_count()
    with pause_collection():
        made = [[number] for number in range(1000)]
    assert gc.get_freeze_count() - before >= len(made)
