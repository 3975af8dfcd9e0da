"""Intervals that keep a promise: split-conformal bands from the validation part.

The width is a quantile of the absolute errors on days that did not train the net. On exchangeable days such a band holds the
actual with at least the promised probability; prices are not exchangeable, so the coverage reached on test is always told.
"""

from __future__ import annotations

import dataclasses
import math

import numpy as np

from rnnapp.errors import ConfigError
from rnnapp.evaluation.forecast import Forecast

__all__ = ["interval_coverage", "interval_sentence", "with_interval"]


def with_interval(forecast: Forecast, level: float = 0.9) -> Forecast:
    """The forecast with ``lower`` and ``upper`` on every day.

    Args:
        forecast: with a validation part. A part that early stopping looked at makes bands a little too narrow.
        level: share of days the band promises to hold, between 0 and 1.

    Raises:
        ConfigError: no validation part, or one too short for the level.

    Source: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018), J. American Statistical Association 113, algorithm 2.
    """
    if not 0 < level < 1:
        raise ConfigError(
            f"The interval's level is {level:g}; it takes a share between 0 and 1 (0.9)."
        )
    held = forecast.select_part("valid")
    needed = math.ceil(level / (1 - level) - 1e-9)
    if len(held) < needed:
        found = f"{len(held)} validation days" if len(held) else "no validation part"
        raise ConfigError(
            f"There is {found}; an interval of {level:.0%} needs at least {needed} days, so a larger validation share would do."
        )
    errors = np.sort(np.abs(held.actual - held.predicted))
    width = float(errors[math.ceil((len(errors) + 1) * level - 1e-9) - 1])
    return dataclasses.replace(
        forecast, lower=forecast.predicted - width, upper=forecast.predicted + width
    )


def interval_coverage(forecast: Forecast) -> float:
    """Share of test days whose close lies in the interval; NaN without an interval."""
    test = forecast.select_part("test")
    if test.lower is None or test.upper is None or not len(test):
        return math.nan
    return float(np.mean((test.lower <= test.actual) & (test.actual <= test.upper)))


def interval_sentence(forecast: Forecast, level: float) -> str:
    """The promise beside what came of it."""
    test = forecast.select_part("test")
    width = (
        float(np.mean(test.upper - test.lower)) / 2
        if test.upper is not None and test.lower is not None
        else math.nan
    )
    return (
        f"{forecast.name} ± {width:,.1f} points promises to hold {level:.0%} of days; on test it held {interval_coverage(forecast):.1%} "
        f"of {len(test)}."
    )
