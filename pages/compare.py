"""Compare: several nets on the same days and seeds, told beside "tomorrow = today"."""

import streamlit as st

from rnnapp.data.windows import make_split
from rnnapp.ui.compare.controls import compare_controls
from rnnapp.ui.compare.view import show_compare
from rnnapp.ui.controls import window_controls
from rnnapp.ui.data import choose_prices, sample_prices, show_repairs
from rnnapp.ui.page import show_errors

with show_errors():
    place = st.container()
    with st.sidebar:
        prices = choose_prices(place)
        window = window_controls(prices or sample_prices(), valid=0.15)
        request = compare_controls(window)
    if prices is not None:
        show_compare(make_split(prices, window), request)
        show_repairs(prices)
