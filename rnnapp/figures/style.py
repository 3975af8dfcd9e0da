"""The one visual language of all figures: a colour means one thing, in light and dark alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rnnapp.configs import ModelConfig
from rnnapp.language import gettext as _

__all__ = [
    "BASELINE",
    "BEST",
    "BEST_LINE",
    "DIVERGING",
    "EVEN",
    "FONTS",
    "HEIGHT",
    "MAX_POINTS",
    "LineStyle",
    "actual_color",
    "band_color",
    "boundary_marks",
    "figure_layout",
    "line_of",
    "point_stride",
    "style_figure",
    "text_color",
]

FONTS = (
    '"Source Sans", system-ui, "Noto Sans KR", "Apple SD Gothic Neo", "Malgun Gothic", '
    "NanumGothic, sans-serif"
)
"""Of every figure: those after the first two carry Hangul."""
HEIGHT = 420
MAX_POINTS = 1000
BASELINE = "#7A7A7A"
BEST = "#A87900"
"""Colour of the best possible forecast of a simulated series."""
EVEN = "Cividis"
"""Colour scale of values from 0 to 1 (gates)."""
DIVERGING = "RdBu_r"
"""Colour scale of values around 0 (states, contributions); always drawn with ``zmid=0``."""

_CELLS = {"rnn": "#2F86C6", "lstm": "#D55E00", "gru": "#00936B"}
_TWO_WAY = "#B650A6"


@dataclass(frozen=True)
class LineStyle:
    """How a curve is drawn: its colour and plotly's dash word."""

    color: str
    dash: str = "solid"


BEST_LINE = LineStyle(BEST, "dash")
"""Line of the best possible forecast."""


def line_of(model: ModelConfig) -> LineStyle:
    """The line of a net: its cell's colour, one for all two-way nets, dotted when from scratch."""
    color = _CELLS[model.kind]
    if model.bidirectional:
        color = _TWO_WAY
    return LineStyle(color, {True: "dot", False: "solid"}[model.scratch])


def actual_color(dark: bool) -> str:
    """Colour of what really happened."""
    return {True: "#E5E7EB", False: "#1F2937"}[dark]


def text_color(dark: bool) -> str:
    """Colour of marks that belong to the page rather than to a curve."""
    return actual_color(dark)


def band_color(color: str, opacity: float = 0.15) -> str:
    """``#RRGGBB`` as a translucent fill: intervals, spread of seeds."""
    red, green, blue = (int(color[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red},{green},{blue},{opacity})"


def point_stride(count: int, most: int = MAX_POINTS) -> int:
    """Take every n-th point so that no trace draws more than ``most``."""
    return max(1, -(-count // most))


def style_figure(
    figure: go.Figure,
    *,
    x: str = "",
    y: str = "",
    height: int = HEIGHT,
    hover: bool = True,
    keep: str = "zoom",
) -> go.Figure:
    """Apply :func:`figure_layout` to a figure, in place; every axis of it gets the names."""
    look = figure_layout(x=x, y=y, height=height, hover=hover, keep=keep)
    figure.update_xaxes(look.pop("xaxis"))
    figure.update_yaxes(look.pop("yaxis"))
    return figure.update_layout(look)


def figure_layout(
    *,
    x: str = "",
    y: str = "",
    height: int = HEIGHT,
    hover: bool = True,
    keep: str = "zoom",
    quick: bool = False,
) -> dict[str, Any]:
    """Axis names with units, unified hover, a legend above, fixed height, zoom kept on update.

    Args:
        x, y: axis names, with units.
        height: pixels; the same while it updates, so nothing jumps.
        hover: one hover box for all curves.
        keep: zoom survives as long as this word stays the same.
        quick: margins are fixed rather than fitted to the labels, which spares the browser a
            second layout: for charts that are redrawn while a slider moves.

    Returns:
        Plain values. A figure made of plain traces and such a layout in one go takes a fifth of
        the time of one that is updated piece by piece.
    """
    clear = "rgba(0,0,0,0)"
    whole = dict(exponentformat="none", separatethousands=True)  # 25,000 and 0.00001, not 25k, 10μ
    margin = dict(l=8, r=8, t=36, b=8)
    if quick:
        margin = dict(l=64, r=12, t=36, b={True: 44, False: 28}[bool(x)])
    return dict(
        height=height,
        font=dict(family=FONTS),
        margin=margin,
        hovermode={True: "x unified", False: "closest"}[hover],
        legend=dict(orientation="h", yanchor="bottom", y=1.0, xanchor="left", x=0),
        uirevision=keep,
        paper_bgcolor=clear,
        plot_bgcolor=clear,
        modebar=dict(bgcolor=clear),
        xaxis=dict(title=dict(text=x or None), automargin=not quick, **whole),
        yaxis=dict(title=dict(text=y or None), automargin=not quick, **whole),
    )


def boundary_marks(boundary: np.datetime64, last: np.datetime64, dark: bool) -> dict[str, Any]:
    """The train boundary as part of a layout.

    A dashed line with "train" and "test" at its sides, the test part lightly shaded.
    """
    color = text_color(dark)
    start, end = (str(np.datetime_as_string(day, unit="D")) for day in (boundary, last))
    upright = dict(yref="paper", y0=0, y1=1)
    shade = dict(
        type="rect",
        x0=start,
        x1=end,
        fillcolor=color,
        opacity=0.05,
        line=dict(width=0),
        layer="below",
        **upright,
    )
    line = dict(
        type="line", x0=start, x1=start, line=dict(color=color, width=1.5, dash="dash"), **upright
    )
    word = dict(
        x=start,
        yref="paper",
        y=0.99,
        yanchor="top",
        showarrow=False,
        font=dict(color=color, size=13),
    )
    words = [
        word | dict(text=_("train"), xanchor="right", xshift=-6),
        word | dict(text=_("test"), xanchor="left", xshift=6),
    ]
    return dict(shapes=[shade, line], annotations=words)
