"""Daily volatility from a table's prices: by range where a file has highs and lows.

Source: Garman and Klass (1980), J. Business 53, 67-78; Parkinson (1980), same journal 53, 61-65.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rnnapp.data.prices import PriceTable
from rnnapp.errors import ConfigError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = [
    "RETURN_NAME",
    "VOLATILITY_NAME",
    "daily_volatility",
    "describe_estimator",
    "log_returns",
    "mean_ahead",
    "mean_known",
    "require_positive",
    "yearly_factor",
]

Values = npt.NDArray[np.float64]

VOLATILITY_NAME = "Log volatility"
RETURN_NAME = "Return"
FLOOR_SHARE = 0.1
"""A day counts as at least this share of the root mean square of the days up to it."""
_LEAST = 1e-4  # of a table that does not move at all: 0.01% a day
_CLOSE_FACTOR = 2 * math.log(2) - 1
_ESTIMATORS = {
    "range": N_("Garman and Klass, from Open, High, Low and Close"),
    "high and low": N_("Parkinson, from High and Low"),
    "close": N_("the absolute return from close to close"),
}
_NOT_POSITIVE = N_(
    "{name} falls to {low} on {day}, and a volatility needs prices above zero. "
    "Use the target difference or level."
)


def daily_volatility(prices: PriceTable) -> Values:
    """(R,) volatility of each row, a share of the price: 0.01 is one percent.

    A row that did not move, or hardly, is raised to a tenth of the root mean square of the rows
    up to it, so that its logarithm says no more than "very calm". No row depends on a later one.

    Args:
        prices: R rows of prices above zero.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = _row_variance(prices)
    variance = np.where(np.isfinite(variance), np.maximum(variance, 0.0), 0.0)
    average = np.cumsum(variance) / np.arange(1, len(variance) + 1)
    floor = np.maximum(FLOOR_SHARE * np.sqrt(average), _LEAST)
    return np.asarray(np.maximum(np.sqrt(variance), floor))


def _row_variance(prices: PriceTable) -> Values:
    """(R,) variance of each row's log price."""
    frame = prices.frame
    kind = _estimator_of(prices)
    if kind == "close":
        return np.square(log_returns(prices))
    reach = np.log(frame["High"].to_numpy(np.float64) / frame["Low"].to_numpy(np.float64))
    if kind == "high and low":
        return np.asarray(np.square(reach) / (4 * math.log(2)))
    body = np.log(prices.close / frame["Open"].to_numpy(np.float64))
    return np.asarray(0.5 * np.square(reach) - _CLOSE_FACTOR * np.square(body))


def _estimator_of(prices: PriceTable) -> str:
    columns = set(prices.columns)
    if {"Open", "High", "Low"} <= columns:
        return "range"
    if {"High", "Low"} <= columns:
        return "high and low"
    return "close"


def describe_estimator(prices: PriceTable) -> str:
    """By which formula a table's volatility is taken, in words."""
    return _(_ESTIMATORS[_estimator_of(prices)])


def log_returns(prices: PriceTable) -> Values:
    """(R,) signed log-returns from close to close; the first row has none and counts as 0."""
    moves = np.diff(np.log(prices.close))
    return np.concatenate([[0.0], moves])


def yearly_factor(prices: PriceTable) -> float:
    """What turns a row's volatility into percent a year: 100 times the root of rows in a year."""
    return 100 * math.sqrt(prices.spacing.per_year)


def mean_known(volatility: Values, rows: int) -> Values:
    """(R,) root mean square of each row and the ones before it, ``rows`` of them where there are.

    Args:
        volatility: (R,) of each row.
        rows: how many.
    """
    sums = np.concatenate([[0.0], np.cumsum(np.square(volatility))])
    ends = np.arange(1, len(volatility) + 1)
    starts = np.maximum(ends - rows, 0)
    return np.asarray(np.sqrt((sums[ends] - sums[starts]) / (ends - starts)))


def mean_ahead(volatility: Values) -> Values:
    """(N, H) root mean square of the days up to each step, of (N, H) volatilities by step."""
    steps = np.arange(1, volatility.shape[1] + 1)
    return np.asarray(np.sqrt(np.cumsum(np.square(volatility), axis=1) / steps))


def require_positive(prices: PriceTable) -> None:
    """Refuse prices that have no logarithm.

    Raises:
        ConfigError: a price of zero or below.
    """
    if prices.is_positive:
        return
    columns = [name for name in prices.columns if name != "Volume"]
    lowest = prices.frame[columns].min(axis=1)
    row = int(lowest.to_numpy().argmin())
    raise ConfigError(
        _(_NOT_POSITIVE).format(
            name=prices.name, low=f"{lowest.iloc[row]:,.6g}", day=f"{prices.dates[row]!s:.10}"
        )
    )
