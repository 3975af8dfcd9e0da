"""Pictures of a net's inside show the numbers that were there."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from rnnapp.configs import ModelConfig
from rnnapp.figures.anatomy import (
    derivative_figure,
    digit_gates_figure,
    gradient_figure,
    parameter_figure,
    price_gates_figure,
    signal_title,
)
from rnnapp.figures.diagrams import STAGES, cell_diagram
from rnnapp.figures.equations import step_equations
from rnnapp.models.anatomy import inspect_gates, parameter_totals
from rnnapp.models.gradients import gradient_flow
from rnnapp.models.recurrent import RecurrentNet

KINDS = pytest.mark.parametrize("kind", ["rnn", "lstm", "gru"])


def views_of(kind, **more):
    net = RecurrentNet(
        ModelConfig(cell=kind, hidden=3, **more), features=4, steps=6, outputs=1, seed=2
    )
    return inspect_gates(net, np.random.default_rng(0).normal(size=(6, 4)))


@KINDS
def test_each_gate_has_its_map_on_its_scale(kind):
    """Gates run from 0 to 1 on the even scale.

    What may be negative is centred on 0, or red and blue would lie.
    """
    view = views_of(kind)[0]
    days = np.arange("2020-01-01", "2020-01-07", dtype="datetime64[D]")
    figure = price_gates_figure(view.signals, days, np.arange(6.0), step=2, unit=1, dark=False)
    maps = [trace for trace in figure.data if trace.type == "heatmap"]
    assert [trace.name for trace in maps] == [signal_title(name) for name in view.signals]
    for name, trace in zip(view.signals, maps, strict=True):
        np.testing.assert_array_equal(np.array(trace.z), view.signals[name].T)
        if name in ("input", "forget", "output", "reset", "update"):
            assert (trace.zmin, trace.zmax) == (0, 1)
        else:
            assert trace.zmin == -trace.zmax


@KINDS
def test_a_digits_maps_stand_on_the_digits_rows(kind):
    view = views_of(kind)[0]
    figure = digit_gates_figure(view.signals, np.ones((6, 6)), step=0, unit=0, dark=True)
    assert [trace.z.shape for trace in figure.data] == [(6, 6)] + [(6, 3)] * len(view.signals)
    assert all(tuple(trace.y) == tuple(range(1, 7)) for trace in figure.data)
    assert figure.layout.yaxis.autorange == "reversed"  # a digit is read from the top


@KINDS
@pytest.mark.parametrize("direction", [0, 1])
def test_the_equations_numbers_come_out(kind, direction):
    """Each line's result, computed again from the numbers printed before it, is the one printed."""
    view = views_of(kind, bidirectional=True)[direction]
    step, unit = (2, 1)
    last = step_equations(view, step, unit)[-1][2]
    assert float(last.rsplit("=", 1)[1]) == pytest.approx(view.h[step, unit], abs=5e-4)
    for _, _, numbers in step_equations(view, step, unit):
        terms, result = numbers.rsplit("=", 1)
        python = (
            terms.replace(r"\sigma", "sigma")
            .replace(r"\cdot", "*")
            .replace(r"\tanh", "tanh")
            .replace(" ", "")
        )
        python = re.sub(r"tanh(\d\.\d+)", r"tanh(\1)", python)
        worked = eval(python, {"sigma": lambda x: 1 / (1 + np.exp(-x)), "tanh": np.tanh})
        assert worked == pytest.approx(float(result), abs=3e-3)


@KINDS
def test_a_diagram_is_whole_and_lights_the_stage_that_is_stepped_to(kind):
    for stage in range(len(STAGES[kind])):
        svg = ET.fromstring(cell_diagram(kind, stage=stage, values={"hidden state": 0.125}))
        groups = [group for group in svg if group.get("class", "").startswith("part")]
        assert len(groups) == len(STAGES[kind])
        assert [group.get("class") == "part lit" for group in groups] == [
            i == stage for i in range(len(groups))
        ]
        assert "0.125" in "".join(svg.itertext())
        assert all(
            group.find("{http://www.w3.org/2000/svg}title") is not None for group in groups
        )  # told to who points at it


def test_curves_are_those_of_the_cells():
    rows = np.random.default_rng(0).normal(size=(20, 4))
    flows = [
        gradient_flow(
            RecurrentNet(ModelConfig(cell=kind), features=4, steps=1, outputs=1).recurrent, rows
        )
        for kind in ("rnn", "lstm", "gru")
    ]
    figure = gradient_figure(flows, "h")
    assert [trace.name for trace in figure.data] == ["RNN", "LSTM", "LSTM, cell state", "GRU"]
    np.testing.assert_allclose(figure.data[0].y, flows[0].h)
    assert figure.layout.yaxis.type == "log"
    assert len(gradient_figure(flows, "x").data) == 3


def test_the_present_net_is_marked_on_its_curve():
    config, sizes = ModelConfig(cell="lstm", hidden=5), dict(features=4, steps=6, outputs=1)
    totals = parameter_totals(config, range(1, 9), **sizes)
    mark = parameter_figure(totals, range(1, 9), config, dark=False).data[-1]
    assert (mark.x[0], mark.y[0]) == (5, totals["lstm"][4])


def test_derivatives_are_at_most_one_and_a_quarter():
    drawn = {trace.name: np.array(trace.y) for trace in derivative_figure(dark=False).data}
    assert drawn["derivative of tanh"].max() == pytest.approx(1)
    assert drawn["derivative of sigmoid"].max() == pytest.approx(0.25)
