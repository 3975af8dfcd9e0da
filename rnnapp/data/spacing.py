"""The rhythm of a series: daily, every day of the week, weekly, monthly, quarterly or yearly.

This module knows days only, not prices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["DAILY", "SPACINGS", "Spacing", "measure_spacing"]

Days = npt.NDArray[np.datetime64]


@dataclass(frozen=True)
class Spacing:
    """How far apart the rows of a series usually lie.

    Attributes:
        name: ``daily`` (trading days), ``7-day`` (weekends too), ``weekly``, ``monthly``,
            ``quarterly``, ``yearly`` or ``irregular``.
        row: what one row is ("week").
        days: calendar days from one row to the next, as a rule.
        per_year: rows in a year, as a rule.
    """

    name: str
    row: str
    days: float
    per_year: float

    @property
    def has_weekdays(self) -> bool:
        """Whether rows are days, so that "the same weekday a week ago" means something."""
        return self.row == "day"

    @property
    def unit(self) -> str:
        """What one row is called ("week")."""
        return _(_UNITS[self.row][0])

    @property
    def units(self) -> str:
        """What several rows are called ("weeks")."""
        return _(_UNITS[self.row][1])

    @property
    def next_close(self) -> str:
        """What the row after the last is called ("next week's close")."""
        return _(_CLOSES[self.row][0])

    @property
    def last_close(self) -> str:
        """What persistence repeats ("this week's close")."""
        return _(_CLOSES[self.row][1])


_UNITS = {
    "day": (N_("day"), N_("days")),
    "week": (N_("week"), N_("weeks")),
    "month": (N_("month"), N_("months")),
    "quarter": (N_("quarter"), N_("quarters")),
    "year": (N_("year"), N_("years")),
    "row": (N_("row"), N_("rows")),
}
_CLOSES = {
    "day": (N_("tomorrow's close"), N_("today's close")),
    "week": (N_("next week's close"), N_("this week's close")),
    "month": (N_("next month's close"), N_("this month's close")),
    "quarter": (N_("next quarter's close"), N_("this quarter's close")),
    "year": (N_("next year's close"), N_("this year's close")),
    "row": (N_("the next row's close"), N_("the last row's close")),
}


DAILY = Spacing("daily", "day", 1, 252)
SPACINGS = (
    DAILY,
    Spacing("7-day", "day", 1, 365),
    Spacing("weekly", "week", 7, 52),
    Spacing("monthly", "month", 30.4, 12),
    Spacing("quarterly", "quarter", 91.3, 4),
    Spacing("yearly", "year", 365, 1),
    Spacing("irregular", "row", 1, 252),
)
_BY_NAME = {spacing.name: spacing for spacing in SPACINGS}

# Usual gap between rows in days, from and up to (both included), of each spacing beyond days.
_RANGES = (
    ("weekly", 6, 8),
    ("monthly", 27, 32),
    ("quarterly", 88, 93),
    ("yearly", 360, 370),
)


def measure_spacing(days: Days) -> Spacing:
    """Measure the rhythm of a series.

    Args:
        days: (R,) ascending unique days.

    Returns:
        The spacing that at least 70% of the gaps show; ``daily`` for fewer than three rows.
    """
    numbers = np.asarray(days, "datetime64[D]").astype(np.int64)
    if len(numbers) < 3:
        return DAILY
    gaps = np.diff(numbers)
    for name, low, high in _RANGES:
        if ((gaps >= low) & (gaps <= high)).mean() >= 0.7:
            return _BY_NAME[name]
    if np.median(gaps) > 4:
        return _BY_NAME["irregular"]
    # Markets that rest at weekends never show a Saturday; 2 in 7 days of the others are weekends.
    weekends = ((numbers + 3) % 7 >= 5).mean()
    covers_weekends = weekends > 0.2 and (gaps == 1).mean() > 0.8
    return _BY_NAME["7-day"] if covers_weekends else DAILY
