"""The cells written from their equations are torch's, number for number."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from rnnapp.configs import ModelConfig
from rnnapp.errors import ConfigError
from rnnapp.models.cells import GATES, ScratchRecurrent, to_scratch
from rnnapp.models.recurrent import RecurrentNet

TORCH = {"rnn": nn.RNN, "lstm": nn.LSTM, "gru": nn.GRU}
KINDS = pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])


def twins(kind, layers=1, bidirectional=False, features=3, hidden=5, batch_first=True):
    torch.manual_seed(7)
    sizes = {"num_layers": layers, "batch_first": batch_first, "bidirectional": bidirectional}
    theirs = TORCH[kind](features, hidden, **sizes).double()
    ours = ScratchRecurrent(kind, features, hidden, **sizes).double()
    ours.load_state_dict(theirs.state_dict())
    return theirs, ours


def flat(out, state):
    return [out, *(state if isinstance(state, tuple) else (state,))]


@KINDS
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_outputs_states_and_gradients_are_torchs(kind, layers, bidirectional):
    """Equal to 1e-10 from nonzero first states: no term of the equations can be missing."""
    theirs, ours = twins(kind, layers, bidirectional)
    inputs = torch.randn(4, 6, 3, dtype=torch.float64)
    places = layers * (2 if bidirectional else 1)
    first = [torch.randn(places, 4, 5, dtype=torch.float64) for _ in range(2)]
    results = []
    for net in (theirs, ours):
        x = inputs.clone().requires_grad_()
        states = [s.clone().requires_grad_() for s in first]
        given = (states[0], states[1]) if kind == "lstm" else states[0]
        answers = flat(*net(x, given))
        sum((a * torch.arange(a.numel()).view_as(a).cos()).sum() for a in answers).backward()
        gradients = [x.grad, states[0].grad, *(p.grad for p in net.parameters())] + (
            [states[1].grad] if kind == "lstm" else []
        )
        results.append([a.detach() for a in answers] + gradients)
    for their, our in zip(*results, strict=True):
        assert their.shape == our.shape
        assert (their - our).abs().max() < 1e-10


@settings(max_examples=30, deadline=None)
@given(
    kind=st.sampled_from(["rnn", "lstm", "gru"]),
    batch=st.integers(1, 4),
    steps=st.integers(1, 7),
    features=st.integers(1, 5),
    hidden=st.integers(1, 6),
    layers=st.integers(1, 3),
    bidirectional=st.booleans(),
    batch_first=st.booleans(),
)
def test_every_shape_agrees_with_torch(
    kind, batch, steps, features, hidden, layers, bidirectional, batch_first
):
    theirs, ours = twins(kind, layers, bidirectional, features, hidden, batch_first)
    inputs = torch.randn(
        *((batch, steps) if batch_first else (steps, batch)), features, dtype=torch.float64
    )
    for their, our in zip(flat(*theirs(inputs)), flat(*ours(inputs)), strict=True):
        torch.testing.assert_close(our, their, rtol=0, atol=1e-10)


@KINDS
@pytest.mark.parametrize("bidirectional", [False, True])
def test_state_dicts_pass_both_ways(kind, bidirectional):
    """Names, shapes and order are torch's, so that each opens a checkpoint of the other."""
    theirs = TORCH[kind](3, 5, num_layers=2, bidirectional=bidirectional)
    ours = ScratchRecurrent(kind, 3, 5, num_layers=2, bidirectional=bidirectional)
    shapes = [(name, value.shape) for name, value in theirs.state_dict().items()]
    assert shapes == [(name, value.shape) for name, value in ours.state_dict().items()]
    theirs.load_state_dict(ours.state_dict())
    assert [name for name, _ in ours.named_parameters()] == [
        name for name, _ in theirs.named_parameters()
    ]


@KINDS
def test_first_weights_fill_the_published_range(kind):
    weights = torch.cat([p.detach().flatten() for p in ScratchRecurrent(kind, 30, 64).parameters()])
    bound = 1 / math.sqrt(64)
    assert weights.abs().max() <= bound
    assert weights.std() == pytest.approx(
        bound / math.sqrt(3), rel=0.05
    )  # the spread of a uniform draw


@KINDS
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_trace_tells_what_the_outputs_are_made_of(kind, bidirectional):
    """The gates shown are those that made the answer.

    Putting them together again by hand gives ``out``.
    """
    _, net = twins(kind, 2, bidirectional)
    inputs = torch.randn(4, 6, 3, dtype=torch.float64)
    out, state = net(inputs)
    traces = net.trace_steps(inputs)
    ways = 2 if bidirectional else 1
    assert [(t.layer, t.direction) for t in traces] == [
        (layer, way) for layer in range(2) for way in range(ways)
    ]
    torch.testing.assert_close(torch.cat([t["h"] for t in traces[-ways:]], -1).transpose(0, 1), out)
    for place, trace in enumerate(traces):
        steps = list(reversed(trace.steps) if trace.direction else trace.steps)
        h_n = state[0] if kind == "lstm" else state
        torch.testing.assert_close(steps[-1].h, h_n[place])
        h = torch.zeros(4, 5, dtype=torch.float64)
        c = torch.zeros_like(h)
        for step in steps:
            gates = dict(zip(GATES[kind], step.gates, strict=True))
            if kind == "lstm":
                c = gates["forget"] * c + gates["input"] * gates["candidate"]
                h = gates["output"] * c.tanh()
                torch.testing.assert_close(step.c, c)
            elif kind == "gru":
                h = (1 - gates["update"]) * gates["candidate"] + gates["update"] * h
            else:
                h = gates["candidate"]
            torch.testing.assert_close(step.h, h)
        for name in trace.signal_names:
            assert trace[name].shape == (6, 4, 5)


@KINDS
def test_a_torch_net_is_opened_up_without_changing_its_answers(kind):
    net = RecurrentNet(
        ModelConfig(cell=kind, hidden=6, layers=2, bidirectional=True, dropout=0.5),
        features=3,
        steps=5,
        outputs=1,
    )
    inputs = torch.randn(4, 5, 3)
    theirs, _ = net.eval().encode(inputs)
    ours, _ = to_scratch(net.recurrent)(inputs)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)


@KINDS
def test_a_net_of_scratch_cells_starts_and_answers_like_its_twin(kind):
    """Selectable everywhere: the same seed gives the same first weights and the same answers."""
    sizes = {"features": 3, "steps": 5, "outputs": 2, "seed": 3}
    theirs = RecurrentNet(ModelConfig(cell=kind, hidden=6, layers=2), **sizes)
    ours = RecurrentNet(ModelConfig(cell=f"{kind}-scratch", hidden=6, layers=2), **sizes)
    inputs = torch.randn(4, 5, 3)
    torch.testing.assert_close(ours(inputs), theirs(inputs), rtol=0, atol=1e-6)


def test_dropout_acts_between_layers_while_training_only():
    net = ScratchRecurrent("rnn", 3, 50, num_layers=2, dropout=0.5)
    inputs = torch.randn(4, 6, 3)
    upper = net.train().trace_steps(inputs)[1].inputs
    assert 0.3 < (upper == 0).double().mean() < 0.7
    assert not (net.eval().trace_steps(inputs)[1].inputs == 0).any()
    assert not (net.train().trace_steps(inputs)[0].inputs == 0).any()


def test_inputs_of_another_width_are_refused_in_words():
    with pytest.raises(ConfigError, match="with 3 features"):
        ScratchRecurrent("gru", 3, 5)(torch.zeros(2, 4, 7))
