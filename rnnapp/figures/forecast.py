"""Figures of a forecast: prices with their split, the loss as it falls, actual and predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from rnnapp.configs import WindowConfig
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import hover_format
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.style import (
    BASELINE,
    BEST,
    LineStyle,
    actual_color,
    band_color,
    boundary_marks,
    figure_layout,
    point_stride,
    style_figure,
)
from rnnapp.language import gettext as _
from rnnapp.training.loop import EpochEvent

__all__ = ["explain_loss", "forecast_figure", "loss_figure", "price_figure", "residual_figure"]


def price_figure(split: PriceSplit, dark: bool = False) -> go.Figure:
    """All closes, or volatilities, with the train boundary, before anything is trained."""
    prices = split.prices
    step = point_stride(len(prices))
    actual = _curve_trace(
        "actual", prices.dates[::step], split.series[::step], color=actual_color(dark), width=1.6
    )
    marks = boundary_marks(split.boundary, prices.dates[-1], dark)
    return go.Figure(
        dict(data=[actual], layout=figure_layout(y=split.quantity.axis, quick=True) | marks)
    )


def loss_figure(
    history: Sequence[EpochEvent],
    line: LineStyle,
    *,
    epochs: int,
    log: bool = True,
    height: int = 300,
) -> go.Figure:
    """Loss by epoch; the axis spans all epochs from the start, so that nothing jumps."""
    step = point_stride(len(history))
    shown = list(history[::step])
    if history and (len(history) - 1) % step:
        shown.append(history[-1])
    epoch = [event.epoch + 1 for event in shown]
    curves = [
        _curve_trace(
            _("train"), epoch, [event.train_loss for event in shown], color=line.color, width=1.8
        )
    ]
    if any(event.valid_loss is not None for event in shown):
        curves.append(
            _curve_trace(
                _("validation"),
                epoch,
                [e.valid_loss for e in shown],
                color=line.color,
                width=1.4,
                dash="dash",
            )
        )
    look = figure_layout(
        x=_("epoch"), y=_("loss, scaled MSE"), height=height, keep=f"{epochs}{log}", quick=True
    )
    look["xaxis"] |= dict(range=[0.5, max(epochs, 2) + 0.5])
    look["yaxis"] |= dict(type={True: "log", False: "linear"}[log], exponentformat="power")
    return go.Figure(dict(data=curves, layout=look))


def explain_loss(config: WindowConfig) -> str:
    """What a loss of 1, or of a small part of it, means with these targets."""
    if config.target == "level":
        return _(
            "The loss is the mean squared error of closes scaled to 0..1 over their range on the "
            "training rows: 0.0001 is a miss of one hundredth of that range."
        )
    if config.forecasts_volatility:
        return _(
            "The loss is the mean squared error of the logarithm of the volatility, in standard "
            "deviations: 1 is what the same forecast for every day, the mean, misses."
        )
    return _(
        "The loss is the mean squared error of the changes, in their standard deviations: "
        "1 is about what persistence, a forecast of no change, misses."
    )


def forecast_figure(
    forecast: Forecast,
    line: LineStyle,
    *,
    dark: bool = False,
    first: np.datetime64 | None = None,
    last: np.datetime64 | None = None,
) -> go.Figure:
    """Actual, predicted and persistence over real dates, with the train boundary.

    Args:
        forecast: in index points.
        line: the net's line.
        dark: the page's theme.
        first, last: show only these days, at full resolution where they are few; None shows all.
    """
    first = first or forecast.dates[0]
    last = last or forecast.dates[-1]
    chosen = (forecast.dates >= first) & (forecast.dates <= last)
    step = point_stride(int(chosen.sum()))
    index = np.flatnonzero(chosen)[::step]
    dates = forecast.dates[index].astype("datetime64[D]")
    test = forecast.part[index] == "test"
    curves = _interval_traces(forecast, index, line)
    points = dict(hovertemplate=f"%{{y:{hover_format(forecast.actual[index])}}}")
    curves.append(
        _curve_trace(
            _("persistence"), dates, forecast.anchor[index], color=BASELINE, width=1.2, dash="dash"
        )
        | points
    )
    curves.append(
        _curve_trace(
            _("actual"), dates, forecast.actual[index], color=actual_color(dark), width=1.6
        )
        | points
    )
    if forecast.best is not None:
        bound = _curve_trace(
            _("best possible"), dates, forecast.best[index], color=BEST, width=1.2, dash="dash"
        )
        curves.append(bound | points)
    for name, part, opacity in ((_("train"), ~test, 0.65), (_("test"), test, 1.0)):
        values = np.where(part, forecast.predicted[index], np.nan)
        curve = _curve_trace(
            _("{net}, {part}").format(net=shown_name(forecast.name), part=name),
            dates,
            values,
            color=line.color,
            width=1.6,
            dash=line.dash,
        )
        curves.append(curve | points | dict(opacity=opacity))
    look = figure_layout(y=forecast.quantity.axis, keep=f"{first}{last}", quick=True)
    if first < forecast.boundary:
        look |= boundary_marks(forecast.boundary, last, dark)
    return go.Figure(dict(data=curves, layout=look))


def _interval_traces(
    forecast: Forecast, index: npt.NDArray[np.int64], line: LineStyle
) -> list[dict[str, Any]]:
    """The interval's two edges with colour between them; nothing without an interval."""
    if forecast.lower is None or forecast.upper is None:
        return []
    edge: dict[str, Any] = dict(
        type="scatter",
        x=forecast.dates[index].astype("datetime64[D]"),
        mode="lines",
        line=dict(width=0),
        hoverinfo="skip",
        legendgroup="band",
    )
    fill = dict(fill="tonexty", fillcolor=band_color(line.color), name=_("interval"))
    return [
        edge | dict(y=forecast.upper[index], showlegend=False),
        edge | dict(y=forecast.lower[index]) | fill,
    ]


def _curve_trace(name: str, x: Any, y: Any, **line: Any) -> dict[str, Any]:
    return dict(type="scatter", x=x, y=y, name=name, mode="lines", line=line)


def residual_figure(forecast: Forecast, line: LineStyle, *, dark: bool = False) -> go.Figure:
    """Predicted minus actual by day on the test part, beside persistence's."""
    test = np.flatnonzero(forecast.part == "test")
    index = test[:: point_stride(len(test))]
    dates = forecast.dates[index]
    actual = forecast.actual[index]
    figure = go.Figure()
    grey = dict(color=BASELINE, width=1.2, dash="dash")
    figure.add_trace(
        go.Scatter(x=dates, y=forecast.anchor[index] - actual, name=_("persistence"), line=grey)
    )
    own = dict(color=line.color, width=1.4, dash=line.dash)
    figure.add_trace(
        go.Scatter(
            x=dates,
            y=forecast.predicted[index] - actual,
            name=shown_name(forecast.name),
            line=own,
        )
    )
    figure.add_hline(y=0, line=dict(color=actual_color(dark), width=1))
    form = hover_format(forecast.anchor[index] - actual, signed=True)
    figure.update_traces(hovertemplate=f"%{{y:{form}}}")
    return style_figure(
        figure, y=_("predicted − actual, {unit}").format(unit=forecast.quantity.unit), height=320
    )
