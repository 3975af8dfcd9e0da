"""Choose prices: bundled, uploaded, or fetched; the same block on every page that needs them."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from collections import OrderedDict
from typing import Any, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.sources import BUNDLED, TICKERS, bundled, fetch_yahoo
from rnnapp.errors import ColumnError, ConfigError, RnnappError, SourceError
from rnnapp.ui.address import publish_word, seed_word
from rnnapp.ui.page import plain_text

__all__ = ["choose_prices", "sample_prices", "show_repairs", "use_prices"]

_SHARED_BYTES = 200_000_000  # uploads that a reloaded page finds again, of all sessions
_EARLIEST = dt.date(1927, 1, 1)
_SOURCES = ("bundled", "upload", "yahoo")
_NAMES = {"bundled": "Bundled", "upload": "Upload", "yahoo": "Yahoo"}
_FIRST = next(iter(BUNDLED))


def choose_prices(place: DeltaGenerator | None = None) -> PriceTable | None:
    """The block of controls for data.

    Args:
        place: where on the page to say what is missing and what would do; without one, among the controls.

    Returns:
        The table, or None while there is nothing to show yet.
    """
    st.subheader("Data", divider="gray")
    seed_word("data", _SOURCES, "bundled")
    chosen = st.segmented_control(
        "Source",
        _SOURCES,
        format_func=lambda word: _NAMES[word],
        key="data",
        required=True,
        persist_state="session",
        help="A bundled index (no network), a CSV of your own, or Yahoo Finance.",
    )
    source = (
        chosen or "bundled"
    )  # nothing is chosen for a moment while another page takes the control over
    publish_word("data", source, "bundled")
    prices = {"bundled": _bundled, "upload": _uploaded, "yahoo": _fetched}[source](
        place or st.container()
    )
    if prices is None and place is not None:
        place.button(
            f"Use the bundled {BUNDLED[_FIRST]} instead",
            icon=":material/inventory_2:",
            on_click=_use_bundled,
        )
    return prices


def sample_prices() -> PriceTable:
    """A table for the controls while the chosen one is not there yet."""
    return _load_bundled(_FIRST)


def show_repairs(prices: PriceTable) -> None:
    """What was read, and what was mended while reading."""
    first, last = prices.frame.index[0].date(), prices.frame.index[-1].date()
    st.caption(
        f"{plain_text(prices.name)}: {len(prices):,} days, {first} to {last}; {', '.join(prices.columns)}."
    )
    if prices.repairs:
        with st.expander(f"{len(prices.repairs)} repairs while reading", icon=":material/build:"):
            for repair in prices.repairs:
                st.markdown(f"- {plain_text(str(repair))}")


def use_prices(prices: PriceTable, rows: int = 0) -> None:
    """Make a kept run's prices the chosen ones, before any control is drawn: the bundled index they are, else an upload.

    Args:
        prices: the table.
        rows: latest rows of it that the run took, 0 for all.
    """
    for index in BUNDLED:
        if _load_bundled(index).tail(rows).fingerprint == prices.fingerprint:
            st.session_state["data"], st.session_state["index"] = "bundled", index
            return
    content = prices.frame.to_csv().encode()
    _take_upload(hashlib.sha256(content).hexdigest(), f"{prices.name}.csv", content)
    st.session_state["data"] = "upload"


def _use_bundled() -> None:
    st.session_state["data"] = "bundled"


def _bundled(_: DeltaGenerator) -> PriceTable:
    seed_word("index", tuple(BUNDLED), _FIRST)
    name = st.selectbox(
        "Index",
        tuple(BUNDLED),
        format_func=lambda key: BUNDLED[key],
        key="index",
        persist_state="session",
        help="Real daily prices, 1999 to 2018, that come with the app.",
    )
    publish_word("index", name, _FIRST)
    return _load_bundled(name)


def _uploaded(place: DeltaGenerator) -> PriceTable | None:
    file = st.file_uploader(
        "Price file",
        type=["csv", "txt", "tsv"],
        key="upload",
        help="CSV with a date and a close; 25 MB at most.",
    )
    if file is not None:
        content = file.getvalue()
        key = hashlib.sha256(content).hexdigest()
        if st.session_state.get("file") != key:
            _take_upload(key, file.name, content)
    elif "_upload_file" not in st.session_state:
        _find_again(st.query_params.get("file", ""))
    if "_upload_file" not in st.session_state:
        publish_word("file", "", "")
        place.info(
            "Choose a CSV with a date and a close column. Exports of Yahoo, investing.com and Stooq are read as they are."
        )
        return None
    publish_word("file", st.session_state["file"], "")
    if st.session_state.get("_upload") is None:
        name, content = st.session_state["_upload_file"]
        st.session_state["_upload"] = _read_upload(content, name, place)
    table: PriceTable | None = st.session_state["_upload"]
    return table


def _take_upload(key: str, name: str, content: bytes) -> None:
    """Make a file this session's own, and let a reload of the page find it by its address."""
    st.session_state["file"] = key
    st.session_state["_upload_file"] = (name, content)
    st.session_state["_upload"] = None
    st.session_state.pop("_mapping", None)
    _shared_uploads().add(key, name, content)


