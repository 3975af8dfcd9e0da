"""How good a forecast is, beside "tomorrow = today".

All metrics are of the test part and in index points, unless they say otherwise. A forecast that is
not a number on some day gets NaN for every metric it would enter: no day is left out silently.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, NamedTuple

import numpy as np
import numpy.typing as npt

from rnnapp.data.spacing import DAILY, Spacing
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import format_points
from rnnapp.evaluation.significance import clark_west, detectable_skill, diebold_mariano

__all__ = [
    "BEST_LAG_DAYS",
    "LEVEL",
    "Evaluation",
    "Relation",
    "best_lag",
    "evaluate",
    "evaluation_headline",
    "forecast_target",
    "reached_sentence",
    "reached_share",
    "wilson_interval",
]

Points = npt.NDArray[np.float64]
Relation = Literal["better", "worse", "undecided"]

BEST_LAG_DAYS = 10
LEAST_GAIN = 0.01
"""A gain is reachable where the best possible forecast's mean squared error is smaller than
persistence's by this share."""
LEVEL = 0.10
"""Level of the two-sided test by which a forecast is called better or worse than persistence."""

_HEADLINES: dict[Relation, str] = {
    "better": "{name} misses {close} by {error} points on average, better than {rival} "
    "({rival_error}).",
    "worse": "{name} misses {close} by {error} points on average, worse than {rival} "
    "({rival_error}).",
    "undecided": "{name} misses {close} by {error} points on average, no better than {rival} "
    "({rival_error}).",
}
_NOT_JUDGED = "{name} gives no number for {close} on some test days, so it cannot be judged."
_MISSING_DAYS = "No number on {missing} of {days} test days: this forecast cannot be judged."
_REACHED = "{name} reaches {share:.0%} of the gain that the best possible forecast makes."
_REACHED_NONE = (
    "{name} reaches none of the gain that the best possible forecast makes ({share:.0%})."
)
_NOTHING_TO_GAIN = "The best possible forecast gains next to nothing here, so no net can."
_CLOSE_AHEAD = "the close {horizon} {units} ahead"
_CLOSE_BEFORE = "the close of the {unit} before"
_UNIT_BEFORE = "the {unit} before"

# What a lag says: by its kind, the sentence for one row and for several.
_LAG_SENTENCES = {
    "trails": (
        "Best match one {unit} late: this forecast trails even the last close known.",
        "Best match {lag} {units} late: this forecast trails even the last close known.",
    ),
    "leads": (
        "Best match one {unit} late, {lead} before the last close known: this forecast leads it.",
        "Best match {lag} {units} late, {lead} before the last close known: "
        "this forecast leads it.",
    ),
    "adds": (
        "Best match one {unit} late: this forecast follows {known}, and adds something to it.",
        "Best match {lag} {units} late: this forecast follows {known}, and adds something to it.",
    ),
    "repeats": (
        "Best match one {unit} late: this forecast mostly repeats {known}.",
        "Best match {lag} {units} late: this forecast mostly repeats {known}.",
    ),
}


