"""From values to a table that holds what ``PriceTable`` promises.

Repairs are noted, and what cannot be right is left out or refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.dates import Dates
from rnnapp.data.headers import COLUMNS
from rnnapp.data.notes import Note, count_of, name_day
from rnnapp.errors import ColumnError, PriceFileError, TooFewRowsError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["drop_unreadable", "find_empty_zeros", "repair_table"]

Mask = npt.NDArray[np.bool_]
Values = npt.NDArray[np.float64]
Repaired = tuple[pd.DataFrame, tuple[Note, ...]]

_LARGEST_PRICE = 1e15
_LARGEST_VOLUME = 1e17
_FAR = 4.0  # times a neighbour; further off than that, and than usual moves, a price is wrong
_USUAL_MOVES = 12.0  # robust standard deviations
_PRICES = COLUMNS[:4]
_APART = np.timedelta64(3 * 365, "D")  # no market rests so long in the lifetime of an index
_FRESH_EXPORT = N_("Use a fresh export.")
_NAME_COLUMNS = N_("Name the columns by hand (--column Close=HEADER), or use a fresh export.")
_LEFT_OUT = {
    "null": N_("{rows} without a close left out."),
    "prose": N_("{rows} that are no prices (the first reads {date!r}, {close!r}) left out."),
    "corrupt": N_(
        "{rows} with an unreadable date or close (the first reads {date!r}, {close!r}) left out."
    ),
}
_DAMAGED = {
    "null": N_("{name} is ambiguous or damaged: it has {rows} without a close."),
    "prose": N_(
        "{name} is ambiguous or damaged: it has {rows} that are no prices (the first reads "
        "{date!r}, {close!r})."
    ),
    "corrupt": N_(
        "{name} is ambiguous or damaged: it has {rows} with an unreadable date or close (the first "
        "reads {date!r}, {close!r})."
    ),
}


def drop_unreadable(
    text: pd.DataFrame,
    dates: Dates,
    values: Mapping[str, Values],
    missing: Mapping[str, Mask],
    name: str,
    headers: Sequence[str],
) -> tuple[Mask, tuple[Note, ...]]:
    """Find which rows have a date and a close, and what the others are.

    Args:
        text: (R,) the columns Date and Close as written.
        dates: (R,) days, NaT where a cell is no date.
        values: (R,) values of each column, NaN where a cell is no number.
        missing: (R,) whether the file says nothing in a cell, for each column.
        name: what to call the file in an error.
        headers: the file's column names, to be mapped by hand.

    Raises:
        ColumnError: too many rows that say something unreadable.
    """
    undated = np.isnat(dates)
    unpriced = np.isnan(values["Close"])
    null = unpriced & missing["Close"] & ~undated
    prose = undated & unpriced
    corrupt = (undated | unpriced) & ~null & ~prose
    notes: list[Note] = []
    damage = ""
    for kind, mask in (("null", null), ("prose", prose), ("corrupt", corrupt)):
        if not mask.any():
            continue
        row = text[mask].iloc[0]
        words = {
            "name": name,
            "rows": count_of(int(mask.sum()), "row"),
            "date": str(row["Date"])[:30],
            "close": str(row["Close"])[:30],
        }
        notes.append(Note("missing rows", _(_LEFT_OUT[kind]).format(**words), int(mask.sum())))
        damage = _(_DAMAGED[kind]).format(**words)
    total = len(undated)
    many_corrupt = corrupt.sum() > max(2, 0.1 * total)
    many_prose = prose.sum() > max(10, 0.2 * total)
    if many_corrupt or many_prose or (prose | corrupt).sum() >= total > 0:
        raise ColumnError(damage, headers, remedy=_(_NAME_COLUMNS))
    return np.asarray(~(undated | unpriced)), tuple(notes)


def find_empty_zeros(close: Values, other_prices: bool) -> Mask:
    """(R,) closes of 0 that mean "no price".

    A rate may fall to 0 and a spread pass through it: there, the values around a zero are as small
    as the steps between values. A price never does.

    Args:
        close: (R,) closes, NaN where there is none.
        other_prices: whether the file has Open, High or Low, which rates do not have.
    """
    zero = close == 0
    if not zero.any() or (close < 0).any():
        return np.zeros(len(close), bool)
    known = np.unique(close[close > 0])
    if other_prices or len(known) < 5:
        return np.asarray(zero)
    tick = float(np.diff(np.concatenate([[0.0], known])).min())
    series = pd.Series(np.where(zero, np.nan, close))
    before, after = series.ffill().to_numpy(), series.bfill().to_numpy()
    nearest = np.fmin(before, after)
    leading = np.isnan(before)
    natural = (nearest <= 10 * tick) & (~leading | (leading.sum() <= 3))
    return np.asarray(zero & ~natural)


def repair_table(
    dates: Dates,
    values: Mapping[str, Values],
    missing: Mapping[str, Mask],
    name: str,
    headers: Sequence[str] = (),
) -> Repaired:
    """Make a frame with ascending unique dates and plausible prices.

    Args:
        dates: (R,) days, none of them NaT.
        values: (R,) values of each column; the close is never NaN.
        missing: (R,) whether the file says nothing in a cell, for each column.
        name: what to call the file in an error.
        headers: the file's column names, to be mapped by hand.

    Returns:
        The frame, and what was repaired.

    Raises:
        PriceFileError: many prices that are no numbers or cannot be right, or several a day.
        TooFewRowsError: fewer than two days.
    """
    index = pd.DatetimeIndex(dates, name="Date").as_unit("ns")
    columns = {column: values[column] for column in COLUMNS if column in values}
    frame = pd.DataFrame(columns, index=index, dtype=np.float64)
    frame, notes = _sort_rows(frame, name)
    if len(frame) < 2:
        raise TooFewRowsError(
            _("{name} has {count_of}; at least 2 with a date and a close are needed.").format(
                name=name, count_of=count_of(len(frame), "readable row")
            )
        )
    _refuse_swapped_columns(frame, name, headers)
    frame, more = _drop_wrong_closes(frame, name)
    notes += more
    for column in _PRICES[:3]:
        if column in frame:
            unreadable = int((~missing[column] & np.isnan(values[column])).sum())
            frame, more = _repair_column(frame, column, unreadable, len(dates), name)
            notes += more
    if "Volume" in frame:
        unreadable = int((~missing["Volume"] & np.isnan(values["Volume"])).sum())
        frame, more = _repair_volume(frame, unreadable > 0)
        notes += more
    return frame, notes + _describe_oddities(frame)


# --- rows


def _sort_rows(frame: pd.DataFrame, name: str) -> Repaired:
    """Ascending and unique."""
    notes: tuple[Note, ...] = ()
    days = frame.index.to_numpy()
    if len(days) > 1 and not frame.index.is_monotonic_increasing:
        if frame.index.is_monotonic_decreasing:
            frame = frame.iloc[::-1]
            notes += (Note("order", _("The newest row came first; the order was turned.")),)
        else:
            steps = np.diff(days)
            none = np.timedelta64(0)
            backwards = int(min((steps < none).sum(), (steps > none).sum()))
            frame = frame.sort_index(kind="stable")
            _refuse_scattered(frame, name)
            places = count_of(backwards, "place")
            message = _("Rows were out of order in {places}; they were sorted by date.").format(
                places=places
            )
            notes += (Note("order", message),)
    again = np.asarray(frame.index.duplicated(keep="last"))
    if not again.any():
        return frame, notes
    whole = frame.reset_index().duplicated(keep=False).to_numpy()
    differing = int((again & ~whole).sum())
    if differing > max(2, 0.05 * len(frame)):
        day = name_day(frame.index[again][0])
        raise PriceFileError(
            _("{name} has several rows a day with other prices (on {day}).").format(
                name=name, day=day
            ),
            remedy=_("Use a file of one index with one row a day."),
        )
    message = _("{count_of} for a date already there left out.")
    if differing:
        message = _(
            "{count_of} for a date already there left out; {differing} of them differed, and the "
            "one further down was used."
        )
    message = message.format(count_of=count_of(int(again.sum()), "row"), differing=differing)
    note = Note("duplicates", message, int(again.sum()))
    return frame[~again], (*notes, note)


def _refuse_scattered(frame: pd.DataFrame, name: str) -> None:
    """Rows out of order that lie years apart are misread or misspelt dates, not days."""
    days = frame.index.to_numpy()
    wide = np.flatnonzero(np.diff(days) > _APART)
    if len(wide):
        first, second = days[wide[0] : wide[0] + 2]
        raise PriceFileError(
            _(
                "{name} has rows out of order and nothing between {first} and "
                "{second}, so some dates cannot be right."
            ).format(name=name, first=name_day(first), second=name_day(second)),
            remedy=_(_FRESH_EXPORT),
        )


# --- prices


def _refuse_swapped_columns(frame: pd.DataFrame, name: str, headers: Sequence[str]) -> None:
    """Columns are not what they are called where High lies below Low as a rule."""
    if "High" not in frame or "Low" not in frame:
        return
    below = np.asarray(frame["High"] < frame["Low"])
    if below.sum() > max(2, 0.2 * len(frame)):
        day = name_day(frame.index[int(below.argmax())])
        raise ColumnError(
            _(
                "{name} has {count_of} with High below Low (the first on "
                "{day}), so its columns are not what they are called."
            ).format(name=name, count_of=count_of(int(below.sum()), "row"), day=day),
            headers,
            roles=("Date", *_PRICES),
            remedy=_(_NAME_COLUMNS),
        )


def _robust_deviation(steps: Values) -> float:
    """Standard deviation of usual steps, whatever a few large ones do."""
    known = steps[np.isfinite(steps)]
    if not len(known):
        return 0.0
    return float(1.4826 * np.median(np.abs(known - np.median(known))))


def _drop_wrong_closes(frame: pd.DataFrame, name: str) -> Repaired:
    """Leave out rows with a close that cannot be right, where they are few."""
    close = frame["Close"].to_numpy()
    if np.abs(close).max() > _LARGEST_PRICE:
        row = int(np.abs(close).argmax())
        raise PriceFileError(
            _("{name} gives Close {close:,.10g} on {index}; no price stands so high.").format(
                name=name, close=close[row], index=name_day(frame.index[row])
            ),
            remedy=_(_FRESH_EXPORT),
        )
    wrong = _find_flipped_signs(close)
    if (close[~wrong] > 0).all():
        wrong |= _find_spikes(frame)
    if not wrong.any():
        return frame, ()
    row = int(wrong.argmax())
    shown = _("Close {close:,.10g} on {index}").format(
        close=close[row], index=name_day(frame.index[row])
    )
    if wrong.sum() > max(3, 0.02 * len(frame)):
        raise PriceFileError(
            _(
                "{name} has {count_of} with a close that cannot be right "
                "(the first is {shown}): it is many times off its neighbours."
            ).format(name=name, count_of=count_of(int(wrong.sum()), "row"), shown=shown),
            remedy=_(_FRESH_EXPORT),
        )
    if len(frame) - wrong.sum() < 2:
        raise TooFewRowsError(
            _(
                "{name} gives {shown}, which cannot be right; at least 2 other rows are needed."
            ).format(name=name, shown=shown)
        )
    words = _("{count_of} with a close that cannot be right left out (the first is {shown}).")
    count = int(wrong.sum())
    note = Note("wrong cells", words.format(count_of=count_of(count, "row"), shown=shown), count)
    return frame[~wrong], (note,)


def _find_flipped_signs(close: Values) -> Mask:
    """Closes whose size fits their neighbours and whose sign does not."""
    negative = int((close < 0).sum())
    if len(close) < 3 or not 0 < negative <= max(1, 0.02 * len(close)):
        return np.zeros(len(close), bool)
    before = np.concatenate([[close[1]], close[:-1]])
    after = np.concatenate([close[1:], [close[-2]]])
    smaller, larger = np.fmin(before, after), np.fmax(before, after)
    fits = (smaller > 0) & (-close > 0.8 * smaller) & (-close < 1.25 * larger)
    return np.asarray((close < 0) & fits)


def _find_spikes(frame: pd.DataFrame) -> Mask:
    """Closes that are many times off the days on both sides, and that the day's range denies."""
    close = frame["Close"].to_numpy()
    spike = np.zeros(len(close), bool)
    if len(close) < 3:
        return spike
    safe = np.where(close > 0, close, np.nan)
    step = np.diff(np.log(safe))
    least = max(np.log(_FAR), _USUAL_MOVES * _robust_deviation(step))
    plain = np.abs(np.diff(close))
    wide = plain > _USUAL_MOVES * _robust_deviation(np.diff(close))
    out, back = step[:-1], step[1:]
    large = np.minimum(np.abs(out), np.abs(back)) > least
    returns = np.abs(out + back) < 0.5 * np.minimum(np.abs(out), np.abs(back))
    spike[1:-1] = large & returns & (out * back < 0) & wide[:-1] & wide[1:]
    if not spike.any() or not {"Open", "High", "Low"} <= set(frame.columns):
        return spike
    # A crash that recovers opens near the last close, and its low is as low as its close.
    opened, high, low = (frame[column].to_numpy() for column in ("Open", "High", "Low"))
    before = np.concatenate([[np.nan], close[:-1]])
    with np.errstate(divide="ignore", invalid="ignore"):
        gap = np.abs(np.log(opened / before))
    inside = (close >= 0.95 * low) & (close <= 1.05 * high)
    return np.asarray(spike & ~(inside & (gap < 0.5 * np.log(_FAR))))


