"""How good a forecast is, told beside "tomorrow = today".

All figures are of the test part and in index points, unless they say otherwise. A forecast that is not a number on some day
gets NaN for every figure it would enter: nothing is left out quietly.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats
from sklearn.metrics import (
    mean_absolute_error,
    mean_absolute_percentage_error,
    root_mean_squared_error,
)

from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.significance import diebold_mariano

__all__ = [
    "BEST_LAG_DAYS",
    "LEVEL",
    "Evaluation",
    "best_lag",
    "evaluate",
    "evaluation_headline",
    "wilson_interval",
]

Points = npt.NDArray[np.float64]

BEST_LAG_DAYS = 10
LEVEL = 0.10
"""Level of the one-sided tests by which a forecast may be called better, or worse, than persistence."""


@dataclass(frozen=True)
class Evaluation:
    """Figures of one forecast on the test part.

    Attributes:
        rmse, mae: root mean squared and mean absolute error, index points.
        mape: mean absolute error in percent of the actual close.
        mase: mean absolute error divided by the mean |close - close H days before| of the training part (Hyndman and Koehler
            2006); below 1 is better than the naive forecast was in training.
        skill: 1 - RMSE / persistence's RMSE; 0 is persistence, below 0 is worse.
        directional_accuracy: share of days whose direction was forecast right, among days that moved and were forecast to.
        directional_interval: its 95% Wilson interval; overlapping horizons count once each H days.
        directional_days: days that entered it.
        still_days: days left out because the close did not move, or no move was forecast.
        base_rate: share of up days among the days that moved: what always saying "up" scores.
        best_lag: days by which the forecast's changes come late, where they match the actual's best; None where the forecast
            does not change.
        verdict: what the lag says, in words.
        persistence_rmse, persistence_mae, persistence_mape: the same of "tomorrow = today".
        n: test days.
        horizon: H, days ahead.
        dm, dm_p: Diebold-Mariano statistic against persistence on squared errors (negative: the forecast is better) and its
            two-sided p-value, with the correction of Harvey, Leybourne and Newbold.
        beats_persistence: skill above 0, a smaller mean absolute error too, and a one-sided p-value below 10%.
        worse_than_persistence: the other way round.
    """

    rmse: float
    mae: float
    mape: float
    mase: float
    skill: float
    directional_accuracy: float
    directional_interval: tuple[float, float]
    directional_days: int
    still_days: int
    base_rate: float
    best_lag: int | None
    verdict: str
    persistence_rmse: float
    persistence_mae: float
    persistence_mape: float
    n: int
    horizon: int
    dm: float
    dm_p: float
    beats_persistence: bool
    worse_than_persistence: bool


def evaluate(forecast: Forecast) -> Evaluation:
    """Figures of a forecast on its test part, beside persistence's."""
    test, train = forecast.select_part("test"), forecast.select_part("train")
    rmse, mae, mape = _mean_errors(test.actual, test.predicted)
    base_rmse, base_mae, base_mape = _mean_errors(test.actual, test.anchor)
    naive = float(np.mean(np.abs(train.actual - train.anchor))) if len(train) else math.nan
    right, days, ups, moved = _count_directions(test)
    lag = best_lag(test.predicted, test.actual, max(BEST_LAG_DAYS, test.horizon))
    tested = diebold_mariano(test.predicted - test.actual, test.anchor - test.actual, test.horizon)
    skill = 1 - _safe_ratio(rmse, base_rmse)
    beats = skill > 0 and mae < base_mae and tested.p_better < LEVEL
    worse = skill < 0 and mae > base_mae and tested.p_worse < LEVEL
    return Evaluation(
        rmse=rmse, mae=mae, mape=mape, mase=_safe_ratio(mae, naive), skill=skill,
        directional_accuracy=_safe_ratio(right, days), directional_interval=wilson_interval(right, days, test.horizon),
        directional_days=days, still_days=len(test) - days, base_rate=_safe_ratio(ups, moved),
        best_lag=lag, verdict=_lag_verdict(lag, test, beats),
        persistence_rmse=base_rmse, persistence_mae=base_mae, persistence_mape=base_mape,
        n=len(test), horizon=test.horizon, dm=tested.statistic, dm_p=tested.p,
        beats_persistence=beats, worse_than_persistence=worse,
    )  # fmt: skip