@dataclass(frozen=True)
class Evaluation:
    """Metrics of one forecast on the test part.

    Attributes:
        rmse, mae: root mean squared and mean absolute error, index points.
        mape: mean absolute error in percent of the actual close; NaN where a close is not positive.
        mase: mean absolute error divided by the mean |close - close H days before| of the training
            part (Hyndman and Koehler 2006); below 1 beats the naive forecast in training.
        skill: 1 - RMSE / persistence's RMSE; 0 is persistence, below 0 is worse.
        directional_accuracy: share of days with the right direction, among days that moved and
            were forecast to move.
        directional_interval: its 95% Wilson interval; overlapping horizons count once each H days.
        directional_days: days that entered it.
        still_days: days left out because the close did not move, or no move was forecast.
        base_rate: share of up days among the days that moved: what always saying "up" scores.
        best_lag: days by which the forecast's changes come late, where they match the actual's
            best; None where the forecast does not change.
        verdict: what the lag says, in words.
        persistence_rmse, persistence_mae, persistence_mape: the same of "tomorrow = today".
        n: test days.
        horizon: H, days ahead.
        dm, dm_p: Diebold-Mariano statistic against persistence on squared errors (negative: the
            forecast is better) and its two-sided p-value, with the correction of Harvey, Leybourne
            and Newbold.
        beats_persistence: skill above 0, a smaller mean absolute error too, and ``dm_p`` below 10%.
        worse_than_persistence: the other way round.
        spacing: the rhythm of the rows, for the words of sentences.
        rmsse: as MASE, of squares: the root of the mean squared error divided by the mean squared
            naive error of the training part (Makridakis et al. 2022).
        bias: mean of forecast minus actual, index points.
        cw_p: one-sided p-value of Clark and West against persistence, which is nested in a net.
        detectable_skill: the smallest skill that these test days could have shown.
        best_rmse: of the best possible forecast, index points; NaN where it is not known.
        reached: share of the reachable gain: the decrease of the mean squared error from
            persistence's, relative to the best possible forecast's decrease. 0 is persistence,
            1 the best possible; NaN where that is not known, or is no better than persistence.
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
    spacing: Spacing = DAILY
    rmsse: float = math.nan
    bias: float = math.nan
    cw_p: float = math.nan
    detectable_skill: float = math.nan
    best_rmse: float = math.nan
    reached: float = math.nan

    @property
    def relation(self) -> Relation:
        """Better or worse than persistence, where the test says so."""
        if self.beats_persistence:
            return "better"
        if self.worse_than_persistence:
            return "worse"
        return "undecided"


def evaluate(forecast: Forecast) -> Evaluation:
    """Measure a forecast on its test part, beside persistence."""
    test = forecast.select_part("test")
    train = forecast.select_part("train")
    errors = _mean_errors(test.actual, test.predicted)
    base = _mean_errors(test.actual, test.anchor)
    naive = naive_square = math.nan
    if len(train):
        naive = float(np.mean(np.abs(train.actual - train.anchor)))
        naive_square = math.sqrt(float(np.mean(np.square(train.actual - train.anchor))))
    directions = _count_directions(test)
    lag = best_lag(test.predicted, test.actual, max(BEST_LAG_DAYS, test.horizon))
    own = test.predicted - test.actual
    rival = test.anchor - test.actual
    tested = diebold_mariano(own, rival, test.horizon)
    skill = 1 - _safe_ratio(errors.rmse, base.rmse)
    significant = tested.p < LEVEL
    beats = significant and skill > 0 and errors.mae < base.mae
    worse = significant and skill < 0 and errors.mae > base.mae
    return Evaluation(
        rmse=errors.rmse,
        mae=errors.mae,
        mape=errors.mape,
        mase=_safe_ratio(errors.mae, naive),
        skill=skill,
        directional_accuracy=_safe_ratio(directions.right, directions.counted),
        directional_interval=wilson_interval(directions.right, directions.counted, test.horizon),
        directional_days=directions.counted,
        still_days=len(test) - directions.counted,
        base_rate=_safe_ratio(directions.up, directions.moved),
        best_lag=lag,
        verdict=_lag_verdict(lag, test, beats),
        persistence_rmse=base.rmse,
        persistence_mae=base.mae,
        persistence_mape=base.mape,
        n=len(test),
        horizon=test.horizon,
        dm=tested.statistic,
        dm_p=tested.p,
        beats_persistence=beats,
        worse_than_persistence=worse,
        spacing=forecast.spacing,
        rmsse=_safe_ratio(errors.rmse, naive_square),
        bias=_mean_error(test),
        cw_p=clark_west(own, rival, test.horizon),
        detectable_skill=detectable_skill(own, rival, test.horizon),
        best_rmse=_best_rmse(test),
        reached=reached_share(test),
    )


def reached_share(test: Forecast) -> float:
    """Share of the reachable gain over persistence, in mean squared error.

    Args:
        test: the days to measure.

    Returns:
        0 for persistence, 1 for the best possible forecast, NaN where that is not known or gains
        less than 1% on these days: a share of nothing means nothing.
    """
    if test.best is None or not len(test):
        return math.nan
    base = float(np.mean(np.square(test.anchor - test.actual)))
    own = float(np.mean(np.square(test.predicted - test.actual)))
    reachable = base - float(np.mean(np.square(test.best - test.actual)))
    if not reachable > LEAST_GAIN * base:
        return math.nan
    return (base - own) / reachable


def _mean_error(test: Forecast) -> float:
    if not len(test):
        return math.nan
    return float(np.mean(test.predicted - test.actual))


def _best_rmse(test: Forecast) -> float:
    if test.best is None:
        return math.nan
    return _mean_errors(test.actual, test.best).rmse


def evaluation_headline(evaluation: Evaluation, name: str) -> str:
    """The sentence a page begins with: the error beside persistence's."""
    close = forecast_target(evaluation.spacing, evaluation.horizon)
    if not math.isfinite(evaluation.mae):
        return _NOT_JUDGED.format(name=name, close=close)
    sentence = _HEADLINES[evaluation.relation].format(
        name=name,
        close=close,
        error=format_points(evaluation.mae),
        rival=_rival_close(evaluation.spacing, evaluation.horizon),
        rival_error=format_points(evaluation.persistence_mae),
    )
    if math.isfinite(evaluation.best_rmse):
        sentence = f"{sentence} {reached_sentence(name, evaluation.reached)}"
    return sentence


def reached_sentence(name: str, reached: float) -> str:
    """What a forecast reached of what can be gained, where the true process is known.

    Args:
        name: of the forecast.
        reached: its share of the reachable gain; NaN where there is nothing to gain.
    """
    if not math.isfinite(reached):
        return _NOTHING_TO_GAIN
    template = _REACHED
    if reached < 0:
        template = _REACHED_NONE
    return template.format(name=name, share=reached)


def forecast_target(spacing: Spacing, horizon: int) -> str:
    """What is forecast, in words: ``"next week's close"``, ``"the close 5 days ahead"``."""
    if horizon == 1:
        return spacing.next_close
    return _CLOSE_AHEAD.format(horizon=horizon, units=spacing.units)


