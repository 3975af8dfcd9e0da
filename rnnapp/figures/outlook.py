"""The fan past the last row: a net's next days with their intervals, beside persistence's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from rnnapp.data.prices import PriceTable
from rnnapp.evaluation.formatting import hover_format
from rnnapp.evaluation.outlook import Fan, Outlook
from rnnapp.figures.style import (
    BASELINE,
    LineStyle,
    actual_color,
    band_color,
    style_figure,
    text_color,
)

__all__ = ["coverage_figure", "months_figure", "outlook_figure", "outlooks_figure"]

PAST_ROWS = 60
Days = npt.NDArray[np.datetime64]


def outlook_figure(
    prices: PriceTable,
    made: Outlook,
    line: LineStyle,
    *,
    past: int = PAST_ROWS,
    dark: bool = False,
) -> go.Figure:
    """The latest closes, then the net's fan and persistence's.

    Args:
        prices: the table the outlook was made from.
        made: the outlook.
        line: the net's line.
        past: rows shown before the fan.
        dark: the page's theme.
    """
    figure = _past_figure(prices, past, dark)
    persistence = LineStyle(BASELINE, "dash")
    _add_fan(figure, made, made.rival, persistence, "persistence")
    _add_fan(figure, made, made.net, line, made.name)
    return _finish(figure, prices, made, past, dark)


def outlooks_figure(
    prices: PriceTable,
    each: Sequence[Outlook],
    lines: Mapping[str, LineStyle],
    *,
    past: int = PAST_ROWS,
    dark: bool = False,
) -> go.Figure:
    """Every net's next days on one figure, with their average and persistence's fan.

    Args:
        prices: the table the outlooks were made from.
        each: outlooks over the same days.
        lines: of each net, by name.
        past: rows shown before the fan.
        dark: the page's theme.
    """
    figure = _past_figure(prices, past, dark)
    _add_fan(figure, each[0], each[0].rival, LineStyle(BASELINE, "dash"), "persistence")
    for made in each:
        figure.add_trace(_path_trace(made, made.predicted, lines[made.name], made.name))
    average = np.mean([made.predicted for made in each], axis=0)
    style = LineStyle(text_color(dark), "dot")
    figure.add_trace(_path_trace(each[0], average, style, "average of the nets"))
    return _finish(figure, prices, each[0], past, dark)


def coverage_figure(made: Outlook, line: LineStyle, *, dark: bool = False) -> go.Figure:
    """Coverage by month on test days, split-conformal and adaptive, beside the nominal level."""
    return months_figure(made.net.months, made.net_adaptive.months, made.level, line, dark=dark)


def months_figure(
    plain: pd.DataFrame,
    adaptive: pd.DataFrame,
    level: float,
    line: LineStyle,
    *,
    dark: bool = False,
) -> go.Figure:
    """Coverage by month of two bands, beside the nominal level.

    Args:
        plain, adaptive: a line a month with ``coverage``, a share.
        level: nominal coverage.
        line: the net's line.
        dark: the page's theme.
    """
    figure = go.Figure()
    named = (
        ("split-conformal", plain, LineStyle(line.color)),
        ("adaptive", adaptive, LineStyle(line.color, "dot")),
    )
    for name, months, style in named:
        figure.add_trace(
            go.Scatter(
                x=months.index,
                y=100 * months["coverage"],
                name=name,
                mode="lines",
                line=dict(color=style.color, dash=style.dash, width=1.6),
                hovertemplate="%{y:.0f}%",
            )
        )
    figure.add_hline(y=100 * level, line=dict(color=actual_color(dark), width=1, dash="dash"))
    figure.update_yaxes(range=[0, 103])
    return style_figure(figure, y="days inside the interval, %", height=300)


def _past_figure(prices: PriceTable, past: int, dark: bool) -> go.Figure:
    close = prices.close[-past:]
    trace = go.Scatter(
        x=prices.dates[-past:].astype("datetime64[D]"),
        y=close,
        name="actual",
        mode="lines",
        line=dict(color=actual_color(dark), width=1.6),
        hovertemplate=f"%{{y:{hover_format(close)}}}",
    )
    return go.Figure(trace)


def _with_last(made: Outlook, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(H + 1,) values that begin at the last close, so that the fan opens from the curve's end."""
    return np.concatenate([[made.last_close], values])


def _path_days(made: Outlook) -> Days:
    return np.concatenate([[made.made_from], made.dates]).astype("datetime64[D]")


def _path_trace(
    made: Outlook, values: npt.NDArray[np.float64], line: LineStyle, name: str
) -> go.Scatter:
    return go.Scatter(
        x=_path_days(made),
        y=_with_last(made, values),
        name=name,
        legendgroup=name,
        mode="lines+markers",
        marker=dict(size=5),
        line=dict(color=line.color, dash=line.dash, width=1.8),
        hovertemplate=f"%{{y:{hover_format(values)}}}",
    )


def _add_fan(figure: go.Figure, made: Outlook, fan: Fan, line: LineStyle, name: str) -> None:
    if np.isfinite(fan.lower).all():
        edge: dict[str, Any] = dict(
            x=_path_days(made),
            mode="lines",
            line=dict(width=0),
            hoverinfo="skip",
            showlegend=False,
            legendgroup=name,
        )
        figure.add_trace(go.Scatter(y=_with_last(made, fan.upper), **edge))
        figure.add_trace(
            go.Scatter(
                y=_with_last(made, fan.lower),
                fill="tonexty",
                fillcolor=band_color(line.color),
                **edge,
            )
        )
    figure.add_trace(_path_trace(made, fan.predicted, line, name))


def _finish(
    figure: go.Figure, prices: PriceTable, made: Outlook, past: int, dark: bool
) -> go.Figure:
    """Axis names, and a mark where the known rows end."""
    known = pd.Timestamp(made.made_from).strftime("%Y-%m-%d")
    figure.add_vline(x=known, line=dict(color=text_color(dark), width=1, dash="dash"))
    figure.update_yaxes(tickformat=hover_format(prices.close[-past:]))
    return style_figure(figure, y="close, index points", keep=f"outlook{known}")
