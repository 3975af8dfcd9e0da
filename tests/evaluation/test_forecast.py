"""What is forecast for each day."""

from __future__ import annotations

import numpy as np
import pytest

from rnnapp.errors import ConfigError
from rnnapp.evaluation.forecast import seal_test
from rnnapp.evaluation.metrics import evaluate

from .series import hand_made

ACTUAL = np.arange(10.0) ** 1.5 + 100
ANCHOR = np.r_[100.0, ACTUAL[:-1]]


def test_a_sealed_forecast_holds_no_test_day():
    """While sealed, the test part must not leak into a curve or a figure."""
    made = hand_made(ACTUAL + 1, ACTUAL, ANCHOR, train=4, valid=3)
    sealed = seal_test(made)
    assert list(sealed.part) == ["train"] * 4 + ["test"] * 3
    np.testing.assert_array_equal(sealed.dates, made.dates[:7])
    assert sealed.boundary == made.dates[4]


def test_a_sealed_evaluation_is_that_of_the_validation_part():
    predicted = ACTUAL + np.r_[np.ones(4), 2 * np.ones(3), 3 * np.ones(3)]
    made = hand_made(predicted, ACTUAL, ANCHOR, train=4, valid=3)
    judged = evaluate(seal_test(made))
    assert judged.rmse == pytest.approx(2)
    assert judged.n == 3
    assert evaluate(made).rmse == pytest.approx(3)


def test_nothing_can_be_sealed_without_a_validation_part():
    with pytest.raises(ConfigError, match="Hold out a share"):
        seal_test(hand_made(ACTUAL, ACTUAL, ANCHOR, train=7))
