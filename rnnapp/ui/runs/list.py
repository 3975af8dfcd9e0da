"""The Runs page: the list with its filters and actions, or the view that the address names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import pandas as pd
import streamlit as st

from rnnapp.evaluation.formatting import pick_plural
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.runs.history.records import STATUSES, Run, shown_status
from rnnapp.ui.account import show_account
from rnnapp.ui.classroom import in_class, show_board
from rnnapp.ui.manager import (
    DELETED,
    OPENED,
    delete_runs,
    go_to_runs,
    list_runs,
    reload_lists,
    run_manager,
)
from rnnapp.ui.page import (
    escape_formula,
    headline,
    open_page,
    plain_text,
    show_errors,
    translated_tabs,
)
from rnnapp.ui.runs.ledger import show_ledger
from rnnapp.ui.runs.one import describe_settings, show_run
from rnnapp.ui.runs.side_by_side import show_compared

__all__ = ["show_runs"]

_ONE_RUN = N_("{count} run")
_MORE_RUNS = N_("{count} runs")
_ONE_ACTIVE = N_("{count} run, {active} under way")
_MORE_ACTIVE = N_("{count} runs, {active} under way")
_ONE_DELETED = N_("{count} deleted run can be restored.")
_MORE_DELETED = N_("{count} deleted runs can be restored.")
_SUMMARY = N_(
    "{runs}; {better:,} of {count:,} forecasts miss by less than persistence, best {name} "
    "({skill:+.1%})."
)
_CHOSEN = "chosen_runs"
_SHOWN = "_runs_shown"
_SORT_KEYS: dict[str, Callable[[Run], Any]] = {
    N_("Latest"): lambda run: -run.created.timestamp(),
    N_("Lowest RMSE"): lambda run: run.metrics.get("rmse", float("inf")),
    N_("Highest skill"): lambda run: -run.metrics.get("skill", -float("inf")),
    N_("Highest accuracy"): lambda run: -run.metrics.get("test_accuracy", -1.0),
    N_("Longest"): lambda run: -run.seconds,
    N_("Name"): lambda run: run.name.lower(),
}
_REFRESH_EVERY = 1.0  # seconds between two updates of the list while something runs
_ROW_HEIGHT = 35
_MAX_HEIGHT = 560
_ColumnConfig: TypeAlias = dict[str, Any]


class _Filters(NamedTuple):
    """The sidebar's filters and order."""

    words: list[str]
    statuses: list[str]
    data: list[str]
    sort: str

    @property
    def deleted(self) -> bool:
        """Whether deleted runs are listed."""
        return "deleted" in self.statuses

    def select_runs(self, runs: Sequence[Run]) -> list[Run]:
        """The runs that pass, in order."""
        statuses = [status for status in self.statuses if status != "deleted"]
        return [
            run
            for run in sorted(runs, key=_SORT_KEYS[self.sort])
            if (not statuses or run.status in statuses)
            and (not self.data or run.data in self.data)
            and all(word in _searchable_text(run) for word in self.words)
        ]


def show_runs() -> None:
    """The list, one run (``?run=ID``), or several side by side (``?run=ID,ID``)."""
    run_ids = [run_id for run_id in st.query_params.get("run", "").split(",") if run_id]
    if run_ids and st.button(_("All runs"), icon=":material/arrow_back:", key="all_runs"):
        go_to_runs()
    if len(run_ids) > 1:
        show_compared(run_ids)
    elif run_ids:
        show_run(run_ids[0])
    else:
        _show_tabs()


def _show_tabs() -> None:
    """The list of runs, and the ledger; only the open one is read."""
    show_account()
    shown = {N_("Runs"): _show_list, N_("Ledger"): show_ledger}
    if in_class():
        shown[N_("Board")] = show_board
    tabs = translated_tabs(list(shown), key="view", in_address=True)
    for tab, show in zip(tabs, shown.values(), strict=True):
        if tab.open:
            with tab:
                show()


def _show_list() -> None:
    with st.spinner(_("Reading the run history"), show_time=True):
        found = list_runs()
    with st.sidebar:
        filters = _filter_controls(found)
    runs: Sequence[Run] = found
    if filters.deleted:
        runs = list_runs(deleted=True)
    headline(_summarise_runs(runs, filters.deleted))
    _undo_button()
    if not runs and not filters.deleted:
        _show_empty()
        return
    shown = filters.select_runs(runs)
    _show_table(shown)
    if filters.deleted:
        _restore_controls(shown)
    else:
        _run_actions(shown)


