"""Rivals for a volatility target: EWMA, HAR with and without negative returns, GARCH and GJR.

Each is fitted on the training windows and follows the days after them with fixed parameters, so
that every forecast knows what the net's window knows, or less. Forecasts of a variance are of
another level than the range of a day, and their logarithm is no forecast of a logarithm: the level
of EWMA, GARCH and GJR is set on the training windows, where the mean error of the logarithm is 0.

Sources: EWMA: RiskMetrics Technical Document (1996), 4th edition, section 5.3; HAR: Corsi (2009),
J. Financial Econometrics 7, 174-196; negative returns in it: Corsi and Renò (2012), J. Business &
Economic Statistics 30, 368-380; GARCH: Bollerslev (1986), J. Econometrics 31, 307-327; GJR:
Glosten, Jagannathan and Runkle (1993), J. Finance 48, 1779-1801.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from rnnapp.data.prices import PriceTable
from rnnapp.data.volatility import (
    daily_volatility,
    log_returns,
    mean_ahead,
    mean_known,
    yearly_factor,
)
from rnnapp.data.windows import PriceSequences, PriceSplit
from rnnapp.evaluation.forecast import Forecast, assemble_forecast
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = [
    "EWMA",
    "EWMA_DECAY",
    "GARCH",
    "GJR",
    "HAR",
    "HAR_DAYS",
    "HAR_NEGATIVE",
    "ewma_forecast",
    "garch_rival",
    "garch_variances",
    "gjr_rival",
    "har_forecast",
    "har_mean_steps",
    "har_negative_forecast",
    "last_rows",
    "moving_volatility",
]

Values = npt.NDArray[np.float64]
Rows = npt.NDArray[np.int64]

EWMA = "EWMA (0.94)"
HAR = "HAR"
HAR_NEGATIVE = "HAR, negative returns"
GARCH = "GARCH(1,1)"
GJR = "GJR-GARCH"
EWMA_DECAY = 0.94
HAR_DAYS = (1, 5, 22)
"""A day, a week and a month of trading days."""
MOST_ROWS = 5_000
"""Latest training rows that GARCH's parameters are estimated from."""
_GARCH_DETAIL = N_(
    "{name} of close-to-close returns, persistence {persistence:.3f}; level x {level:.2f}"
)


def ewma_forecast(split: PriceSplit) -> Forecast:
    """The exponentially weighted mean of past variances; the same for every day ahead."""
    variance = np.square(daily_volatility(split.prices))
    smooth = variance.copy()
    for row in range(1, len(smooth)):
        smooth[row] = EWMA_DECAY * smooth[row - 1] + (1 - EWMA_DECAY) * variance[row]
    return _level_forecast(EWMA, split, np.sqrt(smooth))[0]


def har_forecast(split: PriceSplit) -> Forecast:
    """The logarithm by least squares from the mean logarithms of the last 1, 5 and 22 rows."""
    return _har(HAR, split, negative=False)


def har_negative_forecast(split: PriceSplit) -> Forecast:
    """HAR with the mean negative return of the last 1, 5 and 22 rows beside."""
    return _har(HAR_NEGATIVE, split, negative=True)


def har_mean_steps(split: PriceSplit) -> tuple[Values, Values]:
    """HAR's forecast of the mean volatility of the days up to each step, whatever the target.

    Negative returns are regressors too.

    Args:
        split: over prices above zero; its training windows fit a regression for each step.

    Returns:
        (N, H) forecasts for the test windows and (H,) for the days after the last row, as shares
        of the price a day.
    """
    volatility = daily_volatility(split.prices)
    known = last_rows(split.train)
    steps = np.arange(1, split.config.horizon + 1)
    target = np.log(mean_ahead(volatility[known[:, None] + steps]))  # (N, H)
    predicted = _har_fit(split.prices, known, target, negative=True)
    return predicted[last_rows(split.test)], predicted[-1]


def _har(name: str, split: PriceSplit, *, negative: bool) -> Forecast:
    train = split.train
    target = np.log(train.actual[:, -1:])  # (N, 1)
    predicted = _har_fit(split.prices, last_rows(train), target, negative=negative)[:, 0]
    return assemble_forecast(name, split, lambda part: predicted[last_rows(part)])


def _har_fit(prices: PriceTable, known: Rows, target: Values, *, negative: bool) -> Values:
    """(R, K) forecasts after each row, from (N, K) logarithms that followed the rows known."""
    design = _har_design(prices, negative=negative)
    weights = np.linalg.lstsq(design[known], target, rcond=None)[0]
    return np.asarray(np.exp(design @ weights))


