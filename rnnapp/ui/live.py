"""Watch a training while it runs: a loss chart that grows, speed, time left, and a way to stop."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

import plotly.graph_objects as go
import streamlit as st

from rnnapp.data.sequences import Split
from rnnapp.figures.forecast import loss_figure
from rnnapp.figures.style import line_of
from rnnapp.training.background import BackgroundTraining
from rnnapp.training.loop import EpochEvent
from rnnapp.ui.page import chart

__all__ = ["LIVE_SECONDS", "LONG_SECONDS", "forget", "recall", "remember", "share", "shared", "split_key", "under_way", "watch"]

LIVE_SECONDS = 0.5
"""A training that takes less is run at once, whenever a control moves."""
LONG_SECONDS = 5.0
"""A training that takes more becomes a run of the job engine."""
_KEPT = 24
_SHARED = 16
_LOOK_EVERY = 0.5  # seconds between two looks at a running training


def watch(job: BackgroundTraining, key: str, draw: Callable[[list[EpochEvent]], go.Figure] | None = None) -> None:
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
        words += f", {rate:,.1f} epochs a second" if rate >= 0.05 else f", {speed:,.0f} steps a second" if rate else ""
        words += f", about {left:,.0f} s left" if left < 1e5 else ""
        bar, button = st.columns([5, 1], vertical_alignment="center")
        bar.progress(job.progress, text=words)
        button.button(
            "Stop", key=f"{key}_stop", on_click=job.stop, icon=":material/stop:", help="Ends now and keeps what was learned."
        )
        events = list(job.events)
        figure = draw(events) if draw else loss_figure(events, line_of(training.model), epochs=training.train.epochs)
        chart(figure, f"{key}_live_loss", f"Training loss over {len(job.events)} epochs, still running.")

    live()


def recall(key: Hashable) -> Any | None:
    """What this session computed under these settings, if it still has it: going back is immediate."""
    kept: OrderedDict[Hashable, Any] = st.session_state.setdefault("_results", OrderedDict())
    if key in kept:
        kept.move_to_end(key)
    return kept.get(key)


def remember(key: Hashable, value: Any) -> Any:
    """Keep a result under its settings; the oldest goes when there are too many."""
    kept: OrderedDict[Hashable, Any] = st.session_state.setdefault("_results", OrderedDict())
    kept[key] = value
    while len(kept) > _KEPT:
        kept.popitem(last=False)
    return value


def share(key: Hashable, job: Any) -> Any:
    """Let every tab that asks for these settings find what is under way for them, a reloaded one too."""
    jobs = _jobs()
    jobs[key] = job
    while len(jobs) > _SHARED:
        jobs.popitem(last=False)
    return job


def shared(key: Hashable) -> Any | None:
    """What is under way for these settings, or has ended of late, in whatever tab it was begun."""
    return _jobs().get(key)


def under_way(place: str, key: Hashable) -> Any | None:
    """What this session began at ``place``, else what is shared for these settings while they have no result."""
    return st.session_state.get(place) or (shared(key) if recall(key) is None else None)


def forget(key: Hashable) -> None:
    """Share no more what has ended with nothing to show: it can be begun again, and its error is told once."""
    _jobs().pop(key, None)


@st.cache_resource(show_spinner=False)
def _jobs() -> OrderedDict[Hashable, Any]:
    return OrderedDict()


def split_key(split: Split, *settings: Hashable) -> Hashable:
    """What makes two runs the same: the data and every setting."""
    return (getattr(getattr(split, "prices", None), "fingerprint", None), getattr(split, "config", None), *settings)
