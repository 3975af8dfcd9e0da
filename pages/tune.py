"""Tune: search for better settings on the days before the test, and use what was found."""

import streamlit as st

from rnnapp.configs import Settings
from rnnapp.ui.controls import model_controls, train_controls, window_controls
from rnnapp.ui.data import choose_prices, sample_prices
from rnnapp.ui.page import show_errors
from rnnapp.ui.tune import show_search, show_setup

with show_errors():
    place = st.container()
    with st.sidebar:
        prices = choose_prices(place)
        window = window_controls(prices or sample_prices())
        model = model_controls()
        train = train_controls(validated=False)
    if not show_search(prices) and prices is not None:
        show_setup(prices, Settings(model, train, window))
