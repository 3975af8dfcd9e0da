"""The Tune page: where to look, how long, what was found so far, and what it looks like."""

from __future__ import annotations

import datetime as dt
import math
from typing import Any

import pandas as pd
import streamlit as st

from rnnapp.configs import ModelConfig, Settings, TrainConfig, WindowConfig, format_value, options
from rnnapp.data.prices import PriceTable
from rnnapp.figures.runs import SearchKind, search_figure
from rnnapp.runs.search.search import Search, saved_searches, searches_folder
from rnnapp.runs.search.space import Range, SearchPlan
from rnnapp.ui.address import open_settings
from rnnapp.ui.manager import desk
from rnnapp.ui.page import Metric, chart, headline, is_dark, metric_row, quiet_line, show_errors

__all__ = ["show_search", "show_setup"]

_LOOK_EVERY = 1.0  # seconds between two looks at a running search
_FIRST = ("cell", "hidden", "window", "lr")
_RATES = (*(float(f"{m}e{e}") for e in range(-5, 0) for m in (1, 2, 5)), 1.0)
_NUMBERS: dict[
    str, tuple[tuple[int, int], tuple[int, int], bool]
] = {  # span, range at first, logarithmic
    "window": ((2, 60), (3, 30), False),
    "hidden": ((1, 64), (2, 32), True),
    "layers": ((1, 4), (1, 2), False),
    "batch": ((8, 256), (16, 128), True),
    "epochs": ((1, 200), (5, 60), False),
}
_CHOICES: dict[str, tuple[Any, ...]] = {
    "cell": ("rnn", "lstm", "gru"),
    "target": ("difference", "level", "log-return"),
    "bidirectional": (False, True),
    "readout": ("all", "last"),
    "optimizer": ("adam", "sgd"),
    "schedule": ("constant", "one-cycle"),
}
_OPTIONS = {
    name: option
    for cls in (WindowConfig, ModelConfig, TrainConfig)
    for name, option in options(cls).items()
}
_SEARCHABLE = (
    "cell",
    "hidden",
    "layers",
    "bidirectional",
    "readout",
    "window",
    "target",
    "lr",
    "batch",
    "epochs",
    "optimizer",
    "schedule",
)
_PICTURES: dict[str, SearchKind] = {
    "History": "history",
    "Importances": "importances",
    "Parallel coordinates": "parallel",
    "Slices": "slices",
    "Live losses": "live",
}
_ALTS = {
    "history": "Value of each trial in turn, and the best so far.",
    "importances": "Share of the differences between trials that each setting explains.",
    "parallel": "Each trial as a line through its settings, coloured by its value.",
    "slices": "Value of the trials over each setting.",
    "live": "Live loss of each trial as it went; lines that end early were pruned.",
}


@st.cache_resource(show_spinner=False)
def _searches() -> dict[str, Search]:
    """The searches this server has open, by name."""
    return {}


def show_setup(prices: PriceTable, base: Settings) -> None:
    """Choose what is searched, where and how long; start it."""
    with st.container(border=True):
        st.markdown("**Search over**")
        names = st.multiselect(
            "Settings to search over", _SEARCHABLE, default=_FIRST, key="searched", format_func=lambda name: _OPTIONS[name].label,
            help="The others stay as they are in the sidebar.", label_visibility="collapsed",
        )  # fmt: skip
        columns = st.columns(2, gap="medium")
        ranges = tuple(_range(name, columns[i % 2]) for i, name in enumerate(names))
        left, right = st.columns(2, gap="medium")
        budget = left.slider(
            "Budget (trials)",
            5,
            200,
            40,
            step=5,
            key="budget",
            help="Trials in all; pruned ones count.",
        )
        folds = right.slider(
            "Folds",
            1,
            8,
            3,
            key="folds",
            help="Origins of the walk-forward on the days before the test.",
        )
        if st.button(
            "Start the search", type="primary", icon=":material/search:", disabled=not names
        ):
            with show_errors():
                search = Search(prices, SearchPlan(base, ranges, budget, folds), desk().engine)
                _searches()[search.name] = search
                search.start()
                _go_to(search.name)


def show_search(prices: PriceTable | None) -> bool:
    """The search the address names, with what it found; False where it names none."""
    name = st.query_params.get("search", "")
    if not name:
        cell, data = (
            st.session_state.get("cell", "gru").upper(),
            prices.name if prices is not None else "an index",
        )
        headline(
            f"Which settings of a {cell} miss least on the days of {data} before its test part?"
        )
        _earlier()
        return False
    with show_errors():
        search = _open(name)
        _show(search)
    if st.button("New search", icon=":material/add:"):
        _go_to(None)
    return True


def _open(name: str) -> Search:
    if name not in _searches():
        _searches()[name] = Search.open(name, desk().engine)
    return _searches()[name]


def _go_to(name: str | None) -> None:
    if name is None:
        st.query_params.pop("search", None)
    else:
        st.query_params["search"] = name
    st.rerun()


