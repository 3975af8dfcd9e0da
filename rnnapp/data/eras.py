"""Years of another calendar: Taiwan's, Japan's eras and Thailand's, decided by what the file shows.

This module knows calendars and evidence, not forms of dates.
"""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rnnapp.data.notes import Note
from rnnapp.data.weekdays import count_weekend_rows, is_daily, unique_days
from rnnapp.errors import ChoiceError, ConfigError, PriceFileError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["CALENDARS", "CalendarEvidence", "find_evidence", "make_days", "resolve_years"]

Days = npt.NDArray[np.datetime64]
Numbers = npt.NDArray[np.int64]

CALENDARS = {
    "gregorian": N_("the common calendar"),
    "roc": N_("Taiwan's calendar"),
    "reiwa": N_("Japan's era Reiwa"),
    "heisei": N_("Japan's era Heisei"),
    "thai": N_("the Thai (Buddhist) calendar"),
}
_STARTS = {"gregorian": 0, "roc": 1911, "reiwa": 2018, "heisei": 1988, "thai": -543}
_TAIWAN = re.compile("民國|證券|收盤價|開盤價|成交股數|成交金額|成交筆數|漲跌")
_TAIWAN_SURE = re.compile(r"民國|成交股數|成交筆數|漲跌價差|(?<!\d)\d{2,3}年\s?\d{1,2}月")
_JAPAN = re.compile("[\u3041-\u30ff]|終値|始値|高値|安値|出来高|日付|令和|平成")
_JAPAN_SURE = re.compile("令和|平成|元号")
_THAI = re.compile("[\u0e01-\u0e5b]")
_THAI_SURE = re.compile(r"พ\.ศ|พุทธ")


@dataclass(frozen=True)
class CalendarEvidence:
    """What a file's words say about its calendar.

    Attributes:
        likely: calendars that its script and words make likely.
        sure: those that its words name outright.
    """

    likely: tuple[str, ...] = ()
    sure: tuple[str, ...] = ()


def find_evidence(words: str) -> CalendarEvidence:
    """Read the evidence from a file's title, header and first dates."""
    likely: list[str] = []
    sure: list[str] = []
    if _TAIWAN.search(words):
        likely.append("roc")
        if _TAIWAN_SURE.search(words):
            sure.append("roc")
    if _JAPAN.search(words):
        likely.extend(("reiwa", "heisei"))
        if _JAPAN_SURE.search(words):
            sure.extend(("reiwa", "heisei"))
    if _THAI.search(words):
        likely.append("thai")
        if _THAI_SURE.search(words):
            sure.append("thai")
    return CalendarEvidence(tuple(likely), tuple(sure))


