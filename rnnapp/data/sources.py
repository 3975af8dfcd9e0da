"""Prices without a file: bundled with a package, or fetched from Yahoo Finance and kept for half a day."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Literal
from urllib.parse import quote

import numpy as np
import pandas as pd

from rnnapp.data.headers import COLUMNS
from rnnapp.data.notes import Note, count_of
from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.repair import repair_table
from rnnapp.errors import ConfigError, DataError, SourceError
from rnnapp.home import home

__all__ = ["BUNDLED", "TICKERS", "bundled", "fetch_yahoo"]

BUNDLED = {"sp500": "S&P 500", "nasdaq": "NASDAQ"}
TICKERS = {"^KS11": "KOSPI", "^GSPC": "S&P 500", "^IXIC": "NASDAQ Composite", "^N225": "Nikkei 225"}

_FRESH = 12 * 3600.0  # seconds a copy is used without asking again
_PAUSE = 60.0  # seconds without a question after the source has said "too many"
_TIMEOUT = 10
_TICKER = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.^=&-]{0,19}")
_ASKING = threading.Lock()  # the source's settings are global
_blocked_until = 0.0


def bundled(name: Literal["sp500", "nasdaq"]) -> PriceTable:
    """Daily prices of 1999 to 2018 that come with the package ``arch``; no network is needed.

    Raises:
        ConfigError: no such table.
    """
    if name not in BUNDLED:
        raise ConfigError(f"There is no bundled table {name!r}; {', '.join(BUNDLED)} are there.")
    from arch.data import nasdaq, sp500  # takes a second, so only when asked for

    frame = (sp500 if name == "sp500" else nasdaq).load()
    return _table(frame, BUNDLED[name])


def fetch_yahoo(
    ticker: str, start: str | date, end: str | date, *, refresh: bool = False
) -> PriceTable:
    """Daily prices from Yahoo Finance, or the copy of them that is less than twelve hours old.

    Args:
        ticker: as Yahoo writes it, ``^KS11``.
        start, end: the first and the last day, both included.
        refresh: ask again though there is a fresh copy.

    Raises:
        ConfigError: a ticker or a range that cannot be asked for.
        SourceError: unknown ticker, nothing in that range, rate limited, or offline; ``cached`` is the last copy, if any.
    """
    ticker, first, last = _question(ticker, start, end)
    copy = _folder() / f"{quote(ticker, safe='')}__{first}__{last}.csv"
    if not refresh and _age(copy) < _FRESH and (kept := _kept(copy, ticker)):
        return kept
    try:
        with _ASKING:
            frame = _ask(ticker, first, last)
        table = _table(frame, TICKERS.get(ticker, ticker))
    except SourceError as error:
        raise SourceError(str(error), _last_copy(copy, ticker)) from error
    except DataError as error:
        raise SourceError(
            f"Yahoo Finance's prices for {ticker} cannot be used: {error}", _last_copy(copy, ticker)
        ) from error
    _keep(table, copy)
    return table


def _question(ticker: str, start: str | date, end: str | date) -> tuple[str, date, date]:
    ticker = ticker.strip().upper()
    if not _TICKER.fullmatch(ticker):
        raise ConfigError(
            f"{ticker[:30]!r} is no ticker; up to 20 letters, digits and . ^ = & - make one, such as ^KS11."
        )
    try:
        first, last = (pd.Timestamp(day).date() for day in (start, end))
        backwards = not first < last
    except (ValueError, TypeError) as error:
        raise ConfigError(
            f"{start!s:.20} to {end!s:.20} is no range of days; two dates such as 2018-04-18 would do."
        ) from error
    if backwards:
        raise ConfigError(
            f"The range {first} to {last} holds no days; a first day before the last would do."
        )
    return ticker, first, last


def _ask(ticker: str, first: date, last: date) -> pd.DataFrame:
    """One question, never repeated; the source's own errors as ours."""
    global _blocked_until
    if time.monotonic() < _blocked_until:
        raise SourceError(_too_many(ticker))
    import yfinance as yf
    from yfinance import exceptions as known

    hidden, yf.config.debug.hide_exceptions = (
        yf.config.debug.hide_exceptions,
        False,
    )  # else offline looks like unknown
    try:
        frame = yf.Ticker(ticker).history(
            start=first.isoformat(), end=(pd.Timestamp(last) + pd.Timedelta(days=1)).date().isoformat(), interval="1d",
            auto_adjust=False, actions=False, timeout=_TIMEOUT,
        )  # fmt: skip
    except known.YFRateLimitError as error:
        _blocked_until = time.monotonic() + _PAUSE
        raise SourceError(_too_many(ticker)) from error
    except known.YFPricesMissingError as error:
        raise SourceError(_empty(ticker, first, last)) from error
    except known.YFTickerMissingError as error:
        raise SourceError(
            f"Yahoo Finance does not know {ticker}; a ticker such as ^KS11 or ^GSPC would do."
        ) from error
    except OSError as error:  # every network error of its HTTP libraries is one
        raise SourceError(_unreachable(ticker, error)) from error
    except Exception as error:  # it reads a service without a contract: anything may come
        raise SourceError(
            f"Yahoo Finance's answer for {ticker} cannot be read; asking later or a CSV file would do."
        ) from error
    finally:
        yf.config.debug.hide_exceptions = hidden
    if not isinstance(frame, pd.DataFrame) or frame.empty or "Close" not in frame:
        raise SourceError(_empty(ticker, first, last))
    return frame


