"""A comparison as one HTML file that needs nothing else: verdict, table, charts and settings."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import plotly.graph_objects as go

from rnnapp.configs import to_dict
from rnnapp.data.windows import PriceSplit
from rnnapp.errors import ConfigError
from rnnapp.evaluation.compare import SeedResult
from rnnapp.evaluation.judge import Comparison
from rnnapp.evaluation.sheet import comparison_sheet
from rnnapp.evaluation.strategy import long_or_flat
from rnnapp.figures.compare import (
    assign_lines,
    changes_figure,
    curves_figure,
    losses_figure,
    residuals_figure,
    strategy_figure,
)
from rnnapp.figures.html_page import code_html, figure_html, html_page, html_part, sheet_html
from rnnapp.figures.tables import html_table
from rnnapp.language import gettext as _
from rnnapp.language import mark as N_
from rnnapp.language import translate_again

__all__ = ["compare_report"]

_TITLE = N_("{name}: forecasts compared")
_ABOUT = N_(
    "{name}: {rows:,} rows, {tested:,} test {units} from {first} to {last}, {horizon} ahead. "
    "A band is the spread of the seeds."
)
_STRATEGY_TITLE = N_("On paper: long or flat by the forecast's sign, 0.1% a trade")


def compare_report(
    comparison: Comparison, split: PriceSplit, results: Sequence[SeedResult], *, looks: str = ""
) -> str:
    """The whole page as one string of HTML; charts keep their legends, hovers and zoom.

    Args:
        comparison: rows and verdict.
        split: the windows.
        results: the trainings behind it.
        looks: how many settings were seen on the test part, in a sentence.
    """
    titled = _report_figures(comparison, results)
    figures = [
        figure_html(title, figure, first=number == 0)
        for number, (title, figure) in enumerate(titled.items())
    ]
    first, last = np.datetime_as_string([split.boundary, split.test.dates[-1, -1]], unit="D")
    about = _(_ABOUT).format(
        name=split.prices.name,
        rows=len(split.prices),
        tested=len(split.test),
        units=split.prices.spacing.units,
        first=first,
        last=last,
        horizon=split.config.horizon,
    )
    sheet = comparison_sheet(comparison, split, results, looks=looks)
    return html_page(
        title=_(_TITLE).format(name=split.prices.name),
        headline=comparison.verdict,
        about=about,
        notes=tuple(map(translate_again, split.notes)),
        parts=(
            figures[0],
            html_part(_("Table"), f'<div class="wide">{html_table(comparison)}</div>'),
            *figures[1:],
            html_part(_("What a reader needs to judge this"), sheet_html(sheet)),
            html_part(
                _("Settings"), code_html(json.dumps(_settings_dict(comparison, split), indent=1))
            ),
        ),
    )


def _report_figures(comparison: Comparison, results: Sequence[SeedResult]) -> dict[str, go.Figure]:
    """The figures by their titles, in the report's order."""
    figures = {
        _("Forecasts"): curves_figure(comparison),
        _("Residuals"): residuals_figure(comparison),
    }
    if not comparison.net_rows:
        return figures
    lines = assign_lines(comparison)
    figures[_("Changes")] = changes_figure(comparison)
    shown = [result for result in results if result.candidate.name in lines]
    figures[_("Training loss")] = losses_figure(shown, lines)
    with contextlib.suppress(ConfigError):  # a series that is not of prices has no gains
        followed = [long_or_flat(row.forecast) for row in comparison.net_rows]
        figures[_(_STRATEGY_TITLE)] = strategy_figure(followed, lines)
    return figures


def _settings_dict(comparison: Comparison, split: PriceSplit) -> Mapping[str, Any]:
    nets = {row.name: row.candidate for row in comparison.net_rows if row.candidate is not None}
    return {
        "window": to_dict(split.config),
        "nets": {name: {**to_dict(one.model), **to_dict(one.train)} for name, one in nets.items()},
        "fingerprint": split.prices.fingerprint,
    }
