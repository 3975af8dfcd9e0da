"""A saved run meets newer rows of its series: its net forecasts them without training."""

from __future__ import annotations

import datetime as dt

import streamlit as st

from rnnapp.data.prices import PriceTable, read_prices
from rnnapp.data.sources import fetch_yahoo
from rnnapp.evaluation.outlook import Outlook
from rnnapp.runs.ledger import Ledger
from rnnapp.runs.loading import LoadedRun
from rnnapp.runs.newer_data import forecast_loaded_run
from rnnapp.ui.manager import run_manager
from rnnapp.ui.outlook import show_fan
from rnnapp.ui.page import notes, plain_text, show_errors

__all__ = ["show_newer_data"]

_YEARS = 10
_RECORDED = "Recorded in the ledger as a dated promise."


@st.fragment
def show_newer_data(loaded: LoadedRun) -> None:
    """The block under a run: bring newer rows, see the net's next days after them."""
    st.markdown("**Newer rows of the series**")
    st.caption(
        "The net forecasts them as it is: the same weights, the same scalers, nothing is trained."
    )
    left, right = st.columns(2, vertical_alignment="bottom")
    file = left.file_uploader("A newer price file", key="newer_file")
    ticker = right.text_input(
        "or a ticker of Yahoo Finance", key="newer_ticker", placeholder="^GSPC"
    ).strip()
    with show_errors():
        prices: PriceTable | None = None
        fetched = ""
        if file is not None:
            prices = read_prices(file.getvalue(), filename=file.name)
        elif ticker:
            today = dt.date.today()
            with st.spinner("Fetching from Yahoo Finance"):
                prices = fetch_yahoo(ticker, today - dt.timedelta(days=365 * _YEARS), today)
            fetched = ticker.upper()
        if prices is not None:
            _show_forecast(loaded, prices, fetched)


def _show_forecast(loaded: LoadedRun, prices: PriceTable, ticker: str) -> None:
    assert loaded.split is not None
    made, split = forecast_loaded_run(loaded, prices)
    st.subheader(plain_text(made.headline()))
    notes([note for note in split.notes if note not in loaded.split.notes])
    assert loaded.trained is not None
    show_fan(made, split.prices, loaded.trained, place="newer")
    if st.button("Record in the ledger", key="newer_record", icon=":material/bookmark_add:"):
        _record_outlook(loaded, made, split.prices, ticker)


def _record_outlook(loaded: LoadedRun, made: Outlook, prices: PriceTable, ticker: str) -> None:
    run = loaded.run
    Ledger(run_manager().store).record(made, prices, run.settings, ticker=ticker, run_id=run.id)
    st.success(_RECORDED, icon=":material/bookmark_added:")
