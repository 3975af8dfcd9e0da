"""The stock recipes' prices: KOSPI from a file or from Yahoo, else the bundled S&P 500, said so."""

from __future__ import annotations

from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.sources import bundled, fetch_yahoo
from rnnapp.errors import SourceError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.recipes.catalogue import KOSPI_DAYS

__all__ = ["KOSPI_ROWS", "recipe_prices", "stand_in"]

_VOLUME = N_(
    "The notebook's file had a volume of 0 on one day, which Yahoo's has no longer; the Volume "
    "column is scaled differently."
)
_STAND_IN = N_(
    "Not KOSPI but the last {rows} days of the bundled S&P 500 with the same settings ({why}); the "
    "published figures are KOSPI's, so they need not come out."
)
_OTHER_DAYS = N_(
    "{name} has {rows:,} days from {first} to {last}, the notebook {kospi_rows} of KOSPI from "
    "{kospi_first} to {kospi_last}, so the published figures need not come out."
)

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
        return stand_in(_("KOSPI's prices were not requested"))
    if source not in ("", "yahoo"):
        name = None
        if isinstance(source, bytes):
            name = "KOSPI"
        return _with_difference(read_prices(source, name=name))
    try:
        return _with_difference(fetch_yahoo("^KS11", *KOSPI_DAYS))
    except SourceError as error:
        if error.cached is not None:
            return _with_difference(error.cached)
        if source == "yahoo":
            raise
        return stand_in(str(error).rstrip("."))


def stand_in(why: str) -> tuple[PriceTable, str]:
    """As many bundled S&P 500 days as the notebook had of KOSPI, and the sentence that says so."""
    table = bundled("sp500").tail(KOSPI_ROWS)
    return table, _(_STAND_IN).format(rows=len(table), why=why)


def _with_difference(table: PriceTable) -> tuple[PriceTable, str]:
    """A table with the sentence on how it differs from the notebook's."""
    days = tuple(str(day.date()) for day in (table.frame.index[0], table.frame.index[-1]))
    if days == KOSPI_DAYS and len(table) == KOSPI_ROWS:
        return table, _(_VOLUME)
    note = _(_OTHER_DAYS).format(
        name=table.name,
        rows=len(table),
        first=days[0],
        last=days[1],
        kospi_rows=KOSPI_ROWS,
        kospi_first=KOSPI_DAYS[0],
        kospi_last=KOSPI_DAYS[1],
    )
    return table, note
