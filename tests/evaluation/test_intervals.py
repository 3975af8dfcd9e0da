"""Bands hold their promise where days are exchangeable; elsewhere they say what they reached."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnnapp.errors import ConfigError
from rnnapp.evaluation.intervals import (
    adaptive_widths,
    conformal_width,
    days_needed,
    interval_coverage,
    interval_sentence,
    monthly_coverage,
    winkler_score,
    with_adaptive_interval,
    with_interval,
)
from tests.evaluation.series import hand_made


def exchangeable(seed: int, valid: int = 99, test: int = 200, spread: float = 3.0):
    noise = np.random.default_rng(seed).standard_t(4, valid + test) * spread
    actual = np.full(valid + test, 100.0)
    return hand_made(actual + noise, actual, actual, valid=valid)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.9, 0.95])
def test_coverage_is_within_two_points_of_the_promise(level):
    reached = np.mean(
        [interval_coverage(with_interval(exchangeable(seed), level)) for seed in range(200)]
    )
    assert abs(reached - level) < 0.02


def test_the_width_is_the_promised_rank_of_the_validation_errors():
    """With 9 errors 1..9 a band of 80% is the 8th, one of 90% the 9th."""
    predicted = np.array([*range(1, 10), 0.0])
    forecast = hand_made(predicted, np.zeros(10), np.zeros(10), valid=9)
    assert with_interval(forecast, 0.8).upper[-1] == 8
    assert with_interval(forecast, 0.9).upper[-1] == 9


def test_too_few_validation_days_say_how_many_would_do():
    with pytest.raises(ConfigError, match="at least 19 days"):
        with_interval(exchangeable(0, valid=10), 0.95)
    with pytest.raises(ConfigError, match="no validation part"):
        with_interval(exchangeable(0, valid=0), 0.9)


@pytest.mark.parametrize("level", [0, 1, -1, 90])
def test_a_level_outside_0_to_1_is_refused(level):
    with pytest.raises(ConfigError, match="between 0 and 1"):
        with_interval(exchangeable(0), level)


def test_no_interval_has_no_coverage():
    assert math.isnan(interval_coverage(exchangeable(0)))


def test_the_sentence_tells_promise_and_outcome():
    told = with_interval(exchangeable(1), 0.9)
    assert (
        f"nominal coverage 90%, reached {interval_coverage(told):.1%} of 200 test days"
        in interval_sentence(told, 0.9)
    )


def volatile(seed: int, valid: int = 150, test: int = 400):
    """Errors that triple in size half-way through the test part."""
    scale = np.r_[np.ones(valid + test // 2), np.full(test - test // 2, 3.0)]
    noise = np.random.default_rng(seed).normal(0, 1, valid + test) * scale
    actual = np.full(valid + test, 100.0)
    return hand_made(actual + noise, actual, actual, valid=valid)


def test_the_adaptive_band_goes_on_covering_when_volatility_shifts():
    """A band of fixed width stops covering; the adaptive one widens after misses."""
    made = [volatile(seed) for seed in range(20)]
    plain = np.mean([interval_coverage(with_interval(one, 0.8)) for one in made])
    adaptive = np.mean([interval_coverage(with_adaptive_interval(one, 0.8)) for one in made])
    assert plain < 0.65
    assert adaptive == pytest.approx(0.8, abs=0.04)


def test_the_adaptive_band_equals_the_plain_one_where_nothing_adapts():
    """With rate 0 and a calibration window that never moves, only the window's drift is left."""
    made = exchangeable(3)
    first = with_adaptive_interval(made, 0.8, rate=0.0).select_part("test").upper[0]
    assert first == with_interval(made, 0.8).select_part("test").upper[0]


def test_an_adaptive_width_knows_no_error_before_its_day():
    """Changing the error of one day changes no width up to the day on which it becomes known."""
    rng = np.random.default_rng(0)
    calibration, errors = np.abs(rng.normal(size=50)), np.abs(rng.normal(size=60))
    changed = errors.copy()
    changed[30] += 10
    for horizon in (1, 5):
        before = adaptive_widths(calibration, errors, 0.8, horizon=horizon)
        after = adaptive_widths(calibration, changed, 0.8, horizon=horizon)
        np.testing.assert_array_equal(before[: 30 + horizon], after[: 30 + horizon])
        assert (before != after)[30 + horizon :].any()


def test_the_interval_score_is_the_width_plus_a_fine_for_misses():
    lower, upper = np.zeros(3), np.ones(3)
    actual = np.array([0.5, 1.2, -0.1])
    fine = 2 / 0.2 * (0.2 + 0.1) / 3
    assert winkler_score(lower, upper, actual, 0.8) == pytest.approx(1 + fine)


def test_months_add_up_to_the_whole_coverage():
    made = with_interval(exchangeable(5), 0.8)
    months = monthly_coverage(made)
    assert months["days"].sum() == 200
    assert np.average(months["coverage"], weights=months["days"]) == pytest.approx(
        interval_coverage(made)
    )


def test_the_width_of_too_few_errors_is_no_number():
    assert math.isnan(conformal_width(np.arange(3.0), 0.9))
    assert days_needed(0.9) == 9
    assert days_needed(0.8, horizon=5) == 20