def best_lag(predicted: Points, actual: Points, most: int = BEST_LAG_DAYS) -> int | None:
    """Days by which a forecast comes late.

    The k in 0..most at which its day-to-day changes correlate best with the actual's. A forecast
    of "tomorrow = today" repeats the actual one day late, so its lag is its horizon. Every lag is
    measured over the same days.

    Args:
        predicted, actual: (N,) index points on consecutive days.
        most: largest lag tried; short series try fewer.

    Returns:
        The lag, or None where a series is too short, does not change or is not a number.
    """
    moves = np.diff(predicted)
    real = np.diff(actual)
    most = min(most, len(real) // 2)
    moves = moves[most:]
    if len(moves) < 3 or not np.isfinite(moves).all() or np.ptp(moves) == 0:
        return None
    shifted = [real[most - k : len(real) - k] for k in range(most + 1)]
    return int(np.argmax([_correlation(moves, past) for past in shifted]))


def wilson_interval(
    right: int, days: int, horizon: float = 1, level: float = 0.95
) -> tuple[float, float]:
    """Wilson's (1927) interval of a share; NaN without days.

    Forecasts H days ahead overlap, so only ``days / horizon`` of them count as separate.
    """
    if not days:
        return math.nan, math.nan
    separate = max(days / horizon, 1.0)
    share = right / days
    # Written out: statsmodels' proportion_confint takes seconds to import.
    z = NormalDist().inv_cdf(0.5 + level / 2)
    shrink = 1 + z**2 / separate
    centre = (share + z**2 / (2 * separate)) / shrink
    half = z * math.sqrt(share * (1 - share) / separate + z**2 / (4 * separate**2)) / shrink
    return max(0.0, centre - half), min(1.0, centre + half)


class _MeanErrors(NamedTuple):
    """RMSE and MAE in points, MAPE in percent."""

    rmse: float
    mae: float
    mape: float


def _mean_errors(actual: Points, predicted: Points) -> _MeanErrors:
    if not len(actual) or not (np.isfinite(actual).all() and np.isfinite(predicted).all()):
        return _MeanErrors(math.nan, math.nan, math.nan)
    # A share of a close means nothing where closes touch zero or are negative (rates, spreads).
    mape = math.nan
    if (actual > 0).all():
        mape = 100 * float(np.mean(np.abs(predicted - actual) / actual))
    errors = predicted - actual
    return _MeanErrors(
        math.sqrt(float(np.mean(errors**2))),
        float(np.mean(np.abs(errors))),
        mape,
    )


class _Directions(NamedTuple):
    """Days with the right direction, days that count, up days, days that moved."""

    right: int
    counted: int
    up: int
    moved: int


def _count_directions(test: Forecast) -> _Directions:
    """Count directions; nothing counts where a forecast is not a number."""
    real = np.sign(test.actual - test.anchor)
    forecast = np.sign(test.predicted - test.anchor)
    moved = real != 0
    counts = np.zeros(len(test), bool)
    if np.isfinite(forecast).all():
        counts = moved & (forecast != 0)
    return _Directions(
        int((real == forecast)[counts].sum()),
        int(counts.sum()),
        int((real > 0).sum()),
        int(moved.sum()),
    )


def _lag_verdict(lag: int | None, test: Forecast, beats: bool) -> str:
    missing = int((~np.isfinite(test.predicted)).sum())
    if missing:
        return _MISSING_DAYS.format(missing=missing, days=len(test))
    if lag is None:
        return "This forecast does not move, or there are too few test days to say when it does."
    if lag == 0:
        return "Best match on the day itself: this forecast does not lag."
    kind = "repeats"
    if lag > test.horizon:
        kind = "trails"
    elif lag < test.horizon:
        kind = "leads"
    elif beats:
        kind = "adds"
    one, many = _LAG_SENTENCES[kind]
    template = many
    if lag == 1:
        template = one
    return template.format(
        lag=lag,
        lead=test.horizon - lag,
        unit=test.spacing.unit,
        units=test.spacing.units,
        known=_known_row(test.spacing, test.horizon),
    )


def _known_row(spacing: Spacing, horizon: int) -> str:
    """What persistence repeats, seen from the day that is forecast."""
    if horizon > 1 or spacing.name == "irregular":
        return "the last close known"
    if spacing.has_weekdays:
        return "yesterday"
    return _UNIT_BEFORE.format(unit=spacing.unit)


def _rival_close(spacing: Spacing, horizon: int) -> str:
    """Persistence's close, seen from the day that is forecast."""
    if horizon > 1 or spacing.name == "irregular":
        return "the last close known"
    if spacing.has_weekdays:
        return "yesterday's close"
    return _CLOSE_BEFORE.format(unit=spacing.unit)


def _correlation(moves: Points, past: Points) -> float:
    if np.ptp(past) == 0:
        return -1.0
    return float(np.corrcoef(moves, past)[0, 1])


def _safe_ratio(above: float, below: float) -> float:
    if not below:
        return math.nan
    return above / below