def _show_empty() -> None:
    st.info(
        _(
            "Train a net on the Forecast page and press “Save this run”, "
            "or search on the Tune page: runs gather here."
        )
    )
    if st.button(_("Train one"), type="primary", icon=":material/show_chart:"):
        open_page("forecast")


def _filter_controls(runs: Sequence[Run]) -> _Filters:
    st.subheader(_("Filter"), divider="gray")
    find = st.text_input(
        _("Find"),
        key="find",
        placeholder=_("name, data, cell or note"),
        help=_("Runs that have all these words."),
    )
    statuses = st.multiselect(
        _("Status"),
        [*STATUSES, "deleted"],
        format_func=shown_status,
        key="statuses",
        placeholder=_("any"),
        help=_("“deleted” shows what can be restored."),
    )
    data = st.multiselect(
        _("Data"),
        sorted({run.data for run in runs}),
        key="run_data",
        placeholder=_("any"),
        help=_("What they learned from."),
    )
    st.subheader(_("Order"), divider="gray")
    sort = st.selectbox(
        _("Sort by"),
        list(_SORT_KEYS),
        format_func=_,
        key="sort",
        help=_("A click on a column's name sorts as well."),
    )
    return _Filters(find.lower().split(), statuses, data, sort)


def _summarise_runs(runs: Sequence[Run], deleted: bool) -> str:
    if deleted:
        return pick_plural(len(runs), _(_ONE_DELETED), _(_MORE_DELETED))
    active = sum(run.active for run in runs)
    counted = pick_plural(len(runs), _(_ONE_RUN), _(_MORE_RUNS))
    if active:
        counted = pick_plural(len(runs), _(_ONE_ACTIVE), _(_MORE_ACTIVE), active=active)
    judged = [run for run in runs if "skill" in run.metrics]
    if not judged:
        return _("{runs}.").format(runs=counted)
    best = max(judged, key=lambda run: run.metrics["skill"])
    return _(_SUMMARY).format(
        runs=counted,
        better=sum(run.metrics["skill"] > 0 for run in judged),
        count=len(judged),
        name=best.name,
        skill=best.metrics["skill"],
    )


def _show_table(runs: Sequence[Run]) -> None:
    running = any(run.active for run in runs)
    refresh_every = None
    if running:
        refresh_every = _REFRESH_EVERY

    @st.fragment(run_every=refresh_every)
    def show_rows() -> None:
        current = [_refresh_run(run) for run in runs]
        st.session_state[_SHOWN] = [run.id for run in current]
        frame = pd.DataFrame([_row_values(run) for run in current], columns=_HEADS)
        st.dataframe(
            frame.astype({"Age": object}),  # an object column shows its time zone
            hide_index=True,
            height=min(38 + _ROW_HEIGHT * max(len(current), 1), _MAX_HEIGHT),
            column_config=_column_config(),
            key="runs_table",
            on_select=_choose_rows,
            selection_mode="multi-row",
            placeholder="–",
        )
        if running and not any(run.active for run in current):
            reload_lists()
            st.rerun()

    show_rows()


def _refresh_run(run: Run) -> Run:
    if run.active:
        return run_manager().refresh(run)
    return run


def _choose_rows() -> None:
    """Choose the runs whose rows are ticked in the table."""
    shown = st.session_state.get(_SHOWN, [])
    rows = st.session_state["runs_table"]["selection"]["rows"]
    st.session_state[_CHOSEN] = [shown[row] for row in rows if row < len(shown)]


def _run_actions(runs: Sequence[Run]) -> None:
    known = {run.id: run for run in runs}
    before = st.session_state.get(_CHOSEN, [])
    if st.session_state.pop(OPENED, False):
        before = []
    st.session_state[_CHOSEN] = [run_id for run_id in before if run_id in known]
    chosen: list[str] = st.multiselect(
        _("Chosen runs"),
        known,
        key=_CHOSEN,
        format_func=lambda run_id: _option_label(known[run_id]),
        placeholder=_("tick rows above, or name runs here"),
        help=_("One to open it, two or more to put them side by side."),
    )
    with st.container(horizontal=True):
        if st.button(
            _("Open run"), disabled=len(chosen) != 1, icon=":material/open_in_full:", type="primary"
        ):
            go_to_runs(*chosen)
        if st.button(_("Compare runs"), disabled=len(chosen) < 2, icon=":material/compare_arrows:"):
            go_to_runs(*chosen)
        busy = any(known[run_id].active for run_id in chosen)
        help_text = {True: _("Stop it first."), False: _("It can be undone.")}[busy]
        if st.button(
            _("Delete"), disabled=not chosen or busy, icon=":material/delete:", help=help_text
        ):
            with show_errors():
                delete_runs([known[run_id] for run_id in chosen])


