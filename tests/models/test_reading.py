"""What the page shows of a reading must be the net's own arithmetic, not a likeness of it."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from rnnapp.configs import ModelConfig
from rnnapp.models.reading import read
from rnnapp.models.recurrent import RecurrentNet

CASES = [
    ModelConfig(cell=cell, hidden=6, layers=layers, bidirectional=both, readout=readout)
    for cell in ("rnn", "lstm", "gru", "lstm-scratch")
    for layers in (1, 2)
    for both in (False, True)
    for readout in ("all", "last")
]


def made(config: ModelConfig) -> tuple[RecurrentNet, torch.Tensor]:
    net = RecurrentNet(config, features=5, steps=7, outputs=10, seed=1).eval()
    return net, torch.rand(7, 5, generator=torch.Generator().manual_seed(2))


@pytest.mark.parametrize("config", CASES, ids=lambda c: f"{c.name}-{c.layers}-{c.readout}")
def test_rows_and_bias_sum_to_the_score(config: ModelConfig):
    net, inputs = made(config)
    reading = read(net, inputs)
    assert reading.parts.shape == (7, config.directions, 10)
    np.testing.assert_allclose(
        reading.bias + reading.rows.sum(0), net(inputs[None])[0].detach(), atol=1e-5
    )
    np.testing.assert_allclose(reading.probabilities.sum(), 1)
    assert reading.winner == int(net(inputs[None]).argmax())
    assert reading.scores[reading.rival] == np.sort(reading.scores)[-2]


@pytest.mark.parametrize(
    "config",
    [c for c in CASES if not c.bidirectional],
    ids=lambda c: f"{c.name}-{c.layers}-{c.readout}",
)
def test_a_one_way_net_ends_where_it_answers(config: ModelConfig):
    reading = read(*made(config))
    np.testing.assert_allclose(reading.downwards[-1], reading.probabilities)
    assert reading.upwards is None


def test_a_belief_does_not_know_what_is_not_read_yet():
    """After row t the top-down half has not seen the rows below, the bottom-up half those above."""
    net, inputs = made(ModelConfig(cell="lstm", hidden=6, layers=1, bidirectional=True))
    changed = inputs.clone()
    changed[4:] = 0
    one, two = read(net, inputs), read(net, changed)
    np.testing.assert_allclose(one.downwards[:4], two.downwards[:4])
    assert not np.allclose(one.downwards[4:], two.downwards[4:])
    changed = inputs.clone()
    changed[:3] = 0
    two = read(net, changed)
    assert one.upwards is not None
    assert two.upwards is not None
    np.testing.assert_allclose(one.upwards[3:], two.upwards[3:])
    assert not np.allclose(one.upwards[:3], two.upwards[:3])


def test_both_halves_make_the_answer():
    net, inputs = made(ModelConfig(cell="gru", hidden=6, layers=2, bidirectional=True))
    reading = read(net, inputs)
    assert reading.upwards is not None
    together = np.log(reading.downwards[-1]) + np.log(reading.upwards[0]) - reading.bias
    together = np.exp(together) / np.exp(together).sum()
    np.testing.assert_allclose(together, reading.probabilities)
