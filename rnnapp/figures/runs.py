"""Figures of several runs over each other, and of a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

from rnnapp.data.quantities import CLOSE
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import hover_format
from rnnapp.figures.style import (
    BASELINE,
    EVEN,
    LineStyle,
    actual_color,
    point_stride,
    style_figure,
    text_color,
)
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.training.records import EpochEvent

if TYPE_CHECKING:
    from optuna import Study

__all__ = [
    "Curve",
    "SearchKind",
    "distinct_lines",
    "forecasts_figure",
    "losses_figure",
    "search_figure",
]

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_BEST = "#2F86C6"
_GRID = "rgba(128,128,128,0.25)"
_VALUE = N_("RMSE / persistence's")
SearchKind = Literal["history", "importances", "parallel", "slices", "live"]


@dataclass(frozen=True, eq=False)
class Curve:
    """One of several runs in a figure.

    Attributes:
        name: its name in the legend.
        line: how it is drawn.
        history: its epochs.
        forecast: its forecast, None where there is none.
    """

    name: str
    line: LineStyle
    history: Sequence[EpochEvent]
    forecast: Forecast | None = None


def distinct_lines(lines: Sequence[LineStyle]) -> list[LineStyle]:
    """The same colours, with another dash each time a colour repeats."""
    seen: Counter[str] = Counter()
    distinct = []
    for line in lines:
        distinct.append(LineStyle(line.color, _DASHES[seen[line.color] % len(_DASHES)]))
        seen[line.color] += 1
    return distinct


def losses_figure(curves: Sequence[Curve], *, log: bool = True, valid: bool = False) -> go.Figure:
    """Losses by epoch, over each other.

    Args:
        curves: the runs.
        log: a logarithmic axis.
        valid: validation losses instead of training losses.
    """
    field, which = {False: ("train_loss", "training"), True: ("valid_loss", "validation")}[valid]
    figure = go.Figure()
    for curve in curves:
        values = [getattr(event, field) for event in curve.history]
        step = point_stride(len(values))
        figure.add_trace(
            go.Scatter(
                x=[event.epoch + 1 for event in curve.history][::step],
                y=values[::step],
                name=_escape_tags(curve.name),
                line=dict(color=curve.line.color, dash=curve.line.dash, width=1.8),
            )
        )
    style_figure(
        figure,
        x=_("epoch"),
        y=_("{which} loss, scaled units").format(which=which),
        keep=f"losses{log}{valid}",
    )
    axis = {False: "linear", True: "log"}[log]
    return figure.update_yaxes(type=axis, exponentformat="power")


def forecasts_figure(curves: Sequence[Curve], *, dark: bool = False) -> go.Figure:
    """Forecasts of the test days, with the actual closes and the last close before each day."""
    figure = go.Figure()
    forecasts = [
        (curve, curve.forecast.select_part("test"))
        for curve in curves
        if curve.forecast is not None
    ]
    if forecasts:
        _add_actual(figure, forecasts[0][1], dark)
    for curve, test in forecasts:
        step = point_stride(len(test))
        figure.add_trace(
            go.Scatter(
                x=test.dates[::step],
                y=test.predicted[::step],
                name=_escape_tags(curve.name),
                line=dict(color=curve.line.color, dash=curve.line.dash, width=1.5),
            )
        )
    form = hover_format([value for trace in figure.data for value in trace.y])
    figure.update_traces(hovertemplate=f"%{{y:{form}}}")
    axis = CLOSE.axis
    if forecasts:
        axis = forecasts[0][1].quantity.axis
    return style_figure(figure, y=axis, keep="forecasts")


def _add_actual(figure: go.Figure, test: Forecast, dark: bool) -> None:
    step = point_stride(len(test))
    grey = dict(color=BASELINE, width=1.2, dash="dash")
    black = dict(color=actual_color(dark), width=1.6)
    for name, values, line in (
        (_("persistence"), test.anchor, grey),
        (_("actual"), test.actual, black),
    ):
        trace = go.Scatter(x=test.dates[::step], y=values[::step], name=name, line=line)
        figure.add_trace(trace)


def _escape_tags(text: str) -> str:
    """A name as text: plotly reads tags in it, links among them."""
    return text.replace("<", "&lt;")


def search_figure(study: Study, kind: SearchKind, *, dark: bool = False) -> go.Figure:
    """One of Optuna's own figures of a study, in our colours.

    Args:
        study: an Optuna study with at least one complete trial (two for importances).
        kind: its history, importances of its settings, parallel coordinates, slices or live losses.
        dark: the page's theme.
    """
    draw: dict[SearchKind, Callable[[Study, bool], go.Figure]] = {
        "history": _history_figure,
        "importances": _importances_figure,
        "parallel": _parallel_figure,
        "slices": _slices_figure,
        "live": _live_figure,
    }
    return draw[kind](study, dark)


def _live_figure(study: Study, dark: bool) -> go.Figure:
    from optuna.visualization import plot_intermediate_values

    figure = plot_intermediate_values(study)
    line = dict(color=BASELINE, width=1)
    figure.update_traces(line=line, marker=dict(size=3), opacity=0.6, showlegend=False)
    return _apply_theme(figure, dark, x=_("share of the trial, %"), y=_(_VALUE))


def _history_figure(study: Study, dark: bool) -> go.Figure:
    from optuna.visualization import plot_optimization_history

    figure = plot_optimization_history(study, target_name=_(_VALUE))
    marker = dict(color=BASELINE, size=7)
    figure.update_traces(name=_("a trial"), marker=marker, selector=dict(mode="markers"))
    line = dict(color=_BEST, width=2, shape="hv")
    figure.update_traces(name=_("best so far"), line=line, selector=dict(mode="lines"))
    return _apply_theme(figure, dark, x=_("trial"), y=_(_VALUE))


def _importances_figure(study: Study, dark: bool) -> go.Figure:
    from optuna.visualization import plot_param_importances

    figure = plot_param_importances(study)
    figure.update_traces(marker_color=_BEST)
    x = _("share of the differences it explains")
    return _apply_theme(figure, dark, x=x, y=_("setting"), hover=False)


def _parallel_figure(study: Study, dark: bool) -> go.Figure:
    from optuna.visualization import plot_parallel_coordinate

    figure = plot_parallel_coordinate(study, target_name=_(_VALUE))
    for trace in figure.data:
        if trace.mode == "lines":  # one line a trial, from its value through its settings
            share = min(max(trace.y[0], 0.0), 1.0)
            color = sample_colorscale(EVEN, [share])[0]
            trace.update(line=dict(color=color, width=1.5), opacity=0.8)
        else:
            bar = dict(title=_(_VALUE))
            trace.update(marker=dict(colorscale=EVEN, reversescale=False, colorbar=bar))
    figure.update_annotations(font_color=text_color(dark))
    return _apply_theme(figure, dark, hover=False)


def _slices_figure(study: Study, dark: bool) -> go.Figure:
    from optuna.visualization import plot_slice

    figure = plot_slice(study, target_name=_(_VALUE))
    marker = dict(colorscale=EVEN, size=7, line_width=0, colorbar=dict(title=_("trial")))
    figure.update_traces(marker=marker)
    return _apply_theme(figure, dark, hover=False)


def _apply_theme(
    drawn: go.Figure, dark: bool, *, x: str = "", y: str = "", hover: bool = True
) -> go.Figure:
    figure = go.Figure(drawn)
    figure.update_layout(title=None, template=None, font_color=text_color(dark))
    figure.update_xaxes(gridcolor=_GRID, zerolinecolor=_GRID, linecolor=_GRID)
    figure.update_yaxes(gridcolor=_GRID, zerolinecolor=_GRID, linecolor=_GRID)
    axes = (*figure.select_xaxes(), *figure.select_yaxes())
    titles = [axis.title.text for axis in axes]
    style_figure(figure, hover=hover, keep="search")
    if x or y:
        figure.update_xaxes(title_text=x)
        figure.update_yaxes(title_text=y)
        return figure
    axes = (*figure.select_xaxes(), *figure.select_yaxes())
    for axis, title in zip(axes, titles, strict=True):
        axis.title.text = title
    return figure
