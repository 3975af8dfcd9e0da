"""Pictures of how a net reads a digit, and of how well it reads many."""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from rnnapp.figures.style import BASELINE, EVEN, LineStyle, style_figure, text_color
from rnnapp.language import gettext as _
from rnnapp.models.reading import Reading
from rnnapp.training.loop import EpochEvent

__all__ = [
    "confusion_figure",
    "epochs_figure",
    "learning_figure",
    "parts_figure",
    "per_class_figure",
    "reading_figure",
    "shares_figure",
]

_DIGITS = [str(digit) for digit in range(10)]
_EPOCH_TICKS = (1, 2, 3, 5, 10, 20, 30, 50, 100, 200, 300, 500, 1000)
_SHOWN_SHARE = 0.1  # a digit that never had more has no curve over the epochs


def shares_figure(shares: npt.NDArray[Any], line: LineStyle, *, height: int = 230) -> go.Figure:
    """Ten bars: how sure the net is of each digit. The winner has the net's colour."""
    winner = int(np.argmax(shares))
    colors = [BASELINE] * 10
    colors[winner] = line.color
    texts = [f"{share:.0%}" for share in shares]
    for digit in np.flatnonzero(np.asarray(shares) < 0.005):
        texts[int(digit)] = ""
    look: dict[str, Any] = dict(
        textposition="outside", textangle=0, constraintext="none", cliponaxis=False
    )
    look["hovertemplate"] = "%{x}: %{y:.2%}<extra></extra>"
    return go.Figure(
        go.Bar(x=_DIGITS, y=shares, text=texts, marker_color=colors, **look),
        _shares_layout(_("digit"), _("probability"), height),
    )


def reading_figure(
    picture: npt.NDArray[np.uint8], reading: Reading, *, dark: bool = False, height: int = 400
) -> go.Figure:
    """The picture's rows beside the net's belief after each.

    A two-way net has two beliefs: read from the top and from the bottom.

    Args:
        picture: (28, 28) uint8.
        reading: of that picture.
        dark: the page's theme.
        height: pixels.
    """
    beliefs = {_("read downwards"): reading.downwards}
    if reading.upwards is not None:
        beliefs[_("read upwards")] = reading.upwards
    bar = dict(orientation="h", y=-0.2, yanchor="top", thickness=10, len=0.6, tickformat=".0%")
    bar |= dict(title=dict(text=_("probability"), side="top"))
    edge = dict(
        type="rect",
        y0=0,
        y1=1,
        x0=reading.winner - 0.5,
        x1=reading.winner + 0.5,
        line=dict(color=text_color(dark), width=1.5),
    )
    traces = [_picture_trace(picture)]
    edges = []
    for panel, (name, belief) in enumerate(beliefs.items(), 2):
        hover = _("row %{{y}}, {name}<br>%{{x}}: %{{z:.1%}}<extra></extra>").format(name=name)
        scale: dict[str, Any] = dict(
            colorscale=EVEN, zmin=0, zmax=1, showscale=panel == 2, colorbar=bar
        )
        traces.append(
            go.Heatmap(
                z=belief,
                x=_DIGITS,
                hovertemplate=hover,
                xaxis=f"x{panel}",
                yaxis=f"y{panel}",
                **scale,
            )
        )
        edges.append(edge | dict(xref=f"x{panel}", yref=f"y{panel} domain"))
    widths: tuple[float, ...] = (0.5, 0.5)
    if len(beliefs) == 2:
        widths = (0.42, 0.29, 0.29)
    return go.Figure(
        traces,
        _panel_layout((_("the picture"), *beliefs), widths, _("digit"), _("row"), height, True)
        | dict(shapes=edges),
    )


def parts_figure(
    picture: npt.NDArray[np.uint8], reading: Reading, line: LineStyle, *, height: int = 400
) -> go.Figure:
    """What each row adds to the score of the winning digit and of its rival, beside the picture."""
    traces = [_picture_trace(picture)]
    rows = np.arange(len(reading.rows))
    for digit, color in ((reading.rival, BASELINE), (reading.winner, line.color)):
        hover = _("row %{{y}} adds %{{x:+.2f}} to {digit}<extra></extra>").format(digit=digit)
        look = dict(orientation="h", name=f"{digit}", marker_color=color, hovertemplate=hover)
        traces.append(go.Bar(y=rows, x=reading.rows[:, digit], xaxis="x2", yaxis="y2", **look))
    legend = dict(
        traceorder="reversed",
        orientation="h",
        x=0.5,
        xanchor="center",
        y=-0.24,
        yanchor="top",
        title_text=_("added to "),
    )
    layout = _panel_layout(
        (_("the picture"), _("what each row adds to the score")),
        (0.4, 0.6),
        _("score (logit)"),
        _("row"),
        height,
        False,
    )
    return go.Figure(traces, layout | dict(legend=legend, bargap=0.15))


