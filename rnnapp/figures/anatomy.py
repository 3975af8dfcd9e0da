"""Figures of what is inside a net: gates over time, parameters, gradients, derivatives."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rnnapp.configs import ModelConfig
from rnnapp.figures.style import (
    BASELINE,
    DIVERGING,
    EVEN,
    actual_color,
    line_of,
    style_figure,
    text_color,
)
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.models.gradients import GradientFlow

__all__ = [
    "derivative_figure",
    "digit_gates_figure",
    "gradient_figure",
    "parameter_figure",
    "price_gates_figure",
    "signal_title",
]

Array = npt.NDArray[np.float64]
_NAMES = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
_BAND = 92  # pixels of one heat map
_SHORT = {
    "input": N_("input"),
    "forget": N_("forget"),
    "output": N_("output"),
    "reset": N_("reset"),
    "update": N_("update"),
    "candidate": N_("cand."),
    "cell state": N_("cell"),
    "hidden state": N_("hidden"),
}
_TITLES = {
    "input": N_("input gate"),
    "forget": N_("forget gate"),
    "output": N_("output gate"),
    "reset": N_("reset gate"),
    "update": N_("update gate"),
    "candidate": N_("candidate"),
    "cell state": N_("cell state"),
    "hidden state": N_("hidden state"),
}
_GATES = ("input", "forget", "output", "reset", "update")


def price_gates_figure(
    signals: Mapping[str, Array],
    days: npt.NDArray[np.datetime64],
    close: Array,
    *,
    step: int,
    unit: int,
    dark: bool,
) -> go.Figure:
    """Every gate and state over a window of prices, the close above them.

    Args:
        signals: (T, H) by name.
        days: T dates.
        close: (T,) index points.
        step, unit: marked, counted from 0.
        dark: whether the page is dark.
    """
    rows = 1 + len(signals)
    figure = make_subplots(
        rows=rows,
        shared_xaxes=True,
        vertical_spacing=0.25 / rows,
        subplot_titles=[_("close"), *map(signal_title, signals)],
    )
    labels = [str(day)[:10] for day in days]
    line = dict(color=actual_color(dark), width=1.6)
    figure.add_trace(
        go.Scatter(
            x=labels,
            y=close,
            mode="lines+markers",
            marker_size=4,
            line=line,
            name=_("close, points"),
        ),
        1,
        1,
    )
    for place, (name, values) in enumerate(signals.items(), 2):
        figure.add_trace(
            _heat_map(name, values.T, labels, _unit_numbers(values), _color_bar(figure, place)),
            place,
            1,
        )
        figure.update_yaxes(title_text=_("unit"), row=place, col=1)
    figure.update_yaxes(title_text=_("points"), row=1, col=1)
    style_figure(figure, height=60 + _BAND * rows, hover=False, keep="gates")
    figure.update_xaxes(type="category", nticks=8, showgrid=False)
    color = text_color(dark)
    marks = [_marker_line(place, step, None, color, step=True) for place in range(1, rows + 1)]
    marks += [
        _marker_line(place, None, unit + 1, color, step=False) for place in range(2, rows + 1)
    ]
    figure.update_layout(showlegend=False, shapes=marks)
    figure.update_annotations(font=dict(size=13, color=color))
    return figure


def digit_gates_figure(
    signals: Mapping[str, Array], picture: Array, *, step: int, unit: int, dark: bool
) -> go.Figure:
    """Every gate and state while a digit is read row by row, the digit beside them.

    Args:
        signals: (28, H) by name.
        picture: (28, 28) ink.
        step, unit: marked, counted from 0.
        dark: whether the page is dark.
    """
    columns = 1 + len(signals)
    figure = make_subplots(
        cols=columns,
        shared_yaxes=True,
        horizontal_spacing=0.012,
        subplot_titles=[_("digit"), *(_(_SHORT.get(name, name)) for name in signals)],
    )
    ink = {True: "gray", False: "gray_r"}[dark]
    rows = list(range(1, len(picture) + 1))
    figure.add_trace(
        go.Heatmap(z=picture, y=rows, colorscale=ink, showscale=False, hoverinfo="skip"), 1, 1
    )
    for place, (name, values) in enumerate(signals.items(), 2):
        figure.add_trace(_heat_map(name, values, _unit_numbers(values), rows, None), 1, place)
        figure.update_xaxes(title_text=_("unit"), row=1, col=place)
    style_figure(figure, height=440, hover=False, keep="gates")
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_yaxes(title_text=_("row"), row=1, col=1)
    figure.update_xaxes(showticklabels=False, showgrid=False, row=1, col=1)
    color = text_color(dark)
    marks = [
        _marker_line(place, None, step + 1, color, step=True) for place in range(1, columns + 1)
    ]
    marks += [
        _marker_line(place, unit + 1, None, color, step=False) for place in range(2, columns + 1)
    ]
    figure.update_layout(shapes=marks)
    figure.update_annotations(font=dict(size=13, color=color))
    return figure


def _marker_line(
    place: int, x: float | None, y: float | None, color: str, *, step: bool
) -> dict[str, Any]:
    """A line across one panel, upright at ``x`` or level at ``y``: full or dotted."""
    axis = ""
    if place > 1:
        axis = str(place)
    line = dict(color=color, width=0.8, dash="dot")
    if step:
        line = dict(color=color, width=1.5, dash="solid")
    if y is None:
        return dict(
            type="line", xref=f"x{axis}", yref=f"y{axis} domain", x0=x, x1=x, y0=0, y1=1, line=line
        )
    return dict(
        type="line", xref=f"x{axis} domain", yref=f"y{axis}", x0=0, x1=1, y0=y, y1=y, line=line
    )


def _heat_map(
    name: str, values: Array, across: Sequence[Any], down: Sequence[Any], bar: dict[str, Any] | None
) -> go.Heatmap:
    """One heat map: gates on an even scale from 0 to 1, signed values on one centred on 0."""
    scale = EVEN
    low = 0.0
    reach = 1.0
    if name not in _GATES:
        if name != "candidate":
            reach = max(1e-9, float(np.abs(values).max()))
        scale = DIVERGING
        low = -reach
    return go.Heatmap(
        z=values,
        x=list(across),
        y=list(down),
        name=signal_title(name),
        colorscale=scale,
        zmin=low,
        zmax=reach,
        showscale=bar is not None,
        colorbar=bar,
        hovertemplate=f"{signal_title(name)} %{{z:.3f}}<br>%{{x}}, %{{y}}<extra></extra>",
    )


def _color_bar(figure: go.Figure, row: int) -> dict[str, Any]:
    """A colour bar as high as its heat map."""
    low, high = figure.get_subplot(row, 1).yaxis.domain
    return dict(
        len=high - low,
        y=(low + high) / 2,
        thickness=8,
        nticks=3,
        tickfont=dict(size=10),
        outlinewidth=0,
    )


def _unit_numbers(values: Array) -> list[int]:
    return list(range(1, values.shape[1] + 1))


def signal_title(name: str) -> str:
    """A gate or state as people read it, by its name among a layer's signals."""
    return _(_TITLES.get(name, name))


