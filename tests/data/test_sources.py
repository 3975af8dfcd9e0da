"""Prices without a file: the loading code runs on frames shaped as the library returns them.

No network is used.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yfinance as yf
from yfinance import exceptions as known

from rnnapp.data import sources
from rnnapp.data.sources import BUNDLED, TICKERS, bundled, fetch_yahoo
from rnnapp.errors import ConfigError, SourceError
from rnnapp.home import home
from tests.data.dialects import check_invariants


@pytest.fixture(autouse=True)
def _own_home(tmp_path, monkeypatch):
    monkeypatch.setenv("RNNAPP_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(sources, "_blocked_until", 0.0)


def _recorded(rows: int = 5, volume: int = 480400) -> pd.DataFrame:
    """What ``Ticker.history(auto_adjust=False)`` answers.

    The exchange's midnight, whole-number volumes, no capital gains.
    """
    index = pd.bdate_range("2020-01-02", periods=rows, tz="Asia/Seoul", name="Date")
    close = 2175.0 + np.arange(rows)
    return pd.DataFrame(
        {
            "Open": close + 1,
            "High": close + 9,
            "Low": close - 9,
            "Close": close,
            "Adj Close": close,
            "Volume": np.full(rows, volume, np.int64),
            "Dividends": 0.0,
            "Stock Splits": 0.0,
        },
        index=index,
    )


class _Asked:
    """Stands in for the library's question, counts how often it is asked, and answers or raises."""

    def __init__(self, answer: pd.DataFrame | Exception | Callable[..., Any]) -> None:
        self.answer, self.calls = answer, []

    def __call__(self, ticker: yf.Ticker, **options: Any) -> Any:
        self.calls.append((ticker.ticker, options))
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.fixture
def ask(monkeypatch):
    def answering(answer: pd.DataFrame | Exception) -> _Asked:
        asked = _Asked(answer)
        monkeypatch.setattr(yf.Ticker, "history", lambda self, **options: asked(self, **options))
        return asked

    return answering


@pytest.mark.parametrize(("name", "last"), [("sp500", 2506.850098), ("nasdaq", 6635.279785)])
def test_bundled_tables_are_twenty_years_of_real_days(name, last):
    table = bundled(name)
    check_invariants(table)
    assert (table.name, len(table)) == (BUNDLED[name], 5031)
    assert table.columns == ("Open", "High", "Low", "Close", "Volume")
    assert str(table.frame.index[0].date()) == "1999-01-04"
    assert table.close[-1] == pytest.approx(last, abs=1e-6)


def test_a_bundled_volume_of_nought_is_told_as_unknown():
    """Two days of the NASDAQ carry volume 0, which no trading day had."""
    table = bundled("nasdaq")
    assert table.frame["Volume"].isna().sum() == 2
    assert [str(note) for note in table.repairs] == [
        "Volume is given as 0 in 2 rows; it was taken as unknown."
    ]


def test_an_unknown_bundled_name_says_which_there_are():
    with pytest.raises(ConfigError, match="sp500, nasdaq"):
        bundled("dax")


def test_a_fetched_table_has_local_days_and_no_adjusted_close(ask):
    asked = ask(_recorded())
    table = fetch_yahoo("^ks11", "2020-01-02", "2020-01-08")
    check_invariants(table)
    assert (table.name, len(table), table.repairs) == (TICKERS["^KS11"], 5, ())
    assert table.columns == ("Open", "High", "Low", "Close", "Volume")
    assert table.frame.index[0] == pd.Timestamp("2020-01-02")
    assert table.frame.iloc[0].tolist() == [2176, 2184, 2166, 2175, 480400]
    ticker, options = asked.calls[0]
    assert ticker == "^KS11"
    assert (options["start"], options["end"], options["auto_adjust"]) == (
        "2020-01-02",
        "2020-01-09",
        False,
    )  # its end is excluded


def test_a_second_question_within_twelve_hours_is_answered_from_disk(ask):
    asked = ask(_recorded())
    first = fetch_yahoo("^KS11", "2020-01-02", "2020-01-08")
    again = fetch_yahoo("^KS11", "2020-01-02", "2020-01-08")
    assert len(asked.calls) == 1
    assert again.fingerprint == first.fingerprint
    fetch_yahoo("^KS11", "2020-01-02", "2020-01-08", refresh=True)
    assert len(asked.calls) == 2
    for copy in (home() / "cache").iterdir():
        os.utime(copy, (time.time() - 13 * 3600,) * 2)
    fetch_yahoo("^KS11", "2020-01-02", "2020-01-08")
    assert len(asked.calls) == 3


def test_a_spoilt_copy_is_asked_for_again(ask):
    asked = ask(_recorded())
    fetch_yahoo("^KS11", "2020-01-02", "2020-01-08")
    for copy in (home() / "cache").iterdir():
        copy.write_bytes(b"half a fi")
    assert len(fetch_yahoo("^KS11", "2020-01-02", "2020-01-08")) == 5
    assert len(asked.calls) == 2


