"""A simulated series on a page: its process, and sliders for the process's parameters."""

from __future__ import annotations

from typing import get_args

import streamlit as st

from rnnapp.configs import Process, SimulatedConfig, options
from rnnapp.data.simulated import SimulatedPrices, simulate_prices
from rnnapp.ui.address import publish, seed
from rnnapp.ui.controls import number

__all__ = ["PROCESSES", "choose_simulated", "use_simulated"]

PROCESSES = {
    "random-walk": ("Random walk", "No forecast is better than the last close."),
    "drift": ("Drift", "A random walk that rises a little each day."),
    "ar2": ("Two lags", "Each return depends on the two before it."),
    "seasons": ("Seasons", "Returns depend on the weekday and on the day of the year."),
    "trend-break": ("Trend breaks", "A trend that turns every 200 days on average."),
    "garch": ("GARCH", "Calm and stormy days cluster; the price is a random walk."),
    "stochastic-volatility": (
        "Stochastic volatility",
        "Volatility wanders by itself; the price is a random walk.",
    ),
    "regimes": ("Regimes", "Calm weeks that rise, stormy weeks that fall."),
    "echo": ("Echo", "Today's change repeats a share of the change so many days ago."),
    "counting": ("Counting", "So many steps up, then as many down; drawn anew each time."),
    "sine": ("Noisy sine", "A wave under noise."),
    "mackey-glass": ("Mackey-Glass", "Chaos with a delay of 17 days, under noise."),
}
"""What each process is called, and what its prices do."""

_WITH_LAG = ("echo", "counting", "sine")
_WITHOUT_STRENGTH = ("random-walk",)


def choose_simulated() -> SimulatedPrices:
    """Controls for the process and its parameters, and the series that they give."""
    option = options(SimulatedConfig)["simulated"]
    seed(SimulatedConfig, "simulated")
    process: Process = st.selectbox(
        option.label,
        get_args(Process),
        format_func=_process_label,
        key="simulated",
        persist_state="session",
        help=option.help,
    )
    st.caption(PROCESSES[process][1])
    config = SimulatedConfig(
        simulated=process,
        simulated_rows=number(SimulatedConfig, "simulated_rows"),
        strength=number(SimulatedConfig, "strength", disabled=process in _WITHOUT_STRENGTH),
        noise=number(SimulatedConfig, "noise"),
        lag=number(SimulatedConfig, "lag", disabled=process not in _WITH_LAG),
        simulation_seed=number(SimulatedConfig, "simulation_seed"),
    )
    publish(config)
    return _simulate(config)


def use_simulated(prices: SimulatedPrices) -> None:
    """Make the series of a run the chosen one; call it before any control is drawn."""
    for name in options(SimulatedConfig):
        st.session_state[name] = getattr(prices.config, name)
    st.session_state["data"] = "simulated"


def _process_label(process: str) -> str:
    return PROCESSES[process][0]


@st.cache_resource(max_entries=32, show_spinner=False)
def _simulate(config: SimulatedConfig) -> SimulatedPrices:
    return simulate_prices(config)
