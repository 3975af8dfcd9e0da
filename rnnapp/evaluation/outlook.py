"""The days after the last row: forecasts of each step with intervals, beside persistence's.

First the settings are judged on the test part as everywhere. Then the nets are trained again on
all rows with the same settings, early stopping's epoch taken over, as forecasters do. Intervals
are split-conformal: their widths come from the judged nets' errors on test days, which trained
nothing. Errors are taken relative to the last close where closes are positive, so that a band
learned at one price level fits another.
"""

from __future__ import annotations

import dataclasses
import math
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.calendars import future_days
from rnnapp.data.prices import PriceTable
from rnnapp.data.quantities import CLOSE, Quantity
from rnnapp.data.sequences import FloatArray
from rnnapp.data.simulated import SimulatedPrices
from rnnapp.data.spacing import DAILY, Spacing
from rnnapp.data.windows import PriceSequences, PriceSplit, make_split
from rnnapp.errors import ConfigError, TrainingError
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import format_points
from rnnapp.evaluation.intervals import days_needed, step_widths, winkler_score
from rnnapp.evaluation.metrics import Evaluation, Relation, evaluate
from rnnapp.evaluation.price_band import PriceBand, price_band
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import format_date_part, translate_again
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.training.ensemble import train_many
from rnnapp.training.loop import TrainedModel

__all__ = [
    "Fan",
    "Outlook",
    "OutlookDay",
    "OutlookNets",
    "doubt_outlook",
    "make_full_split",
    "outlook",
    "outlook_from_models",
    "train_outlook_nets",
]

Points = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

_HEADLINES: dict[Relation, str] = {
    "better": N_(
        "{day}: {predicted}, {level} between {lower} and {upper}. {rival} says "
        "{rival_close} and has missed more on the test part."
    ),
    "worse": N_(
        "{day}: {predicted}, {level} between {lower} and {upper}. {rival} says "
        "{rival_close} and has missed less on the test part."
    ),
    "undecided": N_(
        "{day}: {predicted}, {level} between {lower} and {upper}. {rival} says "
        "{rival_close} and has missed no more on the test part."
    ),
}
_NO_INTERVAL = N_(
    "{days} test {units} are too few for an interval of {level:.0%} at {horizon} steps: at least "
    "{needed} are needed. Use a longer file or an earlier split."
)
_VERDICTS: dict[Relation, str] = {
    "better": N_(
        "On {days:,} test {units} {name} missed by {error} {unit} (RMSE), better than "
        "persistence ({rival}) at 10%."
    ),
    "worse": N_(
        "On {days:,} test {units} {name} missed by {error} {unit} (RMSE), worse than "
        "persistence ({rival}) at 10%."
    ),
    "undecided": N_(
        "On {days:,} test {units} {name} missed by {error} {unit} (RMSE), no better than "
        "persistence ({rival})."
    ),
}
_RETRAINED = N_("Judged on the test part, then trained again on all {rows:,} rows.")
_JUDGED = N_("Forecast by the judged weights; the test part did not train them.")
_SIMULATED = N_(
    "These prices are simulated: their days are made up, and no exchange will say what came true."
)


_FIRST_DAYS = {
    False: N_("Next close, {weekday} {day} {month} {year}"),
    True: N_("Volatility, {weekday} {day} {month} {year}"),
}


class OutlookDay(TypedDict):
    """One day as plain JSON values; what is no number is null."""

    date: str
    predicted: float | None
    lower: float | None
    upper: float | None
    persistence: float | None
    persistence_lower: float | None
    persistence_upper: float | None


