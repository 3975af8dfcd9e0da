"""Tables of another shape: several tickers below each other, and bars of minutes or hours.

This module knows rows and stamps, not files.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.dates import Dates
from rnnapp.data.notes import Note, count_of
from rnnapp.data.weekdays import count_weekend_rows, unique_days
from rnnapp.errors import ChoiceError
from rnnapp.language import gettext as _

__all__ = ["choose_ticker_rows", "name_bars", "refuse_bars", "to_daily"]

Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]

_SHOWN = 8
_MOST_TICKERS = 5000


def choose_ticker_rows(
    columns: dict[str, pd.Series],
    dates: Dates,
    seconds: npt.NDArray[np.int64] | None,
    name: str,
    ticker: str | None,
    by_hand: bool,
) -> tuple[Mask, str]:
    """Find the rows of one ticker in a file that holds several below each other.

    Args:
        columns: (R,) columns of words by their header.
        dates, seconds: (R,) stamps; a column names tickers where it parts equal stamps.
        name: what to call the file in an error.
        ticker: which one a person chose, or None.
        by_hand: whether a person named the column.

    Returns:
        (R,) which rows to read, and the ticker that the file names, or "".

    Raises:
        ChoiceError: several tickers and none chosen, or one that is not there.
    """
    every = np.ones(len(dates), bool)
    stamps = dates
    if seconds is not None:
        stamps = dates + seconds.astype("timedelta64[s]")
    repeated = pd.Series(stamps).duplicated().to_numpy().mean() > 0.02
    for header, cells in columns.items():
        words = cells.str.strip()
        several = sorted(word for word in words.unique().tolist() if word)
        if len(several) < 2 or len(several) > _MOST_TICKERS:
            continue
        pairs = pd.DataFrame({"stamp": stamps, "word": words.to_numpy()})
        parts = repeated and pairs.duplicated().mean() < 0.02
        if not (parts or by_hand or (ticker is not None and ticker in several)):
            continue
        if ticker is None:
            shown = ", ".join(several[:_SHOWN])
            raise ChoiceError(
                _(
                    "{name} holds {count:,} tickers below each other, by its column {header} "
                    "({shown})."
                ).format(name=name, count=len(several), header=header, shown=shown),
                option="ticker",
                choices=several,
                remedy=_('Choose one of them (--ticker "{several}").').format(several=several[0]),
            )
        folded = {word.casefold(): word for word in several}
        if ticker.casefold() not in folded:
            raise ChoiceError(
                _("{name} has no ticker {ticker} in its column {header}; it has {several}.").format(
                    name=name, ticker=ticker, header=header, several=", ".join(several[:_SHOWN])
                ),
                option="ticker",
                choices=several,
                remedy=_("Choose one of these."),
            )
        chosen = folded[ticker.casefold()]
        return np.asarray(words == chosen), chosen
    return every, _only_word(columns)


def _only_word(columns: dict[str, pd.Series]) -> str:
    """What a column says in every row, as a name for the table."""
    for cells in columns.values():
        words = cells.str.strip().unique().tolist()
        if len(words) == 1 and 0 < len(words[0]) <= 24:
            return str(words[0])
    return ""


def name_bars(dates: Dates, seconds: npt.NDArray[np.int64] | None) -> str:
    """``hourly`` or ``5-minute`` where a day has several stamps, "" where it has one."""
    if seconds is None or len(dates) < 3:
        return ""
    stamps = _unique_stamps(dates.astype("datetime64[s]") + seconds.astype("timedelta64[s]"))
    days = len(unique_days(dates))
    if len(stamps) < 1.5 * days:
        return ""
    step = int(np.median(np.diff(stamps).astype(np.int64)))
    if step % 3600 == 0:
        return {1: "hourly"}.get(step // 3600, _("{step}-hour").format(step=step // 3600))
    if step % 60 == 0:
        return {1: "minute"}.get(step // 60, _("{step}-minute").format(step=step // 60))
    return "intraday"


def refuse_bars(bars: str, name: str, rows: int) -> ChoiceError:
    """The error for bars that are not days."""
    return ChoiceError(
        _("{name} has {rows:,} {bars} bars, not daily prices.").format(
            name=name, rows=rows, bars=bars
        ),
        option="daily",
        choices=("daily",),
        remedy=_("Make days of them (--daily): the open of the first bar, the close of the last."),
    )


def to_daily(
    dates: Dates, seconds: npt.NDArray[np.int64], values: dict[str, Values], bars: str
) -> tuple[Dates, dict[str, Values], tuple[Note, ...]]:
    """Make days of intraday bars.

    Args:
        dates, seconds: (R,) stamps.
        values: (R,) values of each column.
        bars: what the bars are called.

    Returns:
        (D,) days of the session, the values of each day (Open of the first bar, highest High,
        lowest Low, Close of the last, Volume summed), and what was done.
    """
    stamps = dates.astype("datetime64[s]") + seconds.astype("timedelta64[s]")
    start = _session_start(stamps)
    moved = stamps
    if start:
        moved = stamps + np.timedelta64(24 - start, "h")
    frame = pd.DataFrame(values)
    frame["day"] = moved.astype("datetime64[D]").astype("datetime64[ns]")
    frame = frame.iloc[np.argsort(stamps, kind="stable")]
    rules = {"Open": "first", "High": "max", "Low": "min", "Close": "last", "Volume": "sum"}
    grouped = frame.groupby("day", sort=True)
    daily = grouped.agg({column: rules[column] for column in values})
    words = _("{count_of} ({bars}) became {count_of_2}.")
    if start:
        words = _(
            "{count_of} ({bars}) became {count_of_2}; a session begins at {start:02}:00 of the "
            "evening before."
        )
    words = words.format(
        count_of=count_of(len(frame), "bar"),
        bars=bars,
        count_of_2=count_of(len(daily), "day"),
        start=start,
    )
    result = {column: daily[column].to_numpy(np.float64) for column in values}
    return daily.index.to_numpy().astype("datetime64[ns]"), result, (Note("bars", words),)


def _unique_stamps(stamps: npt.NDArray[np.datetime64]) -> npt.NDArray[np.datetime64]:
    """Ascending unique stamps, by a hash table: ``np.unique`` takes a second for a million."""
    return np.sort(pd.unique(stamps.astype(np.int64))).astype("datetime64[s]")


def _session_start(stamps: npt.NDArray[np.datetime64]) -> int:
    """The hour of the evening at which a week begins, 0 where it begins in the morning.

    Currencies and futures open on Sunday evening: those bars belong to Monday.
    """
    days = unique_days(stamps.astype("datetime64[D]"))
    if not count_weekend_rows(days):
        return 0
    ordered = _unique_stamps(stamps)
    gaps = np.diff(ordered).astype(np.int64)
    first = ordered[1:][gaps > 30 * 3600]
    if not len(first):
        return 0
    weekday = (first.astype("datetime64[D]").astype(np.int64) + 3) % 7
    hours = (first.astype(np.int64) // 3600) % 24
    evening = (weekday == 6) & (hours >= 12)
    if evening.mean() < 0.5:
        return 0
    return int(hours[evening].min())
