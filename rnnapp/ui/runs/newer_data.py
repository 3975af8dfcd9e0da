"""A saved run meets newer rows of its series: its net forecasts them without training."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable

import streamlit as st

from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.second import find_second, join_as_before
from rnnapp.data.sources import BUNDLED, TICKERS, fetch_yahoo
from rnnapp.evaluation.outlook import Outlook
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again
from rnnapp.runs.ledger import NO_VOLATILITY, Ledger
from rnnapp.runs.loading import LoadedRun
from rnnapp.runs.newer_data import forecast_loaded_run
from rnnapp.ui import keys
from rnnapp.ui.manager import run_manager
from rnnapp.ui.outlook import show_fan
from rnnapp.ui.page import notes, plain_text, show_errors
from rnnapp.ui.uploads import choose_file

__all__ = ["show_newer_data"]

_YEARS = 10
_NEWER_OTHER = N_("The net also sees {name}: a newer file of it")
_RECORDED = N_("Recorded in the ledger as a dated promise.")


@st.fragment
def show_newer_data(loaded: LoadedRun) -> None:
    """The block under a run: bring newer rows, see the net's next days after them."""
    st.markdown(_("**Newer rows of the series**"))
    st.caption(
        _(
            "The net forecasts them as it is: the same weights, the same scalers, "
            "nothing is trained."
        )
    )
    left, right = st.columns(2, vertical_alignment="bottom")
    with left:
        file = choose_file(_("A newer price file"), key="newer_file")
    ticker = right.text_input(
        _("or a ticker of Yahoo Finance"), key="newer_ticker", placeholder="^GSPC"
    ).strip()
    with show_errors():
        prices: PriceTable | None = None
        fetched = ""
        if file is not None:
            prices = read_prices(file.getvalue(), filename=file.name)
        elif ticker:
            today = dt.date.today()
            with st.spinner(_("Fetching from Yahoo Finance")):
                prices = fetch_yahoo(ticker, today - dt.timedelta(days=365 * _YEARS), today)
            fetched = ticker.upper()
        if prices is not None:
            joined = _join_others(loaded, prices)
            if joined is not None:
                _show_forecast(loaded, joined, fetched)


def _join_others(loaded: LoadedRun, prices: PriceTable) -> PriceTable | None:
    """The newer rows with the other columns that the net sees; None while one is missing.

    An index or a ticker is found by its name; any other column is asked for as a file.
    """
    assert loaded.split is not None
    recorded = loaded.split.prices
    for name in recorded.others:
        if name in prices.others:
            continue
        file = choose_file(_(_NEWER_OTHER).format(name=plain_text(name)), key=f"newer {name}")
        if file is not None:
            table = read_prices(file.getvalue(), filename=file.name)
        elif name in BUNDLED or name in TICKERS or name.startswith("^"):
            table = find_second(name, prices).table
        else:
            return None
        prices = join_as_before(prices, table, name, recorded)[0]
    return prices


def _show_forecast(loaded: LoadedRun, prices: PriceTable, ticker: str) -> None:
    assert loaded.split is not None
    made, split = forecast_loaded_run(loaded, prices)
    st.subheader(plain_text(made.headline()))
    known = set(map(translate_again, loaded.split.notes))
    notes([note for note in map(translate_again, split.notes) if note not in known])
    assert loaded.trained is not None
    show_fan(made, split.prices, loaded.trained, place="newer")
    if made.quantity.is_volatility:
        st.caption(_(NO_VOLATILITY))
        return
    _record_button(loaded, made, split.prices, ticker)


def _record_button(loaded: LoadedRun, made: Outlook, prices: PriceTable, ticker: str) -> None:
    """Record the days in the ledger, once."""
    recorded: set[Hashable] = st.session_state.setdefault(keys.OUTLOOKS_RECORDED, set())
    key = (loaded.run.id, prices.fingerprint, made.level)
    if key not in recorded:
        if not st.button(
            _("Record in the ledger"), key="newer_record", icon=":material/bookmark_add:"
        ):
            return
        _record_outlook(loaded, made, prices, ticker)
        recorded.add(key)
    st.success(_(_RECORDED), icon=":material/bookmark_added:")


def _record_outlook(loaded: LoadedRun, made: Outlook, prices: PriceTable, ticker: str) -> None:
    run = loaded.run
    Ledger(run_manager().store).record(made, prices, run.settings, ticker=ticker, run_id=run.id)
