"""From values to a table that holds what ``PriceTable`` promises: what is mended is told, what cannot be right is refused."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.dates import Dates
from rnnapp.data.headers import COLUMNS
from rnnapp.errors import PriceFileError, TooFewRowsError

__all__ = ["mend", "refuse_spoilt"]

Mask = npt.NDArray[np.bool_]

_LARGEST_PRICE, _LARGEST_VOLUME = 1e9, 1e14
_SPIKE, _SHIFT, _INSIDE = (
    4.0,
    30.0,
    4.0,
)  # times its neighbours on both sides; for good; from the close of the same day
_PRICES = COLUMNS[:4]
_APART = np.timedelta64(
    3 * 365, "D"
)  # no market has been closed so long in the lifetime of an index


def refuse_spoilt(text: pd.DataFrame, dates: Dates, values: Mapping[str, npt.NDArray[np.float64]], missing: Mapping[str, Mask],
                  name: str) -> tuple[Mask, tuple[str, ...]]:  # fmt: skip
    """Which rows have a date and a close, and what the others were.

    Raises:
        PriceFileError: too many rows that say something unreadable.
    """
    undated, unpriced = np.isnat(dates), np.isnan(values["Close"])
    null = unpriced & missing["Close"] & ~undated
    prose = undated & unpriced
    spoilt = (undated | unpriced) & ~null & ~prose
    total, told = len(undated), []
    for mask, why in (
        (null, "without a close"),
        (prose, "that are no prices"),
        (spoilt, "with an unreadable date or close"),
    ):
        if mask.any():
            row = text[mask].iloc[0]
            example = (
                ""
                if mask is null
                else f" (the first reads {str(row['Date'])[:30]!r}, {str(row['Close'])[:30]!r})"
            )
            told.append(f"{_count(mask.sum(), 'row')} {why}{example} left out.")
    if (
        spoilt.sum() > max(2, 0.1 * total)
        or (prose.sum() > max(10, 0.2 * total))
        or (prose | spoilt).sum() >= total > 0
    ):
        raise PriceFileError(
            f"{name} cannot be read surely: {told[-1][:-10]}; columns named by hand or a fresh export would do."
        )
    return ~(undated | unpriced), tuple(told)


def mend(dates: Dates, values: Mapping[str, npt.NDArray[np.float64]], missing: Mapping[str, Mask],
         name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:  # fmt: skip
    """A frame with ascending unique dates and positive finite prices, and what was mended.

    Args:
        dates: (R,) days, none of them NaT.
        values: (R,) values of each column; the close is never NaN.
        missing: (R,) whether the file told nothing in a cell, for each column.

    Raises:
        PriceFileError: prices that are not positive, no numbers or cannot be right, or several prices a day.
        TooFewRowsError: fewer than two days.
    """
    index = pd.DatetimeIndex(dates, name="Date").as_unit("ns")
    frame = pd.DataFrame(
        {c: values[c] for c in COLUMNS if c in values}, index=index, dtype=np.float64
    )
    frame, told = _in_order(frame, name)
    if len(frame) < 2:
        raise TooFewRowsError(
            f"{name} has {_count(len(frame), 'readable row')}; at least 2 with a date and a close are needed."
        )
    _refuse_impossible(frame, name)
    for column in [c for c in _PRICES if c in frame and c != "Close"]:
        unreadable = int((~missing[column] & np.isnan(values[column])).sum())
        if unreadable > max(2, 0.1 * len(dates)):
            raise PriceFileError(
                f"{name} has {_count(unreadable, 'row')} whose {column} is no number; a fresh export would do."
            )
        frame, words = _fill(frame, column, unreadable > 0)
        told += words
    if "Volume" in frame:
        frame, words = _volume(frame, bool((~missing["Volume"] & np.isnan(values["Volume"])).any()))
        told += words
    return frame, told + _oddities(frame, name)


def _in_order(frame: pd.DataFrame, name: str) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Ascending and unique."""
    told: tuple[str, ...] = ()
    days = frame.index.to_numpy()
    if len(days) > 1 and not frame.index.is_monotonic_increasing:
        if frame.index.is_monotonic_decreasing:
            frame = frame.iloc[::-1]
            told += ("The newest row came first; the order was turned.",)
        else:
            backwards = int(
                min(
                    (np.diff(days) < np.timedelta64(0)).sum(),
                    (np.diff(days) > np.timedelta64(0)).sum(),
                )
            )
            frame = frame.sort_index(kind="stable")
            _refuse_scattered(frame, name)
            told += (
                f"Rows were out of order in {_count(backwards, 'place')}; they were sorted by date.",
            )
    again = np.asarray(frame.index.duplicated(keep="last"))
    if again.any():
        whole = frame.reset_index().duplicated(keep=False).to_numpy()
        differing = int((again & ~whole).sum())
        if differing > max(2, 0.05 * len(frame)):
            day = frame.index[again][0].date()
            raise PriceFileError(
                f"{name} has several rows a day with other prices (on {day}); one index, one row a day, would do."
            )
        frame = frame[~again]
        told += (f"{_count(again.sum(), 'row')} for a date already there left out" + (
            f"; {differing} of them differed, and the one further down was kept." if differing else "."),)  # fmt: skip
    return frame, told