def test_unknown_volumes_of_an_index_survive_the_copy(ask):
    ask(_recorded(volume=0))
    assert fetch_yahoo("^KS11", "2020-01-02", "2020-01-08").columns == (
        "Open",
        "High",
        "Low",
        "Close",
    )
    assert fetch_yahoo("^KS11", "2020-01-02", "2020-01-08").columns == (
        "Open",
        "High",
        "Low",
        "Close",
    )


def _http_error(status: int) -> Exception:
    from curl_cffi.requests.exceptions import HTTPError

    error = HTTPError(f"HTTP Error {status}")
    error.response = type("Response", (), {"status_code": status})()
    return error


def _dns_error() -> Exception:
    from curl_cffi.requests.exceptions import DNSError

    return DNSError("Failed to perform, curl: (6) Could not resolve host: query2.finance.yahoo.com")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (known.YFRateLimitError(), "too many requests"),
        (known.YFTzMissingError("^XXX"), "does not know"),
        (known.YFPricesMissingError("^XXX", ""), "no prices for"),
        (_http_error(404), "does not know"),
        (_http_error(502), "cannot be reached"),
        (_dns_error(), "cannot be reached"),
        (TimeoutError(), "cannot be reached"),
        (KeyError("chart"), "cannot be read"),
        (_recorded(0), "no prices for"),
        (_recorded(1), "cannot be used"),
        (_recorded().assign(Close=1e16), "cannot be used"),
    ],
)
def test_each_failure_has_its_own_sentence_and_offers_the_last_copy(ask, answer, words):
    ask(answer)
    with pytest.raises(SourceError, match=words) as caught:
        fetch_yahoo("^XXX", "2020-01-02", "2020-01-08")
    assert caught.value.cached is None
    sources._blocked_until = 0.0
    ask(_recorded())
    fetched = fetch_yahoo("^XXX", "2020-01-02", "2020-01-08")
    asked = ask(answer)
    with pytest.raises(SourceError, match=words) as caught:
        fetch_yahoo("^XXX", "2020-01-02", "2021-01-08")
    assert caught.value.cached.fingerprint == fetched.fingerprint
    assert "copy fetched on" in str(caught.value.cached.repairs[0])
    assert len(asked.calls) == 1  # never asked in a loop


def test_after_too_many_requests_the_source_is_left_alone_for_a_while(ask):
    """A page that runs again on each click must not hammer a service that has said stop."""
    asked = ask(known.YFRateLimitError())
    for _ in range(3):
        with pytest.raises(SourceError, match="too many requests"):
            fetch_yahoo("^KS11", "2020-01-02", "2020-01-08")
    assert len(asked.calls) == 1


def test_offline_ends_fast_with_the_same_sentence(monkeypatch):
    """The library's own code runs here; only its HTTP session is cut off."""
    from yfinance.data import YfData

    def no_network(*_: Any, **__: Any) -> None:
        raise _dns_error()

    monkeypatch.setattr(YfData, "get", no_network)
    monkeypatch.setattr(YfData, "cache_get", no_network)
    monkeypatch.setattr(
        yf.Ticker, "_get_ticker_tz", lambda self, timeout: self._fetch_ticker_tz(timeout)
    )
    began = time.monotonic()
    with pytest.raises(SourceError, match="cannot be reached"):
        fetch_yahoo("^KS11", "2020-01-02", "2020-01-08")
    assert time.monotonic() - began < 5
    assert yf.config.debug.hide_exceptions is True  # the library's settings are put back


@pytest.mark.parametrize(
    "ticker", ["", "   ", "a b", "../../etc/passwd", "A" * 21, "^KS11\n^N225", "지수", "A/B"]
)
def test_what_is_no_ticker_is_never_asked_for(ask, ticker):
    asked = ask(_recorded())
    with pytest.raises(ConfigError, match="is no ticker"):
        fetch_yahoo(ticker, "2020-01-02", "2020-01-08")
    assert not asked.calls


@pytest.mark.parametrize(
    ("start", "end"), [("2020-01-08", "2020-01-02"), ("soon", "2020-01-02"), ("2020-01-02", None)]
)
def test_what_is_no_range_is_never_asked_for(ask, start, end):
    asked = ask(_recorded())
    with pytest.raises(ConfigError):
        fetch_yahoo("^KS11", start, end)
    assert not asked.calls


def test_a_home_that_cannot_be_written_to_is_replaced(tmp_path, monkeypatch):
    file = tmp_path / "a file"
    file.write_text("in the way")
    monkeypatch.setenv("RNNAPP_HOME", str(file))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    assert home().is_dir()
    assert home().parent == tmp_path
