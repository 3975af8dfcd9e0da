"""Choose prices, bundled, uploaded, fetched or simulated: the same block on every page."""

from __future__ import annotations

import datetime as dt
from typing import Any, cast

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from rnnapp.data.notes import count_of
from rnnapp.data.prices import PriceTable
from rnnapp.data.simulated import SimulatedPrices
from rnnapp.data.sources import BUNDLED, TICKERS, bundled, fetch_yahoo
from rnnapp.errors import ConfigError, RnnappError, SourceError
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import pgettext, translate_again
from rnnapp.ui.address import publish_word, seed_word
from rnnapp.ui.explain import explain
from rnnapp.ui.page import plain_text
from rnnapp.ui.second import forget_second, join_chosen
from rnnapp.ui.simulated import choose_simulated, use_simulated
from rnnapp.ui.uploads import show_breaks, show_upload, take_upload

__all__ = ["choose_prices", "sample_prices", "show_repairs", "use_prices"]

_EARLIEST = dt.date(1927, 1, 1)
_SOURCES = ("bundled", "upload", "yahoo", "simulated")
_NAMES = {
    "bundled": N_("Bundled"),
    "upload": N_("Upload"),
    "yahoo": N_("Yahoo"),
    "simulated": N_("Simulated"),
}
_FIRST = next(iter(BUNDLED))
_OTHERS = N_("Features can be chosen among its other columns too: {others}.")


def choose_prices(place: DeltaGenerator | None = None) -> PriceTable | None:
    """The block of controls for data.

    Args:
        place: where on the page to say what is missing and what to do; without one, among the
            controls.

    Returns:
        The table, or None while there is nothing to show yet.
    """
    st.subheader(_("Data"), divider="gray")
    seed_word("data", _SOURCES, "bundled")
    chosen = st.segmented_control(
        _("Source"),
        _SOURCES,
        format_func=lambda word: _(_NAMES[word]),
        key="data",
        required=True,
        persist_state="session",
        help=explain(
            "data",
            _(
                "A bundled index (no network), a file of your own, Yahoo Finance, or a simulated "
                "series with a known best possible forecast."
            ),
        ),
    )
    # Nothing is chosen for a moment while another page takes the control over.
    source = chosen or "bundled"
    publish_word("data", source, "bundled")
    where = place or st.container()
    show = {
        "bundled": _show_bundled,
        "upload": show_upload,
        "yahoo": _show_fetched,
        "simulated": _show_simulated,
    }
    prices = show[source](where)
    if prices is not None:
        prices = join_chosen(prices, place)
    if prices is not None and place is not None:
        show_breaks(prices.tail(_rows_in_use()), place)
    if prices is None and place is not None:
        place.button(
            _("Use the bundled {bundled} instead").format(bundled=BUNDLED[_FIRST]),
            icon=":material/inventory_2:",
            on_click=_use_bundled,
        )
    return prices


def _rows_in_use() -> int:
    """How many of the latest rows the page takes; 0 takes all."""
    rows = st.session_state.get("rows", st.query_params.get("rows", "0"))
    if str(rows).isdigit():
        return int(rows)
    return 0


def sample_prices() -> PriceTable:
    """A table for the controls while the chosen one is not there yet."""
    return _load_bundled(_FIRST)


def show_repairs(prices: PriceTable) -> None:
    """What was read, and what was decided and repaired while reading."""
    first, last = prices.frame.index[0].date(), prices.frame.index[-1].date()
    units = prices.spacing.units
    columns = ", ".join(prices.columns)
    st.caption(
        _("{name}: {count:,} {units}, {first} to {last}; {columns}.").format(
            name=plain_text(translate_again(prices.name)),
            count=len(prices),
            units=units,
            first=first,
            last=last,
            columns=columns,
        )
    )
    if prices.others:
        others = plain_text(", ".join(prices.others))
        st.caption(_(_OTHERS).format(others=others))
    if prices.repairs:
        title = _("{count_of} on reading the file").format(
            count_of=count_of(len(prices.repairs), "note")
        )
        with st.expander(title, icon=":material/build:"):
            for note in prices.repairs:
                st.markdown(f"- {plain_text(str(note))}")


