"""The ledger: what came true of recorded outlooks, beside persistence.

A day is judged by the first rows seen after the outlook was recorded that hold it, so that a
verdict never changes afterwards. Rows count only where they still hold the closes that the outlook
was made from: where those were changed since (a split, a correction), the outlook is *revised*,
which is neither hit nor miss.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.configs import Settings
from rnnapp.data.prices import PriceTable
from rnnapp.data.sources import fetch_yahoo
from rnnapp.errors import ConfigError, DataError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.runs.history.outlooks import NewOutlook, OutlookStore, RecordedOutlook, SeenRows
from rnnapp.runs.history.store import RunStore

if TYPE_CHECKING:
    from rnnapp.evaluation.outlook import Outlook

__all__ = [
    "NO_VOLATILITY",
    "DayState",
    "JudgedDay",
    "JudgedOutlook",
    "Ledger",
    "judge_outlooks",
    "shown_state",
]

Points = npt.NDArray[np.float64]
Days = npt.NDArray[np.datetime64]
DayState = Literal["hit", "missed", "no interval", "open", "revised"]

NO_VOLATILITY = N_(
    "The ledger compares forecast closes with those that came, so a volatility is not recorded. "
    "Use a target of closes."
)
KNOWN_ROWS = 30
"""Last closes recorded with an outlook, by which a later revision is found."""
_SAME_CLOSE = 1e-4
"""Relative difference up to which a close counts as the same: files round."""
_FEWEST_SHARED = 10
"""Equal closes on so many days make a series the same whatever it is called."""

_RESCALED = N_(
    "The closes it was made from are {ratio:.4g} times as large now: a split, or another scale."
)
_CORRECTED = N_(
    "{count} of the {known} last closes it was made from were corrected since, by up to {most:.2%}."
)
_REMOVED = N_("{count} of the {known} last rows it was made from are gone since.")
_STATE_WORDS: dict[DayState, str] = {
    "hit": N_("hit"),
    "missed": N_("missed"),
    "no interval": N_("no interval"),
    "open": N_("still open"),
    "revised": N_("revised"),
}


def shown_state(state: DayState) -> str:
    """What became of a day, as people read it."""
    return _(_STATE_WORDS[state])


class JudgedDay(NamedTuple):
    """One promised day and what became of it; index points."""

    date: np.datetime64
    came_on: np.datetime64
    predicted: float
    lower: float
    upper: float
    persistence: float
    actual: float
    error: float
    persistence_error: float
    state: DayState
    after_the_fact: bool


@dataclass(frozen=True, eq=False)
class JudgedOutlook:
    """A recorded outlook and what came true of it.

    Attributes:
        outlook: as it was recorded.
        actual: (H,) the closes that came, index points; NaN where they are not known.
        came_on: (H,) their days; NaT where they are not known. A promised day on which the
            exchange was closed comes true on the next row.
        revised: what was changed in the rows it was made from, in a sentence; empty where nothing.
    """

    outlook: RecordedOutlook
    actual: Points
    came_on: Days
    revised: str = ""

    @property
    def known(self) -> npt.NDArray[np.bool_]:
        """(H,) whether the close of each day is known."""
        return np.isfinite(self.actual)

    @property
    def inside(self) -> npt.NDArray[np.bool_]:
        """(H,) whether the close came inside the net's interval."""
        return (self.outlook.lower <= self.actual) & (self.actual <= self.outlook.upper)

    @property
    def late(self) -> npt.NDArray[np.bool_]:
        """(H,) days that were over before the outlook was recorded: no promise at all."""
        made = np.datetime64(self.outlook.made_on.replace(tzinfo=None), "D")
        return np.asarray(self.outlook.dates.astype("datetime64[D]") < made)

    @property
    def after_the_fact(self) -> bool:
        """Whether any of its days was over before it was recorded."""
        return bool(self.late.any())

    @property
    def errors(self) -> Points:
        """(H,) forecast minus close, index points."""
        return self.outlook.predicted - self.actual

    @property
    def persistence_errors(self) -> Points:
        """(H,) the last close minus the close that came, index points."""
        return self.outlook.last_close - self.actual

    def day_states(self) -> tuple[DayState, ...]:
        """What became of each day."""
        return tuple(self._day_state(step) for step in range(len(self.actual)))

    def _day_state(self, step: int) -> DayState:
        if not self.known[step]:
            return _UNKNOWN_DAYS[bool(self.revised)]
        if not math.isfinite(self.outlook.lower[step]):
            return "no interval"
        return _KNOWN_DAYS[bool(self.inside[step])]

    def list_days(self) -> tuple[JudgedDay, ...]:
        """Each day as it was promised and as it came."""
        made = self.outlook
        states = self.day_states()
        return tuple(
            JudgedDay(
                date=made.dates[step],
                came_on=self.came_on[step],
                predicted=float(made.predicted[step]),
                lower=float(made.lower[step]),
                upper=float(made.upper[step]),
                persistence=made.last_close,
                actual=float(self.actual[step]),
                error=float(self.errors[step]),
                persistence_error=float(self.persistence_errors[step]),
                state=states[step],
                after_the_fact=bool(self.late[step]),
            )
            for step in range(len(made.dates))
        )

    def to_frame(self) -> pd.DataFrame:
        """One line a day: promised and came true, index points."""
        return pd.DataFrame(self.list_days())


