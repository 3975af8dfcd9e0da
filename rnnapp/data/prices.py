"""Price tables, and reading them from whatever CSV people have."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from rnnapp.data.dates import read_dates
from rnnapp.data.layout import read_cells
from rnnapp.data.numbers import is_missing, read_prices_and_volume
from rnnapp.data.repair import mend, refuse_spoilt
from rnnapp.data.spacing import Spacing, measure_spacing
from rnnapp.data.textfile import MAX_BYTES, MAX_ROWS, load_text
from rnnapp.errors import TooFewRowsError

__all__ = ["MAX_BYTES", "MAX_ROWS", "PriceTable", "read_prices"]


@dataclass(frozen=True, eq=False)
class PriceTable:
    """Daily prices of one index.

    Attributes:
        name: what to call it on a page.
        frame: DatetimeIndex, ascending and unique; float64 columns among Open, High, Low, Close, Volume. Prices are
            positive and finite; a volume that the file does not tell is NaN.
        repairs: what was mended while reading, in words.
    """

    name: str
    frame: pd.DataFrame
    repairs: tuple[str, ...] = ()

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
        """Names of the columns the file had."""
        return tuple(str(c) for c in self.frame.columns)

    @cached_property
    def spacing(self) -> Spacing:
        """The rhythm of the rows: daily, weekly, monthly and so on."""
        return measure_spacing(self.dates)

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 of dates and values: equal tables have equal fingerprints, whatever file they came from."""
        digest = hashlib.sha256(",".join(self.columns).encode())
        digest.update(np.ascontiguousarray(self.dates).tobytes())
        digest.update(np.ascontiguousarray(self.frame.to_numpy(np.float64)).tobytes())
        return digest.hexdigest()

    def tail(self, rows: int) -> PriceTable:
        """The latest ``rows`` rows; the table itself for 0 or for at least as many as it has."""
        if not 0 < rows < len(self):
            return self
        return PriceTable(self.name, self.frame.tail(rows), self.repairs)


def read_prices(
    source: bytes | str | Path, *, name: str | None = None, columns: Mapping[str, str] | None = None
) -> PriceTable:
    """Read a CSV file of daily prices, whatever its dialect, and tell what was mended.

    Args:
        source: the bytes of a file, or its path.
        name: what to call the table; else the ticker the file tells, or the file's name.
        columns: our names (Date, Open, High, Low, Close, Volume) to the file's, for what its header does not tell.

    Returns:
        The columns Open, High, Low, Close, Volume, as many as the file has, float64, by ascending unique dates.

    Raises:
        ColumnError: no date or no close column; ``columns`` of the error are those found.
        PriceFileError: what cannot be read surely.
        TooFewRowsError: fewer than two readable rows.
    """
    path = None if isinstance(source, bytes) else Path(source)
    label = name or (path.name if path else "The file")
    text, repairs = load_text(source, label)
    cells = read_cells(text, label, columns)
    if cells.frame.empty:
        raise TooFewRowsError(
            f"{label} has a header but no rows; at least 2 with a date and a close are needed."
        )
    dates, dated = read_dates(cells.frame["Date"], label)
    written = cells.frame.drop(columns="Date")
    values, numbered = read_prices_and_volume(written, cells.delimiter, label)
    missing = {
        c: is_missing(written[c]) if np.isnan(v).any() else np.zeros(len(v), bool)
        for c, v in values.items()
    }
    keep, dropped = refuse_spoilt(cells.frame, dates, values, missing, label)
    frame, mended = mend(
        dates[keep], {c: v[keep] for c, v in values.items()}, {c: m[keep] for c, m in missing.items()}, label
    )  # fmt: skip
    title = name or cells.ticker or (path.stem if path else "Prices")
    return PriceTable(
        title, frame, (*repairs, *cells.repairs, *dated, *numbered, *dropped, *mended)
    )
