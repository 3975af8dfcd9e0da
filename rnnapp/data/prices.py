"""Price tables."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["PriceTable"]


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

    @property
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
