"""Jobs shared between sessions.

Found again, never evicted while under way, safe from many threads.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from rnnapp.background import BackgroundTask
from rnnapp.ui.tasks import PageTask, TaskBoard

Task = PageTask[Any, Any]


@pytest.fixture
def gate() -> Iterator[threading.Event]:
    """Lets the jobs of a test end."""
    event = threading.Event()
    yield event
    event.set()


def waiting(gate: threading.Event, key: object, place: str = "forecast") -> Task:
    def work(stop: threading.Event) -> Iterator[int]:
        gate.wait(30)
        yield 1

    job = BackgroundTask(work, result=len)
    return PageTask(place, key, job, job.result)


def ended(key: object) -> Task:
    job = BackgroundTask(lambda stop: iter([1]), result=len)
    assert job.wait(5)
    return PageTask("forecast", key, job, job.result)


def test_a_job_under_way_is_never_evicted(gate: threading.Event) -> None:
    """However many others ended since: a reload of its page must find it."""
    board = TaskBoard(ended=3)
    long = board.add(waiting(gate, "long"))
    for number in range(10):
        board.add(ended(number))
    assert board.find("forecast", "long") is long
    assert board.find("forecast", 0) is None
    assert board.find("forecast", 9) is not None


def test_more_jobs_under_way_than_ended_ones_may_stay_are_all_found(gate: threading.Event) -> None:
    board = TaskBoard(ended=3)
    tasks = [board.add(waiting(gate, number)) for number in range(8)]
    assert [board.find("forecast", number) for number in range(8)] == tasks


def test_a_second_session_that_starts_the_same_gets_the_job_under_way(
    gate: threading.Event,
) -> None:
    board = TaskBoard()
    first = board.add(waiting(gate, "same"))
    assert board.add(waiting(gate, "same")) is first
    assert board.add(waiting(gate, "same", place="compare")) is not first


def test_a_job_that_ended_gives_way_to_a_new_start(gate: threading.Event) -> None:
    board = TaskBoard()
    board.add(ended("same"))
    again = waiting(gate, "same")
    assert board.add(again) is again


def test_a_job_is_found_by_the_token_in_an_address(gate: threading.Event) -> None:
    board = TaskBoard()
    task = board.add(waiting(gate, "x", place="digits"))
    assert board.find_by_token("digits", task.token) is task
    assert board.find_by_token("recipe", task.token) is None
    assert board.find_by_token("digits", "") is None


def test_only_the_job_itself_is_dropped(gate: threading.Event) -> None:
    board = TaskBoard()
    old = ended("same")
    board.add(old)
    new = board.add(waiting(gate, "same"))
    board.drop(old)
    assert board.find("forecast", "same") is new
    board.drop(new)
    assert board.find("forecast", "same") is None


def test_many_threads_change_the_board_at_once() -> None:
    """Sessions run in threads; a map changed while another thread walks it would raise."""
    board = TaskBoard(ended=4)

    def churn(number: int) -> None:
        for step in range(50):
            task = board.add(ended((number, step)))
            board.find("forecast", (number, step))
            board.find_by_token("forecast", task.token)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(churn, range(8)))


def test_a_result_is_collected_once_however_many_sessions_show_it() -> None:
    calls: list[int] = []
    job = BackgroundTask(lambda stop: iter([1]), result=len)
    assert job.wait(5)

    def collect() -> int:
        calls.append(1)
        return len(calls)

    task: Task = PageTask("forecast", "x", job, collect)
    assert [task.result(), task.result()] == [1, 1]
