"""The tabs under a comparison.

Table, residuals, changes, loss, next days, intervals, walk-forward, strategy, files.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable, Sequence

import pandas as pd
import streamlit as st

from rnnapp.configs import to_dict
from rnnapp.data.windows import PriceSplit
from rnnapp.errors import ConfigError
from rnnapp.evaluation.compare import split_for
from rnnapp.evaluation.forecast import Part
from rnnapp.evaluation.intervals import (
    interval_sentence,
    monthly_coverage,
    with_adaptive_interval,
    with_interval,
)
from rnnapp.evaluation.judge import Comparison, Row
from rnnapp.evaluation.shown_names import shown_name
from rnnapp.evaluation.strategy import Strategy, long_or_flat
from rnnapp.figures.compare import (
    assign_lines,
    changes_figure,
    interval_figure,
    losses_figure,
    residuals_figure,
    strategy_figure,
)
from rnnapp.figures.forecast import explain_loss
from rnnapp.figures.outlook import months_figure
from rnnapp.figures.report import compare_report
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.ui.compare.controls import CompareRequest, CompareResult, number_control
from rnnapp.ui.compare.learned import show_inputs, show_memory
from rnnapp.ui.compare.next_days import show_next_days
from rnnapp.ui.compare.rivals import show_checks, show_periods
from rnnapp.ui.compare.table import show_table
from rnnapp.ui.compare.walk_forward import show_walk_forward
from rnnapp.ui.explained_days import ExplainedNet, show_explained_days
from rnnapp.ui.page import chart, is_dark, offer_file
from rnnapp.ui.tables import label_columns, with_shown_cells
from rnnapp.ui.take_home import show_price_code

__all__ = ["TABS", "show_compared_code"]

_NEEDS_OPEN = N_(
    "An interval is measured on the validation days and judged on the test days. "
    "Open the test part to see it."
)


def _table(result: CompareResult) -> None:
    show_table(result.comparison)
    st.caption(_set_sentence(result.comparison))


def _set_sentence(comparison: Comparison) -> str:
    names = [shown_name(row.name) for row in comparison.rows if row.in_confidence_set]
    lags = [
        _("{name}: {lag}").format(name=shown_name(row.name), lag=row.evaluation.verdict)
        for row in comparison.net_rows
    ]
    members = _("The model confidence set at 10% keeps {names}.").format(names=", ".join(names))
    return " ".join([members, *lags])


def _residuals(result: CompareResult) -> None:
    alt = _("Predicted minus actual {noun} by test day for every net, beside persistence's.")
    alt = alt.format(noun=result.split.quantity.noun)
    chart(residuals_figure(result.comparison, dark=is_dark()), "compare_residuals", alt)


def _changes(result: CompareResult) -> None:
    alt = _(
        "Forecast change against the change that came; a good forecast lies along the diagonal, "
        "persistence on the flat line."
    )
    chart(changes_figure(result.comparison, dark=is_dark()), "compare_changes", alt)
    st.caption(
        _(
            "Persistence lies on the flat line: it forecasts no change. "
            "A useful forecast leans towards the dashed diagonal."
        )
    )


def _days(result: CompareResult) -> None:
    lines = assign_lines(result.comparison)
    nets = [
        ExplainedNet(
            row.name,
            row.runs[0].trained,
            split_for(row.candidate, result.split),
            lines[row.name],
        )
        for row in result.comparison.net_rows
        if row.candidate is not None
    ]
    part: Part = "test"
    if result.sealed:
        part = "valid"
    show_explained_days(nets, part)


def _loss(result: CompareResult) -> None:
    log = st.toggle(_("Logarithmic"), value=True, key="log_losses")
    figure = losses_figure(result.results, assign_lines(result.comparison), log=log)
    chart(
        figure,
        "compare_loss",
        _("Training loss by epoch of every net, the median over seeds with their spread."),
    )
    st.caption(explain_loss(result.split.config))


def _intervals(result: CompareResult) -> None:
    if result.sealed:
        st.info(_(_NEEDS_OPEN))
        return
    level = (
        number_control(
            "level", _("Level (%)"), 50, 99, 90, _("Share of days the interval promises to hold.")
        )
        / 100
    )
    row = _choose_net(result.comparison, "interval_net")
    if result.split.valid is None:
        st.info(
            _(
                "An interval is measured on a validation part, and there is none. "
                "Hold out 15% of the training windows for it."
            )
        )
        st.button(
            _("Hold out 15%"), key="hold_out", on_click=lambda: st.session_state.update(valid=0.15)
        )
        return
    plain = dataclasses.replace(row.forecast, lower=None, upper=None)
    banded = with_interval(plain, level)
    line = assign_lines(result.comparison)[row.name]
    chart(
        interval_figure(banded, line, dark=is_dark()),
        "compare_interval",
        interval_sentence(banded, level),
    )
    adaptive = with_adaptive_interval(plain, level)
    st.markdown(_("**Plain.** {banded}").format(banded=interval_sentence(banded, level)))
    st.markdown(_("**Adaptive.** {adaptive}").format(adaptive=interval_sentence(adaptive, level)))
    st.caption(
        _(
            "Split-conformal, from the absolute errors on the validation part. "
            "Crosses mark test {units} outside. The adaptive band widens after a miss."
        ).format(units=banded.spacing.units)
    )
    chart(
        months_figure(
            monthly_coverage(banded), monthly_coverage(adaptive), level, line, dark=is_dark()
        ),
        "compare_months",
        _(
            "Coverage by month of the plain and the adaptive band, beside the nominal {level:.0%}."
        ).format(level=level),
    )


def _strategy(result: CompareResult) -> None:
    st.markdown(
        _(
            "**Not advice.** Long where the forecast is up, out of the market where it is not, "
            "beside buying once and holding."
        )
    )
    cost = (
        number_control(
            "cost",
            _("Cost of a trade (%)"),
            0.0,
            1.0,
            0.1,
            _("Paid when a position opens or closes."),
            0.05,
        )
        / 100
    )
    try:
        followed = [long_or_flat(row.forecast, cost) for row in result.comparison.net_rows]
    except ConfigError as error:
        st.info(str(error))
        return
    if not followed:
        return
    figure = strategy_figure(followed, assign_lines(result.comparison), dark=is_dark())
    chart(figure, "compare_strategy", " ".join(one.describe_result() for one in followed))
    _show_gains(followed)


def _show_gains(followed: Sequence[Strategy]) -> None:
    """What each would have gained, beside buying once and holding."""
    lines = [
        {
            "Forecast": shown_name(s.name),
            "Gain": 100 * s.total_gain,
            "Deepest fall": 100 * s.max_drawdown,
            "Trades": s.trades,
            "Time held": 100 * float(s.long.mean()),
        }
        for s in followed
    ]
    held = followed[0]
    lines.append(
        {
            "Forecast": "buy and hold",
            "Gain": 100 * held.hold_gain,
            "Deepest fall": 100 * held.hold_drawdown,
            "Trades": 1,
            "Time held": 100.0,
        }
    )
    percent = {
        name: st.column_config.NumberColumn(format="%.1f%%")
        for name in ("Gain", "Deepest fall", "Time held")
    }
    frame = with_shown_cells(pd.DataFrame(lines), "Forecast")
    st.dataframe(frame, hide_index=True, column_config=label_columns(frame.columns, percent))


def _files(result: CompareResult) -> None:
    comparison = result.comparison
    settings = {
        "window": to_dict(result.split.config),
        "seeds": result.request.seeds,
        "nets": {
            one.name: {**to_dict(one.window), **to_dict(one.model), **to_dict(one.train)}
            for one in result.request.entries
        },
    }
    with st.container(horizontal=True):
        offer_file(
            _("Table (CSV)"),
            lambda: comparison.to_frame().to_csv(index=False),
            "table.csv",
            "text/csv",
            key="compare_table_csv",
        )
        offer_file(
            _("Forecasts (CSV)"),
            lambda: comparison.forecast_frame().to_csv(index=False),
            "forecasts.csv",
            "text/csv",
            key="compare_forecasts_csv",
        )
        offer_file(
            _("Settings (JSON)"),
            lambda: json.dumps(settings, indent=1),
            "settings.json",
            "application/json",
            key="compare_settings_json",
        )
        offer_file(
            _("Report (HTML)"),
            lambda: compare_report(comparison, result.split, result.results, looks=result.luck),
            "report.html",
            "text/html",
            key="compare_report_html",
        )
    st.caption(
        _(
            "The report holds the verdict, the table, every chart and what a reader needs "
            "to judge them, in one file that needs no network."
        )
    )
    st.json(settings, expanded=False)


def _code(result: CompareResult) -> None:
    show_compared_code(result.request, result.split)


def show_compared_code(request: CompareRequest, split: PriceSplit) -> None:
    """One of the compared nets as code, trained or not."""
    entries = {one.name: one for one in request.entries}
    chosen = entries[st.selectbox(_("Net"), list(entries), format_func=shown_name, key="code_net")]
    show_price_code(split_for(chosen, split), chosen.model, chosen.train)


def _choose_net(comparison: Comparison, key: str) -> Row:
    names = [row.name for row in comparison.rows]
    if st.session_state.get(key) not in names:
        st.session_state.pop(key, None)
    first = names.index(comparison.best) if comparison.best else 0
    return comparison.find_row(
        st.selectbox(_("Forecast"), names, index=first, format_func=shown_name, key=key)
    )


TABS: dict[str, Callable[[CompareResult], None]] = {
    N_("Table"): _table,
    N_("Residuals"): _residuals,
    N_("Changes"): _changes,
    N_("Which days"): _days,
    N_("Loss"): _loss,
    N_("Inputs"): show_inputs,
    N_("Memory"): show_memory,
    N_("By period"): show_periods,
    N_("Checks"): show_checks,
    N_("Next days"): show_next_days,
    N_("Intervals"): _intervals,
    N_("Walk-forward"): show_walk_forward,
    N_("Strategy"): _strategy,
    N_("Code"): _code,
    N_("Files"): _files,
}
"""What each tab shows."""
