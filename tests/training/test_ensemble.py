"""Many runs at once give what each gives alone."""

from __future__ import annotations

import dataclasses
import threading

import numpy as np
import pytest
import torch

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.errors import ConfigError
from rnnapp.training.ensemble import RunSpec, train_many
from rnnapp.training.kernels import compilation
from rnnapp.training.loop import TrainedModel, Training
from tests.training.samples import regression

SPLIT = regression(90)


def job(
    cell: str = "gru", seed: int = 0, epochs: int = 20, lr: float = 5e-3, **net: object
) -> RunSpec:
    train = TrainConfig(epochs=epochs, batch=20, seed=seed, lr=lr, device="cpu")
    return SPLIT, ModelConfig(cell=cell, hidden=6, layers=2, **net), train  # type: ignore[arg-type]


def alone(one: RunSpec) -> TrainedModel:
    training = Training(*one)
    for _ in training.epochs():
        pass
    return training.result()


@pytest.fixture(scope="module", autouse=True)
def _kernels() -> None:
    compilation.warm_up().join()


def test_together_equals_alone_bit_for_bit() -> None:
    """Threads must not share a workspace, a generator or an order of windows."""
    jobs = [job(cell, seed) for cell in ("rnn", "lstm", "gru") for seed in range(3)] + [
        job(dropout=0.3, epochs=8, seed=s) for s in (1, 2, 3)
    ]
    trained = {(t.model, t.train.seed): t for t in train_many(jobs, workers=3)}
    assert len(trained) == len(jobs)
    for one in jobs:
        together, single = trained[one[1], one[2].seed], alone(one)
        assert [e.train_loss for e in together.history] == [e.train_loss for e in single.history]
        assert all(
            torch.equal(value, single.weights[name]) for name, value in together.weights.items()
        )


def test_events_name_their_job() -> None:
    seen: list[tuple[int, int]] = []
    list(
        train_many(
            [job(seed=1, epochs=4), job(seed=2, epochs=6)],
            on_event=lambda place, event: seen.append((place, event.epoch)),
        )
    )
    assert sorted(seen) == [(0, e) for e in range(4)] + [(1, e) for e in range(6)]


def test_stop_ends_all_soon_with_what_was_learned() -> None:
    stop = threading.Event()
    jobs = [job(seed=s, epochs=10_000) for s in range(4)]
    trained = list(train_many(jobs, workers=2, stop=stop, on_event=lambda place, event: stop.set()))
    assert 1 <= len(trained) <= 2, "jobs that had not begun give nothing"
    assert all(t.stopped == "stopped" and len(t.history) < 10_000 for t in trained)


def test_closing_the_iterator_stops_the_rest() -> None:
    """A page that goes away must not leave threads training."""
    models = train_many([job(epochs=2)] + [job(seed=s, epochs=10_000) for s in range(3)], workers=2)
    next(models)
    models.close()  # type: ignore[attr-defined]
    assert not [t for t in threading.enumerate() if t.name.startswith("ensemble")]


def test_one_diverging_seed_does_not_take_the_others_along() -> None:
    targets = SPLIT.train.targets * np.float32(1e30)
    huge = dataclasses.replace(SPLIT, train=dataclasses.replace(SPLIT.train, targets=targets))
    wild = (
        huge,
        ModelConfig(cell="rnn"),
        TrainConfig(epochs=40, optimizer="sgd", lr=10.0, device="cpu", seed=7),
    )
    ended = {t.train.seed: t.stopped for t in train_many([wild, job(seed=1)])}
    assert ended == {7: "diverged", 1: "finished"}


def test_impossible_settings_are_told() -> None:
    with pytest.raises(ConfigError, match="patience"):
        list(train_many([(SPLIT, ModelConfig(), TrainConfig(patience=3, device="cpu"))]))
