"""Prices without a file: bundled with a package, or fetched from Yahoo Finance and cached."""

from __future__ import annotations

import os
import re
import threading
import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
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
from rnnapp.home import home, make_private, private_folder
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["BUNDLED", "TICKERS", "bundled", "fetch_yahoo"]

BUNDLED = {"sp500": "S&P 500", "nasdaq": "NASDAQ"}
TICKERS = {"^KS11": "KOSPI", "^GSPC": "S&P 500", "^IXIC": "NASDAQ Composite", "^N225": "Nikkei 225"}

_FRESH = 12 * 3600.0  # seconds for which a copy is used without a request
_PAUSE = 60.0  # seconds without a request after the source has answered "too many"
_TIMEOUT = 10
_TICKER = re.compile(r"[A-Za-z0-9^][A-Za-z0-9.^=&-]{0,19}")
_REQUESTING = threading.Lock()  # the source's settings are global
_OTHER_TICKER = N_("Use a ticker such as ^KS11 or ^GSPC.")
_blocked_until = 0.0


def bundled(name: Literal["sp500", "nasdaq"]) -> PriceTable:
    """Daily prices of 1999 to 2018 that come with the package ``arch``; no network is needed.

    Raises:
        ConfigError: no such table.
    """
    if name not in BUNDLED:
        raise ConfigError(
            _("There is no bundled table {name!r}.").format(name=name),
            remedy=_("Use one of {bundled}.").format(bundled=", ".join(BUNDLED)),
        )
    from arch.data import nasdaq, sp500  # takes a second, so only on request

    frame = {"sp500": sp500, "nasdaq": nasdaq}[name].load()
    return _to_table(frame, BUNDLED[name])


def fetch_yahoo(
    ticker: str, start: str | date, end: str | date, *, refresh: bool = False
) -> PriceTable:
    """Daily prices from Yahoo Finance, or the copy of them that is less than twelve hours old.

    Args:
        ticker: as Yahoo writes it, ``^KS11``.
        start, end: the first and the last day, both included.
        refresh: fetch again although there is a fresh copy.

    Raises:
        ConfigError: a ticker or a range that cannot be requested.
        SourceError: unknown ticker, nothing in that range, rate limited, or offline; ``cached`` is
            the last copy, if any.
    """
    ticker, first, last = _check_request(ticker, start, end)
    copy = _cache_folder() / f"{quote(ticker, safe='')}__{first}__{last}.csv"
    if not refresh and _copy_age(copy) < _FRESH and (cached := _read_copy(copy, ticker)):
        return cached
    try:
        with _REQUESTING:
            frame = _request_frame(ticker, first, last)
        table = _to_table(frame, TICKERS.get(ticker, ticker))
    except SourceError as error:
        raise SourceError(error.message, _last_copy(copy, ticker), remedy=error.remedy) from error
    except DataError as error:
        raise SourceError(
            _("Yahoo Finance's prices for {ticker} cannot be used: {error}").format(
                ticker=ticker, error=error
            ),
            _last_copy(copy, ticker),
        ) from error
    _write_copy(table, copy)
    return table


def _check_request(ticker: str, start: str | date, end: str | date) -> tuple[str, date, date]:
    ticker = ticker.strip().upper()
    if not _TICKER.fullmatch(ticker):
        raise ConfigError(
            _("{ticker!r} is no ticker.").format(ticker=ticker[:30]),
            remedy=_("Use up to 20 letters, digits and . ^ = & -, such as ^KS11."),
        )
    try:
        first, last = (pd.Timestamp(day).date() for day in (start, end))
        backwards = not first < last
    except (ValueError, TypeError) as error:
        raise ConfigError(
            _("{start!s:.20} to {end!s:.20} is no range of days.").format(start=start, end=end),
            remedy=_("Use two dates such as 2018-04-18."),
        ) from error
    if backwards:
        raise ConfigError(
            _("The range {first} to {last} holds no days.").format(first=first, last=last),
            remedy=_("Use a first day before the last."),
        )
    return ticker, first, last


