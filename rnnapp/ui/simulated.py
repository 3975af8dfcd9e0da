"""A simulated series on a page: its process, and sliders for the process's parameters."""

from __future__ import annotations

from typing import get_args

import streamlit as st

from rnnapp.configs import Process, SimulatedConfig, options
from rnnapp.data.simulated import SimulatedPrices, simulate_prices
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.ui.address import publish, seed
from rnnapp.ui.controls import number
from rnnapp.ui.explain import explain

__all__ = ["PROCESSES", "choose_simulated", "use_simulated"]

PROCESSES = {
    "random-walk": (N_("Random walk"), N_("No forecast is better than the last close.")),
    "drift": (N_("Drift"), N_("A random walk that rises a little each day.")),
    "ar2": (N_("Two lags"), N_("Each return depends on the two before it.")),
    "seasons": (N_("Seasons"), N_("Returns depend on the weekday and on the day of the year.")),
    "trend-break": (N_("Trend breaks"), N_("A trend that turns every 200 days on average.")),
    "garch": (N_("GARCH"), N_("Calm and stormy days cluster; the price is a random walk.")),
    "stochastic-volatility": (
        N_("Stochastic volatility"),
        N_("Volatility wanders by itself; the price is a random walk."),
    ),
    "regimes": (N_("Regimes"), N_("Calm weeks that rise, stormy weeks that fall.")),
    "echo": (N_("Echo"), N_("Today's change repeats a share of the change so many days ago.")),
    "counting": (N_("Counting"), N_("So many steps up, then as many down; drawn anew each time.")),
    "sine": (N_("Noisy sine"), N_("A wave under noise.")),
    "mackey-glass": (N_("Mackey-Glass"), N_("Chaos with a delay of 17 days, under noise.")),
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
        help=explain("simulated", option.help),
    )
    st.caption(_(PROCESSES[process][1]))
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
    return _(PROCESSES[process][0])


@st.cache_resource(max_entries=32, show_spinner=False)
def _simulate(config: SimulatedConfig) -> SimulatedPrices:
    return simulate_prices(config)
