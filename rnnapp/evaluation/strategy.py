"""What following a forecast would have done on paper, beside doing nothing. An exercise in reading forecasts, not advice."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rnnapp.errors import ConfigError
from rnnapp.evaluation.forecast import Forecast

__all__ = ["Strategy", "long_or_flat"]

Values = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Strategy:
    """Long where the forecast is up, out of the market where it is not.

    Attributes:
        name: who forecast.
        dates: (M,) days on which a holding period ended.
        value, hold: (M,) what 1 has become, following the forecast and just holding.
        long: (M,) whether the period was held.
        trades: times a position was opened or closed.
        cost: share of the position that each trade costs.
        days: days in a period, the horizon.
    """

    name: str
    dates: npt.NDArray[np.datetime64]
    value: Values
    hold: Values
    long: npt.NDArray[np.bool_]
    trades: int
    cost: float
    days: int

    @property
    def total_gain(self) -> float:
        """What following the forecast gained, as a share of the start."""
        return float(self.value[-1] - 1) if len(self.value) else math.nan

    @property
    def hold_gain(self) -> float:
        """What holding gained."""
        return float(self.hold[-1] - 1) if len(self.hold) else math.nan

    @property
    def max_drawdown(self) -> float:
        """The deepest fall from a high, as a share of that high."""
        return _deepest_fall(self.value)

    @property
    def hold_drawdown(self) -> float:
        """The same for holding."""
        return _deepest_fall(self.hold)

    def describe_result(self) -> str:
        """What came of it."""
        return (
            f"On paper, following {self.name} gained {self.total_gain:+.1%} with {self.trades} trades at {self.cost:.2%} each; buying "
            f"once and holding gained {self.hold_gain:+.1%}. This is no advice."
        )


def long_or_flat(forecast: Forecast, cost: float = 0.001) -> Strategy:
    """Follow the sign of a forecast over its test part.

    Each period lasts the horizon, so that periods do not overlap; a trade is paid when a position opens or closes, holding
    pays once. A forecast of no move, or none at all, stays out.

    Args:
        forecast: in index points.
        cost: share of the position that each trade costs, 0 to 0.1.

    Raises:
        ConfigError: a cost outside 0 to 0.1.
    """
    if not 0 <= cost <= 0.1:
        raise ConfigError(f"The cost of a trade is {cost:g}; it takes a share from 0 to 0.1.")
    test = forecast.select_part("test")
    rows = slice(None, None, forecast.horizon)
    actual, anchor, predicted = test.actual[rows], test.anchor[rows], test.predicted[rows]
    long = predicted > anchor
    before = np.concatenate([[False], long[:-1]])
    traded = long != before
    growth = np.where(long, actual / anchor, 1.0) * np.where(traded, 1 - cost, 1.0)
    hold: Values = np.cumprod(actual / anchor, dtype=np.float64) * (1 - cost)
    value: Values = np.cumprod(growth, dtype=np.float64)
    return Strategy(
        forecast.name,
        test.dates[rows],
        value,
        hold,
        long,
        int(traded.sum()),
        cost,
        forecast.horizon,
    )


def _deepest_fall(value: Values) -> float:
    if not len(value):
        return math.nan
    with_start = np.concatenate([[1.0], value])
    return float(np.max(1 - with_start / np.maximum.accumulate(with_start)))
