"""Forecast: train a net on prices, and see whether it beats "tomorrow = today"."""

import streamlit as st

from rnnapp.data.windows import make_split
from rnnapp.ui.controls import model_controls, train_controls, window_controls
from rnnapp.ui.data import choose_prices, sample_prices, show_repairs
from rnnapp.ui.forecast import show_forecast
from rnnapp.ui.learn import show_invitation
from rnnapp.ui.page import show_errors

with show_errors():
    place = st.container()
    show_invitation()
    with st.sidebar:
        prices = choose_prices(place)
        window = window_controls(prices or sample_prices())
        model = model_controls()
        train = train_controls(validated=window.valid > 0)
    if prices is not None:
        show_forecast(make_split(prices, window), model, train)
        show_repairs(prices)
