"""Work inside a run of the page.

In turn, given up when a control has moved, and never left holding its turn.
"""

from __future__ import annotations

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor

import pytest

from rnnapp.turns import FairTurns
from rnnapp.ui import live


class MovedError(Exception):
    """What Streamlit raises where a newer run of the page waits."""


@pytest.fixture(autouse=True)
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    turns = FairTurns(1)
    monkeypatch.setattr(live, "_turns", lambda: turns)
    monkeypatch.setattr(live, "_CHECK_SECONDS", 0.0)


def test_all_of_the_work_is_done() -> None:
    assert live.run_inline(lambda: (n * n for n in range(4))) == [0, 1, 4, 9]


def test_stale_work_ends_and_gives_its_turn_back(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, ended = [], []

    def abort_if_stale() -> None:
        looks.append(1)
        if len(looks) == 3:
            raise MovedError

    def work() -> Generator[int, None, None]:
        try:
            for number in range(100):
                time.sleep(0.001)
                yield number
        finally:
            ended.append(number)

    monkeypatch.setattr(live, "abort_if_stale", abort_if_stale)
    with pytest.raises(MovedError):
        live.run_inline(work)
    assert ended == [1]
    assert len(live.run_inline(work)) == 100


def test_no_more_at_a_time_than_there_are_cores() -> None:
    together, most = [], []

    def work() -> Generator[int, None, None]:
        together.append(1)
        most.append(len(together))
        time.sleep(0.02)
        yield 1
        together.pop()

    with ThreadPoolExecutor(5) as pool:
        assert [len(one) for one in pool.map(lambda _: live.run_inline(work), range(5))] == [1] * 5
    assert max(most) == 1