def _find_again(key: str) -> None:
    """The page was loaded again: take the file back from the server, where it is still there."""
    found = _shared_uploads().get(key)
    if found is not None:
        _take_upload(key, *found)


class SharedUploads:
    """Recent uploads of all sessions, so that a reloaded page finds its file again.

    They are found by the SHA-256 of their content, which nobody can guess without the file. A
    session has its own file besides, so what is dropped here is lost to reloads only.

    Args:
        most_bytes: the oldest files are dropped beyond this total.
    """

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._files: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, key: str, name: str, content: bytes) -> None:
        """Add a file as the newest one."""
        with self._lock:
            self._files.pop(key, None)
            self._files[key] = (name, content)
            total = sum(len(data) for _, data in self._files.values())
            while total > self._most_bytes:
                _, (_, dropped) = self._files.popitem(last=False)
                total -= len(dropped)

    def get(self, key: str) -> tuple[str, bytes] | None:
        """Name and content of a file, or None where it is not there."""
        with self._lock:
            return self._files.get(key)


@st.cache_resource(show_spinner=False)
def _shared_uploads() -> SharedUploads:
    return SharedUploads(_SHARED_BYTES)


def _read_upload(content: bytes, name: str, place: DeltaGenerator) -> PriceTable | None:
    try:
        return read_prices(
            content, name=name.rsplit(".", 1)[0], columns=st.session_state.get("_mapping")
        )
    except ColumnError as error:
        place.error(plain_text(str(error)), icon=":material/error:")
        if error.columns:
            _map_by_hand(error.columns, place)
    except RnnappError as error:
        place.error(plain_text(str(error)), icon=":material/error:")
    return None


def _map_by_hand(columns: tuple[str, ...], place: DeltaGenerator) -> None:
    """Ask which column is which."""
    with place.form("mapping"):
        st.markdown("Which column is which?")
        date = st.selectbox("Date", columns, index=0)
        close = st.selectbox("Close", columns, index=min(1, len(columns) - 1))
        if st.form_submit_button("Use these columns", type="primary"):
            st.session_state["_mapping"] = {"Date": date, "Close": close}
            st.rerun()


def _fetched(place: DeltaGenerator) -> PriceTable | None:
    typed = st.session_state.get("ticker") or st.query_params.get("ticker") or next(iter(TICKERS))
    st.session_state["ticker"] = typed[
        :20
    ]  # any symbol may be asked for; what is none is told when it is fetched
    ticker = st.selectbox(
        "Ticker",
        list(dict.fromkeys([*TICKERS, st.session_state["ticker"]])),
        format_func=lambda key: f"{TICKERS[key]} ({key})" if key in TICKERS else key,
        key="ticker",
        accept_new_options=True,
        persist_state="session",
        help="An index offered here, or any other symbol of Yahoo Finance, typed.",
    )
    publish_word("ticker", ticker, next(iter(TICKERS)))
    today = dt.date.today()
    start = _day("From", "from", today - dt.timedelta(days=5 * 365), today)
    end = _day("To", "to", today, today)
    if start >= end:
        raise ConfigError(
            f"The range starts on {start} and ends on {end}; a start before its end would do."
        )
    refresh = st.button(
        "Fetch", icon=":material/download:", help="Copies are kept for 12 hours.", key="fetch"
    )
    key = (ticker, start, end)
    if refresh or st.session_state.get("_fetched_key") != key:
        with place, st.spinner(f"Fetching {plain_text(ticker)} from Yahoo Finance"):
            st.session_state["_fetched"] = _fetch(*key, refresh=refresh)
        st.session_state["_fetched_key"] = key
    table, error = st.session_state["_fetched"]
    if error:
        place.error(plain_text(error), icon=":material/cloud_off:")
        place.info(
            "Shown is the copy kept from the last time it was fetched."
            if table
            else "The bundled indices and files need no network."
        )
    return cast(PriceTable | None, table)


def _day(label: str, name: str, default: dt.date, last: dt.date) -> dt.date:
    """A day of the range, in the address where it is not the default."""
    if name not in st.session_state:
        try:
            asked = dt.date.fromisoformat(st.query_params.get(name, ""))
        except ValueError:
            asked = default
        st.session_state[name] = min(max(asked, _EARLIEST), last)
    day: dt.date = st.date_input(
        label, min_value=_EARLIEST, max_value=last, key=name, persist_state="session"
    )
    publish_word(name, day.isoformat(), default.isoformat())
    return day


def _fetch(
    ticker: str, start: dt.date, end: dt.date, *, refresh: bool
) -> tuple[PriceTable | None, str]:
    """The table, or the last copy kept; and what went wrong, if anything did."""
    try:
        return fetch_yahoo(ticker, start, end, refresh=refresh), ""
    except (SourceError, ConfigError) as error:
        return getattr(error, "cached", None), str(error)


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_bundled(name: Any) -> PriceTable:
    return bundled(name)
