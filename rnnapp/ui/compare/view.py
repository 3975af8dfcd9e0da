"""What the Compare page shows.

Who is best, all curves over the actual, and the table that says so.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import streamlit as st

from rnnapp.background import BackgroundTask
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.baselines import PERSISTENCE
from rnnapp.evaluation.compare import Candidate, SeedResult, compare_nets
from rnnapp.evaluation.formatting import format_mean_and_sd, format_points, format_skill
from rnnapp.evaluation.judge import Comparison, Row, judge_results
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.compare import curves_figure
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again
from rnnapp.runs.batches import compare_runs
from rnnapp.training.backend_choice import estimate_seconds
from rnnapp.training.loop import EpochEvent
from rnnapp.ui.compare.controls import CompareRequest, CompareResult
from rnnapp.ui.compare.live import show_live_compare
from rnnapp.ui.compare.looks import seal_runs, shared_baselines, view_result
from rnnapp.ui.compare.rivals import await_rivals, rivals_control, with_rivals
from rnnapp.ui.compare.table import show_table
from rnnapp.ui.compare.tabs import TABS, show_compared_code
from rnnapp.ui.live import (
    LIVE_COMPARISON_SECONDS,
    LONG_SECONDS,
    await_kernels,
    enter_line,
    run_inline,
)
from rnnapp.ui.live_forecast import ahead_words
from rnnapp.ui.looks import seal_control
from rnnapp.ui.manager import run_manager, session_id
from rnnapp.ui.page import (
    Metric,
    chart,
    headline,
    is_dark,
    metric_row,
    notes,
    plain_text,
    quiet_line,
    show_errors,
    translated_tabs,
)
from rnnapp.ui.progress import progress_words
from rnnapp.ui.results import compute_shared, recall_result, split_key
from rnnapp.ui.tasks import (
    PageTask,
    find_task,
    show_task_progress,
    start_task,
    watch_task,
)
from rnnapp.ui.volatility import describe_volatility

__all__ = ["show_compare"]

_PLACE = "compare"
# By whether there are several nets, and several seeds.
_COMPARE = {
    (False, False): N_("Compare {nets} net over {seeds} seed"),
    (False, True): N_("Compare {nets} net over {seeds} seeds"),
    (True, False): N_("Compare {nets} nets over {seeds} seed"),
    (True, True): N_("Compare {nets} nets over {seeds} seeds"),
}


@dataclass(frozen=True, eq=False)
class _Comparing:
    """What a comparison under way is made of.

    Attributes:
        epochs: grows by one an epoch, from the trainings' threads.
        queued: whether each training is a run of the job queue.
    """

    split: PriceSplit
    request: CompareRequest
    epochs: list[int]
    queued: bool

    @property
    def progress(self) -> float:
        """Share of all epochs done, 0 to 1."""
        candidates = self.request.entries
        total = self.request.seeds * sum(entry.train.epochs for entry in candidates)
        return min(1.0, len(self.epochs) / total)


Job: TypeAlias = BackgroundTask[SeedResult, tuple[SeedResult, ...]]
CompareTask: TypeAlias = PageTask[Job, CompareResult]


def show_compare(split: PriceSplit, request: CompareRequest) -> None:
    """The page under its controls: what was compared under these settings, or the way to do it."""
    key = split_key(split, request)
    task: CompareTask | None = find_task(_PLACE, key)
    result: CompareResult | None = recall_result(key)
    seconds = _estimate_seconds(split, request)
    if result is None and task is None and seconds < LIVE_COMPARISON_SECONDS:
        with show_errors():
            result = compute_shared(key, lambda: _compare_inline(split, request))
    with st.sidebar:
        sealed = seal_control(split)
        rivals = rivals_control(split)
    if result is not None:
        if rivals:
            result = with_rivals(result)
        _show_result(view_result(result, sealed=sealed), key, rivals=rivals)
    elif task is not None:
        _show_running(task, sealed=sealed)
    else:
        _show_prices(split, request, key)


def _compare_inline(split: PriceSplit, request: CompareRequest) -> CompareResult:
    results = run_inline(lambda: compare_nets(split, request.entries, seeds=request.seeds))
    return _to_result(split, request, tuple(results))


def _to_result(
    split: PriceSplit, request: CompareRequest, results: tuple[SeedResult, ...]
) -> CompareResult:
    comparison = judge_results(split, results, baselines=shared_baselines(split))
    return CompareResult(comparison, results, split, request)


def _estimate_seconds(split: PriceSplit, request: CompareRequest) -> float:
    """How long all trainings will take side by side, about."""
    alone = sum(estimate_seconds(split, entry.model, entry.train) for entry in request.entries)
    return alone * request.seeds / (os.cpu_count() or 1)


def _start(split: PriceSplit, request: CompareRequest, key: Hashable) -> None:
    epochs: list[int] = []
    manager = run_manager()
    session = session_id()

    def count_epoch(entry: Candidate, seed: int, event: EpochEvent) -> None:
        epochs.append(event.epoch)

    def train_here(stop: threading.Event) -> Iterator[SeedResult]:
        return compare_nets(
            split, request.entries, seeds=request.seeds, stop=stop, on_event=count_epoch
        )

    def train_queued(stop: threading.Event) -> Iterator[SeedResult]:
        return compare_runs(
            manager,
            split,
            request.entries,
            seeds=request.seeds,
            stop=stop,
            on_event=count_epoch,
            session=session,
        )

    queued = _estimate_seconds(split, request) >= LONG_SECONDS
    about = _Comparing(split, request, epochs, queued)
    job: Job = BackgroundTask(
        train_queued if queued else train_here,
        result=tuple,
        total=len(request.entries) * request.seeds,
        progress=lambda: about.progress,
        name="comparison",
        turn=None if queued else enter_line(),
    )

    def collect() -> CompareResult | None:
        return _to_result(split, request, job.result()) if job.items else None

    start_task(PageTask(_PLACE, key, job, collect, about=about))


def _show_prices(split: PriceSplit, request: CompareRequest, key: Hashable) -> None:
    question = _(
        "Which net forecasts {target} of {series} best, and does any beat the last {noun}?"
    ).format(target=ahead_words(split), series=split.prices.name, noun=split.quantity.noun)
    show_live_compare(split, request.entries, request.seeds, None, question)
    nets, seeds = len(request.entries), request.seeds
    label = _(_COMPARE[nets > 1, seeds > 1]).format(nets=nets, seeds=seeds)
    if st.button(label, type="primary", icon=":material/play_arrow:", key="compare_start"):
        with show_errors():
            _start(split, request, key)
    with st.expander(_("Code"), icon=":material/code:"):
        show_compared_code(request, split)
    await_kernels(split, request.entries[0].model, request.entries[0].train)
    st.caption(
        _(
            "{count:,} windows train, {count_2:,} test. Baselines are judged beside the nets."
        ).format(count=len(split.train), count_2=len(split.test))
    )
    notes(split.notes)


def _show_running(task: CompareTask, *, sealed: bool) -> None:
    """The page fills as each training ends."""
    about: _Comparing = task.about
    rules = shared_baselines(about.split, sealed=sealed)
    judged: dict[int, Comparison] = {}

    def show() -> None:
        results: Sequence[SeedResult] = list(task.job.items)
        if sealed:
            results = seal_runs(results)
        if len(results) not in judged:
            judged[len(results)] = judge_results(about.split, results, baselines=rules)
        comparison = judged[len(results)]
        headline(comparison.verdict if results else _("The nets are learning."))
        rate = len(about.epochs) / max(task.job.seconds_spent, 1e-3)
        words = progress_words(
            _("{count} of {total} trainings").format(count=len(results), total=task.job.total),
            rate=rate,
            seconds_left=task.job.seconds_left,
            stopping=task.job.stopping,
        )
        show_task_progress(task, words)
        if about.queued:
            st.caption(
                _(
                    "This takes a while, so each training is a run of its own: "
                    "it goes on when this page is closed."
                )
            )
        chart(curves_figure(comparison, dark=is_dark()), "compare", comparison.verdict)
        if results:
            show_table(comparison, live=True)

    watch_task(task, show)


def _show_result(result: CompareResult, key: Hashable, *, rivals: bool) -> None:
    comparison, split = result.comparison, result.split
    request = result.request
    show_live_compare(
        split,
        request.entries,
        request.seeds,
        comparison,
        comparison.verdict,
        follows=not result.sealed,
    )
    if rivals and not result.rivals:
        with show_errors():
            await_rivals(split)
    with st.container(key="compare_resting"):
        _show_figures(result, key)


def _show_figures(result: CompareResult, key: Hashable) -> None:
    comparison, split = result.comparison, result.split
    if comparison.net_rows:
        metric_row(_figures(comparison.net_rows[0], comparison.find_row(PERSISTENCE)))
        luck = translate_again(result.luck)
        st.caption(f"{comparison.net_rows[0].evaluation.verdict} {luck}")
        if split.quantity.is_volatility:
            st.caption(describe_volatility(split))
    _unfinished(result, key)
    notes(split.notes)
    tabs = translated_tabs(list(TABS), key="view", in_address=True)
    for tab, show in zip(tabs, TABS.values(), strict=True):
        if tab.open:
            with tab, show_errors():
                show(result)
    quiet_line()


def _unfinished(result: CompareResult, key: Hashable) -> None:
    """Runs that broke off are result; a comparison that was stopped can be had whole."""
    for run in result.results:
        if run.error is not None:
            st.warning(plain_text(translate_again(run.error)), icon=":material/error:")
    wanted = len(result.request.entries) * result.request.seeds
    if len(result.results) < wanted:
        st.caption(
            _("Stopped after {count} of {wanted} trainings.").format(
                count=len(result.results), wanted=wanted
            )
        )
        if st.button(_("Train all of them"), icon=":material/play_arrow:", key="compare_again"):
            _start(result.split, result.request, key)


def _figures(best: Row, base: Row) -> list[Metric]:
    judged, mean = best.evaluation, best.mean
    low, high = judged.directional_interval
    right = mean["directional_accuracy"]
    figures = [
        Metric(
            _("{metric}, {unit}").format(metric=label, unit=judged.quantity.error_unit),
            format_points(mean[name]),
            _("persistence {mean}").format(mean=format_points(base.mean[name])),
            mean[name] < base.mean[name],
            _over(best, name),
            name,
        )
        for label, name in (("RMSE", "rmse"), ("MAE", "mae"))
    ]
    return [
        *figures,
        Metric(
            _("Skill"),
            format_skill(mean["skill"]),
            _("persistence 0%"),
            mean["skill"] > 0,
            _("1 − RMSE / persistence's RMSE."),
            "skill",
        ),
        Metric(
            _("Direction right"),
            f"{right:.1%}",
            _("always up {base_rate:.1%}").format(base_rate=judged.base_rate),
            right > judged.base_rate,
            _("95% interval {low:.0%} to {high:.0%}, {still_days} still days left out.").format(
                low=low, high=high, still_days=judged.still_days
            ),
            "direction",
        ),
        Metric(
            _("Rank"),
            f"{best.rank}",
            _("persistence {rank}").format(rank=base.rank),
            best.rank < base.rank,
            _("Of nets and baselines, by mean RMSE."),
            "rank",
        ),
    ]


def _over(row: Row, name: str) -> str:
    error = format_mean_and_sd(row.mean[name], row.sd[name])
    return _("{name} on test: {error}, mean and sd over seeds.").format(
        name=shown_name(row.name), error=error
    )
