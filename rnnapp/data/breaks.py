"""Breaks in a series: unadjusted splits, holes of months, changes of scale.

They are reported, never repaired: only a person knows which side of a break they want. Windows do
not run across holes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.notes import name_day
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["Break", "PriceHints", "find_breaks", "find_holes"]

Days = npt.NDArray[np.datetime64]
Values = npt.NDArray[np.float64]

_RATIOS = (1.5, 2, 2.5, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 16, 20, 25, 30, 40, 50, 75, 100)
_MIN_HOLE = 31  # days; the longest closure of a market in peace is about eleven
_MOST = 20
# By whether the close falls.
_JUMPS: dict[tuple[Literal["split", "scale"], bool], str] = {
    ("split", False): N_(
        "Close rises from {before:,.6g} to {after:,.6g} on {day}, an unadjusted split of about "
        "{ratio:g} to 1."
    ),
    ("split", True): N_(
        "Close falls from {before:,.6g} to {after:,.6g} on {day}, an unadjusted split of about "
        "{ratio:g} to 1."
    ),
    ("scale", False): N_(
        "Close rises from {before:,.6g} to {after:,.6g} on {day}, {times:,.3g} times in one step. "
        "The scale, the currency or the number of shares may change there."
    ),
    ("scale", True): N_(
        "Close falls from {before:,.6g} to {after:,.6g} on {day}, {times:,.3g} times in one step. "
        "The scale, the currency or the number of shares may change there."
    ),
}
_LIKELY_SPLITS = {
    False: N_(
        "Close rises from {before:,.6g} to {after:,.6g} on {day}, which looks like an unadjusted "
        "split of about {ratio:g} to 1."
    ),
    True: N_(
        "Close falls from {before:,.6g} to {after:,.6g} on {day}, which looks like an unadjusted "
        "split of about {ratio:g} to 1."
    ),
}


@dataclass(frozen=True)
class PriceHints:
    """What a file says beside its prices.

    Attributes:
        adjusted: header of the adjusted close that lies beside the raw one, or "".
        split_days: days on which a column of split factors names a split.
        smooth_days: days on which the adjusted close moves far less than the raw one.
    """

    adjusted: str = ""
    split_days: tuple[np.datetime64, ...] = ()
    smooth_days: tuple[np.datetime64, ...] = ()


@dataclass(frozen=True)
class Break:
    """One break in a series.

    Attributes:
        kind: ``split``, ``hole`` or ``scale``.
        row: the first row after the break.
        day: the day of that row.
        message: the sentence for a person.
    """

    kind: Literal["split", "hole", "scale"]
    row: int
    day: np.datetime64
    message: str


def find_holes(days: Days) -> npt.NDArray[np.int64]:
    """Rows before which days or months are missing.

    A hole is a gap of more than a month, and of more than twelve usual steps of the series.
    """
    gaps = np.diff(np.asarray(days, "datetime64[D]")).astype(np.int64)
    if not len(gaps):
        return np.empty(0, np.int64)
    least = max(_MIN_HOLE, 12 * float(np.median(gaps)))
    return np.flatnonzero(gaps > least) + 1


def find_breaks(frame: pd.DataFrame, hints: PriceHints) -> tuple[Break, ...]:
    """Find what a net would mistake for a move of the market.

    Args:
        frame: the prices, by ascending unique days.
        hints: what the file says beside its prices.

    Returns:
        The breaks in order, at most twenty.
    """
    days = frame.index.to_numpy().astype("datetime64[D]")
    holes = find_holes(days)
    found = [_describe_hole(days, int(row)) for row in holes]
    found += _find_jumps(frame, days, set(holes.tolist()), hints)
    return tuple(sorted(found, key=lambda each: each.row)[:_MOST])


def _describe_hole(days: Days, row: int) -> Break:
    before, after = name_day(days[row - 1]), name_day(days[row])
    missing = int((days[row] - days[row - 1]).astype(np.int64)) - 1
    message = _(
        "There are no prices for {missing:,} days, between {before} and {after}. No window runs "
        "across this hole."
    ).format(missing=missing, before=before, after=after)
    return Break("hole", row, days[row], message)


def _find_jumps(frame: pd.DataFrame, days: Days, holes: set[int], hints: PriceHints) -> list[Break]:
    """Moves from one day to the next that are no trading: overnight, large, and for good."""
    close = frame["Close"].to_numpy()
    if len(close) < 4 or (close <= 0).any():
        return []
    logs = np.log(close)
    steps = np.diff(logs)
    usual = 1.4826 * float(np.median(np.abs(steps - np.median(steps))))
    wide = np.abs(np.diff(close)) > 10 * _usual_step(close)
    rows = np.flatnonzero((np.abs(steps) > max(np.log(1.4), 10 * usual)) & wide) + 1
    certain = {name_day(day) for day in (*hints.split_days, *hints.smooth_days)}
    found = []
    for row in rows.tolist():
        known = name_day(days[row]) in certain
        if row in holes or not (known or _is_lasting(frame, logs, row)):
            continue
        jump = _describe_jump(close, days, row, known, usual, hints)
        if jump is not None:
            found.append(jump)
    return found


def _usual_step(close: Values) -> float:
    steps = np.abs(np.diff(close))
    return float(np.median(steps))


def _is_lasting(frame: pd.DataFrame, logs: Values, row: int) -> bool:
    """Whether prices stay where they jumped to, and jumped before the day opened."""
    jump = logs[row] - logs[row - 1]
    before = float(np.median(logs[max(0, row - 5) : row]))
    after = float(np.median(logs[row : row + 5]))
    if abs(after - before) < 0.6 * abs(jump) or (after - before) * jump < 0:
        return False
    if "Open" not in frame:
        return True
    opened = float(np.log(max(frame["Open"].iloc[row], 1e-300)))
    return bool(abs(opened - logs[row - 1]) > 0.7 * abs(jump))


def _describe_jump(
    close: Values, days: Days, row: int, known: bool, usual: float, hints: PriceHints
) -> Break | None:
    """A split where the ratio is one that splits have, a change of scale where it is far larger."""
    factor = close[row] / close[row - 1]
    times = max(factor, 1 / factor)
    ratio = min(_RATIOS, key=lambda each: abs(np.log(times / each)))
    fits = abs(np.log(times / ratio)) < min(max(3 * usual, 0.02), 0.06)
    kind: Literal["split", "scale"] = "scale"
    if known or (fits and times < 60):
        kind = "split"
    elif not (times > 30 or (times > 3 and np.log(times) > 40 * usual)):
        return None
    message = _(_JUMPS[kind, bool(factor < 1)])
    if kind == "split" and not known:
        message = _(_LIKELY_SPLITS[bool(factor < 1)])
    message = message.format(
        before=close[row - 1],
        after=close[row],
        day=name_day(days[row]),
        ratio=ratio,
        times=times,
    )
    if hints.adjusted:
        message = _("{break_} Use the adjusted column ({adjusted}) instead.").format(
            break_=message, adjusted=hints.adjusted
        )
    return Break(kind, row, days[row], message)
