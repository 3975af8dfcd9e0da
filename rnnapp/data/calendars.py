"""The days after a table's last row: an exchange's trading days, else the rhythm of the rows.

Exchanges are known by ticker or index name and their holidays come from ``exchange_calendars``;
for every other series the weekdays, or the weeks and months, that its own rows show go on.
"""

from __future__ import annotations

import functools
import re
import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.prices import PriceTable
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["FutureDays", "exchange_code", "future_days"]

Days = npt.NDArray[np.datetime64]

_EXCHANGES = {
    "^GSPC": "XNYS",
    "^DJI": "XNYS",
    "^IXIC": "XNYS",
    "^NDX": "XNYS",
    "^RUT": "XNYS",
    "^VIX": "XNYS",
    "^KS11": "XKRX",
    "^KS200": "XKRX",
    "^KQ11": "XKRX",
    "^N225": "XTKS",
    "^TOPX": "XTKS",
    "^HSI": "XHKG",
    "^TWII": "XTAI",
    "000001.SS": "XSHG",
    "^BSESN": "XBOM",
    "^NSEI": "XBOM",
    "^STI": "XSES",
    "^JKSE": "XIDX",
    "^KLSE": "XKLS",
    "^AXJO": "XASX",
    "^FTSE": "XLON",
    "^GDAXI": "XETR",
    "^FCHI": "XPAR",
    "^IBEX": "XMAD",
    "^AEX": "XAMS",
    "^SSMI": "XSWX",
    "^OMX": "XSTO",
    "^GSPTSE": "XTSE",
    "^BVSP": "BVMF",
    "^MXX": "XMEX",
    "S&P 500": "XNYS",
    "SPX": "XNYS",
    "DOW JONES": "XNYS",
    "NASDAQ": "XNYS",
    "NASDAQ COMPOSITE": "XNYS",
    "KOSPI": "XKRX",
    "KOSDAQ": "XKRX",
    "NIKKEI": "XTKS",
    "NIKKEI 225": "XTKS",
    "HANG SENG": "XHKG",
    "FTSE 100": "XLON",
    "DAX": "XETR",
    "CAC 40": "XPAR",
}
_SUFFIXES = {
    ".KS": "XKRX",
    ".KQ": "XKRX",
    ".T": "XTKS",
    ".HK": "XHKG",
    ".TW": "XTAI",
    ".SS": "XSHG",
    ".SZ": "XSHG",
    ".BO": "XBOM",
    ".NS": "XBOM",
    ".SI": "XSES",
    ".AX": "XASX",
    ".L": "XLON",
    ".DE": "XETR",
    ".PA": "XPAR",
    ".MC": "XMAD",
    ".AS": "XAMS",
    ".SW": "XSWX",
    ".ST": "XSTO",
    ".MI": "XMIL",
    ".TO": "XTSE",
    ".SA": "BVMF",
    ".MX": "XMEX",
}
_PLAIN_NAMES = {re.sub(r"[^A-Z0-9]", "", name): code for name, code in _EXCHANGES.items()}
"""As files are named: without spaces and signs."""
_RECENT_ROWS = 250
_LOOK_AHEAD = pd.Timedelta(days=100)
"""Calendar days in which every exchange has more sessions than a horizon has rows."""
_MOST_STRANGE_DAYS = 0.02
"""Share of the latest rows that may lie on days that the exchange was closed."""
_FEWEST_SHARE = 0.02
"""A weekday belongs to a series where at least this share of its latest rows falls on it."""


@dataclass(frozen=True, eq=False)
class FutureDays:
    """The days of the next rows.

    Attributes:
        dates: (H,) datetime64[ns].
        source: how they were found, in a sentence.
        exchange: code of the exchange, empty where the file's own rhythm goes on.
    """

    dates: Days
    source: str
    exchange: str = ""


def future_days(prices: PriceTable, count: int) -> FutureDays:
    """The days of the rows after a table's last one.

    Args:
        prices: the table; its name may be a ticker or the name of an index.
        count: H, rows ahead.
    """
    spacing = prices.spacing.name
    code = exchange_code(prices.name)
    if code and spacing == "daily":
        dates = _exchange_days(code, prices.dates, count)
        if dates is not None:
            source = _("Trading days of the exchange {exchange}, its holidays left out.")
            return FutureDays(dates, source.format(exchange=code), code)
    if spacing in ("daily", "7-day"):
        return _weekday_days(prices.dates, count)
    if spacing == "weekly":
        source = _("Every week, as the rows of the file.")
        return FutureDays(_shift_days(prices.dates, 7, count), source)
    months = {"monthly": 1, "quarterly": 3, "yearly": 12}.get(spacing)
    if months is not None:
        return _month_days(prices.dates, months, count)
    gap = max(int(np.median(np.diff(_whole_days(prices.dates)).astype(np.int64))), 1)
    source = _("Every {gap} days, the usual distance of the file's rows.")
    return FutureDays(_shift_days(prices.dates, gap, count), source.format(gap=gap))


