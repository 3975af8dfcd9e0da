"""Tabs of the Forecast page that ask what the net knew.

Its changes, its shift, the days that moved it.
"""

from __future__ import annotations

import time

import numpy as np
import streamlit as st

from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.forecast import Forecast, Part
from rnnapp.evaluation.formatting import format_points
from rnnapp.evaluation.metrics import Evaluation
from rnnapp.evaluation.shift import MOST_DAYS, ShiftFit, fit_shift
from rnnapp.figures.shift import daily_changes_figure, shift_figure
from rnnapp.figures.style import line_of
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.training.loop import TrainedModel
from rnnapp.ui import keys
from rnnapp.ui.explain import explain
from rnnapp.ui.explained_days import ExplainedNet, show_explained_days
from rnnapp.ui.page import chart, is_dark, rerun_here

__all__ = ["show_changes", "show_days", "show_shift"]

_STEP_SECONDS = 0.45  # of the animation that moves the forecast
_SHIFTED = N_(
    "Moved {days} {units} earlier: changes correlate {correlation} with the actual's, RMSE {rmse} "
    "{unit}. Persistence moved as far: {rule_correlation} and {rule_rmse}."
)
_CHANGES = N_(
    "R² of the changes {r2:.3f}; a forecast of no change has 0. Direction right "
    "{right:.1%}; always saying up scores {base:.1%}."
)


def show_changes(forecast: Forecast, evaluation: Evaluation, trained: TrainedModel) -> None:
    """Daily changes, forecast against those that came."""
    words = _(_CHANGES).format(
        r2=_explained_share(forecast),
        right=evaluation.directional_accuracy,
        base=evaluation.base_rate,
    )
    figure = daily_changes_figure(forecast, line_of(trained.model), dark=is_dark())
    chart(
        figure,
        "changes",
        _("Change forecast against the change that came. {words}").format(words=words),
    )
    st.caption(words)


def show_shift(forecast: Forecast, evaluation: Evaluation, trained: TrainedModel) -> None:
    """The forecast moved earlier by some days, by hand or step by step to its best lag."""
    if keys.SHIFT_NEXT in st.session_state:
        st.session_state[keys.SHIFT] = st.session_state.pop(keys.SHIFT_NEXT)
    slider, button = st.columns([4, 1], vertical_alignment="bottom")
    days = slider.slider(
        _("Move the forecast by ({units})").format(units=forecast.spacing.units),
        0,
        MOST_DAYS,
        0,
        key=keys.SHIFT,
        help=explain("shift", _("Slides the forecast to the left, over the actual curve.")),
    )
    best = min(evaluation.best_lag or 0, MOST_DAYS)
    button.button(
        _("Show me"),
        key="shift_show",
        icon=":material/play_arrow:",
        on_click=_start_animation,
        args=(best,),
        help=_("Moves it step by step to the lag at which its changes match the actual's best."),
    )
    words = _describe_shift(
        fit_shift(forecast, days), forecast.spacing.units, forecast.quantity.error_unit
    )
    figure = shift_figure(forecast, days, line_of(trained.model), dark=is_dark())
    chart(figure, "shift_chart", words)
    st.caption(words)
    target = st.session_state.get(keys.SHIFT_TARGET, 0)
    if days < target:
        time.sleep(_STEP_SECONDS)
        st.session_state[keys.SHIFT_NEXT] = days + 1
        rerun_here()
    st.session_state.pop(keys.SHIFT_TARGET, None)


def show_days(trained: TrainedModel, split: PriceSplit, *, sealed: bool) -> None:
    """What each day of a window gave to one forecast; of a validation day while sealed."""
    part: Part = "test"
    if sealed:
        part = "valid"
    name = trained.model.name
    show_explained_days([ExplainedNet(name, trained, split, line_of(trained.model))], part)


def _start_animation(best: int) -> None:
    st.session_state[keys.SHIFT] = 0
    st.session_state[keys.SHIFT_TARGET] = best


def _describe_shift(fit: ShiftFit, units: str, unit: str) -> str:
    return _(_SHIFTED).format(
        days=fit.days,
        units=units,
        unit=unit,
        correlation=_format_correlation(fit.correlation),
        rmse=format_points(fit.rmse),
        rule_correlation=_format_correlation(fit.persistence_correlation),
        rule_rmse=format_points(fit.persistence_rmse),
    )


def _format_correlation(value: float) -> str:
    if not np.isfinite(value):
        return _("not at all")
    return f"{value:+.2f}"


def _explained_share(forecast: Forecast) -> float:
    """R² of the changes against no change: 1 - squared errors / squared changes."""
    test = forecast.select_part("test")
    came = float(np.sum(np.square(test.actual - test.anchor)))
    missed = float(np.sum(np.square(test.actual - test.predicted)))
    if not came:
        return float("nan")
    return 1 - missed / came