def parameter_figure(
    totals: Mapping[str, npt.NDArray[np.int64]], hidden: Sequence[int], now: ModelConfig, dark: bool
) -> go.Figure:
    """Trainable values over the hidden size for the three cells, the present net marked."""
    figure = go.Figure()
    for kind, values in totals.items():
        line = line_of(ModelConfig(cell=kind))  # type: ignore[arg-type]
        figure.add_trace(
            go.Scatter(
                x=list(hidden),
                y=values,
                name=_NAMES[kind],
                line=dict(color=line.color, dash=line.dash),
            )
        )
    place = list(hidden).index(now.hidden)
    figure.add_trace(
        go.Scatter(
            x=[now.hidden],
            y=[totals[now.kind][place]],
            mode="markers",
            name=_("this net"),
            hoverinfo="skip",
            marker=dict(size=12, color=text_color(dark), symbol="circle-open", line_width=3),
        )
    )
    figure.update_yaxes(type="log", dtick=1)
    return style_figure(
        figure, x=_("hidden size, units"), y=_("trainable values"), height=360, keep="parameters"
    )


def gradient_figure(flows: Sequence[GradientFlow], what: str) -> go.Figure:
    """How a gradient fades on its way back through time.

    Args:
        flows: one a cell, of equal length.
        what: ``h`` for d loss / d h_t (an LSTM's cell state too), ``x`` for d loss / d x_t.
    """
    figure = go.Figure()
    for flow in flows:
        values = getattr(flow, what)
        color = line_of(ModelConfig(cell=flow.kind)).color
        back = np.arange(len(values))[::-1]
        figure.add_trace(
            go.Scatter(x=back, y=_drawable(values), name=_NAMES[flow.kind], line=dict(color=color))
        )
        if what == "h" and flow.c is not None:
            line = dict(color=color, dash="longdashdot")
            figure.add_trace(
                go.Scatter(
                    x=back,
                    y=_drawable(flow.c),
                    name=_("{names}, cell state").format(names=_NAMES[flow.kind]),
                    line=line,
                )
            )
    figure.update_yaxes(type="log", exponentformat="power")
    figure.update_xaxes(autorange="reversed")
    name = {"h": _("d loss / d h_t, last step = 1"), "x": _("d loss / d x_t")}[what]
    return style_figure(
        figure,
        x=_("steps before the last"),
        y=_("norm of {name}").format(name=name),
        height=380,
        keep=f"gradient-{what}",
    )


def _drawable(values: Array) -> list[float | None]:
    """A logarithm has no place for 0: below the smallest 64-bit number nothing is drawn."""
    drawn: list[float | None] = [float(value) for value in values]
    for place in np.flatnonzero(~(values > 0)):
        drawn[place] = None
    return drawn


def derivative_figure(dark: bool) -> go.Figure:
    """tanh and the logistic function with their derivatives: at most 1 and 1/4, 0 at both ends."""
    x = np.linspace(-6, 6, 241)
    tanh = np.tanh(x)
    sigma = 1 / (1 + np.exp(-x))
    figure = go.Figure()
    for name, values, color, dash in (
        ("tanh", tanh, text_color(dark), "dot"),
        (_("derivative of tanh"), 1 - tanh**2, text_color(dark), "solid"),
        ("sigmoid", sigma, BASELINE, "dot"),
        (_("derivative of sigmoid"), sigma * (1 - sigma), BASELINE, "solid"),
    ):
        figure.add_trace(go.Scatter(x=x, y=values, name=name, line=dict(color=color, dash=dash)))
    return style_figure(figure, x=_("what goes in"), y=_("value"), height=320, keep="derivatives")
