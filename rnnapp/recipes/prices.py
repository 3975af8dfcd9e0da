"""The stock recipes' prices: KOSPI from a file or from Yahoo, else the bundled S&P 500, said so."""

from __future__ import annotations

from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.sources import bundled, fetch_yahoo
from rnnapp.errors import SourceError
from rnnapp.recipes.catalogue import KOSPI_DAYS

__all__ = ["KOSPI_ROWS", "recipe_prices", "stand_in"]

_VOLUME = "The notebook's file had a volume of 0 on one day, which Yahoo's has no longer; the Volume column is scaled differently."

KOSPI_ROWS = 431
"""Rows of the notebook's file."""


def recipe_prices(source: str | bytes = "") -> tuple[PriceTable, str]:
    """Prices for the stock recipes.

    Args:
        source: a path to KOSPI's prices, or the file's bytes; ``yahoo`` asks Yahoo Finance for the
            same days; ``sp500`` takes
            the bundled S&P 500; nothing tries Yahoo and falls back on the S&P 500.

    Returns:
        The table, and what is not as in the publication, in a sentence.

    Raises:
        DataError: the file cannot be read, or, for ``yahoo``, the download fails.
    """
    if source == "sp500":
        return stand_in("KOSPI's prices were not asked for")
    if source not in ("", "yahoo"):
        return _told(
            read_prices(source, name="KOSPI") if isinstance(source, bytes) else read_prices(source)
        )
    try:
        return _told(fetch_yahoo("^KS11", *KOSPI_DAYS))
    except SourceError as error:
        if error.cached is not None:
            return _told(error.cached)
        if source == "yahoo":
            raise
        return stand_in(str(error).rstrip("."))


def stand_in(why: str) -> tuple[PriceTable, str]:
    """As many of the latest bundled S&P 500 days as the notebook had of KOSPI, and the sentence that says so."""
    table = bundled("sp500").tail(KOSPI_ROWS)
    note = (
        f"Not KOSPI but the last {len(table)} days of the bundled S&P 500 with the same settings ({why}); the published figures "
        "are KOSPI's, so they need not come out."
    )
    return table, note


def _told(table: PriceTable) -> tuple[PriceTable, str]:
    """A table with the sentence on how it differs from the notebook's."""
    days = tuple(str(day.date()) for day in (table.frame.index[0], table.frame.index[-1]))
    if days == KOSPI_DAYS and len(table) == KOSPI_ROWS:
        return table, _VOLUME
    note = (
        f"{table.name} has {len(table):,} days from {days[0]} to {days[1]}, the notebook {KOSPI_ROWS} of KOSPI from "
        f"{KOSPI_DAYS[0]} to {KOSPI_DAYS[1]}, so the published figures need not come out."
    )
    return table, note