def _earlier() -> None:
    names = saved_searches()
    if not names:
        return
    chosen = st.selectbox(
        "Earlier searches",
        names,
        index=None,
        format_func=_label,
        placeholder=f"{len(names)} to go on with",
    )
    if chosen:
        _go_to(chosen)


def _label(name: str) -> str:
    with show_errors():
        search = _open(name)
        day = dt.datetime.fromtimestamp((searches_folder() / name / "plan.json").stat().st_mtime)
        best = f", best {search.best.value:.4f}" if search.best else ""
        return f"{search.prices.name}, {len(search.found)} trials{best}, {day:%Y-%m-%d %H:%M}"
    return name


def _show(search: Search) -> None:
    running = search.running

    @st.fragment(run_every=_LOOK_EVERY if running else None)
    def look() -> None:
        _standing(search)
        if running and not search.running:
            st.rerun()

    look()
    if search.trouble:
        st.warning(search.trouble, icon=":material/info:")
    if search.best is not None:
        _use(search)
    _pictures(search)
    quiet_line()


def _standing(search: Search) -> None:
    """The answer so far, how far it is, and the way to stop it or go on."""
    found, best = search.found, search.best
    states = [one.state for one in found]
    done = states.count("complete") + states.count("pruned")
    if best is None or best.value is None:
        headline(
            f"Looking on {search.prices.name}; no trial is complete yet."
            if search.running
            else "No trial is complete."
        )
    else:
        told = f"{abs(best.value - 1):.1%} {'less' if best.value < 1 else 'more'} than persistence"
        among = f"The best of {states.count('complete')} complete trials"
        headline(f"{among} misses by {told} on {search.prices.name}'s validation days.")
    bar, button = st.columns([5, 1], vertical_alignment="center")
    words = f"{done} of {search.plan.budget} trials, {states.count('pruned')} pruned, {states.count('running')} running"
    bar.progress(min(done / search.plan.budget, 1.0), text=words)
    if search.running:
        if button.button(
            "Stop",
            icon=":material/stop:",
            key="stop_search",
            help="Ends within a second; Continue goes on.",
        ):
            search.stop()
    else:
        more = search.plan.budget if done < search.plan.budget else done + 20
        label = "Continue" if done < search.plan.budget else "20 more"
        if button.button(
            label,
            icon=":material/play_arrow:",
            key="continue_search",
            help=f"Go on until {more} trials.",
        ):
            search.start(more)
            st.rerun()
    if best is not None:
        metric_row(
            [Metric(_OPTIONS[name].label, _short(value)) for name, value in best.params.items()]
        )


def _use(search: Search) -> None:
    best = search.best
    assert best is not None
    told = "Open them on the Forecast page."
    configs = search.plan.settings(
        best.params
    ).configs  # set before the page's own controls are drawn again
    if st.button(
        "Use these settings",
        type="primary",
        icon=":material/tune:",
        help=told,
        on_click=open_settings,
        args=configs,
    ):
        st.switch_page("pages/forecast.py")


@st.fragment
def _pictures(search: Search) -> None:
    """Optuna's own figures, drawn when they are asked for."""
    complete = sum(one.state == "complete" for one in search.found)
    if complete < 2:
        st.caption("Pictures come with the second complete trial.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = st.segmented_control(
            "Picture",
            [*_PICTURES, "Table"],
            default="History",
            required=True,
            key="picture",
            label_visibility="collapsed",
        )
        st.button(
            "Refresh",
            icon=":material/refresh:",
            type="tertiary",
            help="Draw it from the trials there are now.",
        )
    if chosen == "Table":
        st.dataframe(_table(search), hide_index=True, height=420)
        return
    kind = _PICTURES[chosen]
    chart(search_figure(search.study, kind, dark=is_dark()), f"search_{kind}", _ALTS[kind])


def _table(search: Search) -> pd.DataFrame:
    rows = [
        {
            "Trial": one.number,
            "State": one.state,
            "Value": one.value,
            **one.params,
            "Seconds": one.seconds,
        }
        for one in search.found
    ]
    return (
        pd.DataFrame(rows)
        .rename(columns={name: option.label for name, option in _OPTIONS.items()})
        .sort_values("Value")
    )


def _range(name: str, place: Any) -> Range:
    """A slider with two ends, or the choices."""
    option, key = _OPTIONS[name], f"range_{name}"
    if name in _CHOICES:
        chosen = place.multiselect(
            option.label, _CHOICES[name], default=_CHOICES[name], key=key, help=option.help
        )
        return Range(name, choices=tuple(chosen or _CHOICES[name]))
    if name == "lr":
        show = "{:g}".format
        low, high = place.select_slider(
            option.label, _RATES, (1e-4, 5e-2), format_func=show, key=key, help=option.help
        )
        return Range(name, low, high, log=True)
    span, first, log = _NUMBERS[name]
    label = (
        f"{option.label} ({option.unit})"
        if option.unit and option.unit != option.label.lower()
        else option.label
    )
    low, high = place.slider(label, *span, first, key=key, help=option.help)
    return Range(name, low, high, log=log)


def _short(value: Any) -> str:
    return (
        f"{value:.3g}" if isinstance(value, float) and math.isfinite(value) else format_value(value)
    )
