"""Pictures of a forecast: the prices with their split, the loss as it falls, actual against predicted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import plotly.graph_objects as go

from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.forecast import Forecast
from rnnapp.figures.style import BASELINE, Line, actual_color, band_color, dress, mark_boundary, stride
from rnnapp.training.loop import EpochEvent

__all__ = ["forecast_figure", "loss_figure", "price_figure", "residual_figure"]

POINTS = "index points"


def price_figure(split: PriceSplit, dark: bool = False) -> go.Figure:
    """All closes with the train boundary, before anything is trained."""
    prices = split.prices
    step = stride(len(prices))
    figure = go.Figure(
        go.Scatter(x=prices.dates[::step], y=prices.close[::step], name="actual", line=dict(color=actual_color(dark), width=1.6))
    )
    mark_boundary(figure, split.boundary, prices.dates[-1], dark)
    return dress(figure, y=f"close, {POINTS}", quick=True)


def loss_figure(history: Sequence[EpochEvent], line: Line, *, epochs: int, log: bool = True, height: int = 300) -> go.Figure:
    """Loss by epoch; the axis spans all epochs from the start, so the curve grows and nothing jumps."""
    step = stride(len(history))
    shown = [*history[::step], *(history[-1:] if history and (len(history) - 1) % step else ())]
    epoch = [event.epoch + 1 for event in shown]
    figure = go.Figure(go.Scatter(x=epoch, y=[e.train_loss for e in shown], name="train", line=dict(color=line.color, width=1.8)))
    if any(event.valid_loss is not None for event in shown):
        valid = go.Scatter(
            x=epoch, y=[e.valid_loss for e in shown], name="validation", line=dict(color=line.color, width=1.4, dash="dash")
        )
        figure.add_trace(valid)
    dress(figure, x="epoch", y="loss, scaled MSE", height=height, keep=f"{epochs}{log}", quick=True)
    figure.update_xaxes(range=[0.5, max(epochs, 2) + 0.5])
    figure.update_yaxes(type="log" if log else "linear", exponentformat="power")
    return figure


def forecast_figure(
    forecast: Forecast,
    line: Line,
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
    first, last = first or forecast.dates[0], last or forecast.dates[-1]
    chosen = (forecast.dates >= first) & (forecast.dates <= last)
    step = stride(int(chosen.sum()))
    index = np.flatnonzero(chosen)[::step]
    dates, test = forecast.dates[index], forecast.part[index] == "test"
    figure = go.Figure()
    if forecast.lower is not None and forecast.upper is not None:
        edges = dict(x=dates, mode="lines", line=dict(width=0), hoverinfo="skip", legendgroup="band")
        figure.add_trace(go.Scatter(y=forecast.upper[index], showlegend=False, **edges))
        fill = dict(fill="tonexty", fillcolor=band_color(line.color), name="interval")
        figure.add_trace(go.Scatter(y=forecast.lower[index], **fill, **edges))
    persistence = dict(color=BASELINE, width=1.2, dash="dash")
    figure.add_trace(go.Scatter(x=dates, y=forecast.anchor[index], name="persistence", line=persistence))
    figure.add_trace(go.Scatter(x=dates, y=forecast.actual[index], name="actual", line=dict(color=actual_color(dark), width=1.6)))
    for name, part, opacity in (("train", ~test, 0.65), ("test", test, 1.0)):
        values = np.where(part, forecast.predicted[index], np.nan)
        style = dict(color=line.color, width=1.6, dash=line.dash)
        figure.add_trace(go.Scatter(x=dates, y=values, name=f"{forecast.name}, {name}", line=style, opacity=opacity))
    if first < forecast.boundary:
        mark_boundary(figure, forecast.boundary, last, dark)
    figure.update_traces(hovertemplate="%{y:,.1f}")
    return dress(figure, y=f"close, {POINTS}", keep=f"{first}{last}", quick=True)


def residual_figure(forecast: Forecast, line: Line, *, dark: bool = False) -> go.Figure:
    """Predicted minus actual by day on the test part, beside persistence's."""
    test = np.flatnonzero(forecast.part == "test")
    index = test[:: stride(len(test))]
    dates, actual = forecast.dates[index], forecast.actual[index]
    figure = go.Figure()
    grey = dict(color=BASELINE, width=1.2, dash="dash")
    figure.add_trace(go.Scatter(x=dates, y=forecast.anchor[index] - actual, name="persistence", line=grey))
    own = dict(color=line.color, width=1.4, dash=line.dash)
    figure.add_trace(go.Scatter(x=dates, y=forecast.predicted[index] - actual, name=forecast.name, line=own))
    figure.add_hline(y=0, line=dict(color=actual_color(dark), width=1))
    figure.update_traces(hovertemplate="%{y:+,.1f}")
    return dress(figure, y=f"predicted − actual, {POINTS}", height=320)