_UNKNOWN_DAYS: dict[bool, DayState] = {True: "revised", False: "open"}
_KNOWN_DAYS: dict[bool, DayState] = {True: "hit", False: "missed"}


class Ledger:
    """Recorded outlooks and what came true of them.

    Args:
        store: the run history; the default one where it is not given.

    Every method raises :class:`RunError` where the history does not answer.
    """

    def __init__(self, store: RunStore | None = None) -> None:
        self.records = OutlookStore(store or RunStore())

    def record(
        self,
        made: Outlook,
        prices: PriceTable,
        settings: Settings,
        *,
        ticker: str = "",
        run_id: str = "",
        made_on: dt.datetime | None = None,
    ) -> str:
        """Record an outlook as a dated promise; returns its id.

        Args:
            made: the outlook.
            prices: the table it was made from.
            settings: of the net, its windows and its training.
            ticker: where later rows can be fetched.
            run_id: the recorded run that forecast.
            made_on: the moment; now, unless a test says otherwise.

        Raises:
            ConfigError: the outlook is of a volatility: the ledger compares closes.
        """
        if made.quantity.is_volatility:
            raise ConfigError(_(NO_VOLATILITY))
        new = NewOutlook(
            series=made.series,
            ticker=ticker,
            net=made.name,
            made_from=made.made_from,
            last_close=made.last_close,
            level=made.level,
            dates=made.dates,
            predicted=made.predicted,
            lower=made.lower,
            upper=made.upper,
            adaptive_lower=made.net_adaptive.lower,
            adaptive_upper=made.net_adaptive.upper,
            persistence_lower=made.persistence_lower,
            persistence_upper=made.persistence_upper,
            known_dates=prices.dates[-KNOWN_ROWS:],
            known_close=prices.close[-KNOWN_ROWS:],
            settings=settings,
            seeds=made.seeds,
            retrained=made.retrained,
            fingerprint=made.fingerprint,
            run_id=run_id,
            verdict=made.verdict,
        )
        return self.records.add_outlook(new, made_on=made_on)

    def read(self) -> tuple[JudgedOutlook, ...]:
        """All outlooks with what is known of them, the oldest first."""
        return judge_outlooks(*self.records.list_all())

    def add_rows(
        self, prices: PriceTable, *, ticker: str = "", seen_on: dt.datetime | None = None
    ) -> int:
        """Judge open outlooks by rows at hand; returns how many days or revisions that settled.

        Rows that settle nothing are not recorded.

        Args:
            prices: the rows as they are now.
            ticker: what they were fetched by.
            seen_on: the moment; now, unless a test says otherwise.
        """
        outlooks, seen = self.records.list_all()
        before = judge_outlooks(outlooks, seen)
        rows = SeenRows(
            series=prices.name,
            ticker=ticker,
            dates=prices.dates,
            close=prices.close,
            seen_on=seen_on or dt.datetime.now(dt.UTC),
        )
        after = judge_outlooks(outlooks, [*seen, rows])
        changed = [
            new for old, new in zip(before, after, strict=True) if _settled(new) != _settled(old)
        ]
        if not changed:
            return 0
        first = min(one.outlook.known_dates[0] for one in changed)
        most = max(len(one.actual) for one in changed)
        latest = max(one.outlook.made_from for one in changed)
        end = int(np.searchsorted(rows.dates, latest)) + most + 1
        use = (rows.dates >= first) & (np.arange(len(rows.dates)) < end)
        trimmed = dataclasses.replace(rows, dates=rows.dates[use], close=rows.close[use])
        self.records.add_rows(trimmed, seen_on=seen_on)
        return sum(map(_settled, after)) - sum(map(_settled, before))

    def update(
        self, fetch: Callable[[str, dt.date, dt.date], PriceTable] | None = None
    ) -> tuple[int, tuple[str, ...]]:
        """Fetch the rows that open outlooks wait for.

        Args:
            fetch: gets a ticker's rows; from Yahoo Finance by default.

        Returns:
            How many days that settled, and what could not be fetched, in sentences.
        """
        waiting: dict[str, dt.date] = {}
        for one in self.read():
            ticker = one.outlook.ticker
            if ticker and "open" in one.day_states():
                first = pd.Timestamp(one.outlook.known_dates[0]).date()
                waiting[ticker] = min(first, waiting.get(ticker, first))
        settled = 0
        failures = []
        for ticker, first in waiting.items():
            try:
                prices = (fetch or _fetch_rows)(ticker, first, dt.date.today())
            except DataError as error:
                failures.append(str(error))
                continue
            settled += self.add_rows(prices, ticker=ticker)
        return settled, tuple(failures)


