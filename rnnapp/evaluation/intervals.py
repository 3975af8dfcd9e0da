"""Conformal bands: split-conformal from days not trained on, and the adaptive kind.

The width is a quantile of the absolute errors on days that did not train the net. On exchangeable
days such a band covers the actual with at least the nominal probability. Prices are not
exchangeable, so the coverage reached on test days, month by month, and the interval score stand
beside it, and so does the adaptive band, which widens after misses.
"""

from __future__ import annotations

import bisect
import dataclasses
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.errors import ConfigError
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import format_points
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = [
    "IntervalScores",
    "adaptive_path",
    "adaptive_widths",
    "conformal_rank",
    "conformal_width",
    "days_needed",
    "interval_coverage",
    "interval_sentence",
    "monthly_coverage",
    "score_interval",
    "step_widths",
    "winkler_score",
    "with_adaptive_interval",
    "with_interval",
]

Points = npt.NDArray[np.float64]

_SENTENCE = N_(
    "{name} ± {width} {unit}: nominal coverage {level:.0%}, reached {coverage:.1%} of {days:,} "
    "test {units}; interval score {winkler} {unit}."
)
ADAPTIVE_RATE = 0.02
"""Gamma of Gibbs and Candès: how far one miss moves the level."""
CALIBRATION_DAYS = 250
"""Latest errors that a band's width is taken from."""


class IntervalScores(NamedTuple):
    """How a band did on the test part.

    Attributes:
        coverage: share of days inside the band.
        winkler: mean interval score, index points; smaller is better.
        width: mean width, index points.
        days: test days.
    """

    coverage: float
    winkler: float
    width: float
    days: int


def with_interval(forecast: Forecast, level: float = 0.9) -> Forecast:
    """The forecast with a split-conformal ``lower`` and ``upper`` on every day.

    Args:
        forecast: with a validation part. A part that early stopping watched makes bands a little
            too narrow.
        level: nominal coverage, between 0 and 1.

    Raises:
        ConfigError: no validation part, or one too short for the level.

    Source: Lei, G'Sell, Rinaldo, Tibshirani and Wasserman (2018), J. American Statistical
    Association 113, algorithm 2.
    """
    width = conformal_width(_calibration_errors(forecast, level), level)
    lower, upper = _band_ends(forecast, width)
    return dataclasses.replace(forecast, lower=lower, upper=upper)


def _band_ends(forecast: Forecast, width: float | Points) -> tuple[Points, Points]:
    """(N,) ends of a band of a half width on the scale of the errors."""
    quantity = forecast.quantity
    middle = quantity.to_error_scale(forecast.predicted)
    return quantity.from_error_scale(middle - width), quantity.from_error_scale(middle + width)


def with_adaptive_interval(
    forecast: Forecast, level: float = 0.9, rate: float = ADAPTIVE_RATE
) -> Forecast:
    """The forecast with an adaptive conformal band on its test days; elsewhere the plain one.

    Args:
        forecast: with a validation part.
        level: nominal coverage, between 0 and 1.
        rate: gamma, how far one miss moves the level.

    Raises:
        ConfigError: no validation part, or one too short for the level.

    Source: Gibbs and Candès (2021), NeurIPS 34, equation 2; scores of the latest days.
    """
    calibration = _calibration_errors(forecast, level)
    plain = with_interval(forecast, level)
    assert plain.lower is not None
    assert plain.upper is not None
    test = forecast.part == "test"
    measured = forecast.to_error_scale()
    errors = np.abs(measured.actual - measured.predicted)[test]
    widths = adaptive_widths(calibration, errors, level, rate=rate, horizon=forecast.horizon)
    lower = plain.lower.copy()
    upper = plain.upper.copy()
    lower[test], upper[test] = _band_ends(forecast.select_part("test"), widths)
    return dataclasses.replace(forecast, lower=lower, upper=upper)


