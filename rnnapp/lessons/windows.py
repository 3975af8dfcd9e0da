"""Lesson 1: a window and its target slide over real prices."""

from __future__ import annotations

import functools

import numpy as np
import plotly.graph_objects as go

from rnnapp.data.prices import PriceTable
from rnnapp.data.sources import bundled
from rnnapp.figures.style import actual_color, style_figure, text_color
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.lessons.lesson import Control, Picture, Scene, Values, read_number

__all__ = ["CONTROLS", "show_scene"]

DAYS = 60
WANTED = 40
_WINDOW = "#2F86C6"
_TARGET = "#D55E00"
CONTROLS = (
    Control(
        "form",
        "Form",
        "choice",
        "one",
        choices={"one": "many-to-one", "many": "many-to-many"},
        help="One answer after the window, or one after each of its days.",
    ),
    Control("length", "Window length (days)", low=2, high=30, default=5, help="Days the net sees."),
    Control("place", "First day of the window", low=1, high=DAYS, default=12, help="Slide it."),
)
_SENTENCE = N_(
    "**{count} windows** of {length} days fit into {days} days. This one knows the closes from "
    "{first} to {last}, and is asked for {answers}."
)
_ANSWERS = {"one": N_("the close of {target}"), "many": N_("the next close after each of its days")}
_ALT = N_("Sixty closes, {length} of them marked as the window, and the targets that follow.")


def show_scene(values: Values, *, dark: bool) -> Scene:
    """The window where it stands, and how many there are."""
    prices = _recent_prices()
    length = read_number(values, "length")
    count = DAYS - length
    first = min(read_number(values, "place"), count) - 1
    last = first + length - 1
    days = np.datetime_as_string(prices.dates, unit="D")
    targets = {"one": [last + 1], "many": list(range(first + 1, last + 2))}[str(values["form"])]
    sentence = _(_SENTENCE).format(
        count=count,
        length=length,
        days=DAYS,
        first=days[first],
        last=days[last],
        answers=_(_ANSWERS[str(values["form"])]).format(target=days[last + 1]),
    )
    figure = _window_figure(prices, list(range(first, last + 1)), targets, dark)
    picture = Picture("lesson_window", figure, _(_ALT).format(length=length))
    return Scene(sentence, answered=count == WANTED, pictures=(picture,))


@functools.cache
def _recent_prices() -> PriceTable:
    return bundled("sp500").tail(DAYS)


def _window_figure(
    prices: PriceTable, inside: list[int], targets: list[int], dark: bool
) -> go.Figure:
    days = prices.dates.astype("datetime64[D]")
    close = prices.close
    figure = go.Figure(
        go.Scatter(
            x=days, y=close, name=_("close"), mode="lines", line=dict(color=actual_color(dark))
        )
    )
    figure.add_scatter(
        x=days[inside],
        y=close[inside],
        name=_("window: what is known"),
        mode="lines+markers",
        line=dict(color=_WINDOW, width=3),
        marker=dict(size=9),
    )
    figure.add_scatter(
        x=days[targets],
        y=close[targets],
        name=_("target: what is asked for"),
        mode="markers",
        marker=dict(color=_TARGET, size=13, symbol="circle-open", line=dict(width=3)),
    )
    figure.add_vline(
        x=str(days[inside[-1]]), line=dict(color=text_color(dark), dash="dash", width=1.2)
    )
    return style_figure(figure, y=_("close, index points"), height=340, keep="lesson")