def judge_outlooks(
    outlooks: Sequence[RecordedOutlook], seen: Sequence[SeenRows]
) -> tuple[JudgedOutlook, ...]:
    """What came true of each outlook, by the rows seen since.

    Args:
        outlooks: in any order.
        seen: in the order in which they were seen.
    """
    return tuple(_judge_outlook(one, seen) for one in outlooks)


def _judge_outlook(made: RecordedOutlook, seen: Iterable[SeenRows]) -> JudgedOutlook:
    horizon = len(made.dates)
    actual = np.full(horizon, math.nan)
    came_on = np.full(horizon, np.datetime64("NaT", "ns"))
    for rows in seen:
        if rows.seen_on is None or rows.seen_on < made.made_on or np.isfinite(actual).all():
            continue
        match = _match_rows(made, rows)
        if match is None:
            continue
        if match:
            return JudgedOutlook(made, actual, came_on, match)
        last = int(np.searchsorted(rows.dates, made.made_from))
        following = rows.close[last + 1 : last + 1 + horizon]
        fresh = np.flatnonzero(np.isnan(actual[: len(following)]))
        actual[fresh] = following[fresh]
        came_on[fresh] = rows.dates[last + 1 : last + 1 + horizon][fresh]
    return JudgedOutlook(made, actual, came_on)


def _match_rows(made: RecordedOutlook, rows: SeenRows) -> str | None:
    """Whether rows are of an outlook's series as it was.

    Returns:
        None where they are of another series or do not reach back to its last row, empty where
        they agree with the closes it was made from, else what was revised, in a sentence.
    """
    if not len(rows.dates) or made.made_from < rows.dates[0] or rows.dates[-1] <= made.made_from:
        return None
    in_range = made.known_dates >= rows.dates[0]
    known_dates = made.known_dates[in_range]
    places = np.minimum(np.searchsorted(rows.dates, known_dates), len(rows.dates) - 1)
    there = rows.dates[places] == known_dates
    before = made.known_close[in_range][there]
    now = rows.close[places][there]
    changed = ~np.isclose(now, before, rtol=_SAME_CLOSE, atol=0)
    named = rows.series == made.series or (rows.ticker != "" and rows.ticker == made.ticker)
    if not named and (len(before) < _FEWEST_SHARED or changed.any()):
        return None
    if changed.any():
        return _describe_revision(before, now, changed)
    if not there.all():
        if not there.any():
            return None
        return _(_REMOVED).format(count=int((~there).sum()), known=len(there))
    return ""


def _describe_revision(before: Points, now: Points, changed: npt.NDArray[np.bool_]) -> str | None:
    """What was changed in the rows of an outlook; None where they are of another series."""
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = now / before
    middle = float(np.median(ratio))
    if np.allclose(ratio, middle, rtol=_SAME_CLOSE, atol=0):
        return _(_RESCALED).format(ratio=middle)
    if changed.mean() > 0.5:
        return None
    return _(_CORRECTED).format(
        count=int(changed.sum()), known=len(changed), most=float(np.abs(ratio - 1).max())
    )


def _settled(one: JudgedOutlook) -> int:
    """Days known, and one more for a revision."""
    return int(one.known.sum()) + int(bool(one.revised))


def _fetch_rows(ticker: str, first: dt.date, last: dt.date) -> PriceTable:
    return fetch_yahoo(ticker, first, last, refresh=True)
