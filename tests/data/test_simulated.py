"""Simulated prices: their best possible forecast is the conditional mean, and nothing beats it."""

from __future__ import annotations

import itertools
from typing import get_args

import numpy as np
import pytest

from rnnapp.configs import Process, SimulatedConfig
from rnnapp.data.simulated import MAX_HORIZON, SimulatedPrices, simulate_prices

PROCESSES = get_args(Process)
MARTINGALES = ("random-walk", "garch", "stochastic-volatility")
STATE_IS_KNOWN = ("sine", "mackey-glass")


def draw(process: str, **settings: float) -> SimulatedPrices:
    return simulate_prices(SimulatedConfig(process, **settings))  # type: ignore[arg-type]


@pytest.mark.parametrize("process", PROCESSES)
def test_a_series_is_positive_finite_and_the_same_for_the_same_settings(process: str) -> None:
    prices = draw(process)
    again = draw(process)
    other = draw(process, simulation_seed=1)
    assert len(prices) == 2000
    assert prices.expected.shape == (2000, MAX_HORIZON)
    assert np.isfinite(prices.expected).all()
    assert (prices.close > 0).all()
    assert prices.fingerprint == again.fingerprint
    assert np.array_equal(prices.expected, again.expected)
    assert prices.fingerprint != other.fingerprint


@pytest.mark.parametrize("process", [p for p in PROCESSES if p not in STATE_IS_KNOWN])
def test_tomorrows_forecast_of_a_later_day_averages_to_todays(process: str) -> None:
    """The tower property: revisions of a conditional mean have mean zero, whatever was known."""
    prices = draw(process, simulated_rows=20_000, strength=0.4)
    for ahead in (1, 2, 7, MAX_HORIZON - 1):
        revision = prices.expected[1:, ahead - 1] - prices.expected[:-1, ahead]
        relative = revision / prices.close[:-1]
        known = prices.expected[:-1, ahead] / prices.close[:-1] - 1
        last_change = np.diff(np.log(prices.close), prepend=0.0)[:-1]
        for weight in (np.ones_like(known), known, last_change):
            moment = relative * weight
            error = moment.std() / np.sqrt(len(moment))
            assert abs(moment.mean()) <= 4.5 * error + 1e-15, (process, ahead)


@pytest.mark.parametrize("process", PROCESSES)
def test_next_close_is_expected_without_bias(process: str) -> None:
    prices = draw(process, simulated_rows=20_000, strength=0.4)
    surprise = (prices.close[1:] - prices.expected[:-1, 0]) / prices.close[:-1]
    known = prices.expected[:-1, 0] / prices.close[:-1] - 1
    for weight in (np.ones_like(known), known):
        moment = surprise * weight
        assert abs(moment.mean()) <= 4.5 * moment.std() / np.sqrt(len(moment)) + 1e-15


@pytest.mark.parametrize("process", MARTINGALES)
def test_nothing_beats_the_last_close_of_a_martingale(process: str) -> None:
    prices = draw(process)
    assert np.allclose(prices.expected, prices.close[:, None])


@pytest.mark.parametrize(
    "process", [p for p in PROCESSES if p not in (*MARTINGALES, "drift", "trend-break", "regimes")]
)
def test_strength_is_the_share_of_the_squared_change_that_is_known(process: str) -> None:
    prices = draw(process, simulated_rows=20_000, strength=0.5, noise=0.5)
    change = np.log(prices.close[1:] / prices.close[:-1])
    surprise = np.log(prices.close[1:] / prices.expected[:-1, 0])
    share = 1 - np.mean(surprise**2) / np.mean(change**2)
    if process == "counting":  # the turn cannot be known
        assert 0.2 < share < 0.4
    elif process in STATE_IS_KNOWN:  # independent noise is undone the day after
        assert 0.6 < share < 0.7
    else:
        assert share == pytest.approx(0.5, abs=0.03)


def test_an_echo_is_heard_after_its_lag_alone() -> None:
    prices = draw("echo", simulated_rows=20_000, strength=0.8, lag=30)
    change = np.diff(np.log(prices.close))
    correlations = [np.corrcoef(change[lag:], change[:-lag])[0, 1] for lag in (1, 10, 29, 30)]
    assert np.abs(correlations[:3]).max() < 0.15
    assert correlations[3] == pytest.approx(np.sqrt(0.8), abs=0.03)


def test_counting_goes_down_as_often_as_it_went_up() -> None:
    prices = draw("counting", strength=0.99, lag=6, simulated_rows=500)
    signs = np.sign(np.diff(np.log(prices.close), prepend=np.log(1000.0)))
    lengths = [len(list(group)) for _, group in itertools.groupby(signs)]
    ups, downs = lengths[0::2], lengths[1::2]
    assert ups[: len(downs) - 1] == downs[:-1]
    assert max(ups) == 6
    assert min(ups) == 1


def test_the_latest_rows_keep_their_expectations() -> None:
    prices = draw("ar2")
    last = prices.tail(300)
    assert len(last) == 300
    assert np.array_equal(last.expected, prices.expected[-300:])


@pytest.mark.parametrize("process", ["garch", "stochastic-volatility"])
def test_days_of_varying_volatility_have_a_range(process: str) -> None:
    frame = draw(process).frame
    assert (frame["High"] >= frame[["Open", "Close"]].max(axis=1)).all()
    assert (frame["Low"] <= frame[["Open", "Close"]].min(axis=1)).all()
