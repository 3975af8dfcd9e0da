"""Newer rows for a trained net: the same scalers, and what cannot be the same series refused."""

from __future__ import annotations

import numpy as np
import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import make_split
from rnnapp.errors import ConfigError
from rnnapp.evaluation.forecast import forecast
from rnnapp.evaluation.newer_rows import reuse_scalers
from rnnapp.evaluation.outlook import outlook_from_models
from rnnapp.training.loop import train as train_net
from tests.evaluation.series import walk_prices
from tests.support import random_walk

WINDOW = WindowConfig(window=5, horizon=5)
GRU = ModelConfig(hidden=4)
QUICK = TrainConfig(epochs=8)


def test_newer_rows_are_scaled_as_the_net_was_trained():
    """A recorded net must see old prices as it saw them, whatever came since."""
    prices = walk_prices(11, 400)
    old = make_split(PriceTable("made up", prices.frame.iloc[:300]), WINDOW)
    trained = train_net(old, GRU, QUICK)
    new = reuse_scalers(prices, old)
    before = forecast(trained, old).select_part("test")
    after = forecast(trained, new).select_part("test")
    shared = len(before)
    np.testing.assert_allclose(after.predicted[:shared], before.predicted, rtol=1e-5)
    np.testing.assert_array_equal(after.dates[:shared], before.dates)
    made = outlook_from_models(new, [trained])
    assert made.made_from == prices.dates[-1]


def test_made_features_and_other_columns_are_scaled_as_in_training() -> None:
    """Newer rows whose file begins later: the features read a bounded number of rows back."""
    prices = walk_prices(11, 400)
    mood = np.random.default_rng(0).normal(0, 2, 400)
    prices = PriceTable("made up", prices.frame.assign(mood=mood))
    window = WindowConfig(window=5, features=("prices", "mood", "rsi", "weekday"))
    old = make_split(PriceTable("made up", prices.frame.iloc[:300]), window)
    trained = train_net(old, GRU, QUICK)
    before = forecast(trained, old).select_part("test")
    for first in (0, 200):
        new = reuse_scalers(PriceTable("made up", prices.frame.iloc[first:]), old)
        after = forecast(trained, new).select_part("test")
        np.testing.assert_allclose(after.predicted[: len(before)], before.predicted, rtol=1e-5)
    with pytest.raises(ConfigError, match="no column mood, which the net was trained with"):
        reuse_scalers(PriceTable("made up", prices.frame.drop(columns="mood")), old)


def test_a_file_of_another_scale_or_without_a_column_is_refused():
    prices = walk_prices(12, 300)
    old = make_split(prices, WINDOW)
    doubled = PriceTable("cents", prices.frame * 100)
    with pytest.raises(ConfigError, match="100 times as large"):
        reuse_scalers(doubled, old)
    with pytest.raises(ConfigError, match="has no column Close"):
        reuse_scalers(PriceTable("x", prices.frame.rename(columns={"Close": "Open"})), old)


def test_prices_beyond_the_range_of_training_are_warned_of():
    prices = walk_prices(13, 300)
    old = make_split(PriceTable("made up", prices.frame.iloc[:250]), WINDOW)
    frame = prices.frame.copy()
    frame.iloc[250:] *= 3
    assert any(
        "leave the range" in note for note in reuse_scalers(PriceTable("made up", frame), old).notes
    )


def test_another_series_is_refused_whatever_its_scale() -> None:
    """Two indices can stand at the same height; their closes still differ on most days."""
    old = make_split(walk_prices(12, 300), WINDOW)
    with pytest.raises(ConfigError, match="is another series"):
        reuse_scalers(walk_prices(13, 320), old)


def test_a_short_newer_file_goes_on_where_the_recorded_prices_end() -> None:
    """A fetch of the latest weeks need not reach back to the net's training."""
    prices = walk_prices(14, 320)
    old = make_split(PriceTable("made up", prices.frame.iloc[:300]), WINDOW)
    short = reuse_scalers(PriceTable("made up", prices.frame.iloc[290:]), old)
    whole = reuse_scalers(prices, old)
    assert (short.prices.close == whole.prices.close).all()
    assert (short.test.rows == whole.test.rows).all()
    with pytest.raises(ConfigError, match="shares no day"):
        reuse_scalers(PriceTable("made up", prices.frame.iloc[300:]), old)


def test_an_older_file_is_said_to_be_older() -> None:
    prices = walk_prices(15, 320)
    old = make_split(prices, WINDOW)
    notes = reuse_scalers(PriceTable("made up", prices.frame.iloc[:300]), old).notes
    assert any("before the net's own prices do" in note for note in notes)


def test_a_net_of_volatility_meets_newer_rows_and_refuses_a_file_without_its_columns() -> None:
    """Without Open, High and Low the same day would have another volatility."""
    prices = random_walk(400)
    window = WindowConfig(window=5, horizon=2, target="volatility")
    old = make_split(prices.head(300), window)
    trained = train_net(old, GRU, QUICK)
    new = reuse_scalers(prices, old)
    assert new.columns == old.columns
    before = forecast(trained, old).select_part("test")
    after = forecast(trained, new).select_part("test")
    np.testing.assert_allclose(after.predicted[: len(before)], before.predicted, rtol=1e-5)
    with pytest.raises(ConfigError, match="no column Open, High, Low"):
        reuse_scalers(PriceTable(prices.name, prices.frame[["Close"]]), old)
