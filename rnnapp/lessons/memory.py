"""Lesson 5: gradients on their way back through time, and echoes that need memory."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import plotly.graph_objects as go

from rnnapp.configs import CellKind, ModelConfig, SimulatedConfig, TrainConfig, WindowConfig
from rnnapp.data.simulated import simulate_prices
from rnnapp.data.windows import make_split
from rnnapp.figures.anatomy import derivative_figure, gradient_figure
from rnnapp.figures.style import line_of, style_figure
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.lessons.lesson import Control, Picture, Scene, Values, read_number
from rnnapp.models.gradients import GradientFlow, gradient_flow
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.training.loop import train

__all__ = ["CONTROLS", "show_scene"]

_KINDS: tuple[CellKind, ...] = ("rnn", "lstm", "gru")
_MODEL = ModelConfig(hidden=16, readout="last")
_LEFT = 0.01
_FAR = 40
CONTROLS = (
    Control("steps", "Steps back", low=5, high=60, step=5, default=20, help="How far back."),
    Control(
        "bias",
        "Gates kept open by",
        low=0.0,
        high=6.0,
        step=0.5,
        default=0.0,
        help="Opens the gates that carry memory, the LSTM's forget and the GRU's update gate.",
    ),
    Control("echo", "Train all three on an echo", "switch", False, help="Takes some seconds."),
    Control(
        "lag", "Lag of the echo (days)", low=1, high=30, default=4, help="How long to remember."
    ),
)
_SENTENCE = N_("Of a gradient of 1, so much is left {steps} steps back: {parts}.")
_ECHO = N_(" Of what can be known of the echo after {lag} days, they find: {parts}.")
_FLOW_ALT = N_("Gradient norm by steps back, one curve a cell, on a logarithmic axis. {sentence}")


def show_scene(values: Values, *, dark: bool) -> Scene:
    """How much arrives, and what the three cells find of an echo."""
    steps = read_number(values, "steps")
    bias = values["bias"]
    assert isinstance(bias, int | float)
    flows = _make_flows(steps, float(bias))
    left = {flow.kind: float(flow.h[0]) for flow in flows}
    parts = ", ".join(f"{kind.upper()} **{_power(value)}**" for kind, value in left.items())
    sentence = _(_SENTENCE).format(steps=steps, parts=parts)
    pictures = [
        Picture("lesson_flow", gradient_figure(flows, "h"), _(_FLOW_ALT).format(sentence=sentence)),
    ]
    if values["echo"]:
        lag = read_number(values, "lag")
        found = {kind: _found_share(kind, lag) for kind in _KINDS}
        shares = ", ".join(f"{kind.upper()} {share:.0%}" for kind, share in found.items())
        words = _(_ECHO).format(lag=lag, parts=shares)
        sentence += words
        pictures.append(Picture("lesson_echo", _echo_figure(found), words.strip()))
    else:
        slopes = _("tanh and the sigmoid with their slopes, at most 1 and a quarter.")
        pictures.append(Picture("lesson_slopes", derivative_figure(dark), slopes))
    answered = steps >= _FAR and left["lstm"] > _LEFT
    return Scene(sentence, answered=answered, pictures=tuple(pictures))


def _power(value: float) -> str:
    if value >= 0.01:
        return f"{value:.2f}"
    return f"{value:.0e}"


@functools.lru_cache(maxsize=64)
def _make_flows(steps: int, bias: float) -> tuple[GradientFlow, ...]:
    rows = np.random.default_rng(0).normal(size=(steps + 1, 1))
    flows = []
    for kind in _KINDS:
        model = dataclasses.replace(_MODEL, cell=kind)
        net = RecurrentNet(model, features=1, steps=1, outputs=1, seed=0)
        flows.append(gradient_flow(net.recurrent, rows, gate_bias=bias))
    return tuple(flows)


@functools.lru_cache(maxsize=128)
def _found_share(kind: CellKind, lag: int) -> float:
    """Share of the reachable gain over persistence on test days, 0 where there is none."""
    prices = simulate_prices(
        SimulatedConfig(simulated="echo", simulated_rows=1500, strength=0.8, lag=lag)
    )
    window = WindowConfig(window=lag + 2, features=("Close",), target="log-return")
    split = make_split(prices, window)
    settings = TrainConfig(epochs=30, batch=32, lr=1e-2, clip=1.0, device="cpu")
    trained = train(split, dataclasses.replace(_MODEL, cell=kind), settings)
    test = split.test
    predicted = split.to_points(trained.predict(test), test.anchor)[:, 0]
    rows = test.starts + split.steps - 1
    errors = [
        float(np.mean((forecast - test.actual[:, 0]) ** 2))
        for forecast in (predicted, test.anchor, prices.expected[rows, 0])
    ]
    net, persistence, best = errors
    return max(0.0, (persistence - net) / (persistence - best))


def _echo_figure(found: dict[CellKind, float]) -> go.Figure:
    figure = go.Figure(
        go.Bar(
            x=[kind.upper() for kind in found],
            y=[100 * share for share in found.values()],
            marker_color=[line_of(ModelConfig(cell=kind)).color for kind in found],
        )
    )
    figure.update_yaxes(range=[0, 105])
    return style_figure(figure, y=_("found of what can be known, %"), height=280, keep="lesson")
