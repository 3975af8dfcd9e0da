"""Dates of a whole column: order, calendar and zone are decided by all rows together.

This module decides between readings; the forms themselves are in :mod:`dateforms`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.dateforms import DateText, parse_date_text, parse_time_text, split_time
from rnnapp.data.eras import CalendarEvidence, find_evidence, make_days, resolve_years
from rnnapp.data.notes import Note, name_day
from rnnapp.data.weekdays import market_shift, unique_days
from rnnapp.errors import PriceFileError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["DateColumn", "Dates", "read_dates"]

Dates = npt.NDArray[np.datetime64]
Numbers = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

_OLDEST = np.datetime64("1700-01-01", "D")
_NEWEST = np.datetime64("2199-12-31", "D")
_NO_DAY = np.datetime64("NaT", "D")
_EXCEL_START = np.datetime64("1899-12-30", "D")
_UNIX_START = np.datetime64("1970-01-01", "D")
_REMEDY = N_("Use an export with dates as 2018-04-18.")


@dataclass(frozen=True, eq=False)
class DateColumn:
    """The dates of a column.

    Attributes:
        days: (R,) datetime64[ns] at midnight, NaT where a cell is no date.
        seconds: (R,) seconds since midnight of each row, or None where the file gives no time.
        notes: what was decided.
    """

    days: Dates
    seconds: Numbers | None
    notes: tuple[Note, ...]


class _Order(NamedTuple):
    """Which of three written numbers is which."""

    name: str
    year: int
    month: int
    day: int


_ORDERS = (
    _Order(N_("year first"), 0, 1, 2),
    _Order(N_("day first"), 2, 1, 0),
    _Order(N_("month first"), 2, 0, 1),
)


@dataclass(frozen=True, eq=False)
class _Column:
    """The unique texts of a column in parts; U of them.

    Attributes:
        parts, widths: (U, 3) numbers and digits, 0 where there is none.
        usable: (U,) whether a text has the column's usual form.
        rows: (R,) the unique text of each row.
        texts: (U,) as written.
        name: of the file.
        evidence, calendar: what the file says of its calendar, and what a person chose.
    """

    parts: Numbers
    widths: Numbers
    usable: Mask
    rows: Numbers
    texts: list[str]
    name: str
    evidence: CalendarEvidence
    calendar: str | None


def read_dates(
    cells: pd.Series,
    name: str,
    *,
    times: pd.Series | None = None,
    context: str = "",
    calendar: str | None = None,
) -> DateColumn:
    """Read the day of each cell.

    Args:
        cells: (R,) text.
        name: what to call the file in an error.
        times: (R,) text of a separate column with the time of day.
        context: title and header of the file, which say something about its calendar.
        calendar: one of ``eras.CALENDARS`` that a person chose; None to decide by the evidence.

    Returns:
        The market's own days, the time of day where there is one, and what was decided.

    Raises:
        PriceFileError: forms that contradict each other, or that nothing decides.
        ChoiceError: years of an ambiguous calendar.
    """
    if times is None and calendar is None:
        iso = _read_iso(cells)
        if iso is not None:
            return DateColumn(iso, None, ())
        stamped = _read_iso_stamps(cells)
        if stamped is not None:
            return stamped
    day_texts, day_rows, seconds, zone = _split_column(cells, times)
    parsed = [parse_date_text(text) for text in day_texts]
    kind = _usual_kind(parsed, day_rows)
    evidence = find_evidence(f"{context} {' '.join(day_texts[:5])}")
    usable = np.array([text is not None and text.kind == kind for text in parsed], bool)
    parts, widths = _stack_parts(parsed, usable)
    column = _Column(parts, widths, usable, day_rows, day_texts, name, evidence, calendar)
    if kind == "epoch":
        return _read_epoch(column)
    unique, notes = _READERS[kind](column)
    unique = _refuse_far_days(unique, column)
    days = unique[day_rows]
    if seconds is None:
        return DateColumn(_to_nanoseconds(days), None, notes)
    days, more = _move_to_market(days, seconds, zone, cells)
    return DateColumn(_to_nanoseconds(days), seconds, notes + more)


def _read_iso(cells: pd.Series) -> Dates | None:
    """Most files: every cell is YYYY-MM-DD, and nothing has to be decided."""
    head = pd.to_datetime(cells.iloc[:9], format="%Y-%m-%d", errors="coerce")
    if not len(cells) or head.isna().any():
        return None
    days = pd.to_datetime(cells, format="%Y-%m-%d", errors="coerce")
    if days.isna().any():
        return None
    found = days.to_numpy().astype("datetime64[D]")
    if found.min() < _OLDEST or found.max() > np.datetime64("today", "D") + 366:
        return None
    return _to_nanoseconds(found)


def _read_iso_stamps(cells: pd.Series) -> DateColumn | None:
    """``2018-04-18 09:30:00`` in every cell, without a zone: read in one go."""
    head = cells.iloc[:9]
    widths = head.str.len().unique().tolist()
    if len(widths) != 1 or widths[0] not in (16, 19):
        return None
    if not head.str.match(r"\d{4}-\d\d-\d\d[ T]\d\d:").all():
        return None
    seconds_form = {16: "", 19: ":%S"}[widths[0]]
    form = f"%Y-%m-%d{cells.iloc[0][10]}%H:%M{seconds_form}"
    stamps = pd.to_datetime(cells, format=form, errors="coerce")
    if stamps.isna().any():
        return None
    whole = stamps.to_numpy().astype("datetime64[s]")
    days = whole.astype("datetime64[D]")
    if days.min() < _OLDEST or days.max() > np.datetime64("today", "D") + 366:
        return None
    seconds = (whole - days).astype(np.int64)
    moved, notes = _move_to_market(days, seconds, "", cells)
    return DateColumn(_to_nanoseconds(moved), seconds, notes)


# --- from cells to parts


def _split_column(
    cells: pd.Series, times: pd.Series | None
) -> tuple[list[str], Numbers, Numbers | None, str]:
    """Unique day texts, the row's place among them, seconds since midnight, and the zone."""
    cells = cells.str.strip()
    pairs = _split_pairs(cells)
    rows, texts = pd.factorize(pd.Series([day for day, _unused in pairs], dtype=object))
    day_texts = [str(text) for text in texts]
    clock = [time for _unused, time in pairs]
    if times is not None and not any(clock):
        clock = [_colon_time(time) for time in times.str.strip()]
    if not any(clock):
        return day_texts, np.asarray(rows, np.int64), None, ""
    clock_rows, clock_texts = pd.factorize(pd.Series(clock, dtype=object))
    read = [parse_time_text(str(text)) for text in clock_texts]
    seconds = np.array([second for second, _unused in read], np.int64)[clock_rows]
    zones = {zone for _unused, zone in read}
    zone = ""
    if len(zones) == 1:
        zone = zones.pop()
    return day_texts, np.asarray(rows, np.int64), seconds, zone


