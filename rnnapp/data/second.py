"""A second series as a feature: joined by date, with only what was known at each day's close.

A day takes the second series' latest value up to that day, or up to the day before. The same day's
value is taken only where the second series is known to close no later than the prices: by the
closing hours of both exchanges, in all seasons. Where they are not known, it is the day before's.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from pathlib import Path
from typing import Literal, NamedTuple, TypeVar, cast, get_args

import numpy as np
import numpy.typing as npt

from rnnapp.configs import SecondConfig, SecondDay
from rnnapp.data.extras import feature_name
from rnnapp.data.notes import Note, name_day
from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.sources import BUNDLED, bundled, fetch_yahoo
from rnnapp.errors import ConfigError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = [
    "SecondSeries",
    "closes_no_later",
    "find_second",
    "join_as_before",
    "join_second",
    "load_second",
]

Days = npt.NDArray[np.datetime64]
TableT = TypeVar("TableT", bound=PriceTable)

_SUFFIXES = (".csv", ".txt", ".tsv", ".xlsx", ".xls", ".zip", ".gz", ".json", ".html", ".htm")
_BEFORE_FIRST = dt.timedelta(days=14)  # so that the first day has a value from before
_STALE = 10  # days
_DAYS_OF_WEEKLY = 4.0  # between rows; rarer ones are no days

_SAME = N_(
    "{second} closes no later than {name}, so each day takes its value of the same day, or the "
    "last one before."
)
_CHOSEN_SAME = N_(
    "Each day takes the value of {second} of the same day, or the last one before, as chosen: it "
    "is up to you that it was known at the close of {name}."
)
_BEFORE = N_(
    "{second} may close after {name}, so each day takes its last value of an earlier day "
    "(second_day=same takes the same day's)."
)
_UNMATCHED = N_(
    "{count:,} of {rows:,} days have no row of their own in {second} and took the last one before "
    "(the first is {day})."
)
_UNUSED = N_("{count:,} rows of {second} fall on no day of {name}.")
_LATE_START = N_("{second} begins on {day}; the {count:,} days up to then have no value of it.")
_STALE_END = N_(
    "{second} ends on {day}; the days after that take its last value, which is {age:,} days old at "
    "the end."
)
_RARE = N_(
    "{second} is {spacing}: each value counts as known from its own date, so its dates have to be "
    "the days of publication."
)
_NO_SHARED = N_(
    "{second} has no row before the last day of {name}, {last}. Use a series of the same years."
)
_NO_FILE = N_("There is no file {name} for the second series. Use a file, a ticker or {bundled}.")


class _Close(NamedTuple):
    """When a market's value of the day is fixed, hours of its own clock and of UTC's.

    Attributes:
        zone: markets of one zone are compared by their own clock.
        hour: on that clock.
        earliest, latest: UTC, over summer and winter time.
    """

    zone: str
    hour: float
    earliest: float
    latest: float


_NEW_YORK = _Close("New York", 16, 20, 21)
_FRANKFURT = _Close("Frankfurt", 17.6, 15.6, 16.6)
_SEOUL = _Close("Seoul", 15.5, 6.5, 6.5)
_TOKYO = _Close("Tokyo", 15.5, 6.5, 6.5)
_HONG_KONG = _Close("Hong Kong", 16.2, 8.2, 8.2)
_SHANGHAI = _Close("Shanghai", 15, 7, 7)
_LONDON = _Close("London", 16.6, 15.6, 16.6)
_MIDNIGHT = _Close("UTC", 24, 24, 24)

_BY_NAME = {
    "sp500": _NEW_YORK,
    "nasdaq": _NEW_YORK,
    "s&p 500": _NEW_YORK,
    "nasdaq composite": _NEW_YORK,
    "^gspc": _NEW_YORK,
    "^ixic": _NEW_YORK,
    "^dji": _NEW_YORK,
    "^ndx": _NEW_YORK,
    "^rut": _NEW_YORK,
    "^vix": _Close("New York", 16.25, 20.25, 21.25),
    "^tnx": _Close("New York", 15, 19, 20),
    "kospi": _SEOUL,
    "^ks11": _SEOUL,
    "^kq11": _SEOUL,
    "nikkei 225": _TOKYO,
    "^n225": _TOKYO,
    "^hsi": _HONG_KONG,
    "^ftse": _LONDON,
    "^gdaxi": _FRANKFURT,
    "^fchi": _FRANKFURT,
    "^stoxx50e": _FRANKFURT,
}
_BY_END = {
    ".ks": _SEOUL,
    ".kq": _SEOUL,
    ".t": _TOKYO,
    ".hk": _HONG_KONG,
    ".ss": _SHANGHAI,
    ".sz": _SHANGHAI,
    ".l": _LONDON,
    ".de": _FRANKFURT,
    ".pa": _FRANKFURT,
    "=x": _MIDNIGHT,
    "-usd": _MIDNIGHT,
}


@dataclasses.dataclass(frozen=True, eq=False)
class SecondSeries:
    """A series on its way to be joined.

    Attributes:
        table: its rows; the close is the feature.
        label: what the feature is called, and where it is known by its ticker, that.
    """

    table: PriceTable
    label: str


def closes_no_later(second: str, first: str) -> bool:
    """Whether one market's value of a day is fixed when another closes, by names or tickers.

    False where either is not known here.
    """
    mine, other = _find_close(second), _find_close(first)
    if mine is None or other is None:
        return False
    if mine.zone == other.zone:
        return mine.hour <= other.hour
    return mine.latest <= other.earliest


def load_second(config: SecondConfig, prices: PriceTable) -> SecondSeries:
    """Read, fetch or open the second series that a setting names.

    Args:
        config: a bundled index's name, a file's path, or else a ticker.
        prices: what it is for; a ticker is fetched for its days.

    Raises:
        ConfigError: no such file, or no ticker.
        DataError: it cannot be read or fetched.
    """
    path = Path(config.second)
    if config.second not in BUNDLED and path.is_file():
        return SecondSeries(read_prices(path), path.name.split(".")[0])
    if path.suffix.lower() in _SUFFIXES:
        raise ConfigError(_(_NO_FILE).format(name=path.name, bundled=" or ".join(BUNDLED)))
    return find_second(config.second, prices)


def find_second(name: str, prices: PriceTable) -> SecondSeries:
    """A bundled index, or a ticker's prices on the days of a table; never a file.

    Raises:
        ConfigError: no ticker.
        SourceError: it cannot be fetched.
    """
    if name in BUNDLED:
        return SecondSeries(bundled(cast(Literal["sp500", "nasdaq"], name)), name)
    days = prices.frame.index
    first = days[0].date() - _BEFORE_FIRST
    last = days[-1].date() + dt.timedelta(days=1)
    return SecondSeries(fetch_yahoo(name, first, last), name.strip().upper())


def join_as_before(
    prices: TableT, table: PriceTable, name: str, recorded: PriceTable
) -> tuple[TableT, str]:
    """Join newer rows of a series by the rule by which a recorded table has it.

    The rule is the one that gives the recorded values on the days that both tables have.

    Args:
        prices: newer rows.
        table: newer rows of the second series.
        name: the recorded column.
        recorded: the table with that column.

    Raises:
        ConfigError: no row of the series lies before the table's last day.
    """
    best = None
    for day in get_args(SecondDay):
        joined, called = join_second(prices, SecondSeries(table, name), day)
        values = joined.frame[called].reindex(recorded.frame.index)
        apart = (values - recorded.frame[name]).abs().median()
        if best is None or apart < best[0]:
            best = (apart, joined, called)
    assert best is not None
    return best[1], best[2]


def join_second(
    prices: TableT, second: SecondSeries, day: SecondDay = "auto"
) -> tuple[TableT, str]:
    """Join a series' closes to a table by date, as of each day.

    Args:
        prices: the table.
        second: the series.
        day: the same day's value, that of an earlier day, or as the closing hours say.

    Returns:
        The table with one more column and notes on days that do not match, and the column's name.

    Raises:
        ConfigError: no row of the series lies before the table's last day.
    """
    same = day == "same" or (day == "auto" and _is_known_same_day(prices, second))
    ours, theirs = _whole_days(prices.dates), _whole_days(second.table.dates)
    side = {True: "right", False: "left"}[same]
    places = np.searchsorted(theirs, ours, side=side) - 1  # type: ignore[call-overload]
    if places[-1] < 0:
        last = name_day(prices.dates[-1])
        raise ConfigError(_(_NO_SHARED).format(second=second.label, name=prices.name, last=last))
    values = np.where(places >= 0, second.table.close[places], np.nan)
    name = feature_name(second.label, prices.others)
    messages = [
        _rule_sentence(day, same).format(second=name, name=prices.name),
        *_describe_match(prices, second.table, name, places),
    ]
    notes = tuple(Note("second series", message) for message in messages)
    frame = prices.frame.assign(**{name: values})
    joined = dataclasses.replace(prices, frame=frame, repairs=(*prices.repairs, *notes))
    return joined, name


def _is_known_same_day(prices: PriceTable, second: SecondSeries) -> bool:
    """Whether the second series closes no later, by its label or its own name."""
    names = (second.label, second.table.name)
    known = next((name for name in names if _find_close(name) is not None), "")
    return closes_no_later(known, prices.name)


def _find_close(name: str) -> _Close | None:
    folded = name.strip().casefold()
    if folded in _BY_NAME:
        return _BY_NAME[folded]
    return next((close for end, close in _BY_END.items() if folded.endswith(end)), None)


def _rule_sentence(day: SecondDay, same: bool) -> str:
    if not same:
        return _(_BEFORE)
    return {"same": _(_CHOSEN_SAME)}.get(day, _(_SAME))


def _describe_match(
    prices: PriceTable, second: PriceTable, name: str, places: npt.NDArray[np.int64]
) -> list[str]:
    """Sentences on days that do not match, on ends that do not meet, and on rare rows."""
    ours, theirs = _whole_days(prices.dates), _whole_days(second.dates)
    sentences = []
    if second.spacing.days > _DAYS_OF_WEEKLY:
        sentences.append(_(_RARE).format(second=name, spacing=second.spacing.name))
    began = places >= 0
    inside = ours <= theirs[-1]
    unmatched = began & inside & ~np.isin(ours, theirs)
    if unmatched.any():
        day = name_day(prices.dates[int(unmatched.argmax())])
        count = int(unmatched.sum())
        sentences.append(_(_UNMATCHED).format(count=count, rows=len(ours), second=name, day=day))
    between = (theirs >= ours[0]) & (theirs <= ours[-1])
    unused = int((between & ~np.isin(theirs, ours)).sum())
    if unused:
        sentences.append(_(_UNUSED).format(count=unused, second=name, name=prices.name))
    if not began.all():
        count = int((~began).sum())
        day = name_day(second.dates[0])
        sentences.append(_(_LATE_START).format(second=name, day=day, count=count))
    age = int((ours[-1] - theirs[places[-1]]).astype(np.int64))
    if age > _STALE and second.spacing.days <= _DAYS_OF_WEEKLY:
        day = name_day(theirs[places[-1]])
        sentences.append(_(_STALE_END).format(second=name, day=day, age=age))
    return sentences


def _whole_days(dates: Days) -> Days:
    return dates.astype("datetime64[D]")
