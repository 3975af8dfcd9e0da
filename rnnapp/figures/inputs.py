"""Figures of what nets took in: which inputs mattered, and how far back they remember."""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence

import plotly.graph_objects as go

from rnnapp.evaluation.echo import EchoPoint, median_points
from rnnapp.evaluation.importance import InputImportance
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.style import BASELINE, BEST, LineStyle, style_figure
from rnnapp.language import gettext as _

__all__ = ["echo_figure", "importance_figure"]

_ROW_HEIGHT = 26
_FRAME_HEIGHT = 150


def importance_figure(
    found: Mapping[str, Sequence[InputImportance]], lines: Mapping[str, LineStyle]
) -> go.Figure:
    """By how much errors grow when an input is shuffled, a bar for each net and input.

    Args:
        found: the inputs of each net.
        lines: of each net.
    """
    figure = go.Figure()
    for name, inputs in found.items():
        figure.add_trace(
            go.Bar(
                y=[html.escape(shown_name(one.column)) for one in inputs],
                x=[100 * one.mean for one in inputs],
                error_x={"type": "data", "array": [100 * one.sd for one in inputs]},
                name=shown_name(name),
                orientation="h",
                marker={"color": lines[name].color},
                hovertemplate="%{x:.2f}%",
            )
        )
    figure.add_vline(x=0, line={"color": BASELINE, "width": 1})
    figure.update_yaxes(autorange="reversed", type="category")
    bars = sum(len(inputs) for inputs in found.values())
    return style_figure(
        figure,
        x=_("growth of RMSE when shuffled, %<br>whiskers: one standard deviation"),
        height=_FRAME_HEIGHT + _ROW_HEIGHT * bars,
        hover=False,
    )


def echo_figure(points: Sequence[EchoPoint], lines: Mapping[str, LineStyle]) -> go.Figure:
    """Share of the reachable gain over the days after which the echo comes back, a curve a net.

    Args:
        points: runs so far.
        lines: of each net.
    """
    figure = go.Figure()
    for name, by_lag in median_points(points).items():
        style = {"color": lines[name].color, "dash": lines[name].dash, "width": 1.8}
        figure.add_trace(
            go.Scatter(
                x=list(by_lag),
                y=[100 * value for value in by_lag.values()],
                name=shown_name(name),
                mode="lines+markers",
                line=style,
                hovertemplate="%{y:.0f}%",
            )
        )
    figure.add_hline(y=100, line={"color": BEST, "dash": "dash", "width": 1.2})
    figure.add_hline(y=0, line={"color": BASELINE, "dash": "dash", "width": 1.2})
    figure.update_xaxes(type="category")
    return style_figure(
        figure,
        x=_("days until the echo, L"),
        y=_("share of the reachable gain, %"),
        height=360,
    )