def _request_frame(ticker: str, first: date, last: date) -> pd.DataFrame:
    """One request, never repeated; the source's own errors as ours."""
    global _blocked_until
    if time.monotonic() < _blocked_until:
        raise _rate_limited(ticker)
    import yfinance as yf
    from yfinance import exceptions as known

    debug = yf.config.debug
    hidden = debug.hide_exceptions
    debug.hide_exceptions = False  # else offline looks like an unknown ticker
    try:
        frame = yf.Ticker(ticker).history(
            start=first.isoformat(),
            end=(last + timedelta(days=1)).isoformat(),
            interval="1d",
            auto_adjust=False,
            actions=False,
            timeout=_TIMEOUT,
        )
    except known.YFRateLimitError as error:
        _blocked_until = time.monotonic() + _PAUSE
        raise _rate_limited(ticker) from error
    except known.YFPricesMissingError as error:
        raise _nothing_found(ticker, first, last) from error
    except known.YFTickerMissingError as error:
        raise _unknown_ticker(ticker) from error
    except OSError as error:  # every network error of its HTTP libraries is one
        raise _unreachable(ticker, error) from error
    except Exception as error:  # it reads a service without a contract: anything may come
        raise SourceError(
            _("Yahoo Finance's answer for {ticker} cannot be read.").format(ticker=ticker),
            remedy=_("Try again later, or use a CSV file."),
        ) from error
    finally:
        debug.hide_exceptions = hidden
    if not isinstance(frame, pd.DataFrame) or frame.empty or "Close" not in frame:
        raise _nothing_found(ticker, first, last)
    return frame


def _rate_limited(ticker: str) -> SourceError:
    return SourceError(
        _(
            "Yahoo Finance answers no more for now (too many requests), so {ticker} "
            "was not fetched."
        ).format(ticker=ticker),
        remedy=_("Try again in a minute."),
    )


def _nothing_found(ticker: str, first: date, last: date) -> SourceError:
    return SourceError(
        _("Yahoo Finance has no prices for {ticker} from {first} to {last}.").format(
            ticker=ticker, first=first, last=last
        ),
        remedy=_("Use another range or ticker."),
    )


def _unknown_ticker(ticker: str) -> SourceError:
    return SourceError(
        _("Yahoo Finance does not know {ticker}.").format(ticker=ticker), remedy=_(_OTHER_TICKER)
    )


def _unreachable(ticker: str, error: OSError) -> SourceError:
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if status == 404:
        return _unknown_ticker(ticker)
    return SourceError(
        _("Yahoo Finance cannot be reached, so {ticker} was not fetched.").format(ticker=ticker),
        remedy=_("Check the network connection, or use a CSV file."),
    )


def _to_table(frame: pd.DataFrame, name: str) -> PriceTable:
    """A frame with a column each, dated by the exchange's own days."""
    index = pd.DatetimeIndex(frame.index)
    if index.tz:
        index = index.tz_localize(None)
    days = index.normalize().as_unit("ns").to_numpy()
    values = {c: frame[c].to_numpy(np.float64) for c in COLUMNS if c in frame}
    notes: list[Note] = []
    if "Volume" in values and not values["Volume"].all():
        unknown = values["Volume"] == 0
        values["Volume"] = np.where(unknown, np.nan, values["Volume"])
        rows = count_of(int(unknown.sum()), "row")
        notes.append(
            Note(
                "volume",
                _("Volume is given as 0 in {rows}; it was taken as unknown.").format(rows=rows),
            )
        )
    known = np.isfinite(values["Close"])
    if not known.all():
        rows = count_of(int((~known).sum()), "row")
        notes.append(Note("missing rows", _("{rows} without a close left out.").format(rows=rows)))
    missing = {column: np.isnan(value)[known] for column, value in values.items()}
    prices = {column: value[known] for column, value in values.items()}
    repaired, more = repair_table(days[known], prices, missing, name)
    about_volume = any(note.kind == "volume" for note in notes)
    notes += [note for note in more if not (about_volume and note.kind == "volume")]
    return PriceTable(name, repaired, tuple(notes))


def _cache_folder() -> Path:
    return home() / "cache"


def _copy_age(copy: Path) -> float:
    """Seconds since a copy was fetched; endless where there is none."""
    try:
        return max(time.time() - copy.stat().st_mtime, 0.0)
    except OSError:
        return float("inf")


def _write_copy(table: PriceTable, copy: Path) -> None:
    """Write beside and move into place, so that no reader meets half a file.

    A full disk is no reason to fail.
    """
    part = copy.with_suffix(f".{os.getpid()}-{threading.get_ident()}.part")
    try:
        private_folder("cache")
        table.frame.to_csv(make_private(part))
        part.replace(copy)
    except OSError:
        part.unlink(missing_ok=True)


def _read_copy(copy: Path, ticker: str) -> PriceTable | None:
    try:
        return read_prices(copy, name=TICKERS.get(ticker, ticker))
    except DataError:  # damaged on disk: as good as none
        return None


def _last_copy(copy: Path, ticker: str) -> PriceTable | None:
    """The copy of this range, else the newest one of the ticker, with a note of its age."""
    others = sorted(copy.parent.glob(f"{quote(ticker, safe='')}__*.csv"), key=_copy_age)
    copies = [path for path in (copy, *others) if path.exists()]
    for path in copies:
        if table := _read_copy(path, ticker):
            day = datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
            note = Note("copy", _("This is a copy fetched on {day}.").format(day=day))
            return replace(table, repairs=(note, *table.repairs))
    return None
