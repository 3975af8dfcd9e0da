"""Lesson 6: a window through LSTM and GRU, with equations filled in and a gate held by hand."""

from __future__ import annotations

import dataclasses
import functools
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
import torch

from rnnapp.configs import CellKind, ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.sources import bundled
from rnnapp.data.windows import make_split
from rnnapp.figures.equations import step_equations
from rnnapp.figures.style import BASELINE, line_of, style_figure
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.lessons.lesson import Control, Picture, Scene, Values, read_number
from rnnapp.models.anatomy import inspect_gates
from rnnapp.models.cells import GATES, to_scratch
from rnnapp.models.recurrent import RecurrentNet
from rnnapp.training.loop import train

__all__ = ["CONTROLS", "carry_nudge", "show_scene"]

Array = npt.NDArray[np.float64]
STEPS = 10
_NUDGE = 1.0
_CARRYING: dict[CellKind, str] = {"lstm": "forget", "gru": "update"}
CONTROLS = (
    Control(
        "cell",
        "Cell",
        "choice",
        "lstm",
        choices={"lstm": "LSTM", "gru": "GRU"},
        help="Which of the two cells is shown.",
    ),
    Control(
        "step",
        "Step (1 to 10)",
        low=1,
        high=STEPS,
        default=1,
        help="The day with its numbers in the equations.",
    ),
    Control(
        "forced",
        "Hold the gate",
        "switch",
        False,
        help="Holds the forget gate of the LSTM, or the update gate of the GRU, on every day.",
    ),
    Control(
        "value", "Held at", low=0.0, high=1.0, step=0.05, default=0.0, help="0 is shut, 1 is open."
    ),
)
_FREE = N_(
    "Left alone: a nudge on day 1 moves the state by {first:.2g} that day and by **{last:.2g}** on "
    "day {days}."
)
_HELD = N_(
    "Held at {value:.2f}: a nudge on day 1 moves the state by {first:.2g} that day and by "
    "**{last:.2g}** on day {days}; left alone by {free:.2g}."
)
_ALT = N_("How far a nudge on the first day moves the state on each day, left alone and held.")


@dataclass(frozen=True, eq=False)
class _Trained:
    """A trained net and the window it reads."""

    net: RecurrentNet
    window: Array


def show_scene(values: Values, *, dark: bool) -> Scene:
    """The nudge's trace, and the step's equations."""
    kind: CellKind = {"lstm": "lstm", "gru": "gru"}[str(values["cell"])]  # type: ignore[assignment]
    free = carry_nudge(kind, None)
    value = values["value"]
    assert isinstance(value, int | float)
    held = free
    sentence = _(_FREE).format(first=free[0], last=free[-1], days=STEPS)
    if values["forced"]:
        held = carry_nudge(kind, float(value))
        sentence = _(_HELD).format(
            value=value, first=held[0], last=held[-1], free=free[-1], days=STEPS
        )
    figure = _nudge_figure(kind, free, held, forced=bool(values["forced"]))
    return Scene(
        sentence,
        answered=bool(values["forced"]) and held[-1] > free[-1],
        pictures=(Picture("lesson_nudge", figure, _(_ALT)),),
        formula=_fill_equations(kind, read_number(values, "step") - 1),
    )


@functools.lru_cache(maxsize=128)
def carry_nudge(kind: CellKind, held: float | None) -> Array:
    """How far a nudge on the first day moves the carried state on each day.

    Args:
        kind: lstm or gru.
        held: the value that its carrying gate is held at; None leaves it alone.

    Returns:
        (T,) length of the difference of the states.
    """
    made = _train_net(kind)
    nudged = made.window.copy()
    nudged[0] += _NUDGE
    apart = _run_cell(made.net, nudged, held) - _run_cell(made.net, made.window, held)
    return np.asarray(np.linalg.norm(apart, axis=1))


@functools.lru_cache(maxsize=2)
def _train_net(kind: CellKind) -> _Trained:
    window = WindowConfig(window=STEPS, features=("Close",))
    split = make_split(bundled("sp500").tail(1000), window)
    model = ModelConfig(cell=kind, hidden=4, readout="last")
    trained = train(split, model, TrainConfig(epochs=20, device="cpu"))
    start = int(split.test.starts[-1])
    return _Trained(trained.net(), split.test.rows[start : start + STEPS].astype(np.float64))


def _run_cell(net: RecurrentNet, window: Array, held: float | None) -> Array:
    """(T, H) the state that is carried over: an LSTM's cell, a GRU's hidden state."""
    weights = to_scratch(net.recurrent).double().layer_weights(0, 0)
    w_ih, w_hh, b_ih, b_hh = (
        part.detach().numpy()
        for part in (weights.weight_ih, weights.weight_hh, weights.bias_ih, weights.bias_hh)
    )
    kind = net.config.kind
    h = np.zeros(net.config.hidden)
    c = np.zeros(net.config.hidden)
    carried = []
    for row in window:
        blocks = len(GATES[kind])
        inputs = (w_ih @ row + b_ih).reshape(blocks, -1)
        states = (w_hh @ h + b_hh).reshape(blocks, -1)
        if kind == "lstm":
            i, f, o = (_sigmoid(inputs[k] + states[k]) for k in (0, 1, 3))
            c = _hold(f, held) * c + i * np.tanh(inputs[2] + states[2])
            h = o * np.tanh(c)
            carried.append(c)
        else:
            r, z = (_sigmoid(inputs[k] + states[k]) for k in (0, 1))
            z = _hold(z, held)
            h = (1 - z) * np.tanh(inputs[2] + r * states[2]) + z * h
            carried.append(h)
    return np.stack(carried)


def _sigmoid(values: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-values)))


def _hold(gate: Array, held: float | None) -> Array:
    if held is None:
        return gate
    return np.full_like(gate, held)


def _fill_equations(kind: CellKind, step: int) -> str:
    made = _train_net(kind)
    with torch.inference_mode():
        (view,) = inspect_gates(made.net, made.window)
    lines = [
        rf"{left} &= {symbols} \\ &= {numbers}"
        for left, symbols, numbers in step_equations(view, step, 0)
    ]
    return r"\begin{aligned}" + r" \\[4pt] ".join(lines) + r"\end{aligned}"


def _nudge_figure(kind: CellKind, free: Array, held: Array, *, forced: bool) -> go.Figure:
    days = np.arange(1, STEPS + 1)
    line = line_of(dataclasses.replace(ModelConfig(), cell=kind))
    figure = go.Figure()
    figure.add_scatter(
        x=days,
        y=free,
        name=_("left alone"),
        mode="lines+markers",
        line=dict(color=BASELINE, dash="dash"),
    )
    if forced:
        name = _("{carrying} gate held").format(carrying=_CARRYING[kind])
        figure.add_scatter(
            x=days, y=held, name=name, mode="lines+markers", line=dict(color=line.color, width=2.4)
        )
    return style_figure(
        figure, x=_("day"), y=_("how far the state is moved"), height=320, keep="lesson"
    )
