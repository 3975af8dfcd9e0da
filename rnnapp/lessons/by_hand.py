"""Lesson 2: the shapes of twelve numbers in two layers, and one step to compute by hand."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch

from rnnapp.configs import ModelConfig
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.lessons.lesson import Control, Scene, Values, read_number
from rnnapp.models.anatomy import LayerView, inspect_gates, shape_walk
from rnnapp.models.recurrent import RecurrentNet

__all__ = ["CONTROLS", "first_state", "show_scene"]

BATCH = 4
STEPS = 3
NEAR = 0.011
CONTROLS = (
    Control(
        "sequence", "Sequence (1 to 4)", low=1, high=BATCH, default=1, help="Which of the four."
    ),
    Control("step", "Step (1 to 3)", low=1, high=STEPS, default=1, help="Which of its three."),
    Control(
        "state",
        "Your h, first unit",
        "number",
        0.0,
        low=-1.0,
        high=1.0,
        step=0.01,
        help="Computed from the numbers below.",
    ),
    Control("both", "Both directions", "switch", False, help="Also read from the end."),
)
_EMPTY = N_("Enter the state that you compute from the numbers below.")
_RIGHT = N_("**{state:.2f} is right**: the cell computes {true:.4f}.")
_WRONG = N_("{state:.2f} is too {way}. The sum goes through tanh at the end.")
_FORMULA = (
    r"\begin{{aligned}} h = \tanh(&{w:.3f} \cdot {x:.3f} {b:+.3f} \\"
    r"&{u1:+.3f} \cdot ({h1:.3f}) \\ &{u2:+.3f} \cdot ({h2:.3f})) = \; ? \end{{aligned}}"
)


def show_scene(values: Values, *, dark: bool) -> Scene:
    """The check of the reader's number, its formula, and the table of shapes."""
    both = bool(values["both"])
    sequence = read_number(values, "sequence") - 1
    step = read_number(values, "step") - 1
    entered = values["state"]
    assert isinstance(entered, int | float)
    true = first_state(sequence, step)
    right = abs(entered - true) <= NEAR
    return Scene(
        _check(float(entered), true, right),
        answered=right,
        table=_shape_table(both),
        formula=_fill_formula(sequence, step),
    )


def first_state(sequence: int, step: int) -> float:
    """The first unit's state of the first layer, read forwards."""
    return float(_first_layer(sequence).h[step, 0])


def _check(entered: float, true: float, right: bool) -> str:
    if right:
        return _(_RIGHT).format(state=entered, true=true)
    if entered == 0:
        return _(_EMPTY)
    way = {True: "small", False: "large"}[entered < true]
    return _(_WRONG).format(state=entered, way=way)


def _make_net() -> RecurrentNet:
    model = ModelConfig(cell="rnn", hidden=2, layers=2)
    return RecurrentNet(model, features=1, steps=STEPS, outputs=1, seed=4).eval()


def _inputs(sequence: int) -> npt.NDArray[np.float64]:
    numbers = np.arange(1, 13, dtype=np.float64).reshape(BATCH, STEPS, 1)
    return np.asarray(numbers[sequence] / 12)


def _first_layer(sequence: int) -> LayerView:
    return inspect_gates(_make_net(), _inputs(sequence))[0]


def _fill_formula(sequence: int, step: int) -> str:
    weights = {name: value.numpy() for name, value in _recurrent_weights().items()}
    before = _first_layer(sequence).h_before[step]
    return _FORMULA.format(
        w=weights["weight_ih_l0"][0, 0],
        x=_inputs(sequence)[step, 0],
        b=weights["bias_ih_l0"][0] + weights["bias_hh_l0"][0],
        u1=weights["weight_hh_l0"][0, 0],
        h1=before[0],
        u2=weights["weight_hh_l0"][0, 1],
        h2=before[1],
    )


def _recurrent_weights() -> dict[str, torch.Tensor]:
    return _make_net().recurrent.state_dict()


def _shape_table(both: bool) -> pd.DataFrame:
    model = ModelConfig(cell="rnn", hidden=2, layers=2, bidirectional=both)
    walk = shape_walk(model, batch=BATCH, steps=STEPS, features=1, outputs=1)
    return pd.DataFrame(
        {
            "tensor": [_(row.name) for row in walk],
            "shape": [str(row.shape) for row in walk],
            "made by": [row.code for row in walk],
        }
    )
