"""Walk-forward on the Compare page: every net trained anew at several origins, beside the single split."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Iterator
from typing import Any, cast

import pandas as pd
import streamlit as st

from rnnapp.data.windows import PriceSplit
from rnnapp.errors import TrainingError
from rnnapp.evaluation.background import BackgroundStream
from rnnapp.evaluation.baselines import PERSISTENCE
from rnnapp.evaluation.compare import Candidate, split_for
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.metrics import evaluate
from rnnapp.evaluation.walkforward import Fold, join_folds, overlap_gap, walk_forward
from rnnapp.figures.compare import assign_lines, folds_figure
from rnnapp.runs.batches import walk_runs
from rnnapp.training.backend_choice import estimate_seconds
from rnnapp.training.ensemble import train_many
from rnnapp.ui.compare.controls import Told, asked_number
from rnnapp.ui.live import LONG_SECONDS
from rnnapp.ui.manager import desk, session
from rnnapp.ui.page import chart, is_dark
from rnnapp.ui.results import forget, recall, remember, share, split_key, under_way

__all__ = ["show_walk_forward"]

_WALK = "_walk_job"
Walk = tuple[str, Fold]


def show_walk_forward(told: Told) -> None:
    """Ask for folds and days, then walk."""
    st.markdown(
        "One split can be lucky: here each net is trained anew at several origins and tested on the days that follow."
    )
    left, right = st.columns(2)
    with left:
        folds = asked_number(
            "folds", "Folds", 2, 12, 5, "Origins at which the nets are trained anew."
        )
    with right:
        step = asked_number("step", "Test days a fold", 5, 120, 20, "Days between two origins.", 5)
    config = told.split.config
    if overlap_gap(config):
        st.caption(
            f"{overlap_gap(config)} windows before each fold are left out, since labels {config.horizon} days ahead overlap."
        )
    key = ("walk", *cast(tuple[Hashable, ...], split_key(told.split, told.asked)), folds, step)
    job = under_way(_WALK, key)
    if job is not None and job[1].done:
        st.session_state.pop(_WALK, None)
        if job[1].error is not None:
            forget(job[0])
            raise job[1].error
        if job[1].items:
            remember(job[0], tuple(job[1].items))
        else:
            forget(job[0])
        job = None
    if job is not None:
        _watch_walk(job[1], told)
    elif (walked := recall(key)) is not None:
        _show_walk(walked, told)
    elif st.button(f"Walk forward over {folds} folds", key="walk", icon=":material/play_arrow:"):
        st.session_state[_WALK] = share(key, (key, _start(told, folds, step)))
        st.rerun()


def _start(told: Told, folds: int, step: int) -> BackgroundStream[Walk]:
    """In a thread of this server, or on the job engine where it takes long."""
    entries, total = told.asked.entries, folds * len(told.asked.entries)
    if (
        folds * sum(estimate_seconds(told.split, entry.model, entry.train) for entry in entries)
        < LONG_SECONDS
    ):
        return BackgroundStream(lambda stop: _walk(told, folds, step, stop), total)
    engine, whose = desk().engine, session()
    return BackgroundStream(
        lambda stop: walk_runs(
            engine, told.split, entries, folds=folds, step=step, stop=stop, session=whose
        ),
        total,
    )


def _walk(told: Told, folds: int, step: int, stop: threading.Event) -> Iterator[Walk]:
    for entry in told.asked.entries:
        config = split_for(entry, told.split).config
        for fold in walk_forward(
            told.split.prices, config, _fitter(entry, stop), folds=folds, step=step
        ):
            if stop.is_set():
                return
            yield entry.name, fold


def _fitter(entry: Candidate, stop: threading.Event) -> Callable[[PriceSplit], Forecast]:
    def fit(split: PriceSplit) -> Forecast:
        for trained in train_many([(split, entry.model, entry.train)], workers=1, stop=stop):
            return forecast(trained, split, entry.name)
        raise TrainingError("The walk was stopped; starting it again would do.")

    return fit


def _watch_walk(stream: BackgroundStream[Walk], told: Told) -> None:
    @st.fragment(run_every=0.7)
    def live() -> None:
        if stream.done:
            st.rerun()
        done = len(stream.items)
        bar, button = st.columns([5, 1], vertical_alignment="center")
        bar.progress(done / stream.total, text=f"{done} of {stream.total} trainings")
        button.button(
            "Stop",
            key="walk_stop",
            on_click=stream.stop,
            icon=":material/stop:",
            help="Ends now and keeps what is done.",
        )
        if stream.items:
            _show_walk(tuple(stream.items), told)

    live()


def _show_walk(walked: tuple[Walk, ...], told: Told) -> None:
    folds: dict[str, list[Fold]] = {}
    for name, fold in sorted(walked, key=lambda walk: walk[1].number):
        folds.setdefault(name, []).append(fold)
    single = {row.name: row.mean["rmse"] for row in told.comparison.net_rows}
    lines = assign_lines(told.comparison)
    shown = {name: done for name, done in folds.items() if name in lines}
    if not shown:
        return
    figure = folds_figure(shown, single, lines, dark=is_dark())
    chart(
        figure,
        "compare_walk",
        "RMSE of each net in each fold beside persistence's; dotted lines are the single split's.",
    )
    base = told.comparison.find_row(PERSISTENCE).mean["rmse"]
    rows = []
    for name, done in shown.items():
        judged = evaluate(join_folds(done))
        rows.append(
            {
                "Forecast": name, "Folds": len(done), "RMSE, folds": judged.rmse, "Persistence, folds": judged.persistence_rmse,
                "Skill, folds": 100 * judged.skill, "RMSE, single split": single[name], "Persistence, single split": base,
                "Skill, single split": 100 * told.comparison.find_row(name).mean["skill"], "DM p, folds": judged.dm_p,
                "Beats persistence": judged.beats_persistence,
            }
        )  # fmt: skip
    formats: dict[str, Any] = {
        name: st.column_config.NumberColumn(name, format="%.2f")
        for name in rows[0]
        if "RMSE" in name or "Pers" in name
    }
    formats |= {
        name: st.column_config.NumberColumn(name, format="%+.1f%%")
        for name in rows[0]
        if "Skill" in name
    }
    formats |= {
        "DM p, folds": st.column_config.NumberColumn(format="%.3f"),
        "Beats persistence": st.column_config.Column(),
    }
    st.dataframe(pd.DataFrame(rows), hide_index=True, column_config=formats)
