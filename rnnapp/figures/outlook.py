"""The fan past the last row: a net's next days with their intervals, beside persistence's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import plotly.graph_objects as go

from rnnapp.data.prices import PriceTable
from rnnapp.data.quantities import CLOSE
from rnnapp.evaluation.formatting import hover_format
from rnnapp.evaluation.outlook import Fan, Outlook
from rnnapp.evaluation.price_band import PriceBand
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.style import (
    BASELINE,
    LineStyle,
    actual_color,
    band_color,
    figure_layout,
    text_color,
)
from rnnapp.language import gettext as _

__all__ = [
    "coverage_figure",
    "months_figure",
    "outlook_figure",
    "outlooks_figure",
    "price_band_figure",
]

PAST_ROWS = 60
Days = npt.NDArray[np.datetime64]
Values = npt.NDArray[np.float64]


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
    known = _known_values(prices, made)[-past:]
    traces = [
        _past_trace(prices, known, dark),
        *_fan_traces(made, made.rival, LineStyle(BASELINE, "dash"), _("persistence")),
        *_fan_traces(made, made.net, line, shown_name(made.name)),
    ]
    if made.prices_band is not None and not made.quantity.is_volatility:
        traces += _price_band_traces(made, made.prices_band, dark)
    return _make_figure(traces, made, made.quantity.axis, known, dark)


def price_band_figure(
    prices: PriceTable, made: Outlook, *, past: int = PAST_ROWS, dark: bool = False
) -> go.Figure:
    """The latest closes, then the band of prices that the forecast volatility allows.

    Args:
        prices: the table the outlook was made from.
        made: an outlook with such a band.
        past: rows shown before the band.
        dark: the page's theme.
    """
    assert made.prices_band is not None
    close = prices.close[-past:]
    traces = [
        _past_trace(prices, close, dark),
        *_price_band_traces(made, made.prices_band, dark),
    ]
    return _make_figure(traces, made, CLOSE.axis, close, dark)


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
    known = _known_values(prices, each[0])[-past:]
    rival = LineStyle(BASELINE, "dash")
    average = np.mean([made.predicted for made in each], axis=0)
    style = LineStyle(text_color(dark), "dot")
    traces = [
        _past_trace(prices, known, dark),
        *_fan_traces(each[0], each[0].rival, rival, _("persistence")),
        *(
            _path_trace(made, made.predicted, lines[made.name], shown_name(made.name))
            for made in each
        ),
        _path_trace(each[0], average, style, _("average of the nets")),
    ]
    return _make_figure(traces, each[0], each[0].quantity.axis, known, dark)


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
    named = (
        (_("split-conformal"), plain, LineStyle(line.color)),
        (_("adaptive"), adaptive, LineStyle(line.color, "dot")),
    )
    traces = [
        dict(
            type="scatter",
            x=months.index,
            y=100 * months["coverage"],
            name=name,
            mode="lines",
            line=dict(color=style.color, dash=style.dash, width=1.6),
            hovertemplate="%{y:.0f}%",
        )
        for name, months, style in named
    ]
    look = figure_layout(y=_("days inside the interval, %"), height=300)
    look["yaxis"] |= dict(range=[0, 103])
    nominal = dict(type="line", xref="paper", x0=0, x1=1, y0=100 * level, y1=100 * level)
    nominal["line"] = dict(color=actual_color(dark), width=1, dash="dash")
    return go.Figure(dict(data=traces, layout=look | dict(shapes=[nominal])))


def _known_values(prices: PriceTable, made: Outlook) -> Values:
    """(R,) what is forecast, of the known rows: closes, or volatilities."""
    if made.past is None:
        return prices.close
    return made.past


def _past_trace(prices: PriceTable, known: Values, dark: bool) -> dict[str, Any]:
    return dict(
        type="scatter",
        x=prices.dates[-len(known) :].astype("datetime64[D]"),
        y=known,
        name=_("actual"),
        mode="lines",
        line=dict(color=actual_color(dark), width=1.6),
        hovertemplate=f"%{{y:{hover_format(known)}}}",
    )


def _with_last(made: Outlook, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """(H + 1,) values that begin at the last close, so that the fan opens from the curve's end."""
    return np.concatenate([[made.last_close], values])


def _path_days(made: Outlook) -> Days:
    return np.concatenate([[made.made_from], made.dates]).astype("datetime64[D]")


def _path_trace(
    made: Outlook, values: npt.NDArray[np.float64], line: LineStyle, name: str
) -> dict[str, Any]:
    return dict(
        type="scatter",
        x=_path_days(made),
        y=_with_last(made, values),
        name=name,
        legendgroup=name,
        mode="lines+markers",
        marker=dict(size=5),
        line=dict(color=line.color, dash=line.dash, width=1.8),
        hovertemplate=f"%{{y:{hover_format(values)}}}",
    )


def _fan_traces(made: Outlook, fan: Fan, line: LineStyle, name: str) -> list[dict[str, Any]]:
    """The interval's two edges with colour between them, where there is one, and the forecast."""
    path = _path_trace(made, fan.predicted, line, name)
    if not np.isfinite(fan.lower).all():
        return [path]
    edge = dict(
        type="scatter",
        x=_path_days(made),
        mode="lines",
        line=dict(width=0),
        hoverinfo="skip",
        showlegend=False,
        legendgroup=name,
    )
    area = dict(fill="tonexty", fillcolor=band_color(line.color))
    return [
        edge | dict(y=_with_last(made, fan.upper)),
        edge | dict(y=_with_last(made, fan.lower)) | area,
        path,
    ]


def _price_band_traces(made: Outlook, band: PriceBand, dark: bool) -> list[dict[str, Any]]:
    """Two dotted edges that open from the last close: a second interval needs no second area."""
    if not np.isfinite(band.lower).all():
        return []
    name = _("by volatility")
    edge = dict(
        type="scatter",
        x=_path_days(made),
        name=name,
        legendgroup=name,
        mode="lines",
        line=dict(color=text_color(dark), dash="dot", width=1.4),
        hovertemplate=f"%{{y:{hover_format(band.upper)}}}",
    )
    opened = np.array([band.last_close])
    return [
        edge | dict(y=np.concatenate([opened, band.upper])),
        edge | dict(y=np.concatenate([opened, band.lower]), showlegend=False),
    ]


def _make_figure(
    traces: Sequence[dict[str, Any]], made: Outlook, axis: str, shown: Values, dark: bool
) -> go.Figure:
    """The traces with axis names, and a mark where the known rows end."""
    known = pd.Timestamp(made.made_from).strftime("%Y-%m-%d")
    look = figure_layout(y=axis, keep=f"outlook{known}")
    look["yaxis"] |= dict(tickformat=hover_format(shown))
    mark = dict(type="line", x0=known, x1=known, yref="paper", y0=0, y1=1)
    mark["line"] = dict(color=text_color(dark), width=1, dash="dash")
    return go.Figure(dict(data=list(traces), layout=look | dict(shapes=[mark])))
