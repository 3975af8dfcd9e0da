"""Which column of a file is the date or the close: by name, else by content.

This module knows names and what a sample of the cells looks like; it reads no whole column.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.dateforms import date_likeness, split_time
from rnnapp.data.dates import read_dates
from rnnapp.data.headers import (
    ADJUSTED,
    COLUMNS,
    adjusted_role,
    is_day_name,
    names_another,
    role_of,
)
from rnnapp.data.layout import TextTable
from rnnapp.data.notes import Note
from rnnapp.data.numbers import is_missing, is_number_text, read_loosely
from rnnapp.errors import ColumnError, DataError
from rnnapp.language import gettext as _

__all__ = ["ColumnPlan", "find_columns"]

Values = npt.NDArray[np.float64]
_NAMED_BY_HAND = ("Date", *COLUMNS)
_SHOWN = 12


@dataclass(frozen=True, eq=False)
class ColumnPlan:
    """Where our columns lie in a file.

    Attributes:
        places: position of each role: Date (or Year and Month, perhaps Day), Time, Open to Volume.
        adjusted: position of the adjusted close beside a raw one, or None.
        raw_close: position of the raw close where a person chose the adjusted one, or None.
        split: position of a column of split factors, or None.
        tickers: positions of columns that may name a ticker in each row.
        notes: what was decided.
    """

    places: dict[str, int]
    adjusted: int | None = None
    raw_close: int | None = None
    split: int | None = None
    tickers: tuple[int, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def positions(self) -> list[int]:
        """Every position that has to be read."""
        extra = (self.adjusted, self.raw_close, self.split, *self.tickers)
        return sorted({*self.places.values(), *(place for place in extra if place is not None)})


@dataclass
class _Search:
    """The search for columns: what is known, and what was found so far."""

    table: TextTable
    name: str
    sample: pd.DataFrame
    places: dict[str, int] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    _cells: dict[int, list[str]] = field(default_factory=dict)

    def free_places(self) -> list[int]:
        """Positions that nothing was assigned to."""
        taken = {*self.places.values(), *self.table.hidden}
        return [place for place in range(len(self.table.names)) if place not in taken]

    def named_places(self, role: str) -> list[int]:
        """Free positions that a role's names fit, the best ones first."""
        ranked = []
        for place in self.free_places():
            found = role_of(self.table.names[place])
            if found and found[0] == role:
                ranked.append((found[1], place))
        return [place for _unused, place in sorted(ranked)]

    def cells(self, place: int) -> list[str]:
        """The cells of a sample that say something."""
        if place not in self._cells:
            column = self.sample[place]
            self._cells[place] = [str(cell).strip() for cell in column[~is_missing(column)]]
        return self._cells[place]

    def date_share(self, place: int, least: int) -> float:
        """Share of the first cells that look like a date, at least as surely as ``least``."""
        cells = self.cells(place)[:40]
        if not cells:
            return 0.0
        return sum(date_likeness(cell) >= least for cell in cells) / len(cells)

    def number_share(self, place: int) -> float:
        """Share of the cells that are numbers."""
        cells = self.cells(place)
        if not cells:
            return 0.0
        return sum(is_number_text(cell) for cell in cells) / len(cells)

    def same_cells(self, places: list[int]) -> bool:
        """Whether columns say the same."""
        first = self.sample[places[0]].tolist()
        return all(self.sample[place].tolist() == first for place in places[1:])


def find_columns(
    table: TextTable,
    name: str,
    columns: Mapping[str, str] | None = None,
    ticker_column: str | None = None,
) -> ColumnPlan:
    """Find our columns in a file.

    Args:
        table: the rows and the names of their columns.
        name: what to call the file in an error.
        columns: our names to the file's, as a person gave them.
        ticker_column: the column that names a ticker in each row, as a person gave it.

    Raises:
        ColumnError: no date or no close, or several that differ.
    """
    search = _Search(table, name, table.read_sample())
    _place_by_hand(search, columns or {})
    tickers: tuple[int, ...] = ()
    if ticker_column is not None:
        tickers = (_find_header(search, ticker_column),)
    _place_date(search)
    for role in ("Open", "High", "Low", "Volume"):
        _place_by_name(search, role)
    adjusted = search.named_places(ADJUSTED)
    _place_close(search, adjusted)
    close = search.places["Close"]
    raw_close = None
    if (role_of(table.names[close]) or ("",))[0] == ADJUSTED or adjusted_role(table.names[close]):
        raw_close = _use_adjusted(search, close)
    beside = [place for place in adjusted if place != close]
    splits = search.named_places("Split")
    if not tickers:
        tickers = _ticker_places(search)
    return ColumnPlan(
        {role: search.places[role] for role in search.places},
        adjusted=next(iter(beside), None),
        raw_close=raw_close,
        split=next(iter(splits), None),
        tickers=tickers,
        notes=tuple(search.notes),
    )