def evaluation_headline(evaluation: Evaluation, name: str) -> str:
    """The plain sentence a page begins with."""
    ahead = evaluation.horizon
    day = "tomorrow's close" if ahead == 1 else f"the close {ahead} days ahead"
    known = "yesterday's close" if ahead == 1 else "the last close known"
    if not math.isfinite(evaluation.mae):
        return f"{name} gives no number for {day} on some test days, so it cannot be judged."
    return (
        f"{name} misses {day} by {evaluation.mae:,.1f} points on average, {_comparison(evaluation)} {known} "
        f"({evaluation.persistence_mae:,.1f})."
    )


def best_lag(predicted: Points, actual: Points, most: int = BEST_LAG_DAYS) -> int | None:
    """Days by which a forecast comes late: the k in 0..most at which its day-to-day changes correlate best with the actual's.

    A forecast of "tomorrow = today" repeats the actual one day late, so its lag is its horizon. Every lag is measured over
    the same days.

    Args:
        predicted, actual: (N,) index points on consecutive days.
        most: largest lag tried; short series try fewer.

    Returns:
        The lag, or None where a series is too short, does not change or is not a number.
    """
    moves, real = np.diff(predicted), np.diff(actual)
    most = min(most, len(real) // 2)
    moves = moves[most:]
    if len(moves) < 3 or not np.isfinite(moves).all() or np.ptp(moves) == 0:
        return None
    shifted = [real[most - k : len(real) - k] for k in range(most + 1)]
    scores = [np.corrcoef(moves, past)[0, 1] if np.ptp(past) else -1.0 for past in shifted]
    return int(np.argmax(scores))


def wilson_interval(
    right: int, days: int, horizon: int = 1, level: float = 0.95
) -> tuple[float, float]:
    """Wilson's (1927) interval of a share; NaN without days.

    Forecasts H days ahead overlap, so only ``days / horizon`` of them count as separate.
    """
    if not days:
        return math.nan, math.nan
    share, n = right / days, max(days / horizon, 1.0)
    z = float(stats.norm.ppf(0.5 + level / 2))
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return max(0.0, middle - half), min(1.0, middle + half)


def _mean_errors(actual: Points, predicted: Points) -> tuple[float, float, float]:
    """RMSE, MAE (points) and MAPE (percent)."""
    if not len(actual) or not (np.isfinite(actual).all() and np.isfinite(predicted).all()):
        return math.nan, math.nan, math.nan
    share = float(mean_absolute_percentage_error(actual, predicted))
    return (
        float(root_mean_squared_error(actual, predicted)),
        float(mean_absolute_error(actual, predicted)),
        100 * share,
    )


def _count_directions(test: Forecast) -> tuple[int, int, int, int]:
    """Days forecast right, days that count, up days, days that moved; nothing counts where a forecast is not a number."""
    real, said = np.sign(test.actual - test.anchor), np.sign(test.predicted - test.anchor)
    moved = real != 0
    counts = moved & (said != 0) if np.isfinite(said).all() else np.zeros(len(test), bool)
    return (
        int((real == said)[counts].sum()),
        int(counts.sum()),
        int((real > 0).sum()),
        int(moved.sum()),
    )


def _lag_verdict(lag: int | None, test: Forecast, beats: bool) -> str:
    if not np.isfinite(test.predicted).all():
        return f"No number on {int((~np.isfinite(test.predicted)).sum())} of {len(test)} test days: this forecast cannot be judged."
    if lag is None:
        return "This forecast does not move, or there are too few test days to say when it does."
    if lag == 0:
        return "Best match on the day itself: this forecast does not lag."
    late = "one day" if lag == 1 else f"{lag} days"
    known = "yesterday" if test.horizon == 1 else "the last close known"
    if lag > test.horizon:
        return f"Best match {late} late: this forecast trails even the last close known."
    if lag < test.horizon:
        return f"Best match {late} late, {test.horizon - lag} before the last close known: this forecast leads it."
    if beats:
        return f"Best match {late} late: this forecast follows {known}, and adds something to it."
    return f"Best match {late} late: this forecast mostly repeats {known}."


def _comparison(evaluation: Evaluation) -> str:
    if evaluation.beats_persistence:
        return "better than"
    return "worse than" if evaluation.worse_than_persistence else "no better than"


def _safe_ratio(above: float, below: float) -> float:
    return above / below if below else math.nan
