"""Batches of trainings on the job queue: the seeds of a comparison, the folds of a walk-forward.

The seeds of a comparison are runs like any other. Each is in the history; a comparison that is
started again uses those that are there, resumes those that were cut short, and trains only the
rest. A fold is a part of one answer and no run.
"""

from __future__ import annotations

import dataclasses
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from queue import Empty, SimpleQueue

from rnnapp.configs import Settings, TrainConfig
from rnnapp.data.windows import PriceSplit
from rnnapp.errors import QueueFullError, RunError
from rnnapp.evaluation.compare import Candidate, SeedResult, seed_result, split_for
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.walkforward import Fold, fold_splits, judged_fold
from rnnapp.language import gettext as _
from rnnapp.runs.history.records import RESUMABLE, Run
from rnnapp.runs.jobs.queue import JobHandle, JobQueue, QueueStatus
from rnnapp.runs.jobs.worker import JobContext
from rnnapp.runs.loading import load_run
from rnnapp.runs.manager import RunManager
from rnnapp.training.loop import Training
from rnnapp.training.records import EpochEvent

__all__ = ["compare_runs", "fit_fold", "walk_runs"]

_CHECK_EVERY = 0.3  # seconds between two looks at runs under way
_WHOLE = ("finished", "early stopping", "diverged")
_AHEAD = 2  # jobs submitted beyond the free slots, so that no worker waits
OnEvent = Callable[[Candidate, int, EpochEvent], None]
FitFold = Callable[[JobContext, Candidate, PriceSplit], Forecast]


def compare_runs(
    manager: RunManager,
    split: PriceSplit,
    entries: Sequence[Candidate],
    *,
    seeds: int,
    stop: threading.Event,
    on_event: OnEvent,
    session: str = "",
) -> Iterator[SeedResult]:
    """As :func:`rnnapp.evaluation.compare.compare`, each training a run of its own.

    Args:
        manager: where runs are submitted; a run with the same data and settings is not trained
            again.
        split: the days the nets are compared on.
        entries: nets with their settings.
        seeds: runs of each, counting up from each entry's seed.
        stop: set it to end soon; runs under way are stopped and can be resumed.
        on_event: called with each epoch of each run.
        session: who submits the runs.

    Raises:
        RunError: the history does not answer, or a run broke off.
    """
    comparison = _Comparison(manager, split, entries, seeds, on_event, session)
    while comparison.waiting or comparison.active:
        if not stop.is_set():
            comparison.submit_runs()
        for run_id in list(comparison.active):
            result = comparison.follow_run(run_id, stopping=stop.is_set())
            if result is not None:
                yield result
        if stop.is_set() and not comparison.active:
            return
        time.sleep(_CHECK_EVERY)


@dataclass
class _SeedRun:
    """A run of a comparison under way; ``reported`` counts the epochs that were passed on."""

    entry: Candidate
    seed: int
    reported: int = 0


