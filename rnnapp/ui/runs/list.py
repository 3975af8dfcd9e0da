"""The Runs page: the list with its filters and actions, or the view that the address names."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, TypeAlias

import pandas as pd
import streamlit as st

from rnnapp.runs.history.records import STATUSES, Run
from rnnapp.ui.address import publish_word, seed_word
from rnnapp.ui.manager import (
    DELETED,
    OPENED,
    delete_runs,
    go_to_runs,
    list_runs,
    reload_lists,
    run_manager,
)
from rnnapp.ui.page import headline, open_page, plain_text, show_errors
from rnnapp.ui.runs.ledger import show_ledger
from rnnapp.ui.runs.one import describe_settings, show_run
from rnnapp.ui.runs.side_by_side import show_compared

__all__ = ["show_runs"]

_CHOSEN = "chosen_runs"
_SHOWN = "_runs_shown"
_SORT_KEYS: dict[str, Callable[[Run], Any]] = {
    "Latest": lambda run: -run.created.timestamp(),
    "Lowest RMSE": lambda run: run.metrics.get("rmse", float("inf")),
    "Highest skill": lambda run: -run.metrics.get("skill", -float("inf")),
    "Highest accuracy": lambda run: -run.metrics.get("test_accuracy", -1.0),
    "Longest": lambda run: -run.seconds,
    "Name": lambda run: run.name.lower(),
}
_REFRESH_EVERY = 1.0  # seconds between two updates of the list while something runs
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n")
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
    if run_ids and st.button("All runs", icon=":material/arrow_back:", key="all_runs"):
        go_to_runs()
    if len(run_ids) > 1:
        show_compared(run_ids)
    elif run_ids:
        show_run(run_ids[0])
    else:
        _show_tabs()


def _show_tabs() -> None:
    """The list of runs, and the ledger; only the open one is read."""
    shown = {"Runs": _show_list, "Ledger": show_ledger}
    seed_word("view", tuple(shown), "Runs")
    tabs = st.tabs(list(shown), key="view", on_change="rerun")
    publish_word("view", str(st.session_state["view"]), "Runs")
    for tab, show in zip(tabs, shown.values(), strict=True):
        if tab.open:
            with tab:
                show()


def _show_list() -> None:
    with st.spinner("Reading the run history", show_time=True):
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
        "Train a net on the Forecast page and press “Save this run”, "
        "or search on the Tune page: runs gather here."
    )
    if st.button("Train one", type="primary", icon=":material/show_chart:"):
        open_page("forecast")


def _filter_controls(runs: Sequence[Run]) -> _Filters:
    st.subheader("Filter", divider="gray")
    find = st.text_input(
        "Find",
        key="find",
        placeholder="name, data, cell or note",
        help="Runs that have all these words.",
    )
    statuses = st.multiselect(
        "Status",
        [*STATUSES, "deleted"],
        key="statuses",
        placeholder="any",
        help="“deleted” shows what can be restored.",
    )
    data = st.multiselect(
        "Data",
        sorted({run.data for run in runs}),
        key="run_data",
        placeholder="any",
        help="What they learned from.",
    )
    st.subheader("Order", divider="gray")
    sort = st.selectbox(
        "Sort by", list(_SORT_KEYS), key="sort", help="A click on a column's name sorts as well."
    )
    return _Filters(find.lower().split(), statuses, data, sort)


def _summarise_runs(runs: Sequence[Run], deleted: bool) -> str:
    if deleted:
        return f"{_count_runs(len(runs), 'deleted run')} can be restored."
    text = _count_runs(len(runs), "run")
    active = sum(run.active for run in runs)
    if active:
        text = f"{text}, {active} under way"
    judged = [run for run in runs if "skill" in run.metrics]
    if not judged:
        return f"{text}."
    best = max(judged, key=lambda run: run.metrics["skill"])
    better = sum(run.metrics["skill"] > 0 for run in judged)
    share = f"{better:,} of {len(judged):,} forecasts miss by less than persistence"
    return f"{text}; {share}, best {best.name} ({best.metrics['skill']:+.1%})."


def _count_runs(number: int, noun: str) -> str:
    if number == 1:
        return f"1 {noun}"
    return f"{number:,} {noun}s"


def _show_table(runs: Sequence[Run]) -> None:
    running = any(run.active for run in runs)
    refresh_every = None
    if running:
        refresh_every = _REFRESH_EVERY

    @st.fragment(run_every=refresh_every)
    def show_rows() -> None:
        current = [_refresh_run(run) for run in runs]
        st.session_state[_SHOWN] = [run.id for run in current]
        frame = pd.DataFrame([_row_values(run) for run in current], columns=list(_COLUMNS))
        st.dataframe(
            frame.astype({"Age": object}),  # an object column shows its time zone
            hide_index=True,
            height=min(38 + _ROW_HEIGHT * max(len(current), 1), _MAX_HEIGHT),
            column_config=_COLUMNS,
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
        "Chosen runs",
        known,
        key=_CHOSEN,
        format_func=lambda run_id: _option_label(known[run_id]),
        placeholder="tick rows above, or name runs here",
        help="One to open it, two or more to put them side by side.",
    )
    with st.container(horizontal=True):
        if st.button(
            "Open run", disabled=len(chosen) != 1, icon=":material/open_in_full:", type="primary"
        ):
            go_to_runs(*chosen)
        if st.button("Compare runs", disabled=len(chosen) < 2, icon=":material/compare_arrows:"):
            go_to_runs(*chosen)
        busy = any(known[run_id].active for run_id in chosen)
        help_text = {True: "Stop it first.", False: "It can be undone."}[busy]
        if st.button(
            "Delete", disabled=not chosen or busy, icon=":material/delete:", help=help_text
        ):
            with show_errors():
                delete_runs([known[run_id] for run_id in chosen])


def _option_label(run: Run) -> str:
    return f"{run.name}, {run.data}, {run.created:%Y-%m-%d %H:%M:%S}"


def _undo_button() -> None:
    deleted: list[tuple[str, str]] = st.session_state.get(DELETED, [])
    if not deleted:
        return
    names = ", ".join(name for _, name in deleted)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(plain_text(f"Deleted: {names}."), width="content")
        if st.button("Undo", icon=":material/undo:"):
            with show_errors():
                _restore_runs([run_id for run_id, _ in deleted])


def _restore_controls(runs: Sequence[Run]) -> None:
    known = {run.id: run for run in runs}
    chosen = st.multiselect(
        "Restore",
        known,
        key="restore_runs",
        format_func=lambda run_id: known[run_id].name,
        placeholder="deleted runs",
    )
    if st.button("Restore", disabled=not chosen, icon=":material/undo:"):
        with show_errors():
            _restore_runs(chosen)


def _restore_runs(run_ids: Sequence[str]) -> None:
    for run_id in run_ids:
        run_manager().store.restore_run(run_id)
    st.session_state.pop(DELETED, None)
    reload_lists()
    st.rerun()


_COLUMNS: _ColumnConfig = {
    "Loss": st.column_config.LineChartColumn(
        "Loss", width="small", help="Training loss over its epochs."
    ),
    "Name": st.column_config.TextColumn("Name"),
    "Status": st.column_config.TextColumn("Status", width="small"),
    "Data": st.column_config.TextColumn("Data"),
    "RMSE": st.column_config.NumberColumn(
        "RMSE, points", format="%.4g", help="On the test part, index points."
    ),
    "Skill": st.column_config.NumberColumn(
        "Skill", format="%+.1f%%", help="1 − RMSE / persistence's RMSE, %."
    ),
    "Accuracy": st.column_config.NumberColumn(
        "Accuracy", format="%.2f%%", help="Test digits read right, %."
    ),
    "Epochs": st.column_config.TextColumn("Epochs", width="small"),
    "Duration": st.column_config.NumberColumn("Duration, s", format="%.1f", help="Training alone."),
    "Age": st.column_config.DatetimeColumn("Age", format="distance"),
    "Settings": st.column_config.TextColumn(
        "Settings", help="Those that differ from their defaults."
    ),
}


def _row_values(run: Run) -> list[object]:
    """A row of the table, in the order of its columns."""
    return [
        list(run.spark),
        escape_formula(mark_baseline(run)),
        run.status,
        escape_formula(run.data),
        run.metrics.get("rmse"),
        _to_percent(run.metrics.get("skill")),
        _to_percent(run.metrics.get("test_accuracy")),
        f"{run.epoch} of {run.epochs}",
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


def escape_formula(text: str) -> str:
    """Text that a spreadsheet shows as text: the table's CSV may be opened in one."""
    if text.startswith(_FORMULA_SIGNS):
        return f"'{text}"
    return text


def _searchable_text(run: Run) -> str:
    parts = [
        run.name,
        run.status,
        run.data,
        run.source,
        run.settings.model.name,
        describe_settings(run),
        run.note,
    ]
    return " ".join(parts).lower()
