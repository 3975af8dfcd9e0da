"""Which weekdays a series trades on: misread dates show in it, and so do days in another zone.

This module knows days only, not how they were written.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.notes import Note, count_of
from rnnapp.errors import PriceFileError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["check_weekdays", "count_weekend_rows", "is_daily", "market_shift", "unique_days"]

Days = npt.NDArray[np.datetime64]
Counts = npt.NDArray[np.float64]

_FRIDAY, _SATURDAY, _SUNDAY = 4, 5, 6
_RARE = 0.03  # share of a weekday on which a market rests
_COMMON = 0.08  # share of a weekday on which it trades; a seventh is 0.14
_LAST_SIX_DAY_YEAR = 2001  # Tokyo, Seoul and Taipei traded on Saturdays until 1989, 1998 and 2001


def unique_days(days: Days) -> Days:
    """Ascending unique days, as ``datetime64[D]``, without NaT."""
    whole = np.asarray(days).astype("datetime64[D]")
    numbers = pd.unique(whole[~np.isnat(whole)].astype(np.int64))
    return np.sort(numbers).astype("datetime64[D]")


def is_daily(days: Days) -> bool:
    """Whether unique ascending days lie about a day apart."""
    if len(days) < 3:
        return False
    return bool(np.median(np.diff(days).astype(np.int64)) <= 2)


def count_weekend_rows(days: Days) -> int:
    """How many days are Saturdays or Sundays."""
    return int((_weekday_numbers(days) >= _SATURDAY).sum())


def check_weekdays(days: Days, name: str) -> tuple[Note, ...]:
    """Find daily dates that cannot be right by the weekdays they fall on.

    A market rests on the same days each week. Dates read in a wrong order, year or zone fall on
    other weekdays, and change them from year to year.

    Returns:
        What a person should know, such as a week from Sunday to Thursday.

    Raises:
        PriceFileError: the weekdays are those of no market.
    """
    days = unique_days(days)
    if len(days) < 10 or not is_daily(days):
        return ()
    verdicts = [(_judge_group(group), len(group)) for group in _yearly_groups(days)]
    total = sum(rows for _unused, rows in verdicts)
    wrong = sum(rows for verdict, rows in verdicts if verdict == "wrong")
    weeks = {verdict for verdict, _unused in verdicts} & {
        "Sunday to Thursday",
        "Saturday to Wednesday",
    }
    if wrong > 0.2 * total or (len(verdicts) > 3 and len(weeks) == 2 and wrong):
        weekends = count_weekend_rows(days)
        raise PriceFileError(
            _(
                "{name} has {weekends} of {count:,} on Saturdays and Sundays, "
                "although it rests on other days, so its dates are wrong by days or years."
            ).format(name=name, weekends=count_of(weekends, "day"), count=len(days)),
            remedy=_("Use an export with dates as 2018-04-18, in the market's own time zone."),
        )
    return tuple(
        Note(
            "weekdays",
            _(
                "The trading days run from {week}. If this market trades from Monday to Friday, "
                "the dates are in another time zone."
            ).format(week=_(week)),
        )
        for week in sorted(weeks)
    )


def market_shift(days: Days, hours: Counts) -> int:
    """By how many days stamps must move to fall on the market's own days.

    Midnight in Sydney or Frankfurt is the evening before in UTC, so that Sundays appear and Fridays
    do not; the close of New York is the next morning in Seoul, so that Saturdays appear.

    Args:
        days: (R,) days as stamped.
        hours: (R,) hours since midnight.

    Returns:
        1, -1 or 0; not 0 only where it removes every weekend.
    """
    stamped = unique_days(days)
    if len(stamped) < 3 or not count_weekend_rows(stamped):
        return 0
    for shift, fits in ((1, hours.min() >= 12), (-1, 0 < hours.min() <= hours.max() < 12)):
        moved = stamped + np.timedelta64(shift, "D")
        if fits and not count_weekend_rows(moved):
            return shift
    return 0


def _weekday_numbers(days: Days) -> npt.NDArray[np.int64]:
    """(R,) Monday 0 to Sunday 6."""
    return (days.astype("datetime64[D]").astype(np.int64) + 3) % 7


def _yearly_groups(days: Days) -> list[Days]:
    """The days of each year that has enough of them, else all together."""
    years = days.astype("datetime64[Y]").astype(np.int64)
    groups = [days[years == year] for year in np.unique(years)]
    large = [group for group in groups if len(group) >= 40]
    return large or [days]


def _judge_group(days: Days) -> str:
    """The week that these days show: ``usual``, ``7-day``, another week's name, or ``wrong``."""
    weekdays = _weekday_numbers(days)
    share = np.bincount(weekdays, minlength=7) / len(days)
    saturday, sunday = share[_SATURDAY], share[_SUNDAY]
    if count_weekend_rows(days) <= max(3, 0.02 * len(days)):
        return "usual"
    rests = {number for number in range(5) if share[number] < _RARE}
    if min(saturday, sunday) >= 0.6 * _COMMON:
        if rests == {3, _FRIDAY}:
            return N_("Saturday to Wednesday")
        return _accept_if(rests <= {_FRIDAY}, "7-day")
    if sunday >= _COMMON and saturday < _RARE:
        if rests == {_FRIDAY}:
            return N_("Sunday to Thursday")
        return _accept_if(not rests, "usual")  # currencies trade from Sunday evening
    if sunday < _RARE and not rests:
        last = int(days[-1].astype("datetime64[Y]").astype(np.int64)) + 1970
        return _accept_if(last <= _LAST_SIX_DAY_YEAR or saturday >= _COMMON, "usual")
    return "wrong"


def _accept_if(condition: bool, verdict: str) -> str:
    if condition:
        return verdict
    return "wrong"
