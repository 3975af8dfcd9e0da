"""How good a forecast is, beside "tomorrow = today".

All metrics are of the test part and in index points, unless they say otherwise. A forecast that is
not a number on some day gets NaN for every metric it would enter: no day is left out silently.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal, NamedTuple, TypedDict

import numpy as np
import numpy.typing as npt

from rnnapp.data.quantities import CLOSE, Quantity
from rnnapp.data.spacing import DAILY, Spacing
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import format_points
from rnnapp.evaluation.significance import clark_west, detectable_skill, diebold_mariano
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = [
    "BEST_LAG_DAYS",
    "LEVEL",
    "Evaluation",
    "Relation",
    "best_lag",
    "evaluate",
    "evaluation_headline",
    "qlike_losses",
    "reached_sentence",
    "reached_share",
    "wilson_interval",
]

Points = npt.NDArray[np.float64]
Relation = Literal["better", "worse", "undecided"]
LagKind = Literal["smooth", "trails", "slow", "leads", "adds", "repeats"]

BEST_LAG_DAYS = 10
LEAST_GAIN = 0.01
"""A gain is reachable where the best possible forecast's mean squared error is smaller than
persistence's by this share."""
LEVEL = 0.10
"""Level of the two-sided test by which a forecast is called better or worse than persistence."""

_HEADLINES: dict[Relation, str] = {
    "better": N_(
        "{name} misses {close} by {error} {unit} on average, better than {rival} ({rival_error})."
    ),
    "worse": N_(
        "{name} misses {close} by {error} {unit} on average, worse than {rival} ({rival_error})."
    ),
    "undecided": N_(
        "{name} misses {close} by {error} {unit} on average, no better than {rival} "
        "({rival_error})."
    ),
}
_NOT_JUDGED = N_("{name} gives no number for {close} on some test days, so it cannot be judged.")
_MISSING_DAYS = N_("No number on {missing} of {days} test days: this forecast cannot be judged.")
_REACHED = N_("{name} reaches {share:.0%} of the gain that the best possible forecast makes.")
_REACHED_NONE = N_(
    "{name} reaches none of the gain that the best possible forecast makes ({share:.0%})."
)
_NOTHING_TO_GAIN = N_("The best possible forecast gains next to nothing here, so no net can.")
_UNIT_BEFORE = N_("the {unit} before")

