"""Walk-forward on the Compare page.

Every net trained anew at several origins, beside the single split.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd
import streamlit as st

from rnnapp.background import BackgroundTask
from rnnapp.data.windows import PriceSplit
from rnnapp.errors import TrainingError
from rnnapp.evaluation.baselines import PERSISTENCE
from rnnapp.evaluation.compare import Candidate, split_for
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.formatting import decimal_places
from rnnapp.evaluation.metrics import evaluate
from rnnapp.evaluation.walkforward import Fold, join_folds, overlap_gap, walk_forward
from rnnapp.figures.compare import assign_lines, folds_figure
from rnnapp.language import gettext as _
from rnnapp.runs.batches import walk_runs
from rnnapp.training.backend_choice import estimate_seconds
from rnnapp.training.ensemble import train_many
from rnnapp.ui.compare.controls import CompareResult, number_control
from rnnapp.ui.live import LONG_SECONDS, enter_line
from rnnapp.ui.manager import run_manager, session_id
from rnnapp.ui.page import chart, is_dark, show_errors
from rnnapp.ui.progress import progress_words
from rnnapp.ui.results import recall_result, split_key
from rnnapp.ui.tables import label_columns, with_shown_cells
from rnnapp.ui.tasks import (
    PageTask,
    find_task,
    show_task_progress,
    start_task,
    watch_task,
)
from rnnapp.ui.visitors import current_person

__all__ = ["show_walk_forward"]

_PLACE = "walk"
Walk = tuple[str, Fold]
WalkJob: TypeAlias = BackgroundTask[Walk, tuple[Walk, ...]]
WalkTask: TypeAlias = PageTask[WalkJob, tuple[Walk, ...]]


def show_walk_forward(compared: CompareResult) -> None:
    """Ask for folds and days, then walk."""
    st.markdown(
        _(
            "One split can be lucky: here each net is trained anew at several origins "
            "and tested on what follows."
        )
    )
    if compared.sealed:
        st.info(_("The folds are judged on test days. Open the test part to walk forward."))
        return
    units = compared.split.prices.spacing.units
    folds, step = _fold_controls(units)
    config = compared.split.config
    if overlap_gap(config):
        st.caption(
            _(
                "{config} windows before each fold are left out, "
                "since labels {horizon} {units} ahead overlap."
            ).format(config=overlap_gap(config), horizon=config.horizon, units=units)
        )
    key = split_key(compared.split, compared.request, "walk", folds, step)
    task: WalkTask | None = find_task(_PLACE, key)
    result: tuple[Walk, ...] | None = recall_result(key)
    if task is not None:
        _watch_walk(task, compared)
    elif result is not None:
        _show_walk(result, compared)
    elif st.button(
        _("Walk forward over {folds} folds").format(folds=folds),
        key="walk",
        icon=":material/play_arrow:",
    ):
        with show_errors():
            job = _start_walk(compared, folds, step)
            start_task(PageTask(_PLACE, key, job, lambda: job.result() or None))


def _fold_controls(units: str) -> tuple[int, int]:
    """How many folds, and how many rows each tests."""
    left, right = st.columns(2)
    with left:
        folds = number_control(
            "folds", _("Folds"), 2, 12, 5, _("Origins at which the nets are trained anew.")
        )
    with right:
        step = number_control(
            "step",
            _("Test {units} a fold").format(units=units),
            5,
            120,
            20,
            _("{title} between two origins.").format(title=units.title()),
            5,
        )
    return folds, step


def _start_walk(compared: CompareResult, folds: int, step: int) -> WalkJob:
    """In a thread of this server, or on the job queue where it takes long."""
    entries = compared.request.entries
    seconds = folds * sum(
        estimate_seconds(compared.split, entry.model, entry.train) for entry in entries
    )
    queue = run_manager().queue
    session = session_id()
    person = current_person().key

    def walk_queued(stop: threading.Event) -> Iterator[Walk]:
        return walk_runs(
            queue,
            compared.split,
            entries,
            folds=folds,
            step=step,
            stop=stop,
            session=session,
            person=person,
        )

    def walk_here(stop: threading.Event) -> Iterator[Walk]:
        return _walk(compared, folds, step, stop)

    here = seconds < LONG_SECONDS
    return BackgroundTask(
        walk_here if here else walk_queued,
        result=tuple,
        total=folds * len(entries),
        name="walk-forward",
        turn=enter_line() if here else None,
    )


def _walk(compared: CompareResult, folds: int, step: int, stop: threading.Event) -> Iterator[Walk]:
    for entry in compared.request.entries:
        config = split_for(entry, compared.split).config
        for fold in walk_forward(
            compared.split.prices, config, _fitter(entry, stop), folds=folds, step=step
        ):
            if stop.is_set():
                return
            yield entry.name, fold


def _fitter(entry: Candidate, stop: threading.Event) -> Callable[[PriceSplit], Forecast]:
    def fit(split: PriceSplit) -> Forecast:
        for trained in train_many([(split, entry.model, entry.train)], workers=1, stop=stop):
            return forecast(trained, split, entry.name)
        raise TrainingError(_("The walk was stopped. Start it again."))

    return fit


def _watch_walk(task: WalkTask, compared: CompareResult) -> None:
    def show() -> None:
        job = task.job
        words = progress_words(
            _("{count} of {total} trainings").format(count=len(job.items), total=job.total),
            seconds_left=job.seconds_left,
            stopping=job.stopping,
        )
        show_task_progress(task, words)
        if job.items:
            _show_walk(job.result(), compared)

    watch_task(task, show)


def _show_walk(walked: tuple[Walk, ...], compared: CompareResult) -> None:
    folds: dict[str, list[Fold]] = {}
    for name, fold in sorted(walked, key=lambda walk: walk[1].number):
        folds.setdefault(name, []).append(fold)
    single = {row.name: row.mean["rmse"] for row in compared.comparison.net_rows}
    lines = assign_lines(compared.comparison)
    shown = {name: done for name, done in folds.items() if name in lines}
    if not shown:
        return
    figure = folds_figure(shown, single, lines, dark=is_dark())
    chart(
        figure,
        "compare_walk",
        _(
            "RMSE of each net in each fold beside persistence's; dotted lines are the "
            "single split's."
        ),
    )
    _show_folds(shown, single, compared)


def _show_folds(
    shown: Mapping[str, Sequence[Fold]], single: Mapping[str, float], compared: CompareResult
) -> None:
    """The table under the chart: each net over its folds, beside the single split."""
    base = compared.comparison.find_row(PERSISTENCE).mean["rmse"]
    rows = []
    for name, done in shown.items():
        judged = evaluate(join_folds(done))
        rows.append(
            {
                "Forecast": name,
                "Folds": len(done),
                "RMSE, folds": judged.rmse,
                "Persistence, folds": judged.persistence_rmse,
                "Skill, folds": 100 * judged.skill,
                "RMSE, single split": single[name],
                "Persistence, single split": base,
                "Skill, single split": 100 * compared.comparison.find_row(name).mean["skill"],
                "DM p, folds, two-sided": judged.dm_p,
                "Beats persistence": judged.beats_persistence,
            }
        )
    places = decimal_places([base, *single.values()])
    formats: dict[str, Any] = {
        name: st.column_config.NumberColumn(format=f"%.{places}f")
        for name in rows[0]
        if "RMSE" in name or "Pers" in name
    }
    formats |= {
        name: st.column_config.NumberColumn(format="%+.1f%%") for name in rows[0] if "Skill" in name
    }
    formats |= {
        "DM p, folds, two-sided": st.column_config.NumberColumn(format="%.3f"),
        "Beats persistence": st.column_config.Column(),
    }
    frame = with_shown_cells(pd.DataFrame(rows), "Forecast")
    st.dataframe(frame, hide_index=True, column_config=label_columns(frame.columns, formats))