_WRONG_CELLS = {
    True: N_(
        "{column} cannot be right in {rows} (the first is {value:,.10g} on {day}); the column was "
        "left out."
    ),
    False: N_(
        "{column} cannot be right in {rows} (the first is {value:,.10g} on {day}); it was filled "
        "from the day's other prices."
    ),
}
"""By whether the column was left out."""
_HOLES = {
    (False, True): N_("{column} is missing in {rows}; the column was left out."),
    (False, False): N_("{column} is missing in {rows}; it was filled from the day's other prices."),
    (True, True): N_("{column} is missing or unreadable in {rows}; the column was left out."),
    (True, False): N_(
        "{column} is missing or unreadable in {rows}; it was filled from the day's other prices."
    ),
}
"""By whether some cells were unreadable, and whether the column was left out."""


def _repair_column(
    frame: pd.DataFrame, column: str, unreadable: int, total: int, name: str
) -> Repaired:
    """Fill Open, High or Low where it is missing or cannot be right.

    Leave it out where it often is.
    """
    if unreadable > max(2, 0.1 * total):
        raise PriceFileError(
            _("{name} has {unreadable} whose {column} is no number.").format(
                name=name, unreadable=count_of(unreadable, "row"), column=column
            ),
            remedy=_(_FRESH_EXPORT),
        )
    values = frame[column].to_numpy()
    wrong = _find_wrong_cells(frame, column)
    notes: tuple[Note, ...] = ()
    if wrong.any():
        often = int(wrong.sum()) > max(3, 0.1 * len(frame))
        notes = (_note_wrong_cells(frame, column, wrong, left_out=often),)
        if often:
            return frame.drop(columns=column), notes
        frame = frame.assign(**{column: np.where(wrong, np.nan, values)})
    holes = np.isnan(values)
    if not (holes | wrong).any():
        return frame, notes
    count = int(holes.sum())
    often = count > max(2, 0.1 * len(frame))
    if count:
        message = _HOLES[unreadable > 0, often]
        words = _(message).format(column=column, rows=count_of(count, "row"))
        notes += (Note("missing cells", words, count),)
    if often:
        return frame.drop(columns=column), notes
    others = [other for other in _PRICES if other in frame and other != column]
    fillers = {"High": frame[others].max(axis=1), "Low": frame[others].min(axis=1)}
    filled = frame[column].fillna(fillers.get(column, frame["Close"]))
    return frame.assign(**{column: filled}), notes