def _split_pairs(cells: pd.Series) -> list[tuple[str, str]]:
    """Day and time of each cell; a quick cut where it agrees with the careful one on a sample."""
    values = cells.tolist()
    sample = values[:: max(1, len(values) // 50)]
    cut: Callable[[str], tuple[str, str]] = _cut_at_blank
    if any(_cut_at_blank(cell) != split_time(cell) for cell in sample):
        known: dict[str, tuple[str, str]] = {}
        for cell in set(values):
            known[cell] = split_time(cell)
        cut = known.__getitem__
    return [cut(cell) for cell in values]


def _cut_at_blank(cell: str) -> tuple[str, str]:
    """``2018-04-18 09:30:00`` at the sign before its first time; nothing is checked."""
    colon = cell.find(":")
    if colon < 3:
        return cell, ""
    place = colon - 3
    if cell[place] not in " T":
        place = colon - 2
        if cell[place] not in " T":
            return cell, ""
    return cell[:place], cell[place + 1 :]


def _colon_time(text: str) -> str:
    """``93000`` and ``0930`` as ``09:30``."""
    if ":" in text or not text.isdigit() or len(text) > 6:
        return text
    width = 4
    if len(text) > 4:
        width = 6
    padded = text.zfill(width)
    return ":".join(padded[i : i + 2] for i in range(0, len(padded), 2))


def _usual_kind(parsed: list[DateText | None], rows: Numbers) -> str:
    """The form that most rows have."""
    weights = np.bincount(rows[rows >= 0], minlength=len(parsed))
    totals: dict[str, int] = {}
    for text, weight in zip(parsed, weights, strict=True):
        if text is not None:
            totals[text.kind] = totals.get(text.kind, 0) + int(weight)
    return max(totals, key=lambda kind: totals[kind], default="none")


def _stack_parts(parsed: list[DateText | None], usable: Mask) -> tuple[Numbers, Numbers]:
    parts = np.zeros((len(parsed), 3), np.int64)
    widths = np.zeros((len(parsed), 3), np.int64)
    for row, (text, use) in enumerate(zip(parsed, usable, strict=True)):
        if use and text is not None:
            parts[row, : len(text.parts)] = text.parts
            widths[row, : len(text.widths)] = text.widths
    return parts, widths


# --- the forms


def _read_nothing(column: _Column) -> tuple[Dates, tuple[Note, ...]]:
    return np.full(len(column.texts), _NO_DAY), ()


def _read_numbers(column: _Column) -> tuple[Dates, tuple[Note, ...]]:
    """Three numbers in an order that the whole column allows."""
    usual = column.widths[column.usable]
    if (usual[:, 0] == 3).mean() > 0.01 and (usual[:, 0] <= 3).mean() > 0.9:
        return _resolve(column, _ORDERS[0], 3)
    if (usual[:, 2] == 3).mean() > 0.5:
        return _resolve(column, _ORDERS[1], 3)
    return _choose_order(column, _ORDERS)


def _read_month_word(column: _Column) -> tuple[Dates, tuple[Note, ...]]:
    """Month, day and year, the month as a word: nothing to order."""
    order = _Order(_("month first"), 2, 0, 1)
    width = int(np.median(column.widths[column.usable][:, 2]))
    return _resolve(column, order, width)


def _read_month_only(column: _Column) -> tuple[Dates, tuple[Note, ...]]:
    """The first of each month."""
    first = np.ones(len(column.parts), np.int64)
    width = int(np.median(column.widths[column.usable][:, 0]))
    days, notes = resolve_years(
        column.parts[:, 0],
        column.parts[:, 1],
        first,
        width,
        column.evidence,
        column.calendar,
        column.name,
    )
    days = np.where(column.usable, days, _NO_DAY)
    known = unique_days(days)
    if width < 4 and len(known) < 0.9 * column.usable.sum():
        return _read_nothing(column)  # "Jan 02", "Jan 03": days without a year
    return days, notes


def _read_era(column: _Column) -> tuple[Dates, tuple[Note, ...]]:
    """Years of a named era, converted when they were parsed."""
    days = make_days(column.parts[:, 0], column.parts[:, 1], column.parts[:, 2])
    first = int(np.flatnonzero(column.usable)[0])
    note = Note(
        "calendar",
        _("The years are counted by eras and were converted: {texts} is {days}.").format(
            texts=column.texts[first], days=name_day(days[first])
        ),
    )
    return np.where(column.usable, days, _NO_DAY), (note,)


def _read_serial(column: _Column) -> tuple[Dates, tuple[Note, ...]]:
    """Day numbers of a spreadsheet."""
    days = _EXCEL_START + column.parts[:, 0]
    fits = column.usable & (days > np.datetime64("1940-01-01")) & (column.parts[:, 0] < 80_000)
    note = Note("dates", _("The dates are day numbers of a spreadsheet and were read as Excel's."))
    return np.where(fits, days, _NO_DAY), (note,)


def _read_decimal(column: _Column) -> tuple[Dates, tuple[Note, ...]]:
    """``2015`` is a year, ``1871.01`` a month.

    ``1871.1`` is October where ``1871.01`` is January.
    """
    width = column.widths[:, 1]
    month = column.parts[:, 1]
    if not (column.usable & (width > 0)).any():
        first = np.ones(len(column.parts), np.int64)
        days = make_days(column.parts[:, 0], first, first)
        return np.where(column.usable, days, _NO_DAY), ()
    padded = (width == 2) & (month < 10)
    if padded.any():
        month = np.where((width == 1) & (month == 1), 10, month)
    days = make_days(column.parts[:, 0], month, np.ones(len(month), np.int64))
    note = Note("dates", _("Dates such as 1871.01 were read as year and month."))
    return np.where(column.usable, days, _NO_DAY), (note,)


def _read_compact(column: _Column) -> tuple[Dates, tuple[Note, ...]]:
    """``20180418``, ``180418``, ``201804`` or ``1070418``: digits without signs between them."""
    width = int(np.median(column.widths[column.usable][:, 0]))
    number = column.parts[:, 0]
    usable = column.usable & (column.widths[:, 0] == width)
    if width == 7 or (width == 6 and "roc" in column.evidence.likely and column.calendar is None):
        split = _slice_digits(column, usable, (10**4, 10**2), (width - 4, 2, 2))
        return _resolve(split, _ORDERS[0], width - 4)
    if width == 6:
        year, month = number // 100, number % 100
        months = usable & (year >= 1700) & (year < 2200) & (month >= 1) & (month <= 12)
        if months.sum() > 0.95 * usable.sum():
            first = np.ones(len(number), np.int64)
            return np.where(months, make_days(year, month, first), _NO_DAY), ()
        return _choose_order(_slice_digits(column, usable, (10**4, 10**2), (2, 2, 2)), _ORDERS)
    year_first = _slice_digits(column, usable, (10**4, 10**2), (4, 2, 2))
    days, notes = _resolve(year_first, _ORDERS[0], 4)
    plausible = (days >= _OLDEST) & (days <= _NEWEST)
    if column.calendar is not None or plausible.sum() > 0.5 * usable.sum():
        return days, notes
    year_last = _slice_digits(column, usable, (10**6, 10**4), (2, 2, 4))
    return _choose_order(year_last, _ORDERS[1:])


def _slice_digits(
    column: _Column, usable: Mask, powers: tuple[int, int], widths: tuple[int, int, int]
) -> _Column:
    """Cut one number into three."""
    number = column.parts[:, 0]
    middle = powers[0] // powers[1]
    parts = np.column_stack([number // powers[0], number // powers[1] % middle, number % powers[1]])
    split = np.tile(np.array(widths, np.int64), (len(number), 1))
    return _Column(
        parts,
        split,
        usable,
        column.rows,
        column.texts,
        column.name,
        column.evidence,
        column.calendar,
    )


_READERS: dict[str, Callable[[_Column], tuple[Dates, tuple[Note, ...]]]] = {
    "none": _read_nothing,
    "numbers": _read_numbers,
    "month word": _read_month_word,
    "month only": _read_month_only,
    "quarter": _read_month_only,
    "era": _read_era,
    "serial": _read_serial,
    "decimal": _read_decimal,
    "compact": _read_compact,
}


def _read_epoch(column: _Column) -> DateColumn:
    """Seconds, milli-, micro- or nanoseconds since 1970, read in UTC."""
    scale = np.maximum(column.parts[:, 1], 1)
    total = column.parts[:, 0] // scale
    fits = column.usable & (total < 7_258_118_400)
    unique = np.where(fits, _UNIX_START + total // 86400, _NO_DAY)
    unique = _refuse_far_days(unique, column)
    days = unique[column.rows]
    seconds = (total % 86400)[column.rows]
    note = Note("dates", _("Dates were given as seconds since 1970 and read as days in UTC."))
    texts = pd.Series(column.texts, dtype=object).iloc[column.rows]
    days, more = _move_to_market(days, seconds, "utc", texts)
    if not seconds.any():
        return DateColumn(_to_nanoseconds(days), None, (note,))
    return DateColumn(_to_nanoseconds(days), seconds, (note, *more))


# --- deciding


def _resolve(column: _Column, order: _Order, width: int) -> tuple[Dates, tuple[Note, ...]]:
    """The days of one order, in the calendar that the evidence shows."""
    places = np.flatnonzero(column.usable)
    part = column.parts[places]
    found, notes = resolve_years(
        part[:, order.year],
        part[:, order.month],
        part[:, order.day],
        width,
        column.evidence,
        column.calendar,
        column.name,
    )
    fits = _fits_width(column.widths[places, order.year], width)
    days = np.full(len(column.parts), _NO_DAY)
    days[places] = np.where(fits, found, _NO_DAY)
    return days, notes


def _choose_order(column: _Column, orders: tuple[_Order, ...]) -> tuple[Dates, tuple[Note, ...]]:
    """Choose the order of day, month and year that the whole column allows."""
    read: dict[tuple[_Order, int], Dates] = {}
    for order in orders:
        for width in (4, 2):
            days = _common_days(column, order, width)
            if (~np.isnat(days)).any():
                read[order, width] = days
    if not read:
        return _read_nothing(column)
    counts = {key: int((~np.isnat(days)).sum()) for key, days in read.items()}
    most = max(counts.values())
    best = [key for key, count in counts.items() if count >= min(most - 2, 0.95 * most)]
    shown = column.texts[int(np.flatnonzero(~np.isnat(read[best[0]]))[0])]
    chosen, sure = _likeliest({key: read[key] for key in best}, column, most, shown)
    _refuse_mixture(read, chosen, most, column)
    order, width = chosen
    days, notes = _resolve(column, order, width)
    if sure:
        return days, notes
    note = Note(
        "dates",
        _(
            "Dates such as {shown} could be read in more than one order; {name} is the "
            "plausible one."
        ).format(shown=shown, name=_(order.name)),
    )
    return days, (note, *notes)


def _fits_width(widths: Numbers, width: int) -> Mask:
    """Whether years have as many digits as they should: a lone digit is a year cut short."""
    if width == 3:
        return np.asarray((widths == 2) | (widths == 3))
    written = widths[widths > 0]
    if width <= 2 and len(written) and np.median(written) == 1:
        return np.asarray((widths == 1) | (widths == 2))
    return np.asarray(widths == width)


def _common_days(column: _Column, order: _Order, width: int) -> Dates:
    """(U,) days of one order as the common calendar would have them; only to choose the order."""
    fits = column.usable & _fits_width(column.widths[:, order.year], width)
    years = column.parts[:, order.year]
    if width == 2:
        days = make_days(years + 2000, column.parts[:, order.month], column.parts[:, order.day])
        ahead = days > np.datetime64("today", "D") + np.timedelta64(31, "D")
        earlier = make_days(years + 1900, column.parts[:, order.month], column.parts[:, order.day])
        days = np.where(ahead, earlier, days)
    else:
        days = make_days(years, column.parts[:, order.month], column.parts[:, order.day])
    return np.where(fits, days, _NO_DAY)


def _likeliest(
    read: dict[tuple[_Order, int], Dates], column: _Column, most: int, shown: str
) -> tuple[tuple[_Order, int], bool]:
    """Of several readings of a column, the one that looks like trading days in order."""
    odd = {key: _oddness(days[~np.isnat(days)], most) for key, days in read.items()}
    if len(odd) == 1:
        return next(iter(odd)), True
    first, second = sorted(odd, key=lambda key: odd[key])[:2]
    if np.array_equal(read[first], read[second], equal_nan=True):
        return first, True
    margin = odd[second] - odd[first]
    if margin < 0.25:
        raise PriceFileError(
            _(
                "{name} has dates such as {shown} that could be {first} or "
                "{second}, and nothing decides which."
            ).format(
                name=column.name, shown=shown, first=_(first[0].name), second=_(second[0].name)
            ),
            remedy=_(_REMEDY),
        )
    return first, margin >= 2


def _oddness(days: Dates, most: int) -> float:
    """How unlike prices in order: 0 is trading days or regular months; disorder weighs most."""
    gaps = np.diff(days).astype(np.int64)
    unread = 10.0 * (1 - len(days) / most)
    if not len(gaps):
        return unread
    disorder = 10.0 * min(float((gaps < 0).mean()), float((gaps > 0).mean()))
    size = np.abs(gaps)
    usual = max(float(np.median(size)), 1.0)
    sparse = usual > 4 and size.max() > 1.2 * size.min()
    weekends = float((((days.astype(np.int64) + 3) % 7) > 4).mean())
    return (
        unread
        + disorder
        + 0.5 * sparse
        + 3.0 * (usual > 100)
        + float(size.max() > 20 * usual)
        + weekends
    )


def _refuse_mixture(
    read: dict[tuple[_Order, int], Dates],
    chosen: tuple[_Order, int],
    most: int,
    column: _Column,
) -> None:
    left = np.isnat(read[chosen])
    for (order, _unused), days in read.items():
        against = left & ~np.isnat(days)
        if against.sum() > max(2, 0.01 * most):
            shown = column.texts[int(np.flatnonzero(against)[0])]
            raise PriceFileError(
                _(
                    "{name} mixes dates in two orders ({rule} as a rule, but {order} in {shown})."
                ).format(
                    name=column.name, rule=_(chosen[0].name), order=_(order.name), shown=shown
                ),
                remedy=_(_REMEDY),
            )


def _refuse_far_days(unique: Dates, column: _Column) -> Dates:
    """Days outside four centuries become NaT; most of them, or most in the future, are refused."""
    known = ~np.isnat(unique)
    impossible = known & ((unique < _OLDEST) | (unique > _NEWEST))
    ahead = known & (unique > np.datetime64("today", "D") + 366)
    wrong = impossible | ahead
    if wrong.sum() > max(3, 0.05 * known.sum()) or (wrong.any() and wrong.sum() >= known.sum()):
        shown = column.texts[int(np.flatnonzero(wrong)[0])]
        raise PriceFileError(
            _(
                "{name} has dates such as {shown}, which lie outside the years of any price: "
                "a filler, or a calendar that is not recognised."
            ).format(name=column.name, shown=shown),
            remedy=_("Remove these rows, or write the dates as 2018-04-18."),
        )
    return np.where(wrong, _NO_DAY, unique)


def _move_to_market(
    days: Dates, seconds: Numbers, zone: str, cells: pd.Series
) -> tuple[Dates, tuple[Note, ...]]:
    """Shift daily stamps of another zone to the market's own days."""
    known = ~np.isnat(days)
    if not known.any() or len(pd.unique(seconds[known])) > 4:
        return days, ()
    hours = seconds[known] / 3600
    shift = market_shift(days[known], hours)
    shown = str(cells.iloc[int(np.flatnonzero(known)[0])])
    if shift:
        moved = days + np.timedelta64(shift, "D")
        first = name_day(moved[known][0])
        return moved, (
            Note(
                "time zone",
                _(
                    "Stamps such as {shown} are in another time zone: "
                    "they fall on weekends and miss a weekday. "
                    "Each was moved to the market's own day, {first} for the first."
                ).format(shown=shown, first=first),
            ),
        )
    if zone == "utc" and hours.min() >= 12 and not (days[known][:1] == days[known]).all():
        return days, (
            Note(
                "time zone",
                _("Stamps such as {shown} were read as days in UTC.").format(shown=shown),
            ),
        )
    return days, ()


def _to_nanoseconds(days: Dates) -> Dates:
    return np.asarray(days).astype("datetime64[ns]")
