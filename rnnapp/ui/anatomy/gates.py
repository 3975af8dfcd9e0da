"""The Anatomy page's look into the gates.

Heat maps over a window, one step's equations, the cell's diagram.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import streamlit as st

from rnnapp.data.digits import DigitSplit
from rnnapp.data.sequences import Sequences, Split
from rnnapp.data.windows import PriceSplit
from rnnapp.figures.anatomy import digit_gates_figure, price_gates_figure, signal_title
from rnnapp.figures.diagrams import STAGES, cell_diagram
from rnnapp.figures.equations import step_equations
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.models.anatomy import LayerView, inspect_gates
from rnnapp.training.torch_backend import gather_windows
from rnnapp.ui.anatomy.net import Subject
from rnnapp.ui.page import chart, is_dark

__all__ = ["show_diagram", "show_gates"]

_DRAWING = """
.drawing {color: var(--st-text-color); font-family: var(--st-font); overflow-x: auto;}
svg {min-width: 540px;}
"""
_SHOW = """
export default function ({ parentElement, data }) {
  parentElement.querySelector('.drawing').innerHTML = data
}
"""
_WAYS = (N_("layer {number}, forwards"), N_("layer {number}, backwards"))


@dataclass(frozen=True, eq=False)
class _Moment:
    """What is looked at: a layer and direction, a unit, a step, and the window they belong to."""

    view: LayerView
    unit: int
    step: int
    window: int
    when: str


@st.fragment
def show_gates(subject: Subject) -> None:
    """Every gate over a real window, and one step's equations with its numbers."""
    moment = _controls(subject, "gates")
    chart(_figure(subject, moment), "gates", _alt(subject, moment))
    st.caption(
        _(
            "Gates run from 0, shut, to 1, open; candidates and states are red above 0 "
            "and blue below. The lines mark what is written out below: {when}, unit "
            "{unit}."
        ).format(when=moment.when, unit=moment.unit + 1)
    )
    _equations(moment)


@st.fragment
def show_diagram(subject: Subject) -> None:
    """The cell drawn, with the step's numbers in it, lit stage by stage."""
    kind = subject.model.kind
    moment = _controls(subject, "diagram")
    stages = STAGES[kind]
    stage = st.segmented_control(
        _("Lit"),
        range(len(stages)),
        format_func=lambda i: f"{i + 1} {_(stages[i])}",
        default=0,
        key=f"stage_{kind}",
        required=True,
        help=_("What happens within a step, in order; pointing at a part lights it too."),
    )
    _drawing(cell_diagram(kind, stage=int(stage), values=_values(moment)), key=f"drawing_{kind}")
    st.caption(_("Numbers of {when}, unit {unit}.").format(when=moment.when, unit=moment.unit + 1))
    _equations(moment)


def _drawing(svg: str, key: str) -> None:
    """An SVG inside the page: it takes the page's colours, and the pointer lights its parts."""
    component = st.components.v2.component(
        "cell_drawing", html='<div class="drawing"></div>', css=_DRAWING, js=_SHOW
    )
    component(data=svg, key=key)


def _controls(subject: Subject, key: str) -> _Moment:
    """Window, layer, unit and step; the two tabs share their values."""
    split = subject.split
    left, middle, right = st.columns(3)
    window = _window(left, subject, key)
    views = inspect_gates(subject.net, gather_windows(_one(split, window))[0].numpy())
    place = _shared(
        middle,
        "selectbox",
        _("Layer"),
        "layer",
        key,
        list(range(len(views))),
        format_func=lambda i: _called(views[i]),
    )
    unit = _slide(right, _("Unit"), "unit", key, subject.model.hidden)
    step = _slide(st, _("Step"), "step", key, split.steps)
    return _Moment(views[place], unit, step, window, _when(subject, window, step))


