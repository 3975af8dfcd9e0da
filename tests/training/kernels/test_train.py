"""The compiled kernels compute what torch computes: a run is the same run on either backend."""

from __future__ import annotations

import threading

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.data.sequences import Split
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.training.backends import StopFlag
from rnnapp.training.kernels.backend import CompiledBackend
from rnnapp.training.kernels.compilation import find_kernels
from rnnapp.training.kernels.layout import plan_workspace
from rnnapp.training.kernels.net import make_net
from rnnapp.training.kernels.simd import PACKINGS
from rnnapp.training.torch_backend import TorchBackend, gather_windows
from tests.training.samples import classes, regression

CELLS = ("rnn", "lstm", "gru")


def orders(split: Split, epochs: int) -> np.ndarray:
    return np.stack([np.random.default_rng(e).permutation(len(split.train)) for e in range(epochs)])


def gradients(split: Split, model: ModelConfig) -> tuple[np.ndarray, np.ndarray, float]:
    """The first gradient by the kernel and by torch in float64, and how far they may differ.

    That is 1e-5 of the largest value, or twice torch's own float32 error where the gradient is a
    small difference of large numbers (answers that happen to lie on their targets).
    """
    train = TrainConfig(batch=len(split.train), lr=1e-3, device="cpu")
    backend = CompiledBackend(split, model, train)
    backend.run_epochs(np.arange(len(split.train))[None], np.full((1, 1), 1e-3))
    truth, single = (
        _torch_gradient(split, model, train.seed, kind) for kind in (torch.float64, torch.float32)
    )
    allowed = max(1e-5 * np.abs(truth).max(), 2 * np.abs(single - truth).max())
    return backend.last_gradient().numpy(), truth, float(allowed)


def _torch_gradient(split: Split, model: ModelConfig, seed: int, kind: torch.dtype) -> np.ndarray:
    net = RecurrentNet(
        model, features=split.features, steps=split.steps, outputs=split.outputs, seed=seed
    ).to(kind)
    answer, target = (
        net(gather_windows(split.train).to(kind)),
        torch.from_numpy(split.train.targets),
    )
    loss = (
        torch.nn.functional.cross_entropy
        if split.objective == "cross-entropy"
        else torch.nn.functional.mse_loss
    )
    loss(answer, target if split.objective == "cross-entropy" else target.to(kind)).backward()
    return torch.cat([p.grad.reshape(-1) for p in net.parameters() if p.grad is not None]).numpy()


@settings(max_examples=30, deadline=None)
@given(
    model=st.builds(
        ModelConfig,
        cell=st.sampled_from(CELLS),
        hidden=st.integers(1, 19),
        layers=st.integers(1, 3),
        bidirectional=st.booleans(),
        readout=st.sampled_from(("all", "last")),
        squash=st.booleans(),
    ),
    count=st.integers(3, 130),
    steps=st.integers(1, 9),
    features=st.integers(1, 7),
    outputs=st.integers(1, 6),
)
def test_one_gradient_equals_torchs(
    model: ModelConfig, count: int, steps: int, features: int, outputs: int
) -> None:
    """Odd sizes leave the vector's and the tiles' edges half used.

    There an index error would hide.
    """
    found, truth, allowed = gradients(regression(count, steps, features, outputs), model)
    assert np.abs(found - truth).max() <= allowed


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("squash", [False, True])
def test_gradient_of_classes_equals_torchs(cell: str, bidirectional: bool, squash: bool) -> None:
    """Bytes are normalised in the gather and the loss is cross-entropy.

    Digits run on the same kernel.
    """
    found, truth, allowed = gradients(
        classes(),
        ModelConfig(cell=cell, hidden=6, layers=2, bidirectional=bidirectional, squash=squash),
    )
    assert np.abs(found - truth).max() <= allowed


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(("layers", "bidirectional"), [(1, True), (2, False), (3, False)])
def test_whole_run_equals_torchs(cell: str, layers: int, bidirectional: bool) -> None:
    """301 epochs of Adam with a smaller last batch: rounding must not drift into another run."""
    split = regression(40, features=3)
    model, train = (
        ModelConfig(cell=cell, hidden=7, layers=layers, bidirectional=bidirectional, squash=True),
        TrainConfig(batch=12, device="cpu"),
    )
    order, rates = orders(split, 301), np.full((301, 3), 1e-3)
    ours, theirs = (
        CompiledBackend(split, model, train).run_epochs(order, rates),
        TorchBackend(split, model, train).run_epochs(order, rates),
    )
    np.testing.assert_allclose(ours.losses, theirs.losses, rtol=0, atol=1e-4)


