"""What the compared nets took in: which inputs mattered, and how far back they remember."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import TypeAlias

import streamlit as st

from rnnapp.background import BackgroundTask
from rnnapp.configs import SimulatedConfig
from rnnapp.data.simulated import SimulatedPrices
from rnnapp.evaluation.compare import split_for
from rnnapp.evaluation.echo import ECHO_LAGS, EchoPoint, echo_skill
from rnnapp.evaluation.importance import (
    InputImportance,
    importance_sentence,
    permutation_importance,
)
from rnnapp.figures.compare import assign_lines
from rnnapp.figures.inputs import echo_figure, importance_figure
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.ui.compare.controls import CompareResult
from rnnapp.ui.live import enter_line
from rnnapp.ui.page import chart, plain_text, show_errors
from rnnapp.ui.results import compute_shared, recall_result, split_key
from rnnapp.ui.tasks import PageTask, find_task, show_task_progress, start_task, watch_task

__all__ = ["show_inputs", "show_memory"]

_PLACE = "echo"
_NEEDS_OPEN = N_("Inputs are shuffled on test days. Open the test part to see which mattered.")
_WORDS = N_("{done} of {total} trainings")
_ABOUT = N_(
    "Each day's change repeats a share of the change L days ago, so the nets above have to "
    "remember it: windows of L + 2 days, one seed each. Read the last step alone (readout last) "
    "to see what is carried; a net that reads every step has no need to."
)
Points: TypeAlias = tuple[EchoPoint, ...]
EchoTask: TypeAlias = PageTask[BackgroundTask[EchoPoint, Points], Points]


def show_inputs(result: CompareResult) -> None:
    """Permutation importance on the test part, over the seeds of each net."""
    if result.sealed:
        st.info(_(_NEEDS_OPEN))
        return
    key = split_key(result.split, result.request, len(result.results), "inputs")
    found = compute_shared(key, lambda: _shuffle_inputs(result))
    if not found:
        return
    sentences = " ".join(importance_sentence(name, inputs) for name, inputs in found.items())
    figure = importance_figure(found, assign_lines(result.comparison))
    chart(figure, "compare_inputs", sentences)
    st.markdown(plain_text(sentences))


def _shuffle_inputs(result: CompareResult) -> dict[str, tuple[InputImportance, ...]]:
    found = {}
    for row in result.comparison.net_rows:
        assert row.candidate is not None
        models = [run.trained for run in row.runs if run.forecast is not None]
        found[row.name] = permutation_importance(models, split_for(row.candidate, result.split))
    return found


def show_memory(result: CompareResult) -> None:
    """The compared nets on echoes of more and more days: one click draws the picture."""
    st.caption(_(_ABOUT))
    key = split_key(result.split, result.request, _PLACE)
    task: EchoTask | None = find_task(_PLACE, key)
    points: Points | None = recall_result(key)
    if task is not None:
        _watch_echo(task, result)
    elif points is not None:
        _draw_echo(points, result)
    elif st.button(_("Draw the echo's picture"), key="echo", icon=":material/play_arrow:"):
        with show_errors():
            job = BackgroundTask(
                lambda stop: _train_echoes(result, stop),
                result=tuple,
                total=len(ECHO_LAGS) * len(result.request.entries),
                name="echo",
                turn=enter_line(),
            )
            start_task(PageTask(_PLACE, key, job, lambda: job.result() or None))


def _train_echoes(result: CompareResult, stop: threading.Event) -> Iterator[EchoPoint]:
    series = SimulatedConfig("echo", strength=0.7)
    if isinstance(result.split.prices, SimulatedPrices):
        series = result.split.prices.config
    return echo_skill(series, result.request.entries, stop=stop)


def _watch_echo(task: EchoTask, result: CompareResult) -> None:
    def show() -> None:
        points = tuple(task.job.items)
        show_task_progress(task, _(_WORDS).format(done=len(points), total=task.job.total))
        if points:
            _draw_echo(points, result)

    watch_task(task, show)


def _draw_echo(points: Points, result: CompareResult) -> None:
    alt = _("Share of the reachable gain of each net by the days until the echo comes back.")
    chart(echo_figure(points, assign_lines(result.comparison)), "compare_echo", alt)
