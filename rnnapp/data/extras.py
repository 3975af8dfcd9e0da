"""A file's other numeric columns, offered as features: which they are, and their values by day."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.columns import ColumnPlan
from rnnapp.data.features import MADE
from rnnapp.data.headers import ADJUSTED, COLUMNS, role_of
from rnnapp.data.layout import TextTable
from rnnapp.data.notes import Note
from rnnapp.data.numbers import is_missing, is_number_text, read_amounts
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["MOST_EXTRAS", "PRICES", "extra_values", "feature_name", "find_extras"]

Values = npt.NDArray[np.float64]

MOST_EXTRAS = 16
"""Columns of one file that are offered."""
PRICES = "prices"
"""The word for every price column of a table among its features."""
_MOST_LOOKED_AT = 200
_NEVER = ("Date", "Time", "Year", "Month", "Day", "Ticker", "Split", ADJUSTED)
_VOLATILITY_INPUTS = ("Log volatility", "Return")  # what a net sees of volatility
_LONGEST = 40
_LEAST_KNOWN = 0.5  # share of the rows
_MANY = N_("{count:,} of its other numeric columns are offered as features: {names}.")


def feature_name(header: str, taken: Iterable[str]) -> str:
    """A header as a name that fits into a list between commas and is no other feature's.

    Args:
        header: as the file writes it.
        taken: names of the table's columns so far.
    """
    words = re.sub(r'[\s,"\\]+', " ", "".join(c for c in header if c.isprintable())).strip()
    name = words[:_LONGEST].strip() or "column"
    reserved = {each.casefold() for each in (*COLUMNS, *MADE, PRICES, *_VOLATILITY_INPUTS)}
    if name.casefold() in reserved:
        name = _("{name} (file)").format(name=name)
    known = {each.casefold() for each in taken}
    number = 1
    unique = name
    while unique.casefold() in known:
        number += 1
        unique = f"{name} ({number})"
    return unique


def find_extras(table: TextTable, plan: ColumnPlan) -> tuple[dict[int, str], tuple[Note, ...]]:
    """Positions and names of the columns that hold numbers beside the prices.

    Columns of other tickers, of dates and of adjusted closes (which know later dividends) are none.

    Returns:
        At most :data:`MOST_EXTRAS`, and a note where there are more.
    """
    if not table.has_header:
        return {}, ()
    taken = {*plan.positions, *table.hidden}
    free = [place for place in range(len(table.names)) if place not in taken]
    free = [place for place in free if not _names_role(table.names[place])][:_MOST_LOOKED_AT]
    if not free:
        return {}, ()
    sample = table.read_sample()
    numeric = [place for place in free if _holds_numbers(sample[place])]
    names: dict[int, str] = {}
    for place in numeric[:MOST_EXTRAS]:
        names[place] = feature_name(table.names[place], names.values())
    notes: tuple[Note, ...] = ()
    if len(numeric) > MOST_EXTRAS:
        message = _(_MANY).format(count=MOST_EXTRAS, names=", ".join(names.values()))
        notes = (Note("columns", message),)
    return names, notes


def extra_values(
    cells: Mapping[int, pd.Series],
    days: npt.NDArray[np.datetime64],
    names: Mapping[int, str],
    index: pd.DatetimeIndex,
    decimal: str | None = None,
) -> pd.DataFrame:
    """Values of the other columns on the days of a table; NaN where the file gives none.

    Args:
        cells: (R,) text of each column by position.
        days: (R,) day of each row.
        names: what the columns are called.
        index: the table's days; of several rows for one, the one further down counts.
        decimal: ``point`` or ``comma`` where a person chose.

    Returns:
        The columns with a value on half of the days; no constants, and no numbers of rows.
    """
    values = {name: read_amounts(cells[place], decimal) for place, name in names.items()}
    frame = pd.DataFrame(values, index=pd.DatetimeIndex(days))
    if frame.index.is_monotonic_decreasing:
        frame = frame.iloc[::-1]
    frame = frame[~frame.index.duplicated(keep="last")].reindex(index)
    return frame.loc[:, [_says_something(frame[name]) for name in frame.columns]]


def _says_something(column: pd.Series) -> bool:
    values = column.to_numpy(np.float64)
    known = values[np.isfinite(values)]
    if len(known) < _LEAST_KNOWN * len(values) or len(known) < 3:
        return False
    steps = np.diff(known)
    return bool((steps != steps[0]).any())


def _names_role(header: str) -> bool:
    """Whether a header names something that is no feature: a date, a ticker, an adjusted close."""
    found = role_of(header)
    return found is not None and found[0] in _NEVER


def _holds_numbers(cells: pd.Series) -> bool:
    known = [str(cell) for cell in cells[~is_missing(cells)]]
    return bool(known) and sum(map(is_number_text, known)) > 0.8 * len(known)
