"""What the Anatomy page tells is what the net did."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from rnnapp.configs import ModelConfig
from rnnapp.models.anatomy import (
    inspect_gates,
    parameter_groups,
    parameter_table,
    parameter_totals,
    shape_walk,
)
from rnnapp.models.recurrent import RecurrentNet

KINDS = pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])
SIZES = {"features": 4, "steps": 5, "outputs": 1}


def net_of(**config):
    return RecurrentNet(ModelConfig(**config), **SIZES, seed=1)


def shapes(config, **sizes):
    return {row.name: row.shape for row in shape_walk(config, **sizes)}


def test_the_classic_example_comes_out():
    """12 values as 4 sequences of 3, hidden 2, 2 layers: the shapes every introduction prints."""
    sizes = dict(batch=4, steps=3, features=1, outputs=1)
    one = shapes(ModelConfig("rnn", hidden=2, layers=2), **sizes)
    assert (one["x"], one["out"], one["h_n"]) == ((4, 3, 1), (4, 3, 2), (2, 4, 2))
    both = shapes(ModelConfig("rnn", hidden=2, layers=2, bidirectional=True), **sizes)
    assert (both["out"], both["h_n"]) == ((4, 3, 4), (4, 4, 2))
    assert (both["out by direction"], both["h_n by direction"]) == ((4, 3, 2, 2), (2, 2, 4, 2))


def test_the_lstm_of_256_has_the_published_shapes():
    walk = shapes(
        ModelConfig("lstm", hidden=256, layers=2, readout="last"),
        batch=2,
        steps=20,
        features=10,
        outputs=10,
    )
    assert (walk["out"], walk["h_n"], walk["c_n"]) == ((2, 20, 256), (2, 2, 256), (2, 2, 256))


@KINDS
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("readout", ["all", "last"])
def test_every_axis_is_named(kind, bidirectional, readout):
    config = ModelConfig(kind, hidden=3, layers=2, bidirectional=bidirectional, readout=readout)
    walk = shape_walk(config, batch=2, steps=5, features=4, outputs=1)
    assert all(len(row.axes) == len(row.shape) and row.code for row in walk)
    assert ("c_n" in {row.name for row in walk}) == (kind == "lstm")
    assert walk[-1].shape == (2, 1)
    assert walk[-2].shape == (2, 3 * config.directions * (5 if readout == "all" else 1))


def test_the_lines_that_take_directions_apart_say_true_things():
    """The page prints these identities; they must hold in torch."""
    out, h_n = net_of(cell="gru", hidden=3, layers=2, bidirectional=True).encode(
        torch.randn(2, 5, 4)
    )
    both, last = out.view(2, 5, 2, 3), h_n.view(2, 2, 2, 3)
    torch.testing.assert_close(both[:, :, 0][:, -1], last[-1, 0])
    torch.testing.assert_close(both[:, :, 1][:, 0], last[-1, 1])


@settings(max_examples=25, deadline=None)
@given(
    kind=st.sampled_from(["rnn", "lstm", "gru", "lstm-scratch"]),
    hidden=st.integers(1, 9),
    layers=st.integers(1, 4),
    bidirectional=st.booleans(),
    readout=st.sampled_from(["all", "last"]),
    features=st.integers(1, 6),
    steps=st.integers(1, 6),
    outputs=st.integers(1, 4),
)
def test_table_and_formula_count_what_torch_counts(
    kind, hidden, layers, bidirectional, readout, features, steps, outputs
):
    config = ModelConfig(
        kind, hidden=hidden, layers=layers, bidirectional=bidirectional, readout=readout
    )
    sizes = dict(features=features, steps=steps, outputs=outputs)
    net = RecurrentNet(config, **sizes)
    counted = sum(p.numel() for p in net.parameters())
    assert sum(row.count for row in parameter_table(net)) == counted
    assert sum(count for _, _, count in parameter_groups(config, **sizes)) == counted
    assert parameter_totals(config, [hidden], **sizes)[config.kind].tolist() == [counted]


def test_the_table_shows_the_nets_own_values():
    net = net_of(cell="lstm", hidden=3)
    row = parameter_table(net, first=2)[0]
    assert (row.name, row.shape, row.count) == ("recurrent.weight_ih_l0", (12, 4), 48)
    np.testing.assert_allclose(
        row.first, net.recurrent.weight_ih_l0.detach().flatten()[:2], atol=1e-6
    )


@KINDS
@pytest.mark.parametrize("scratch", ["", "-scratch"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_gates_shown_make_the_states_shown(kind, scratch, bidirectional):
    """The equations filled with a step's numbers must come out, also for the backward direction."""
    net = net_of(cell=kind + scratch, hidden=3, layers=2, bidirectional=bidirectional)
    window = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    views = inspect_gates(net, window)
    out, _ = net.encode(torch.from_numpy(window)[None])
    top = np.concatenate([v.h for v in views if v.layer == 1], axis=1)
    np.testing.assert_allclose(top, out[0].detach().numpy(), atol=1e-6)
    for view in views:
        gate = {name: view.gates[:, i] for i, name in enumerate(view.names)}
        summed = view.from_input + view.from_state
        if kind == "rnn":
            np.testing.assert_allclose(np.tanh(summed[:, 0]), view.h, atol=1e-12)
        elif kind == "lstm":
            np.testing.assert_allclose(1 / (1 + np.exp(-summed[:, 1])), gate["forget"], atol=1e-12)
            c = gate["forget"] * view.c_before + gate["input"] * gate["candidate"]
            np.testing.assert_allclose(c, view.c, atol=1e-12)
            np.testing.assert_allclose(gate["output"] * np.tanh(c), view.h, atol=1e-12)
        else:
            candidate = np.tanh(view.from_input[:, 2] + gate["reset"] * view.from_state[:, 2])
            np.testing.assert_allclose(candidate, gate["candidate"], atol=1e-12)
            h = (1 - gate["update"]) * candidate + gate["update"] * view.h_before
            np.testing.assert_allclose(h, view.h, atol=1e-12)
        assert list(view.signals)[-1] == "hidden state"
        assert all(signal.shape == (5, 3) for signal in view.signals.values())