def _too_many(ticker: str) -> str:
    return f"Yahoo Finance answers no more questions for now (too many requests), so {ticker} was not fetched; a pause would do."


def _empty(ticker: str, first: date, last: date) -> str:
    return f"Yahoo Finance has no prices for {ticker} from {first} to {last}; another range or ticker would do."


def _unreachable(ticker: str, error: OSError) -> str:
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if status == 404:
        return f"Yahoo Finance does not know {ticker}; a ticker such as ^KS11 or ^GSPC would do."
    return f"Yahoo Finance cannot be reached, so {ticker} was not fetched; a network connection, or a CSV file, would do."


def _table(frame: pd.DataFrame, name: str) -> PriceTable:
    """A frame with a column each, dated by the exchange's own days."""
    index = pd.DatetimeIndex(frame.index)
    days = (index.tz_localize(None) if index.tz else index).normalize().as_unit("ns").to_numpy()
    values = {c: frame[c].to_numpy(np.float64) for c in COLUMNS if c in frame}
    notes: list[Note] = []
    if "Volume" in values and not values["Volume"].all():
        unknown = values["Volume"] == 0
        values["Volume"] = np.where(unknown, np.nan, values["Volume"])
        rows = count_of(int(unknown.sum()), "row")
        notes.append(Note("volume", f"Volume is given as 0 in {rows}; it was taken as unknown."))
    known = np.isfinite(values["Close"])
    if not known.all():
        rows = count_of(int((~known).sum()), "row")
        notes.append(Note("missing rows", f"{rows} without a close left out."))
    missing = {column: np.isnan(value)[known] for column, value in values.items()}
    prices = {column: value[known] for column, value in values.items()}
    repaired, more = repair_table(days[known], prices, missing, name)
    about_volume = any(note.kind == "volume" for note in notes)
    notes += [note for note in more if not (about_volume and note.kind == "volume")]
    return PriceTable(name, repaired, tuple(notes))


def _folder() -> Path:
    return home() / "cache"


def _age(copy: Path) -> float:
    """Seconds since a copy was fetched; endless where there is none."""
    try:
        return max(time.time() - copy.stat().st_mtime, 0.0)
    except OSError:
        return float("inf")


def _keep(table: PriceTable, copy: Path) -> None:
    """Written beside and moved into place, so that no reader meets half a file; a full disk is no reason to fail."""
    part = copy.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    try:
        copy.parent.mkdir(parents=True, exist_ok=True)
        table.frame.to_csv(part)
        part.replace(copy)
    except OSError:
        part.unlink(missing_ok=True)


def _kept(copy: Path, ticker: str) -> PriceTable | None:
    try:
        return read_prices(copy, name=TICKERS.get(ticker, ticker))
    except DataError:  # spoilt on disk: as good as none
        return None


def _last_copy(copy: Path, ticker: str) -> PriceTable | None:
    """The copy of this range, else the newest one of the ticker; told as what it is."""
    others = sorted(copy.parent.glob(f"{quote(ticker, safe='')}__*.csv"), key=_age)
    for path in ([copy] if copy.exists() else []) + others:
        if table := _kept(path, ticker):
            day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
            note = Note("copy", f"This is a copy fetched on {day}.")
            return replace(table, repairs=(note, *table.repairs))
    return None
