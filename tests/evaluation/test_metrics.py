"""Figures are what their formulas say, and the lag tells a copy of yesterday from a forecast."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from rnnapp.evaluation.metrics import (
    LEVEL,
    best_lag,
    evaluate,
    evaluation_headline,
    wilson_interval,
)
from tests.evaluation.series import hand_made

prices = st.lists(st.floats(10, 5000), min_size=12, max_size=40)


def naive_figures(forecast):
    """The same figures from plain loops."""
    rows = list(
        zip(forecast.part, forecast.actual, forecast.predicted, forecast.anchor, strict=True)
    )
    test = [(a, p, k) for part, a, p, k in rows if part == "test"]
    train = [abs(a - k) for part, a, _, k in rows if part == "train"]
    squares = absolutes = shares = base = 0.0
    right = days = ups = moved = 0
    for actual, predicted, anchor in test:
        squares += (actual - predicted) ** 2
        base += (actual - anchor) ** 2
        absolutes += abs(actual - predicted)
        shares += abs(actual - predicted) / actual
        if actual != anchor:
            moved += 1
            ups += actual > anchor
            if predicted != anchor:
                days += 1
                right += (actual > anchor) == (predicted > anchor)
    n = len(test)
    return {
        "rmse": math.sqrt(squares / n),
        "mae": absolutes / n,
        "mape": 100 * shares / n,
        "persistence_rmse": math.sqrt(base / n),
        "mase": absolutes / n / (sum(train) / len(train)) if sum(train) else math.nan,
        "directional_accuracy": right / days if days else math.nan,
        "base_rate": ups / moved if moved else math.nan,
        "still_days": n - days,
    }


@settings(max_examples=40, deadline=None)
@given(prices, st.integers(0, 2**32 - 1))
def test_figures_equal_naive_loops(actual, seed):
    rng = np.random.default_rng(seed)
    actual = np.asarray(actual)
    anchor = np.concatenate([actual[:1], actual[:-1]])
    forecast = hand_made(anchor + rng.normal(0, 5, len(actual)), actual, anchor, train=4)
    judged = evaluate(forecast)
    for name, value in naive_figures(forecast).items():
        assert getattr(judged, name) == pytest.approx(value, rel=1e-9, nan_ok=True), name


def test_persistence_as_a_model_has_lag_one_and_no_skill():
    """The yardstick fed in as a model must come out as the yardstick."""
    actual = 1000 + np.cumsum(np.random.default_rng(0).normal(size=200))
    judged = evaluate(hand_made(actual[:-1], actual[1:], actual[:-1], train=50))
    assert (judged.best_lag, judged.skill, judged.dm_p, judged.beats_persistence) == (
        1,
        0.0,
        1.0,
        False,
    )
    assert judged.verdict == "Best match one day late: this forecast mostly repeats yesterday."


@pytest.mark.parametrize("days", [0, 1, 2, 5, 9])
def test_the_lag_of_a_late_copy_is_how_late_it_is(days):
    actual = np.cumsum(np.random.default_rng(days).normal(size=300))
    assert best_lag(np.roll(actual, days)[days:], actual[days:]) == days


def test_a_slow_forecast_that_beats_persistence_is_not_blamed_for_being_late():
    """The mean of the last days is the better forecast of a series that is noise around it."""
    actual = 1000 + 10 * np.random.default_rng(0).normal(size=600)
    means = np.convolve(actual, np.ones(8) / 8, mode="valid")[:-1]
    judged = evaluate(hand_made(means, actual[8:], actual[7:-1], train=50))
    assert judged.beats_persistence
    assert judged.best_lag > 1
    assert "still beats the last close" in judged.verdict


def test_persistence_over_a_longer_horizon_lags_by_the_horizon():
    actual = 1000 + np.cumsum(np.random.default_rng(1).normal(size=300))
    judged = evaluate(hand_made(actual[:-5], actual[5:], actual[:-5], train=50, horizon=5))
    assert judged.best_lag == 5
    assert (
        judged.verdict
        == "Best match 5 days late: this forecast mostly repeats the last close known."
    )


def test_a_forecast_that_never_moves_has_no_lag():
    assert best_lag(np.full(50, 3.0), np.random.default_rng(0).normal(size=50)) is None


def test_a_nan_is_never_left_out():
    """A metric over the days that happen to have numbers would make a broken forecast look good."""
    actual = np.arange(20.0) + 100
    predicted = actual.copy()
    predicted[-1] = np.nan
    judged = evaluate(hand_made(predicted, actual, actual - 1, train=5))
    for name in ("rmse", "mae", "mape", "mase", "skill", "directional_accuracy", "dm_p"):
        assert math.isnan(getattr(judged, name)), name
    assert not judged.beats_persistence
    assert "1 of 15 test days" in judged.verdict
    assert "cannot be judged" in evaluation_headline(judged, "GRU")


def test_still_days_take_no_side_and_are_counted():
    judged = evaluate(hand_made([9, 11, 9, 11, 10, 11], [11, 11, 9, 9, 12, 10], [10] * 6, train=0))
    assert judged.directional_days == 4
    assert judged.still_days == 2  # one did not move, for one no move was forecast
    assert judged.directional_accuracy == 2 / 4
    assert judged.base_rate == 3 / 5


@pytest.mark.parametrize(("right", "days"), [(0, 10), (7, 10), (80, 147), (10, 10)])
def test_the_direction_interval_is_wilsons(right, days):
    expected = stats.binomtest(right, days).proportion_ci(0.95, method="wilson")
    assert wilson_interval(right, days) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_overlapping_days_widen_the_direction_interval():
    narrow, wide = wilson_interval(60, 100), wilson_interval(60, 100, horizon=5)
    assert wide[1] - wide[0] > 2 * (narrow[1] - narrow[0])


def test_the_answer_says_better_only_where_the_test_does():
    rng = np.random.default_rng(0)
    actual = 1000 + np.cumsum(rng.normal(size=200))
    anchor = np.concatenate([[1000.0], actual[:-1]])
    good = evaluate(hand_made(actual + rng.normal(0, 0.1, 200), actual, anchor, train=50))
    lucky = evaluate(
        hand_made(
            anchor + 0.001 * (actual - anchor) + rng.normal(0, 0.001, 200), actual, anchor, train=50
        )
    )
    bad = evaluate(hand_made(anchor + 30, actual, anchor, train=50))
    assert good.beats_persistence
    assert evaluation_headline(good, "GRU").startswith(
        f"GRU misses tomorrow's close by {good.mae:.5f} points on average, "
        "better than yesterday's close ("
    )
    assert ", worse than yesterday's close (" in evaluation_headline(bad, "RNN")
    assert bad.skill < -10
    assert lucky.beats_persistence == (
        lucky.dm_p < 0.1 and lucky.skill > 0 and lucky.mae < lucky.persistence_mae
    )


def test_the_answer_knows_the_horizon():
    actual = 1000 + np.cumsum(np.random.default_rng(2).normal(size=100))
    judged = evaluate(hand_made(actual[:-5], actual[5:], actual[:-5], train=20, horizon=5))
    assert evaluation_headline(judged, "LSTM").startswith("LSTM misses the close 5 days ahead by ")
    assert "no better than the last close known" in evaluation_headline(judged, "LSTM")


def test_small_prices_keep_their_digits():
    """USD/HKD moves by thousandths: "misses by 0.0 points" says nothing."""
    rng = np.random.default_rng(3)
    actual = 7.8 + np.cumsum(rng.normal(0, 0.001, 200))
    anchor = np.concatenate([[7.8], actual[:-1]])
    judged = evaluate(hand_made(anchor + rng.normal(0, 0.001, 200), actual, anchor, train=50))
    headline = evaluation_headline(judged, "GRU")
    assert f"by {judged.mae:.6f} points" in headline
    assert f"({judged.persistence_mae:.7f})" in headline


@pytest.mark.parametrize("shift", [-100, 0])
def test_a_series_below_or_at_zero_has_no_percentage_error(shift):
    """A share of a close near zero is huge and means nothing; points still do (oil 2020, rates)."""
    rng = np.random.default_rng(4)
    actual = np.cumsum(rng.normal(0, 1, 100)) + shift
    anchor = np.concatenate([[shift], actual[:-1]])
    judged = evaluate(hand_made(anchor, actual, anchor, train=20))
    assert math.isnan(judged.mape)
    assert math.isnan(judged.persistence_mape)
    assert math.isfinite(judged.rmse)
    assert math.isfinite(judged.mase)
    assert judged.skill == 0


def test_better_is_said_at_the_level_of_the_table_s_own_p_value():
    """One convention: the two-sided p of the column is below 10% wherever a side is taken."""
    rng = np.random.default_rng(5)
    for size in np.linspace(0, 0.4, 40):
        actual = 1000 + np.cumsum(rng.normal(size=120))
        anchor = np.concatenate([[1000.0], actual[:-1]])
        made = anchor + size * (actual - anchor) + rng.normal(0, 0.3, 120)
        judged = evaluate(hand_made(made, actual, anchor, train=20))
        assert (judged.relation != "undecided") <= (judged.dm_p < LEVEL)
