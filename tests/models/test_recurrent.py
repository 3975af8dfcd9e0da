"""The one net: its shapes, its parameters, and first weights that a seed fixes."""

from __future__ import annotations

import itertools

import pytest
import torch

from rnnapp.configs import ModelConfig
from rnnapp.models.recurrent import RecurrentNet, count_parameters

FORMS = list(
    itertools.product(
        ["rnn", "lstm", "gru", "lstm-scratch"], [1, 2], [False, True], ["all", "last"]
    )
)


@pytest.mark.parametrize(("cell", "layers", "both", "readout"), FORMS)
def test_the_formula_counts_every_parameter(
    cell: str, layers: int, both: bool, readout: str
) -> None:
    config = ModelConfig(cell=cell, hidden=5, layers=layers, bidirectional=both, readout=readout)  # type: ignore[arg-type]
    net = RecurrentNet(config, features=3, steps=4, outputs=2)
    assert net(torch.zeros(7, 4, 3)).shape == (7, 2)
    counted = sum(value.numel() for value in net.parameters())
    assert count_parameters(config, features=3, steps=4, outputs=2) == counted


def test_a_seed_fixes_the_first_weights_and_global_draws_do_not_matter() -> None:
    """Two browser sessions that start at once must not disturb each other's first weights."""
    config = ModelConfig(cell="gru", layers=2)
    first = RecurrentNet(config, features=3, steps=4, outputs=1, seed=7).state_dict()
    torch.rand(100)
    again = RecurrentNet(config, features=3, steps=4, outputs=1, seed=7).state_dict()
    other = RecurrentNet(config, features=3, steps=4, outputs=1, seed=8).state_dict()
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not torch.equal(first["readout.weight"], other["readout.weight"])


def test_first_weights_are_drawn_as_torch_draws_them() -> None:
    net = RecurrentNet(ModelConfig(cell="lstm", hidden=16), features=3, steps=4, outputs=1)
    bound = 16**-0.5
    drawn = torch.cat([value.detach().flatten() for value in net.recurrent.parameters()])
    assert drawn.abs().max() <= bound
    assert drawn.std() == pytest.approx(bound / 3**0.5, rel=0.05)


def test_the_sigmoid_head_answers_between_0_and_1() -> None:
    net = RecurrentNet(ModelConfig(squash=True), features=3, steps=4, outputs=1)
    answers = net(torch.randn(50, 4, 3) * 100)
    assert ((answers >= 0) & (answers <= 1)).all()
