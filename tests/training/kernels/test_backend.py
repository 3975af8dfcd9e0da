"""The compiled backend's door, its state, and what it does where the disk or the numbers fail."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import torch

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import Sequences, Split
from rnnapp.errors import TrainingError
from rnnapp.training.kernels.backend import (
    CompiledBackend,
    unsupported_reason,
)
from tests.training.samples import classes, regression

MODEL, TRAIN = ModelConfig(cell="gru", hidden=6, layers=2), TrainConfig(batch=16, device="cpu")


def run(backend: CompiledBackend, epochs: int = 4, first: int = 0, lr: float = 5e-3) -> np.ndarray:
    order = np.stack([np.random.default_rng(first + e).permutation(40) for e in range(epochs)])
    return backend.run_epochs(order, np.full((epochs, 3), lr)).losses


def with_train(split: Split, **changes: object) -> Split:
    return dataclasses.replace(split, train=dataclasses.replace(split.train, **changes))


def test_same_start_and_orders_give_the_same_bits() -> None:
    assert (
        run(CompiledBackend(regression(), MODEL, TRAIN)).tolist()
        == run(CompiledBackend(regression(), MODEL, TRAIN)).tolist()
    )


def test_resumed_run_equals_the_undisturbed_one_bit_for_bit() -> None:
    """A run broken off at a saved state goes on as if nothing had been."""
    whole, start = (CompiledBackend(regression(), MODEL, TRAIN) for _ in range(2))
    expected = run(whole, 8)
    run(start, 4)
    resumed = CompiledBackend(regression(), MODEL, dataclasses.replace(TRAIN, seed=9))
    resumed.restore_state(start.copy_state())
    assert run(resumed, 4, first=4).tolist() == expected[4:].tolist()
    assert all(
        torch.equal(value, resumed.copy_weights()[name])
        for name, value in whole.copy_weights().items()
    )


def test_state_is_a_copy() -> None:
    """A checkpoint taken while training must not change with the next step."""
    backend = CompiledBackend(regression(), MODEL, TRAIN)
    state = backend.copy_state()
    before = {name: value.clone() for name, value in state.items()}
    run(backend)
    assert all(torch.equal(value, before[name]) for name, value in state.items())


def test_two_threads_give_what_one_gives() -> None:
    """Ensembles train in a thread pool: the runs must not share a workspace."""
    models = [ModelConfig(cell=cell, hidden=8, layers=2) for cell in ("rnn", "lstm", "gru")] * 2
    alone = [run(CompiledBackend(regression(), model, TRAIN), 40).tolist() for model in models]
    with ThreadPoolExecutor(2) as pool:
        together = list(
            pool.map(
                lambda model: run(CompiledBackend(regression(), model, TRAIN), 40).tolist(), models
            )
        )
    assert together == alone


@pytest.mark.parametrize(
    "order",
    [
        np.asfortranarray,
        lambda rows: rows.astype(np.float64),
        lambda rows: np.repeat(rows, 2, 1)[:, ::2],
    ],
)
def test_rows_of_any_layout_are_read_rightly(order: object) -> None:
    """A strided table, or one of another float type, is copied, not read as if contiguous."""
    split = regression()
    other = with_train(split, rows=order(split.train.rows))  # type: ignore[operator]
    assert (
        run(CompiledBackend(other, MODEL, TRAIN)).tolist()
        == run(CompiledBackend(split, MODEL, TRAIN)).tolist()
    )


def test_read_only_rows_are_taken_as_they_are() -> None:
    split = regression()
    split.train.rows.flags.writeable = False
    assert np.isfinite(run(CompiledBackend(split, MODEL, TRAIN))).all()


def test_window_outside_the_table_is_refused() -> None:
    """Compiled code checks no bounds: it would read whatever lies behind the table."""
    split = regression()
    with pytest.raises(TrainingError, match="outside its table"):
        CompiledBackend(with_train(split, starts=split.train.starts + 1000), MODEL, TRAIN)
    with pytest.raises(TrainingError, match="outside the 40 training windows"):
        CompiledBackend(split, MODEL, TRAIN).run_epochs(np.full((1, 40), 40), np.full((1, 3), 1e-3))


def test_targets_that_do_not_fit_are_refused() -> None:
    split, digits = regression(), classes()
    with pytest.raises(TrainingError, match="targets"):
        CompiledBackend(with_train(split, targets=split.train.targets[:5]), MODEL, TRAIN)
    with pytest.raises(TrainingError, match="Classes run from"):
        CompiledBackend(with_train(digits, targets=digits.train.targets + 1), MODEL, TRAIN)


def test_dropout_stays_with_torch() -> None:
    assert "dropout" in str(
        unsupported_reason(regression(), ModelConfig(layers=2, dropout=0.2), TRAIN)
    )
    assert unsupported_reason(regression(), ModelConfig(layers=1, dropout=0.2), TRAIN) is None
    with pytest.raises(TrainingError, match="dropout"):
        CompiledBackend(regression(), ModelConfig(layers=2, dropout=0.2), TRAIN)


def test_divergence_is_told_not_hidden() -> None:
    """Compiled code may assume away a NaN.

    The loss has to show it so that the loop can end the run.
    """
    backend = CompiledBackend(
        regression(),
        ModelConfig(cell="rnn", squash=False),
        dataclasses.replace(TRAIN, optimizer="sgd"),
    )
    assert not np.isfinite(run(backend, 60, lr=1e6)).all()


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_nan_in_the_rows_reaches_the_loss(cell: str) -> None:
    """A clamp that swallows NaN would train on garbage in silence."""
    split = regression()
    split.train.rows[7, 1] = np.nan
    assert np.isnan(run(CompiledBackend(split, ModelConfig(cell=cell), TRAIN), 1)).all()


def test_no_windows_no_answers() -> None:
    split = regression()
    none = Sequences(
        split.train.rows, np.empty(0, np.int64), np.empty((0, 1), np.float32), split.steps
    )
    assert CompiledBackend(split, MODEL, TRAIN).predict(none).shape == (0, 1)