@dataclass(frozen=True, eq=False)
class Fan:
    """Forecasts of each step with their intervals, and how such intervals did on test days.

    Attributes:
        predicted, lower, upper: (H,) index points, or percent a year of a volatility; the ends are
            NaN where no interval can be given.
        coverage: (H,) share of test days inside the interval of that step; NaN without such days.
        winkler: (H,) mean interval score of the same days, index points.
        days: (N,) the test days, as the first step's.
        inside: (N, H) whether the interval held that day's actual.
        judged: (N, H) whether the day had an interval.
    """

    predicted: Points
    lower: Points
    upper: Points
    coverage: Points
    winkler: Points
    days: Days
    inside: npt.NDArray[np.bool_]
    judged: npt.NDArray[np.bool_]

    @property
    def months(self) -> pd.DataFrame:
        """One line a month of test days: ``coverage`` over all steps, and ``days``."""
        month = self.days.astype("datetime64[M]").astype("datetime64[ns]")
        table = pd.DataFrame(
            {"hits": (self.inside & self.judged).sum(axis=1), "days": self.judged.sum(axis=1)},
            index=pd.DatetimeIndex(month, name="month"),
        )
        sums = table[table["days"] > 0].groupby(level=0).sum()
        return pd.DataFrame({"coverage": sums["hits"] / sums["days"], "days": sums["days"]})


@dataclass(frozen=True, eq=False)
class Outlook:
    """The next H days, as forecast after the last row.

    Attributes:
        name: the net.
        series: name of the table.
        made_from: the last row's day.
        last_close: its close, index points.
        dates: (H,) the days that are forecast.
        calendar: how these days were found, in a sentence.
        level: nominal coverage of the intervals.
        net, net_adaptive: the net's fan, with split-conformal and with adaptive widths.
        rival: persistence's fan, split-conformal.
        spread: (H,) standard deviation over seeds, index points; NaN for one seed.
        seeds: nets that were averaged.
        retrained: whether the nets were trained again on all rows after they were judged.
        evaluation: the averaged forecast of the first step on the test part.
        last_evaluation: the same of the last step.
        tested: the averaged forecast of the first step itself.
        notes: what a reader must know, in sentences.
        spacing: the rhythm of the rows.
        fingerprint: of the table it was made from.
        quantity: what is forecast. A volatility stands in percent a year in place of index points,
            and ``last_close`` is the last volatility known.
        past: (R,) the same of the known rows.
        prices_band: the prices that a forecast volatility allows, None where it has none.
    """

    name: str
    series: str
    made_from: np.datetime64
    last_close: float
    dates: Days
    calendar: str
    level: float
    net: Fan
    net_adaptive: Fan
    rival: Fan
    spread: Points
    seeds: int
    retrained: bool
    evaluation: Evaluation
    last_evaluation: Evaluation
    tested: Forecast
    notes: tuple[str, ...]
    spacing: Spacing = DAILY
    fingerprint: str = ""
    quantity: Quantity = CLOSE
    past: Points | None = None
    prices_band: PriceBand | None = None

    @property
    def verdict(self) -> str:
        """What this net did on the test days beside persistence."""
        return _outlook_verdict(self.evaluation, self.name)

    @property
    def predicted(self) -> Points:
        """(H,) the net's forecast, index points."""
        return self.net.predicted

    @property
    def lower(self) -> Points:
        """(H,) lower end of the net's interval, index points."""
        return self.net.lower

    @property
    def upper(self) -> Points:
        """(H,) upper end of the net's interval, index points."""
        return self.net.upper

    @property
    def persistence(self) -> Points:
        """(H,) the last close, index points."""
        return self.rival.predicted

    @property
    def persistence_lower(self) -> Points:
        """(H,) lower end of persistence's interval, index points."""
        return self.rival.lower

    @property
    def persistence_upper(self) -> Points:
        """(H,) upper end of persistence's interval, index points."""
        return self.rival.upper

    @property
    def coverage(self) -> Points:
        """(H,) coverage of the net's intervals on the test part."""
        return self.net.coverage

    def to_frame(self) -> pd.DataFrame:
        """One line a day, index points."""
        return pd.DataFrame(
            {
                "date": self.dates,
                "predicted": self.predicted,
                "lower": self.lower,
                "upper": self.upper,
                "persistence": self.persistence,
                "persistence_lower": self.persistence_lower,
                "persistence_upper": self.persistence_upper,
            }
        )

    def list_days(self) -> list[OutlookDay]:
        """The days as plain JSON values."""
        return [
            {
                "date": _iso_day(self.dates[step]),
                "predicted": _or_null(self.predicted[step]),
                "lower": _or_null(self.lower[step]),
                "upper": _or_null(self.upper[step]),
                "persistence": _or_null(self.persistence[step]),
                "persistence_lower": _or_null(self.persistence_lower[step]),
                "persistence_upper": _or_null(self.persistence_upper[step]),
            }
            for step in range(len(self.dates))
        ]

    def headline(self) -> str:
        """The sentence a page begins with: the next close, its interval, and persistence's."""
        first = pd.Timestamp(self.dates[0])
        template = _(_FIRST_DAYS[self.quantity.is_volatility])
        day = template.format(
            weekday=format_date_part(first, "%a", "EEE"),
            day=first.day,
            month=format_date_part(first, "%b", "MMM"),
            year=first.year,
        )
        predicted = _format_value(self.predicted[0], self.quantity)
        if self.quantity.is_volatility:
            predicted = _("{value} a year").format(value=predicted)
        if not math.isfinite(self.lower[0]):
            notes = " ".join(map(translate_again, self.notes))
            return _("{day}: {predicted}. {notes}").format(
                day=day, predicted=predicted, notes=notes
            )
        return _(_HEADLINES[self.evaluation.relation]).format(
            day=day,
            predicted=predicted,
            level=_chance_words(self.level),
            lower=_format_value(self.lower[0], self.quantity),
            upper=_format_value(self.upper[0], self.quantity),
            rival=_rival_name(self.spacing, self.quantity),
            rival_close=_format_value(self.persistence[0], self.quantity),
        )