def _refuse_scattered(frame: pd.DataFrame, name: str) -> None:
    """Rows out of order that lie years apart are misread or misspelt dates, not days."""
    days = frame.index.to_numpy()
    wide = np.diff(days) > _APART
    if wide.any():
        at = int(np.flatnonzero(wide)[0])
        first, second = (day.astype("datetime64[D]") for day in days[at : at + 2])
        raise PriceFileError(
            f"{name} has rows out of order and nothing between {first} and {second}, so some dates cannot be right; a fresh export "
            f"would do."
        )


def _refuse_impossible(frame: pd.DataFrame, name: str) -> None:
    columns = [c for c in _PRICES if c in frame]
    for column in columns:
        _refuse(frame[column].to_numpy() <= 0, frame, column, name, "a price must be above zero")
        _refuse(
            frame[column].to_numpy() > _LARGEST_PRICE,
            frame,
            column,
            name,
            "no index stands so high",
        )
    logs = {column: np.log(frame[column].to_numpy()) for column in columns}
    for column in columns:
        apart = np.abs(logs[column] - logs["Close"])
        _refuse(
            apart > np.log(_INSIDE), frame, column, name, "it is far from the close of that day"
        )
    if "Volume" in frame:
        _refuse(
            frame["Volume"].to_numpy() > _LARGEST_VOLUME,
            frame,
            "Volume",
            name,
            "no exchange trades so much",
        )
    step = np.diff(logs["Close"])
    spike = np.zeros(len(frame), bool)
    spike[1:-1] = (
        (np.abs(step[:-1]) > np.log(_SPIKE))
        & (np.abs(step[1:]) > np.log(_SPIKE))
        & (step[:-1] * step[1:] < 0)
    )
    _refuse(spike, frame, "Close", name, "it is many times off its neighbours")
    shift = np.concatenate([[False], np.abs(step) > np.log(_SHIFT)])
    _refuse(
        shift, frame, "Close", name, "it is many times off the row before, as where units are mixed"
    )


def _refuse(wrong: Mask, frame: pd.DataFrame, column: str, name: str, why: str) -> None:
    if wrong.any():
        row = int(np.flatnonzero(wrong)[0])
        value, day = frame[column].iloc[row], frame.index[row].date()
        raise PriceFileError(
            f"{name} gives {column} {value:,.10g} on {day}, which cannot be right: {why}; a corrected file would do."
        )


def _fill(
    frame: pd.DataFrame, column: str, unreadable: bool
) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """A price missing on a few days is taken from that day's other prices; on many, the column is left out."""
    holes = frame[column].isna().to_numpy()
    if not holes.any():
        return frame, ()
    what = "missing or unreadable" if unreadable else "missing"
    if holes.sum() > max(2, 0.1 * len(frame)):
        return frame.drop(columns=column), (
            f"{column} is {what} in {_count(holes.sum(), 'row')}; the column was left out.",
        )
    known = frame[[c for c in _PRICES if c in frame and c != column]]
    other = {"High": known.max(axis=1), "Low": known.min(axis=1)}.get(column, frame["Close"])
    words = f"{column} is {what} in {_count(holes.sum(), 'row')}; it was filled from the day's other prices."
    return frame.assign(**{column: frame[column].where(~holes, other)}), (words,)


def _volume(frame: pd.DataFrame, unreadable: bool) -> tuple[pd.DataFrame, tuple[str, ...]]:
    volume = frame["Volume"].to_numpy()
    negative = volume < 0
    holes = int((np.isnan(volume) | negative).sum())
    if not holes:
        return frame, ()
    if holes == len(frame):
        return frame.drop(columns="Volume"), (
            "The volume column holds nothing readable; it was left out.",
        )
    what = "missing, unreadable or negative" if unreadable or negative.any() else "missing"
    return frame.assign(Volume=np.where(negative, np.nan, volume)), (
        f"Volume is {what} in {_count(holes, 'row')}.",
    )


def _oddities(frame: pd.DataFrame, name: str) -> tuple[str, ...]:
    """What was left as it is, but a person should know."""
    told: tuple[str, ...] = ()
    if "High" in frame and "Low" in frame:
        others = frame[[c for c in ("Open", "Close") if c in frame]].to_numpy()
        high, low, slack = (
            frame["High"].to_numpy(),
            frame["Low"].to_numpy(),
            1e-3 * frame["Close"].to_numpy(),
        )
        outside = (high < others.max(axis=1) - slack) | (low > others.min(axis=1) + slack)
        day = frame.index[int(outside.argmax())].date()
        if outside.sum() > max(2, 0.5 * len(frame)):
            raise PriceFileError(
                f"{name} has {_count(outside.sum(), 'row')} with a price outside High and Low (the first on {day}), so its columns "
                f"are not what they are called; columns named by hand would do."
            )
        if outside.any():
            told += (
                f"{_count(outside.sum(), 'row')} with a price outside High and Low (the first on {day}) left as written.",
            )
    days = frame.index.to_numpy()
    wide = np.flatnonzero(np.diff(days) > _APART)
    if len(wide):
        first, second = (day.astype("datetime64[D]") for day in days[wide[0] : wide[0] + 2])
        told += (f"There are no prices between {first} and {second}.",)
    ahead = int((frame.index > pd.Timestamp.now() + pd.Timedelta(days=1)).sum())
    if ahead:
        told += (f"{_count(ahead, 'row')} dated in the future left as written.",)
    return told


def _count(n: int, what: str) -> str:
    return f"{n:,} {what}{'' if n == 1 else 's'}"
