"""Prices that a forecast volatility allows."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from rnnapp.configs import ModelConfig, SimulatedConfig, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.simulated import simulate_prices
from rnnapp.data.windows import make_split
from rnnapp.evaluation.outlook import outlook
from rnnapp.evaluation.price_band import price_band

PRICES = simulate_prices(SimulatedConfig("stochastic-volatility", 1500))


@pytest.mark.parametrize("target", ["difference", "volatility", "mean-volatility"])
def test_the_band_opens_with_the_days_and_covers_about_what_it_says(target: str) -> None:
    window = WindowConfig(window=10, horizon=3, target=target)  # type: ignore[arg-type]
    made = outlook(PRICES, window, ModelConfig(hidden=4), TrainConfig(epochs=5), seeds=1)
    band = made.prices_band
    assert band is not None
    assert band.name == {"difference": "HAR, negative returns"}.get(target, "GRU")
    assert band.last_close == PRICES.close[-1]
    widths = band.upper - band.lower
    assert (np.diff(widths) >= 0).all()
    assert (band.lower < band.last_close).all()
    assert band.coverage == pytest.approx([0.8] * 3, abs=0.07)


def test_stormy_days_widen_the_band_where_a_plain_interval_stays() -> None:
    """After twenty stormy days at the end, the same test errors promise more width."""
    frame = PRICES.frame[["Close"]].copy()
    calm = outlook_band(PriceTable("calm", frame))
    moves = np.exp(np.random.default_rng(0).normal(0, 0.06, 20).cumsum())
    frame.iloc[-20:] *= moves[:, None]
    stormy = outlook_band(PriceTable("stormy", frame))
    assert stormy > 1.5 * calm


def outlook_band(prices: PriceTable) -> float:
    split = make_split(prices, WindowConfig(window=10))
    band = price_band(split, "net", split.test.actual, split.test.actual[-1], 0.8)
    assert band is not None
    return float((band.upper[0] - band.lower[0]) / band.last_close)


def test_prices_of_zero_have_no_band() -> None:
    index = pd.bdate_range("2020-01-01", periods=200, name="Date")
    rates = np.sin(np.arange(200) / 7)
    table = PriceTable("rates", pd.DataFrame({"Close": rates}, index=index))
    split = make_split(table, WindowConfig(window=5))
    assert price_band(split, "net", split.test.actual, split.test.actual[-1], 0.8) is None
