"""Places in the job queue are shared between people, without any worker."""

from __future__ import annotations

import pytest

from rnnapp.errors import QueueFullError
from rnnapp.people import Limits
from tests.runs import work
from tests.runs.fakes import ManualQueue


def test_slots_are_shared_between_people_whatever_sessions_they_open() -> None:
    queue = ManualQueue()
    many = [queue.submit_job(work.add, 1, i, person="a", session=str(i)) for i in range(3)]
    other = queue.submit_job(work.add, 2, 2, person="b", session="own")
    queue._waiting.remove(many[0])
    queue._running.append(many[0])
    assert [queue.position_of(handle) for handle in (other, *many[1:])] == [1, 2, 3]


def test_one_visitor_does_not_fill_the_queue_for_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    queue = ManualQueue()
    monkeypatch.setattr(queue, "limits", Limits(waiting=2, waiting_all=3))
    for number in range(2):
        queue.submit_job(work.add, 1, 1, person="a", session=f"session {number}")
    with pytest.raises(QueueFullError, match="2 jobs of yours are waiting already"):
        queue.submit_job(work.add, 1, 1, person="a", session="a fresh one")
    with queue.reserve_place("b"):
        assert len(queue._waiting) == 2
        with pytest.raises(QueueFullError, match="The queue is full: 3 jobs of all people"):
            queue.submit_job(work.add, 1, 1, person="c")
    queue.submit_job(work.add, 1, 1, person="b")