# --- by hand


def _place_by_hand(search: _Search, columns: Mapping[str, str]) -> None:
    for ours, theirs in columns.items():
        role = next((each for each in _NAMED_BY_HAND if each.casefold() == ours.casefold()), None)
        if role is None:
            raise ColumnError(
                _("{name} is read into {named_by_hand}; there is no column {ours} to name.").format(
                    name=search.name, named_by_hand=", ".join(_NAMED_BY_HAND), ours=ours
                ),
                search.table.names,
                remedy=_("Name one of these."),
            )
        search.places[role] = _find_header(search, theirs)


def _find_header(search: _Search, theirs: str) -> int:
    """The position of a column by its header, its number, or its first cell where it has none."""
    names = search.table.names
    folded = [name.casefold() for name in names]
    if theirs in names:
        return names.index(theirs)
    if theirs.strip().casefold() in folded:
        return folded.index(theirs.strip().casefold())
    if theirs.isdigit() and 1 <= int(theirs) <= len(names):
        return int(theirs) - 1
    if not search.table.has_header and len(search.sample):
        first = [str(cell).strip() for cell in search.sample.iloc[0]]
        if theirs in first:
            return first.index(theirs)
    raise ColumnError(
        _("{name} has no column {theirs}; it has {names}.").format(
            name=search.name, theirs=theirs, names=_list_names(names)
        ),
        names,
        remedy=_("Name one of these."),
    )


# --- the date


def _place_date(search: _Search) -> None:
    """The date by name and content; else year and month; else by content alone."""
    if "Date" not in search.places:
        place = _named_date(search)
        if place is None and _place_year_and_month(search):
            return
        if place is None:
            place = _date_by_content(search)
        if place is None:
            place = next(iter(search.named_places("Date")), None)
        if place is not None:
            search.places["Date"] = place
    for place in search.named_places("Time"):
        cells = search.cells(place)[:20]
        clock = [split_time(cell)[0] == "" and ":" in cell for cell in cells]
        digits = [cell.isdigit() and len(cell) <= 6 for cell in cells]
        if cells and (all(clock) or (all(digits) and len(set(cells)) > 1)):
            search.places["Time"] = place
            return


def _named_date(search: _Search) -> int | None:
    for role in ("Date", "Time", "Month", "Year"):
        if role == "Month" and search.named_places("Year") and search.named_places("Month"):
            return None
        for place in search.named_places(role):
            if search.date_share(place, 1) > 0.5:
                return place
    return None


def _place_year_and_month(search: _Search) -> bool:
    """Year, month and day in columns of their own."""
    years, months = search.named_places("Year"), search.named_places("Month")
    if not (years and months):
        return False
    search.places["Year"] = years[0]
    search.places["Month"] = months[0]
    days = [p for p in search.free_places() if is_day_name(search.table.names[p])]
    if days:
        search.places["Day"] = days[0]
    return True


def _date_by_content(search: _Search) -> int | None:
    """The one column that parses as dates; the surest kind of dates wins, then the first column."""
    for least in (3, 2, 1):
        found = [p for p in search.free_places() if search.date_share(p, least) > 0.8]
        if least < 3:
            found = [place for place in found if _is_monotone(search, place)]
        if found:
            return found[0]
    return None


def _is_monotone(search: _Search, place: int) -> bool:
    """Whether numbers only rise or only fall, and are no mere count of the rows."""
    values = read_loosely(search.sample[place])
    steps = np.diff(values[np.isfinite(values)])
    if not len(steps):
        return True
    return bool((steps >= 0).all() or (steps <= 0).all()) and not bool((steps == 0).all())


# --- prices


def _place_by_name(search: _Search, role: str) -> None:
    """Open, High, Low or Volume by name; two that differ cost the column, not the file."""
    if role in search.places:
        return
    places = search.named_places(role)
    if not places:
        return
    best = _best_alike(search, role, places)
    if len(best) > 1 and not search.same_cells(best):
        shown = ", ".join(search.table.names[place] for place in best[:4])
        search.notes.append(
            Note(
                "columns",
                _("There are {count} columns for {role} ({shown}); none was read.").format(
                    count=len(best), role=role, shown=shown
                ),
            )
        )
        return
    search.places[role] = best[0]


