"""What the Compare page shows: who is best, all curves over the actual, and the table that says so."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.background import BackgroundStream
from rnnapp.evaluation.baselines import PERSISTENCE, make_baselines
from rnnapp.evaluation.compare import Candidate, SeedResult, compare_nets
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import format_mean_and_sd, format_points
from rnnapp.evaluation.judge import Comparison, Row, judge_results
from rnnapp.figures.compare import curves_figure
from rnnapp.figures.forecast import price_figure
from rnnapp.runs.batches import compare_runs
from rnnapp.training.backend_choice import estimate_seconds
from rnnapp.training.loop import EpochEvent
from rnnapp.ui.address import publish_word, seed_word
from rnnapp.ui.compare.controls import Asked, Told
from rnnapp.ui.compare.table import show_table
from rnnapp.ui.compare.tabs import TABS
from rnnapp.ui.live import LIVE_SECONDS, LONG_SECONDS, at_once, await_kernels
from rnnapp.ui.manager import desk, refresh, session
from rnnapp.ui.page import (
    Figure,
    answer,
    chart,
    figures_row,
    is_dark,
    notes,
    plain_text,
    quiet_line,
    sentences,
)
from rnnapp.ui.results import forget, once, recall, remember, share, split_key, under_way

__all__ = ["show_compare"]

_JOB = "_compare_job"
_LOOK_EVERY = 0.7  # seconds between two looks at running trainings
_RANGES = {"3M": 91, "6M": 183, "1Y": 365, "all": None}


@dataclass(frozen=True, eq=False)
class _Job:
    """Trainings under way."""

    key: Hashable
    split: PriceSplit
    asked: Asked
    stream: BackgroundStream[SeedResult]
    epochs: list[int]
    started: float
    kept: bool

    @property
    def share(self) -> float:
        """Share of all epochs done, 0 to 1."""
        wanted = self.asked.seeds * sum(entry.train.epochs for entry in self.asked.entries)
        return min(1.0, len(self.epochs) / wanted)


def show_compare(split: PriceSplit, asked: Asked) -> None:
    """The page under its controls: what was compared under these settings, or the way to do it."""
    key = split_key(split, asked)
    running = _running(key)
    told: Told | None = recall(key)
    if told is None and running is None and _seconds(split, asked) < LIVE_SECONDS:
        with sentences():
            told = once(key, lambda: _compare(split, asked))
    if running is not None:
        _during(running)
    elif told is None:
        _before(split, asked, key)
    else:
        _after(told, key)


def _compare(split: PriceSplit, asked: Asked) -> Told:
    results = tuple(at_once(lambda: compare_nets(split, asked.entries, seeds=asked.seeds)))
    return Told(judge_results(split, results, baselines=_rules(split)), results, split, asked)


def _seconds(split: PriceSplit, asked: Asked) -> float:
    """How long all trainings will take side by side, about."""
    alone = sum(estimate_seconds(split, entry.model, entry.train) for entry in asked.entries)
    return alone * asked.seeds / (os.cpu_count() or 1)


def _rules(split: PriceSplit) -> Sequence[Forecast]:
    """The baselines of a split; they do not hang on the nets."""
    return once(split_key(split, "baselines"), lambda: make_baselines(split))


def _running(key: Hashable) -> _Job | None:
    """The trainings under way, here or for these settings in another tab; ended ones are turned into a result first."""
    job: _Job | None = under_way(_JOB, key)
    if job is None or not job.stream.done:
        return job
    st.session_state.pop(_JOB, None)
    if job.kept:
        refresh()
    if job.stream.error is not None:
        st.error(plain_text(str(job.stream.error)), icon=":material/error:")
    if job.stream.items:
        results = tuple(job.stream.items)
        remember(
            job.key,
            Told(
                judge_results(job.split, results, baselines=_rules(job.split)),
                results,
                job.split,
                job.asked,
            ),
        )
    else:
        forget(job.key)
    return None


def _start(split: PriceSplit, asked: Asked, key: Hashable) -> None:
    epochs: list[int] = []  # grows by one an epoch, from the trainings' threads

    def hear(entry: Candidate, seed: int, event: EpochEvent) -> None:
        epochs.append(event.epoch)

    where, whose = desk(), session()

    def kept_runs(stop: threading.Event) -> Iterator[SeedResult]:
        return compare_runs(
            where, split, asked.entries, seeds=asked.seeds, stop=stop, on_event=hear, session=whose
        )

    def runs(stop: threading.Event) -> Iterator[SeedResult]:
        return compare_nets(split, asked.entries, seeds=asked.seeds, stop=stop, on_event=hear)

    long = _seconds(split, asked) >= LONG_SECONDS
    stream = BackgroundStream(kept_runs if long else runs, len(asked.entries) * asked.seeds)
    st.session_state[_JOB] = share(
        key, _Job(key, split, asked, stream, epochs, time.monotonic(), kept=long)
    )
    st.rerun()


def _before(split: PriceSplit, asked: Asked, key: Hashable) -> None:
    days = (
        "tomorrow's close"
        if split.config.horizon == 1
        else f"the close {split.config.horizon} days ahead"
    )
    answer(
        f"Which net forecasts {days} of {split.prices.name} best, and does any beat the last close?"
    )
    chart(
        price_figure(split, is_dark()),
        "compare",
        f"Closing prices of {split.prices.name}; the test part begins on {_day(split)}.",
    )
    nets, seeds = len(asked.entries), asked.seeds
    label = f"Compare {nets} net{'s' * (nets > 1)} over {seeds} seed{'s' * (seeds > 1)}"
    if st.button(label, type="primary", icon=":material/play_arrow:", key="compare_start"):
        with sentences():
            _start(split, asked, key)
    await_kernels(split, asked.entries[0].model, asked.entries[0].train)
    st.caption(
        f"{len(split.train):,} windows train, {len(split.test):,} test. Five baselines are judged beside the nets."
    )
    notes(split.notes)


def _during(job: _Job) -> None:
    """The page fills as each training ends."""
    rules = _rules(job.split)
    judged: dict[int, Comparison] = {}

    @st.fragment(run_every=_LOOK_EVERY)
    def live() -> None:
        stream = job.stream
        if stream.done:
            st.rerun()
        results = list(stream.items)
        if len(results) not in judged:
            judged[len(results)] = judge_results(job.split, results, baselines=rules)
        comparison = judged[len(results)]
        answer(comparison.verdict if results else "The nets are learning.")
        _progress(job)
        if job.kept:
            st.caption(
                "This takes a while, so each training is a run of its own: it goes on when this page is closed."
            )
        _chart(comparison, "all")
        if results:
            show_table(comparison, live=True)

    live()


def _progress(job: _Job) -> None:
    stream, share, spent = job.stream, job.share, time.monotonic() - job.started
    words = f"{len(stream.items)} of {stream.total} trainings"
    if share:
        words += f", {len(job.epochs) / spent:,.0f} epochs a second, about {spent * (1 - share) / share:,.0f} s left"
    bar, button = st.columns([5, 1], vertical_alignment="center")
    bar.progress(share, text="Stopping" if stream.stopped else words)
    button.button(
        "Stop",
        key="compare_stop",
        on_click=stream.stop,
        icon=":material/stop:",
        help="Ends now and keeps what is done.",
    )


def _after(told: Told, key: Hashable) -> None:
    comparison, split = told.comparison, told.split
    answer(comparison.verdict)
    _ranged_chart(comparison)
    if comparison.net_rows:
        figures_row(_figures(comparison.net_rows[0], comparison.find_row(PERSISTENCE)))
        st.caption(comparison.net_rows[0].evaluation.verdict)
    _unfinished(told, key)
    notes(split.notes)
    first = next(iter(TABS))
    seed_word("view", tuple(TABS), first)
    tabs = st.tabs(list(TABS), key="view", on_change="rerun")
    publish_word("view", str(st.session_state["view"]), first)
    for tab, show in zip(tabs, TABS.values(), strict=True):
        if tab.open:
            with tab, sentences():
                show(told)
    quiet_line()


def _unfinished(told: Told, key: Hashable) -> None:
    """Runs that broke off are told; a comparison that was stopped can be had whole."""
    for result in told.results:
        if result.error is not None:
            st.warning(plain_text(result.error), icon=":material/error:")
    wanted = len(told.asked.entries) * told.asked.seeds
    if len(told.results) < wanted:
        st.caption(f"Stopped after {len(told.results)} of {wanted} trainings.")
        if st.button("Train all of them", icon=":material/play_arrow:", key="compare_again"):
            _start(told.split, told.asked, key)


@st.fragment
def _ranged_chart(comparison: Comparison) -> None:
    _chart(
        comparison,
        st.segmented_control(
            "Range",
            list(_RANGES),
            default="all",
            key="range",
            required=True,
            label_visibility="collapsed",
        ),
    )


def _chart(comparison: Comparison, chosen: str) -> None:
    days = _RANGES[chosen]
    forecast = comparison.rows[0].forecast
    first = None if days is None else forecast.dates[-1] - np.timedelta64(days, "D")
    names = ", ".join(row.name for row in comparison.net_rows)
    curves = f"the forecasts of {names or 'the baselines'}"
    alt = f"Actual close with {curves} over it; bands are the spread of the seeds. {comparison.verdict}"
    chart(curves_figure(comparison, dark=is_dark(), first=first), "compare", alt)


def _figures(best: Row, base: Row) -> list[Figure]:
    judged, mean = best.evaluation, best.mean
    low, high = judged.directional_interval
    right = mean["directional_accuracy"]
    figures = [
        Figure(
            f"{label}, points", format_points(mean[name]), f"persistence {format_points(base.mean[name])}", mean[name] < base.mean[name],
            _over(best, name),
        )
        for label, name in (("RMSE", "rmse"), ("MAE", "mae"))
    ]  # fmt: skip
    return [
        *figures,
        Figure("Skill", f"{mean['skill']:+.1%}", "persistence 0%", mean["skill"] > 0, "1 − RMSE / persistence's RMSE."),
        Figure(
            "Direction right", f"{right:.1%}", f"always up {judged.base_rate:.1%}", right > judged.base_rate,
            f"95% interval {low:.0%} to {high:.0%}, {judged.still_days} still days left out.",
        ),
        Figure("Rank", f"{best.rank}", f"persistence {base.rank}", best.rank < base.rank, "Of nets and baselines, by mean RMSE."),
    ]  # fmt: skip


def _over(row: Row, name: str) -> str:
    error = format_mean_and_sd(row.mean[name], row.sd[name])
    return f"{row.name} on test: {error}, mean and sd over seeds."


def _day(split: PriceSplit) -> str:
    return str(np.datetime_as_string(split.boundary, unit="D"))
