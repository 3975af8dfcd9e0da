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
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again
from rnnapp.runs.search.saved import SearchSummary, TrialResult, find_folder, saved_searches
from rnnapp.runs.search.search import Search
from rnnapp.runs.search.space import Dimension, SearchSpace, Value
from rnnapp.ui.address import open_settings
from rnnapp.ui.controls import shown_choice
from rnnapp.ui.explain import explain
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
from rnnapp.ui.visitors import current_person

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
_QUESTIONS = {
    False: N_("Which settings of a {cell} miss least on the days of {data} before its test part?"),
    True: N_(
        "Which settings of a {cell} miss the volatility of {data} least on the days before its "
        "test part?"
    ),
}
_HISTORY = N_("History")
_TABLE = N_("Table")
_FIGURES: dict[str, SearchKind] = {
    _HISTORY: "history",
    N_("Importances"): "importances",
    N_("Parallel coordinates"): "parallel",
    N_("Slices"): "slices",
    N_("Live losses"): "live",
}
# By whether it misses by less than persistence.
_BEST_TRIAL = {
    True: N_(
        "The best of {complete} complete trials misses by {share:.1%} less than persistence on "
        "{name}'s validation days."
    ),
    False: N_(
        "The best of {complete} complete trials misses by {share:.1%} more than persistence on "
        "{name}'s validation days."
    ),
}
_STATES = {
    "running": N_("running"),
    "complete": N_("complete"),
    "pruned": N_("pruned"),
    "failed": N_("failed"),
    "waiting": N_("waiting"),
}
_ALTS = {
    "history": N_("Value of each trial in turn, and the best so far."),
    "importances": N_("Share of the differences between trials that each setting explains."),
    "parallel": N_("Each trial as a line through its settings, coloured by its value."),
    "slices": N_("Value of the trials over each setting."),
    "live": N_("Live loss of each trial as it went; lines that end early were pruned."),
}


def _find_options() -> dict[str, Option]:
    """Every setting of a net, in the current language."""
    return {
        name: option
        for cls in (WindowConfig, ModelConfig, TrainConfig)
        for name, option in options(cls).items()
    }


@st.cache_resource(show_spinner=False)
def _open_searches() -> dict[str, Search]:
    """The searches this server has open, by name."""
    return {}


def show_setup(prices: PriceTable, base: Settings) -> None:
    """Choose what is searched, where and how long; start it."""
    with st.container(border=True):
        st.markdown(_("**Search over**"))
        names = st.multiselect(
            _("Settings to search over"),
            _searchable_names(base),
            default=_FIRST,
            key="searched",
            format_func=lambda name: _find_options()[name].label,
            help=explain("searched", _("The others stay as they are in the sidebar.")),
            placeholder=_("Choose at least one setting."),
            label_visibility="collapsed",
        )
        columns = st.columns(2, gap="medium")
        dimensions = []
        for number, name in enumerate(names):
            with columns[number % 2]:
                dimensions.append(_dimension_control(name))
        left, right = st.columns(2, gap="medium")
        budget = left.slider(
            _("Budget (trials)"),
            5,
            200,
            40,
            step=5,
            key="budget",
            help=explain("budget", _("Trials in all; pruned ones count.")),
        )
        folds = right.slider(
            _("Folds"),
            1,
            8,
            3,
            key="folds",
            help=explain("folds", _("Origins of the walk-forward on the days before the test.")),
        )
        if st.button(
            _("Start the search"), type="primary", icon=":material/search:", disabled=not names
        ):
            with show_errors():
                _start_search(prices, SearchSpace(base, tuple(dimensions), budget, folds))


def _searchable_names(base: Settings) -> tuple[str, ...]:
    """Settings that may be searched over; not the target of a volatility: errors differ in kind."""
    if base.window is not None and base.window.forecasts_volatility:
        return tuple(name for name in _SEARCHABLE if name != "target")
    return _SEARCHABLE


def _start_search(prices: PriceTable, space: SearchSpace) -> None:
    search = Search.create(prices, space, run_manager().queue, person=current_person().key)
    _open_searches()[search.name] = search
    search.start(by=current_person())
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
    if st.button(_("New search"), icon=":material/add:"):
        _go_to_search(None)
    return True


def _ask_question(prices: PriceTable | None) -> None:
    cell = st.session_state.get("cell", "gru").upper()
    data = _("an index")
    if prices is not None:
        data = prices.name
    headline(_(_QUESTIONS[_forecasts_volatility()]).format(cell=cell, data=data))


def _forecasts_volatility() -> bool:
    return str(st.session_state.get("target", "")).endswith("volatility")


def _open_search(name: str) -> Search:
    """The search of that name, one object for all sessions.

    Raises:
        RunError: there is none that this page's person may see.
    """
    searches = _open_searches()
    if name in searches:
        find_folder(name, current_person())
    else:
        searches[name] = Search.open(name, run_manager().queue, person=current_person())
    return searches[name]


