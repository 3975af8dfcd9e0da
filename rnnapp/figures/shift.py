"""Figures of what a forecast knew.

Moved earlier by some days, and its daily changes against those that came.
"""

from __future__ import annotations

import numpy as np
import plotly.graph_objects as go

from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import hover_format
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.style import (
    BASELINE,
    LineStyle,
    actual_color,
    point_stride,
    style_figure,
)
from rnnapp.language import gettext as _

__all__ = ["daily_changes_figure", "shift_figure"]

_SHOWN_DAYS = 120


def shift_figure(
    forecast: Forecast, days: int, line: LineStyle, *, dark: bool = False
) -> go.Figure:
    """The last test days: the actual close, with the forecast and persistence moved earlier.

    Args:
        forecast: with its test part.
        days: days that both are moved to the left.
        line: of the net.
        dark: the page's theme.
    """
    test = forecast.select_part("test")
    first = max(len(test.dates) - _SHOWN_DAYS, 0)
    count = len(test.dates) - first - days
    dates = test.dates[first : first + count]
    moved = slice(first + days, first + days + count)
    figure = go.Figure()
    form = hover_format(test.actual)
    curves = (
        (_("actual"), test.dates[first:], test.actual[first:], dict(color=actual_color(dark))),
        (_("persistence"), dates, test.anchor[moved], dict(color=BASELINE, dash="dash")),
        (
            shown_name(forecast.name),
            dates,
            test.predicted[moved],
            dict(color=line.color, dash=line.dash),
        ),
    )
    for name, x, y, style in curves:
        trace = go.Scatter(x=x, y=y, name=name, mode="lines", line=style)
        figure.add_trace(trace.update(hovertemplate=f"%{{y:{form}}}"))
    ends = np.datetime_as_string(test.dates[[first, -1]], unit="D")
    figure.update_xaxes(range=[str(day) for day in ends])
    style_figure(figure, x=_("date"), y=forecast.quantity.axis, height=360)
    return figure.update_layout(uirevision="shift")


def daily_changes_figure(forecast: Forecast, line: LineStyle, *, dark: bool = False) -> go.Figure:
    """Change forecast against the change that came, a dot for each test day, with the zero cross.

    Args:
        forecast: with its test part.
        line: of the net.
        dark: the page's theme.
    """
    test = forecast.select_part("test")
    rows = slice(None, None, point_stride(len(test)))
    came = test.actual - test.anchor
    form = hover_format(came, signed=True)
    figure = go.Figure(
        go.Scatter(
            x=came[rows],
            y=(test.predicted - test.anchor)[rows],
            name=shown_name(forecast.name),
            mode="markers",
            marker=dict(color=line.color, size=5, opacity=0.55),
            text=np.datetime_as_string(test.dates[rows], unit="D"),
            hovertemplate=_("%{{text}}: came %{{x:{form}}}, forecast %{{y:{form}}}").format(
                form=form
            ),
        )
    )
    reach = float(np.max(np.abs(came), initial=1e-9))
    diagonal = dict(color=actual_color(dark), width=1, dash="dash")
    figure.add_shape(type="line", x0=-reach, y0=-reach, x1=reach, y1=reach, line=diagonal)
    figure.add_hline(y=0, line=dict(color=BASELINE, width=1))
    figure.add_vline(x=0, line=dict(color=BASELINE, width=1))
    return style_figure(
        figure,
        x=_("change that came, {unit}").format(unit=forecast.quantity.unit),
        y=_("change forecast, {unit}").format(unit=forecast.quantity.unit),
        height=420,
        hover=False,
    )
