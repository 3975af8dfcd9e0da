"""From a price table to training, validation and test windows, without leak or copy."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rnnapp.configs import WindowConfig
from rnnapp.data.inputs import first_input_row, input_reach, make_inputs
from rnnapp.data.prices import PriceTable
from rnnapp.data.quantities import MEAN_VOLATILITY, Quantity, quantity_of
from rnnapp.data.scaling import RangeScaler, Scaler, StandardScaler
from rnnapp.data.sequences import FloatArray, Sequences, Split
from rnnapp.data.volatility import (
    daily_volatility,
    mean_ahead,
    mean_known,
    require_positive,
    yearly_factor,
)
from rnnapp.errors import ConfigError, TooFewRowsError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["PriceSequences", "PriceSplit", "forecast_series", "make_split", "window_starts"]

Float64Array = npt.NDArray[np.float64]
_TOO_FEW = N_(
    "{name} has {rows} rows; a window of {window} {units} and a horizon of {horizon} need at least "
    "{needed}."
)
_TOO_FEW_BEFORE = N_(
    "{name} has {rows} rows; its features begin after {first} of them, and with a window of "
    "{window} {units} and a horizon of {horizon} they need at least {needed}."
)
_Value = TypeVar("_Value", bound=np.generic)


@dataclass(frozen=True, eq=False, kw_only=True)
class PriceSequences(Sequences):
    """Windows over prices, with what each target is in index points.

    For a volatility target, values are percent a year in place of index points.

    Attributes:
        dates: (N, H) datetime64[ns], the day of each target.
        actual: (N, H) float64, the close on that day, index points.
        anchor: (N,) float64, the last close inside the window, index points; persistence
            forecasts it.
        anchor_dates: (N,) datetime64[ns], the day of the anchor.
    """

    dates: npt.NDArray[np.datetime64]
    actual: Float64Array
    anchor: Float64Array
    anchor_dates: npt.NDArray[np.datetime64]


@dataclass(frozen=True, eq=False, kw_only=True)
class PriceSplit(Split):
    """A price table cut into windows.

    Attributes:
        config: the settings it was cut with.
        prices: the table (only the rows and the other columns in use).
        columns: names of the F features, in the order the net sees them; one of two values stands
            twice.
        feature_scaler, target_scaler: fitted on the rows that ``config.scaling`` names.
        train_rows: rows of the table with prices that training may know; the scalers see no
            later row under ``train``.
        boundary: the first test day.
        notes: what a person should know about these settings, in sentences.
    """

    train: PriceSequences
    test: PriceSequences
    valid: PriceSequences | None
    config: WindowConfig = field()
    prices: PriceTable
    columns: tuple[str, ...]
    feature_scaler: Scaler
    target_scaler: Scaler
    train_rows: int
    boundary: np.datetime64
    notes: tuple[str, ...]

    @property
    def quantity(self) -> Quantity:
        """What is forecast: closes or volatility."""
        return quantity_of(self.config.target)

    @cached_property
    def series(self) -> Float64Array:
        """(R,) what is forecast, of each row: closes in index points, or percent a year."""
        return forecast_series(self.prices, self.config)

    def to_points(self, scaled: npt.NDArray[np.floating], anchor: Float64Array) -> Float64Array:
        """What the net answered, in index points; a volatility in percent a year.

        Args:
            scaled: (N, H) answers, scaled targets.
            anchor: (N,) last close of each window, index points.

        Returns:
            (N, H) closes in index points.
        """
        value = self.target_scaler.inverse_transform(np.asarray(scaled, np.float64))
        if self.config.forecasts_volatility:
            return np.asarray(np.exp(value))
        if self.config.target == "level":
            return value
        if self.config.target == "difference":
            return anchor[:, None] + value
        return anchor[:, None] * np.exp(value)


def make_split(prices: PriceTable, config: WindowConfig) -> PriceSplit:
    """Cut a price table into windows.

    Window i holds T rows; its targets are the H closes after it. The first k windows train (their
    latest share validates); windows with labels that would overlap the next part's are left out,
    so that no training label lies in the test period.

    Raises:
        ConfigError: a feature the table does not have, or a split outside the table.
        TooFewRowsError: fewer rows than the window, the horizon and the split need.
    """
    prices = prices.tail(config.rows).select_features(config.features)
    _refuse_log_returns(prices, config)
    if config.forecasts_volatility or config.input_form == "volatility":
        require_positive(prices)
    columns, features, notes = make_inputs(prices, config)
    first = first_input_row(prices, config)
    starts = window_starts(prices, config)
    _require_windows(prices, config, len(starts))
    trained, validated, test_start = _parts(prices, config, first, len(starts))
    train_rows = int(starts[trained - 1]) + config.window + config.horizon
    fit_rows = len(prices) if config.scaling == "all" else train_rows

    # the scalers see training rows only, unless the settings say otherwise
    feature_scaler = _fit_features(config, features[first:fit_rows])
    rows = np.ascontiguousarray(feature_scaler.transform(features), dtype=np.float32)
    rows[:first] = 0.0  # never inside a window
    series = forecast_series(prices, config)
    actual = _actual_ahead(prices, config, first)[starts - first]  # (N, H)
    values = _target(actual, series[starts + config.window - 1], config)
    fitted = values if config.scaling == "all" else values[:trained]
    target_scaler = _fit_targets(config, prices.close[first:fit_rows], fitted)
    targets = np.ascontiguousarray(target_scaler.transform(values), dtype=np.float32)

    windows = _cut_windows(prices, config, rows, targets, actual=actual, anchor=series)
    gap = config.horizon - 1
    valid = windows[trained + gap : trained + gap + validated] if validated else None
    test = windows[test_start:]
    return PriceSplit(
        train=windows[:trained],
        test=test,
        valid=valid,
        objective="mse",
        outputs=config.horizon,
        name=prices.name,
        fingerprint=prices.fingerprint,
        config=config,
        prices=prices,
        columns=columns,
        feature_scaler=feature_scaler,
        target_scaler=target_scaler,
        train_rows=train_rows,
        boundary=test.dates[0, 0],
        notes=notes + _notes(config),
    )


def _require_windows(prices: PriceTable, config: WindowConfig, count: int) -> None:
    if count >= 4:
        return
    first = first_input_row(prices, config)
    template = _(_TOO_FEW)
    remedy = _("Use a shorter window or a longer file.")
    if first > 1:
        template = _(_TOO_FEW_BEFORE)
        remedy = _("Use a shorter window, features that reach less far back, or a longer file.")
    message = template.format(
        name=prices.name,
        rows=len(prices),
        window=config.window,
        units=prices.spacing.units,
        horizon=config.horizon,
        first=first,
        needed=first + config.window + config.horizon + 3,
    )
    raise TooFewRowsError(message, remedy=remedy)


def forecast_series(prices: PriceTable, config: WindowConfig) -> Float64Array:
    """(R,) what is forecast, of each row: the close in index points, or percent a year.

    Of a mean volatility H days ahead it is the mean of the H rows up to each one.

    Args:
        prices: R rows; prices above zero for a volatility.
        config: its target, and its horizon.
    """
    if not config.forecasts_volatility:
        return prices.close
    volatility = daily_volatility(prices)
    if quantity_of(config.target) is MEAN_VOLATILITY:
        volatility = mean_known(volatility, config.horizon)
    return yearly_factor(prices) * volatility


def _actual_ahead(prices: PriceTable, config: WindowConfig, first: int) -> Float64Array:
    """(count, H) what came true on the H days after each window."""
    if not config.forecasts_volatility:
        return _ahead(prices.close, config, first)
    yearly = yearly_factor(prices) * daily_volatility(prices)
    ahead = _ahead(yearly, config, first)
    if quantity_of(config.target) is MEAN_VOLATILITY:
        return mean_ahead(ahead)
    return ahead


def _cut_windows(
    prices: PriceTable,
    config: WindowConfig,
    rows: FloatArray,
    targets: FloatArray,
    *,
    actual: Float64Array,
    anchor: Float64Array,
) -> PriceSequences:
    """All N windows over the scaled (R, F) rows, with their scaled (N, H) targets.

    ``actual`` is (N, H), ``anchor`` is (R,).
    """
    first = first_input_row(prices, config)
    starts = window_starts(prices, config)
    ends = starts + config.window - 1
    return PriceSequences(
        rows=rows,
        starts=starts,
        targets=targets,
        steps=config.window,
        dates=_ahead(prices.dates, config, first)[starts - first],
        actual=actual,
        anchor=anchor[ends],
        anchor_dates=prices.dates[ends],
    )


def window_starts(prices: PriceTable, config: WindowConfig) -> npt.NDArray[np.int64]:
    """(N,) first rows of the windows that do not run across a hole in the series."""
    first = first_input_row(prices, config)
    length = config.window + config.horizon
    starts = np.arange(first, max(first, len(prices) - length + 1), dtype=np.int64)
    crosses = np.zeros(len(starts), bool)
    for hole in prices.holes.tolist():
        crosses |= (starts < hole) & (starts + length > hole)
        # the first change after a hole is no change of a day; features reach farther back
        crosses |= (starts >= hole) & (starts < hole + input_reach(config))
    return starts[~crosses]


def _refuse_log_returns(prices: PriceTable, config: WindowConfig) -> None:
    """Log-returns and the shares of rises need prices above zero."""
    if config.target != "log-return" or prices.is_positive:
        return
    row = int(prices.close.argmin())
    raise ConfigError(
        _(
            "{name} falls to {close:,.6g} on {dates!s:.10}, and log-returns need prices above zero."
        ).format(name=prices.name, close=prices.close[row], dates=prices.dates[row]),
        remedy=_("Use the target difference or level."),
    )


def _parts(
    prices: PriceTable, config: WindowConfig, first: int, count: int
) -> tuple[int, int, int]:
    """Windows that train, windows that validate, and the first window that tests."""
    gap = config.horizon - 1
    learned = _split_windows(prices, config, first, count)
    most = count - gap - 1
    if not 1 <= learned <= most:
        raise TooFewRowsError(
            _(
                "The split {split} leaves {learned} of {count} windows for training "
                "and {max} for the test; both need at least one."
            ).format(
                split=config.split,
                learned=max(learned, 0),
                count=count,
                max=max(count - gap - learned, 0),
            ),
            remedy=_("Use a split from 1 to {most} windows.").format(most=most),
        )
    validated = int(config.valid * learned)
    trained = learned - validated - (gap if validated else 0)
    if trained < 1:
        raise TooFewRowsError(
            _(
                "{learned} training windows leave none to train on beside a validation share of "
                "{valid:g} and a horizon of {horizon}."
            ).format(learned=learned, valid=config.valid, horizon=config.horizon),
            remedy=_("Use a smaller share or a later split."),
        )
    return trained, validated, learned + gap


def _split_windows(prices: PriceTable, config: WindowConfig, first: int, count: int) -> int:
    split = config.split
    if isinstance(split, int):
        return split
    if isinstance(split, float):
        return min(max(int(split * count), 1), count - config.horizon)
    row = int(np.searchsorted(prices.dates, np.datetime64(split)))  # first row on or after that day
    starts = window_starts(prices, config)
    return int((starts + config.window + config.horizon - 1 < row).sum())


def _ahead(values: npt.NDArray[_Value], config: WindowConfig, first: int) -> npt.NDArray[_Value]:
    """(count, H) view: the H values after each window."""
    return np.lib.stride_tricks.sliding_window_view(values[first + config.window :], config.horizon)


def _target(actual: Float64Array, anchor: Float64Array, config: WindowConfig) -> Float64Array:
    if config.target == "level":
        return actual
    if config.target == "difference":
        return actual - anchor[:, None]
    if config.forecasts_volatility:
        return np.log(actual)
    return np.log(actual / anchor[:, None])


def _fit_features(config: WindowConfig, features: Float64Array) -> Scaler:
    if config.input_form == "level":
        return RangeScaler.fit(features)
    return StandardScaler.fit(features)


def _fit_targets(config: WindowConfig, closes: Float64Array, values: Float64Array) -> Scaler:
    """As the notebooks do, levels are scaled by the closes' own range, each horizon alike."""
    if config.target == "level":
        return RangeScaler.fit(np.repeat(closes[:, None], config.horizon, axis=1))
    return StandardScaler.fit(values, with_mean=config.forecasts_volatility)


def _notes(config: WindowConfig) -> tuple[str, ...]:
    if config.scaling == "all":
        return (
            _(
                "The scaler is fitted on all rows, so the net knows the test part's range: "
                "these figures leak."
            ),
        )
    return ()
