"""The Runs page: the list with its filters, what can be done with the chosen ones, and which view the address asks for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from rnnapp.runs.history.records import STATUSES, Run
from rnnapp.ui.manager import DELETED, OPENED, delete, desk, listed, open_runs, refresh
from rnnapp.ui.page import headline, show_errors
from rnnapp.ui.runs.one import settings_words, show_run
from rnnapp.ui.runs.side_by_side import show_compared

__all__ = ["show_runs"]

_CHOSEN, _SHOWN = "chosen_runs", "_runs_shown"
_SORTS = {
    "Latest": lambda run: -run.created.timestamp(),
    "Lowest RMSE": lambda run: run.metrics.get("rmse", float("inf")),
    "Highest skill": lambda run: -run.metrics.get("skill", -float("inf")),
    "Highest accuracy": lambda run: -run.metrics.get("test_accuracy", -1.0),
    "Longest": lambda run: -run.seconds,
    "Name": lambda run: run.name.lower(),
}
_REFRESH = 1.0  # seconds between two looks at the list while something runs


def show_runs() -> None:
    """The list, one run (``?run=ID``), or several side by side (``?run=ID,ID``)."""
    asked = [run_id for run_id in st.query_params.get("run", "").split(",") if run_id]
    if asked and st.button("All runs", icon=":material/arrow_back:", key="all_runs"):
        open_runs()
    if len(asked) > 1:
        show_compared(asked)
    elif asked:
        show_run(asked[0])
    else:
        _list()


def _list() -> None:
    with st.spinner("Reading the run history", show_time=True):
        found = listed()
    with st.sidebar:
        find, statuses, data, sort = _filters(found)
    deleted = "deleted" in statuses
    runs = listed(deleted=True) if deleted else found
    wanted = [status for status in statuses if status != "deleted"]
    headline(_summary(runs, deleted))
    _undo()
    words = find.lower().split()
    shown = [
        run
        for run in sorted(runs, key=_SORTS[sort])
        if (not wanted or run.status in wanted)
        and (not data or run.data in data)
        and all(word in _text(run) for word in words)
    ]
    if not runs and not deleted:
        st.info(
            "Train a net on the Forecast page and press “Keep this run”, or search on the Tune page: runs gather here."
        )
        if st.button("Train one", type="primary", icon=":material/show_chart:"):
            st.switch_page("pages/forecast.py")
        return
    _table(shown)
    if deleted:
        _bring_back(shown)
    else:
        _actions(shown)


def _filters(runs: Sequence[Run]) -> tuple[str, list[str], list[str], str]:
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
        help="“deleted” shows what can be brought back.",
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
        "Sort by", list(_SORTS), key="sort", help="A click on a column's name sorts as well."
    )
    return find, statuses, data, sort


def _summary(runs: Sequence[Run], deleted: bool) -> str:
    if deleted:
        return f"{_count(len(runs), 'deleted run')} can be brought back."
    active = sum(run.active for run in runs)
    judged = [run for run in runs if "skill" in run.metrics]
    text = f"{_count(len(runs), 'run')}" + (f", {active} under way" if active else "")
    if not judged:
        return f"{text}."
    best = max(judged, key=lambda run: run.metrics["skill"])
    beaten = sum(run.metrics["skill"] > 0 for run in judged)
    told = f"{beaten:,} of {len(judged):,} forecasts miss by less than persistence"
    return f"{text}; {told}, best {best.name} ({best.metrics['skill']:+.1%})."


def _table(runs: Sequence[Run]) -> None:
    running = any(run.active for run in runs)

    @st.fragment(run_every=_REFRESH if running else None)
    def table() -> None:
        now = [desk().now(run) if run.active else run for run in runs]
        st.session_state[_SHOWN] = [run.id for run in now]
        st.dataframe(
            pd.DataFrame([_row(run) for run in now], columns=list(_COLUMNS)).astype(
                {"Age": object}
            ),  # keeps its time zone
            hide_index=True,
            height=min(38 + 35 * max(len(now), 1), 560),
            column_config=_COLUMNS,
            key="runs_table",
            on_select=_choose,
            selection_mode="multi-row",
            placeholder="–",
        )
        if running and not any(run.active for run in now):
            refresh()
            st.rerun()

    table()


def _choose() -> None:
    """Rows ticked in the table are the chosen runs."""
    shown = st.session_state.get(_SHOWN, [])
    rows = st.session_state["runs_table"]["selection"]["rows"]
    st.session_state[_CHOSEN] = [shown[row] for row in rows if row < len(shown)]


def _actions(runs: Sequence[Run]) -> None:
    known = {run.id: run for run in runs}
    chosen_before = [] if st.session_state.pop(OPENED, False) else st.session_state.get(_CHOSEN, [])
    st.session_state[_CHOSEN] = [run_id for run_id in chosen_before if run_id in known]
    chosen: list[str] = st.multiselect(
        "Chosen runs",
        known,
        key=_CHOSEN,
        format_func=lambda run_id: (
            f"{known[run_id].name}, {known[run_id].data}, {known[run_id].created:%Y-%m-%d %H:%M:%S}"
        ),
        placeholder="tick rows above, or name runs here",
        help="One to open it, two or more to put them side by side.",
    )
    with st.container(horizontal=True):
        if st.button(
            "Open run", disabled=len(chosen) != 1, icon=":material/open_in_full:", type="primary"
        ):
            open_runs(*chosen)
        if st.button("Compare runs", disabled=len(chosen) < 2, icon=":material/compare_arrows:"):
            open_runs(*chosen)
        busy = any(known[run_id].active for run_id in chosen)
        told = "Stop it first." if busy else "It can be undone."
        if st.button("Delete", disabled=not chosen or busy, icon=":material/delete:", help=told):
            with show_errors():
                delete([known[run_id] for run_id in chosen])


def _undo() -> None:
    deleted: list[tuple[str, str]] = st.session_state.get(DELETED, [])
    if not deleted:
        return
    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(f"Deleted: {', '.join(name for _, name in deleted)}.", width="content")
        if st.button("Undo", icon=":material/undo:"):
            with show_errors():
                _restore([run_id for run_id, _ in deleted])


def _bring_back(runs: Sequence[Run]) -> None:
    known = {run.id: run for run in runs}
    chosen = st.multiselect(
        "Bring back",
        known,
        format_func=lambda run_id: known[run_id].name,
        placeholder="deleted runs",
    )
    if st.button("Bring back", disabled=not chosen, icon=":material/undo:"):
        with show_errors():
            _restore(chosen)


def _restore(run_ids: Sequence[str]) -> None:
    for run_id in run_ids:
        desk().store.restore(run_id)
    st.session_state.pop(DELETED, None)
    refresh()
    st.rerun()


_COLUMNS: dict[str, Any] = {
    "Loss": st.column_config.LineChartColumn(
        "Loss", width="small", help="Training loss over its epochs."
    ),
    "Name": st.column_config.TextColumn("Name"),
    "Status": st.column_config.TextColumn("Status", width="small"),
    "Data": st.column_config.TextColumn("Data"),
    "RMSE": st.column_config.NumberColumn(
        "RMSE, points", format="%.1f", help="On the test part, index points."
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


def _row(run: Run) -> list[Any]:
    skill, accuracy = run.metrics.get("skill"), run.metrics.get("test_accuracy")
    return [
        list(run.spark), ("★ " if run.pinned else "") + run.name, run.status, run.data,
        run.metrics.get("rmse"), None if skill is None else 100 * skill, None if accuracy is None else 100 * accuracy,
        f"{run.epoch} of {run.epochs}", run.seconds, run.created, settings_words(run),
    ]  # fmt: skip


def _text(run: Run) -> str:
    return f"{run.name} {run.status} {run.data} {run.source} {run.settings.model.name} {settings_words(run)} {run.note}".lower()


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")
