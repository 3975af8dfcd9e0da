"""The loop: same seed same run, a stopped run has a model, a resumed run is the same run."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
import torch

from rnnapp.background import BackgroundTask
from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.windows import PriceSplit, make_split
from rnnapp.errors import ConfigError, DivergedError, TrainingError
from rnnapp.training.loop import TrainedModel, Training
from rnnapp.training.state import pack_state, unpack_state
from tests.support import random_walk

SPLIT = make_split(random_walk(260), WindowConfig(window=6, split=130, valid=0.2))
TRAIN = TrainConfig(epochs=9, batch=32)


def trained(model: ModelConfig, train: TrainConfig, split: PriceSplit = SPLIT) -> TrainedModel:
    training = Training(split, model, train)
    for _ in training.epochs():
        pass
    return training.result()


def same_weights(one: TrainedModel, other: TrainedModel) -> bool:
    return all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)


@pytest.mark.parametrize("backend", ["torch", "compiled"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_same_seed_gives_the_same_run(cell: str, backend: str) -> None:
    model, train = ModelConfig(cell=cell), dataclasses.replace(TRAIN, backend=backend)  # type: ignore[arg-type]
    one, two = trained(model, train), trained(model, train)
    assert same_weights(one, two)
    assert [e.train_loss for e in one.history] == [e.train_loss for e in two.history]
    assert not same_weights(one, trained(model, dataclasses.replace(train, seed=1)))


@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_a_run_in_short_turns_is_the_run_in_one_go(backend: str) -> None:
    """What a moving slider shows is a true state of the run that is shown at rest."""
    train = dataclasses.replace(TRAIN, backend=backend)  # type: ignore[arg-type]
    training = Training(SPLIT, ModelConfig(), train)
    epochs = training.train_for(0.0)
    assert epochs == []
    while training.progress < 1:
        epochs += training.train_for(0.0005)
        assert len(training.result().history) == len(epochs)
    assert training.train_for(1.0) == []
    whole = trained(ModelConfig(), train)
    assert same_weights(whole, training.result())
    assert training.result().whole
    assert [event.epoch for event in epochs] == list(range(TRAIN.epochs))


def test_a_turn_ends_near_its_time_when_an_epoch_takes_longer() -> None:
    training = Training(SPLIT, ModelConfig(), dataclasses.replace(TRAIN, backend="torch", batch=2))
    assert training.train_for(1e-6) == []
    assert 0 < training.progress < 1 / TRAIN.epochs + 1e-9


@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_a_resumed_run_ends_bit_for_bit_as_an_undisturbed_one(backend: str) -> None:
    model = ModelConfig(cell="lstm", layers=2, dropout=0.3 if backend == "torch" else 0.0)
    train = dataclasses.replace(TRAIN, backend=backend, schedule="one-cycle", patience=5)  # type: ignore[arg-type]
    whole = trained(model, train)
    broken = Training(SPLIT, model, train)
    for event in broken.epochs():
        if event.epoch == 3:
            saved = pack_state(broken.state())
            break
    resumed = Training(SPLIT, model, train)
    resumed.restore(unpack_state(saved))
    assert min(event.epoch for event in resumed.epochs()) > 3
    assert same_weights(whole, resumed.result())
    assert [e.valid_loss for e in whole.history] == [e.valid_loss for e in resumed.result().history]


def test_a_state_of_another_backend_is_refused() -> None:
    one = Training(SPLIT, ModelConfig(), dataclasses.replace(TRAIN, backend="torch"))
    other = Training(SPLIT, ModelConfig(), dataclasses.replace(TRAIN, backend="compiled"))
    with pytest.raises(TrainingError, match="another backend"):
        other.restore(one.state())


def test_a_state_of_another_net_is_refused() -> None:
    train = dataclasses.replace(TRAIN, backend="torch")
    one = Training(SPLIT, ModelConfig(hidden=3), train)
    with pytest.raises(TrainingError, match="another net"):
        Training(SPLIT, ModelConfig(hidden=4), train).restore(one.state())


@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_pauses_every_few_steps_change_nothing(backend: str) -> None:
    """A recipe measures each so many steps; its run is the run of anybody else."""
    train = dataclasses.replace(TRAIN, backend=backend, schedule="one-cycle")  # type: ignore[arg-type]
    whole = trained(ModelConfig(hidden=3), train)
    paused = Training(SPLIT, ModelConfig(hidden=3), train)
    steps = [paused.steps for _ in paused.epochs(every=7)]
    last = TRAIN.epochs * -(-len(SPLIT.train) // TRAIN.batch)
    assert steps == [*range(7, last, 7), last]
    assert same_weights(whole, paused.result())
    assert len(paused.result().history) == TRAIN.epochs


def test_the_first_piece_of_a_large_net_is_one_step(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request to stop waits for the piece in hand: eight steps of a large net took 14 seconds."""
    train = dataclasses.replace(TRAIN, backend="torch", batch=4)
    training = Training(SPLIT, ModelConfig(), train)
    steps = train.epochs * -(-len(SPLIT.train) // train.batch)
    training.choice = dataclasses.replace(training.choice, seconds=2.0 * steps)
    training._pace = training.choice.seconds / (train.epochs * len(SPLIT.train))
    training.train_for(1e-9)
    assert training.steps == 1


def test_a_stopped_run_is_a_model() -> None:
    training = Training(SPLIT, ModelConfig(), dataclasses.replace(TRAIN, epochs=500))
    for event in training.epochs():
        if event.epoch == 2:
            training.stop()
    result = training.result()
    assert result.stopped == "stopped"
    assert 3 <= len(result.history) < 500
    assert np.isfinite(result.predict(SPLIT.test)).all()


def test_early_stopping_gives_back_the_best_weights() -> None:
    train = dataclasses.replace(TRAIN, epochs=400, patience=8, lr=0.05)
    result = trained(ModelConfig(hidden=16), train)
    assert result.stopped == "early stopping"
    losses = [event.valid_loss for event in result.history]
    assert len(losses) - 1 - int(np.argmin(losses)) == 8  # type: ignore[arg-type]
    assert SPLIT.valid is not None
    reached = np.mean((result.predict(SPLIT.valid) - SPLIT.valid.targets) ** 2)
    assert reached == pytest.approx(min(losses), rel=1e-4)  # type: ignore[type-var]


def test_patience_without_validation_is_refused() -> None:
    split = make_split(random_walk(260), WindowConfig())
    with pytest.raises(ConfigError, match="no validation part"):
        Training(split, ModelConfig(), TrainConfig(patience=3))


@pytest.mark.parametrize("backend", ["torch", "compiled"])
def test_divergence_ends_in_a_sentence_and_a_finite_model(backend: str) -> None:
    split = make_split(random_walk(260), WindowConfig(target="level"))
    train = TrainConfig(epochs=60, lr=10.0, optimizer="sgd", backend=backend)  # type: ignore[arg-type]
    training = Training(split, ModelConfig(cell="rnn", hidden=32), train)
    with pytest.raises(DivergedError, match="no longer a number"):
        for _ in training.epochs():
            pass
    result = training.result()
    assert result.stopped == "diverged"
    assert all(torch.isfinite(value).all() for value in result.weights.values())


def test_one_cycle_rates_are_torchs_own() -> None:
    train = dataclasses.replace(TRAIN, schedule="one-cycle", lr=0.01, backend="torch")
    history = trained(ModelConfig(), train).history
    steps = math.ceil(len(SPLIT.train) / train.batch)
    optimizer = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    torchs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 0.01, total_steps=train.epochs * steps + 1, cycle_momentum=False
    )
    rates = []
    for _ in range(train.epochs * steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        torchs.step()
    assert [event.rate for event in history] == pytest.approx(rates[steps - 1 :: steps])


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_backends_make_the_same_run(cell: str) -> None:
    one = trained(ModelConfig(cell=cell, layers=2), dataclasses.replace(TRAIN, backend="torch"))  # type: ignore[arg-type]
    two = trained(ModelConfig(cell=cell, layers=2), dataclasses.replace(TRAIN, backend="compiled"))  # type: ignore[arg-type]
    assert [e.train_loss for e in one.history] == pytest.approx(
        [e.train_loss for e in two.history], abs=1e-4
    )


def test_changing_test_prices_changes_no_weight() -> None:
    """The whole way from prices to weights, not the windows alone."""
    table = random_walk(260)
    split = make_split(table, WindowConfig(window=6, split=130))
    frame = table.frame.copy()
    frame.iloc[split.train_rows :] *= 3
    other = make_split(dataclasses.replace(table, frame=frame), WindowConfig(window=6, split=130))
    assert same_weights(trained(ModelConfig(), TRAIN, split), trained(ModelConfig(), TRAIN, other))


def test_a_training_in_a_thread_can_be_watched_and_stopped() -> None:
    training = Training(SPLIT, ModelConfig(), TrainConfig(epochs=10_000, backend="torch"))
    task = BackgroundTask(
        lambda _: training.epochs(),
        result=len,
        progress=lambda: training.progress,
        on_stop=training.stop,
    )
    while not task.items and not task.done:
        task.wait(0.02)
    task.stop()
    assert task.wait(5)
    assert task.error is None
    assert training.result().stopped == "stopped"
    assert 0 < task.progress < 1


def test_windows_of_another_shape_are_refused() -> None:
    result = trained(ModelConfig(), TRAIN)
    with pytest.raises(TrainingError, match="made for 6 rows"):
        result.predict(make_split(random_walk(100), WindowConfig(window=9)).test)


@pytest.mark.gpu
def test_a_graphed_step_on_cuda_equals_the_cpu() -> None:
    train = dataclasses.replace(TRAIN, backend="torch", epochs=4)
    here = trained(ModelConfig(layers=2), dataclasses.replace(train, device="cpu"))
    there = trained(ModelConfig(layers=2), dataclasses.replace(train, device="cuda"))
    assert [e.train_loss for e in here.history] == pytest.approx(
        [e.train_loss for e in there.history], rel=1e-3
    )


def test_a_gpu_that_is_not_there_is_told() -> None:
    if torch.cuda.is_available():
        pytest.skip("this machine has a CUDA device")
    with pytest.raises(ConfigError, match="no CUDA device"):
        Training(SPLIT, ModelConfig(), dataclasses.replace(TRAIN, device="cuda"))
