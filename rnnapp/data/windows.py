"""From a price table to training, validation and test windows, without leak or copy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from rnnapp.configs import WindowConfig
from rnnapp.data.prices import PriceTable
from rnnapp.data.scaling import RangeScaler, Scaler, StandardScaler
from rnnapp.data.sequences import FloatArray, Sequences, Split
from rnnapp.errors import ConfigError, TooFewRowsError

__all__ = ["PriceSequences", "PriceSplit", "make_split", "window_starts"]

Float64Array = npt.NDArray[np.float64]
_Value = TypeVar("_Value", bound=np.generic)


@dataclass(frozen=True, eq=False, kw_only=True)
class PriceSequences(Sequences):
    """Windows over prices, with what each target is in index points.

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
        prices: the table (only the rows in use).
        columns: names of the F features, in the order the net sees them.
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

    def to_points(self, scaled: npt.NDArray[np.floating], anchor: Float64Array) -> Float64Array:
        """What the net answered, in index points.

        Args:
            scaled: (N, H) answers, scaled targets.
            anchor: (N,) last close of each window, index points.

        Returns:
            (N, H) closes in index points.
        """
        value = self.target_scaler.inverse_transform(np.asarray(scaled, np.float64))
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
    prices = prices.tail(config.rows)
    _refuse_log_returns(prices, config)
    columns, features, notes = _features(prices, config)
    first = _first_row(config)
    starts = window_starts(prices, config)
    _require_windows(prices, config, len(starts))
    trained, validated, test_start = _parts(prices, config, first, len(starts))
    train_rows = int(starts[trained - 1]) + config.window + config.horizon
    fit_rows = len(prices) if config.scaling == "all" else train_rows

    # the scalers see training rows only, unless the settings say otherwise
    feature_scaler = _fit_features(config, features[first:fit_rows])
    rows = np.ascontiguousarray(feature_scaler.transform(features), dtype=np.float32)
    rows[:first] = 0.0  # never inside a window
    actual = _ahead(prices.close, config, first)[starts - first]  # (N, H)
    values = _target(actual, prices.close[starts + config.window - 1], config)
    fitted = values if config.scaling == "all" else values[:trained]
    target_scaler = _fit_targets(config, prices.close[first:fit_rows], fitted)
    targets = np.ascontiguousarray(target_scaler.transform(values), dtype=np.float32)

    windows = _cut_windows(prices, config, rows, targets)
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
    units = prices.spacing.units
    needed = _first_row(config) + config.window + config.horizon + 3
    raise TooFewRowsError(
        f"{prices.name} has {len(prices)} rows; a window of {config.window} {units} and a "
        f"horizon of {config.horizon} need at least {needed}.",
        remedy="Use a shorter window or a longer file.",
    )


def _cut_windows(
    prices: PriceTable, config: WindowConfig, rows: FloatArray, targets: FloatArray
) -> PriceSequences:
    """All N windows over the scaled (R, F) rows, with their scaled (N, H) targets."""
    first = _first_row(config)
    starts = window_starts(prices, config)
    ends = starts + config.window - 1
    return PriceSequences(
        rows=rows,
        starts=starts,
        targets=targets,
        steps=config.window,
        dates=_ahead(prices.dates, config, first)[starts - first],
        actual=_ahead(prices.close, config, first)[starts - first],
        anchor=prices.close[ends],
        anchor_dates=prices.dates[ends],
    )


def _features(
    prices: PriceTable, config: WindowConfig
) -> tuple[tuple[str, ...], Float64Array, tuple[str, ...]]:
    """Column names, (R, F) values in the form the net sees, and what was filled."""
    columns = config.features or prices.columns
    missing = [c for c in columns if c not in prices.columns]
    if missing:
        raise ConfigError(
            f"{prices.name} has no column {', '.join(missing)}; it has {', '.join(prices.columns)}."
        )
    frame = prices.frame[list(columns)]
    notes: list[str] = []
    holes = frame.columns[frame.isna().any()]
    if len(holes):
        frame = frame.ffill().fillna(0.0)  # only ever from the past
        notes.append(
            f"{', '.join(map(str, holes))} has gaps; each was filled with the last value before it."
        )
    values = frame.to_numpy(np.float64)
    if config.input_form == "change":
        if not prices.is_positive:
            notes.append(
                "Prices are zero or below, so the net sees plain changes, not log-changes."
            )
        levels = [
            _comparable_levels(value, column, prices.is_positive)
            for column, value in zip(columns, values.T, strict=True)
        ]
        changes = np.diff(np.column_stack(levels), axis=0)
        values = np.vstack([np.zeros(len(columns)), changes])
    return tuple(columns), values, tuple(notes)


def _comparable_levels(values: Float64Array, column: str, positive: bool) -> Float64Array:
    """(R,) what the changes of a column are taken of: logarithms, where prices have them."""
    if column == "Volume":
        return np.log1p(values)
    if positive:
        return np.log(values)
    return values


def window_starts(prices: PriceTable, config: WindowConfig) -> npt.NDArray[np.int64]:
    """(N,) first rows of the windows that do not run across a hole in the series."""
    first = _first_row(config)
    length = config.window + config.horizon
    starts = np.arange(first, max(first, len(prices) - length + 1), dtype=np.int64)
    crosses = np.zeros(len(starts), bool)
    for hole in prices.holes.tolist():
        crosses |= (starts < hole) & (starts + length > hole)
        if first:  # the first change after a hole is no change of a day
            crosses |= starts == hole
    return starts[~crosses]


def _first_row(config: WindowConfig) -> int:
    """1 where the net sees changes: the first day has none."""
    return int(config.input_form == "change")


def _refuse_log_returns(prices: PriceTable, config: WindowConfig) -> None:
    """Log-returns and the shares of rises need prices above zero."""
    if config.target != "log-return" or prices.is_positive:
        return
    row = int(prices.close.argmin())
    raise ConfigError(
        f"{prices.name} falls to {prices.close[row]:,.6g} on {prices.dates[row]!s:.10}, and "
        "log-returns need prices above zero.",
        remedy="Use the target difference or level.",
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
            f"The split {config.split} leaves {max(learned, 0)} of {count} windows for training "
            f"and {max(count - gap - learned, 0)} for the test; both need at least one.",
            remedy=f"Use a split from 1 to {most} windows.",
        )
    validated = int(config.valid * learned)
    trained = learned - validated - (gap if validated else 0)
    if trained < 1:
        raise TooFewRowsError(
            f"{learned} training windows leave none to train on beside a validation share of "
            f"{config.valid:g} and a horizon of {config.horizon}.",
            remedy="Use a smaller share or a later split.",
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
    return np.log(actual / anchor[:, None])


def _fit_features(config: WindowConfig, features: Float64Array) -> Scaler:
    if config.input_form == "level":
        return RangeScaler.fit(features)
    return StandardScaler.fit(features)


def _fit_targets(config: WindowConfig, closes: Float64Array, values: Float64Array) -> Scaler:
    """As the notebooks do, levels are scaled by the closes' own range, each horizon alike."""
    if config.target == "level":
        return RangeScaler.fit(np.repeat(closes[:, None], config.horizon, axis=1))
    return StandardScaler.fit(values, with_mean=False)


def _notes(config: WindowConfig) -> tuple[str, ...]:
    if config.scaling == "all":
        return (
            "The scaler is fitted on all rows, so the net knows the test part's range: "
            "these figures leak.",
        )
    return ()
