"""What a net sees of each row: columns of the table, and features made of them."""

from __future__ import annotations

import dataclasses
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.configs import WindowConfig
from rnnapp.data.extras import PRICES
from rnnapp.data.features import MADE, make_feature, signed_log
from rnnapp.data.prices import PriceTable
from rnnapp.data.volatility import (
    RETURN_NAME,
    VOLATILITY_NAME,
    daily_volatility,
    log_returns,
)
from rnnapp.errors import ConfigError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = [
    "Inputs",
    "first_input_row",
    "has_input",
    "input_names",
    "input_reach",
    "make_inputs",
    "offered_features",
]

Values = npt.NDArray[np.float64]

_IN_VOLATILITY = ("Open", "High", "Low", "Close")
_UNKNOWN = N_(
    "{name} has no column {missing}; it has {columns}, and these can be made of it: {made}."
)
_NO_VOLUME = N_("{name} has no Volume, which {feature} is made of. Choose another feature.")
_EMPTY = N_("{name} has no value of {column} in the rows in use. Use more rows, or leave it out.")
_GAPS = N_("{names} has gaps; each was filled with the last value before it.")
_PLAIN = N_("Prices are zero or below, so the net sees plain changes, not log-changes.")


class Inputs(NamedTuple):
    """What a net sees of each row, not yet scaled.

    Attributes:
        columns: F names; a feature of two values stands twice.
        values: (R, F) in the form the net sees; rows before :func:`first_input_row` mean nothing.
        notes: what a person should know, in sentences.
    """

    columns: tuple[str, ...]
    values: Values
    notes: tuple[str, ...]


def offered_features(prices: PriceTable) -> tuple[str, ...]:
    """Every feature that can be chosen for a table, by name."""
    made = [name for name in MADE if name != "volume-change" or "Volume" in prices.columns]
    return (PRICES, *prices.columns, *prices.others, *made)


def input_names(prices: PriceTable, config: WindowConfig) -> tuple[str, ...]:
    """The chosen features of a table; without any, every price column.

    Raises:
        ConfigError: a feature that the table does not have.
    """
    names: dict[str, None] = {}
    for name in config.features or (PRICES,):
        chosen: tuple[str, ...] = (name,)
        if name == PRICES:
            chosen = prices.columns
        names.update(dict.fromkeys(chosen))
    missing = [name for name in names if not has_input(prices, name)]
    if missing:
        raise ConfigError(
            _(_UNKNOWN).format(
                name=prices.name,
                missing=", ".join(missing),
                columns=", ".join((*prices.columns, *prices.others)),
                made=", ".join(MADE),
            )
        )
    if "volume-change" in names and "Volume" not in prices.columns:
        raise ConfigError(_(_NO_VOLUME).format(name=prices.name, feature="volume-change"))
    return tuple(names)


def has_input(prices: PriceTable, name: str) -> bool:
    """Whether a table has a column of this name, or the name is that of a made feature."""
    return name in prices.frame.columns or name in MADE


def input_reach(config: WindowConfig) -> int:
    """Rows before its own that a row's inputs and target are made of.

    1 for changes and for a volatility: the first day has none; more for features.
    """
    made = [MADE[name].reach for name in config.features if name in MADE]
    return max([int(config.input_form != "level" or config.forecasts_volatility), *made])


def first_input_row(prices: PriceTable, config: WindowConfig) -> int:
    """The first row whose inputs are all known: after their reach, and other columns' first values.

    Raises:
        ConfigError: another column without a value.
    """
    first = input_reach(config)
    for name in config.features:
        if name in prices.others:
            known = prices.frame[name].notna().to_numpy()
            if not known.any():
                raise ConfigError(_(_EMPTY).format(name=prices.name, column=name))
            first = max(first, int(known.argmax()) + int(config.input_form != "level"))
    return first


def make_inputs(prices: PriceTable, config: WindowConfig) -> Inputs:
    """What the net sees of each row of a table.

    Raises:
        ConfigError: a feature that the table does not have.
    """
    if config.input_form == "volatility":
        return _volatility_inputs(prices, config)
    return _chosen_inputs(prices, config, input_names(prices, config))


