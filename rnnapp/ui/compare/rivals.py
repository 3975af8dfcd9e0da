"""Stronger rivals on the Compare page: fitted in the background, in the table when ready."""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from typing import TypeAlias

import pandas as pd
import streamlit as st

from rnnapp.background import BackgroundTask
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.judge import judge_results
from rnnapp.evaluation.periods import errors_by_period
from rnnapp.evaluation.pitfalls import check_pitfalls
from rnnapp.evaluation.rival_process import fit_in_process
from rnnapp.evaluation.rivals import Rival, rival_names
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.ui.address import publish_word, seed_word
from rnnapp.ui.compare.controls import CompareResult
from rnnapp.ui.compare.looks import shared_baselines
from rnnapp.ui.explain import explain
from rnnapp.ui.live import enter_line
from rnnapp.ui.results import compute_shared, recall_result, split_key
from rnnapp.ui.tables import shown_head, with_shown_cells
from rnnapp.ui.tasks import PageTask, find_task, show_task_progress, start_task, watch_task

__all__ = ["await_rivals", "rivals_control", "show_checks", "show_periods", "with_rivals"]

_PLACE = "rivals"
_ON, _OFF = "on", "off"
_SWITCH = "_rivals_on"
_MEASURES = {"Skill": N_("Skill, %"), "RMSE": N_("RMSE, {unit}"), "Bias": N_("Bias, {unit}")}
_PARTS = {"calm": N_("calm"), "stormy": N_("stormy")}
_ANSWERS = {"yes": N_("yes"), "no": N_("no"), "not applicable": N_("not applicable")}
_REST = 1.0  # seconds; a slider that moves on meanwhile costs no rival
_WORDS = N_("Fitting {name}, {done} of {total} rivals")
Fitted: TypeAlias = tuple[Rival, ...]
RivalTask: TypeAlias = PageTask[BackgroundTask[Rival, Fitted], Fitted]


def rivals_control(split: PriceSplit) -> bool:
    """The switch that adds the stronger rivals; ``rivals=on`` in the address.

    Args:
        split: the days; a volatility has other rivals than closes.
    """
    seed_word("rivals", (_ON, _OFF), _OFF)
    if _SWITCH not in st.session_state:
        st.session_state[_SWITCH] = st.session_state["rivals"] == _ON
    chosen = st.toggle(
        _("Stronger rivals"),
        key=_SWITCH,
        persist_state="session",
        help=explain(
            "rivals",
            _(
                "{rivals}: fitted on the training rows in some seconds; they join the table when "
                "they are ready."
            ).format(rivals=", ".join(map(shown_name, rival_names(split)))),
        ),
    )
    st.session_state["rivals"] = {True: _ON, False: _OFF}[bool(chosen)]
    publish_word("rivals", st.session_state["rivals"], _OFF)
    return bool(chosen)


def with_rivals(result: CompareResult) -> CompareResult:
    """The result with the rivals in it where they are ready."""
    split = result.split
    key = split_key(split, _PLACE)
    find_task(_PLACE, key)  # collects those that have just become ready
    ready: Fitted | None = recall_result(key)
    if ready is None:
        return result
    fitted = ready
    return compute_shared(
        split_key(split, result.request, len(result.results), _PLACE),
        lambda: _judge_again(result, fitted),
    )


def await_rivals(split: PriceSplit) -> None:
    """Watch the rivals under way, or start them; the page runs again when they are ready."""
    key = split_key(split, _PLACE)
    names = rival_names(split)
    task: RivalTask | None = find_task(_PLACE, key)
    if task is not None and task.key != key:
        task.job.stop()  # of settings that are no longer on the page
        task = None
    if task is None:
        job = BackgroundTask(
            lambda stop: _fit_until(split, stop),
            result=tuple,
            total=len(names),
            name="rivals",
            turn=enter_line(),
        )
        start_task(PageTask(_PLACE, key, job, lambda: _collect_fitted(job)))
    started = task

    def show() -> None:
        done = len(started.job.items)
        name = names[min(done, len(names) - 1)]
        words = _(_WORDS).format(name=shown_name(name), done=done, total=len(names))
        show_task_progress(started, words)

    watch_task(started, show)


def _fit_until(split: PriceSplit, stop: threading.Event) -> Iterator[Rival]:
    if stop.wait(_REST):
        return
    yield from fit_in_process(split, stop)


def _collect_fitted(job: BackgroundTask[Rival, Fitted]) -> Fitted | None:
    """All rivals, also where a person stopped some of them; none where none was fitted."""
    return job.result() or None


def _judge_again(result: CompareResult, rivals: Fitted) -> CompareResult:
    comparison = judge_results(
        result.split, result.results, baselines=shared_baselines(result.split), rivals=rivals
    )
    return dataclasses.replace(result, comparison=comparison, rivals=rivals)


def show_periods(result: CompareResult) -> None:
    """Skill, RMSE and bias by part of the test, a line for each forecast and part."""
    lines = []
    for row in result.comparison.rows:
        for part in errors_by_period(row.forecast):
            lines.append(
                {
                    "Forecast": row.name,
                    "Part": part.period,
                    "Days": part.days,
                    "RMSE": part.rmse,
                    "Skill": 100 * part.skill,
                    "Bias": part.bias,
                }
            )
    frame = pd.DataFrame(lines)
    unit = result.split.quantity.error_unit
    chosen = st.segmented_control(
        _("Measure"),
        list(_MEASURES),
        default="Skill",
        format_func=lambda measure: _(_MEASURES[measure]).format(unit=unit),
        key="period_measure",
        required=True,
    )
    parts = list(dict.fromkeys(frame["Part"]))
    table = frame.pivot(index="Forecast", columns="Part", values=chosen or "Skill")
    table = table.loc[list(dict.fromkeys(frame["Forecast"])), parts]
    days = dict(zip(frame["Part"], frame["Days"], strict=True))
    table.columns = pd.Index([f"{_(_PARTS.get(part, part))} ({days[part]:,})" for part in parts])
    table.index = pd.Index([shown_name(name) for name in table.index], name=shown_head("Forecast"))
    st.dataframe(table.style.format("{:,.2f}", na_rep="–"), key="periods")
    words = _(
        "Days in brackets. A day is stormy where the 22 closes known before it moved more than "
        "before the median test day."
    )
    if result.split.quantity.is_volatility:
        words = _(
            "Days in brackets. A day is stormy where the volatility of the 22 days before it was "
            "higher than before the median test day."
        )
    st.caption(words)


def show_checks(result: CompareResult) -> None:
    """The known pitfalls, whether this comparison avoids them, and why."""
    checks = check_pitfalls(result.comparison, result.split, sealed=result.sealed)
    frame = pd.DataFrame(checks, columns=[_("Pitfall"), _("Checked"), _("Why")])
    frame = with_shown_cells(frame, _("Checked"), _ANSWERS)
    st.dataframe(
        frame,
        hide_index=True,
        height=37 + 35 * len(frame),
        key="checks",
        column_config={
            _("Pitfall"): st.column_config.TextColumn(width="medium"),
            _("Why"): st.column_config.TextColumn(width="large"),
        },
    )
    st.caption(
        _(
            "Pitfalls after Hewamalage, Ackermann and Bergmeir (2023), Data Mining and Knowledge "
            "Discovery 37."
        )
    )
