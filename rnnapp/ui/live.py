"""A training inside the page: quick ones at once and in turn, longer ones watched as they run, with a way to stop."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeVar

import plotly.graph_objects as go
import streamlit as st

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import Split
from rnnapp.figures.forecast import loss_figure
from rnnapp.figures.style import line_of
from rnnapp.training.background import BackgroundTraining
from rnnapp.training.kernels.backend import kernels_building, unsupported_reason
from rnnapp.training.loop import EpochEvent
from rnnapp.ui.page import chart
from rnnapp.ui.results import superseded

__all__ = ["LIVE_SECONDS", "LONG_SECONDS", "at_once", "await_kernels", "watch"]

T = TypeVar("T")
LIVE_SECONDS = 0.5
"""A training that takes less is run at once, whenever a control moves."""
LONG_SECONDS = 5.0
"""A training that takes more becomes a run of the job engine."""
_LOOK_EVERY = 0.5  # seconds between two looks at a running training
_GIVE_UP_WITHIN = 0.02  # seconds between two looks for a newer run of the page


def at_once(work: Callable[[], Generator[T, None, None]]) -> list[T]:
    """Do quick work inside this run of the page, in turn with other sessions: no more of it at a time than there are cores.

    Work for a control's former value is given up; its time goes to the newer one.

    Args:
        work: yields as it goes.
    """
    done = []
    with _turns(), closing(work()) as items:
        superseded()
        looked = time.monotonic()
        for item in items:
            done.append(item)
            if time.monotonic() - looked > _GIVE_UP_WITHIN:
                superseded()
                looked = time.monotonic()
    return done


@st.cache_resource(show_spinner=False)
def _turns() -> threading.Semaphore:
    return threading.Semaphore(os.cpu_count() or 1)


def await_kernels(split: Split, model: ModelConfig, train: TrainConfig) -> None:
    """While the compiler is at work, say so; the page runs again when the kernels are there, and may train by itself."""
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
            ":material/hourglass_top: The fast kernel is being compiled for this machine, once, for some 15 seconds; from then on "
            "a small net trains as you drag. Until then torch trains it."
        )

    waiting()


def watch(
    job: BackgroundTraining, key: str, draw: Callable[[list[EpochEvent]], go.Figure] | None = None
) -> None:
    """Show a running training; the page runs again when it ends.

    The chart is drawn from what the training has left behind so far: the training never waits for it.

    Args:
        job: the training.
        key: of the button and the chart.
        draw: makes the chart from the epochs so far; without it, the loss.
    """

    @st.fragment(run_every=_LOOK_EVERY)
    def live() -> None:
        training = job.training
        if job.done:
            st.rerun()
        left = job.seconds_left
        speed = job.events[-1].steps_per_second if job.events else 0.0
        rate = speed / max(1, -(-len(training.split.train) // training.train.batch))
        words = f"Epoch {len(job.events)} of {training.train.epochs}"
        words += (
            f", {rate:,.1f} epochs a second"
            if rate >= 0.05
            else f", {speed:,.0f} steps a second"
            if rate
            else ""
        )
        words += f", about {left:,.0f} s left" if left < 1e5 else ""
        bar, button = st.columns([5, 1], vertical_alignment="center")
        bar.progress(job.progress, text=words)
        button.button(
            "Stop",
            key=f"{key}_stop",
            on_click=job.stop,
            icon=":material/stop:",
            help="Ends now and keeps what was learned.",
        )
        events = list(job.events)
        figure = (
            draw(events)
            if draw
            else loss_figure(events, line_of(training.model), epochs=training.train.epochs)
        )
        chart(
            figure,
            f"{key}_live_loss",
            f"Training loss over {len(job.events)} epochs, still running.",
        )

    live()
