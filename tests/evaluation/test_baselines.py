"""Baselines equal naive loops and know nothing of the days they forecast."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression

from rnnapp.configs import WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.evaluation.baselines import (
    drift_forecast,
    linear_autoregression,
    make_baselines,
    moving_average,
    persistence_forecast,
    weekday_naive,
)
from tests.support import random_walk


def split_of(horizon: int = 1, **settings) -> PriceSplit:
    return make_split(random_walk(160, seed=4), WindowConfig(window=7, horizon=horizon, **settings))


def rows_of(split: PriceSplit, forecast) -> list[tuple[int, int]]:
    """For each forecast, the row of the last day known and of the day forecast."""
    row = {date: i for i, date in enumerate(split.prices.dates)}
    return [(row[date] - split.config.horizon, row[date]) for date in forecast.dates]


@pytest.mark.parametrize("horizon", [1, 5])
def test_rules_equal_naive_loops(horizon):
    split = split_of(horizon)
    close, weekday = split.prices.close, split.prices.frame.index.day_of_week

    def same_weekday(last: int, day: int) -> float:
        known = [i for i in range(last + 1) if weekday[i] == weekday[day]]
        return close[known[-1]] if known else close[last]

    rules = {
        persistence_forecast: lambda last, day: close[last],
        drift_forecast: lambda last, day: (
            close[last] + horizon * np.mean([close[i] - close[i - 1] for i in range(1, last + 1)])
        ),
        moving_average: lambda last, day: np.mean([close[last - i] for i in range(7)]),
        weekday_naive: same_weekday,
    }
    for rule, naive in rules.items():
        forecast = rule(split)
        expected = [naive(last, day) for last, day in rows_of(split, forecast)]
        np.testing.assert_allclose(forecast.predicted, expected, rtol=1e-9)


@pytest.mark.parametrize("target", ["difference", "level", "log-return"])
def test_the_linear_autoregression_is_a_regression_on_the_windows(target):
    """The same windows and targets as the nets get, and the answer in index points."""
    split = split_of(3, target=target)
    model = LinearRegression().fit(
        split.train.inputs.reshape(len(split.train), -1), split.train.targets
    )
    scaled = model.predict(split.test.inputs.reshape(len(split.test), -1))
    expected = split.to_points(scaled, split.test.anchor)[:, -1]
    np.testing.assert_allclose(
        linear_autoregression(split).select_part("test").predicted, expected, rtol=1e-5
    )


def test_all_speak_of_the_same_days_as_the_nets():
    split = split_of(2, valid=0.2)
    told = make_baselines(split)
    assert [one.name for one in told] == [
        "Persistence",
        "Drift",
        "Moving average",
        "Same weekday",
        "Linear autoregression",
    ]
    for one in told:
        np.testing.assert_array_equal(one.select_part("test").dates, split.test.dates[:, -1])
        np.testing.assert_array_equal(one.actual, told[0].actual)
        assert np.isfinite(one.predicted).all()


def test_no_baseline_knows_a_later_price():
    """Prices of the last days are changed: every forecast made before them stays as it was."""
    split = split_of()
    frame = split.prices.frame.copy()
    frame.iloc[-10:] *= 3
    other = make_split(PriceTable("changed", frame), split.config)
    for before, after in zip(make_baselines(split), make_baselines(other), strict=True):
        known = np.flatnonzero(before.dates <= split.prices.dates[-10])
        np.testing.assert_allclose(before.predicted[known], after.predicted[known], rtol=1e-9)
        assert not np.allclose(before.predicted[-5:], after.predicted[-5:])


def test_a_window_of_one_day_has_a_drift():
    """The first window then ends on the first row, where there is no change yet."""
    split = make_split(random_walk(60), WindowConfig(window=1, target="level"))
    assert np.isfinite(drift_forecast(split).predicted).all()
    np.testing.assert_allclose(
        moving_average(split).predicted, persistence_forecast(split).predicted, rtol=1e-12
    )


def test_a_forecast_keeps_its_parts_apart():
    split = split_of(1, valid=0.25)
    told = persistence_forecast(split)
    assert (len(told.select_part("train")), len(told.select_part("valid"))) == (
        len(split.train),
        len(split.valid or ()),
    )
    assert told.select_part("test").dates[0] == told.boundary
    frame = dataclasses.replace(told, lower=told.predicted - 1, upper=told.predicted + 1).to_frame()
    assert list(frame.columns) == [
        "date",
        "actual",
        "predicted",
        "persistence",
        "part",
        "lower",
        "upper",
    ]
    assert ((frame.upper - frame.lower) > 1.99).all()