def _har_design(prices: PriceTable, *, negative: bool) -> Values:
    """(R, P) regressors after each row: a constant, and means over 1, 5 and 22 rows."""
    logs = np.log(daily_volatility(prices))
    columns = [np.ones(len(logs)), *(_mean_over(logs, days) for days in HAR_DAYS)]
    if negative:
        falls = np.minimum(log_returns(prices), 0.0)
        columns += [_mean_over(falls, days) for days in HAR_DAYS]
    return np.column_stack(columns)


def _mean_over(values: Values, rows: int) -> Values:
    """(R,) mean of each row and the ones before it, ``rows`` of them where there are so many."""
    sums = np.concatenate([[0.0], np.cumsum(values)])
    ends = np.arange(1, len(values) + 1)
    starts = np.maximum(ends - rows, 0)
    return np.asarray((sums[ends] - sums[starts]) / (ends - starts))


def garch_rival(split: PriceSplit) -> tuple[Forecast, str]:
    """GARCH(1,1) with normal errors and a constant mean."""
    return _garch(GARCH, split, asymmetric=False)


def gjr_rival(split: PriceSplit) -> tuple[Forecast, str]:
    """GARCH with a further term for negative returns."""
    return _garch(GJR, split, asymmetric=True)


def _garch(name: str, split: PriceSplit, *, asymmetric: bool) -> tuple[Forecast, str]:
    variances, persistence = garch_variances(split, asymmetric=asymmetric)
    if split.config.target == "mean-volatility":
        ahead = variances.mean(axis=1)
    else:
        ahead = variances[:, -1]
    made, level = _level_forecast(name, split, np.sqrt(ahead) / 100)
    return made, _(_GARCH_DETAIL).format(name=name, persistence=persistence, level=level)


def garch_variances(split: PriceSplit, *, asymmetric: bool) -> tuple[Values, float]:
    """What the package arch forecasts, with parameters from the training rows.

    Args:
        split: its training rows fit the parameters; later rows update the state alone.
        asymmetric: whether negative returns have a term of their own (GJR).

    Returns:
        (R, H) variance of the return on each day after each row, percent squared (the first row
        has no return and gets the second row's), and the sum of the parameters that says how long
        a shock lasts.
    """
    from arch import arch_model  # a second that only this rival needs

    returns = 100 * log_returns(split.prices)[1:]
    last = split.train_rows - 1
    first = max(last - MOST_ROWS, 0)
    model = arch_model(
        returns, mean="Constant", vol="GARCH", p=1, o=int(asymmetric), q=1, rescale=False
    )
    fitted = model.fit(disp="off", first_obs=first, last_obs=last, show_warning=False)
    followed = model.fix(fitted.params, first_obs=first)
    ahead = followed.forecast(horizon=split.config.horizon, start=first, reindex=False)
    variances = np.asarray(ahead.variance, np.float64)  # (R - 1 - first, H)
    before = np.repeat(variances[:1], first + 1, axis=0)
    parameters = fitted.params
    persistence = float(parameters["alpha[1]"] + parameters["beta[1]"])
    if asymmetric:
        persistence += float(parameters["gamma[1]"]) / 2
    return np.concatenate([before, variances]), persistence


def _level_forecast(name: str, split: PriceSplit, daily: Values) -> tuple[Forecast, float]:
    """A forecast from (R,) daily volatilities, its level set on the training windows."""
    yearly = yearly_factor(split.prices) * daily
    train = split.train
    gap = np.log(train.actual[:, -1]) - np.log(yearly[last_rows(train)])
    level = math.exp(float(gap.mean()))

    def predict_part(part: PriceSequences) -> Values:
        return np.asarray(level * yearly[last_rows(part)])

    return assemble_forecast(name, split, predict_part), level


def moving_volatility(split: PriceSplit) -> Forecast:
    """The root mean square of the window's volatilities."""
    yearly = yearly_factor(split.prices) * mean_known(daily_volatility(split.prices), split.steps)

    def predict_part(part: PriceSequences) -> Values:
        return np.asarray(yearly[last_rows(part)])

    return assemble_forecast("Moving average", split, predict_part)


def last_rows(part: PriceSequences) -> Rows:
    """(N,) rows of the last day each window sees."""
    return part.starts + part.steps - 1
