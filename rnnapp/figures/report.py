"""A comparison as one HTML file that needs nothing else: the sentence, the table, the charts and the settings."""

from __future__ import annotations

import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio

from rnnapp.configs import to_dict
from rnnapp.data.windows import PriceSplit
from rnnapp.evaluation.compare import SeedResult
from rnnapp.evaluation.judge import Comparison, Row
from rnnapp.evaluation.strategy import long_or_flat
from rnnapp.figures.compare import (
    assign_lines,
    changes_figure,
    curves_figure,
    losses_figure,
    residuals_figure,
    strategy_figure,
)

__all__ = ["TABLE", "compare_report", "markdown_table", "table_cells"]

TABLE: dict[str, str] = {
    "rank": "Rank",
    "name": "Forecast",
    "rmse": "RMSE, points",
    "mae": "MAE, points",
    "mape": "MAPE, %",
    "mase": "MASE",
    "skill": "Skill, %",
    "direction": "Direction right, %",
    "best_lag": "Best lag, days",
    "dm": "DM p",
    "set": "In the set",
    "beats": "Beats persistence",
    "parameters": "Parameters",
    "seconds": "Seconds",
    "seeds": "Seeds",
    "verdict": "Verdict",
}
"""Columns of the table for people."""

_STYLE = """
:root { color-scheme: light; }
body { font: 16px/1.5 system-ui, sans-serif; color: #1F2937; max-width: 1180px; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.45rem; line-height: 1.35; } h2 { font-size: 1.1rem; margin-top: 2rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: 0.86rem; }
th, td { padding: 0.35rem 0.6rem; border-bottom: 1px solid #E5E7EB; text-align: right; white-space: nowrap; }
th:nth-child(2), td:nth-child(2), th:last-child, td:last-child { text-align: left; }
.quiet { color: #4B5563; font-size: 0.9rem; } pre { overflow-x: auto; background: #F3F4F6; padding: 0.8rem; }
"""


def compare_report(comparison: Comparison, split: PriceSplit, results: Sequence[SeedResult]) -> str:
    """The whole page as one string of HTML; charts keep their legends, hovers and zoom."""
    charts = _report_figures(comparison, results)
    parts = [
        _figure_html(title, figure, first=i == 0)
        for i, (title, figure) in enumerate(charts.items())
    ]
    known, tested = np.datetime_as_string([split.boundary, split.test.dates[-1, -1]], unit="D")
    about = (
        f"{split.prices.name}: {len(split.prices):,} rows, {len(split.test):,} test days from {known} to {tested}, "
        f"{split.config.horizon} ahead. A band is the spread of the seeds."
    )
    return "\n".join(
        [
            '<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
            f"<title>{html.escape(split.prices.name)}: forecasts compared</title><style>{_STYLE}</style></head><body>",
            f"<h1>{html.escape(comparison.verdict)}</h1><p class='quiet'>{html.escape(about)}</p>",
            *(f"<p class='quiet'>{html.escape(note)}</p>" for note in split.notes),
            parts[0],
            "<h2>Table</h2>" + _table_html(comparison),
            *parts[1:],
            f"<h2>Settings</h2><pre>{html.escape(json.dumps(_settings_dict(comparison, split), indent=1))}</pre>",
            "<p class='quiet'>For learning about nets and forecasts. Nothing here is advice about money.</p></body></html>",
        ]
    )


def table_cells(row: Row) -> dict[str, str]:
    """A row as people read it, by the keys of :data:`TABLE`: mean ± sd over seeds."""
    judged = row.evaluation
    low, high = judged.directional_interval
    direction = _mean_and_sd(row, "directional_accuracy", "{:.1f}", 100)
    return {
        "rank": str(row.rank),
        "name": row.name,
        "rmse": _mean_and_sd(row, "rmse", "{:,.2f}"),
        "mae": _mean_and_sd(row, "mae", "{:,.2f}"),
        "mape": _mean_and_sd(row, "mape", "{:.3f}"),
        "mase": _mean_and_sd(row, "mase", "{:.3f}"),
        "skill": _mean_and_sd(row, "skill", "{:+.1f}", 100),
        "direction": f"{direction} [{100 * low:.0f}, {100 * high:.0f}]"
        if direction != "–"
        else "–",
        "best_lag": "–" if judged.best_lag is None else str(judged.best_lag),
        "dm": "–" if row.name == "Persistence" else _format_number(judged.dm_p, "{:.3f}"),
        "set": "yes" if row.in_confidence_set else "no",
        "beats": "yes" if row.beats_persistence else "no",
        "parameters": f"{row.parameters:,}" if row.parameters else "–",
        "seconds": f"{row.seconds:.2f}" if row.kind == "net" else "–",
        "seeds": str(len(row.runs) - row.failed) if row.kind == "net" else "–",
        "verdict": row.verdict,
    }


def markdown_table(comparison: Comparison, columns: Sequence[str] = tuple(TABLE)) -> str:
    """The table as Markdown."""
    lines = ["| " + " | ".join(TABLE[c] for c in columns) + " |"]
    lines.append(
        "|" + "|".join("---" if c in ("name", "verdict") else "---:" for c in columns) + "|"
    )
    for row in comparison.rows:
        cells = table_cells(row)
        lines.append("| " + " | ".join(cells[c] for c in columns) + " |")
    return "\n".join(lines)


def _report_figures(comparison: Comparison, results: Sequence[SeedResult]) -> dict[str, go.Figure]:
    charts = {"Forecasts": curves_figure(comparison), "Residuals": residuals_figure(comparison)}
    if comparison.net_rows:
        lines = assign_lines(comparison)
        charts["Changes"] = changes_figure(comparison)
        shown = [result for result in results if result.candidate.name in lines]
        charts["Training loss"] = losses_figure(shown, lines)
        followed = [long_or_flat(row.forecast) for row in comparison.net_rows]
        charts["On paper: long or flat by the forecast's sign, 0.1% a trade"] = strategy_figure(
            followed, lines
        )
    return charts


def _figure_html(title: str, figure: go.Figure, *, first: bool) -> str:
    figure.update_layout(template="plotly_white")
    drawn: str = pio.to_html(
        figure,
        include_plotlyjs=first,
        full_html=False,
        config={"displaylogo": False, "responsive": True},
    )
    return f"<h2>{html.escape(title)}</h2>{drawn}"


def _table_html(comparison: Comparison) -> str:
    head = "".join(f"<th>{html.escape(label)}</th>" for label in TABLE.values())
    body = ""
    for row in comparison.rows:
        cells = table_cells(row)
        body += "<tr>" + "".join(f"<td>{html.escape(cells[key])}</td>" for key in TABLE) + "</tr>"
    return f"<div class='wide'><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"


def _settings_dict(comparison: Comparison, split: PriceSplit) -> Mapping[str, Any]:
    nets = {row.name: row.candidate for row in comparison.net_rows if row.candidate is not None}
    return {
        "window": to_dict(split.config),
        "nets": {name: {**to_dict(one.model), **to_dict(one.train)} for name, one in nets.items()},
        "fingerprint": split.prices.fingerprint,
    }


def _mean_and_sd(row: Row, name: str, form: str, scale: float = 1.0) -> str:
    mean, sd = row.mean[name], row.sd[name]
    if not np.isfinite(mean):
        return "–"
    spread = f" ± {form.replace('+', '').format(scale * sd)}" if np.isfinite(sd) else ""
    return form.format(scale * mean) + spread


def _format_number(value: float, form: str) -> str:
    return form.format(value) if np.isfinite(value) else "–"
