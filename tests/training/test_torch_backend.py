"""The torch backend's devices and its way to stop."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import Split
from rnnapp.training import torch_backend
from rnnapp.training.backends import StopFlag
from rnnapp.training.torch_backend import TorchBackend
from rnnapp.training.torch_ensemble import TorchEnsemble, draw_orders
from tests.training.samples import classes, regression

TRAIN = TrainConfig(batch=16, device="cpu")
NETS = [
    ModelConfig(cell=cell, hidden=6, layers=2, readout=readout, bidirectional=both)
    for cell, readout, both in itertools.product(
        ("rnn", "lstm", "gru"), ("all", "last"), (False, True)
    )
]


def on_meta(split: Split, model: ModelConfig) -> TorchBackend:
    """A backend whose tensors have shapes and a device but no values."""
    train = TrainConfig(batch=16, device="cpu", clip=1.0)
    object.__setattr__(train, "device", "meta")
    return TorchBackend(split, model, train)


@pytest.mark.parametrize("split", [regression(), classes()], ids=["prices", "digits"])
@pytest.mark.parametrize("model", NETS, ids=lambda model: f"{model.name}-{model.readout}")
def test_a_step_on_another_device_leaves_no_tensor_behind(split: Split, model: ModelConfig) -> None:
    """The weights are drawn on the CPU and moved; whatever stays there would fail on a GPU only."""
    backend = on_meta(split, model)
    backend.compute_step(torch.arange(16, device="meta"))
    backend.compute_step(torch.arange(5, device="meta"))
    assert {p.device.type for p in backend.net.parameters()} == {"meta"}


def test_a_tensor_left_on_the_cpu_is_found() -> None:
    """The check above must be able to fail."""
    backend = on_meta(regression(), NETS[0])
    backend._targets = torch.from_numpy(regression().train.targets)
    with pytest.raises((RuntimeError, NotImplementedError)):
        backend.compute_step(torch.arange(16, device="meta"))


def test_seeds_at_once_on_another_device_leave_no_tensor_behind() -> None:
    ensemble = TorchEnsemble(regression(), NETS[2], TRAIN, range(3), "meta")
    ensemble.compute_step(torch.zeros((3, 16), dtype=torch.int64, device="meta"))


@pytest.mark.parametrize("split", [regression(), classes()], ids=["prices", "digits"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_seeds_at_once_equal_each_seed_alone(split: Split, cell: str) -> None:
    model = ModelConfig(cell=cell, hidden=6, layers=2, bidirectional=True)
    seeds = [3, 4, 9]
    count = len(split.train)
    rates = np.full((6, -(-count // 16)), 5e-3)
    order = draw_orders(seeds, range(6), count)
    together = TorchEnsemble(split, model, TRAIN, seeds)
    losses = together.run_epochs(order, rates)
    answers = together.predict(split.test)
    for place, seed in enumerate(seeds):
        alone = TorchBackend(split, model, TrainConfig(batch=16, seed=seed, device="cpu"))
        found = alone.run_epochs(order[:, place], rates)
        np.testing.assert_allclose(losses[:, place], found.losses, rtol=1e-4)
        np.testing.assert_allclose(answers[place], alone.predict(split.test), atol=1e-3)
        assert together.copy_weights(place).keys() == alone.copy_weights().keys()


def test_stop_ends_before_the_next_step_and_counts_what_was_done() -> None:
    """A large net takes seconds a step: whoever stops it must not wait for a whole piece."""
    backend = TorchBackend(regression(), NETS[0], TRAIN)
    stop = StopFlag()
    steps = 0
    compute = backend.compute_step

    def compute_and_stop(index: torch.Tensor) -> None:
        nonlocal steps
        compute(index)
        steps += 1
        if steps == 4:
            stop.set()

    backend.compute_step = compute_and_stop  # type: ignore[method-assign]
    totals = backend.run_epochs(np.tile(np.arange(40), (5, 1)), np.full((5, 3), 1e-3), stop)
    assert steps == 4
    assert totals.windows.tolist() == [40, 16, 0, 0, 0]


def test_a_step_in_pieces_is_the_step_and_a_stop_inside_it_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A batch of all windows takes a large net many seconds: a stop does not wait for its end."""
    order = np.arange(40)[None]
    rates = np.full((1, 1), 1e-3)
    train = TrainConfig(batch=40, device="cpu")
    whole = TorchBackend(regression(), NETS[0], train)
    expected = whole.run_epochs(order, rates).losses
    monkeypatch.setattr(torch_backend, "_PIECE_VALUES", 1)
    pieces = TorchBackend(regression(), NETS[0], train)
    np.testing.assert_allclose(pieces.run_epochs(order, rates).losses, expected, rtol=1e-5)
    for name, value in whole.copy_weights().items():
        torch.testing.assert_close(pieces.copy_weights()[name], value, rtol=1e-4, atol=1e-6)

    stop = StopFlag()
    before = pieces.copy_weights()
    pieces.net.register_forward_hook(lambda *_: stop.set())
    totals = pieces.run_epochs(order, rates, stop)
    assert totals.windows.tolist() == [0]
    assert totals.losses.tolist() == [0.0]
    assert all(torch.equal(pieces.copy_weights()[name], before[name]) for name in before)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
@pytest.mark.parametrize("model", NETS, ids=lambda model: f"{model.name}-{model.readout}")
def test_losses_on_a_gpu_equal_the_cpus(model: ModelConfig) -> None:
    order = np.stack([np.random.default_rng(e).permutation(40) for e in range(20)])
    rates = np.full((20, 3), 1e-3)
    found = [
        TorchBackend(regression(), model, TrainConfig(batch=16, device=device))
        .run_epochs(order, rates)
        .losses
        for device in ("cuda", "cpu")
    ]
    np.testing.assert_allclose(found[0], found[1], rtol=1e-3)
