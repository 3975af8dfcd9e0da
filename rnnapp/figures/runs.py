"""Pictures of several runs over each other, and of a search."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import plotly.graph_objects as go
from plotly.colors import sample_colorscale

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
from rnnapp.training.loop import EpochEvent

__all__ = ["Curve", "forecasts_figure", "losses_figure", "own_lines", "search_figure"]

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
_BEST = "#2F86C6"
SearchKind = Literal["history", "importances", "parallel", "slices", "live"]


@dataclass(frozen=True, eq=False)
class Curve:
    """One of the runs laid over each other.

    Attributes:
        name: what it is called.
        line: how it is drawn.
        history: its epochs.
        forecast: what it said, None where there is none.
    """

    name: str
    line: LineStyle
    history: Sequence[EpochEvent]
    forecast: Forecast | None = None


def own_lines(lines: Sequence[LineStyle]) -> list[LineStyle]:
    """The same colours, told apart by their dashes where a colour comes again."""
    seen: Counter[str] = Counter()
    made = []
    for line in lines:
        made.append(LineStyle(line.color, _DASHES[seen[line.color] % len(_DASHES)]))
        seen[line.color] += 1
    return made


def losses_figure(curves: Sequence[Curve], *, log: bool = True, valid: bool = False) -> go.Figure:
    """Losses by epoch, over each other.

    Args:
        curves: the runs.
        log: a logarithmic axis.
        valid: validation losses instead of training losses.
    """
    figure = go.Figure()
    for curve in curves:
        values = [e.valid_loss if valid else e.train_loss for e in curve.history]
        step = point_stride(len(values))
        epochs = [e.epoch + 1 for e in curve.history][::step]
        style = dict(color=curve.line.color, dash=curve.line.dash, width=1.8)
        figure.add_trace(go.Scatter(x=epochs, y=values[::step], name=curve.name, line=style))
    which = "validation" if valid else "training"
    style_figure(figure, x="epoch", y=f"{which} loss, scaled units", keep=f"losses{log}{valid}")
    return figure.update_yaxes(type="log" if log else "linear", exponentformat="power")


def forecasts_figure(curves: Sequence[Curve], *, dark: bool = False) -> go.Figure:
    """What each said about the test days, with the closes that came and the last close before each."""
    figure = go.Figure()
    told = [curve for curve in curves if curve.forecast is not None]
    for number, curve in enumerate(told):
        assert curve.forecast is not None
        test = curve.forecast.select_part("test")
        step = point_stride(len(test))
        if number == 0:
            grey = dict(color=BASELINE, width=1.2, dash="dash")
            figure.add_trace(
                go.Scatter(
                    x=test.dates[::step], y=test.anchor[::step], name="persistence", line=grey
                )
            )
            black = dict(color=actual_color(dark), width=1.6)
            figure.add_trace(
                go.Scatter(x=test.dates[::step], y=test.actual[::step], name="actual", line=black)
            )
        style = dict(color=curve.line.color, dash=curve.line.dash, width=1.5)
        figure.add_trace(
            go.Scatter(x=test.dates[::step], y=test.predicted[::step], name=curve.name, line=style)
        )
    form = hover_format([value for trace in figure.data for value in trace.y])
    figure.update_traces(hovertemplate=f"%{{y:{form}}}")
    return style_figure(figure, y="close, index points", keep="forecasts")


def search_figure(study: Any, kind: SearchKind, *, dark: bool = False) -> go.Figure:
    """One of Optuna's own figures of a study, in our colours.

    Args:
        study: an Optuna study with at least one complete trial (two for importances).
        kind: its history, the importances of its settings, parallel coordinates, slices, or the live losses.
        dark: the page's theme.
    """
    import optuna.visualization as pictures

    value = "RMSE / persistence's"
    if kind == "live":
        figure = pictures.plot_intermediate_values(study)
        figure.update_traces(
            line=dict(color=BASELINE, width=1), marker=dict(size=3), opacity=0.6, showlegend=False
        )
        return _own(figure, dark, x="share of the trial, %", y=value)
    if kind == "history":
        figure = pictures.plot_optimization_history(study, target_name=value)
        figure.update_traces(
            name="a trial", marker=dict(color=BASELINE, size=7), selector=dict(mode="markers")
        )
        figure.update_traces(
            name="best so far",
            line=dict(color=_BEST, width=2, shape="hv"),
            selector=dict(mode="lines"),
        )
        return _own(figure, dark, x="trial", y=value)
    if kind == "importances":
        figure = pictures.plot_param_importances(study)
        figure.update_traces(marker_color=_BEST)
        return _own(
            figure, dark, x="share of the differences it explains", y="setting", hover=False
        )
    if kind == "parallel":
        figure = pictures.plot_parallel_coordinate(study, target_name=value)
        for trace in figure.data:  # one line a trial, from its value through its settings
            if trace.mode == "lines":
                trace.update(
                    line=dict(
                        color=sample_colorscale(EVEN, [min(max(trace.y[0], 0.0), 1.0)])[0],
                        width=1.5,
                    ),
                    opacity=0.8,
                )
            else:
                trace.update(
                    marker=dict(colorscale=EVEN, reversescale=False, colorbar=dict(title=value))
                )
        figure.update_annotations(font_color=text_color(dark))
        return _own(figure, dark, hover=False)
    figure = pictures.plot_slice(study, target_name=value)
    figure.update_traces(
        marker=dict(colorscale=EVEN, size=7, line_width=0, colorbar=dict(title="trial"))
    )
    return _own(figure, dark, hover=False)


def _own(
    figure: go.Figure, dark: bool, *, x: str = "", y: str = "", hover: bool = True
) -> go.Figure:
    figure = go.Figure(figure)
    figure.update_layout(title=None, template=None, font_color=text_color(dark))
    grid = "rgba(128,128,128,0.25)"
    figure.update_xaxes(gridcolor=grid, zerolinecolor=grid, linecolor=grid)
    figure.update_yaxes(gridcolor=grid, zerolinecolor=grid, linecolor=grid)
    kept = [axis.title.text for axis in (*figure.select_xaxes(), *figure.select_yaxes())]
    style_figure(figure, hover=hover, keep="search")
    if x or y:
        figure.update_xaxes(title_text=x)
        figure.update_yaxes(title_text=y)
    else:
        for axis, text in zip((*figure.select_xaxes(), *figure.select_yaxes()), kept, strict=True):
            axis.title.text = text
    return figure