@dataclass(frozen=True, eq=False)
class OutlookNets:
    """Nets that an outlook is made with, at any level.

    Attributes:
        split, judged: the windows and the nets whose test errors give the intervals' widths.
        full_split, final: the windows and the nets that forecast.
        retrained: whether ``final`` were trained again on all rows.
    """

    split: PriceSplit
    judged: tuple[TrainedModel, ...]
    full_split: PriceSplit
    final: tuple[TrainedModel, ...]
    retrained: bool

    def make_outlook(self, level: float = 0.8) -> Outlook:
        """The outlook of these nets with intervals of a nominal coverage."""
        return outlook_from_models(
            self.split,
            self.judged,
            full_split=self.full_split,
            final=self.final,
            level=level,
            retrained=self.retrained,
        )


def doubt_outlook(made: Outlook, evaluation: Evaluation) -> Outlook:
    """The outlook with another evaluation of its first step: many looks may take "better" away."""
    return dataclasses.replace(made, evaluation=evaluation)


def outlook(
    prices: PriceTable,
    window: WindowConfig | None = None,
    model: ModelConfig | None = None,
    train: TrainConfig | None = None,
    *,
    level: float = 0.8,
    seeds: int = 5,
    retrain: bool = True,
    stop: threading.Event | None = None,
    on_event: Callable[[int, int], None] | None = None,
) -> Outlook:
    """Forecast the days after a table's last row.

    Args:
        prices: the table; every row of it may be used.
        window: windows, split and horizon H; all H steps are forecast.
        model, train: the net and how it is trained; seeds count up from its seed.
        level: nominal coverage of the intervals, between 0 and 1.
        seeds: nets that are averaged.
        retrain: train again on all rows after judging; False forecasts with the judged weights.
        stop: set it to end soon.
        on_event: called with trainings done and their total.

    Raises:
        ConfigError: a level outside 0 to 1, or no seeds.
        TooFewRowsError: fewer rows than the windows and the split need.
        TrainingError: a training diverged, or was stopped.
    """
    _check_request(level, seeds)
    nets = train_outlook_nets(
        prices,
        window or WindowConfig(),
        model or ModelConfig(),
        train or TrainConfig(),
        seeds=seeds,
        retrain=retrain,
        stop=stop,
        on_event=on_event,
    )
    return nets.make_outlook(level)


