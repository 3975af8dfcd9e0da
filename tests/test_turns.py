"""Turns are dealt out evenly: whoever asks for many makes nobody else wait for all of them."""

from __future__ import annotations

import threading
import time

import pytest

from rnnapp import turns as turns_module
from rnnapp.background import BackgroundTask
from rnnapp.errors import QueueFullError
from rnnapp.turns import FairTurns, Turn


def has_come(turn: Turn) -> bool:
    return turn.position == 0


def test_whoever_holds_the_fewest_comes_next() -> None:
    line = FairTurns(1)
    first, *more = [line.enter("greedy") for _ in range(40)]
    other = line.enter("patient")
    assert has_come(first)
    assert other.position == 1, "one person's forty are no forty places before another's one"
    first.leave()
    assert has_come(other)
    assert more[0].position == 1
    other.leave()
    assert has_come(more[0])


def test_people_with_as_many_come_in_turn() -> None:
    line = FairTurns(1)
    held = line.enter("a")
    waiting = [line.enter(person) for person in ("a", "a", "b", "b")]
    order = []
    while waiting:
        held.leave()
        held = next(turn for turn in waiting if has_come(turn))
        waiting.remove(held)
        order.append(held.person)
    assert order == ["b", "a", "b", "a"]


def test_a_line_is_bounded_for_one_and_for_all() -> None:
    line = FairTurns(1, most_each=2, most=3)
    for person in ("a", "a", "a", "b"):
        line.enter(person)
    with pytest.raises(QueueFullError, match="You wait for 2 trainings on this server already"):
        line.enter("a")
    with pytest.raises(QueueFullError, match="The server is busy: 3 trainings wait"):
        line.enter("c")


def test_who_gives_up_is_not_waited_for() -> None:
    line = FairTurns(1)
    with line.enter("a"), line.enter("b") as second:
        assert not second.wait(stopped=lambda: True)
    assert has_come(line.enter("c"))


def test_a_long_training_lets_another_person_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns_module, "_SLICE_SECONDS", 0.0)
    line = FairTurns(1)
    finished: list[str] = []
    begun = threading.Event()

    def work(name: str, items: int):
        def run(stop: threading.Event):
            for item in range(items):
                begun.set()
                time.sleep(0.01)
                yield item
            finished.append(name)

        return run

    long = BackgroundTask(work("long", 1_000), result=len, turn=line.enter("a"))
    assert begun.wait(5)
    short = BackgroundTask(work("short", 2), result=len, turn=line.enter("b"))
    assert short.wait(10)
    long.stop()
    assert finished == ["short"]
    assert short.result() == 2
    assert 0 < long.result() < 1_000


def test_a_task_that_waits_can_be_stopped_and_says_its_place() -> None:
    line = FairTurns(1)
    with line.enter("a"):
        task = BackgroundTask(lambda stop: iter([1]), result=list, turn=line.enter("b"))
        assert task.position == 1
        task.stop()
        assert task.wait(5)
    assert task.result() == []
    assert task.error is None


def test_forty_tasks_run_two_at_a_time() -> None:
    line = FairTurns(2)
    running: list[int] = []
    most: list[int] = []

    def work(stop: threading.Event):
        running.append(1)
        most.append(len(running))
        time.sleep(0.005)
        running.pop()
        yield 1

    tasks = [BackgroundTask(work, result=sum, turn=line.enter(str(number))) for number in range(40)]
    assert all(task.wait(30) for task in tasks)
    assert sum(task.result() for task in tasks) == 40
    assert max(most) <= 2
