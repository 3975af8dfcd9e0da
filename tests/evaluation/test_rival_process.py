"""Rivals fitted in a process of their own: the same figures, a stop that ends it, its errors."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from rnnapp.configs import SimulatedConfig, WindowConfig
from rnnapp.data.simulated import simulate_prices
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.errors import TrainingError
from rnnapp.evaluation import rival_process
from rnnapp.evaluation.rival_process import fit_in_process
from rnnapp.evaluation.rivals import fit_rivals
from rnnapp.language import in_language


def split_of(rows: int) -> PriceSplit:
    return make_split(simulate_prices(SimulatedConfig("ar2", rows)), WindowConfig(window=5))


def test_the_process_gives_what_a_direct_call_gives() -> None:
    split = split_of(260)
    with in_language("ko"):
        apart = list(fit_in_process(split, threading.Event(), ("Theta", "ETS")))
        direct = list(fit_rivals(split, ("Theta", "ETS")))
    assert [rival.name for rival in apart] == ["Theta", "ETS"]
    for one, other in zip(apart, direct, strict=True):
        assert one.detail == other.detail
        np.testing.assert_array_equal(one.forecast.predicted, other.forecast.predicted)


def test_a_stop_ends_the_process_in_the_middle_of_a_rival() -> None:
    """ARIMA takes seconds on thousands of rows; the stop does not wait for them."""
    stop = threading.Event()
    rivals = fit_in_process(split_of(5_000), stop)
    threading.Timer(0.5, stop.set).start()
    begun = time.monotonic()
    assert list(rivals) == []
    assert time.monotonic() - begun < 2
    names = [thread.name for thread in threading.enumerate()]
    assert not any("_kill_on_stop" in name for name in names)


def test_an_error_of_a_rival_arrives_as_itself() -> None:
    with pytest.raises(KeyError, match="Oracle"):
        list(fit_in_process(split_of(260), threading.Event(), ("Oracle",)))


def test_a_process_that_ends_without_a_word_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rival_process, "__name__", "rnnapp.no_such_module")
    with pytest.raises(TrainingError, match="ended with code 1"):
        list(fit_in_process(split_of(260), threading.Event()))
