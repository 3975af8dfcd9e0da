"""Bands hold what they promise where the days are exchangeable, and say what they reached where they are not."""

from __future__ import annotations

import math

import numpy as np
import pytest

from rnnapp.errors import ConfigError
from rnnapp.evaluation.intervals import interval_coverage, interval_sentence, with_interval
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
        f"promises to hold 90% of days; on test it held {interval_coverage(told):.1%} of 200."
        in interval_sentence(told, 0.9)
    )