def _best_alike(search: _Search, role: str, places: list[int]) -> list[int]:
    """Positions whose names fit a role equally well, and better than all others."""
    ranks = {place: (role_of(search.table.names[place]) or (role, 0))[1] for place in places}
    names = search.table.names
    lowest = min(ranks.values())
    alike = [place for place in places if ranks[place] == lowest]
    if role == "Volume" and lowest >= 1000:
        return [place for place in places if ranks[place] >= 1000 and names[place]]
    return alike


def _place_close(search: _Search, adjusted: list[int]) -> None:
    """The close by name; else the adjusted close; else by content and position."""
    if "Close" in search.places:
        return
    places = [p for p in search.named_places("Close") if search.number_share(p) > 0.3]
    if not places:
        places = search.named_places("Close")
    if places:
        best = _best_alike(search, "Close", places)
        if len(best) > 1 and not search.same_cells(best):
            shown = ", ".join(search.table.names[place] for place in best[:4])
            raise _column_error(
                search,
                _("{name} has {count} columns for the close ({shown}).").format(
                    name=search.name, count=len(best), shown=shown
                ),
            )
        search.places["Close"] = best[0]
    elif adjusted:
        search.places["Close"] = adjusted[0]
        shown = search.table.names[adjusted[0]]
        search.notes.append(
            Note(
                "columns",
                _("There is no Close column; {shown} was taken for it.").format(shown=shown),
            )
        )
    else:
        _close_by_content(search)
    if not {"Date", "Year"} & set(search.places):
        raise _column_error(
            search, _("{name} has no date column that is recognised.").format(name=search.name)
        )


def _close_by_content(search: _Search) -> None:
    if not {"Date", "Year"} & set(search.places):
        missing = _("no date and no close column that is recognised")
        raise _column_error(
            search, _("{name} has {missing}.").format(name=search.name, missing=missing)
        )
    numeric = [place for place in search.free_places() if _may_be_price(search, place)]
    known = [role for role in ("Open", "High", "Low") if role in search.places]
    if len(numeric) == 1:
        search.places["Close"] = numeric[0]
        if search.table.has_header:
            shown = search.table.names[numeric[0]]
            search.notes.append(
                Note(
                    "columns",
                    _("{shown} is the only price and was read as Close.").format(shown=shown),
                )
            )
        return
    if len(numeric) >= 4 and not known:
        guessed = _guess_ohlc(search, numeric[:4])
        if guessed:
            search.places.update(guessed)
            _describe_guess(search)
            if len(numeric) > 4 and "Volume" not in search.places:
                search.places["Volume"] = numeric[4]
            return
    if len(numeric) == 2 and not search.table.has_header:
        pair = [_usual_change(search, place) for place in numeric]
        if pair[0] < 0.2 * pair[1]:
            search.places["Close"] = numeric[0]
            search.places["Volume"] = numeric[1]
            _describe_guess(search)
            return
    raise _no_close(search, numeric)


def _no_close(search: _Search, numeric: list[int]) -> ColumnError:
    """Why there is no close: nothing is recognised, or several series stand side by side."""
    names = search.table.names
    if not search.table.has_header:
        shown = ", ".join(str(cell).strip()[:24] for cell in search.sample.iloc[0][:8])
        return _column_error(
            search,
            _(
                "{name} has no header line, and its columns are not recognised; its first row "
                "reads {shown}."
            ).format(name=search.name, shown=shown),
        )
    if len(numeric) > 1 and len({role_of(names[p]) for p in numeric}) == 1:
        shown = ", ".join(names[place][:40] for place in numeric[:8])
        return ColumnError(
            _("{name} has {count} series side by side ({shown}) and no close column.").format(
                name=search.name, count=len(numeric), shown=shown
            ),
            names,
            roles=("Close",),
            remedy=_('Choose one of them (--column Close="{names}").').format(
                names=names[numeric[0]]
            ),
        )
    return _column_error(
        search, _("{name} has no close column that is recognised.").format(name=search.name)
    )


def _may_be_price(search: _Search, place: int) -> bool:
    """Whether a column without a known name holds numbers that may be prices."""
    names = search.table.names
    role = (role_of(names[place]) or ("",))[0]
    if search.number_share(place) <= 0.8 or names_another(names[place]):
        return False
    if role not in ("", "Close", "Date", "Time"):
        return False
    values = read_loosely(search.sample[place])
    values = values[np.isfinite(values)]
    counts = len(values) > 2 and bool((np.abs(np.diff(values)) == 1).all())
    return bool(len(values)) and not (counts and place <= 1)


