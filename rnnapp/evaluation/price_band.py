"""Prices that a forecast volatility allows: a band around the last close that calm days narrow.

The band is split-conformal with errors divided by the forecast volatility, so that its width
follows it from day to day. The volatility is the net's own where it forecasts one, else HAR's.

Source: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018), J. American Statistical Association
113, section 5.2 (locally weighted conformal inference).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rnnapp.data.volatility import yearly_factor
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.intervals import step_widths
from rnnapp.evaluation.volatility import HAR_NEGATIVE, har_mean_steps, last_rows

__all__ = ["PriceBand", "price_band"]

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PriceBand:
    """Closes of the next H days by a forecast volatility.

    Attributes:
        name: who forecast the volatility.
        last_close: the close around which the band opens, index points.
        lower, upper: (H,) index points; NaN where there are too few test days.
        coverage: (H,) share of test days inside such a band; NaN without such days.
    """

    name: str
    last_close: float
    lower: Points
    upper: Points
    coverage: Points


def price_band(
    split: PriceSplit, name: str, tested: Points, predicted: Points, level: float
) -> PriceBand | None:
    """The band of prices after the last row.

    Args:
        split: windows of the whole table.
        name: of the net.
        tested: (N, H) the net's forecasts of the test windows, used where it forecasts volatility.
        predicted: (H,) its forecasts of the days to come.
        level: nominal coverage.

    Returns:
        None where a price is not above zero: it has no volatility.
    """
    if not split.prices.is_positive:
        return None
    if split.quantity.is_volatility:
        yearly = yearly_factor(split.prices)
        each = _sum_steps(tested / yearly, split)
        ahead = _sum_steps(predicted[None] / yearly, split)[0]
    else:
        name = HAR_NEGATIVE
        steps = np.sqrt(np.arange(1, split.config.horizon + 1))
        means, next_means = har_mean_steps(split)
        each = means * steps
        ahead = next_means * steps
    # Moves of the price on test days, in units of the volatility that was forecast for them.
    known = last_rows(split.test)
    horizon = split.config.horizon
    logs = np.log(split.prices.close)
    moves = logs[known[:, None] + np.arange(1, horizon + 1)] - logs[known][:, None]  # (N, H)
    sizes = np.abs(moves) / each
    half = np.empty(horizon)
    coverage = np.full(horizon, np.nan)
    for step in range(horizon):
        half[step], widths = step_widths(sizes[:, step], level, step + 1)
        judged = np.isfinite(widths)
        if judged.any():
            coverage[step] = float(np.mean(sizes[judged, step] <= widths[judged]))
    reach = np.maximum.accumulate(half * ahead)
    last_close = float(split.prices.close[-1])
    return PriceBand(
        name, last_close, last_close * np.exp(-reach), last_close * np.exp(reach), coverage
    )


def _sum_steps(volatility: Points, split: PriceSplit) -> Points:
    """(N, H) volatility of the whole way to each step, from that of each day or of their mean."""
    steps = np.arange(1, volatility.shape[1] + 1)
    if split.config.target == "mean-volatility":
        return np.asarray(volatility * np.sqrt(steps))
    return np.asarray(np.sqrt(np.cumsum(np.square(volatility), axis=1)))