def confusion_figure(confusion: npt.NDArray[np.int64], *, height: int = 430) -> go.Figure:
    """Digits by class (rows) and by the net's answer (columns); colour shows the mistakes."""
    counts = np.asarray(confusion)
    mistakes = counts.astype(float)
    np.fill_diagonal(mistakes, np.nan)
    texts = np.char.mod("%d", counts)
    texts[counts == 0] = ""
    hover = _("a %{y} read as %{x}: %{text}<extra></extra>")
    heat = go.Heatmap(
        z=mistakes,
        x=_DIGITS,
        y=_DIGITS,
        text=texts,
        texttemplate="%{text}",
        textfont_size=11,
        colorscale=EVEN,
        hovertemplate=hover,
        hoverongaps=False,
        xgap=1,
        ygap=1,
        colorbar=dict(title=_("mistakes"), thickness=10),
    )
    figure = style_figure(
        go.Figure(heat), x=_("what the net says"), y=_("what it is"), height=height, hover=False
    )
    diagonal = [
        dict(x=d, y=d, text=f"{int(counts[int(d), int(d)]):,}", showarrow=False, font_size=11)
        for d in _DIGITS
    ]
    figure.update_layout(annotations=diagonal)
    figure.update_xaxes(type="category", fixedrange=True, showgrid=False)
    return figure.update_yaxes(
        type="category", autorange="reversed", fixedrange=True, showgrid=False
    )


def per_class_figure(shares: Sequence[float], line: LineStyle, *, height: int = 300) -> go.Figure:
    """Share read right of each digit; the axis begins where there is something to see."""
    known = [share for share in shares if not np.isnan(share)]
    low = max(0.0, np.floor(20 * (min(known, default=0.0) - 0.01)) / 20)
    texts = [f"{share:.1%}" for share in shares]
    bars = go.Bar(
        x=_DIGITS,
        y=list(shares),
        text=texts,
        textposition="outside",
        cliponaxis=False,
        marker_color=line.color,
        hovertemplate=_("%{x}: %{y:.2%} right<extra></extra>"),
    )
    figure = style_figure(
        go.Figure(bars),
        x=_("digit"),
        y=_("read right (from {low:.0%})").format(low=low),
        height=height,
        hover=False,
    )
    figure.update_xaxes(type="category", fixedrange=True)
    return figure.update_yaxes(range=[low, 1 + 0.08 * (1 - low)], tickformat=".0%", fixedrange=True)


def learning_figure(
    history: Sequence[EpochEvent], line: LineStyle, *, epochs: int, height: int = 320
) -> go.Figure:
    """Loss and accuracy by epoch, side by side; the axes span all epochs from the start."""
    figure = make_subplots(1, 2, horizontal_spacing=0.12)
    epoch = [event.epoch + 1 for event in history]
    drawn: dict[str, Any] = dict(x=epoch, mode="lines+markers")
    solid = dict(color=line.color, width=1.8)
    dashed = dict(color=line.color, width=1.4, dash="dash")
    figure.add_trace(
        go.Scatter(
            y=[e.train_loss for e in history],
            line=solid,
            name=_("loss, train"),
            showlegend=False,
            **drawn,
        ),
        1,
        1,
    )
    figure.add_trace(
        go.Scatter(
            y=[e.train_accuracy for e in history], line=dashed, name=_("train, as it went"), **drawn
        ),
        1,
        2,
    )
    figure.add_trace(
        go.Scatter(y=[e.test_accuracy for e in history], line=solid, name=_("test"), **drawn), 1, 2
    )
    figure = style_figure(figure, x=_("epoch"), height=height, keep=str(epochs))
    figure.update_xaxes(range=[0.5, max(epochs, 2) + 0.5])
    losses: dict[str, object] = dict(rangemode="tozero")
    accuracies: dict[str, object] = dict(tickformat=".1%")
    if not history:
        losses = dict(range=[0, 2.5])
        accuracies = dict(tickformat=".0%", range=[0, 1])
    figure.update_yaxes(title_text=_("loss, nats"), row=1, col=1, **losses)
    return figure.update_yaxes(
        title_text=_("read right"),
        row=1,
        col=2,
        **accuracies,
    )


