"""A comparison as one HTML file that needs nothing else: verdict, table, charts and settings."""

from __future__ import annotations

import contextlib
import html
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go
import plotly.io as pio

from rnnapp.configs import to_dict
from rnnapp.data.windows import PriceSplit
from rnnapp.errors import ConfigError
from rnnapp.evaluation.compare import SeedResult
from rnnapp.evaluation.judge import Comparison
from rnnapp.evaluation.strategy import long_or_flat
from rnnapp.figures.compare import (
    assign_lines,
    changes_figure,
    curves_figure,
    losses_figure,
    residuals_figure,
    strategy_figure,
)
from rnnapp.figures.tables import html_table

__all__ = ["compare_report"]

_STYLE = """
:root { color-scheme: light; }
body {
  font: 16px/1.5 system-ui, sans-serif; color: #1F2937;
  max-width: 1180px; margin: 2rem auto; padding: 0 1rem;
}
h1 { font-size: 1.45rem; line-height: 1.35; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.86rem; }
th, td {
  padding: 0.35rem 0.6rem; border-bottom: 1px solid #E5E7EB;
  text-align: right; white-space: nowrap;
}
.text { text-align: left; }
.quiet { color: #4B5563; font-size: 0.9rem; }
pre { overflow-x: auto; background: #F3F4F6; padding: 0.8rem; }
"""
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{name}: forecasts compared</title>
<style>{style}</style>
</head>
<body>
<h1>{verdict}</h1>
<p class="quiet">{about}</p>
{notes}
{first_figure}
<h2>Table</h2>
<div class="wide">{table}</div>
{figures}
<h2>Settings</h2>
<pre>{settings}</pre>
<p class="quiet">For learning about nets and forecasts. Nothing here is advice about money.</p>
</body>
</html>
"""
_ABOUT = (
    "{name}: {rows:,} rows, {tested:,} test {units} from {first} to {last}, {horizon} ahead. "
    "A band is the spread of the seeds."
)
_STRATEGY_TITLE = "On paper: long or flat by the forecast's sign, 0.1% a trade"


def compare_report(comparison: Comparison, split: PriceSplit, results: Sequence[SeedResult]) -> str:
    """The whole page as one string of HTML; charts keep their legends, hovers and zoom."""
    titled = _report_figures(comparison, results)
    figures = [
        _figure_html(title, figure, first=number == 0)
        for number, (title, figure) in enumerate(titled.items())
    ]
    first, last = np.datetime_as_string([split.boundary, split.test.dates[-1, -1]], unit="D")
    about = _ABOUT.format(
        name=split.prices.name,
        rows=len(split.prices),
        tested=len(split.test),
        units=split.prices.spacing.units,
        first=first,
        last=last,
        horizon=split.config.horizon,
    )
    return _PAGE.format(
        name=html.escape(split.prices.name),
        style=_STYLE,
        verdict=html.escape(comparison.verdict),
        about=html.escape(about),
        notes="".join(f'<p class="quiet">{html.escape(note)}</p>' for note in split.notes),
        first_figure=figures[0],
        table=html_table(comparison),
        figures="\n".join(figures[1:]),
        settings=html.escape(json.dumps(_settings_dict(comparison, split), indent=1)),
    )


def _report_figures(comparison: Comparison, results: Sequence[SeedResult]) -> dict[str, go.Figure]:
    """The figures by their titles, in the report's order."""
    figures = {"Forecasts": curves_figure(comparison), "Residuals": residuals_figure(comparison)}
    if not comparison.net_rows:
        return figures
    lines = assign_lines(comparison)
    figures["Changes"] = changes_figure(comparison)
    shown = [result for result in results if result.candidate.name in lines]
    figures["Training loss"] = losses_figure(shown, lines)
    with contextlib.suppress(ConfigError):  # a series that is not of prices has no gains
        followed = [long_or_flat(row.forecast) for row in comparison.net_rows]
        figures[_STRATEGY_TITLE] = strategy_figure(followed, lines)
    return figures


def _figure_html(title: str, figure: go.Figure, *, first: bool) -> str:
    figure.update_layout(template="plotly_white")
    drawn: str = pio.to_html(
        figure,
        include_plotlyjs=first,
        full_html=False,
        config={"displaylogo": False, "responsive": True},
    )
    return f"<h2>{html.escape(title)}</h2>{drawn}"


def _settings_dict(comparison: Comparison, split: PriceSplit) -> Mapping[str, Any]:
    nets = {row.name: row.candidate for row in comparison.net_rows if row.candidate is not None}
    return {
        "window": to_dict(split.config),
        "nets": {name: {**to_dict(one.model), **to_dict(one.train)} for name, one in nets.items()},
        "fingerprint": split.prices.fingerprint,
    }