def train_outlook_nets(
    prices: PriceTable,
    window: WindowConfig,
    model: ModelConfig,
    train: TrainConfig,
    *,
    seeds: int = 5,
    retrain: bool = True,
    stop: threading.Event | None = None,
    on_event: Callable[[int, int], None] | None = None,
) -> OutlookNets:
    """Train what :func:`outlook` forecasts with; its arguments and errors."""
    split = make_split(prices, window)
    trains = [dataclasses.replace(train, seed=train.seed + number) for number in range(seeds)]
    total = seeds * (1 + int(retrain))
    report = _count_events(on_event, total)
    judged = _train_seeds(split, model, trains, stop, report)
    final = judged
    full = split
    if retrain:
        full = make_full_split(prices, window)
        again = [_take_over_epochs(one) for one in judged]
        final = _train_seeds(full, model, again, stop, report)
    return OutlookNets(split, tuple(judged), full, tuple(final), retrain)


def outlook_from_models(
    split: PriceSplit,
    judged: Sequence[TrainedModel],
    *,
    full_split: PriceSplit | None = None,
    final: Sequence[TrainedModel] = (),
    level: float = 0.8,
    retrained: bool = False,
) -> Outlook:
    """An outlook from nets that are trained already.

    Args:
        split: windows of the whole table, with the scalers that ``judged`` were trained with.
        judged: nets trained on ``split.train``; their test errors give the intervals' widths.
        full_split: windows with the scalers of ``final``; ``split`` where None.
        final: nets that forecast; ``judged`` where empty.
        level: nominal coverage of the intervals.
        retrained: what the outlook says about ``final``.

    Raises:
        ConfigError: a level outside 0 to 1, or no nets.
    """
    _check_request(level, len(judged))
    full_split = full_split or split
    final = final or judged
    tested = _test_predictions(split, judged)
    each = np.stack([_predict_next(full_split, one) for one in final])  # (K, H)
    predicted = each.mean(axis=0)
    horizon = split.config.horizon
    last_close = float(split.series[-1])
    days = future_days(split.prices, horizon)
    rival = np.full(horizon, last_close)
    anchors = np.repeat(split.test.anchor[:, None], horizon, axis=1)
    name = judged[0].model.name
    first = _step_forecast(split, name, tested, 0)
    evaluation = evaluate(first)
    last = _step_forecast(split, name, tested, horizon - 1)
    return Outlook(
        name=name,
        series=split.prices.name,
        made_from=split.prices.dates[-1],
        last_close=last_close,
        dates=days.dates,
        calendar=days.source,
        level=level,
        net=_make_fan(split, tested, predicted, level),
        net_adaptive=_make_fan(split, tested, predicted, level, adaptive=True),
        rival=_make_fan(split, anchors, rival, level),
        spread=_seed_spread(each),
        seeds=len(final),
        retrained=retrained,
        evaluation=evaluation,
        last_evaluation=evaluate(last),
        tested=first,
        notes=_outlook_notes(split, level, retrained),
        spacing=split.prices.spacing,
        fingerprint=split.prices.fingerprint,
        quantity=split.quantity,
        past=split.series,
        prices_band=price_band(split, name, tested, predicted, level),
    )


def _outlook_notes(split: PriceSplit, level: float, retrained: bool) -> tuple[str, ...]:
    """What a reader must know: the split's own notes, what forecasts, and a missing interval."""
    made_by = {True: _(_RETRAINED), False: _(_JUDGED)}[retrained]
    notes = [*split.notes, made_by.format(rows=len(split.prices))]
    if isinstance(split.prices, SimulatedPrices):
        notes.append(_(_SIMULATED))
    horizon = split.config.horizon
    needed = days_needed(level, horizon)
    if len(split.test) < needed:
        notes.append(
            _(_NO_INTERVAL).format(
                days=len(split.test),
                units=split.prices.spacing.units,
                level=level,
                horizon=horizon,
                needed=needed,
            )
        )
    return tuple(notes)


def make_full_split(prices: PriceTable, window: WindowConfig) -> PriceSplit:
    """Windows that all train: scalers over every row, no validation, no test to judge by."""
    whole = dataclasses.replace(window, valid=0.0, scaling="all")
    # A split must leave a test, and a gap before it; two of them together have every window.
    late = make_split(prices, dataclasses.replace(whole, split=1))
    early = make_split(prices, dataclasses.replace(whole, split=len(late.test)))
    parts = [late.test]
    if len(early.train) >= window.horizon:
        parts.insert(0, early.train[: window.horizon])
    names = ("starts", "targets", "dates", "actual", "anchor", "anchor_dates")
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in names
    }
    return dataclasses.replace(
        late,
        train=dataclasses.replace(late.test, **joined),
        train_rows=len(late.prices),
        config=window,
        notes=(),
    )