class _Comparison:
    """The runs of one comparison: those that wait and those under way."""

    def __init__(
        self,
        manager: RunManager,
        split: PriceSplit,
        entries: Sequence[Candidate],
        seeds: int,
        on_event: OnEvent,
        session: str,
    ) -> None:
        self._manager = manager
        self._split = split
        self._splits = {entry: split_for(entry, split) for entry in entries}
        self._known = _find_matching_runs(manager.list_runs(), split)
        self._on_event = on_event
        self._session = session
        self.waiting: list[tuple[Candidate, TrainConfig]] = [
            (entry, dataclasses.replace(entry.train, seed=entry.train.seed + number))
            for number in range(seeds)
            for entry in entries
        ]
        self.active: dict[str, _SeedRun] = {}

    def submit_runs(self) -> None:
        """Submit as many runs as there are slots, and a few more."""
        while self.waiting and len(self.active) < _count_slots(self._manager.queue_status):
            entry, train = self.waiting[0]
            settings = Settings(entry.model, train, window=self._splits[entry].config)
            try:
                run_id = self._begin_run(settings, entry.name)
            except QueueFullError:
                if not self.active:
                    raise
                return  # there is room again when one of these has ended
            self.waiting.pop(0)
            self.active[run_id] = _SeedRun(entry, train.seed)

    def _begin_run(self, settings: Settings, name: str) -> str:
        """The id of a run that is there, of one resumed, or of a new one."""
        known = self._known.get(settings)
        if known is not None:
            if known.status not in _WHOLE:
                self._manager.resume_run(known.id, session=self._session)
            return known.id
        prices = self._split.prices
        return self._manager.submit_run(
            f"{name} on {prices.name}, seed {settings.train.seed}",
            settings,
            prices=prices,
            source=prices.name,
            session=self._session,
        )

    def follow_run(self, run_id: str, *, stopping: bool) -> SeedResult | None:
        """Pass on new epochs of a run; returns its result, None before its end or if it was
        stopped.

        Raises:
            RunError: it broke off.
        """
        seed_run = self.active[run_id]
        live = self._manager.live_run(run_id)
        if live is None:
            del self.active[run_id]
            return self._collect_result(run_id, seed_run)
        self._pass_on(seed_run, live.events)
        if stopping and not live.stopping:
            self._manager.stop_run(run_id)
        return None

    def _collect_result(self, run_id: str, seed_run: _SeedRun) -> SeedResult | None:
        loaded = load_run(self._manager.store, run_id)
        run = loaded.run
        if run.status in ("stopped", "interrupted"):
            return None
        if loaded.trained is None:
            if run.message:
                raise RunError(run.message)
            raise RunError(
                _("The run {name} is {status}.").format(name=run.name, status=run.status),
                remedy=_("Resume it on the Runs page."),
            )
        self._pass_on(seed_run, loaded.history)
        return seed_result(seed_run.entry, self._splits[seed_run.entry], loaded.trained)

    def _pass_on(self, seed_run: _SeedRun, events: Sequence[EpochEvent]) -> None:
        for event in events[seed_run.reported :]:
            self._on_event(seed_run.entry, seed_run.seed, event)
        seed_run.reported = max(seed_run.reported, len(events))


def _find_matching_runs(runs: Sequence[Run], split: PriceSplit) -> dict[Settings, Run]:
    """Runs on the same data, by their settings; a whole one before one that was cut short."""
    same = [run for run in runs if run.fingerprint == split.prices.fingerprint]
    cut_short = {run.settings: run for run in same if run.status in RESUMABLE}
    return cut_short | {run.settings: run for run in same if run.status in _WHOLE}


def _count_slots(status: QueueStatus) -> int:
    """Jobs to have submitted at once."""
    return max(1, status.slots) + _AHEAD


def walk_runs(
    queue: JobQueue,
    split: PriceSplit,
    entries: Sequence[Candidate],
    *,
    folds: int,
    step: int,
    stop: threading.Event,
    session: str = "",
    person: str = "",
    fit: FitFold | None = None,
) -> Iterator[tuple[str, Fold]]:
    """Walk forward with every net, folds side by side on the workers; yields each as it ends.

    Args:
        queue: where the trainings run.
        split: the table and the days.
        entries: nets with their settings.
        folds, step: origins, and days each fold is judged on.
        stop: set it to end soon; folds under way are dropped.
        session: where the jobs are submitted.
        person: who submits them.
        fit: trains a fold on a worker; :func:`fit_fold` where it is not given.

    Raises:
        TooFewRowsError: the table is too short for that many folds.
        Exception: what a training broke off with.
    """
    ended: SimpleQueue[JobHandle] = SimpleQueue()
    waiting = [
        (entry, number, piece)
        for entry in entries
        for number, piece in enumerate(
            fold_splits(split.prices, split_for(entry, split).config, folds=folds, step=step)
        )
    ]
    active: dict[str, tuple[JobHandle, Candidate, int, PriceSplit]] = {}
    try:
        while waiting or active:
            while waiting and len(active) < _count_slots(queue.status):
                entry, number, piece = waiting.pop(0)
                handle = queue.submit_job(
                    fit or fit_fold,
                    entry,
                    piece,
                    session=session,
                    person=person,
                    on_end=ended.put,
                )
                active[handle.key] = (handle, entry, number, piece)
            if stop.is_set():
                return
            with suppress(Empty):
                handle = ended.get(timeout=_CHECK_EVERY)
                _unused, entry, number, piece = active.pop(handle.key)
                if handle.error is not None:
                    raise handle.error
                yield entry.name, judged_fold(number, piece, handle.result)
    finally:
        for handle, *_others in active.values():
            queue.stop_job(handle)


def fit_fold(context: JobContext, entry: Candidate, split: PriceSplit) -> Forecast:
    """Train on a fold and forecast all of it; this runs on a worker."""
    training = Training(split, entry.model, entry.train)
    for _unused in training.epochs():
        if context.stop_requested.is_set() or context.orphaned:
            training.stop()
    return forecast(training.result(), split, entry.name)
