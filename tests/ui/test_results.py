"""Results made once for all sessions.

Side by side, after an error, and where one may not be shared.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import make_split
from rnnapp.training.loop import TrainedModel
from rnnapp.ui.results import SharedResults, result_key, split_key
from tests.support import random_walk


def everyone(_: object) -> bool:
    return True


def test_ten_who_ask_at_once_get_one_result() -> None:
    made, calls, gate = SharedResults(), [], threading.Event()

    def make() -> object:
        calls.append(1)
        gate.wait(10)
        return object()

    with ThreadPoolExecutor(10) as pool:
        asked = [pool.submit(made.get, "settings", make, everyone) for _ in range(10)]
        gate.set()
        found = {id(one.result(10)) for one in asked}
    assert len(calls) == 1
    assert len(found) == 1


def test_other_settings_do_not_wait() -> None:
    made, gate = SharedResults(), threading.Event()

    def slow() -> int:
        gate.wait(10)
        return 1

    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(made.get, "slow", slow, everyone)
        assert made.get("quick", lambda: 2, everyone) == 2
        assert not first.done()
        gate.set()
        assert first.result(10) == 1


def failing_then(value: int) -> Callable[[], int]:
    calls: list[int] = []

    def make() -> int:
        calls.append(1)
        if len(calls) == 1:
            raise ValueError("the first try breaks")
        return value

    return make


def test_an_error_is_told_to_who_saw_it_and_the_next_tries_again() -> None:
    made, make = SharedResults(), failing_then(7)
    with pytest.raises(ValueError, match="breaks"):
        made.get("settings", make, everyone)
    assert made.get("settings", make, everyone) == 7


def test_who_waited_for_one_that_broke_makes_it_anew() -> None:
    made, begun, gate = SharedResults(), threading.Event(), threading.Event()

    def breaks() -> int:
        begun.set()
        gate.wait(10)
        raise ValueError("broken")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(made.get, "settings", breaks, everyone)
        assert begun.wait(10)
        second = pool.submit(made.get, "settings", lambda: 3, everyone)
        gate.set()
        assert isinstance(first.exception(10), ValueError)
        assert second.result(10) == 3


def test_a_result_that_is_not_whole_stays_with_its_session() -> None:
    made, values = SharedResults(), iter([1, 2, 3])

    def make() -> int:
        return next(values)

    def whole(value: int) -> bool:
        return value > 1

    assert made.get("settings", make, whole) == 1
    assert made.get("settings", make, whole) == 2
    assert made.get("settings", make, whole) == 2


def test_the_oldest_goes() -> None:
    made, calls = SharedResults(size=3), []

    def make() -> bool:
        calls.append(1)
        return True

    for number in (0, 1, 2, 3, 0):
        made.get(number, make, everyone)
    assert len(calls) == 5


def test_one_table_under_two_names_is_two() -> None:
    """What a person calls a file is not shown to another who has the same one."""
    mine = random_walk(200)
    theirs = PriceTable("their own name", mine.frame)
    window = WindowConfig(window=5)
    assert split_key(make_split(mine, window), "x") == split_key(make_split(mine, window), "x")
    assert split_key(make_split(mine, window), "x") != split_key(make_split(theirs, window), "x")
    assert split_key(make_split(mine, window), "x") != split_key(
        make_split(mine, WindowConfig(window=6)), "x"
    )


def test_a_model_at_a_reused_address_is_another() -> None:
    """Models are evicted and Python hands out their addresses again: identity is by content."""
    split = make_split(random_walk(200), WindowConfig(window=5))

    def model(seed: int) -> TrainedModel:
        train = TrainConfig(seed=seed)
        return TrainedModel(
            ModelConfig(), train, {}, (), "finished", "cpu", "compiled", 0.1, 5, 5, 1
        )

    seen = {result_key(model(seed), split) for seed in range(100)}
    assert len(seen) == 100
    assert result_key(model(3), split) in seen, "the same model, computed again"