def use_prices(prices: PriceTable, rows: int = 0) -> None:
    """Make a run's prices the chosen ones: the series or index they are, else an upload.

    Call it before any control is drawn.

    Args:
        prices: the table.
        rows: latest rows of it that the run took, 0 for all.
    """
    forget_second()  # where there was one, it is a column of these prices
    if isinstance(prices, SimulatedPrices) and not prices.others:
        use_simulated(prices)
        return
    for index in BUNDLED:
        if _load_bundled(index).tail(rows).fingerprint == prices.fingerprint:
            st.session_state["data"] = "bundled"
            st.session_state["index"] = index
            return
    take_upload(f"{prices.name}.csv", prices.frame.to_csv().encode(), table=prices)
    st.session_state["data"] = "upload"


def _use_bundled() -> None:
    st.session_state["data"] = "bundled"


def _show_bundled(_unused: DeltaGenerator) -> PriceTable:
    seed_word("index", tuple(BUNDLED), _FIRST)
    name = st.selectbox(
        _("Index"),
        tuple(BUNDLED),
        format_func=lambda key: BUNDLED[key],
        key="index",
        persist_state="session",
        help=explain("index", _("Real daily prices, 1999 to 2018, that come with the app.")),
    )
    publish_word("index", name, _FIRST)
    return _load_bundled(name)


def _show_simulated(_unused: DeltaGenerator) -> PriceTable:
    return choose_simulated()


def _show_fetched(place: DeltaGenerator) -> PriceTable | None:
    typed = st.session_state.get("ticker") or st.query_params.get("ticker") or next(iter(TICKERS))
    # Any symbol may be typed; what is none is refused when it is fetched.
    st.session_state["ticker"] = typed[:20]
    ticker = st.selectbox(
        _("Ticker"),
        list(dict.fromkeys([*TICKERS, st.session_state["ticker"]])),
        format_func=lambda key: f"{TICKERS[key]} ({key})" if key in TICKERS else key,
        key="ticker",
        accept_new_options=True,
        persist_state="session",
        help=explain(
            "ticker", _("An index offered here, or any other symbol of Yahoo Finance, typed.")
        ),
    )
    publish_word("ticker", ticker, next(iter(TICKERS)))
    today = dt.date.today()
    years_ago = today - dt.timedelta(days=5 * 365)
    start = _pick_day(pgettext("a range of days", "From"), "from", years_ago, today)
    end = _pick_day(pgettext("a range of days", "To"), "to", today, today)
    if start >= end:
        raise ConfigError(
            _("The range starts on {start} and ends on {end}.").format(start=start, end=end),
            remedy=_("Use a start before the end."),
        )
    refresh = st.button(
        _("Fetch"), icon=":material/download:", help=_("A copy is used for 12 hours."), key="fetch"
    )
    key = (ticker, start, end)
    if refresh or st.session_state.get("_fetched_key") != key:
        with (
            place,
            st.spinner(_("Fetching {ticker} from Yahoo Finance").format(ticker=plain_text(ticker))),
        ):
            st.session_state["_fetched"] = _fetch(*key, refresh=refresh)
        st.session_state["_fetched_key"] = key
    table, error = st.session_state["_fetched"]
    if error is not None:
        place.error(plain_text(str(error)), icon=":material/cloud_off:")
        hint = _("The bundled indices and files need no network.")
        if table:
            hint = _("Shown is the copy from the last time it was fetched.")
        place.info(hint)
    return cast(PriceTable | None, table)


def _pick_day(label: str, name: str, default: dt.date, last: dt.date) -> dt.date:
    """A day of the range, in the address where it is not the default."""
    if name not in st.session_state:
        try:
            wanted = dt.date.fromisoformat(st.query_params.get(name, ""))
        except ValueError:
            wanted = default
        st.session_state[name] = min(max(wanted, _EARLIEST), last)
    day: dt.date = st.date_input(
        label, min_value=_EARLIEST, max_value=last, key=name, persist_state="session"
    )
    publish_word(name, day.isoformat(), default.isoformat())
    return day


def _fetch(
    ticker: str, start: dt.date, end: dt.date, *, refresh: bool
) -> tuple[PriceTable | None, RnnappError | None]:
    """The table, or the last copy, and what went wrong, if anything did."""
    try:
        return fetch_yahoo(ticker, start, end, refresh=refresh), None
    except (SourceError, ConfigError) as error:
        return getattr(error, "cached", None), error


@st.cache_resource(max_entries=8, show_spinner=False)
def _load_bundled(name: Any) -> PriceTable:
    return bundled(name)
