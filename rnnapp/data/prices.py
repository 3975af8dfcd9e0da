"""Price tables, and reading them from whatever file people have."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TypedDict, TypeVar, Unpack

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.breaks import Break, PriceHints, find_breaks, find_holes
from rnnapp.data.columns import ColumnPlan, find_columns
from rnnapp.data.containers import read_text
from rnnapp.data.dates import DateColumn, read_dates
from rnnapp.data.extras import extra_values, find_extras
from rnnapp.data.headers import COLUMNS
from rnnapp.data.layout import TextTable, read_text_table
from rnnapp.data.notes import Note
from rnnapp.data.numbers import Numbers, is_missing, read_loosely, read_values
from rnnapp.data.repair import drop_unreadable, find_empty_zeros, repair_table
from rnnapp.data.shapes import choose_ticker_rows, name_bars, refuse_bars, to_daily
from rnnapp.data.spacing import Spacing, measure_spacing
from rnnapp.data.textfile import MAX_BYTES, MAX_ROWS, load_bytes
from rnnapp.data.weekdays import check_weekdays
from rnnapp.errors import TooFewRowsError
from rnnapp.language import gettext as _

__all__ = ["MAX_BYTES", "MAX_ROWS", "PriceTable", "ReadChoices", "read_prices"]

Mask = npt.NDArray[np.bool_]
TableT = TypeVar("TableT", bound="PriceTable")


class ReadChoices(TypedDict, total=False):
    """What a person may choose where a file does not decide it.

    Attributes:
        ticker: which one to read of a file that holds several.
        ticker_column: the column that names the ticker of each row.
        table: which sheet of a workbook, file of an archive or table of a page.
        calendar: ``gregorian``, ``roc``, ``reiwa``, ``heisei`` or ``thai``.
        decimal: ``point`` or ``comma``.
        daily: make days of bars of minutes or hours.
    """

    ticker: str | None
    ticker_column: str | None
    table: str | None
    calendar: str | None
    decimal: str | None
    daily: bool


@dataclass(frozen=True, eq=False)
class PriceTable:
    """Prices of one index, a row a day (or week, month: see ``spacing``).

    Attributes:
        name: what to call it on a page.
        frame: DatetimeIndex, ascending and unique; float64 columns among Open, High, Low, Close,
            Volume, and after them others that are offered as features. Prices are finite; a volume
            or another value that the file does not give is NaN.
        repairs: what was decided and repaired while reading.
        hints: what the file says of splits and adjusted prices.
    """

    name: str
    frame: pd.DataFrame
    repairs: tuple[Note, ...] = ()
    hints: PriceHints = PriceHints()

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def dates(self) -> npt.NDArray[np.datetime64]:
        """(R,) days, datetime64[ns]."""
        return np.asarray(self.frame.index.to_numpy(), "datetime64[ns]")

    @property
    def close(self) -> npt.NDArray[np.float64]:
        """(R,) closing prices in index points."""
        return self.frame["Close"].to_numpy(np.float64)

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the price columns."""
        return tuple(str(c) for c in self.frame.columns if c in COLUMNS)

    @cached_property
    def others(self) -> tuple[str, ...]:
        """Names of the other columns: the file's own, and a second series joined by date."""
        return tuple(str(c) for c in self.frame.columns if c not in COLUMNS)

    @cached_property
    def spacing(self) -> Spacing:
        """The rhythm of the rows: daily, weekly, monthly and so on."""
        return measure_spacing(self.dates)

    @cached_property
    def breaks(self) -> tuple[Break, ...]:
        """Unadjusted splits, holes and changes of scale."""
        return find_breaks(self.frame, self.hints)

    @cached_property
    def holes(self) -> npt.NDArray[np.int64]:
        """Rows before which days or months are missing; no window runs across them."""
        return find_holes(self.dates)

    @cached_property
    def is_positive(self) -> bool:
        """Whether every price is above zero, as log-returns need it."""
        prices = [column for column in self.columns if column != "Volume"]
        return bool((self.frame[prices].to_numpy() > 0).all())

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of dates and values.

        Equal tables have equal fingerprints, whatever file they came from.
        """
        digest = hashlib.sha256(",".join((*self.columns, *self.others)).encode())
        digest.update(np.ascontiguousarray(self.dates).tobytes())
        digest.update(np.ascontiguousarray(self.frame.to_numpy(np.float64)).tobytes())
        return digest.hexdigest()

    def select_features(self: TableT, features: tuple[str, ...]) -> TableT:
        """The table without the other columns that are not among these features."""
        unused = [name for name in self.others if name not in features]
        if not unused:
            return self
        return replace(self, frame=self.frame.drop(columns=unused))

    def tail(self, rows: int) -> PriceTable:
        """The latest ``rows`` rows; the table itself for 0 or for at least as many as it has."""
        if not 0 < rows < len(self):
            return self
        return replace(self, frame=self.frame.tail(rows))

    def head(self, rows: int) -> PriceTable:
        """The first ``rows`` rows."""
        return replace(self, frame=self.frame.head(rows))


def read_prices(
    source: bytes | str | Path,
    *,
    name: str | None = None,
    filename: str = "",
    columns: Mapping[str, str] | None = None,
    **choices: Unpack[ReadChoices],
) -> PriceTable:
    """Read a file of prices, whatever its dialect, and note what was decided.

    CSV in the forms that people have, Excel workbooks (.xlsx), .zip and .gz archives of one file,
    JSON and HTML tables are read.

    Args:
        source: the bytes of a file, or its path.
        name: what to call the table; else the ticker that the file names, or the file's name.
        filename: the file's name where ``source`` is its bytes.
        columns: our names (Date, Open, High, Low, Close, Volume) to the file's, for what its header
            does not say.
        choices: what a person chose, see :class:`ReadChoices`.

    Returns:
        The columns Open, High, Low, Close, Volume, as many as the file has, and its other numeric
        columns, float64, by ascending unique dates.

    Raises:
        ColumnError: no date or no close column; ``columns`` of the error are those found.
        ChoiceError: something that a person has to choose: ``option`` names it.
        PriceFileError: what is damaged or ambiguous.
        TooFewRowsError: fewer than two readable rows.
    """
    if not isinstance(source, bytes):
        filename = Path(source).name
    label = name or filename or _("The file")
    data = load_bytes(source, label)
    text, notes = read_text(data, label, _suffix_of(filename), choices.get("table"))
    ticker = choices.get("ticker")
    table = read_text_table(text, label, tuple((columns or {}).values()), ticker)
    if not table.lines:
        raise TooFewRowsError(
            _(
                "{label} has a header but no rows; at least 2 with a date and a close are needed."
            ).format(label=label)
        )
    plan = find_columns(table, label, columns, choices.get("ticker_column"))
    reading = _Reading(label, table, plan, choices)
    frame, more, hints, own_name = reading.read()
    title = name or table.ticker or own_name or Path(filename).stem or _("Prices")
    return PriceTable(title, frame, (*notes, *table.notes, *plan.notes, *more), hints)


def _suffix_of(filename: str) -> str:
    """``.csv``, ``.csv.gz``, or ""."""
    return "".join(Path(filename).suffixes[-2:]).lower()


@dataclass(frozen=True)
class _Reading:
    """One table on its way from text to prices."""

    label: str
    table: TextTable
    plan: ColumnPlan
    choices: ReadChoices

    def read(self) -> tuple[pd.DataFrame, tuple[Note, ...], PriceHints, str]:
        """The frame, what was decided, what the file says beside, and the ticker it names."""
        label, plan = self.label, self.plan
        extras, offered = find_extras(self.table, plan)
        cells = self.table.read_columns([*plan.positions, *extras])
        dates = self._read_dates(cells)
        words = {self.table.names[place]: cells[place] for place in plan.tickers}
        by_hand = self.choices.get("ticker_column") is not None
        ticker = self.choices.get("ticker")
        if self.table.ticker:
            ticker = None  # the columns were chosen by it
        rows, own_name = choose_ticker_rows(
            words, dates.days, dates.seconds, label, ticker, by_hand
        )
        if not rows.all():
            cells = cells[rows].reset_index(drop=True)
            dates = _select_dates(dates, rows)
        written = pd.DataFrame({c: cells[plan.places[c]] for c in COLUMNS if c in plan.places})
        values, numbered = read_values(
            written, self.table.delimiter, label, self.choices.get("decimal")
        )
        values = self._scale_to_adjusted(values, cells)
        missing = {
            column: _find_missing(written[column], value) for column, value in values.items()
        }
        empty = find_empty_zeros(values["Close"], len({"Open", "High", "Low"} & set(values)) > 0)
        values["Close"] = np.where(empty, np.nan, values["Close"])
        missing["Close"] = missing["Close"] | empty
        text = pd.DataFrame({"Date": self._date_text(cells), "Close": written["Close"]})
        use, dropped = drop_unreadable(text, dates.days, values, missing, label, self.table.names)
        hints = self._find_hints(cells[use], dates.days[use], values["Close"][use])
        days, values, missing, barred = self._make_days(
            dates.days[use],
            _select(dates.seconds, use),
            {column: value[use] for column, value in values.items()},
            {column: mask[use] for column, mask in missing.items()},
        )
        frame, repaired = repair_table(days, values, missing, label, self.table.names)
        weekdays = check_weekdays(frame.index.to_numpy(), label)
        notes = (*dates.notes, *numbered, *dropped, *barred, *repaired, *weekdays, *offered)
        if extras and not barred:
            frame = self._add_extras(frame, cells[use], dates.days[use], extras)
        return frame, notes, hints, own_name

    def _add_extras(
        self,
        frame: pd.DataFrame,
        cells: pd.DataFrame,
        days: npt.NDArray[np.datetime64],
        extras: dict[int, str],
    ) -> pd.DataFrame:
        """The prices with the file's other numeric columns after them."""
        columns = {place: cells[place] for place in extras}
        index = pd.DatetimeIndex(frame.index)
        decimal = self.choices.get("decimal")
        return pd.concat([frame, extra_values(columns, days, extras, index, decimal)], axis=1)

    def _date_text(self, cells: pd.DataFrame) -> pd.Series:
        """(R,) dates as written; year, month and day joined where they lie apart."""
        places = self.plan.places
        if "Date" in places:
            return cells[places["Date"]]
        parts = [
            cells[places[role]].str.strip() for role in ("Year", "Month", "Day") if role in places
        ]
        joined = parts[0].str.replace(r"\.0+$", "", regex=True)
        for part in parts[1:]:
            joined = joined + "-" + part.str.replace(r"\.0+$", "", regex=True)
        return joined

    def _read_dates(self, cells: pd.DataFrame) -> DateColumn:
        times = None
        if "Time" in self.plan.places:
            times = cells[self.plan.places["Time"]]
        context = f"{self.table.title[-1000:]} {' '.join(self.table.names)}"
        return read_dates(
            self._date_text(cells),
            self.label,
            times=times,
            context=context,
            calendar=self.choices.get("calendar"),
        )

    def _scale_to_adjusted(
        self, values: dict[str, Numbers], cells: pd.DataFrame
    ) -> dict[str, Numbers]:
        """Open, High and Low in adjusted points where only the close has an adjusted column."""
        if self.plan.raw_close is None:
            return values
        raw = read_loosely(cells[self.plan.raw_close])
        with np.errstate(divide="ignore", invalid="ignore"):
            factor = values["Close"] / raw
        factor = np.where(np.isfinite(factor), factor, 1.0)
        scaled = ("Open", "High", "Low")
        return {c: value * factor if c in scaled else value for c, value in values.items()}

    def _make_days(
        self,
        days: npt.NDArray[np.datetime64],
        seconds: npt.NDArray[np.int64] | None,
        values: dict[str, Numbers],
        missing: dict[str, Mask],
    ) -> tuple[npt.NDArray[np.datetime64], dict[str, Numbers], dict[str, Mask], tuple[Note, ...]]:
        """Days of intraday bars, on request; refused otherwise."""
        bars = name_bars(days, seconds)
        if not bars or seconds is None:
            return days, values, missing, ()
        if not self.choices.get("daily"):
            raise refuse_bars(bars, self.label, len(days))
        days, values, notes = to_daily(days, seconds, values, bars)
        nothing = {column: np.zeros(len(days), bool) for column in values}
        return days, values, nothing, notes

    def _find_hints(
        self, cells: pd.DataFrame, days: npt.NDArray[np.datetime64], close: Numbers
    ) -> PriceHints:
        """Days of splits by the columns beside the prices."""
        hints = PriceHints()
        if self.plan.split is not None:
            factors = read_loosely(cells[self.plan.split])
            named = np.isfinite(factors) & (factors != 0) & (factors != 1)
            hints = replace(hints, split_days=tuple(days[named][:100]))
        if self.plan.adjusted is None or len(close) < 3:
            return hints
        adjusted = read_loosely(cells[self.plan.adjusted])
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = np.abs(np.diff(np.log(adjusted / close)))
        smooth = np.flatnonzero(apart > np.log(1.3)) + 1
        order = np.argsort(days)
        if len(order) > 1 and order[0] > order[-1]:  # newest first: the split is the row above
            smooth = smooth - 1
        name = self.table.names[self.plan.adjusted]
        return replace(hints, adjusted=name, smooth_days=tuple(days[smooth][:100]))


def _find_missing(cells: pd.Series, values: Numbers) -> Mask:
    if not np.isnan(values).any():
        return np.zeros(len(values), bool)
    return is_missing(cells)


def _select(values: npt.NDArray[np.int64] | None, rows: Mask) -> npt.NDArray[np.int64] | None:
    if values is None:
        return None
    return values[rows]


def _select_dates(dates: DateColumn, rows: Mask) -> DateColumn:
    return DateColumn(dates.days[rows], _select(dates.seconds, rows), dates.notes)