def _note_wrong_cells(frame: pd.DataFrame, column: str, wrong: Mask, *, left_out: bool) -> Note:
    """What was wrong in a column, and what became of it."""
    row = int(wrong.argmax())
    count = int(wrong.sum())
    words = _(_WRONG_CELLS[left_out]).format(
        column=column,
        rows=count_of(count, "row"),
        value=frame[column].iloc[row],
        day=name_day(frame.index[row]),
    )
    return Note("wrong cells", words, count)


def _find_wrong_cells(frame: pd.DataFrame, column: str) -> Mask:
    """Prices far from the close of the day, of the day before and of the day after."""
    values, close = frame[column].to_numpy(), frame["Close"].to_numpy()
    if (close <= 0).any():  # rates and spreads pass through zero
        return np.zeros(len(close), bool)
    wrong = values <= 0
    before = np.concatenate([close[:1], close[:-1]])
    after = np.concatenate([close[1:], close[-1:]])
    with np.errstate(divide="ignore", invalid="ignore"):
        apart = np.min([np.abs(np.log(values / near)) for near in (close, before, after)], axis=0)
    distance = np.min([np.abs(values - near) for near in (close, before, after)], axis=0)
    least = max(np.log(_FAR), _USUAL_MOVES * _robust_deviation(np.diff(np.log(close))))
    wide = distance > _USUAL_MOVES * _robust_deviation(np.diff(close))
    return np.asarray(wrong | ((apart > least) & wide))


