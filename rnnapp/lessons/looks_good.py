"""Lesson 4: a net beside persistence, moved by days until it fits."""

from __future__ import annotations

import functools

import numpy as np
import plotly.graph_objects as go

from rnnapp.configs import ModelConfig, TrainConfig, WindowConfig
from rnnapp.data.sources import bundled
from rnnapp.data.windows import make_split
from rnnapp.evaluation.forecast import Forecast, forecast
from rnnapp.evaluation.metrics import Evaluation, evaluate
from rnnapp.figures.style import BASELINE, actual_color, line_of, style_figure
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.lessons.lesson import Control, Picture, Scene, Values, read_number
from rnnapp.training.loop import train

__all__ = ["CONTROLS", "show_question", "show_scene"]

_MODEL = ModelConfig(cell="gru", hidden=8)
_SHOWN = 40
CONTROLS = (
    Control("shift", "Move the net to the left (days)", low=0, high=5, help="0 leaves it."),
)
_SENTENCE = N_(
    "Days to the left: {shift}. The net misses the index by **{error:.1f} points** (RMSE, a "
    "typical miss); not moved, by {unmoved:.1f}; persistence by {rival:.1f}. The net is right "
    'about up or down on {right:.0%} of the days, "always up" on {base:.0%}.'
)
_ALT = N_("Forty test days: the index, persistence a day behind it, and the net. {sentence}")
_QUESTION_ALT = N_("Three curves A, B and C that run close to each other over thirty test days.")


def show_question(*, dark: bool) -> Scene:
    """The three curves without their names."""
    made, _unused = _make_forecast()
    curves = {"A": made.actual, "B": made.predicted, "C": made.anchor}
    colors = {"A": "#2F86C6", "B": "#D55E00", "C": "#00936B"}
    figure = go.Figure()
    for name, values in curves.items():
        figure.add_scatter(
            x=made.dates[-30:].astype("datetime64[D]"),
            y=values[-30:],
            name=name,
            mode="lines",
            line=dict(color=colors[name], width=1.8),
        )
    style_figure(figure, y=_("close, index points"), height=300, keep="lesson")
    return Scene("", pictures=(Picture("lesson_three", figure, _(_QUESTION_ALT)),))


def show_scene(values: Values, *, dark: bool) -> Scene:
    """The net's curve moved to the left by some days."""
    made, judged = _make_forecast()
    shift = read_number(values, "shift")
    errors = [_error_moved(made, days) for days in range(6)]
    sentence = _(_SENTENCE).format(
        shift=shift,
        error=errors[shift],
        unmoved=errors[0],
        rival=judged.persistence_rmse,
        right=judged.directional_accuracy,
        base=judged.base_rate,
    )
    picture = Picture(
        "lesson_shift", _shift_figure(made, shift, dark), _(_ALT).format(sentence=sentence)
    )
    return Scene(sentence, answered=shift == int(np.argmin(errors)), pictures=(picture,))


@functools.cache
def _make_forecast() -> tuple[Forecast, Evaluation]:
    split = make_split(bundled("sp500").tail(900), WindowConfig(window=10))
    trained = train(split, _MODEL, TrainConfig(epochs=30, device="cpu"))
    made = forecast(trained, split)
    return made.select_part("test"), evaluate(made)


def _error_moved(made: Forecast, days: int) -> float:
    """RMSE of the forecast of day t + days against day t."""
    later = made.predicted[days:]
    return float(np.sqrt(np.mean((later - made.actual[: len(later)]) ** 2)))


def _shift_figure(made: Forecast, shift: int, dark: bool) -> go.Figure:
    days = made.dates.astype("datetime64[D]")
    shown = slice(-_SHOWN - 6, -6)
    moved = slice(-_SHOWN - 6 + shift, len(made) - 6 + shift)
    line = line_of(_MODEL)
    figure = go.Figure()
    for name, values, style in (
        (_("persistence"), made.anchor[shown], dict(color=BASELINE, dash="dash", width=1.2)),
        (_("index"), made.actual[shown], dict(color=actual_color(dark), width=1.8)),
        (_("net"), made.predicted[moved], dict(color=line.color, width=2.2)),
    ):
        figure.add_scatter(x=days[shown], y=values, name=name, mode="lines", line=style)
    return style_figure(figure, y=_("close, index points"), height=340, keep="lesson")
