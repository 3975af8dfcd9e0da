"""Which days moved a forecast, as bars: several nets beside each other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import plotly.graph_objects as go

from rnnapp.evaluation.day_contributions import DayContributions, Unit
from rnnapp.evaluation.formatting import format_points, hover_format
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.style import LineStyle, actual_color, style_figure
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_

__all__ = ["contributions_figure", "contributions_text"]

_HEIGHT = 340
_AXIS = N_("{unit} of the window")
_EXACT_TEXT = N_(
    "{name} forecasts {predicted} for {day}. Its {units} sum to the forecast; {top} moved it most."
)
_GRADIENT_TEXT = N_(
    "{name} is read at its last step, so its {units} have no exact terms; the bars are each "
    "{unit}'s share of the gradient. {top} has the largest."
)


_UNITS: dict[Unit, str] = {
    "index points": N_("index points"),
    "log-return": N_("log-return"),
    "log volatility": N_("log volatility"),
    "score": N_("score"),
    "share of the gradient": N_("share of the gradient"),
}


def contributions_figure(
    each: Sequence[DayContributions], lines: Mapping[str, LineStyle], *, dark: bool = False
) -> go.Figure:
    """What each day of a window gave to one forecast, a bar a net and day.

    Args:
        each: one for each net, of the same unit (index points, say); the nets may differ in window.
        lines: of each net, by name.
        dark: the page's theme.
    """
    figure = go.Figure()
    for one in each:
        days = [str(day) for day in np.datetime_as_string(one.dates, unit="D")]
        signed = one.method == "exact"
        form = hover_format(one.values, signed=signed)
        if one.unit != "index points":
            form = ".3g"
        figure.add_trace(
            go.Bar(
                x=days,
                y=one.values,
                name=shown_name(one.name),
                marker=dict(color=lines[one.name].color),
                hovertemplate=f"%{{y:{form}}}",
            )
        )
    figure.add_hline(y=0, line=dict(color=actual_color(dark), width=1))
    figure.update_xaxes(type="category", nticks=12)
    unit = _(_UNITS[each[0].unit])
    title = _("contribution, {unit}").format(unit=unit)
    if each[0].method == "gradient":
        title = unit
    return style_figure(
        figure, x=_(_AXIS).format(unit=each[0].spacing.unit), y=title, height=_HEIGHT
    )


def contributions_text(one: DayContributions) -> str:
    """What the figure shows of one net, in a sentence: its alternative text."""
    top = str(np.datetime_as_string(one.dates[int(np.abs(one.values).argmax())], unit="D"))
    template = {"exact": _(_EXACT_TEXT), "gradient": _(_GRADIENT_TEXT)}[one.method]
    return template.format(
        name=shown_name(one.name),
        predicted=format_points(one.predicted),
        day=np.datetime_as_string(one.forecast_date, unit="D"),
        top=top,
        unit=one.spacing.unit,
        units=one.spacing.units,
    )
