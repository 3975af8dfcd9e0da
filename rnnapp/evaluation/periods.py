"""Errors by part of the test: calm and stormy days, and each year."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import finite_or_none

__all__ = ["STORM_ROWS", "PeriodErrors", "errors_by_period"]

Points = npt.NDArray[np.float64]
Rows = npt.NDArray[np.bool_]

STORM_ROWS = 22
"""Rows before a forecast that say whether its day is calm or stormy."""


@dataclass(frozen=True)
class PeriodErrors:
    """Errors of one forecast on some test days.

    Attributes:
        period: ``calm``, ``stormy`` or a year.
        days: how many.
        rmse, persistence_rmse: index points; of a volatility's logarithm.
        skill: 1 - RMSE / persistence's RMSE.
        bias: mean of forecast minus actual, index points.
    """

    period: str
    days: int
    rmse: float
    persistence_rmse: float
    skill: float
    bias: float

    def as_dict(self) -> dict[str, str | float | None]:
        """Plain JSON values; what is no number is null."""
        return {name: finite_or_none(value) for name, value in asdict(self).items()}


def errors_by_period(forecast: Forecast) -> tuple[PeriodErrors, ...]:
    """Errors on the calm and the stormy half of the test days, then year by year.

    A day is stormy where the last closes known before it moved more than on the median test day,
    or where their volatility was higher: nothing that the forecast could not know decides it.
    """
    test = forecast.to_error_scale().select_part("test")
    stormy = _stormy_days(forecast)[forecast.part == "test"]
    parts: dict[str, Rows] = {"calm": ~stormy, "stormy": stormy}
    years = test.dates.astype("datetime64[Y]").astype(np.int64) + 1970
    parts |= {str(year): years == year for year in np.unique(years)}
    return tuple(
        _measure_days(period, test.select_rows(rows))
        for period, rows in parts.items()
        if rows.any()
    )


def _measure_days(period: str, test: Forecast) -> PeriodErrors:
    errors = test.predicted - test.actual
    rmse = math.sqrt(float(np.mean(np.square(errors))))
    base = math.sqrt(float(np.mean(np.square(test.anchor - test.actual))))
    skill = math.nan
    if base > 0:
        skill = 1 - rmse / base
    return PeriodErrors(period, len(test), rmse, base, skill, float(np.mean(errors)))


def _stormy_days(forecast: Forecast) -> Rows:
    """(N,) whether closes moved more before this forecast than before the median test day's."""
    moves = np.abs(np.diff(forecast.anchor, prepend=forecast.anchor[:1]))
    if (forecast.anchor > 0).all():
        moves = moves / forecast.anchor
    if forecast.quantity.is_volatility:
        moves = forecast.anchor
    sums = np.concatenate([[0.0], np.cumsum(moves)])
    ends = np.arange(1, len(moves) + 1)
    starts = np.maximum(ends - STORM_ROWS, 0)
    average: Points = (sums[ends] - sums[starts]) / (ends - starts)
    stormy: Rows = average > np.median(average[forecast.part == "test"])
    return stormy