def exchange_code(name: str) -> str:
    """The exchange (ISO 10383 code) of a ticker or index name; empty where it is not known.

    Signs and spaces do not count: ``sp500`` and ``S&P 500`` are the same index.
    """
    name = name.strip().upper()
    plain = re.sub(r"[^A-Z0-9]", "", name)
    if plain in _PLAIN_NAMES:
        return _PLAIN_NAMES[plain]
    for suffix, code in _SUFFIXES.items():
        if name.endswith(suffix):
            return code
    return ""


def _exchange_days(code: str, dates: Days, count: int) -> Days | None:
    """The exchange's next sessions; None where the rows do not follow its calendar."""
    recent = pd.DatetimeIndex(_whole_days(dates[-_RECENT_ROWS:]))
    last = recent[-1]
    sessions = _read_sessions(code, recent[0] - pd.Timedelta(days=10), last + _LOOK_AHEAD)
    if sessions is None or (~recent.isin(sessions)).mean() > _MOST_STRANGE_DAYS:
        return None
    following = sessions[sessions > last][:count]
    if len(following) < count:
        return None
    return np.asarray(following.to_numpy(), "datetime64[ns]")


@functools.lru_cache(maxsize=16)
def _read_sessions(code: str, first: pd.Timestamp, last: pd.Timestamp) -> pd.DatetimeIndex | None:
    """An exchange's sessions; None for years that its calendar does not know.

    Making a calendar takes up to seconds (Seollal follows the moon), so each is made once.
    """
    import exchange_calendars  # imports that only an outlook needs

    try:
        with warnings.catch_warnings():  # its own use of pandas, not ours
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            calendar = exchange_calendars.get_calendar(code, start=first, end=last)
    except (ValueError, exchange_calendars.errors.CalendarError):
        return None
    sessions: pd.DatetimeIndex = calendar.sessions
    return sessions


def _weekday_days(dates: Days, count: int) -> FutureDays:
    """The next days that fall on the weekdays of the latest rows."""
    recent = pd.DatetimeIndex(_whole_days(dates[-_RECENT_ROWS:]))
    shares = np.bincount(recent.day_of_week, minlength=7) / len(recent)
    open_days = shares >= _FEWEST_SHARE
    following = recent[-1] + pd.to_timedelta(np.arange(1, 7 * count + 8), unit="D")
    chosen = following[open_days[following.day_of_week]][:count]
    names = [_(name) for name, is_open in zip(_WEEKDAYS, open_days, strict=True) if is_open]
    source = _("The weekdays of the file's own rows ({weekdays}); holidays are not known.")
    if open_days.all():
        source = _("Every day of the week, as the rows of the file.")
    return FutureDays(
        np.asarray(chosen.to_numpy(), "datetime64[ns]"), source.format(weekdays=", ".join(names))
    )


_WEEKDAYS = (N_("Mon"), N_("Tue"), N_("Wed"), N_("Thu"), N_("Fri"), N_("Sat"), N_("Sun"))


def _month_days(dates: Days, months: int, count: int) -> FutureDays:
    """The next months' days, at the place in the month that the latest rows have."""
    recent = pd.DatetimeIndex(_whole_days(dates[-24:]))
    steps = [months * number for number in range(1, count + 1)]
    if _nearly_all(recent == recent + pd.offsets.MonthEnd(0)):
        place = _("the last day")
        ends = [recent[-1] + pd.offsets.MonthEnd(step) for step in steps]
    elif _nearly_all(recent == recent + pd.offsets.BMonthEnd(0)):
        place = _("the last weekday")
        ends = [recent[-1] + pd.offsets.BMonthEnd(step) for step in steps]
    else:
        place = _("the same day")
        ends = [recent[-1] + pd.DateOffset(months=step) for step in steps]
    source = _("Months go on as in the file: {place} of each.")
    if months > 1:
        source = _("Every {months} months, as the rows of the file: {place} of the month.")
    return FutureDays(
        np.array([end.to_datetime64() for end in ends], "datetime64[ns]"),
        source.format(place=place, months=months),
    )


def _nearly_all(hits: npt.NDArray[np.bool_]) -> bool:
    return bool(np.mean(hits) >= 0.8)


def _shift_days(dates: Days, gap: int, count: int) -> Days:
    last = _whole_days(dates)[-1]
    steps = np.arange(1, count + 1) * np.timedelta64(gap, "D")
    return np.asarray(last + steps, "datetime64[ns]")


def _whole_days(dates: Days) -> Days:
    return np.asarray(dates, "datetime64[D]")