def _volatility_inputs(prices: PriceTable, config: WindowConfig) -> Inputs:
    """Log volatility and signed return of each row; features that were named join them.

    Open, High, Low and Close are in the two already; other columns enter as changes.
    """
    values = np.column_stack([np.log(daily_volatility(prices)), log_returns(prices)])
    columns: tuple[str, ...] = (VOLATILITY_NAME, RETURN_NAME)
    named = tuple(name for name in config.features if name not in (*_IN_VOLATILITY, PRICES))
    if not named:
        return Inputs(columns, values, ())
    names = input_names(prices, dataclasses.replace(config, features=named))
    more = _chosen_inputs(prices, config, names)
    joined = np.column_stack([values, more.values])
    return Inputs(columns + more.columns, joined, more.notes)


def _chosen_inputs(prices: PriceTable, config: WindowConfig, names: tuple[str, ...]) -> Inputs:
    written = [name for name in names if name not in MADE]
    values = _to_matrix(prices.frame, written)
    notes: tuple[str, ...] = ()
    frame = prices.frame
    if len(written) < len(names) or np.isnan(values).any():
        frame, notes = _fill_gaps(prices, names)
        values = _to_matrix(frame, written)
    if config.input_form != "level":
        if not prices.is_positive:
            notes = (*notes, _(_PLAIN))
        values = _to_changes(prices, written, values)
    if len(written) == len(names):
        return Inputs(names, values, notes)
    # made features enter as they are, in the order in which they were chosen
    blocks = dict(zip(written, values.T[:, :, None], strict=True))
    for name in names:
        if name in MADE:
            blocks[name] = make_feature(MADE[name], frame, positive=prices.is_positive)
    columns = tuple(name for name in names for _unused in range(blocks[name].shape[1]))
    return Inputs(columns, np.hstack([blocks[name] for name in names]), notes)


def _to_matrix(frame: pd.DataFrame, names: list[str]) -> Values:
    """(R, K) columns of a table, one by one: pandas takes far longer to choose several."""
    columns = [frame[name].to_numpy(np.float64) for name in names]
    if not columns:
        return np.empty((len(frame), 0))
    return np.column_stack(columns)


def _fill_gaps(prices: PriceTable, names: tuple[str, ...]) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """The table without gaps: each is filled from the past; and which columns had some."""
    used = set(names)
    if used & set(MADE):
        used |= {"Close"}
    if "volume-change" in used:
        used |= {"Volume"}
    frame = prices.frame[[name for name in prices.frame.columns if name in used]]
    holes = [str(name) for name in frame.columns[frame.isna().any()]]
    if not holes:
        return frame, ()
    shown = [name for name in holes if _has_gap(frame[name], inside=name in prices.others)]
    notes: tuple[str, ...] = ()
    if shown:
        notes = (_(_GAPS).format(names=", ".join(shown)),)
    return frame.ffill().fillna(0.0), notes


def _has_gap(column: pd.Series, *, inside: bool) -> bool:
    """Whether a gap was filled; rows before another column's first value are in no window."""
    missing = column.isna().to_numpy()
    if inside:
        missing = missing[int((~missing).argmax()) :]
    return bool(missing.any())


def _to_changes(prices: PriceTable, names: list[str], values: Values) -> Values:
    """(R, K) changes from row to row; the first row's are zero."""
    levels = [
        _comparable_levels(value, name, prices) for name, value in zip(names, values.T, strict=True)
    ]
    if not levels:
        return values
    changes = np.diff(np.column_stack(levels), axis=0)
    return np.vstack([np.zeros(len(names)), changes])


def _comparable_levels(values: Values, name: str, prices: PriceTable) -> Values:
    """(R,) what the changes of a column are taken of: logarithms, where it has them."""
    if name == "Volume":
        return np.log1p(values)
    if name in prices.others:
        return signed_log(values)
    if prices.is_positive:
        return np.log(values)
    return values