def make_days(years: Numbers, months: Numbers, days: Numbers) -> Days:
    """(R,) days of the common calendar; NaT where there is no such day."""
    years, months, days = (np.asarray(part, np.int64) for part in (years, months, days))
    real = (np.abs(years) < 30_000) & (months >= 1) & (months <= 12) & (days >= 1) & (days <= 31)
    year, month, day = (np.where(real, part, 1) for part in (years, months, days))
    first = ((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    made = first.astype("datetime64[D]") + (day - 1)
    real &= made.astype("datetime64[M]") == first
    return np.where(real, made, np.datetime64("NaT", "D"))


def resolve_years(
    years: Numbers,
    months: Numbers,
    days: Numbers,
    width: int,
    evidence: CalendarEvidence,
    calendar: str | None,
    name: str,
) -> tuple[Days, tuple[Note, ...]]:
    """The days that years of ``width`` digits mean.

    Args:
        years, months, days: (R,) as written.
        width: digits of most years, 1 to 4.
        evidence: what the file says about its calendar.
        calendar: what a person chose among ``CALENDARS``, or None.
        name: what to call the file in an error.

    Returns:
        (R,) days, NaT where there is no such day, and a note where years were converted.

    Raises:
        ChoiceError: the calendar is ambiguous.
        PriceFileError: a calendar that is not read.
        ConfigError: an unknown ``calendar``.
    """
    if calendar is not None:
        if calendar not in CALENDARS:
            raise ConfigError(
                _("There is no calendar {calendar!r}.").format(calendar=calendar),
                remedy=_("Use one of {calendars}.").format(calendars=", ".join(CALENDARS)),
            )
        return _convert(years, months, days, width, calendar)
    if width == 4:
        return _resolve_long_years(years, months, days, evidence, name)
    if width == 3:
        if "roc" not in evidence.likely:
            raise _ambiguous(name, int(years[0]), ("roc",))
        return _convert(years, months, days, width, "roc")
    return _resolve_short_years(years, months, days, width, evidence, name)


def _resolve_long_years(
    years: Numbers, months: Numbers, days: Numbers, evidence: CalendarEvidence, name: str
) -> tuple[Days, tuple[Note, ...]]:
    usual = int(np.median(years))
    if 2400 <= usual <= 2650:
        if "thai" not in evidence.likely:
            raise _ambiguous(name, usual, ("thai",))
        return _convert(years, months, days, 4, "thai")
    if 1250 <= usual <= 1500:
        raise PriceFileError(
            _(
                "{name} has years such as {usual}, "
                "which belong to the Persian or the Islamic calendar."
            ).format(name=name, usual=usual),
            remedy=_("Convert the dates to the common calendar, as 2018-04-18."),
        )
    return make_days(years, months, days), ()


def _resolve_short_years(
    years: Numbers,
    months: Numbers,
    days: Numbers,
    width: int,
    evidence: CalendarEvidence,
    name: str,
) -> tuple[Days, tuple[Note, ...]]:
    """Two-digit years: the common calendar unless the file shows another, by words and weekdays."""
    readings = {
        calendar: _convert(years, months, days, width, calendar)
        for calendar in ("gregorian", *evidence.likely)
    }
    possible = {
        calendar: reading for calendar, reading in readings.items() if not _lies_ahead(reading[0])
    }
    others = [calendar for calendar in possible if calendar != "gregorian"]
    if not others:
        return readings["gregorian"]
    # Weekdays first: a daily series of another calendar falls on weekends in this one.
    fitting = [calendar for calendar in possible if _avoids_weekends(possible[calendar][0])]
    if len(fitting) == 1:
        return possible[fitting[0]]
    rivals = [calendar for calendar in (fitting or possible) if calendar != "heisei"]
    if len(rivals) == 1:
        return possible[rivals[0]]
    sure = [calendar for calendar in rivals if calendar in evidence.sure]
    if len(sure) == 1:
        return possible[sure[0]]
    raise _ambiguous(name, int(years[0]), tuple(rivals))


def _convert(
    years: Numbers, months: Numbers, days: Numbers, width: int, calendar: str
) -> tuple[Days, tuple[Note, ...]]:
    start = _STARTS[calendar]
    if calendar == "gregorian":
        if width > 2:
            return make_days(years, months, days), ()
        return _latest_century(years, months, days), ()
    if calendar == "thai" and width <= 2:
        start += 2500
    made = make_days(years + start, months, days)
    shown = int(years[0])
    note = Note(
        "calendar",
        _("The years are of {calendars} and were converted: {shown} is {shown_2}.").format(
            calendars=_(CALENDARS[calendar]), shown=shown, shown_2=shown + start
        ),
    )
    return made, (note,)


def _latest_century(years: Numbers, months: Numbers, days: Numbers) -> Days:
    """Two-digit years that would lie in the future belong to the last century."""
    made = make_days(years + 2000, months, days)
    limit = np.datetime64("today", "D") + np.timedelta64(31, "D")
    return np.where(made > limit, make_days(years + 1900, months, days), made)


def _lies_ahead(days: Days) -> bool:
    limit = np.datetime64("today", "D") + np.timedelta64(31, "D")
    known = days[~np.isnat(days)]
    return not len(known) or float((known > limit).mean()) > 0.02


def _avoids_weekends(days: Days) -> bool:
    """Whether a daily series has next to no weekends; never for weekly or monthly ones."""
    known = unique_days(days)
    if len(known) < 8 or not is_daily(known):
        return False
    return count_weekend_rows(known) <= max(1, 0.03 * len(known))


def _ambiguous(name: str, year: int, calendars: tuple[str, ...]) -> ChoiceError:
    readings = [
        _("{year} by {calendars}").format(
            year=_year_in(year, calendar), calendars=_(CALENDARS[calendar])
        )
        for calendar in calendars
    ]
    flags = [f"--calendar {calendar}" for calendar in calendars]
    return ChoiceError(
        _(
            "{name} has years such as {year:02}, which may mean {readings}, and "
            "nothing in the file decides it."
        ).format(name=name, year=year, readings=_name_either(readings)),
        option="calendar",
        choices=calendars,
        remedy=_("Choose the calendar ({flags}), or write the dates as 2018-04-18.").format(
            flags=_name_either(flags)
        ),
    )


def _name_either(choices: list[str]) -> str:
    """``this or that``, for two and more."""
    return functools.reduce(
        lambda first, second: _("{first} or {second}").format(first=first, second=second), choices
    )


def _year_in(year: int, calendar: str) -> int:
    if calendar == "gregorian":
        made = _latest_century(np.array([year]), np.array([1]), np.array([1]))
        return int(made.astype("datetime64[Y]").astype(np.int64)[0]) + 1970
    start = _STARTS[calendar]
    if calendar == "thai" and year < 100:
        start += 2500
    return year + start
