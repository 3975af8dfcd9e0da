"""Runs side by side: the settings that differ, their metrics, their curves over each other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from rnnapp.configs import format_value, options
from rnnapp.data.quantities import CLOSE, Quantity, quantity_of
from rnnapp.evaluation.formatting import format_points
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.figures.runs import Curve, distinct_lines, forecasts_figure, losses_figure
from rnnapp.figures.style import line_of
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.runs.history.records import Run
from rnnapp.runs.loading import LoadedRun
from rnnapp.ui.manager import run_manager
from rnnapp.ui.page import chart, headline, is_dark, plain_text
from rnnapp.ui.runs.one import open_cached

__all__ = ["show_compared"]

_METRICS: dict[str, tuple[str, Callable[[float], str]]] = {
    "rmse": (N_("RMSE"), format_points),
    "persistence_rmse": (N_("persistence's RMSE"), format_points),
    "mae": (N_("MAE"), format_points),
    "skill": (N_("Skill"), "{:+.2%}".format),
    "directional_accuracy": (N_("Direction right"), "{:.1%}".format),
    "test_accuracy": (N_("Test digits right"), "{:.2%}".format),
    "train_loss": (N_("Training loss"), "{:.4g}".format),
    "valid_loss": (N_("Validation loss"), "{:.4g}".format),
}
_MAX_RUNS = 8
_MISSING = "–"


def show_compared(run_ids: Sequence[str]) -> None:
    """Runs over each other; the others are compared to the pinned one, else to the first."""
    distinct = list(dict.fromkeys(run_ids))[:_MAX_RUNS]
    runs = [run_manager().get_run(run_id) for run_id in distinct]
    runs.sort(key=lambda run: not run.pinned)
    names = _make_names(runs)
    loaded = [open_cached(run.id, run.status, run.epoch) for run in runs]
    headline(_summarise(runs, names))
    lines = distinct_lines([line_of(run.settings.model) for run in runs])
    curves = [
        Curve(name, line, one.history, one.forecast)
        for name, line, one in zip(names, lines, loaded, strict=True)
    ]
    if _have_same_days(loaded):
        alt = _("Forecasts of {names} by test day, with what came.").format(names=", ".join(names))
        chart(forecasts_figure(curves, dark=is_dark()), "compared_forecasts", alt)
    _show_losses(curves)
    left, right = st.columns(2)
    with left:
        st.markdown(_("**What differs**"))
        _show_differences(runs, names)
    with right:
        st.markdown(_("**Metrics**"))
        _show_metrics(runs, names)


@st.fragment
def _show_losses(curves: Sequence[Curve]) -> None:
    with st.container(horizontal=True):
        log = st.toggle(_("Logarithmic"), value=True, key="compared_log")
        valid = st.toggle(_("Validation loss"), key="compared_valid")
    figure = losses_figure(curves, log=log, valid=valid)
    alt = _("Losses of {names} by epoch.").format(names=", ".join(curve.name for curve in curves))
    chart(figure, "compared_losses", alt)


def _summarise(runs: Sequence[Run], names: Sequence[str]) -> str:
    """The best run beside the one that the others are compared to."""
    count = len(runs)
    if len({run.fingerprint for run in runs}) > 1:
        return _(
            "{count} runs side by side; they learned from different data, "
            "so their errors do not compare."
        ).format(count=count)
    if len({_quantity_of(run) for run in runs}) > 1:
        return _(
            "{count} runs side by side; some forecast closes and some volatility, so their errors "
            "do not compare."
        ).format(count=count)
    unit = _quantity_of(runs[0]).error_unit
    for metric, sign, template in (
        ("rmse", 1, _("{best} is better than {first} by {gap} {unit} RMSE.")),
        ("test_accuracy", -1, _("{best} is better than {first} by {gap} of the digits.")),
    ):
        values = [run.metrics.get(metric, math.nan) for run in runs]
        if not all(map(math.isfinite, values)):
            continue
        best = min(range(count), key=lambda number: sign * values[number])
        if best == 0:
            return _("{names} is the best of the {count}.").format(names=names[0], count=count)
        gap = _METRICS[metric][1](abs(values[best] - values[0]))
        return template.format(best=names[best], first=names[0], gap=gap, unit=unit)
    return _("{count} runs side by side; not all of them have a result to compare.").format(
        count=count
    )


def _show_differences(runs: Sequence[Run], names: Sequence[str]) -> None:
    labels = {
        name: option.label
        for run in runs
        for config in run.settings.configs
        for name, option in options(config).items()
    }
    settings = [run.settings.flat() for run in runs]
    rows = {_("Data"): [plain_text(shown_name(run.data)) for run in runs]}
    for name, label in labels.items():
        rows[label] = [_format_setting(flat, name) for flat in settings]
    different = {label: values for label, values in rows.items() if len(set(values)) > 1}
    if different:
        st.table(_make_frame(different, names))
    else:
        st.caption(_("Nothing: the same data and the same settings."))


def _format_setting(flat: dict[str, object], name: str) -> str:
    if name not in flat:
        return _MISSING
    return format_value(flat[name])


def _show_metrics(runs: Sequence[Run], names: Sequence[str]) -> None:
    rows = {}
    for metric, (label, write) in _METRICS.items():
        values = [run.metrics.get(metric) for run in runs]
        if any(value is not None for value in values):
            rows[_with_unit(label, metric, runs)] = [_format_metric(one, write) for one in values]
    rows[_("Epochs")] = [f"{run.epoch}" for run in runs]
    rows[_("Duration, s")] = [f"{run.seconds:,.1f}" for run in runs]
    st.table(_make_frame(rows, names))


def _with_unit(label: str, metric: str, runs: Sequence[Run]) -> str:
    """An error's name with its unit, where all runs share it."""
    units = {_quantity_of(run).error_unit for run in runs}
    if metric not in ("rmse", "persistence_rmse", "mae") or len(units) > 1:
        return _(label)
    return _("{metric}, {unit}").format(metric=_(label), unit=units.pop())


def _quantity_of(run: Run) -> Quantity:
    """What a run forecasts; digits count as closes: they have no such errors."""
    if run.settings.window is None:
        return CLOSE
    return quantity_of(run.settings.window.target)


def _format_metric(value: float | None, write: Callable[[float], str]) -> str:
    if value is None:
        return _MISSING
    return write(value)


def _make_frame(rows: dict[str, list[str]], names: Sequence[str]) -> pd.DataFrame:
    """Rows by label, a column for each run; a table reads Markdown, so names are escaped."""
    columns = [plain_text(name) for name in names]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def _make_names(runs: Sequence[Run]) -> list[str]:
    """The runs' names, numbered where several have the same, with a star for the baseline."""
    names = [run.name for run in runs]
    for number, run in enumerate(runs):
        if run.pinned:
            names[number] = f"★ {run.name}"
    return [_number_name(name, number, names.count(name) > 1) for number, name in enumerate(names)]


def _number_name(name: str, number: int, repeated: bool) -> str:
    if repeated:
        return f"{name} ({number + 1})"
    return name


def _have_same_days(loaded: Sequence[LoadedRun]) -> bool:
    if any(one.forecast is None for one in loaded):
        return False
    return len({(one.run.fingerprint, _quantity_of(one.run)) for one in loaded}) == 1