_SMOOTH = N_(
    "A forecast of volatility is smoother than the {units} themselves, so its best match, {lag} "
    "{units} late, says little."
)
# What a lag says: by its kind, the sentence for one row and for several.
_LAG_SENTENCES: dict[LagKind, tuple[str, str]] = {
    "smooth": (_SMOOTH, _SMOOTH),
    "trails": (
        N_("Best match one {unit} late: this forecast trails even {last}."),
        N_("Best match {lag} {units} late: this forecast trails even {last}."),
    ),
    "slow": (
        N_("Best match one {unit} late: this forecast is slow, and still beats {last}."),
        N_("Best match {lag} {units} late: this forecast is slow, and still beats {last}."),
    ),
    "leads": (
        N_("Best match one {unit} late, {lead} before {last}: this forecast leads it."),
        N_("Best match {lag} {units} late, {lead} before {last}: this forecast leads it."),
    ),
    "adds": (
        N_("Best match one {unit} late: this forecast follows {known}, and adds something to it."),
        N_(
            "Best match {lag} {units} late: this forecast follows {known}, and adds "
            "something to it."
        ),
    ),
    "repeats": (
        N_("Best match one {unit} late: this forecast mostly repeats {known}."),
        N_("Best match {lag} {units} late: this forecast mostly repeats {known}."),
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
        quantity: what is forecast. For a volatility, errors are of its logarithm.
        qlike, persistence_qlike: mean QLIKE loss of a volatility (:func:`qlike_losses`); NaN for
            closes.
        qlike_p: two-sided p-value of Diebold-Mariano against persistence on QLIKE losses.
        missing: test days without a number.
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
    quantity: Quantity = CLOSE
    qlike: float = math.nan
    persistence_qlike: float = math.nan
    qlike_p: float = math.nan
    missing: int = 0

    @property
    def verdict(self) -> str:
        """What the lag says, in words."""
        return _lag_verdict(self)

    @property
    def relation(self) -> Relation:
        """Better or worse than persistence, where the test says so."""
        if self.beats_persistence:
            return "better"
        if self.worse_than_persistence:
            return "worse"
        return "undecided"


def evaluate(forecast: Forecast) -> Evaluation:
    """Measure a forecast on its test part, beside persistence.

    Errors of a volatility are of its logarithm; MAPE and QLIKE are of the volatility itself.
    """
    measured = forecast.to_error_scale()
    test = measured.select_part("test")
    train = measured.select_part("train")
    plain = forecast.select_part("test")
    errors = _mean_errors(test.actual, test.predicted)
    base = _mean_errors(test.actual, test.anchor)
    naive = _mean_errors(train.actual, train.anchor)
    directions = _count_directions(test)
    lag = best_lag(test.predicted, test.actual, max(BEST_LAG_DAYS, test.horizon))
    own = test.predicted - test.actual
    rival = test.anchor - test.actual
    tested = diebold_mariano(own, rival, test.horizon)
    skill = 1 - _safe_ratio(errors.rmse, base.rmse)
    beats = tested.p < LEVEL and skill > 0 and errors.mae < base.mae
    worse = tested.p < LEVEL and skill < 0 and errors.mae > base.mae
    return Evaluation(
        rmse=errors.rmse,
        mae=errors.mae,
        mape=_mean_errors(plain.actual, plain.predicted).mape,
        mase=_safe_ratio(errors.mae, naive.mae),
        skill=skill,
        directional_accuracy=_safe_ratio(directions.right, directions.counted),
        directional_interval=wilson_interval(directions.right, directions.counted, test.horizon),
        directional_days=directions.counted,
        still_days=len(test) - directions.counted,
        base_rate=_safe_ratio(directions.up, directions.moved),
        best_lag=lag,
        persistence_rmse=base.rmse,
        persistence_mae=base.mae,
        persistence_mape=_mean_errors(plain.actual, plain.anchor).mape,
        n=len(test),
        horizon=test.horizon,
        dm=tested.statistic,
        dm_p=tested.p,
        beats_persistence=beats,
        worse_than_persistence=worse,
        spacing=forecast.spacing,
        rmsse=_safe_ratio(errors.rmse, naive.rmse),
        bias=_mean_error(test),
        cw_p=clark_west(own, rival, test.horizon),
        detectable_skill=detectable_skill(own, rival, test.horizon),
        best_rmse=_best_rmse(test),
        reached=reached_share(test),
        quantity=forecast.quantity,
        missing=int((~np.isfinite(test.predicted)).sum()),
        **_measure_qlike(forecast),
    )


class _Qlike(TypedDict):
    """QLIKE of a forecast and of persistence, and the p-value of their difference."""

    qlike: float
    persistence_qlike: float
    qlike_p: float


def _measure_qlike(forecast: Forecast) -> _Qlike:
    """QLIKE on the test part; all NaN for closes."""
    if not forecast.quantity.is_volatility:
        return _Qlike(qlike=math.nan, persistence_qlike=math.nan, qlike_p=math.nan)
    own = qlike_losses(forecast)
    rival = qlike_losses(dataclasses.replace(forecast, predicted=forecast.anchor))
    # The test is of squares, so the roots of the losses stand in for errors.
    tested = diebold_mariano(np.sqrt(own), np.sqrt(rival), forecast.horizon)
    return _Qlike(
        qlike=float(np.mean(own)), persistence_qlike=float(np.mean(rival)), qlike_p=tested.p
    )


def qlike_losses(forecast: Forecast) -> Points:
    """(N,) QLIKE loss of each test day: v / f - log(v / f) - 1 of variances v and forecasts f.

    The forecast of a logarithm, exponentiated, is a median rather than a mean, and a GARCH model
    forecasts another measure of variance than the range. So the level of every forecast is set
    alike, on the training part alone, to where its QLIKE is least there: the mean of v / f.

    Args:
        forecast: of a volatility.

    Source: Patton (2011), J. Econometrics 160, 246-256.
    """
    train = forecast.select_part("train")
    level = 1.0
    if len(train):
        level = float(np.mean(np.square(train.actual / train.predicted)))
    test = forecast.select_part("test")
    ratio = np.square(test.actual / test.predicted) / level
    return np.asarray(np.maximum(ratio - np.log(ratio) - 1, 0.0))


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
    quantity = evaluation.quantity
    close = quantity.describe_target(evaluation.spacing, evaluation.horizon)
    if not math.isfinite(evaluation.mae):
        return _(_NOT_JUDGED).format(name=name, close=close)
    sentence = _(_HEADLINES[evaluation.relation]).format(
        name=name,
        close=close,
        error=format_points(evaluation.mae),
        unit=quantity.error_unit,
        rival=quantity.describe_rival(evaluation.spacing, evaluation.horizon),
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
        return _(_NOTHING_TO_GAIN)
    template = _(_REACHED)
    if reached < 0:
        template = _(_REACHED_NONE)
    return template.format(name=name, share=reached)


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


def _lag_verdict(judged: Evaluation) -> str:
    lag = judged.best_lag
    if judged.missing:
        return _(_MISSING_DAYS).format(missing=judged.missing, days=judged.n)
    if lag is None:
        return _("This forecast does not move, or there are too few test days to say when it does.")
    if lag == 0:
        return _("Best match on the day itself: this forecast does not lag.")
    one, many = _LAG_SENTENCES[_lag_kind(judged, lag)]
    template = many
    if lag == 1:
        template = one
    return _(template).format(
        lag=lag,
        lead=judged.horizon - lag,
        last=judged.quantity.known,
        unit=judged.spacing.unit,
        units=judged.spacing.units,
        known=_known_row(judged),
    )


def _lag_kind(judged: Evaluation, lag: int) -> LagKind:
    """What a forecast does that matches the actual best so many rows late."""
    if judged.quantity.is_volatility:
        return "smooth"
    if lag < judged.horizon:
        return "leads"
    beyond = lag > judged.horizon
    if judged.beats_persistence:
        return "slow" if beyond else "adds"
    return "trails" if beyond else "repeats"


def _known_row(judged: Evaluation) -> str:
    """What persistence repeats, seen from the day that is forecast."""
    if judged.horizon > 1 or judged.spacing.name == "irregular":
        return judged.quantity.known
    if judged.spacing.has_weekdays:
        return _("yesterday")
    return _(_UNIT_BEFORE).format(unit=judged.spacing.unit)


def _correlation(moves: Points, past: Points) -> float:
    if np.ptp(past) == 0:
        return -1.0
    return float(np.corrcoef(moves, past)[0, 1])


def _safe_ratio(above: float, below: float) -> float:
    if not below:
        return math.nan
    return above / below
