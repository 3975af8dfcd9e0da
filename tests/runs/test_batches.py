"""The seeds of a comparison as runs, and the folds of a walk on the job queue.

The same answers as in place.
"""

from __future__ import annotations

import dataclasses
import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.errors import TrainingError
from rnnapp.evaluation.compare import Candidate, compare_nets, make_candidates
from rnnapp.evaluation.forecast import forecast
from rnnapp.evaluation.walkforward import walk_forward
from rnnapp.runs.batches import compare_runs, fit_fold, walk_runs
from rnnapp.runs.history.store import RunStore
from rnnapp.runs.jobs.queue import JobQueue
from rnnapp.runs.manager import RunManager
from rnnapp.training.loop import Training
from tests.runs import work
from tests.support import random_walk

pytestmark = pytest.mark.faults

WINDOW = WindowConfig(window=4)
TRAIN = TrainConfig(epochs=6, device="cpu", backend="torch", seed=5)


@pytest.fixture
def manager(home: Path, queue: JobQueue) -> Iterator[RunManager]:
    made = RunManager(RunStore(), queue)
    yield made
    made.detach()


@pytest.fixture
def split() -> PriceSplit:
    return make_split(random_walk(120), WINDOW)


@pytest.fixture
def entries() -> tuple[Candidate, ...]:
    return make_candidates(
        [ModelConfig(cell="rnn", hidden=3), ModelConfig(cell="gru", hidden=3)], WINDOW, TRAIN
    )


def quiet(*_: object) -> None:
    """Nobody listens to the epochs."""


def test_runs_give_the_results_of_a_comparison_in_place_and_are_recorded(
    manager: RunManager, split: PriceSplit, entries: tuple[Candidate, ...]
) -> None:
    heard: list[tuple[str, int, int]] = []
    results = list(
        compare_runs(
            manager,
            split,
            entries,
            seeds=2,
            stop=threading.Event(),
            session="me",
            on_event=lambda entry, seed, event: heard.append((entry.name, seed, event.epoch)),
        )
    )
    here = {(r.candidate.name, r.seed): r.forecast for r in compare_nets(split, entries, seeds=2)}
    assert (
        {(r.candidate.name, r.seed) for r in results}
        == set(here)
        == {("RNN", 5), ("RNN", 6), ("GRU", 5), ("GRU", 6)}
    )
    for result in results:
        there = here[result.candidate.name, result.seed]
        assert result.forecast is not None
        assert there is not None
        np.testing.assert_array_equal(result.forecast.predicted, there.predicted)
    assert sorted(heard) == sorted(
        (name, seed, epoch) for name, seed in here for epoch in range(6)
    ), "each epoch is reported once"
    runs = manager.list_runs()
    assert {run.name for run in runs} == {
        f"{net} on {split.prices.name}, seed {seed}" for net in ("RNN", "GRU") for seed in (5, 6)
    }
    assert {run.status for run in runs} == {"finished"}


def test_what_the_history_has_is_not_trained_again(
    manager: RunManager, split: PriceSplit, entries: tuple[Candidate, ...]
) -> None:
    first = list(
        compare_runs(manager, split, entries, seeds=1, stop=threading.Event(), on_event=quiet)
    )
    known = {run.id for run in manager.list_runs()}
    more = list(
        compare_runs(manager, split, entries, seeds=2, stop=threading.Event(), on_event=quiet)
    )
    assert len(first) == 2
    assert len(more) == 4
    assert known < {run.id for run in manager.list_runs()}
    assert len(manager.list_runs()) == 4, "two were there, two are new"


def test_a_stopped_comparison_goes_on_where_it_was(
    manager: RunManager, split: PriceSplit, entries: tuple[Candidate, ...]
) -> None:
    slow = RunManager(manager.store, manager.queue, work=work.slow_train)
    long = tuple(
        dataclasses.replace(entry, train=dataclasses.replace(entry.train, epochs=150))
        for entry in entries
    )
    stop = threading.Event()

    def stop_soon(entry: Candidate, seed: int, event: object) -> None:
        stop.set()

    assert list(compare_runs(slow, split, long, seeds=1, stop=stop, on_event=stop_soon)) == []
    assert {run.status for run in manager.list_runs()} == {"stopped"}
    results = list(compare_runs(slow, split, long, seeds=1, stop=threading.Event(), on_event=quiet))
    slow.detach()
    assert sorted(len(result.trained.history) for result in results) == [150, 150]
    assert len(manager.list_runs()) == 2, "the stopped runs were gone on with"
    here = {r.candidate.name: r.forecast for r in compare_nets(split, long, seeds=1)}
    for result in results:
        np.testing.assert_array_equal(
            result.forecast.predicted, here[result.candidate.name].predicted
        )  # type: ignore[union-attr]


def test_folds_on_the_queue_are_the_folds_in_place(
    queue: JobQueue, split: PriceSplit, entries: tuple[Candidate, ...]
) -> None:
    walked = list(walk_runs(queue, split, entries, folds=3, step=10, stop=threading.Event()))
    assert len(walked) == 6
    for entry in entries:
        here = walk_forward(
            split.prices,
            WINDOW,
            lambda piece, entry=entry: fit_here(piece, entry),
            folds=3,
            step=10,
        )
        there = sorted(
            (fold for name, fold in walked if name == entry.name), key=lambda fold: fold.number
        )
        for one, other in zip(here, there, strict=True):
            assert (one.number, one.trained, one.gap) == (other.number, other.trained, other.gap)
            np.testing.assert_array_equal(one.forecast.predicted, other.forecast.predicted)


def fit_here(split: PriceSplit, entry: Candidate) -> object:
    training = Training(split, entry.model, entry.train)
    for _ in training.epochs():
        pass
    return forecast(training.result(), split, entry.name)


def test_a_walk_that_is_stopped_or_breaks_off(
    queue: JobQueue,
    split: PriceSplit,
    entries: tuple[Candidate, ...],
) -> None:
    stop = threading.Event()
    stop.set()
    assert list(walk_runs(queue, split, entries, folds=2, step=10, stop=stop)) == []
    with pytest.raises(TrainingError, match="The fold has its own sentence"):
        list(
            walk_runs(
                queue,
                split,
                entries,
                folds=2,
                step=10,
                stop=threading.Event(),
                fit=work.broken_fold,
            )
        )


def test_a_fold_requested_to_stop_ends_early(
    split: PriceSplit, entries: tuple[Candidate, ...]
) -> None:
    context = work.RecordingContext()
    context.stop_requested.set()
    predicted = fit_fold(context, entries[0], split)
    assert len(predicted.predicted) == len(split.train) + len(split.test)