def epochs_figure(
    epochs: Sequence[int],
    probabilities: npt.NDArray[Any],
    epoch: int,
    line: LineStyle,
    *,
    height: int = 230,
) -> go.Figure:
    """How sure the net was of each digit after past epochs of its training.

    Args:
        epochs: (K,) epochs done, ascending.
        probabilities: (K, 10) what it gave to each digit.
        epoch: the one that is shown elsewhere; it is marked.
        line: the net's; the digit that leads at the end has its colour.
        height: pixels.
    """
    winner = int(np.argmax(probabilities[-1]))
    figure = go.Figure()
    for digit in range(10):
        shares = probabilities[:, digit]
        stroke = dict(color=BASELINE, width=1.2)
        if digit == winner:
            stroke = dict(color=line.color, width=2.4)
        elif shares.max() < _SHOWN_SHARE:
            continue
        figure.add_scatter(
            x=list(epochs),
            y=shares,
            name=str(digit),
            mode="lines+markers",
            line=stroke,
            marker_size=5,
            showlegend=False,
            hovertemplate="%{y:.1%}",
        )
        best = int(np.argmax(shares))  # its name stands where it was highest
        figure.add_annotation(
            x=math.log10(epochs[best]),
            y=float(shares[best]),
            text=str(digit),
            showarrow=False,
            yshift=12,
        )
    figure.add_vline(epoch, line=dict(color=line.color, width=1, dash="dot"))
    figure = style_figure(figure, x=_("epoch"), height=height, keep=str(epochs[-1]))
    ticks = [epoch for epoch in _EPOCH_TICKS if epoch <= epochs[-1]]
    figure.update_xaxes(type="log", tickvals=ticks, ticktext=[str(tick) for tick in ticks])
    return figure.update_yaxes(title_text=_("probability"), tickformat=".0%", range=[-0.02, 1.14])


def _picture_trace(picture: npt.NDArray[np.uint8]) -> go.Heatmap:
    grey = [[0, "#000000"], [1, "#FFFFFF"]]
    hover = _("row %{y}, column %{x}: %{z}<extra></extra>")
    return go.Heatmap(
        z=picture,
        colorscale=grey,
        zmin=0,
        zmax=255,
        showscale=False,
        hovertemplate=hover,
        xaxis="x",
        yaxis="y",
    )


@functools.cache  # a layout takes longer to check than all else in an answer, and never changes
def _panel_layout(
    titles: tuple[str, ...],
    widths: tuple[float, ...],
    name: str,
    row: str,
    height: int,
    of_digits: bool,
) -> dict[str, Any]:
    """Panels with rows at the same height as each other and as the next figure's, picture first."""
    settings: dict[str, Any] = dict(
        subplot_titles=titles, column_widths=widths, shared_yaxes=True, horizontal_spacing=0.03
    )
    figure = style_figure(make_subplots(1, len(titles), **settings), height=height, hover=False)
    figure.update_annotations(font_size=13).update_layout(margin=dict(l=8, r=8, t=30, b=110))
    figure.update_xaxes(
        automargin=False,
        title_text=name,
        fixedrange=True,
        zeroline=not of_digits,
        zerolinecolor=BASELINE,
    )
    if of_digits:
        figure.update_xaxes(type="category", tickfont_size=9, tickangle=0, tickvals=_DIGITS)
    figure.update_xaxes(visible=False, type="linear", fixedrange=True, row=1, col=1)
    figure.update_yaxes(range=[27.5, -0.5], fixedrange=True, showgrid=False, ticks="").update_yaxes(
        title_text=row, row=1, col=1
    )
    return _plain_layout(figure)


@functools.cache
def _shares_layout(x: str, y: str, height: int) -> dict[str, Any]:
    figure = style_figure(go.Figure(), x=x, y=y, height=height, hover=False).update_layout(
        margin_t=24, bargap=0.25
    )
    figure.update_xaxes(type="category", fixedrange=True, tickvals=_DIGITS, tickangle=0)
    figure.update_yaxes(range=[0, 1.12], tickformat=".0%", tickvals=[0, 0.5, 1], fixedrange=True)
    return _plain_layout(figure)


def _plain_layout(figure: go.Figure) -> dict[str, Any]:
    """A layout without its template, which each figure brings anew."""
    layout: dict[str, Any] = figure.to_dict()["layout"]
    del layout["template"]
    return layout
