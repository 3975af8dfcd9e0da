"""Figures of the ledger: coverage and skill of recorded outlooks as they grow, with their doubt."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from rnnapp.figures.style import actual_color, band_color, style_figure, text_color
from rnnapp.language import gettext as _

__all__ = ["running_figure"]


def running_figure(
    running: pd.DataFrame, column: str, *, target: float, y: str, dark: bool = False
) -> go.Figure:
    """A running share with its 95% interval, and the value it is measured by.

    Args:
        running: of :func:`rnnapp.runs.ledger_scores.running_scores`.
        column: ``coverage`` or ``skill``.
        target: the nominal coverage, or no skill at all; a share.
        y: name of the axis.
        dark: the page's theme.
    """
    color = actual_color(dark)
    edge = dict(x=running.index, mode="lines", line=dict(width=0), hoverinfo="skip")
    figure = go.Figure(go.Scatter(y=100 * running[f"{column}_high"], showlegend=False, **edge))
    figure.add_trace(
        go.Scatter(
            y=100 * running[f"{column}_low"],
            fill="tonexty",
            fillcolor=band_color(color),
            name=_("95% interval"),
            **edge,
        )
    )
    figure.add_trace(
        go.Scatter(
            x=running.index,
            y=100 * running[column],
            name=_("so far"),
            mode="lines+markers",
            marker=dict(size=4),
            line=dict(color=color, width=1.6),
            hovertemplate="%{y:.1f}%",
        )
    )
    figure.add_hline(y=100 * target, line=dict(color=text_color(dark), width=1, dash="dash"))
    return style_figure(figure, y=y, height=300)
