"""Runs side by side: what differs in their settings, their figures beside the first's, their curves over each other."""

from __future__ import annotations

import math
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from rnnapp.configs import format_value, options
from rnnapp.figures.runs import Curve, forecasts_figure, losses_figure, own_lines
from rnnapp.figures.style import line_of
from rnnapp.runs.history.artifacts import Opened
from rnnapp.runs.history.records import Run
from rnnapp.ui.manager import desk
from rnnapp.ui.page import chart, headline, is_dark
from rnnapp.ui.runs.one import opened

__all__ = ["show_compared"]

_FIGURES = {
    "rmse": ("RMSE, points", "{:,.2f}"),
    "persistence_rmse": ("persistence's RMSE, points", "{:,.2f}"),
    "mae": ("MAE, points", "{:,.2f}"),
    "skill": ("Skill", "{:+.2%}"),
    "directional_accuracy": ("Direction right", "{:.1%}"),
    "test_accuracy": ("Test digits right", "{:.2%}"),
    "train_loss": ("Training loss", "{:.4g}"),
    "valid_loss": ("Validation loss", "{:.4g}"),
}
_MOST = 8


def show_compared(run_ids: Sequence[str]) -> None:
    """Two or more runs over each other; the pinned one, else the first, is what the others are held against."""
    runs = sorted(
        (desk().run(run_id) for run_id in dict.fromkeys(run_ids[:_MOST])),
        key=lambda run: not run.pinned,
    )
    names = _names(runs)
    found = [opened(run.id, run.status, run.epoch) for run in runs]
    headline(_sentence(runs, names))
    lines = own_lines([line_of(run.settings.model) for run in runs])
    curves = [
        Curve(name, line, one.history, one.forecast)
        for name, line, one in zip(names, lines, found, strict=True)
    ]
    if _same_days(found):
        figure = forecasts_figure(curves, dark=is_dark())
        chart(
            figure,
            "compared_forecasts",
            f"Forecasts of {', '.join(names)} by test day, with the closes that came.",
        )
    _loss_curves(curves)
    left, right = st.columns(2)
    with left:
        st.markdown("**What differs**")
        _differences(runs, names)
    with right:
        st.markdown("**Figures**")
        _figures(runs, names)


@st.fragment
def _loss_curves(curves: Sequence[Curve]) -> None:
    with st.container(horizontal=True):
        log = st.toggle("Logarithmic", value=True, key="compared_log")
        valid = st.toggle("Validation loss", key="compared_valid")
    figure = losses_figure(curves, log=log, valid=valid)
    chart(
        figure,
        "compared_losses",
        f"Losses of {', '.join(curve.name for curve in curves)} by epoch.",
    )


def _sentence(runs: Sequence[Run], names: Sequence[str]) -> str:
    """The best against the one the others are held against."""
    for name, unit, sign in (("rmse", "points RMSE", 1), ("test_accuracy", "", -1)):
        values = [run.metrics.get(name, math.nan) for run in runs]
        if all(map(math.isfinite, values)) and len({run.fingerprint for run in runs}) == 1:
            best = min(range(len(runs)), key=lambda i: sign * values[i])
            if best == 0:
                return f"{names[0]} is the best of the {len(runs)}."
            gap = abs(values[best] - values[0])
            told = f"{gap:,.2f} {unit}" if unit else f"{gap:.2%} of the digits"
            return f"{names[best]} is better than {names[0]} by {told}."
    return f"{len(runs)} runs side by side; they learned from different data, so their errors do not compare."


def _differences(runs: Sequence[Run], names: Sequence[str]) -> None:
    labels = {
        n: option.label
        for run in runs
        for config in run.settings.configs
        for n, option in options(config).items()
    }
    flats = [run.settings.flat() for run in runs]
    rows = {"Data": [run.data for run in runs]}
    rows |= {
        label: [format_value(flat[name]) if name in flat else "–" for flat in flats]
        for name, label in labels.items()
    }
    different = {label: values for label, values in rows.items() if len(set(values)) > 1}
    if different:
        st.table(pd.DataFrame.from_dict(different, orient="index", columns=list(names)))
    else:
        st.caption("Nothing: the same data and the same settings.")


def _figures(runs: Sequence[Run], names: Sequence[str]) -> None:
    rows = {}
    for name, (label, style) in _FIGURES.items():
        values = [run.metrics.get(name) for run in runs]
        if any(value is not None for value in values):
            rows[label] = ["–" if value is None else style.format(value) for value in values]
    rows["Epochs"] = [f"{run.epoch}" for run in runs]
    rows["Duration, s"] = [f"{run.seconds:,.1f}" for run in runs]
    st.table(pd.DataFrame.from_dict(rows, orient="index", columns=list(names)))


def _names(runs: Sequence[Run]) -> list[str]:
    """Names, numbered where one comes twice."""
    plain = [("★ " if run.pinned else "") + run.name for run in runs]
    return [
        f"{name} ({number + 1})" if plain.count(name) > 1 else name
        for number, name in enumerate(plain)
    ]


def _same_days(found: Sequence[Opened]) -> bool:
    return (
        all(one.forecast is not None for one in found)
        and len({one.run.fingerprint for one in found}) == 1
    )
