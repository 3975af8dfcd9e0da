"""The Tune page: what is searched and how long, the trials so far, and their figures."""

from __future__ import annotations

import math
from collections import Counter

import pandas as pd
import streamlit as st

from rnnapp.configs import (
    ModelConfig,
    Option,
    Settings,
    TrainConfig,
    WindowConfig,
    format_value,
    options,
)
from rnnapp.data.prices import PriceTable
from rnnapp.figures.runs import SearchKind, search_figure
from rnnapp.runs.search.saved import SearchSummary, TrialResult, saved_searches
from rnnapp.runs.search.search import Search
from rnnapp.runs.search.space import Dimension, SearchSpace, Value
from rnnapp.ui.address import open_settings
from rnnapp.ui.manager import run_manager
from rnnapp.ui.page import (
    Metric,
    chart,
    headline,
    is_dark,
    metric_row,
    open_page,
    plain_text,
    quiet_line,
    show_errors,
)

__all__ = ["show_search", "show_setup"]

_MORE = 20  # trials that a search whose budget is spent may go on with
_REFRESH_EVERY = 1.0  # seconds between two updates of a running search
_FIRST = ("cell", "hidden", "window", "lr")
_RATES = (*(float(f"{m}e{e}") for e in range(-5, 0) for m in (1, 2, 5)), 1.0)
# Span, range at first, logarithmic.
_NUMBERS: dict[str, tuple[tuple[int, int], tuple[int, int], bool]] = {
    "window": ((2, 60), (3, 30), False),
    "hidden": ((1, 64), (2, 32), True),
    "layers": ((1, 4), (1, 2), False),
    "batch": ((8, 256), (16, 128), True),
    "epochs": ((1, 200), (5, 60), False),
}
_CHOICES: dict[str, tuple[Value, ...]] = {
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
_FIGURES: dict[str, SearchKind] = {
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
def _open_searches() -> dict[str, Search]:
    """The searches this server has open, by name."""
    return {}


def show_setup(prices: PriceTable, base: Settings) -> None:
    """Choose what is searched, where and how long; start it."""
    with st.container(border=True):
        st.markdown("**Search over**")
        names = st.multiselect(
            "Settings to search over",
            _SEARCHABLE,
            default=_FIRST,
            key="searched",
            format_func=lambda name: _OPTIONS[name].label,
            help="The others stay as they are in the sidebar.",
            label_visibility="collapsed",
        )
        columns = st.columns(2, gap="medium")
        dimensions = []
        for number, name in enumerate(names):
            with columns[number % 2]:
                dimensions.append(_dimension_control(name))
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
                _start_search(prices, SearchSpace(base, tuple(dimensions), budget, folds))


def _start_search(prices: PriceTable, space: SearchSpace) -> None:
    search = Search.create(prices, space, run_manager().queue)
    _open_searches()[search.name] = search
    search.start()
    _go_to_search(search.name)


def show_search(prices: PriceTable | None) -> bool:
    """Show the search that the address names; False where it names none."""
    name = st.query_params.get("search", "")
    if not name:
        _ask_question(prices)
        _saved_search_list()
        return False
    with show_errors():
        _show_found(_open_search(name))
    if st.button("New search", icon=":material/add:"):
        _go_to_search(None)
    return True


def _ask_question(prices: PriceTable | None) -> None:
    cell = st.session_state.get("cell", "gru").upper()
    data = "an index"
    if prices is not None:
        data = prices.name
    headline(f"Which settings of a {cell} miss least on the days of {data} before its test part?")


def _open_search(name: str) -> Search:
    searches = _open_searches()
    if name not in searches:
        searches[name] = Search.open(name, run_manager().queue)
    return searches[name]


def _go_to_search(name: str | None) -> None:
    if name is None:
        st.query_params.pop("search", None)
    else:
        st.query_params["search"] = name
    st.rerun()


def _saved_search_list() -> None:
    saved = {summary.name: summary for summary in saved_searches()}
    if not saved:
        return
    chosen = st.selectbox(
        "Earlier searches",
        saved,
        index=None,
        format_func=lambda name: _describe_summary(saved[name]),
        placeholder=f"{len(saved)} to go on with",
    )
    if chosen:
        _go_to_search(chosen)


def _describe_summary(summary: SearchSummary) -> str:
    parts = [summary.data, f"{summary.trials} trials"]
    if summary.best is not None:
        parts.append(f"best {summary.best:.4f}")
    parts.append(f"{summary.changed:%Y-%m-%d %H:%M}")
    return ", ".join(parts)


def _show_found(search: Search) -> None:
    running = search.running or search.running_elsewhere
    refresh_every = None
    if running:
        refresh_every = _REFRESH_EVERY

    @st.fragment(run_every=refresh_every)
    def show_standing() -> None:
        _show_standing(search)
        if search.trouble:
            st.warning(plain_text(search.trouble), icon=":material/info:")
        if running and not search.running and not search.running_elsewhere:
            st.rerun()

    show_standing()
    if search.best_trial is not None:
        _use_button(search, search.best_trial)
    _show_figures(search)
    quiet_line()


def _show_standing(search: Search) -> None:
    """The answer so far, how far it is, and the way to stop it or to continue."""
    trials = search.trials
    best = search.best_trial
    states = Counter(trial.state for trial in trials)
    headline(_summarise(search, best, states["complete"]))
    done = states["complete"] + states["pruned"]
    bar, button = st.columns([5, 1], vertical_alignment="center")
    text = (
        f"{done} of {search.space.budget} trials, {states['pruned']} pruned, "
        f"{states['running']} running"
    )
    bar.progress(min(done / search.space.budget, 1.0), text=text)
    with button:
        _stop_or_continue(search, done)
    if best is not None:
        metric_row(
            [
                Metric(_OPTIONS[name].label, _format_short(value))
                for name, value in best.params.items()
            ]
        )


def _stop_or_continue(search: Search, done: int) -> None:
    if search.running_elsewhere:
        st.caption("Runs in another app.")
        return
    if search.running:
        if st.button(
            "Stop",
            icon=":material/stop:",
            key="stop_search",
            help="Trials under way end after their epoch and count for nothing; Continue goes on.",
        ):
            search.stop()
        return
    budget = search.space.budget
    label = "Continue"
    if done >= budget:
        budget = done + _MORE
        label = f"{_MORE} more"
    if st.button(
        label,
        icon=":material/play_arrow:",
        key="continue_search",
        help=f"Go on until {budget} trials.",
    ):
        with show_errors():
            search.start(budget)
            st.rerun()


def _summarise(search: Search, best: TrialResult | None, complete: int) -> str:
    if best is None or best.value is None:
        if search.running:
            return f"Searching on {search.prices.name}; no trial is complete yet."
        return "No trial is complete."
    side = {True: "less", False: "more"}[best.value < 1]
    return (
        f"The best of {complete} complete trials misses by {abs(best.value - 1):.1%} {side} "
        f"than persistence on {search.prices.name}'s validation days."
    )


def _use_button(search: Search, best: TrialResult) -> None:
    # The callback sets them before the page's own controls are drawn again.
    if st.button(
        "Use these settings",
        type="primary",
        icon=":material/tune:",
        help="Open them on the Forecast page.",
        on_click=open_settings,
        args=search.space.apply_params(best.params).configs,
    ):
        open_page("forecast")


@st.fragment
def _show_figures(search: Search) -> None:
    """Optuna's own figures, drawn on request."""
    complete = sum(trial.state == "complete" for trial in search.trials)
    if complete < 2:
        st.caption("Figures come with the second complete trial.")
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = st.segmented_control(
            "Picture",
            [*_FIGURES, "Table"],
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
        st.dataframe(_make_table(search), hide_index=True, height=420)
        return
    kind = _FIGURES[chosen]
    chart(search_figure(search.study, kind, dark=is_dark()), f"search_{kind}", _ALTS[kind])


def _make_table(search: Search) -> pd.DataFrame:
    rows = [
        {
            "Trial": trial.number,
            "State": trial.state,
            "Value": trial.value,
            **trial.params,
            "Seconds": trial.seconds,
        }
        for trial in search.trials
    ]
    labels = {name: option.label for name, option in _OPTIONS.items()}
    return pd.DataFrame(rows).rename(columns=labels).sort_values("Value")


def _dimension_control(name: str) -> Dimension:
    """A slider with two ends, or the choices."""
    option = _OPTIONS[name]
    key = f"range_{name}"
    if name in _CHOICES:
        values = _CHOICES[name]
        chosen = st.multiselect(option.label, values, default=values, key=key, help=option.help)
        return Dimension(name, choices=tuple(chosen or values))
    if name == "lr":
        low, high = st.select_slider(
            option.label, _RATES, (1e-4, 5e-2), format_func=_format_rate, key=key, help=option.help
        )
        return Dimension(name, low, high, log=True)
    span, first, log = _NUMBERS[name]
    low, high = st.slider(_label_with_unit(option), *span, first, key=key, help=option.help)
    return Dimension(name, low, high, log=log)


def _label_with_unit(option: Option) -> str:
    if option.unit and option.unit != option.label.lower():
        return f"{option.label} ({option.unit})"
    return option.label


def _format_rate(rate: float) -> str:
    return f"{rate:g}"


def _format_short(value: Value) -> str:
    if isinstance(value, float) and math.isfinite(value):
        return f"{value:.3g}"
    return format_value(value)