@pytest.mark.parametrize(("optimizer", "clip"), [("sgd", 0.0), ("sgd", 0.02), ("adam", 0.02)])
def test_optimizer_and_clip_equal_torchs(optimizer: str, clip: float) -> None:
    """The norm is cut over all parameters together, before the step.

    Rates differ from step to step.
    """
    split, model = regression(outputs=2), ModelConfig(cell="gru", hidden=5, layers=2)
    train = TrainConfig(batch=16, optimizer=optimizer, clip=clip, device="cpu")
    rates = np.linspace(1e-3, 1e-2, 30).reshape(10, 3)
    both = [kind(split, model, train) for kind in (CompiledBackend, TorchBackend)]
    for backend in both:
        backend.run_epochs(orders(split, 10), rates)
    for name, weight in both[1].copy_weights().items():
        torch.testing.assert_close(both[0].copy_weights()[name], weight, rtol=0, atol=2e-5)


def test_correct_answers_are_counted_as_torch_counts() -> None:
    split, model, train = (
        classes(),
        ModelConfig(cell="lstm", hidden=6, bidirectional=True),
        TrainConfig(batch=16, device="cpu"),
    )
    order, rates = orders(split, 5), np.full((5, 4), 1e-2)
    ours, theirs = (
        CompiledBackend(split, model, train).run_epochs(order, rates),
        TorchBackend(split, model, train).run_epochs(order, rates),
    )
    np.testing.assert_array_equal(ours.correct, theirs.correct)
    assert ours.correct[-1] > ours.correct[0]


def test_batch_wider_than_a_block_is_the_same_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """A batch is cut into blocks that fit the cache; the gradient must be the whole batch's."""
    monkeypatch.setattr("rnnapp.training.kernels.backend._CACHE_FLOATS", 1)
    found, truth, allowed = gradients(regression(count=300), ModelConfig(cell="lstm", hidden=4))
    assert np.abs(found - truth).max() <= allowed


def test_sixteen_hidden_steps_of_a_long_window_stay_exact() -> None:
    """Back-propagation through 120 days: errors of the rational tanh must not pile up."""
    found, truth, _ = gradients(
        regression(count=40, steps=120, features=2),
        ModelConfig(cell="gru", hidden=16, readout="last"),
    )
    assert np.linalg.norm(found - truth) <= 1e-5 * np.linalg.norm(truth)


def test_strided_array_is_refused_at_the_door() -> None:
    """Read as if contiguous, every other value of an array silently gives a wrong net."""
    model = ModelConfig(cell="rnn", hidden=1)
    net = make_net(model, features=1, outputs=1, classifies=False, packings=PACKINGS)
    work = plan_workspace(net, 2, 4, 4096)
    kernels = find_kernels(net)
    values = np.zeros(work.parameters, np.float32)
    space = np.zeros(work.end, np.float32)
    rows = np.zeros(20, np.float32)
    rest = (np.empty(0, np.uint8), 0.0, 1.0, np.arange(3), np.zeros(3, np.float32))
    kernels.answer(kernels.net, work, values, space, rows, *rest)
    with pytest.raises(TypeError):
        kernels.answer(kernels.net, work, values, space, rows[::2], *rest)


def test_a_stop_inside_a_step_gives_the_step_up_and_changes_nothing() -> None:
    """A batch of all windows takes a large net many seconds: a stop does not wait for its end."""
    split = regression(count=6000, steps=60)
    count = len(split.train)
    train = TrainConfig(batch=count, device="cpu")
    backend = CompiledBackend(split, ModelConfig(cell="lstm", hidden=128, layers=2), train)
    before = backend.copy_weights()
    stop = StopFlag()
    timer = threading.Timer(0.2, stop.set)
    timer.start()
    totals = backend.run_epochs(np.arange(count)[None], np.full((1, 1), 1e-3), stop)
    timer.join()
    assert totals.windows.tolist() == [0]
    assert all(torch.equal(backend.copy_weights()[name], before[name]) for name in before)
