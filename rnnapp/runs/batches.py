"""Many long trainings that belong together, through the job engine: the seeds of a comparison, the folds of a walk-forward.

The seeds of a comparison are runs like any other: each is in the history, and a comparison asked for again takes those that
are there, goes on with those that were cut short, and trains only the rest. A fold is a piece of one answer and no run.
"""

from __future__ import annotations

import contextlib
import dataclasses
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence

from rnnapp.configs import Settings
from rnnapp.data.windows import PriceSplit
from rnnapp.errors import RunError
from rnnapp.evaluation.compare import Candidate, SeedResult, seed_result, split_for
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.walkforward import Fold, fold_splits, judged_fold
from rnnapp.runs.history.artifacts import open_run
from rnnapp.runs.history.records import RESUMABLE, Run
from rnnapp.runs.jobs.queue import Engine, Ticket
from rnnapp.runs.jobs.worker import Line
from rnnapp.runs.manager import Desk
from rnnapp.training.loop import EpochEvent, Training

__all__ = ["compare_runs", "fit_fold", "walk_runs"]

_LOOK_EVERY = 0.3  # seconds between two looks at runs under way
_WHOLE = ("finished", "early stopping", "diverged")
_AHEAD = 2  # runs handed in beyond those that have a place, so that no worker waits


def compare_runs(
    desk: Desk,
    split: PriceSplit,
    entries: Sequence[Candidate],
    *,
    seeds: int,
    stop: threading.Event,
    on_event: Callable[[Candidate, int, EpochEvent], None],
    session: str = "",
) -> Iterator[SeedResult]:
    """As :func:`rnnapp.evaluation.compare.compare`, each training a run of its own.

    Args:
        desk: where runs are handed in; a run it knows with the same data and settings is not trained again.
        split: the days the nets are compared on.
        entries: nets with their settings.
        seeds: runs of each, counting up from each entry's seed.
        stop: set it to end soon; runs in hand are stopped and can be resumed.
        on_event: called with each epoch of each run.
        session: whose the runs are.

    Raises:
        RunError: the history does not answer, or a run broke off.
    """
    known = _known(desk.runs(), split)
    splits = {entry: split_for(entry, split) for entry in entries}
    waiting = [
        (entry, dataclasses.replace(entry.train, seed=entry.train.seed + number))
        for number in range(seeds)
        for entry in entries
    ]
    under_way: dict[str, tuple[Candidate, int, int]] = {}  # by run: whose, which seed, epochs told
    while waiting or under_way:
        while waiting and not stop.is_set() and len(under_way) < max(1, desk.load.workers) + _AHEAD:
            entry, train = waiting.pop(0)
            settings = Settings(entry.model, train, window=splits[entry].config)
            under_way[_begin(desk, settings, known.get(settings), split, entry.name, session)] = (
                entry,
                train.seed,
                0,
            )
        for run_id, (entry, seed, told) in list(under_way.items()):
            live = desk.live(run_id)
            if live is not None:
                for event in live.events[told:]:
                    on_event(entry, seed, event)
                under_way[run_id] = (entry, seed, len(live.events))
                if stop.is_set() and not live.stopping:
                    desk.stop(run_id)
                continue
            del under_way[run_id]
            if (result := _result(desk, run_id, entry, splits[entry], told, on_event)) is not None:
                yield result
        if stop.is_set() and not under_way:
            return
        time.sleep(_LOOK_EVERY)


def _known(runs: Sequence[Run], split: PriceSplit) -> dict[Settings, Run]:
    """The history's runs on the same data, by their settings; a whole one before one that was cut short."""
    same = [run for run in runs if run.fingerprint == split.prices.fingerprint]
    cut_short = {run.settings: run for run in same if run.status in RESUMABLE}
    return cut_short | {run.settings: run for run in same if run.status in _WHOLE}


def _begin(
    desk: Desk, settings: Settings, known: Run | None, split: PriceSplit, name: str, session: str
) -> str:
    """The run's id: one that is there, one gone on with, or a new one."""
    if known is not None:
        if known.status not in _WHOLE:
            desk.resume(known.id, session=session)
        return known.id
    title = f"{name} on {split.prices.name}, seed {settings.train.seed}"
    return desk.submit(
        title, settings, prices=split.prices, source=split.prices.name, session=session
    )


def _result(
    desk: Desk,
    run_id: str,
    entry: Candidate,
    split: PriceSplit,
    told: int,
    on_event: Callable[[Candidate, int, EpochEvent], None],
) -> SeedResult | None:
    """What a run ended with; None for one that was stopped.

    Raises:
        RunError: it broke off.
    """
    found = open_run(desk.store, run_id)
    if found.run.status in ("stopped", "interrupted"):
        return None
    if found.trained is None:
        raise RunError(
            found.run.message
            or f"The run {found.run.name} is {found.run.status}; resume it on the Runs page."
        )
    for event in found.history[told:]:
        on_event(entry, found.run.settings.train.seed, event)
    return seed_result(entry, split, found.trained)


def walk_runs(
    engine: Engine,
    split: PriceSplit,
    entries: Sequence[Candidate],
    *,
    folds: int,
    step: int,
    stop: threading.Event,
    session: str = "",
) -> Iterator[tuple[str, Fold]]:
    """Walk forward with every net, the folds side by side on the engine's workers; gives each fold as it ends.

    Args:
        engine: where the trainings run.
        split: names the table and the days.
        entries: nets with their settings.
        folds, step: origins, and days each fold is judged on.
        stop: set it to end soon; folds in hand are dropped.
        session: whose the jobs are.

    Raises:
        TooFewRowsError: the table is too short for that many folds.
        Exception: what a training broke off with.
    """
    ended: queue.SimpleQueue[Ticket] = queue.SimpleQueue()
    pieces = [
        (entry, number, piece)
        for entry in entries
        for number, piece in enumerate(
            fold_splits(split.prices, split_for(entry, split).config, folds=folds, step=step)
        )
    ]
    tickets: dict[str, tuple[Ticket, Candidate, int, PriceSplit]] = {}
    try:
        while pieces or tickets:
            while pieces and len(tickets) < max(1, engine.load.workers) + _AHEAD:
                entry, number, piece = pieces.pop(0)
                ticket = engine.submit(fit_fold, entry, piece, session=session, on_end=ended.put)
                tickets[ticket.key] = (ticket, entry, number, piece)
            if stop.is_set():
                return
            with contextlib.suppress(queue.Empty):
                ticket = ended.get(timeout=_LOOK_EVERY)
                _, entry, number, piece = tickets.pop(ticket.key)
                if ticket.error is not None:
                    raise ticket.error
                yield entry.name, judged_fold(number, piece, ticket.result)
    finally:
        for ticket, *_ in tickets.values():
            engine.stop(ticket)


def fit_fold(line: Line, entry: Candidate, split: PriceSplit) -> Forecast:
    """Train on a fold and forecast all of it; this runs on a worker."""
    training = Training(split, entry.model, entry.train)
    for _ in training.epochs():
        if line.stopping.is_set() or line.abandoned:
            training.stop()
    return forecast(training.result(), split, entry.name)
