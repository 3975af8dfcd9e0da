"""What is forecast, in words and on the scale of its errors."""

from __future__ import annotations

import numpy as np
import pytest

from rnnapp.data.quantities import CLOSE, MEAN_VOLATILITY, VOLATILITY, quantity_of
from rnnapp.data.spacing import DAILY, SPACINGS


def test_every_target_has_its_quantity() -> None:
    assert quantity_of("difference") is CLOSE
    assert quantity_of("volatility") is VOLATILITY
    assert quantity_of("mean-volatility") is MEAN_VOLATILITY


def test_a_volatility_is_never_called_a_close() -> None:
    for spacing in SPACINGS:
        for horizon in (1, 5):
            for quantity in (VOLATILITY, MEAN_VOLATILITY):
                words = [
                    quantity.describe_target(spacing, horizon),
                    quantity.describe_rival(spacing, horizon),
                    quantity.axis,
                    quantity.error_unit,
                ]
                assert "close" not in " ".join(words)
                assert "points" not in " ".join(words)


@pytest.mark.parametrize(
    ("quantity", "horizon", "target", "rival"),
    [
        (CLOSE, 1, "tomorrow's close", "yesterday's close"),
        (CLOSE, 5, "the close 5 days ahead", "the last close known"),
        (VOLATILITY, 1, "tomorrow's volatility", "yesterday's volatility"),
        (VOLATILITY, 5, "the volatility 5 days ahead", "the last volatility known"),
        (
            MEAN_VOLATILITY,
            5,
            "the mean volatility of the next 5 days",
            "the mean volatility of the last 5 days known",
        ),
    ],
)
def test_what_is_forecast_and_its_rival_in_words(quantity, horizon, target, rival) -> None:
    assert quantity.describe_target(DAILY, horizon) == target
    assert quantity.describe_rival(DAILY, horizon) == rival


def test_errors_of_a_volatility_are_of_its_logarithm() -> None:
    values = np.array([10.0, 20.0])
    np.testing.assert_allclose(np.diff(VOLATILITY.to_error_scale(values)), np.log(2))
    np.testing.assert_allclose(VOLATILITY.from_error_scale(np.log(values)), values)
    assert CLOSE.to_error_scale(values) is values
