"""Trainings inside a page.

Quick ones inline and in turn, longer ones in a thread, watched as they run.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import Any, TypeAlias, TypeVar

import plotly.graph_objects as go
import streamlit as st

from rnnapp.background import BackgroundTask
from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import Split
from rnnapp.figures.forecast import loss_figure
from rnnapp.figures.style import line_of
from rnnapp.language import gettext as _
from rnnapp.people import read_limits
from rnnapp.training.kernels.backend import unsupported_reason
from rnnapp.training.kernels.compilation import kernels_building
from rnnapp.training.loop import EpochEvent, TrainedModel, Training
from rnnapp.turns import FairTurns, Turn
from rnnapp.ui.page import chart
from rnnapp.ui.progress import epoch_words
from rnnapp.ui.results import abort_if_stale
from rnnapp.ui.tasks import PageTask, show_task_progress, watch_task
from rnnapp.ui.visitors import current_person

__all__ = [
    "LIVE_COMPARISON_SECONDS",
    "LIVE_SECONDS",
    "LONG_SECONDS",
    "TrainingTask",
    "await_kernels",
    "enter_line",
    "run_inline",
    "start_training",
    "watch_training",
]

T = TypeVar("T")
LIVE_SECONDS = 0.5
"""A training that takes less is run inline, whenever a control moves."""
LIVE_COMPARISON_SECONDS = 2.0
"""A comparison that takes less is run inline: its curves move with the thumb meanwhile."""
LONG_SECONDS = 5.0
"""A training that takes more becomes a run of the job queue."""
_CHECK_SECONDS = 0.02  # between two checks for a newer run of the page

TrainingTask: TypeAlias = PageTask[BackgroundTask[EpochEvent, TrainedModel], Any]
"""A page's training in a thread; its ``about`` is the :class:`Training`."""


def run_inline(work: Callable[[], Generator[T, None, None]]) -> list[T]:
    """Do quick work inside this run of the page, at most as many sessions at a time as cores.

    Work for a control's former value is given up; its time goes to the newer one.

    Args:
        work: yields as it goes.
    """
    done = []
    with _turns().enter(current_person().key) as turn, closing(work()) as items:
        turn.wait(_check_stale)
        abort_if_stale()
        checked = time.monotonic()
        for item in items:
            done.append(item)
            if time.monotonic() - checked > _CHECK_SECONDS:
                abort_if_stale()
                checked = time.monotonic()
    return done


def enter_line() -> Turn:
    """A place for this page's person among the trainings in threads of this server.

    As many run at once as there are cores; one that lasts lets others go first from time to time.

    Raises:
        QueueFullError: this person, or everybody together, waits for too many already.
    """
    return _long_turns().enter(current_person().key)


@st.cache_resource(show_spinner=False)
def _turns() -> FairTurns:
    return FairTurns(os.cpu_count() or 1)


@st.cache_resource(show_spinner=False)
def _long_turns() -> FairTurns:
    limits = read_limits()
    return FairTurns(os.cpu_count() or 1, most_each=limits.turns, most=limits.turns_all)


def _check_stale() -> bool:
    """End this run of the page if a control has moved while it waited for its turn."""
    abort_if_stale()
    return False


def await_kernels(split: Split, model: ModelConfig, train: TrainConfig) -> None:
    """While the compiler is at work, say so.

    The page runs again when the kernels are there, and may train by itself.
    """
    if (
        train.backend == "torch"
        or unsupported_reason(split, model, train) is not None
        or not kernels_building()
    ):
        return

    @st.fragment(run_every=1.0)
    def waiting() -> None:
        if not kernels_building():
            st.rerun()
        st.caption(
            _(
                ":material/hourglass_top: The fast kernel is being compiled for this "
                "machine, once, for some 15 seconds; from then on a small net trains as "
                "you drag. Until then torch trains it."
            )
        )

    waiting()


def start_training(training: Training) -> BackgroundTask[EpochEvent, TrainedModel]:
    """Train in a thread of this server, in turn with the others.

    Raises:
        QueueFullError: too many trainings wait for their turn.
    """
    return BackgroundTask(
        lambda _unused: training.epochs(),
        result=lambda _unused: training.result(),
        progress=lambda: training.progress,
        on_stop=training.stop,
        name="training",
        turn=enter_line(),
    )


def watch_training(
    task: TrainingTask,
    draw: Callable[[list[EpochEvent]], go.Figure] | None = None,
    *,
    above: Callable[[], None] | None = None,
) -> None:
    """Show a training under way in a thread; the page runs again when it ends.

    The chart is drawn from the epochs so far: the training never waits for it.

    Args:
        task: the page's job.
        draw: makes the chart of the epochs so far; the loss by default.
        above: draws what stands between the progress and that chart.
    """
    training: Training = task.about
    epochs = training.train.epochs

    def draw_loss(events: list[EpochEvent]) -> go.Figure:
        return loss_figure(events, line_of(training.model), epochs=epochs)

    def show() -> None:
        events = list(task.job.items)
        words = _("The first epoch is under way")
        if events:
            words = epoch_words(
                len(events),
                epochs,
                seconds=events[-1].seconds,
                steps_per_second=events[-1].steps_per_second,
                seconds_left=task.job.seconds_left,
                stopping=task.job.stopping,
            )
        show_task_progress(task, words)
        if above is not None:
            above()
        alt = _("Training loss over {count} epochs, still running.").format(count=len(events))
        chart((draw or draw_loss)(events), f"{task.place}_live_loss", alt)

    watch_task(task, show)
