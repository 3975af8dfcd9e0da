"""Figures of several forecasts side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go

from rnnapp.evaluation.baselines import PERSISTENCE
from rnnapp.evaluation.compare import SeedResult
from rnnapp.evaluation.forecast import Forecast
from rnnapp.evaluation.formatting import hover_format
from rnnapp.evaluation.judge import Comparison, Row
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.evaluation.strategy import Strategy
from rnnapp.evaluation.walkforward import Fold
from rnnapp.figures.style import (
    BASELINE,
    BEST_LINE,
    LineStyle,
    actual_color,
    band_color,
    boundary_marks,
    figure_layout,
    line_of,
    point_stride,
    style_figure,
)
from rnnapp.language import gettext as _

__all__ = [
    "assign_lines",
    "changes_figure",
    "curves_figure",
    "folds_figure",
    "interval_figure",
    "losses_figure",
    "residuals_figure",
    "strategy_figure",
]

Lines = Mapping[str, LineStyle]
_VARIANTS = ("dash", "dashdot", "longdash", "longdashdot")
_RULES = ("dash", "dot", "dashdot", "longdash", "longdashdot")


def assign_lines(comparison: Comparison) -> dict[str, LineStyle]:
    """A line for each row: a net's colour is its cell's, a second net of it gets another dash."""
    lines: dict[str, LineStyle] = {}
    for row in sorted(comparison.net_rows, key=lambda row: row.name):
        assert row.candidate is not None
        line = line_of(row.candidate.model)
        spare = iter(_VARIANTS)
        while line in lines.values():
            line = LineStyle(line.color, next(spare, "dot"))
            if line.dash == "dot":
                break
        lines[row.name] = line
    rules = [row.name for row in comparison.rows if row.kind == "baseline"]
    rules.sort(key=lambda name: name != PERSISTENCE)
    lines |= {row.name: BEST_LINE for row in comparison.rows if row.kind == "best"}
    return lines | {
        name: LineStyle(BASELINE, _RULES[i % len(_RULES)]) for i, name in enumerate(rules)
    }


def curves_figure(
    comparison: Comparison, *, dark: bool = False, first: np.datetime64 | None = None
) -> go.Figure:
    """Every forecast over the actual close, the seeds' spread as a band.

    Baselines other than persistence wait in the legend.

    Args:
        comparison: rows to draw.
        dark: the page's theme.
        first: show days from here on; None shows all.
    """
    lines = assign_lines(comparison)
    one = comparison.rows[0].forecast
    rows = _shown_rows(one, first)
    points = _line_trace(one.actual[rows])
    dates = one.dates[rows].astype("datetime64[D]")
    curves: list[dict[str, Any]] = []
    for row in comparison.net_rows:
        seeds = row.forecast
        if row.seeds > 1 and seeds.lower is not None and seeds.upper is not None:
            line = lines[row.name]
            curves += _band_traces(dates, seeds.lower[rows], seeds.upper[rows], line, row.name)
    for row in sorted(comparison.rows, key=lambda row: row.kind == "net"):
        curves.append(points | _forecast_trace(row, dates, rows, lines[row.name]))
    actual = dict(color=actual_color(dark), width=1.6)
    curves.append(
        points | dict(x=dates, y=one.actual[rows], name=_("actual"), line=actual, legendrank=1)
    )
    look = figure_layout(y=one.quantity.axis, keep=f"{comparison.horizon}{first}", quick=True)
    if first is None or first < one.boundary:
        look |= boundary_marks(one.boundary, one.dates[-1], dark)
    return go.Figure(dict(data=curves, layout=look))


def residuals_figure(comparison: Comparison, *, dark: bool = False) -> go.Figure:
    """Predicted minus actual by test day, persistence's behind the nets'."""
    lines = assign_lines(comparison)
    unit = comparison.rows[0].forecast.quantity.unit
    figure = go.Figure()
    for row in (comparison.find_row(PERSISTENCE), *comparison.net_rows):
        test = row.forecast.select_part("test")
        rows = slice(None, None, point_stride(len(test)))
        residuals = (test.predicted - test.actual)[rows]
        line = lines[row.name]
        figure.add_trace(
            go.Scatter(
                x=test.dates[rows],
                y=residuals,
                name=shown_name(row.name),
                mode="lines",
                line=dict(color=line.color, dash=line.dash, width=1.3),
                hovertemplate=f"%{{y:{hover_format(residuals, signed=True)}}}",
            )
        )
    figure.add_hline(y=0, line=dict(color=actual_color(dark), width=1))
    return style_figure(figure, y=_("predicted − actual, {unit}").format(unit=unit), height=360)


def changes_figure(comparison: Comparison, *, dark: bool = False) -> go.Figure:
    """Forecast change against the change that came, a dot for each test day.

    A good forecast lies along the diagonal.
    """
    lines = assign_lines(comparison)
    figure = go.Figure()
    base = comparison.rows[0].forecast.select_part("test")
    form = hover_format(base.actual - base.anchor, signed=True)
    for row in comparison.net_rows:
        test = row.forecast.select_part("test")
        rows = slice(None, None, point_stride(len(test)))
        figure.add_trace(
            go.Scatter(
                x=(test.actual - test.anchor)[rows],
                y=(test.predicted - test.anchor)[rows],
                name=shown_name(row.name),
                mode="markers",
                marker=dict(color=lines[row.name].color, size=5, opacity=0.55),
                text=np.datetime_as_string(test.dates[rows], unit="D"),
                hovertemplate=_("%{{text}}: came %{{x:{form}}}, forecast %{{y:{form}}}").format(
                    form=form
                ),
            )
        )
    reach = float(np.max(np.abs(base.actual - base.anchor), initial=1e-9))
    color = dict(color=actual_color(dark), width=1, dash="dash")
    figure.add_shape(type="line", x0=-reach, y0=-reach, x1=reach, y1=reach, line=color)
    figure.add_hline(y=0, line=dict(color=BASELINE, width=1))
    figure.add_vline(x=0, line=dict(color=BASELINE, width=1))
    return style_figure(
        figure,
        x=_("change that came, {unit}").format(unit=base.quantity.unit),
        y=_("change forecast, {unit}").format(unit=base.quantity.unit),
        height=420,
        hover=False,
    )


def losses_figure(results: Sequence[SeedResult], lines: Lines, *, log: bool = True) -> go.Figure:
    """Training loss by epoch, the median over seeds with its spread, all nets together."""
    figure = go.Figure()
    for name in dict.fromkeys(result.candidate.name for result in results):
        histories = [
            r.trained.history for r in results if r.candidate.name == name and r.trained.history
        ]
        if not histories:
            continue
        length = max(len(history) for history in histories)
        losses = np.full((len(histories), length), np.nan)  # (seeds, epochs)
        for i, history in enumerate(histories):
            losses[i, : len(history)] = [event.train_loss for event in history]
        step = point_stride(length)
        epochs = np.arange(1, length + 1)[::step]
        losses = losses[:, ::step]
        line = lines[name]
        if len(histories) > 1:
            figure.add_traces(
                _band_traces(
                    epochs, np.nanmin(losses, axis=0), np.nanmax(losses, axis=0), line, name
                )
            )
        style = dict(color=line.color, dash=line.dash, width=1.8)
        figure.add_trace(
            go.Scatter(
                x=epochs,
                y=np.nanmedian(losses, axis=0),
                name=shown_name(name),
                legendgroup=name,
                mode="lines",
                line=style,
                hovertemplate="%{y:.4g}",
            )
        )
    style_figure(
        figure, x=_("epoch"), y=_("loss, mean squared error of scaled targets"), height=360
    )
    figure.update_yaxes(type={True: "log", False: "linear"}[log], exponentformat="power")
    return figure


def interval_figure(forecast: Forecast, line: LineStyle, *, dark: bool = False) -> go.Figure:
    """The interval around a forecast on test days, with the days it missed marked."""
    test = forecast.select_part("test")
    rows = slice(None, None, point_stride(len(test)))
    figure = go.Figure()
    if test.lower is not None and test.upper is not None:
        figure.add_traces(
            _band_traces(test.dates[rows], test.lower[rows], test.upper[rows], line, forecast.name)
        )
    style = dict(color=line.color, dash=line.dash, width=1.6)
    figure.add_trace(
        go.Scatter(
            x=test.dates[rows],
            y=test.predicted[rows],
            name=shown_name(forecast.name),
            legendgroup=forecast.name,
            line=style,
        )
    )
    actual = dict(color=actual_color(dark), width=1.6)
    figure.add_trace(
        go.Scatter(x=test.dates[rows], y=test.actual[rows], name=_("actual"), line=actual)
    )
    if test.lower is not None and test.upper is not None:
        missed = (test.actual < test.lower) | (test.actual > test.upper)
        dots = dict(
            color=actual_color(dark),
            size=7,
            symbol="x-thin",
            line=dict(width=1.6, color=actual_color(dark)),
        )
        figure.add_trace(
            go.Scatter(
                x=test.dates[missed],
                y=test.actual[missed],
                name=_("outside"),
                mode="markers",
                marker=dots,
            )
        )
    form = hover_format(test.actual)
    for trace in figure.data:
        if trace.hoverinfo != "skip":
            trace.hovertemplate = f"%{{y:{form}}}"
    return style_figure(figure, y=forecast.quantity.axis, height=360)


def folds_figure(
    folds: Mapping[str, Sequence[Fold]],
    single: Mapping[str, float],
    lines: Lines,
    *,
    dark: bool = False,
) -> go.Figure:
    """RMSE of each fold beside persistence's on the same days, and the single split's as a line.

    Args:
        folds: finished folds of each net.
        single: RMSE of the net on the single split, index points.
        lines: of each net.
        dark: the page's theme.
    """
    figure = go.Figure()
    some = max(folds.values(), key=len)
    bars = dict(color=BASELINE)
    figure.add_trace(
        go.Bar(
            x=[_fold_label(f) for f in some],
            y=[f.evaluation.persistence_rmse for f in some],
            name=_("Persistence"),
            marker=bars,
        )
    )
    for name, done in folds.items():
        color = lines[name].color
        figure.add_trace(
            go.Bar(
                x=[_fold_label(f) for f in done],
                y=[f.evaluation.rmse for f in done],
                name=shown_name(name),
                marker=dict(color=color),
            )
        )
        if name in single:
            figure.add_hline(y=single[name], line=dict(color=color, dash="dot", width=1.5))
    form = hover_format([fold.evaluation.persistence_rmse for fold in some])
    figure.update_traces(hovertemplate=f"%{{y:{form}}}")
    figure.update_xaxes(type="category")
    return style_figure(
        figure,
        x=_("first test day of the fold; dotted: the single split"),
        y=_("RMSE, {unit}").format(unit=some[0].evaluation.quantity.error_unit),
        height=360,
    )


def strategy_figure(followed: Sequence[Strategy], lines: Lines, *, dark: bool = False) -> go.Figure:
    """What 1 has become, following each forecast and just holding."""
    figure = go.Figure()
    for one in followed:
        rows = slice(None, None, point_stride(len(one.dates)))
        style = dict(color=lines[one.name].color, dash=lines[one.name].dash, width=1.6)
        figure.add_trace(
            go.Scatter(x=one.dates[rows], y=one.value[rows], name=shown_name(one.name), line=style)
        )
    first = followed[0]
    rows = slice(None, None, point_stride(len(first.dates)))
    figure.add_trace(
        go.Scatter(
            x=first.dates[rows],
            y=first.hold[rows],
            name=_("buy and hold"),
            line=dict(color=actual_color(dark), width=1.6),
        )
    )
    figure.update_traces(hovertemplate="%{y:.3f}")
    return style_figure(figure, y=_("value of 1 at the start"), height=360)


def _shown_rows(forecast: Forecast, first: np.datetime64 | None) -> npt.NDArray[np.int64]:
    chosen = np.arange(len(forecast.dates))
    if first is not None:
        chosen = np.flatnonzero(forecast.dates >= first)
    return chosen[:: point_stride(len(chosen))]


def _line_trace(values: npt.NDArray[np.float64]) -> dict[str, Any]:
    """What all curves in index points share."""
    hover = f"%{{y:{hover_format(values)}}}"
    return dict(type="scatter", mode="lines", hovertemplate=hover)


def _forecast_trace(
    row: Row, dates: npt.NDArray[Any], rows: npt.NDArray[np.int64], line: LineStyle
) -> dict[str, Any]:
    """A row's curve; a net or persistence is drawn at once, other baselines wait in the legend."""
    visible: bool | str = True
    rank = 2
    width = 1.6
    if row.kind != "net":
        rank = 3
        width = 1.2
    if row.kind == "baseline" and row.name != PERSISTENCE:
        visible = "legendonly"
        rank = 4
    return dict(
        x=dates,
        y=row.forecast.predicted[rows],
        name=shown_name(row.name),
        legendgroup=row.name,
        visible=visible,
        legendrank=rank,
        line=dict(color=line.color, dash=line.dash, width=width),
    )


def _band_traces(
    x: npt.NDArray[Any],
    lower: npt.NDArray[Any],
    upper: npt.NDArray[Any],
    line: LineStyle,
    group: str,
) -> list[dict[str, Any]]:
    """Two edges with colour between them."""
    edge: dict[str, Any] = dict(
        type="scatter", x=x, mode="lines", line=dict(width=0), hoverinfo="skip", showlegend=False
    )
    edge["legendgroup"] = group
    return [
        edge | dict(y=upper),
        edge | dict(y=lower, fill="tonexty", fillcolor=band_color(line.color)),
    ]


def _fold_label(fold: Fold) -> str:
    return str(np.datetime_as_string(fold.forecast.select_part("test").dates[0], unit="D"))