def conformal_rank(count: int, level: float) -> int:
    """Place, from 1, of the ascending error that is half a band's width: ceil((n + 1) level)."""
    return math.ceil((count + 1) * level - 1e-9)


def conformal_width(errors: Points, level: float) -> float:
    """Half the width of a band: the ceil((n + 1) level)-th smallest absolute error.

    Args:
        errors: (n,) absolute errors on days that were not trained on.
        level: nominal coverage.

    Returns:
        NaN where ``errors`` are too few for the level.
    """
    place = conformal_rank(len(errors), level)
    if place > len(errors):
        return math.nan
    return float(np.partition(errors, place - 1)[place - 1])


def adaptive_widths(
    calibration: Points,
    errors: Points,
    level: float,
    *,
    rate: float = ADAPTIVE_RATE,
    horizon: int = 1,
) -> Points:
    """Half the widths of an adaptive conformal band, day by day.

    Each day's width is the quantile of the latest known errors at a level of its own, which a miss
    raises and a hit lowers. An error H days ahead is known H days later.

    Args:
        calibration: (n,) absolute errors before the first day.
        errors: (N,) absolute errors of the days to cover, in date order.
        level: nominal coverage.
        rate: gamma.
        horizon: H, days ahead.

    Returns:
        (N,) half widths; a level above what n errors allow takes the largest of them.
    """
    return adaptive_path(calibration, errors, level, rate=rate, horizon=horizon)[:-1]


def adaptive_path(
    calibration: Points,
    errors: Points,
    level: float,
    *,
    rate: float = ADAPTIVE_RATE,
    horizon: int = 1,
) -> Points:
    """(N + 1,) as :func:`adaptive_widths`, and the half width for the day after the last."""
    scores = np.concatenate([calibration, errors]).tolist()
    count = len(calibration)
    latest = sorted(scores[:count])
    miss = 1 - level
    alpha = miss
    widths: list[float] = []
    for day in range(len(errors) + 1):
        # What became known today: the error of the forecast made H days ago.
        known = day - horizon
        if known >= 0:
            missed = float(scores[count + known] > widths[known])
            alpha += rate * (miss - missed)
            del latest[bisect.bisect_left(latest, scores[known])]
            bisect.insort(latest, scores[count + known])
        own_level = min(max(1 - alpha, 0.0), count / (count + 1))
        place = max(conformal_rank(count, own_level), 1)
        widths.append(latest[place - 1])
    return np.array(widths)


