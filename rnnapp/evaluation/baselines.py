"""What a net has to beat: rules without training, and a linear regression on the same windows.

Each gives a :class:`Forecast` of the same days as the nets, knowing no price after the window's
last day.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rnnapp.data.windows import PriceSequences, PriceSplit
from rnnapp.evaluation.forecast import Forecast, assemble_forecast, best_points, has_best
from rnnapp.evaluation.volatility import (
    ewma_forecast,
    har_forecast,
    har_negative_forecast,
    moving_volatility,
)

__all__ = [
    "BEST",
    "LINEAR",
    "PERSISTENCE",
    "best_possible_forecast",
    "drift_forecast",
    "linear_autoregression",
    "make_baselines",
    "moving_average",
    "persistence_forecast",
    "weekday_naive",
]

Points = npt.NDArray[np.float64]

PERSISTENCE = "Persistence"
BEST = "Best possible"
"""The conditional mean of a simulated series: a bound rather than a rival."""
LINEAR = "Linear autoregression"


def make_baselines(split: PriceSplit) -> tuple[Forecast, ...]:
    """All that fit the rows, persistence first.

    "Same weekday" only where rows are days; the best possible forecast where it is known. A
    volatility has rivals of its own: EWMA, and HAR with and without negative returns.
    """
    makers = [persistence_forecast]
    if split.quantity.is_volatility:
        makers += [moving_volatility, ewma_forecast, har_forecast, har_negative_forecast]
    else:
        makers += [drift_forecast, moving_average]
        if split.prices.spacing.has_weekdays:
            makers.append(weekday_naive)
    makers.append(linear_autoregression)
    if has_best(split):
        makers.append(best_possible_forecast)
    return tuple(make(split) for make in makers)


def best_possible_forecast(split: PriceSplit) -> Forecast:
    """The conditional mean under the true process: no forecast has a smaller expected error.

    Args:
        split: windows over simulated prices.
    """
    return assemble_forecast(BEST, split, lambda part: best_points(split, part))


def persistence_forecast(split: PriceSplit) -> Forecast:
    """The last close known: "tomorrow = today"; of a volatility, the last one known."""
    return assemble_forecast(PERSISTENCE, split, lambda part: part.anchor)


def drift_forecast(split: PriceSplit) -> Forecast:
    """The last close known plus H times the mean daily change since the table began.

    Source: Hyndman and Athanasopoulos, Forecasting: Principles and Practice, section 5.2.
    """
    close = split.prices.close
    ahead = split.config.horizon

    def predict_part(part: PriceSequences) -> Points:
        last = _last_rows(part)
        slope = (close[last] - close[0]) / np.maximum(last, 1)
        return np.asarray(close[last] + ahead * slope, np.float64)

    return assemble_forecast("Drift", split, predict_part)


def moving_average(split: PriceSplit) -> Forecast:
    """The mean close of the window."""
    sums = np.concatenate([[0.0], np.cumsum(split.prices.close)])

    def predict_part(part: PriceSequences) -> Points:
        end = _last_rows(part) + 1
        return np.asarray((sums[end] - sums[end - part.steps]) / part.steps, np.float64)

    return assemble_forecast("Moving average", split, predict_part)


def weekday_naive(split: PriceSplit) -> Forecast:
    """The latest known close of the forecast day's weekday, else the last close known."""
    close = split.prices.close
    weekdays = _weekday_numbers(split.prices.dates)
    rows = np.arange(len(close))
    latest = np.stack(
        [np.maximum.accumulate(np.where(weekdays == day, rows, -1)) for day in range(7)]
    )  # (7, R)

    def predict_part(part: PriceSequences) -> Points:
        last = _last_rows(part)
        row = latest[_weekday_numbers(part.dates[:, -1]), last]
        return close[np.where(row < 0, last, row)]

    return assemble_forecast("Same weekday", split, predict_part)


def linear_autoregression(split: PriceSplit) -> Forecast:
    """Least squares from the training windows' T*F values: what a net without nonlinearity does."""
    from sklearn.linear_model import LinearRegression  # seconds that only a comparison needs

    model = LinearRegression().fit(
        _flatten_windows(split.train), split.train.targets.astype(np.float64)
    )

    def predict_part(part: PriceSequences) -> Points:
        if not len(part):
            return np.empty(0)
        scaled = model.predict(_flatten_windows(part)).reshape(len(part), -1)  # (N, H)
        return split.to_points(scaled, part.anchor)[:, -1]

    return assemble_forecast(LINEAR, split, predict_part)


def _flatten_windows(part: PriceSequences) -> Points:
    """(N, T, F) -> (N, T*F)."""
    return part.inputs.reshape(len(part), -1).astype(np.float64)


def _last_rows(part: PriceSequences) -> npt.NDArray[np.int64]:
    """(N,) rows of the last day each window sees."""
    return part.starts + part.steps - 1


def _weekday_numbers(dates: npt.NDArray[np.datetime64]) -> npt.NDArray[np.int64]:
    """0 for Monday; the first of January 1970 was a Thursday."""
    return np.asarray((dates.astype("datetime64[D]").astype(np.int64) + 3) % 7, np.int64)