def _window(place: Any, subject: Subject, key: str) -> int:
    """Which test window or digit, counted from 0; prices start at the latest."""
    count = len(subject.split.test)
    if isinstance(subject.split, DigitSplit):
        name = "_digit"
        start = min(int(st.session_state.get(name, 0)), count - 1)
        chosen = int(place.number_input(_("Test digit"), 0, count - 1, start, key=f"{key}{name}"))
    else:
        name = "_window"
        start = min(int(st.session_state.get(name, count - 1)), count - 1)
        chosen = (
            int(
                place.number_input(
                    _("Test window"), 1, count, start + 1, key=f"{key}{name}_{count}"
                )
            )
            - 1
        )
    st.session_state[name] = chosen
    return chosen


def _slide(place: Any, label: str, name: str, key: str, count: int) -> int:
    """A slider from 1 to ``count``, returned from 0; no slider where there is nothing to choose."""
    if count == 1:
        return 0
    start = min(int(st.session_state.get(f"_{name}", 0)), count - 1)
    chosen = (
        int(
            place.slider(
                _("{label} (1 to {count})").format(label=label, count=count),
                1,
                count,
                start + 1,
                key=f"{key}_{name}_{count}",
            )
        )
        - 1
    )
    st.session_state[f"_{name}"] = chosen
    return chosen


def _shared(
    place: Any, kind: str, label: str, name: str, key: str, choices: list[int], **more: Any
) -> int:
    start = min(int(st.session_state.get(f"_{name}", 0)), len(choices) - 1)
    chosen = int(
        getattr(place, kind)(
            label, choices, index=start, key=f"{key}_{name}_{len(choices)}", **more
        )
    )
    st.session_state[f"_{name}"] = chosen
    return chosen


def _one(split: Split, window: int) -> Sequences:
    """The part that holds one test window alone."""
    return split.test[window : window + 1]


def _figure(subject: Subject, moment: _Moment) -> Any:
    split = subject.split
    if isinstance(split, DigitSplit):
        return digit_gates_figure(
            moment.view.signals,
            _picture(split, moment.window),
            step=moment.step,
            unit=moment.unit,
            dark=is_dark(),
        )
    assert isinstance(split, PriceSplit)
    rows = _rows(split, moment.window)
    return price_gates_figure(
        moment.view.signals,
        split.prices.dates[rows],
        split.prices.close[rows],
        step=moment.step,
        unit=moment.unit,
        dark=is_dark(),
    )


def _rows(split: PriceSplit, window: int) -> slice:
    start = int(split.test.starts[window])
    return slice(start, start + split.steps)


def _picture(split: DigitSplit, window: int) -> npt.NDArray[np.float64]:
    start = int(split.test.starts[window])
    return split.test.rows[start : start + split.steps].astype(np.float64)


def _equations(moment: _Moment) -> None:
    lines = [
        rf"{left} &= {symbols} \\ &= {numbers}"
        for left, symbols, numbers in step_equations(moment.view, moment.step, moment.unit)
    ]
    st.latex(r"\begin{aligned}" + r" \\[4pt] ".join(lines) + r"\end{aligned}")


def _values(moment: _Moment) -> dict[str, float]:
    view, step, unit = moment.view, moment.step, moment.unit
    values = {name: float(signal[step, unit]) for name, signal in view.signals.items()}
    values["h before"] = float(view.h_before[step, unit])
    if view.c_before is not None:
        values["c before"] = float(view.c_before[step, unit])
    return values


def _called(view: LayerView) -> str:
    return _(_WAYS[view.direction]).format(number=view.layer + 1)


def _when(subject: Subject, window: int, step: int) -> str:
    split = subject.split
    if isinstance(split, PriceSplit):
        day = split.prices.dates[int(split.test.starts[window]) + step]
        return _("step {step}, {day}").format(
            step=step + 1, day=np.datetime_as_string(day, unit="D")
        )
    return _("row {step} of a {digit}").format(step=step + 1, digit=int(split.test.targets[window]))


def _alt(subject: Subject, moment: _Moment) -> str:
    template = _("Heat maps over time of {signals}, one row a unit, with the digit at the left.")
    if isinstance(subject.split, PriceSplit):
        template = _("Heat maps over time of {signals}, one row a unit, with the close above.")
    return template.format(signals=", ".join(map(signal_title, moment.view.signals)))