def step_widths(
    errors: Points, level: float, horizon: int, *, adaptive: bool = False
) -> tuple[float, Points]:
    """Half widths of one step: for the day to come, and for each test day from errors known then.

    A test day's band uses only errors of forecasts that had come true; days before there were
    enough of them have none (NaN).

    Args:
        errors: (N,) absolute errors of the step on test days, in date order.
        level: nominal coverage.
        horizon: the step, days ahead.
        adaptive: widths that a miss raises and a hit lowers (:func:`adaptive_widths`).

    Returns:
        The half width of the day to come, and (N,) half widths of the test days.
    """
    count = len(errors)
    calibration = max(CALIBRATION_DAYS, days_needed(level))
    first = min(max(days_needed(level, horizon), count // 3), calibration)
    test_half = np.full(count, math.nan)
    if count < days_needed(level, horizon):
        return math.nan, test_half
    start = first + horizon - 1
    if adaptive:
        path = adaptive_path(
            errors[:first], errors[first:], level, rate=ADAPTIVE_RATE, horizon=horizon
        )
        test_half[start:] = path[horizon - 1 : -1]
        return float(path[-1]), test_half
    grown = min(count, calibration + horizon - 1)  # days before there are errors to drop
    for day in range(start, grown):
        test_half[day] = conformal_width(errors[: day - horizon + 1], level)
    if grown < count:
        known = np.lib.stride_tricks.sliding_window_view(errors, calibration)[: count - grown]
        place = conformal_rank(calibration, level)
        test_half[grown:] = np.partition(known, place - 1, axis=1)[:, place - 1]
    return conformal_width(errors[-calibration:], level), test_half


def days_needed(level: float, horizon: int = 1) -> int:
    """Days that a band of this level needs at least; H times as many where they overlap."""
    return math.ceil(level / (1 - level) - 1e-9) * horizon


def interval_coverage(forecast: Forecast) -> float:
    """Share of test days with the close inside the interval; NaN without an interval."""
    return score_interval(forecast, 0.5).coverage


def score_interval(forecast: Forecast, level: float) -> IntervalScores:
    """Coverage, interval score and width on the test part; NaN without an interval.

    Args:
        forecast: with ``lower`` and ``upper``.
        level: nominal coverage, which the interval score needs.
    """
    test = forecast.select_part("test")
    if test.lower is None or test.upper is None or not len(test):
        return IntervalScores(math.nan, math.nan, math.nan, len(test))
    inside = (test.lower <= test.actual) & (test.actual <= test.upper)
    return IntervalScores(
        coverage=float(np.mean(inside)),
        winkler=winkler_score(test.lower, test.upper, test.actual, level),
        width=float(np.mean(test.upper - test.lower)),
        days=len(test),
    )


def winkler_score(lower: Points, upper: Points, actual: Points, level: float) -> float:
    """Mean interval score: the width, plus 2 / (1 - level) times the distance of each miss.

    Args:
        lower, upper, actual: (N,) index points.
        level: nominal coverage.

    Source: Winkler (1972), J. American Statistical Association 67, 187-191; Gneiting and Raftery
    (2007), same journal 102, equation 43.
    """
    below = np.maximum(lower - actual, 0.0)
    above = np.maximum(actual - upper, 0.0)
    return float(np.mean(upper - lower + 2 / (1 - level) * (below + above)))


def monthly_coverage(forecast: Forecast) -> pd.DataFrame:
    """Coverage by month of the test part.

    Returns:
        One line a month (its first day as index): ``coverage`` and ``days``; empty without an
        interval.
    """
    test = forecast.select_part("test")
    if test.lower is None or test.upper is None:
        return pd.DataFrame({"coverage": [], "days": []})
    inside = (test.lower <= test.actual) & (test.actual <= test.upper)
    months = test.dates.astype("datetime64[M]").astype("datetime64[ns]")
    groups = pd.Series(inside, index=pd.DatetimeIndex(months, name="month")).groupby(level=0)
    return pd.DataFrame({"coverage": groups.mean(), "days": groups.size()})


def interval_sentence(forecast: Forecast, level: float) -> str:
    """Nominal and reached coverage, in a sentence."""
    scores = score_interval(forecast, level)
    return _(_SENTENCE).format(
        name=shown_name(forecast.name),
        width=format_points(scores.width / 2),
        level=level,
        coverage=scores.coverage,
        days=scores.days,
        units=forecast.spacing.units,
        winkler=format_points(scores.winkler),
        unit=forecast.quantity.short_unit,
    )


def _calibration_errors(forecast: Forecast, level: float) -> Points:
    """(n,) absolute errors of the validation part, enough of them for the level."""
    if not 0 < level < 1:
        raise ConfigError(
            _("The interval's level is {level:g}; it takes a share between 0 and 1 (0.9).").format(
                level=level
            )
        )
    valid = forecast.select_part("valid").to_error_scale()
    needed = days_needed(level)
    if not len(valid):
        raise ConfigError(
            _(
                "There is no validation part; an interval of {level:.0%} needs at least {needed} "
                "days. Use a larger validation share."
            ).format(level=level, needed=needed)
        )
    if len(valid) < needed:
        raise ConfigError(
            _(
                "There are {count} validation days; an interval of {level:.0%} needs at least "
                "{needed} days. Use a larger validation share."
            ).format(count=len(valid), level=level, needed=needed)
        )
    return np.abs(valid.actual - valid.predicted)
