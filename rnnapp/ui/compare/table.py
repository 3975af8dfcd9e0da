"""The table of a comparison: sorts by a click on a head, downloads as CSV."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from rnnapp.evaluation.judge import Comparison
from rnnapp.figures.compare import assign_lines
from rnnapp.figures.tables import COMPARISON_COLUMNS, column_formats, comparison_frame

__all__ = ["show_table", "table_frame"]

_ORDER = (
    "rank",
    "name",
    "rmse",
    "rmse_sd",
    "skill",
    "beats",
    "set",
    "dm",
)
"""Columns that stand first; the others follow in the order of the report."""


def show_table(comparison: Comparison, *, live: bool = False) -> None:
    """The table, and its download once all is trained."""
    frame = table_frame(comparison)
    lines = assign_lines(comparison)
    colors = [f"color: {lines[name].color}" for name in frame["Forecast"]]
    formats: dict[Any, Any] = dict(column_formats(comparison))
    styled = frame.style.format(formats, na_rep="–")
    styled = styled.apply(lambda column: colors, subset=["Forecast"])
    columns: dict[str, Any] = {
        column.short: st.column_config.Column(column.short, help=column.help)
        for column in COMPARISON_COLUMNS
    }
    columns["Verdict"] = st.column_config.TextColumn("Verdict", width="large")
    st.dataframe(
        styled,
        hide_index=True,
        column_config=columns,
        height=37 + 35 * len(frame),
        placeholder="–",
        key=f"compare_table{'_live' * live}",
        alt=f"Metrics of {len(frame)} forecasts, best first. {comparison.verdict}",
    )


def table_frame(comparison: Comparison) -> pd.DataFrame:
    """One line a row, best first; shares in percent."""
    by_key = {column.key: column for column in COMPARISON_COLUMNS}
    first = [by_key[key] for key in _ORDER]
    rest = [column for column in COMPARISON_COLUMNS if column.key not in _ORDER]
    return comparison_frame(comparison, [*first, *rest])
