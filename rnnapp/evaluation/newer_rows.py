"""Newer rows of a series for a net that is trained already: same columns, same scalers.

What cannot be the same series is refused in a sentence; prices beyond what the net was trained on
are warned of.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.inputs import has_input
from rnnapp.data.prices import PriceTable
from rnnapp.data.windows import PriceSequences, PriceSplit, make_split
from rnnapp.errors import ConfigError
from rnnapp.evaluation.formatting import format_points
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["reuse_scalers"]

Points = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]

_OTHER_COLUMNS = N_(
    "{name} has no column {missing}, which the net was trained with. Use a file that has it, or "
    "join the second series that it was."
)
_OTHER_SCALE = N_(
    "{name} has another scale than the prices the net was trained with: on the same days its "
    "closes are {ratio} times as large. Use the same series, or train again."
)
_OTHER_SERIES = N_(
    "{name} is another series than the net was trained with: on most of the {days:,} days that "
    "both have, its closes differ by more than {most:.0%}. Use the same series, or train again."
)
_NO_SHARED_DAY = N_(
    "{name} shares no day with the prices the net was trained with ({first} to {last}), so "
    "whether it is the same series cannot be checked. Use a file that reaches back to them."
)
_EARLIER_END = N_("{name} ends on {end}, before the net's own prices do ({last}).")
_OUT_OF_RANGE = N_(
    "The latest closes leave the range of the net's training ({low} to {high}); "
    "a net knows nothing of prices it never saw."
)
_MOST_REVISED = 0.02
"""Median change of closes on the same days that still counts as the same series."""


def reuse_scalers(prices: PriceTable, recorded: PriceSplit) -> PriceSplit:
    """Windows of newer rows of a series, scaled as in an earlier training.

    The test part begins on the day on which the earlier one began, so that it holds no day that
    the net was trained on. Where the table begins later than the recorded prices, these go before
    it.

    Args:
        prices: the newer table.
        recorded: the split that a net was trained with.

    Raises:
        ConfigError: columns that the net was trained with are missing, no day is shared, or the
            scale or the series is another.
        TooFewRowsError: the table ends before the earlier boundary.
    """
    missing = [name for name in _file_columns(recorded) if not has_input(prices, name)]
    if missing:
        raise ConfigError(_(_OTHER_COLUMNS).format(name=prices.name, missing=", ".join(missing)))
    _check_series(prices, recorded)
    notes = _describe_range(prices, recorded)
    prices = _prepend_rows(prices, recorded)
    window = dataclasses.replace(
        recorded.config, features=_features_of(recorded), split=_iso_day(recorded.boundary), rows=0
    )
    split = make_split(prices, window)
    values = split.feature_scaler.inverse_transform(split.train.rows)
    rows = np.ascontiguousarray(recorded.feature_scaler.transform(values), np.float32)

    def rescale_part(part: PriceSequences) -> PriceSequences:
        changes = split.target_scaler.inverse_transform(part.targets)
        targets = np.asarray(recorded.target_scaler.transform(changes), np.float32)
        return dataclasses.replace(part, rows=rows, targets=targets)

    valid = split.valid
    if valid is not None:
        valid = rescale_part(valid)
    return dataclasses.replace(
        split,
        train=rescale_part(split.train),
        valid=valid,
        test=rescale_part(split.test),
        feature_scaler=recorded.feature_scaler,
        target_scaler=recorded.target_scaler,
        notes=(*split.notes, *notes),
    )


def _features_of(recorded: PriceSplit) -> tuple[str, ...]:
    """The features to name so that the net's inputs are the same, whatever the table holds."""
    if recorded.config.input_form == "volatility":
        return recorded.config.features  # none named means none beside volatility and return
    return tuple(dict.fromkeys(recorded.columns))


def _file_columns(recorded: PriceSplit) -> tuple[str, ...]:
    """The columns of a table that the net's inputs and its target are made of."""
    named = _features_of(recorded)
    if not recorded.config.forecasts_volatility and recorded.config.input_form != "volatility":
        return named
    made_of = [name for name in recorded.prices.columns if name != "Volume"]
    return tuple(dict.fromkeys((*named, *made_of)))


def _check_series(prices: PriceTable, recorded: PriceSplit) -> None:
    """Refuse rows that share no day with the recorded ones, or have other closes on these days."""
    shared = np.intersect1d(prices.dates, recorded.prices.dates)
    if not len(shared):
        raise ConfigError(
            _(_NO_SHARED_DAY).format(
                name=prices.name,
                first=_iso_day(recorded.prices.dates[0]),
                last=_iso_day(recorded.prices.dates[-1]),
            )
        )
    before = _close_on(recorded.prices, shared)
    size = np.maximum(np.abs(before), np.finfo(np.float64).tiny)
    ratio = 1 + (_close_on(prices, shared) - before) / size
    if np.median(np.abs(ratio - 1)) <= _MOST_REVISED:
        return
    middle = float(np.median(ratio))
    if np.median(np.abs(ratio - middle)) <= _MOST_REVISED * abs(middle):
        raise ConfigError(_(_OTHER_SCALE).format(name=prices.name, ratio=f"{middle:.4g}"))
    raise ConfigError(
        _(_OTHER_SERIES).format(name=prices.name, days=len(shared), most=_MOST_REVISED)
    )


def _describe_range(prices: PriceTable, recorded: PriceSplit) -> tuple[str, ...]:
    """Warn where the new closes leave the range of training, or end before the recorded ones."""
    known = recorded.prices.close[: recorded.train_rows]
    newest = prices.close[-recorded.steps :]
    notes = []
    if newest.min() < known.min() or newest.max() > known.max():
        notes.append(
            _(_OUT_OF_RANGE).format(
                low=format_points(float(known.min())), high=format_points(float(known.max()))
            )
        )
    last = recorded.prices.dates[-1]
    if prices.dates[-1] < last:
        notes.append(
            _(_EARLIER_END).format(
                name=prices.name, end=_iso_day(prices.dates[-1]), last=_iso_day(last)
            )
        )
    return tuple(notes)


def _prepend_rows(prices: PriceTable, recorded: PriceSplit) -> PriceTable:
    """The table with the recorded rows before its first one, where there are any."""
    older = recorded.prices.frame.loc[recorded.prices.dates < prices.dates[0]]
    if older.empty:
        return prices
    names = (*prices.columns, *prices.others)
    shared = [name for name in names if name in older.columns]
    joined = pd.concat([older[shared], prices.frame[shared]])
    return dataclasses.replace(prices, frame=joined)


def _close_on(prices: PriceTable, days: Days) -> Points:
    return prices.frame["Close"].reindex(pd.DatetimeIndex(days)).to_numpy(np.float64)


def _iso_day(date: np.datetime64) -> str:
    return str(np.datetime_as_string(date, unit="D"))
