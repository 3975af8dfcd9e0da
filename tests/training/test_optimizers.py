"""Steps and rates are those of torch's own optimizers, without their compiler."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch

from rnnapp.configs import TrainConfig
from rnnapp.training.optimizers import Optimizer, one_cycle_rates

TRAIN_BY_TORCH = """
import dataclasses, sys
from rnnapp.configs import ModelConfig, TrainConfig
from rnnapp.training.loop import train
from tests.training.samples import regression
settings = TrainConfig(epochs=2, backend="torch", device="cpu", schedule="one-cycle", clip=1.0)
for optimizer in ("adam", "sgd"):
    train(regression(60), ModelConfig(), dataclasses.replace(settings, optimizer=optimizer))
print("torch._dynamo" in sys.modules)
"""


@pytest.mark.parametrize("name", ["adam", "sgd"])
def test_steps_equal_torchs_bit_by_bit(name: str) -> None:
    settings = TrainConfig(optimizer=name, lr=3e-2)  # type: ignore[arg-type]
    ours = _make_parameters()
    theirs = _make_parameters()
    optimizer = Optimizer(ours, settings, "cpu")
    made = torch.optim.Adam if name == "adam" else torch.optim.SGD
    reference = made(theirs, lr=3e-2, fused=True)
    for step in range(5):
        optimizer.clear_gradients()
        reference.zero_grad()
        assert all(one.grad is None for one in ours)
        for parameters in (ours, theirs):
            sum((one.sin() * (step + 1)).sum() for one in parameters).backward()  # type: ignore[union-attr]
        rate = 1e-2 / (step + 1)
        optimizer.set_rate(rate)
        reference.param_groups[0]["lr"] = rate
        optimizer.step()
        reference.step()
        for one, other in zip(ours, theirs, strict=True):
            assert torch.equal(one, other)


def test_a_parameter_without_gradient_stays_as_it_is() -> None:
    first, second = _make_parameters()
    optimizer = Optimizer([first, second], TrainConfig(), "cpu")
    before = second.detach().clone()
    first.sum().backward()
    optimizer.step()
    assert torch.equal(second, before)
    assert list(optimizer.state) == [first]


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 9, 10, 57, 1000])
def test_rates_equal_torchs_to_the_last_bit(steps: int) -> None:
    dummy = torch.optim.SGD([torch.zeros(1)], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        dummy, 0.01, total_steps=steps + 1, cycle_momentum=False
    )
    rates = []
    for _step in range(steps):
        rates.append(dummy.param_groups[0]["lr"])
        dummy.step()
        schedule.step()
    np.testing.assert_array_equal(one_cycle_rates(0.01, steps), rates)


def test_training_by_torch_imports_no_compiler() -> None:
    """It takes two seconds and 80 MB, which every process that trains would pay."""
    found = subprocess.run(
        [sys.executable, "-c", TRAIN_BY_TORCH], capture_output=True, text=True, check=True
    )
    assert found.stdout.split() == ["False"]


def _make_parameters() -> list[torch.Tensor]:
    drawn = torch.Generator().manual_seed(3)
    return [
        torch.randn(4, 3, generator=drawn).requires_grad_(),
        torch.randn(5, generator=drawn).requires_grad_(),
    ]
