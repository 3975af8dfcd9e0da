"""Work in a thread: items appear as they come, a stop leaves them, errors become sentences."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from rnnapp.background import BackgroundTask, StopRequestedError
from rnnapp.errors import DataError, TrainingError


def test_items_are_there_before_the_end() -> None:
    gate = threading.Event()

    def slow(stop: threading.Event) -> Iterator[int]:
        yield 1
        gate.wait(10)
        yield 2

    task = BackgroundTask(slow, result=tuple, total=2)
    end = time.monotonic() + 5
    while not task.items and time.monotonic() < end:
        time.sleep(0.01)
    assert (task.items, task.done, task.progress) == ([1], False, 0.5)
    assert task.seconds_left < 10
    gate.set()
    assert task.wait(5)
    assert task.result() == (1, 2)


def test_nothing_is_promised_before_the_first_item() -> None:
    gate = threading.Event()

    def waiting(stop: threading.Event) -> Iterator[int]:
        gate.wait(10)
        yield 1

    task = BackgroundTask(waiting, result=tuple)
    assert task.seconds_left == float("inf")
    gate.set()
    assert task.wait(5)


def test_a_stop_leaves_the_items_so_far_and_is_passed_on() -> None:
    stopped: list[int] = []

    def endless(stop: threading.Event) -> Iterator[int]:
        while not stop.wait(0.001):
            yield 1

    task = BackgroundTask(
        endless, result=len, total=10**6, on_stop=lambda: stopped.append(1), name="walk"
    )
    while not task.items:
        time.sleep(0.001)
    task.stop()
    assert task.wait(5)
    assert task.stopping
    assert task.result() == len(task.items) > 0
    assert stopped == [1]


def test_work_that_ends_by_an_exception_after_a_stop_has_no_error() -> None:
    def stubborn(stop: threading.Event) -> Iterator[int]:
        yield 1
        stop.wait(10)
        raise StopRequestedError

    task = BackgroundTask(stubborn, result=tuple)
    task.stop()
    assert task.wait(5)
    assert task.error is None


def test_an_error_is_left_for_the_page_as_a_sentence() -> None:
    def broken(error: Exception) -> BackgroundTask[int, tuple[int, ...]]:
        def work(stop: threading.Event) -> Iterator[int]:
            yield 1
            raise error

        task = BackgroundTask(work, result=tuple, total=2, name="comparison")
        task.wait(5)
        return task

    assert str(broken(DataError("no rows")).error) == "no rows"
    unexpected = broken(KeyError("x"))
    assert isinstance(unexpected.error, TrainingError)
    assert str(unexpected.error).startswith("The comparison broke off (KeyError: 'x').")
    assert unexpected.items == [1]


def test_a_program_that_ends_lets_its_tasks_end_first() -> None:
    """Threads that are ended inside torch abort the whole program."""
    script = (
        "import torch\n"
        "from rnnapp.background import BackgroundTask\n"
        "def work(stop):\n"
        "    try:\n"
        "        while not stop.is_set():\n"
        "            torch.ones(50) + 1\n"
        "            yield 1\n"
        "    finally:\n"
        "        print('ended')\n"
        "task = BackgroundTask(work, result=len)\n"
        "while not task.items: pass\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "ended\n"), done.stderr