def _check_request(level: float, seeds: int) -> None:
    if not 0 < level < 1:
        raise ConfigError(
            _("The interval's level is {level:g}; it takes a share between 0 and 1 (0.8).").format(
                level=level
            )
        )
    if seeds < 1:
        raise ConfigError(_("seeds is {seeds}. Use at least 1.").format(seeds=seeds))


def _count_events(on_event: Callable[[int, int], None] | None, total: int) -> Callable[[], None]:
    """A function to call after each training."""
    done = 0

    def count_training() -> None:
        nonlocal done
        done += 1
        if on_event is not None:
            on_event(done, total)

    return count_training


def _train_seeds(
    split: PriceSplit,
    model: ModelConfig,
    trains: Sequence[TrainConfig],
    stop: threading.Event | None,
    report: Callable[[], None],
) -> list[TrainedModel]:
    """One net a seed, in the order of the seeds."""
    by_seed: dict[int, TrainedModel] = {}
    for trained in train_many([(split, model, train) for train in trains], stop=stop):
        if trained.stopped == "diverged":
            raise TrainingError(
                _(
                    "{name}, seed {seed}: the loss is no longer a number. "
                    "Use a smaller learning rate."
                ).format(name=shown_name(model.name), seed=trained.train.seed)
            )
        by_seed[trained.train.seed] = trained
        report()
    if len(by_seed) < len(trains) or (stop is not None and stop.is_set()):
        raise TrainingError(_("The outlook was stopped before its nets were trained."))
    return [by_seed[train.seed] for train in trains]


def _take_over_epochs(trained: TrainedModel) -> TrainConfig:
    """The same training without early stopping, for as many epochs as that took."""
    train = trained.train
    if not train.patience:
        return train
    losses = [math.inf if e.valid_loss is None else e.valid_loss for e in trained.history]
    best = int(np.argmin(losses)) + 1
    return dataclasses.replace(train, patience=0, epochs=best)


def _test_predictions(split: PriceSplit, models: Sequence[TrainedModel]) -> Points:
    """(N, H) mean over nets on the test windows, index points."""
    each = [split.to_points(one.predict(split.test), split.test.anchor) for one in models]
    return np.asarray(np.mean(each, axis=0))


def _predict_next(split: PriceSplit, trained: TrainedModel) -> Points:
    """(H,) what a net forecasts from the table's last window, index points."""
    horizon = split.config.horizon
    start = len(split.prices) - split.steps
    anchor = split.series[-1:]
    last = PriceSequences(
        rows=split.train.rows,
        starts=np.array([start], np.int64),
        targets=np.zeros((1, horizon), np.float32),
        steps=split.steps,
        dates=np.full((1, horizon), np.datetime64("NaT", "ns")),
        actual=np.full((1, horizon), math.nan),
        anchor=anchor,
        anchor_dates=split.prices.dates[-1:],
    )
    answers: FloatArray = trained.predict(last)
    return np.asarray(split.to_points(answers, anchor)[0])