def _guess_ohlc(search: _Search, places: list[int]) -> dict[str, int]:
    """Open, High, Low and Close of four columns by which is the largest and which the smallest."""
    values = np.column_stack([read_loosely(search.sample[place]) for place in places])
    values = values[np.isfinite(values).all(axis=1)]
    if len(values) < 2:
        return {}
    centre = np.median(values, axis=0)
    if centre.min() <= 0 or centre.max() > 3 * centre.min():
        return {}
    high = _extreme_column(values, values.max(axis=1), first=1)
    low = _extreme_column(values, values.min(axis=1), first=2)
    if high is None or low is None or high == low:
        return {}
    first, last = (i for i in range(4) if i not in (high, low))
    if _falls_in_time(search):
        values = values[::-1]
    # The next open is nearer to the close than the next close is to the open.
    forward = np.abs(values[1:, first] - values[:-1, last]).mean()
    backward = np.abs(values[1:, last] - values[:-1, first]).mean()
    # Where that does not show, the open comes first, but for two columns in front of High and Low.
    unsure = forward > 0.8 * backward and backward > 0.8 * forward and forward != backward
    if unsure and (first, last) == (0, 1):
        return {}
    if forward > backward and not unsure:
        first, last = last, first
    order = {"Open": first, "High": high, "Low": low, "Close": last}
    return {role: places[i] for role, i in order.items()}


def _extreme_column(values: Values, extreme: Values, first: int) -> int | None:
    """The column that is the row's extreme in nearly all rows; ``first`` where several are."""
    shares = (values == extreme[:, None]).mean(axis=0)
    if shares[first] > 0.95:
        return first
    best = int(shares.argmax())
    if shares[best] > 0.95:
        return best
    return None


def _falls_in_time(search: _Search) -> bool:
    """Whether the newest row comes first."""
    place = search.places.get("Date")
    if place is None:
        return False
    try:
        days = read_dates(search.sample[place], search.name).days
    except DataError:
        return False
    known = days[~np.isnat(days)]
    return len(known) > 1 and bool(known[0] > known[-1])


def _usual_change(search: _Search, place: int) -> float:
    """Median relative change from row to row."""
    values = read_loosely(search.sample[place])
    values = values[np.isfinite(values) & (values > 0)]
    if len(values) < 3:
        return 0.0
    return float(np.median(np.abs(np.diff(np.log(values)))))


def _describe_guess(search: _Search) -> None:
    placed = sorted((p, role) for role, p in search.places.items() if role in _NAMED_BY_HAND)
    shown = ", ".join(
        _("{role} in column {place}").format(role=role, place=place + 1) for place, role in placed
    )
    reason = _("The columns have no names that are recognised")
    if not search.table.has_header:
        reason = _("The file has no header line")
    search.notes.append(
        Note(
            "columns",
            _("{reason}; by their values they are {shown}.").format(reason=reason, shown=shown),
        )
    )


# --- adjusted prices and tickers


def _use_adjusted(search: _Search, close: int) -> int | None:
    """Read the adjusted columns beside a chosen adjusted close; else remember the raw close."""
    names = search.table.names
    own = {role: p for p, name in enumerate(names) if (role := adjusted_role(name)) and p != close}
    for role in ("Open", "High", "Low", "Volume"):
        if role in own:
            search.places[role] = own[role]
    if {"Open", "High", "Low"} <= set(own):
        return None
    raw = [place for place in search.named_places("Close") if place != close]
    return next(iter(raw), None)


def _ticker_places(search: _Search) -> tuple[int, ...]:
    """Columns of words that may name a ticker in each row: the named ones first."""
    named = search.named_places("Ticker")
    words = [
        place
        for place in search.free_places()
        if place not in named and search.cells(place) and search.number_share(place) < 0.2
    ]
    codes = [place for place in named if search.cells(place)]
    return tuple((codes + words)[:4])


def _column_error(search: _Search, message: str) -> ColumnError:
    names = search.table.names
    listed = _("{message} It has the columns {names}.").format(
        message=message, names=_list_names(names)
    )
    if not search.table.has_header:
        listed = message
    return ColumnError(
        listed,
        names,
        remedy=_("Name the columns by hand (--column Close=HEADER; a number counts columns)."),
    )


def _list_names(names: tuple[str, ...]) -> str:
    shown = ", ".join(name[:40] for name in names[:_SHOWN])
    if len(names) > _SHOWN:
        return _("{shown} and {count} more").format(shown=shown, count=len(names) - _SHOWN)
    return shown
