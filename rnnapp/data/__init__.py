"""Prices: from a file, a package or Yahoo Finance to a table, and from a table to windows.

Digits lie beside, in ``digits``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rnnapp.data.prices import MAX_BYTES, MAX_ROWS, PriceTable, read_prices
from rnnapp.data.sequences import FloatArray, IntArray, Sequences, Split
from rnnapp.data.sources import BUNDLED, TICKERS, bundled, fetch_yahoo

if TYPE_CHECKING:
    from rnnapp.data.windows import PriceSequences, PriceSplit, make_split

__all__ = [
    "BUNDLED",
    "MAX_BYTES",
    "MAX_ROWS",
    "TICKERS",
    "FloatArray",
    "IntArray",
    "PriceSequences",
    "PriceSplit",
    "PriceTable",
    "Sequences",
    "Split",
    "bundled",
    "fetch_yahoo",
    "make_split",
    "read_prices",
]


def __getattr__(name: str) -> Any:
    """Windows bring scikit-learn, a second of start-up; they are imported on first use."""
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from rnnapp.data import windows

    return getattr(windows, name)
