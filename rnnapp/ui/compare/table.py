"""The table of a comparison: sorts by a click on a head, downloads as CSV."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from rnnapp.evaluation.judge import Comparison
from rnnapp.figures.compare import assign_lines
from rnnapp.figures.tables import (
    COMPARISON_COLUMNS,
    column_formats,
    comparison_frame,
    fit_columns,
)
from rnnapp.language import gettext as _
from rnnapp.ui.tables import with_shown_cells

__all__ = ["show_table", "table_frame"]

_FIRST = ("name", "rmse", "rmse_sd", "qlike", "skill", "reached", "direction", "dm", "set", "beats")
"""Columns that a laptop has room for; the others follow in the order of the report."""


def show_table(comparison: Comparison, *, live: bool = False) -> None:
    """The table, with the columns that matter, or all of them.

    Args:
        comparison: what is in it.
        live: whether trainings are under way.
    """
    every = False
    if not live:
        every = st.toggle(
            _("All columns"),
            key="all_columns",
            help=_("MAE, MAPE, MASE, lag, seconds and the rest."),
        )
    frame = table_frame(comparison, every=every)
    lines = assign_lines(comparison)
    colors = [f"color: {lines[name].color}" for name in frame["Forecast"]]
    frame = with_shown_cells(frame, "Forecast")
    formats: dict[Any, Any] = {
        head: text for head, text in column_formats(comparison).items() if head in frame
    }
    styled = frame.style.format(formats, na_rep="–")
    styled = styled.apply(lambda column: colors, subset=["Forecast"])
    columns: dict[str, Any] = {
        column.short: st.column_config.Column(_(column.short), help=_(column.help))
        for column in fit_columns(COMPARISON_COLUMNS, comparison)
    }
    columns["Forecast"] = st.column_config.TextColumn(_("Forecast"), width="medium")
    columns["Verdict"] = st.column_config.TextColumn(_("Verdict"), width="large")
    st.dataframe(
        styled,
        hide_index=True,
        column_config=columns,
        height=37 + 35 * len(frame),
        placeholder="–",
        key=f"compare_table{'_live' * live}",
        alt=_("Metrics of {count} forecasts, best first. {verdict}").format(
            count=len(frame), verdict=comparison.verdict
        ),
    )


def table_frame(comparison: Comparison, *, every: bool = True) -> pd.DataFrame:
    """One line a row, best first; shares in percent.

    Args:
        comparison: what is in it.
        every: all columns, else those that matter most.
    """
    by_key = {column.key: column for column in COMPARISON_COLUMNS}
    chosen = [by_key[key] for key in _FIRST]
    if every:
        chosen += [column for column in COMPARISON_COLUMNS if column.key not in _FIRST]
    return comparison_frame(comparison, chosen)