def _make_fan(
    split: PriceSplit,
    tested: Points,
    predicted: Points,
    level: float,
    *,
    adaptive: bool = False,
) -> Fan:
    """A fan from (N, H) forecasts of the test windows and (H,) forecasts of the days to come."""
    test = split.test
    # Errors of a volatility are of its logarithm; of closes, relative to the last one.
    change = split.quantity.to_error_scale
    restore = split.quantity.from_error_scale
    scale = np.ones(len(test))  # (N,)
    next_scale = 1.0
    if not split.quantity.is_volatility and (split.prices.close > 0).all():
        scale = test.anchor
        next_scale = float(split.prices.close[-1])
    errors = np.abs(change(test.actual) - change(tested)) / scale[:, None]  # (N, H)
    horizon = errors.shape[1]
    half = np.empty(horizon)
    test_half = np.empty_like(errors)
    for step in range(horizon):
        half[step], test_half[:, step] = step_widths(
            errors[:, step], level, step + 1, adaptive=adaptive
        )
    if split.config.target != "mean-volatility":
        # What is farther away is not more certain; a mean over more days may be.
        half = np.maximum.accumulate(half)
        test_half = np.maximum.accumulate(test_half, axis=1)
    half = half * next_scale
    test_half = test_half * scale[:, None]
    lower = restore(change(tested) - test_half)
    upper = restore(change(tested) + test_half)
    inside = (lower <= test.actual) & (test.actual <= upper)
    judged = np.isfinite(test_half)
    return Fan(
        predicted=predicted,
        lower=restore(change(predicted) - half),
        upper=restore(change(predicted) + half),
        coverage=np.array([_masked_mean(inside[:, k], judged[:, k]) for k in range(horizon)]),
        winkler=np.array(
            [
                _masked_winkler(lower[:, k], upper[:, k], test.actual[:, k], level)
                for k in range(horizon)
            ]
        ),
        days=test.dates[:, 0],
        inside=inside,
        judged=judged,
    )


def _masked_mean(values: npt.NDArray[np.bool_], mask: npt.NDArray[np.bool_]) -> float:
    if not mask.any():
        return math.nan
    return float(values[mask].mean())


def _masked_winkler(lower: Points, upper: Points, actual: Points, level: float) -> float:
    mask = np.isfinite(lower)
    if not mask.any():
        return math.nan
    return winkler_score(lower[mask], upper[mask], actual[mask], level)


def _step_forecast(split: PriceSplit, name: str, tested: Points, step: int) -> Forecast:
    """The test part's forecasts of one step, with the training part's actuals for the scale."""
    train = split.train
    test = split.test
    return Forecast(
        name=name,
        dates=np.concatenate([train.dates[:, step], test.dates[:, step]]),
        actual=np.concatenate([train.actual[:, step], test.actual[:, step]]),
        predicted=np.concatenate([train.anchor, tested[:, step]]),
        anchor=np.concatenate([train.anchor, test.anchor]),
        part=np.array(["train"] * len(train) + ["test"] * len(test)),
        boundary=split.boundary,
        horizon=step + 1,
        spacing=split.prices.spacing,
        quantity=split.quantity,
    )


def _seed_spread(each: Points) -> Points:
    if len(each) < 2:
        return np.full(each.shape[1], math.nan)
    return np.asarray(each.std(axis=0, ddof=1))


def _outlook_verdict(evaluation: Evaluation, name: str) -> str:
    return _(_VERDICTS[evaluation.relation]).format(
        days=evaluation.n,
        units=evaluation.spacing.units,
        name=shown_name(name),
        error=format_points(evaluation.rmse),
        unit=evaluation.quantity.error_unit,
        rival=format_points(evaluation.persistence_rmse),
    )


def _chance_words(level: float) -> str:
    """A level as people say it: ``four times in five``, else ``in 85% of cases``."""
    words = {
        0.5: _("one time in two"),
        0.75: _("three times in four"),
        0.8: _("four times in five"),
        0.9: _("nine times in ten"),
        0.95: _("19 times in 20"),
        0.99: _("99 times in 100"),
    }
    return words.get(round(level, 4), _("in {level:.0%} of cases").format(level=level))


def _format_value(value: float, quantity: Quantity) -> str:
    """A close as everyone reads it, or a volatility with its percent sign."""
    if quantity.is_volatility:
        return f"{format_points(value)}%"
    return format_points(value)


def _rival_name(spacing: Spacing, quantity: Quantity) -> str:
    if quantity.is_volatility:
        return _("Persistence")
    if spacing.has_weekdays:
        return _("'Tomorrow = today'")
    return _("Persistence")


def _iso_day(date: np.datetime64) -> str:
    return str(np.datetime_as_string(date, unit="D"))


def _or_null(value: float) -> float | None:
    if not math.isfinite(value):
        return None
    return float(value)
