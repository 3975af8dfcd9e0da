"""The table of a comparison: sorts by a click on a head, downloads as CSV."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from rnnapp.evaluation.judge import Comparison, Row
from rnnapp.figures.compare import assign_lines

__all__ = ["show_table", "table_frame"]

_FORMATS: dict[Any, Any] = {
    "RMSE": "{:,.2f}", "RMSE ±": "{:.2f}", "MAE": "{:,.2f}", "MAE ±": "{:.2f}", "MAPE": "{:.2f}%", "MASE": "{:.3f}",
    "Skill": "{:+.1f}%", "Skill ±": "{:.1f}%", "Direction": "{:.1f}%", "from": "{:.0f}%", "to": "{:.0f}%", "Up days": "{:.1f}%",
    "DM p": "{:.3f}", "MCS p": "{:.3f}", "Seconds": "{:.2f}", "Lag": "{:.0f}", "Parameters": "{:,.0f}", "Seeds": "{:.0f}",
}  # fmt: skip
_HELP = {
    "RMSE": "Root mean squared error on test, index points, mean over seeds.",
    "RMSE ±": "Standard deviation over seeds.",
    "MAE": "Mean absolute error on test, index points.",
    "MASE": "MAE / the naive forecast's in training; below 1 is better than that.",
    "Skill": "1 − RMSE / persistence's RMSE.",
    "Direction": "Share of days whose direction was forecast right, among days that moved.",
    "from": "95% Wilson interval of the direction.",
    "to": "95% Wilson interval of the direction.",
    "Up days": "What always saying up scores.",
    "Lag": "Days late at which the forecast's changes match the actual's best; 1 repeats yesterday.",
    "DM p": "Diebold-Mariano against persistence, two-sided.",
    "MCS p": "Model confidence set; above 0.10 a forecast can't be told from the best.",
    "In set": "In the model confidence set at 10%.",
    "Beats": "Better than persistence: smaller errors, Diebold-Mariano one-sided at 10%, and more than luck among so many nets.",
    "Seconds": "Training time of a run.",
}


def show_table(comparison: Comparison, *, live: bool = False) -> None:
    """The table, and its download once all is trained."""
    frame = table_frame(comparison)
    lines = assign_lines(comparison)
    colors = [f"color: {lines[name].color}" for name in frame["Forecast"]]
    styled = frame.style.format(_FORMATS).apply(lambda column: colors, subset=["Forecast"])
    columns: dict[str, Any] = {
        name: st.column_config.Column(name, help=text) for name, text in _HELP.items()
    }
    columns["Verdict"] = st.column_config.TextColumn("Verdict", width="large")
    st.dataframe(
        styled, hide_index=True, column_config=columns, height=37 + 35 * len(frame), placeholder="–",
        key=f"compare_table{'_live' * live}", alt=f"Figures of {len(frame)} forecasts, best first. {comparison.verdict}",
    )  # fmt: skip


def table_frame(comparison: Comparison) -> pd.DataFrame:
    """One line a row, best first; shares in percent."""
    return pd.DataFrame([_line(row) for row in comparison.rows])


def _line(row: Row) -> dict[str, object]:
    judged, mean, sd = row.evaluation, row.mean, row.sd
    low, high = judged.directional_interval
    return {
        "Rank": row.rank, "Forecast": row.name, "RMSE": mean["rmse"], "RMSE ±": sd["rmse"], "Skill": 100 * mean["skill"],
        "Beats": row.beats_persistence, "In set": row.in_confidence_set, "MAE": mean["mae"], "MAE ±": sd["mae"],
        "MAPE": mean["mape"], "MASE": mean["mase"], "Skill ±": 100 * sd["skill"],
        "Direction": 100 * mean["directional_accuracy"], "from": 100 * low, "to": 100 * high, "Up days": 100 * judged.base_rate,
        "Lag": judged.best_lag, "DM p": judged.dm_p, "MCS p": row.mcs_p, "Parameters": row.parameters or None,
        "Seconds": row.seconds if row.kind == "net" else None, "Seeds": len(row.runs) - row.failed if row.kind == "net" else None,
        "Verdict": row.verdict,
    }  # fmt: skip
