"""The one visual language of all pictures: a colour means one thing, in light and dark alike."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import plotly.graph_objects as go

from rnnapp.configs import ModelConfig

__all__ = [
    "BASELINE",
    "DIVERGING",
    "EVEN",
    "HEIGHT",
    "MAX_POINTS",
    "Line",
    "actual_color",
    "band_color",
    "dress",
    "line_of",
    "mark_boundary",
    "stride",
    "text_color",
]

HEIGHT = 420
MAX_POINTS = 1000
BASELINE = "#7A7A7A"
EVEN = "Cividis"
"""Colour scale of values from 0 to 1 (gates)."""
DIVERGING = "RdBu_r"
"""Colour scale of values around 0 (states, contributions); always drawn with ``zmid=0``."""

_CELLS = {"rnn": "#2F86C6", "lstm": "#D55E00", "gru": "#00936B"}
_TWO_WAY = "#B650A6"


@dataclass(frozen=True)
class Line:
    """How a curve is drawn: its colour and plotly's dash word."""

    color: str
    dash: str = "solid"


def line_of(model: ModelConfig) -> Line:
    """The line of a net: its cell's colour, one colour for two-way nets, dotted when from scratch."""
    return Line(_TWO_WAY if model.bidirectional else _CELLS[model.kind], "dot" if model.scratch else "solid")


def actual_color(dark: bool) -> str:
    """Colour of what really happened."""
    return "#E5E7EB" if dark else "#1F2937"


def text_color(dark: bool) -> str:
    """Colour of marks that belong to the page rather than to a curve."""
    return actual_color(dark)


def band_color(color: str, opacity: float = 0.15) -> str:
    """``#RRGGBB`` as a translucent fill: intervals, spread of seeds."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def stride(count: int, most: int = MAX_POINTS) -> int:
    """Take every n-th point so that no trace draws more than ``most``."""
    return max(1, -(-count // most))


def dress(
    figure: go.Figure,
    *,
    x: str = "",
    y: str = "",
    height: int = HEIGHT,
    hover: bool = True,
    keep: str = "zoom",
    quick: bool = False,
) -> go.Figure:
    """Axis names with units, unified hover, a legend above, fixed height, and zoom that survives an update.

    Args:
        figure: changed in place.
        x, y: axis names, with units.
        height: pixels; the same while it updates, so nothing jumps.
        hover: one hover box for all curves.
        keep: zoom survives as long as this word stays the same.
        quick: margins are fixed rather than fitted to the labels, which spares the browser a second layout: for charts that
            are redrawn while a slider moves.
    """
    figure.update_layout(
        height=height,
        margin=dict(l=64, r=12, t=36, b=44 if x else 28) if quick else dict(l=8, r=8, t=36, b=8),
        hovermode="x unified" if hover else "closest",
        legend=dict(orientation="h", yanchor="bottom", y=1.0, xanchor="left", x=0),
        uirevision=keep,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        modebar=dict(bgcolor="rgba(0,0,0,0)"),
    )
    figure.update_xaxes(title_text=x or None, automargin=not quick)
    figure.update_yaxes(title_text=y or None, automargin=not quick)
    return figure


def mark_boundary(figure: go.Figure, boundary: np.datetime64, last: np.datetime64, dark: bool) -> go.Figure:
    """The train boundary: a dashed line with "train" and "test" at its sides, the test part lightly shaded."""
    color, (start, end) = text_color(dark), (str(np.datetime_as_string(day, unit="D")) for day in (boundary, last))
    figure.add_vrect(x0=start, x1=end, fillcolor=color, opacity=0.05, line_width=0, layer="below")
    figure.add_shape(type="line", x0=start, x1=start, yref="paper", y0=0, y1=1, line=dict(color=color, width=1.5, dash="dash"))
    for text, anchor, shift in (("train", "right", -6), ("test", "left", 6)):
        place = dict(x=start, yref="paper", y=0.99, xanchor=anchor, xshift=shift, yanchor="top")
        figure.add_annotation(text=text, showarrow=False, font=dict(color=color, size=13), **place)
    return figure