def _option_label(run: Run) -> str:
    return f"{run.name}, {run.data}, {run.created:%Y-%m-%d %H:%M:%S}"


def _undo_button() -> None:
    deleted: list[tuple[str, str]] = st.session_state.get(DELETED, [])
    if not deleted:
        return
    names = ", ".join(name for _unused, name in deleted)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(plain_text(_("Deleted: {names}.").format(names=names)), width="content")
        if st.button(_("Undo"), icon=":material/undo:"):
            with show_errors():
                _restore_runs([run_id for run_id, _unused in deleted])


def _restore_controls(runs: Sequence[Run]) -> None:
    known = {run.id: run for run in runs}
    chosen = st.multiselect(
        _("Restore"),
        known,
        key="restore_runs",
        format_func=lambda run_id: known[run_id].name,
        placeholder=_("deleted runs"),
    )
    if st.button(_("Restore"), disabled=not chosen, icon=":material/undo:"):
        with show_errors():
            _restore_runs(chosen)


def _restore_runs(run_ids: Sequence[str]) -> None:
    for run_id in run_ids:
        run_manager().store.restore_run(run_id)
    st.session_state.pop(DELETED, None)
    reload_lists()
    st.rerun()


_HEADS = [
    "Loss",
    "Name",
    "Status",
    "Data",
    "RMSE",
    "Skill",
    "Accuracy",
    "Epochs",
    "Duration",
    "Age",
    "Settings",
]


def _column_config() -> _ColumnConfig:
    """The columns' heads and formats, by the names of the frame."""
    return {
        "Loss": st.column_config.LineChartColumn(
            _("Loss"), width="small", help=_("Training loss over its epochs.")
        ),
        "Name": st.column_config.TextColumn(_("Name")),
        "Status": st.column_config.TextColumn(_("Status"), width="small"),
        "Data": st.column_config.TextColumn(_("Data")),
        "RMSE": st.column_config.NumberColumn(
            "RMSE",
            format="%.4g",
            help=_("On the test part: index points, or of a volatility's logarithm."),
        ),
        "Skill": st.column_config.NumberColumn(
            _("Skill"), format="%+.1f%%", help=_("1 − RMSE / persistence's RMSE, %.")
        ),
        "Accuracy": st.column_config.NumberColumn(
            _("Accuracy"), format="%.2f%%", help=_("Test digits read right, %.")
        ),
        "Epochs": st.column_config.TextColumn(_("Epochs"), width="small"),
        "Duration": st.column_config.NumberColumn(
            _("Duration, s"), format="%.1f", help=_("Training alone.")
        ),
        "Age": st.column_config.DatetimeColumn(_("Age"), format="distance"),
        "Settings": st.column_config.TextColumn(
            _("Settings"), help=_("Those that differ from their defaults.")
        ),
    }


def _row_values(run: Run) -> list[object]:
    """A row of the table, in the order of its columns."""
    return [
        list(run.spark),
        escape_formula(mark_baseline(run)),
        shown_status(run.status),
        escape_formula(shown_name(run.data)),
        run.metrics.get("rmse"),
        _to_percent(run.metrics.get("skill")),
        _to_percent(run.metrics.get("test_accuracy")),
        _("{epoch} of {epochs}").format(epoch=run.epoch, epochs=run.epochs),
        run.seconds,
        run.created,
        describe_settings(run),
    ]


def _to_percent(share: float | None) -> float | None:
    if share is None:
        return None
    return 100 * share


def mark_baseline(run: Run) -> str:
    """The run's name, with a star where it is the pinned baseline."""
    if run.pinned:
        return f"★ {run.name}"
    return run.name


def _searchable_text(run: Run) -> str:
    parts = [
        run.name,
        run.status,
        shown_status(run.status),
        run.data,
        run.source,
        run.settings.model.name,
        describe_settings(run),
        run.note,
    ]
    return " ".join(parts).lower()