def _go_to_search(name: str | None) -> None:
    if name is None:
        st.query_params.pop("search", None)
    else:
        st.query_params["search"] = name
    st.rerun()


def _saved_search_list() -> None:
    saved = {summary.name: summary for summary in saved_searches(current_person())}
    if not saved:
        return
    chosen = st.selectbox(
        _("Earlier searches"),
        saved,
        index=None,
        format_func=lambda name: _describe_summary(saved[name]),
        placeholder=_("{count} to go on with").format(count=len(saved)),
    )
    if chosen:
        _go_to_search(chosen)


def _describe_summary(summary: SearchSummary) -> str:
    parts = [summary.data, _("{trials} trials").format(trials=summary.trials)]
    if summary.best is not None:
        parts.append(_("best {best:.4f}").format(best=summary.best))
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
            st.warning(plain_text(translate_again(search.trouble)), icon=":material/info:")
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
    text = _("{done} of {budget} trials, {pruned} pruned, {running} running").format(
        done=done, budget=search.space.budget, pruned=states["pruned"], running=states["running"]
    )
    bar.progress(min(done / search.space.budget, 1.0), text=text)
    with button:
        _stop_or_continue(search, done)
    if best is not None:
        metric_row(
            [
                Metric(_find_options()[name].label, _format_short(value))
                for name, value in best.params.items()
            ]
        )


def _stop_or_continue(search: Search, done: int) -> None:
    if search.running_elsewhere:
        st.caption(_("Runs in another app."))
        return
    if search.running:
        if st.button(
            _("Stop"),
            icon=":material/stop:",
            key="stop_search",
            help=_(
                "Trials under way end after their epoch and count for nothing; Continue goes on."
            ),
        ):
            with show_errors():
                search.stop(by=current_person())
        return
    budget = search.space.budget
    label = _("Continue")
    if done >= budget:
        budget = done + _MORE
        label = _("{more} more").format(more=_MORE)
    if st.button(
        label,
        icon=":material/play_arrow:",
        key="continue_search",
        help=_("Go on until {budget} trials.").format(budget=budget),
    ):
        with show_errors():
            search.start(budget, by=current_person())
            st.rerun()


def _summarise(search: Search, best: TrialResult | None, complete: int) -> str:
    if best is None or best.value is None:
        if search.running:
            return _("Searching on {name}; no trial is complete yet.").format(
                name=search.prices.name
            )
        return _("No trial is complete.")
    return _(_BEST_TRIAL[best.value < 1]).format(
        complete=complete, share=abs(best.value - 1), name=search.prices.name
    )


def _use_button(search: Search, best: TrialResult) -> None:
    # The callback sets them before the page's own controls are drawn again.
    if st.button(
        _("Use these settings"),
        type="primary",
        icon=":material/tune:",
        help=_("Open them on the Forecast page."),
        on_click=open_settings,
        args=search.space.apply_params(best.params).configs,
    ):
        open_page("forecast")


@st.fragment
def _show_figures(search: Search) -> None:
    """Optuna's own figures, drawn on request."""
    complete = sum(trial.state == "complete" for trial in search.trials)
    if complete < 2:
        st.caption(_("Figures come with the second complete trial."))
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        chosen = st.segmented_control(
            _("Picture"),
            [*_FIGURES, _TABLE],
            default=_HISTORY,
            format_func=_,
            required=True,
            key="picture",
            label_visibility="collapsed",
        )
        st.button(
            _("Refresh"),
            icon=":material/refresh:",
            type="tertiary",
            help=_("Draw it from the trials there are now."),
        )
    if chosen == _TABLE:
        st.dataframe(_make_table(search), hide_index=True, height=420)
        return
    kind = _FIGURES[chosen]
    chart(
        search_figure(search.study, kind, dark=is_dark()),
        f"search_{kind}",
        _(_ALTS[kind]),
    )


def _make_table(search: Search) -> pd.DataFrame:
    rows = [
        {
            _("Trial"): trial.number,
            _("State"): _(_STATES.get(trial.state, trial.state)),
            _("Value"): trial.value,
            **{name: _shown_value(value) for name, value in trial.params.items()},
            _("Seconds"): trial.seconds,
        }
        for trial in search.trials
    ]
    labels = {name: option.label for name, option in _find_options().items()}
    return pd.DataFrame(rows).rename(columns=labels).sort_values(_("Value"))


def _shown_value(value: Value) -> Value:
    """A searched value in a table: a number stays one."""
    if isinstance(value, (str, bool)):
        return shown_choice(value)
    return value


def _dimension_control(name: str) -> Dimension:
    """A slider with two ends, or the choices."""
    option = _find_options()[name]
    key = f"range_{name}"
    if name in _CHOICES:
        values = _CHOICES[name]
        chosen = st.multiselect(
            option.label,
            values,
            default=values,
            format_func=shown_choice,
            key=key,
            help=option.help,
            placeholder=_("any"),
        )
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