def _repair_volume(frame: pd.DataFrame, unreadable: bool) -> Repaired:
    volume = frame["Volume"].to_numpy()
    with np.errstate(invalid="ignore"):
        wrong = (volume < 0) | (volume > _LARGEST_VOLUME)
    holes = int((np.isnan(volume) | wrong).sum())
    if not holes:
        return frame, ()
    if holes == len(frame):
        message = _("The volume column holds nothing readable; it was left out.")
        return frame.drop(columns="Volume"), (Note("volume", message, holes),)
    message = _("Volume is missing in {holes}.")
    if unreadable or wrong.any():
        message = _("Volume is missing, unreadable or negative in {holes}.")
    message = message.format(holes=count_of(holes, "row"))
    return frame.assign(Volume=np.where(wrong, np.nan, volume)), (Note("volume", message, holes),)


# --- what stays as it is


def _describe_oddities(frame: pd.DataFrame) -> tuple[Note, ...]:
    """What was left as it is, but a person should know."""
    notes: list[Note] = []
    if "High" in frame and "Low" in frame:
        others = frame[[c for c in ("Open", "Close") if c in frame]].to_numpy()
        slack = 1e-3 * np.abs(frame["Close"].to_numpy())
        above = frame["High"].to_numpy() < others.max(axis=1) - slack
        outside = above | (frame["Low"].to_numpy() > others.min(axis=1) + slack)
        if outside.any():
            day = name_day(frame.index[int(outside.argmax())])
            count = int(outside.sum())
            message = _(
                "{count} with a price outside High and Low (the first on {day}) left as written."
            ).format(count=count_of(count, "row"), day=day)
            notes.append(Note("range", message, count))
    below = np.asarray(frame["Close"] <= 0)
    if below.any():
        row = int(below.argmax())
        shown = _("{iloc:,.10g} on {index}").format(
            iloc=frame["Close"].iloc[row], index=name_day(frame.index[row])
        )
        count = int(below.sum())
        message = _(
            "Close is zero or below in {count} (the first is {shown}), "
            "so log-returns cannot be used."
        ).format(count=count_of(count, "row"), shown=shown)
        notes.append(Note("sign", message, count))
    days = frame.index.to_numpy()
    wide = np.flatnonzero(np.diff(days) > _APART)
    if len(wide):
        first, second = (name_day(day) for day in days[wide[0] : wide[0] + 2])
        notes.append(
            Note(
                "hole",
                _("There are no prices between {first} and {second}.").format(
                    first=first, second=second
                ),
            )
        )
    ahead = int((frame.index > pd.Timestamp.now() + pd.Timedelta(days=1)).sum())
    if ahead:
        message = _("{ahead} dated in the future left as written.").format(
            ahead=count_of(ahead, "row")
        )
        notes.append(Note("future", message, ahead))
    return tuple(notes)
