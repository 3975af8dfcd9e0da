"""A forecast moved earlier by some days, beside persistence moved by as many: is it a late copy?

A curve that lies on the actual one only after it is moved to the left repeats what was known
already. Persistence of horizon H, moved by H days, is the actual curve itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rnnapp.evaluation.forecast import Forecast

__all__ = ["MOST_DAYS", "ShiftFit", "fit_shift"]

Points = npt.NDArray[np.float64]

MOST_DAYS = 5
_FEWEST_DAYS = 3


@dataclass(frozen=True)
class ShiftFit:
    """How well a moved forecast lies on the actual close, over the test days.

    Attributes:
        days: days that it is moved earlier.
        correlation: of its day-to-day changes with the actual's; NaN where it does not change.
        rmse: index points.
        persistence_correlation, persistence_rmse: the same of persistence, moved as far.
    """

    days: int
    correlation: float
    rmse: float
    persistence_correlation: float
    persistence_rmse: float


def fit_shift(forecast: Forecast, days: int) -> ShiftFit:
    """Move a forecast earlier and measure it against the actual close.

    Every shift is measured over the same days, so that the numbers compare.

    Args:
        forecast: of which the test part is read.
        days: 0 to :data:`MOST_DAYS`.
    """
    test = forecast.select_part("test").to_error_scale()
    count = max(len(test.actual) - MOST_DAYS, 0)
    actual = test.actual[:count]
    moved = test.predicted[days : days + count]
    rule = test.anchor[days : days + count]
    return ShiftFit(
        days,
        _correlate_changes(moved, actual),
        _root_mean_square(moved - actual),
        _correlate_changes(rule, actual),
        _root_mean_square(rule - actual),
    )


def _correlate_changes(moved: Points, actual: Points) -> float:
    """Correlation of day-to-day changes; NaN where one of them does not change."""
    left = np.diff(moved)
    right = np.diff(actual)
    if len(left) < _FEWEST_DAYS or not np.ptp(left) > 0 or not np.ptp(right) > 0:
        return float("nan")
    return float(np.corrcoef(left, right)[0, 1])


def _root_mean_square(errors: Points) -> float:
    if not len(errors):
        return float("nan")
    return float(np.sqrt(np.mean(np.square(errors))))
