"""Vanishing is measured, and measured right."""

from __future__ import annotations

import numpy as np
import pytest

from rnnapp.configs import ModelConfig
from rnnapp.models.anatomy import inspect_gates
from rnnapp.models.gradients import gradient_flow
from rnnapp.models.recurrent import RecurrentNet


def net_of(**config):
    return RecurrentNet(ModelConfig(**config), features=4, steps=5, outputs=1, seed=1)


def test_gradient_norms_are_those_of_the_chain_rule():
    """For an RNN of one unit, d h_T / d h_t is a product of (1 - h^2) w, written out here."""
    net = net_of(cell="rnn", hidden=1)
    rows = np.random.default_rng(0).normal(size=(12, 4))
    flow = gradient_flow(net.recurrent, rows)
    h = inspect_gates(net, rows)[0].h[:, 0]
    weight = abs(net.recurrent.weight_hh_l0.item())
    by_hand = [np.prod((1 - h[t + 1 :] ** 2) * weight) for t in range(12)]
    np.testing.assert_allclose(flow.h, by_hand, rtol=1e-6)
    assert flow.h[-1] == 1


@pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
def test_a_long_memory_fades_and_an_open_gate_keeps_it(kind):
    """Gradients vanish over 200 steps, in 64 bits not to zero; open gates hold it off."""
    net = net_of(cell=kind, hidden=8)
    rows = np.random.default_rng(0).normal(size=(200, 4))
    flow, opened = (
        gradient_flow(net.recurrent, rows),
        gradient_flow(net.recurrent, rows, gate_bias=6.0),
    )
    assert 0 < flow.h[0] < 1e-12
    assert flow.h.shape == flow.x.shape == (200,)
    assert (flow.c is not None) == (kind == "lstm")
    if kind == "rnn":
        np.testing.assert_array_equal(opened.h, flow.h)
    else:
        kept = opened.h if opened.c is None else opened.c  # an LSTM keeps it in its cell state
        assert kept[0] / kept[-1] > 1e-3
