"""Features made of prices and dates: a row's value comes from that row and the rows before it.

Each reads a bounded number of rows back, so that a table that begins elsewhere gives the same
values. Sources: relative strength: Wilder (1978), with plain means; MACD: Appel (1979), with means
of three times their days; volatility: the root of the mean squared return.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.language import mark as N_

__all__ = ["MADE", "MadeFeature", "make_feature", "signed_log"]

Values = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]
SourceName = Literal["closes", "levels", "volumes", "dates"]


def weigh_past(values: Values, weights: Values) -> Values:
    """(R,) weighted sum of each row and the rows before it; the newest row's weight comes first."""
    padded = np.concatenate([np.full(len(weights) - 1, values[0]), values])
    return np.asarray(np.convolve(padded, weights, "valid"))


def change_over(values: Values, days: int) -> Values:
    """(R,) difference to the value so many rows before."""
    padded = np.concatenate([np.full(days, values[0]), values])
    return np.asarray(values - padded[: len(values)])


def gap_to_mean(values: Values, days: int) -> Values:
    """(R,) difference to the mean of the latest rows."""
    return np.asarray(values - weigh_past(values, np.full(days, 1 / days)))


def root_mean_square(values: Values, days: int) -> Values:
    """(R,) realised volatility: the root of the mean squared change of the latest rows."""
    squares = change_over(values, 1) ** 2
    return np.asarray(np.sqrt(weigh_past(squares, np.full(days, 1 / days))))


def relative_strength(values: Values, days: int) -> Values:
    """(R,) share of the rises in all moves of the latest rows, 0 to 100; 50 where nothing moved."""
    changes = change_over(values, 1)
    moves = weigh_past(np.abs(changes), np.ones(days))
    rises = weigh_past(np.maximum(changes, 0.0), np.ones(days))
    share = np.divide(rises, moves, out=np.full(len(values), 0.5), where=moves > 0)
    return np.asarray(100 * share)


def exponential_mean(values: Values, days: int) -> Values:
    """(R,) exponentially weighted mean of the latest rows, three times as many as its days."""
    weights = (1 - 2 / (days + 1)) ** np.arange(3 * days)
    return weigh_past(values, weights / weights.sum())


def mean_crossing(values: Values, fast: int, slow: int) -> Values:
    """(R,) MACD: a fast exponential mean less a slow one."""
    return exponential_mean(values, fast) - exponential_mean(values, slow)


def crossing_histogram(values: Values, fast: int, slow: int, signal: int) -> Values:
    """(R,) MACD less its own exponential mean."""
    line = mean_crossing(values, fast, slow)
    return line - exponential_mean(line, signal)


def week_circle(dates: Days) -> Values:
    """(R, 2) the weekday as a place on a circle."""
    turn = 2 * np.pi * ((dates.astype("datetime64[D]").astype(np.int64) + 3) % 7) / 7
    return np.column_stack([np.sin(turn), np.cos(turn)])


def year_circle(dates: Days) -> Values:
    """(R, 2) the month as a place on a circle."""
    turn = 2 * np.pi * (dates.astype("datetime64[M]").astype(np.int64) % 12) / 12
    return np.column_stack([np.sin(turn), np.cos(turn)])


@dataclass(frozen=True)
class MadeFeature:
    """A feature beyond the columns of a table.

    Attributes:
        name: in the address, on the command line and in tables.
        about: what it is, in a few words.
        reach: rows before its own that it reads.
        function: makes it from one source.
        source: ``closes``; ``levels``, their logarithms where prices are above zero; ``volumes``,
            log(1 + volume); or ``dates``.
        numbers: the function's other arguments.
    """

    name: str
    about: str
    reach: int
    function: Callable[..., Values]
    source: SourceName
    numbers: tuple[int, ...] = ()


_PARTS: tuple[tuple[str, str, int, Callable[..., Values], SourceName, tuple[int, ...]], ...] = (
    ("return", N_("log-return of the day"), 1, change_over, "levels", (1,)),
    ("return-5", N_("log-return over 5 rows"), 5, change_over, "levels", (5,)),
    ("return-22", N_("log-return over 22 rows"), 22, change_over, "levels", (22,)),
    ("gap-5", N_("gap to the mean of 5 rows"), 4, gap_to_mean, "levels", (5,)),
    ("gap-20", N_("gap to the mean of 20 rows"), 19, gap_to_mean, "levels", (20,)),
    ("gap-50", N_("gap to the mean of 50 rows"), 49, gap_to_mean, "levels", (50,)),
    ("gap-200", N_("gap to the mean of 200 rows"), 199, gap_to_mean, "levels", (200,)),
    ("rsi", N_("relative strength (RSI) of 14 rows"), 14, relative_strength, "closes", (14,)),
    ("macd", N_("MACD of 12 and 26 rows"), 77, mean_crossing, "levels", (12, 26)),
    (
        "macd-histogram",
        N_("MACD less its mean of 9 rows"),
        103,
        crossing_histogram,
        "levels",
        (12, 26, 9),
    ),
    ("volatility-5", N_("realised volatility of 5 rows"), 5, root_mean_square, "levels", (5,)),
    ("volatility-22", N_("realised volatility of 22 rows"), 22, root_mean_square, "levels", (22,)),
    ("volume-change", N_("log-change of volume"), 1, change_over, "volumes", (1,)),
    ("weekday", N_("day of the week"), 0, week_circle, "dates", ()),
    ("month", N_("month of the year"), 0, year_circle, "dates", ()),
)

MADE = {part[0]: MadeFeature(*part) for part in _PARTS}
"""The features that can be chosen, by name."""


def make_feature(feature: MadeFeature, frame: pd.DataFrame, *, positive: bool) -> Values:
    """(R, K) values of a feature, K being 2 for a circle and 1 else.

    Args:
        feature: which one.
        frame: columns by ascending dates; volumes without gaps.
        positive: whether prices have logarithms.
    """
    source = _source_rows(feature.source, frame, positive)
    values = feature.function(source, *feature.numbers)
    return values.reshape(len(frame), -1)


def _source_rows(name: SourceName, frame: pd.DataFrame, positive: bool) -> Values | Days:
    if name == "dates":
        return np.asarray(frame.index.to_numpy())
    if name == "volumes":
        return np.asarray(np.log1p(frame["Volume"].to_numpy(np.float64)))
    closes = frame["Close"].to_numpy(np.float64)
    if name == "levels" and positive:
        return np.asarray(np.log(closes))
    return closes


def signed_log(values: Values) -> Values:
    """Logarithm of what may be zero or below: nearly linear about zero, sign and order stay."""
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))
